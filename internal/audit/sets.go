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
)

func (s *set) duplicateShare() float64 {
	if s.stats.Examples == 0 {
		return 0
	}
	return float64(len(s.copies)) / float64(s.stats.Examples)
}

func reportDuplicates(s *set, report report) {
	for _, p := range s.copies {
		report(s.pairFinding(p, fmt.Sprintf("same example as line %d", p.first), "keep one of them"))
	}
	if share := s.duplicateShare(); share > s.policy.MaxDuplicates {
		report(diag.Finding{
			Message: fmt.Sprintf("%d of %d examples (%s) are copies of others, more than max_duplicates (%s)",
				len(s.copies), s.stats.Examples, percent(share), percent(s.policy.MaxDuplicates)),
			Hint: "remove the copies, or raise max_duplicates if they are meant",
		})
	}
}

func reportContradictions(s *set, report report) {
	for _, p := range s.contradictions {
		report(s.pairFinding(p, fmt.Sprintf("same prompt as line %d, different answer", p.first), "decide which answer is right, and remove the other"))
	}
}

// pairFinding stands at the second line and for both: neither is more at fault.
func (s *set) pairFinding(p pair, message, hint string) diag.Finding {
	return diag.Finding{
		Line: int(p.second), Message: message, Hint: hint,
		Related: []diag.Place{s.place(p.first)}, Lines: []int{int(p.first), int(p.second)},
	}
}

func tooFew(s *set, report report) {
	if n := s.stats.Examples; n < s.policy.MinExamples {
		f := diag.Finding{
			Message: fmt.Sprintf("%s without problems, fewer than the %d that a fine-tune takes", plural(n, "example", "examples"), s.policy.MinExamples),
			Hint:    "50 to 100 good examples are a start",
		}
		if bad := s.stats.Rows - n; bad > 0 { // then this is no more than what comes of them
			f.Last = true
			f.Hint = plural(bad, "row with problems does not count: mend it", "rows with problems do not count: mend them") + " first; " + f.Hint
		}
		report(f)
	}
}

func tooLong(c *rowContext, row *dataset.Row, report report) {
	if c.limit > 0 && c.tokens > c.limit {
		report(diag.Finding{
			Line:    row.Line,
			Message: fmt.Sprintf("example of %d tokens, more than the %d that the model trains on", c.tokens, c.limit),
			Hint:    "shorten or split it: its end is cut off",
		})
	}
}

func reportBlankLines(s *set, report report) {
	n, more := 0, 0
	for _, r := range s.blank {
		for line := r.start; line < r.end; line++ {
			if n++; n > maxBlank {
				more += int(r.end - line)
				break
			}
			report(diag.Finding{Line: int(line), Message: "blank line", Hint: "remove it"})
		}
	}
	if more > 0 {
		report(diag.Finding{Message: fmt.Sprintf("%d more blank lines", more), Hint: "remove them"})
	}
}

// maxBlank is how many blank lines are named: a few bytes of a hostile archive may hold millions.
const maxBlank = 1 << 20

// unknownKey is a key that no format has: where it first stood, and on how many rows.
type unknownKey struct {
	at   unknownAt
	rows int
}

type unknownAt struct {
	name      string
	line, col int
}

// maxUnknown bounds how many different keys are kept: hostile rows may have any number.
const maxUnknown = 100

func (s *set) addUnknown(keys []unknownAt) {
	for _, k := range keys {
		if u := s.unknown[k.name]; u != nil {
			u.rows++
		} else if len(s.unknown) < maxUnknown {
			s.unknown[k.name] = &unknownKey{at: k, rows: 1}
		}
	}
}

func reportUnknownKeys(s *set, report report) {
	for _, name := range slices.Sorted(maps.Keys(s.unknown)) {
		u := s.unknown[name]
		times := ""
		if u.rows > 1 {
			times = fmt.Sprintf(" (%d times)", u.rows)
		}
		hint := "nothing is lost if the training does not need it; else correct it"
		if known := meant(name); known != "" {
			hint = "did you mean " + known + "?"
		}
		report(diag.Finding{
			Line: u.at.line, Col: u.at.col, Message: fmt.Sprintf("key %s is not part of the format, and is left out%s", quoted(name), times), Hint: hint,
		})
	}
}

// meant returns the key that name is a misspelling of: one letter more, less or other, or two swapped.
func meant(name string) string {
	for _, known := range []string{"messages", "conversations", "role", "content", "weight", "name", "tools", "tool_calls", "tool_call_id",
		"function_call", "functions", "parallel_tool_calls", "prompt", "completion", "instruction", "input", "output", "system"} {
		a, b := strings.ToLower(name), known
		for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
			a, b = a[1:], b[1:]
		}
		for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
			a, b = a[:len(a)-1], b[:len(b)-1]
		}
		if len(a) <= 1 && len(b) <= 1 || len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0] {
			return known
		}
	}
	return ""
}

