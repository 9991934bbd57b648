package audit

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/suite"
	"github.com/zeebo/xxh3"
)

type testSuite = suite.Suite

// testIndex finds the tests that have a prompt. Read-only once made.
type testIndex struct {
	byPrompt map[xxh3.Uint128][]int // indices of tests
	longest  int                    // folded prompt, in bytes
}

// hit is a row that holds the prompts of tests.
type hit struct {
	line  int32
	tests []int // indices
}

// newTestIndex returns nil for a suite without tests.
func newTestIndex(s suite.Suite) *testIndex {
	if len(s.Tests) == 0 {
		return nil
	}
	x := &testIndex{byPrompt: make(map[xxh3.Uint128][]int, len(s.Tests))}
	var b []byte
	for i, t := range s.Tests {
		b = b[:0]
		for _, m := range t.Input {
			if !isSystem(m.Role) {
				b = append(foldText(append(b, m.Role...), m.Content, math.MaxInt), 0)
			}
		}
		if len(b) == 0 {
			continue // only a system text: as good as every row's prompt
		}
		x.longest = max(x.longest, len(b))
		h := xxh3.Hash128(b)
		x.byPrompt[h] = append(x.byPrompt[h], i)
	}
	return x
}

func isSystem(role string) bool { return role == "system" || role == "developer" }

// match returns the tests whose prompt stands ahead of an answer that the row trains on.
func (w *worker) match(row *dataset.Row) []int {
	b := w.fold[:0]
	var found []int
	for i := range row.Messages {
		m := &row.Messages[i]
		if m.Trained() && len(b) > 0 {
			found = append(found, w.tests.byPrompt[xxh3.Hash128(b)]...)
		}
		if isSystem(m.Role) {
			continue
		}
		b = append(foldText(append(b, m.Role...), m.Content, w.tests.longest), 0)
		if len(b) > w.tests.longest {
			break
		}
	}
	w.fold = b
	slices.Sort(found)
	return slices.Compact(found)
}

// foldText appends text in lower case, runs of white space as one space, none at either end. It stops soon after dst
// is longer than limit.
func foldText(dst []byte, text string, limit int) []byte {
	start := len(dst)
	gap := false
	for i := 0; i < len(text) && len(dst) <= limit; {
		c := text[i]
		if c < utf8.RuneSelf {
			i++
			if c == ' ' || c >= '\t' && c <= '\r' {
				gap = true
				continue
			}
			if c >= 'A' && c <= 'Z' {
				c += 'a' - 'A'
			}
			if gap && len(dst) > start {
				dst = append(dst, ' ')
			}
			gap = false
			dst = append(dst, c)
			continue
		}
		r, n := utf8.DecodeRuneInString(text[i:])
		i += n
		if unicode.IsSpace(r) {
			gap = true
			continue
		}
		if gap && len(dst) > start {
			dst = append(dst, ' ')
		}
		gap = false
		dst = utf8.AppendRune(dst, unicode.ToLower(r))
	}
	return dst
}

func (s *set) contaminatedShare() float64 {
	if len(s.tests.Tests) == 0 {
		return 0
	}
	return float64(len(s.contaminated)) / float64(len(s.tests.Tests))
}

func reportContamination(s *set, report report) {
	for _, h := range s.hits {
		f := diag.Finding{Line: int(h.line), Hint: "remove the row from the training data; until then the test is left out of the benchmark"}
		ids := make([]string, 0, 3)
		for _, t := range h.tests {
			test := s.tests.Tests[t]
			f.Related = append(f.Related, diag.Place{File: s.tests.File, Line: test.Line})
			if len(ids) < 3 {
				ids = append(ids, test.ID)
			}
		}
		f.Message = "the prompt is that of test " + strings.Join(ids, ", ")
		if more := len(h.tests) - len(ids); more > 0 {
			f.Message += fmt.Sprintf(" and %d more", more)
		}
		report(f)
	}
	if share := s.contaminatedShare(); share > s.policy.MaxContamination {
		report(diag.Finding{
			Message: fmt.Sprintf("%d of %d tests (%s) stand in the training data, more than max_contamination (%s)",
				len(s.contaminated), len(s.tests.Tests), percent(share), percent(s.policy.MaxContamination)),
			Hint: "split the data again, so that no test's prompt is trained on",
		})
	}
}

// percent prints a share with up to one decimal.
func percent(share float64) string { return fmt.Sprintf("%.3g %%", share*100) }
