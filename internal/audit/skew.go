package audit

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/zeebo/xxh3"
)

const (
	skewPrompt = 2000    // bytes of a prompt that are looked at
	skewRows   = 20      // fewest examples that name a group for it to be compared
	skewP      = .01     // corrected for the number of attributes compared
	skewV      = .1      // Cramér's V below which a difference is small (Cohen 1988)
	skewPoints = .05     // least difference of the shares
	skewLabels = 20      // more different answers say what is asked for, not what is decided: groups differ in that
	skewPairs  = 1 << 19 // prompts remembered to find pairs: about 50 MB
)

// groupSkew asks whether answers depend on the group that a person named in the prompt belongs to: over all examples, by a test of
// independence between group and answer; and in pairs of prompts that are the same but for the group.
type groupSkew struct {
	words  *vocabulary
	labels map[string]int // answers; nil where answers are free text: then it is refusals that are compared
	names  []string       // of the answers
	counts [attributes][][]int
	lines  map[skewCell][]int // the first ones
	first  map[uint64]skewRow // by prompt without its groups
	pairs  [][2]skewRow
	file   string
}

type skewCell struct {
	of     attribute
	group  int8
	answer int
}

func newGroupSkew(s *study) inquiry {
	q := &groupSkew{words: newVocabulary(), names: []string{"an answer", "a refusal"}, lines: map[skewCell][]int{}, first: map[uint64]skewRow{}, file: s.train.stats.File}
	if labels := s.train.labelSet(); labels != nil {
		q.labels, q.names = map[string]int{}, nil
		for i, l := range labels {
			q.labels[l.Answer] = i
			q.names = append(q.names, quoted(l.Answer))
		}
	}
	for of := range q.counts {
		q.counts[of] = make([][]int, len(q.words.names[of]))
	}
	return q
}

// skewRow is an example whose prompt names a group.
type skewRow struct {
	line   int32
	answer int32            // index of the name
	groups [attributes]int8 // -1 for none, -2 for several
	who    uint64           // digest of the groups in order
	prompt uint64           // digest without them; 0 where the prompt is long
	paired bool             // has given a pair
}

func (q *groupSkew) eye() eye { return &skewEye{q: q} }

type skewEye struct {
	q        *groupSkew
	seen     []skewRow
	mentions []mention
	text     []byte
}

func (e *skewEye) row(row *dataset.Row) {
	last := len(row.Messages) - 1
	for last > 0 && !row.Messages[last].Trained() {
		last--
	}
	// One user's text is looked at where it is; only several are put together.
	var text string
	long := false
	for i := range row.Messages[:last] {
		m := &row.Messages[i]
		switch {
		case m.Role != "user":
		case text == "":
			text = m.Content
		default:
			e.text = append(append(append(e.text[:0], text...), '\n'), m.Content[:min(len(m.Content), skewPrompt)]...)
			text = string(e.text)
		}
		if len(text) > skewPrompt {
			text, long = text[:skewPrompt], true
			break
		}
	}
	e.mentions = e.q.words.mentions(e.mentions[:0], text)
	if len(e.mentions) == 0 {
		return
	}
	answer, ok := e.q.answer(&row.Messages[last])
	if !ok {
		return
	}
	r := skewRow{line: int32(row.Line), answer: int32(answer), groups: [attributes]int8{-1, -1, -1, -1}}
	r.who = 1
	for _, m := range e.mentions {
		r.who = r.who*1_000_003 + uint64(m.of)<<8 + uint64(m.group)
		switch g := &r.groups[m.of]; *g {
		case -1, m.group:
			*g = m.group
		default:
			*g = -2
		}
	}
	if !long {
		r.prompt = e.masked(text)
	}
	e.seen = append(e.seen, r)
}

func (e *skewEye) done() any {
	seen := e.seen
	e.seen = nil
	return seen
}

// masked is the digest of the text with an attribute in the place of each group, case aside, and without the article
// ahead of it, which goes with the word.
func (e *skewEye) masked(text string) uint64 {
	out, at := e.text[:0], 0
	for _, m := range e.mentions {
		before := text[at:m.start]
		for _, article := range [...]string{"a ", "an ", "A ", "An "} {
			if n := len(before) - len(article); n >= 0 && before[n:] == article && (n == 0 || !isWord(before[n-1])) {
				before = before[:n]
				break
			}
		}
		out = append(append(out, before...), 0, byte(m.of))
		at = m.end
	}
	out = append(out, text[at:]...)
	for i, c := range out {
		if c >= 'A' && c <= 'Z' {
			out[i] = c | 0x20
		}
	}
	e.text = out
	return xxh3.Hash(out) | 1
}

