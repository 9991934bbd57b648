package audit

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/zeebo/xxh3"
)

const (
	languageSample = 4000 // examples that are looked at: half a per cent of them are 20
	languageText   = 1000 // bytes of each
	languageShare  = .005 // from which a language is told
	languageLines  = 50   // of each language that are named
)

// languageMix counts in which languages examples are written. Telling the language of all would take longer than all
// other rules together, so a sample is looked at: examples whose digest is small, the same however they are ordered.
type languageMix struct {
	lexicon *lexicon
	below   uint64           // digests
	lines   map[string][]int // by language, the first ones
	counts  map[string]int
	looked  int
}

func newLanguageMix(s *study) inquiry {
	q := &languageMix{lexicon: newLexicon(), below: math.MaxUint64, lines: map[string][]int{}, counts: map[string]int{}}
	if n := s.train.stats.Examples; n > languageSample {
		q.below = math.MaxUint64 / uint64(n) * languageSample
	}
	return q
}

func (q *languageMix) eye() eye { return &languageEye{q: q} }

func (q *languageMix) take(seen any) {
	for _, s := range seen.([]spoken) {
		q.looked++
		if s.language == "" {
			continue
		}
		q.counts[s.language]++
		if len(q.lines[s.language]) < languageLines {
			q.lines[s.language] = append(q.lines[s.language], int(s.line))
		}
	}
}

func (q *languageMix) report(report report) error {
	clear := 0
	for _, n := range q.counts {
		clear += n
	}
	var told []string
	var lines []int
	for i, name := range slices.SortedFunc(maps.Keys(q.counts), func(a, b string) int {
		return cmp.Or(q.counts[b]-q.counts[a], strings.Compare(a, b))
	}) {
		n := q.counts[name]
		share := float64(n) / float64(clear)
		if i > 0 && (n < 3 || share < languageShare) {
			break
		}
		s := name + " " + percent(share)
		if i > 0 {
			s += " (" + lineList(q.lines[name]) + ")"
			lines = append(lines, q.lines[name]...)
		}
		told = append(told, s)
	}
	if len(told) < 2 {
		return nil
	}
	slices.Sort(lines)
	report(diag.Finding{
		Line: lines[0], Lines: lines,
		Message: fmt.Sprintf("examples in several languages: %s, of %d whose language is clear among %d looked at", strings.Join(told, ", "), clear, q.looked),
		Hint:    "see whether all are meant, and whether the tests ask in the same ones",
	})
	return nil
}

// lineList names the first few lines.
func lineList(lines []int) string {
	const most = 5
	s := strings.Trim(fmt.Sprint(lines[:min(most, len(lines))]), "[]")
	s = strings.ReplaceAll(s, " ", ", ")
	switch {
	case len(lines) > most:
		return "lines " + s + ", …"
	case len(lines) > 1:
		return "lines " + s
	}
	return "line " + s
}

type spoken struct {
	line     int32
	language string // "" where it is not clear
}

type languageEye struct {
	q    *languageMix
	seen []spoken
	text []byte
}

func (e *languageEye) row(row *dataset.Row) {
	if xxh3.Hash(row.Raw) > e.q.below {
		return
	}
	e.text = e.text[:0]
	for i := range row.Messages {
		if m := &row.Messages[i]; !isSystem(m.Role) && len(e.text) < languageText {
			e.text = append(append(e.text, m.Content[:min(len(m.Content), languageText-len(e.text))]...), '\n')
		}
	}
	e.seen = append(e.seen, spoken{int32(row.Line), e.q.lexicon.language(string(e.text))})
}

func (e *languageEye) done() any {
	seen := e.seen
	e.seen = nil
	return seen
}
