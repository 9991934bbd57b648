package audit

import (
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/zeebo/xxh3"
)

// textRules are the rules that look at texts, by the characters at which they do. It is read-only once made.
type textRules struct {
	marks  marks
	byMark [256][]*Rule
}

func newTextRules(rules []Rule) *textRules {
	t := &textRules{marks: newMarks()}
	for i := range rules {
		r := &rules[i]
		for _, c := range []byte(r.Check.Marks) {
			t.marks.add(c)
			t.byMark[c] = append(t.byMark[c], r)
		}
	}
	return t
}

// maxPerText bounds the findings that one hostile text can cause.
const maxPerText = 20

// scan applies the text rules to all that a row says, rows with problems included: a secret is one there, too. It
// reports whether any applied.
func (w *worker) scan(row *dataset.Row) bool {
	before := len(w.out.spots)
	eachText(row, func(i int, content bool, depth int, text string) {
		var hash xxh3.Uint128
		if len(text) >= clearedLeast {
			if hash = w.hashes.of(text); w.cleared.has(hash, depth) {
				return
			}
		}
		s := textScan{row: row, message: i, content: content}
		w.matched = w.matched[:0]
		w.scanText(&s, text, 0, false)
		if text[0] == '{' || text[0] == '[' {
			eachEscaped(text, depth, func(inner string, from int) bool { return w.scanText(&s, inner, from, true) })
		}
		if len(text) >= clearedLeast && s.found+s.deep == 0 {
			w.cleared.add(hash, depth)
		}
	})
	return len(w.out.spots) > before
}

// eachText calls f with the texts of a row that are not empty: the message, -1 for none; whether it is its content; and how
// deep the text lies in strings of JSON, see eachEscaped.
func eachText(row *dataset.Row, f func(message int, content bool, depth int, text string)) {
	for i := range row.Messages {
		m := &row.Messages[i]
		if m.Content != "" {
			f(i, true, 1, m.Content)
		}
		for _, text := range [...]string{m.Name, m.Refusal} {
			if text != "" {
				f(i, false, 1, text)
			}
		}
		for _, text := range [...]string{m.ToolCalls, m.FunctionCall} {
			if text != "" {
				f(i, false, 0, text)
			}
		}
	}
	for _, text := range [...]string{row.Tools, row.Functions} {
		if text != "" {
			f(-1, false, 0, text)
		}
	}
}

// textScan is a text of a row, and how much was found in it.
type textScan struct {
	row         *dataset.Row
	message     int  // -1: of none
	content     bool // of the message
	found, deep int
}

// match is what a rule found.
type match struct {
	rule *Rule
	text string
}

// scanText looks at a text, or (inner) at what stands in it behind escapes, less what was found already; of a match, some has to
// lie behind from. A place in the content of a message is reported exactly, one in another text or behind an escape at the message, one in the
// row's tools at the row. It reports whether it saw anything.
func (w *worker) scanText(s *textScan, text string, from int, inner bool) (saw bool) {
	after := 0 // the end of the last match: no rule looks into it again
	for at := range w.texts.marks.in(text) {
		if s.found >= maxPerText {
			break
		}
		for _, r := range w.texts.byMark[text[at]] {
			if r.Deep && s.deep == maxPerText {
				continue // so that a list of addresses hides no key behind it
			}
			start, end, ok := r.Check.At(text, at)
			if !ok || start < after || !liesBehind(text, start, end, from) {
				continue
			}
			after, saw = end, true
			if inner && slices.ContainsFunc(w.matched, func(m match) bool { return m.rule == r && strings.Contains(m.text, text[start:end]) }) {
				continue
			}
			w.matched = append(w.matched, match{r, text[start:end]})
			if r.Deep {
				s.deep++
			} else {
				s.found++
			}
			said, col := w.describe(r, text[start:end]), 0
			switch said.times++; {
			case said.times > foldAbove: // folded into one that stands earlier, and measuring is slow
			case s.content && !inner:
				col = s.row.Col(s.message, start)
			case s.message >= 0:
				col = s.row.Col(s.message, 0)
			}
			w.find(s.row.Line, col, said)
		}
	}
	return saw
}

// describe remembers what is said of short matches: one token may stand on every row.
func (w *worker) describe(r *Rule, match string) *saying {
	if d := w.said[match]; d != nil && d.rule == r.Name {
		return d
	}
	message, hint := r.Check.Seen(strings.Clone(match))
	d := &saying{rule: r.Name, message: message, hint: hint}
	if len(match) <= 32 && len(w.said) < 100 {
		w.said[strings.Clone(match)] = d
	}
	return d
}
