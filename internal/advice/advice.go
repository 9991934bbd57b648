// Package advice turns what the audit found and the tests that a tuned model lost into a ranked list of what to change,
// with the lines concerned, so that whoever reads it can act without asking. It changes nothing and asks no model.
//
// What it says of lost tests rests on the training examples that are most like them (nearest.go): they are what the
// model learned for such a request.
package advice

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/suite"
)

// Input is what advice is made of. All of it may be empty.
type Input struct {
	Findings []diag.Finding // of the audit
	Train    *dataset.File  // nil: lost tests are not compared with the training data
	Outcomes []Outcome      // the tests that both arms answered
}

// Outcome is a test with what became of it.
type Outcome struct {
	Test        suite.Test
	Base, Tuned float64 // scores from 0 to 1
	Answer      string  // the tuned model's
}

// Step is one thing to do. Lists are complete up to the limits named here, the rest is counted in the texts.
type Step struct {
	Do       string   `json:"do"`       // one sentence, imperative
	Why      string   `json:"why"`      // what was measured
	Effect   string   `json:"effect"`   // what may be hoped for, at most
	Rule     string   `json:"rule"`     // of the findings that it rests on, "" when it rests on lost tests
	File     string   `json:"file"`     // that Lines are of, "" for none
	Lines    []int    `json:"lines"`    // the first 50, ascending
	Tests    []string `json:"tests"`    // ids, the first 50
	Examples []string `json:"examples"` // a few of them in words
	weight   float64  // what it is ranked by
}

// Limits of a step and of the whole.
const (
	maxListed   = 50
	maxExamples = 5
	maxSteps    = 12
)

// Rank returns what to do, most useful first: what stops the launch, then by the number of lost tests concerned, then by
// severity and the number of rows. The order does not depend on that of the input. The error is a failure to
// read the training data, or the context's.
func Rank(ctx context.Context, in Input) ([]Step, error) {
	lost := lostTests(in.Outcomes)
	var known *knowledge
	if in.Train != nil && len(lost) > 0 {
		var err error
		if known, err = learn(ctx, in.Train, lost, private(in.Train.Name(), in.Findings)); err != nil {
			return nil, err
		}
	}
	steps := slices.Concat(fromFindings(in.Findings, known), fromLost(in, lost, known))
	slices.SortStableFunc(steps, func(a, b Step) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.Do, b.Do))
	})
	return steps[:min(len(steps), maxSteps)], nil
}

// private are the lines of the file whose text is not to be quoted: what looks like a secret, or like a person's
// data, must not get into a page.
func private(file string, fs []diag.Finding) map[int]bool {
	lines := map[int]bool{}
	for _, f := range fs {
		if f.File == file && (strings.HasPrefix(f.Rule, "secret-") || strings.HasPrefix(f.Rule, "pii-")) {
			lines[f.Line] = true
			for _, l := range f.Lines {
				lines[l] = true
			}
		}
	}
	return lines
}

// lostTests are those that the tuned model did not get fully right, in the order of their ids.
func lostTests(all []Outcome) []Outcome {
	var lost []Outcome
	for _, o := range all {
		if o.Tuned < 1 {
			lost = append(lost, o)
		}
	}
	slices.SortFunc(lost, func(a, b Outcome) int { return cmp.Compare(a.Test.ID, b.Test.ID) })
	return lost
}

// listed sorts and bounds a step's lists.
func (s Step) listed() Step {
	slices.Sort(s.Lines)
	s.Lines = slices.Compact(s.Lines)
	s.Lines = s.Lines[:min(len(s.Lines), maxListed)]
	s.Tests = s.Tests[:min(len(s.Tests), maxListed)]
	s.Examples = s.Examples[:min(len(s.Examples), maxExamples)]
	if s.Lines == nil {
		s.Lines = []int{}
	}
	if s.Tests == nil {
		s.Tests = []string{}
	}
	if s.Examples == nil {
		s.Examples = []string{}
	}
	return s
}

// points says what getting n of all tests right would add to the score.
func points(n, all int) string {
	return fmt.Sprintf("%d of %d tests: at most %+.1f points for the tuned model", n, all, 100*float64(n)/float64(max(all, 1)))
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// clip shortens a text of the data for a sentence.
func clip(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:79]) + "…"
	}
	return s
}
