package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/suite"
)

// TestRepeated: of tests that ask the same, one is left if they may want the same, and none if they cannot.
func TestRepeated(t *testing.T) {
	test := func(id, input string, ideal ...string) suite.Test {
		return suite.Test{ID: id, Input: []suite.Message{{Role: "user", Content: input}}, Ideal: ideal}
	}
	program := test("p", "write f", "return 1")
	program.Code = &suite.Code{Entry: "f"}
	other := test("q", "write f", "return 0+1")
	other.Code = program.Code
	offered := test("c", "hi", "y")
	offered.Tools = "[]"
	for _, c := range []struct {
		tests []suite.Test
		want  string
	}{
		{[]suite.Test{test("a", "hi", "x"), test("b", "ho", "y"), offered}, ""},
		{[]suite.Test{test("a", "hi", "x"), test("b", "hi", " x\n"), test("c", "hi", "z", "x")}, "2 duplicate-test b 1, 3 duplicate-test c 1"},
		{[]suite.Test{test("a", "hi", "x"), test("b", "ho", "x"), test("c", "hi", "y")}, "1 contradictory-test a 3, 3 contradictory-test c 1"},
		{[]suite.Test{test("a", "hi", "x"), test("b", "hi", "x"), test("c", "hi", "y")}, "1 contradictory-test a 3, 2 contradictory-test b 3, 3 contradictory-test c 1"},
		{[]suite.Test{program, other}, ""},
		{[]suite.Test{program, program}, "2 duplicate-test p 1"},
	} {
		for i := range c.tests {
			c.tests[i].Line = i + 1
		}
		ids, found := repeated(suite.Suite{File: "t", Tests: c.tests})
		var got, named []string
		for _, f := range found {
			id := c.tests[f.Line-1].ID
			if !strings.Contains(f.Message, "the test "+id+" ") || f.Hint == "" {
				t.Errorf("%+v", f)
			}
			got, named = append(got, fmt.Sprintf("%d %s %s %d", f.Line, f.Rule, id, f.Related[0].Line)), append(named, id)
		}
		if strings.Join(got, ", ") != c.want || !slices.Equal(ids, named) {
			t.Errorf("got %q, left out %q; want %q", got, ids, c.want)
		}
	}
}