func plural(n int, one, many string) string {
	if n == 1 {
		many = one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// quoted quotes text from a file for a message, shortened.
func quoted(s string) string {
	if r := []rune(s); len(r) > 40 {
		s = string(r[:40]) + "…"
	}
	return fmt.Sprintf("%q", s)
}

func (s *set) lengths() Lengths {
	l := Lengths{Unit: "bytes"}
	if s.counted {
		l.Unit = "tokens"
	}
	if len(s.sizes) == 0 {
		return l
	}
	sorted := s.sorted()
	l.Min, l.Max = int(sorted[0]), int(sorted[len(sorted)-1])
	l.P50, l.P90, l.P99 = rank(sorted, .5), rank(sorted, .9), rank(sorted, .99)
	return l
}

// sorted returns the sizes in order.
func (s *set) sorted() []int32 {
	if s.inOrder == nil {
		s.inOrder = ascending(s.sizes)
	}
	return s.inOrder
}

// ascending returns the sizes in order. Where rows are many, few are longer than there are rows: to count each size is quicker then
// than to compare them.
func ascending(sizes []int32) []int32 {
	sorted := slices.Clone(sizes)
	if len(sizes) == 0 || int(slices.Max(sizes)) > 4*len(sizes) {
		slices.Sort(sorted)
		return sorted
	}
	counts := make([]int32, slices.Max(sizes)+1)
	for _, size := range sizes {
		counts[size]++
	}
	sorted = sorted[:0]
	for size, n := range counts {
		for range n {
			sorted = append(sorted, int32(size))
		}
	}
	return sorted
}

// rank returns the nearest-rank quantile.
func rank(sorted []int32, q float64) int {
	return int(sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)])
}

func outliers(s *set, report report) {
	if len(s.sizes) < 20 {
		return
	}
	sorted := s.sorted()
	q1, q2, q3 := rank(sorted, .25), rank(sorted, .5), rank(sorted, .75)
	log := func(n int) float64 { return math.Log(float64(max(n, 1))) }
	fence := max(math.Exp(log(q3)+3*(log(q3)-log(q1))), 4*float64(q2))
	var lines []int
	first := 0
	for i, n := range s.sizes {
		if float64(n) > fence {
			if len(lines) == 0 {
				first = int(n)
			}
			lines = append(lines, int(s.lines[i]))
		}
	}
	if len(lines) == 0 {
		return
	}
	unit := s.lengths().Unit
	report(diag.Finding{
		Line: lines[0], Lines: lines,
		Message: fmt.Sprintf("%s longer than %d %s, where half have at most %d; this one has %d", plural(len(lines), "example is", "examples are"), int(fence), unit, q2, first),
		Hint:    "see whether they belong here: one long example costs as much as many short ones",
	})
}

const (
	maxLabel     = 100  // bytes of an answer that may be a label
	maxLabels    = 1000 // different ones, above which answers are no labels
	trackedLimit = 20 * maxLabels
)

// labels counts short answers, until there are so many different ones that they are no labels.
type labels struct {
	counts map[string]int
	gaveUp bool
}

func (l *labels) add(y *yield) {
	if l.gaveUp {
		return
	}
	if l.counts == nil {
		l.counts = map[string]int{}
	}
	for _, e := range y.examples {
		if e.label >= 0 {
			l.counts[y.labels[e.label]]++
		}
	}
	if len(l.counts) > trackedLimit {
		l.counts, l.gaveUp = nil, true
	}
}

// labelSet returns the answers that repeat, most frequent first; nil where most answers do not.
func (s *set) labelSet() []Label {
	var out []Label
	covered := 0
	for answer, n := range s.labels.counts {
		if n > 1 {
			out = append(out, Label{answer, n})
			covered += n
		}
	}
	if len(out) > maxLabels || covered*5 < s.stats.Examples*4 {
		return nil
	}
	slices.SortFunc(out, func(a, b Label) int { return cmp.Or(b.Count-a.Count, cmp.Compare(a.Answer, b.Answer)) })
	return out
}

func imbalance(s *set, report report) {
	ls := s.labelSet()
	if len(ls) < 2 {
		return
	}
	most, middle := ls[0], ls[len(ls)/2]
	if most.Count >= 10*middle.Count {
		report(diag.Finding{
			Message: fmt.Sprintf("answer %s stands %d times, the one in the middle of %d answers (%s) %d times", quoted(most.Answer), most.Count, len(ls), quoted(middle.Answer), middle.Count),
			Hint:    "add examples of the rare answers, or fewer of the frequent one, unless requests really come like that",
		})
	}
	var rare []string
	n := 0
	for _, answer := range slices.Sorted(maps.Keys(s.labels.counts)) {
		if s.labels.counts[answer] <= 2 {
			if n++; n <= 5 {
				rare = append(rare, quoted(answer))
			}
		}
	}
	if n > 0 && s.stats.Examples >= 50 {
		report(diag.Finding{
			Message: fmt.Sprintf("%s only once or twice, such as %s", plural(n, "answer stands", "answers stand"), strings.Join(rare, ", ")),
			Hint:    "add examples of them, or see whether they are misspelt",
		})
	}
}
