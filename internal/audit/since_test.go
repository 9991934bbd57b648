package audit

import (
	"slices"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/diag"
)

// TestSince: rows are known by what they say, however they are written and wherever they stand.
func TestSince(t *testing.T) {
	older := data(t, chat("one", "a"), chat("two", "b"), "{broken", chat("copied", "c"))
	now := data(t,
		chat("new on top", "x"),                   // 1
		chat("two", "b"),                          // 2
		`{"prompt":"one", "completion":"\u0061"}`, // 3: the same example in another form
		"  {broken  ",                             // 4
		chat("copied", "c"),                       // 5
		chat("copied", "c"),                       // 6: one more than there was
		"",                                        // 7
		chat("two", "c"),                          // 8
	)
	a, err := Since(t.Context(), now, older)
	if err != nil {
		t.Fatal(err)
	}
	var fresh []int
	for line := range 10 {
		if a.isNew(line) {
			fresh = append(fresh, line)
		}
	}
	if !slices.Equal(fresh, []int{1, 6, 8}) || a.Rows != 3 {
		t.Errorf("new lines %v, %d rows", fresh, a.Rows)
	}
	res := audited(t, Input{Train: now}, Policy{MaxDuplicates: 1})
	var got []string
	for _, f := range a.Keep(res.Findings) {
		got = append(got, f.Rule+": "+f.Message)
	}
	want := []string{"exact-duplicate: same example as line 5", "contradiction: same prompt as line 2, different answer", "too-few-examples: the file as a whole: 6 examples"}
	if len(got) != len(want) {
		t.Fatalf("kept %q", got)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("kept %q, want %q", got[i], want[i])
		}
	}
	if all, err := Since(t.Context(), now, nil); err != nil || all.Rows != 7 {
		t.Errorf("a file without an older version: %d rows are new, %v", all.Rows, err)
	}
}

func TestKeep(t *testing.T) {
	a := &Added{file: "f", old: []bool{true, true, false, true, false}} // lines 2 and 4 are new
	related := func(line int) []diag.Place { return []diag.Place{{File: "f", Line: line}} }
	test := []diag.Place{{File: "tests", Line: 2}}
	for _, c := range []struct {
		name string
		in   diag.Finding
		want *diag.Finding
	}{
		{"at an old row", diag.Finding{File: "f", Line: 1}, nil},
		{"at a new row", diag.Finding{File: "f", Line: 2, Col: 3}, &diag.Finding{File: "f", Line: 2, Col: 3}},
		{"beyond the file", diag.Finding{File: "f", Line: 99}, nil},
		{"of another file", diag.Finding{File: "g", Line: 1}, &diag.Finding{File: "g", Line: 1}},
		{"of the whole file", diag.Finding{File: "f", Message: "m"}, &diag.Finding{File: "f", Message: "the file as a whole: m"}},
		{"old like old", diag.Finding{File: "f", Line: 3, Related: related(1), Lines: []int{1, 3, 4}}, nil},
		{"old like new", diag.Finding{File: "f", Line: 3, Related: related(2), Lines: []int{2, 3}}, &diag.Finding{File: "f", Line: 3, Related: related(2), Lines: []int{2, 3}}},
		{"old like a test", diag.Finding{File: "f", Line: 3, Related: test}, nil},
		{"new like a test", diag.Finding{File: "f", Line: 2, Related: test}, &diag.Finding{File: "f", Line: 2, Related: test}},
		{"many lines", diag.Finding{File: "f", Line: 1, Col: 7, Lines: []int{1, 2, 3, 4}}, &diag.Finding{File: "f", Line: 2, Lines: []int{2, 4}}},
		{"many old lines", diag.Finding{File: "f", Line: 1, Lines: []int{1, 3}}, nil},
	} {
		got := a.Keep([]diag.Finding{c.in})
		switch {
		case c.want == nil && len(got) > 0, c.want != nil && (len(got) != 1 || got[0].String() != c.want.String() || !slices.Equal(got[0].Lines, c.want.Lines)):
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