// answer tells the kind of an answer: which label, or whether it is a refusal.
func (q *groupSkew) answer(m *dataset.Message) (int, bool) {
	if q.labels != nil {
		i, ok := q.labels[strings.TrimSpace(m.Content)]
		return i, ok
	}
	if m.Refusal != "" || refuses(m.Content) {
		return 1, true
	}
	return 0, true
}

// refuses reports an answer that starts by declining, in English.
func refuses(answer string) bool {
	s := strings.ToLower(strings.ReplaceAll(answer[:min(len(answer), 120)], "’", "'"))
	for again := true; again; {
		again = false
		for _, opening := range [...]string{"i'm sorry", "i am sorry", "sorry", "i apologize", "i apologise", "unfortunately", "as an ai language model", "as an ai assistant", "as an ai", ",", ".", " ", "but ", "however"} {
			if rest, ok := strings.CutPrefix(s, opening); ok {
				s, again = rest, true
			}
		}
	}
	for _, no := range [...]string{"i can't ", "i cannot ", "i can not ", "i'm unable to", "i am unable to", "i'm not able to", "i am not able to", "i won't ", "i will not ", "i must decline", "i have to decline", "we can't ", "we cannot ", "we are unable to"} {
		if strings.HasPrefix(s, no) {
			return true
		}
	}
	return false
}

func (q *groupSkew) take(seen any) {
	for _, r := range seen.([]skewRow) {
		for of, group := range r.groups {
			if group < 0 {
				continue
			}
			counts := &q.counts[of][group]
			if *counts == nil {
				*counts = make([]int, len(q.names))
			}
			(*counts)[r.answer]++
			cell := skewCell{attribute(of), group, int(r.answer)}
			if len(q.lines[cell]) < 6 { // one more than are named
				q.lines[cell] = append(q.lines[cell], int(r.line))
			}
		}
		if r.prompt == 0 {
			continue
		}
		first, ok := q.first[r.prompt]
		switch {
		case !ok && len(q.first) < skewPairs:
			q.first[r.prompt] = r
		case ok && first.who != r.who && first.answer != r.answer:
			r.paired = first.paired // one pair of a prompt counts in the test of directions, since the others are no news
			q.pairs = append(q.pairs, [2]skewRow{first, r})
			first.paired = true
			q.first[r.prompt] = first
		}
	}
}

func (q *groupSkew) report(report report) error {
	type tested struct {
		of     attribute
		groups []int8
		association
	}
	var tests []tested
	for of := range attributes {
		t := tested{of: of}
		var table [][]int
		for group, counts := range q.counts[of] {
			n := 0
			for _, c := range counts {
				n += c
			}
			if n >= skewRows {
				t.groups, table = append(t.groups, int8(group)), append(table, counts)
			}
		}
		if len(q.names) > skewLabels {
			continue
		}
		if a, ok := associate(table); ok {
			t.association = a
			tests = append(tests, t)
		}
	}
	slices.SortStableFunc(tests, func(a, b tested) int { return cmp.Compare(a.P, b.P) })
	p := 0.0
	for i, t := range tests {
		p = holm(t.P, p, i, len(tests))
		if p >= skewP || t.V < skewV || math.Abs(t.Share-t.Rest) < skewPoints {
			continue
		}
		others := "the others"
		if len(t.groups) == 2 {
			others = "those that name " + q.words.names[t.of][t.groups[1-t.Row]]
		}
		report(diag.Finding{
			Message: fmt.Sprintf("answers differ by the %s named in the prompt: %s in %s of the %d examples that name %s (%s), in %s of %s (%d); difference %+.0f points (95 %% interval %+.0f to %+.0f), "+
				"chi-square %.3g with %s, %s after correction for %s, Cramér's V %.2f",
				t.of, q.names[t.Col], percent(t.Share), t.RowN, q.words.names[t.of][t.groups[t.Row]], lineList(q.lines[skewCell{t.of, t.groups[t.Row], t.Col}]),
				percent(t.Rest), others, t.Left, 100*(t.Share-t.Rest), 100*t.Lo, 100*t.Hi,
				t.ChiSquare, plural(t.Freedom, "degree of freedom", "degrees of freedom"), chance(p), plural(len(tests), "test", "tests"), t.V),
			Hint: "see whether answers should depend on that; else balance the examples, or take the words out",
		})
	}
	q.reportDirections(report)
	for _, p := range q.pairs {
		report(q.pairFinding(p[0], p[1]))
	}
	return nil
}

// chance prints a p-value.
func chance(p float64) string {
	if p < .0001 {
		return "p < 0.0001"
	}
	return fmt.Sprintf("p = %.2g", p)
}
