package audit

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"strings"
	"unicode"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/suite"
)

// giveaway is a row that gives tests away.
type giveaway struct {
	line     int32
	tests    []int   // lines of the tests
	verbatim bool    // it has the prompt of a test
	alike    float64 // how alike it is to the closest test, 0 to 1
}

// giveaways returns the lines to drop for the sake of the tests: those with the prompt of a test, and of those that are only
// like one, the closest, until no more tests are given away than the policy allows. What is like a test by chance is left.
func (j Job) giveaways(ctx context.Context, fs []diag.Finding) ([]int32, error) {
	byLine := map[int32][]int{}
	for _, f := range fs {
		if f.Rule != "contamination" || f.File != j.Train.Name() || f.Line == 0 {
			continue
		}
		var tests []int
		for _, p := range f.Related {
			tests = append(tests, p.Line)
		}
		for _, line := range append(slices.Clone(f.Lines), f.Line) {
			byLine[int32(line)] = append(byLine[int32(line)], tests...)
		}
	}
	if len(byLine) == 0 {
		return nil, nil
	}
	found, err := j.closeness(ctx, byLine)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b giveaway) int { return cmp.Or(cmp.Compare(b.alike, a.alike), cmp.Compare(a.line, b.line)) })
	var lines []int32
	left := map[int]int{} // rows by test
	for _, g := range found {
		if g.verbatim {
			lines = append(lines, g.line)
			continue
		}
		for _, t := range g.tests {
			left[t]++
		}
	}
	for _, g := range found {
		if float64(len(left)) <= j.MaxContamination*float64(len(j.Tests.Tests)) {
			break
		}
		if g.verbatim {
			continue
		}
		lines = append(lines, g.line)
		for _, t := range g.tests {
			if left[t]--; left[t] == 0 {
				delete(left, t)
			}
		}
	}
	return lines, nil
}

// closeness reads the rows that give tests away.
func (j Job) closeness(ctx context.Context, byLine map[int32][]int) ([]giveaway, error) {
	byTest := map[int]suite.Test{}
	for _, t := range j.Tests.Tests {
		byTest[t.Line] = t
	}
	index := newTestIndex(j.Tests)
	var found []giveaway
	for part, err := range dataset.Map(ctx, j.Train, runtime.GOMAXPROCS(0), func() func(*dataset.Block) []giveaway {
		w := &worker{tests: index}
		return func(b *dataset.Block) (part []giveaway) {
			for row := range b.Rows() {
				tests := byLine[int32(row.Line)]
				if len(tests) == 0 || len(row.Problems) > 0 {
					continue
				}
				slices.Sort(tests)
				g := giveaway{line: int32(row.Line), tests: slices.Compact(tests), verbatim: len(w.match(row)) > 0}
				asked := words(rowTexts(row))
				for _, t := range g.tests {
					g.alike = max(g.alike, closeTo(words(testTexts(byTest[t])), asked))
				}
				part = append(part, g)
			}
			return part
		}
	}) {
		if err != nil {
			return nil, err
		}
		found = append(found, part...)
	}
	return found, nil
}

// rowTexts joins what a row asks and is told.
func rowTexts(row *dataset.Row) string {
	var b strings.Builder
	for i := range row.Messages {
		if m := &row.Messages[i]; !isSystem(m.Role) && !m.Trained() {
			b.WriteString(m.Content + "\n")
		}
	}
	return b.String()
}

func testTexts(t suite.Test) string {
	var b strings.Builder
	for _, m := range t.Input {
		if !isSystem(m.Role) {
			b.WriteString(m.Content + "\n")
		}
	}
	return b.String()
}

// mostWords bounds how much of a text is compared.
const mostWords = 400

// words are the words of a text in lower case.
func words(text string) []string {
	all := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return all[:min(len(all), mostWords)]
}

// closeTo returns 1 where the words of a stand in b as they are, else the share of the words of both that stand in the same order
// in both (their longest common subsequence).
func closeTo(a, b []string) float64 {
	if len(a) == 0 {
		return 0
	}
	if strings.Contains(" "+strings.Join(b, " ")+" ", " "+strings.Join(a, " ")+" ") {
		return 1
	}
	row := make([]int, len(b)+1)
	for _, word := range a {
		diagonal := 0
		for k, other := range b {
			above := row[k+1]
			if word == other {
				row[k+1] = diagonal + 1
			} else {
				row[k+1] = max(above, row[k])
			}
			diagonal = above
		}
	}
	return float64(2*row[len(b)]) / float64(len(a)+len(b))
}
