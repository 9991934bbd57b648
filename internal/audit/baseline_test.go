package audit

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/suite"
)

// accepting audits rows, and accepts what the rules find in them.
func accepting(t *testing.T, rows []string, rules ...string) string {
	t.Helper()
	b := baseline(t, "")
	b.Rules, b.Reason = rules, "it is meant"
	left, _, _ := underBaseline(t, b, rows)
	for _, rule := range left {
		if slices.Contains(rules, strings.Fields(rule)[0]) {
			t.Fatalf("%s was not accepted", rule)
		}
	}
	return string(b.Added())
}

func baseline(t *testing.T, lines string) *Baseline {
	t.Helper()
	b, err := ReadBaseline(strings.NewReader(lines), "known.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// underBaseline returns what is left of the findings in the rows, how many were accepted, and which entries are stale.
func underBaseline(t *testing.T, b *Baseline, rows []string) (left []string, accepted int, stale []int) {
	t.Helper()
	in := Input{Train: data(t, rows...)}
	fs, accepted, err := b.Accept(t.Context(), in, audited(t, in, Policy{MaxDuplicates: 1}).Findings)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range b.Stale() {
		if f.Rule != "stale-baseline" || f.File != "known.jsonl" || f.Severity != diag.Warning {
			t.Errorf("stale: %+v", f)
		}
		stale = append(stale, f.Line)
	}
	return spots(fs), accepted, stale
}

// TestBaseline: what was accepted stays accepted when rows move or are written otherwise, and nothing else is.
func TestBaseline(t *testing.T) {
	base := different(12)
	rows := append(slices.Clone(base), chat("one", "A"), chat("one", "B"), base[0], "{broken")
	known := accepting(t, rows, "contradiction", "exact-duplicate", "invalid-json")
	if n := strings.Count(known, "\n"); n != 3 {
		t.Fatalf("%d entries: %s", n, known)
	}
	with := func(more ...string) []string { return append(slices.Clone(rows), more...) }
	reversed := slices.Clone(rows)
	slices.Reverse(reversed)
	for _, c := range []struct {
		name     string
		rows     []string
		left     []string
		accepted int
		stale    []int
	}{
		{"the same", rows, nil, 3, nil},
		{"moved", append([]string{chat("new", "x"), ""}, rows...), []string{"blank-line 2"}, 3, nil},
		{"in another order", reversed, nil, 3, nil},
		{"written otherwise", append(slices.Clone(rows[:13]), `{"completion":"B","prompt":"one"}`, base[0], "  {broken "), nil, 3, nil},
		{"one more copy", with(base[0]), []string{"exact-duplicate 17"}, 3, nil},
		{"another contradiction", with(chat("one", "C")), []string{"contradiction 17"}, 3, nil},
		{"one mended", rows[:15], nil, 2, []int{1}},
		{"all mended", base, nil, 0, []int{1, 2, 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			left, accepted, stale := underBaseline(t, baseline(t, known), c.rows)
			slices.Sort(stale)
			if !slices.Equal(left, c.left) || accepted != c.accepted || len(stale) != len(c.stale) {
				t.Errorf("left %v, accepted %d, stale %v; want %v, %d, %d stale\n%s", left, accepted, stale, c.left, c.accepted, len(c.stale), known)
			}
		})
	}
}

// TestBaselineFiles: the folder that an audit starts from does not matter, a different file does.
func TestBaselineFiles(t *testing.T) {
	rows := append(different(12), "{broken")
	known := accepting(t, rows, "invalid-json")
	for file, want := range map[string]int{"train.jsonl": 1, "data/train.jsonl": 1, "./data/../train.jsonl": 1, "other.jsonl": 0, "rain.jsonl": 0, "strain.jsonl": 0} {
		b := baseline(t, strings.Replace(known, `"file":"train.jsonl"`, `"file":"`+file+`"`, 1))
		if _, accepted, stale := underBaseline(t, b, rows); accepted != want || len(stale) > 0 {
			t.Errorf("%s: %d accepted, stale %v", file, accepted, stale)
		}
	}
}

// TestBaselineWhole: what is said of a file as a whole can be accepted, that it cannot be read cannot.
func TestBaselineWhole(t *testing.T) {
	known := accepting(t, different(3), "too-few-examples")
	if left, accepted, _ := underBaseline(t, baseline(t, known), different(4)); len(left) != 0 || accepted != 1 {
		t.Errorf("left %v, accepted %d", left, accepted)
	}
	b := baseline(t, `{"rule":"lfs-pointer","file":"train.jsonl","reason":"so"}`)
	pointer := []diag.Finding{{Rule: "lfs-pointer", Severity: diag.Critical, File: "train.jsonl"}}
	if left, n, err := b.Accept(t.Context(), Input{Train: data(t, "{}")}, pointer); n != 0 || len(left) != 1 || err != nil {
		t.Errorf("a file that is not there was accepted: %v, %v", left, err)
	}
}

// TestBaselineDeep: a quick audit does not call stale what only a deep one finds.
func TestBaselineDeep(t *testing.T) {
	entry := `{"rule":"pii-email","file":"train.jsonl","row":"000102030405060708090a0b","reason":"invented"}`
	for _, deep := range []bool{false, true} {
		b := baseline(t, entry)
		in := Input{Train: data(t, different(12)...), Deep: deep}
		if _, _, err := b.Accept(t.Context(), in, nil); err != nil {
			t.Fatal(err)
		}
		if stale := len(b.Stale()) > 0; stale != deep {
			t.Errorf("deep %v: stale %v", deep, stale)
		}
	}
}

// TestBaselineShared: audits at the same time share a baseline.
func TestBaselineShared(t *testing.T) {
	rows := append(different(12), "{broken", "[]")
	b := baseline(t, accepting(t, rows, "invalid-json", "not-an-object"))
	var wg sync.WaitGroup
	for range 4 {
		in := Input{Train: data(t, rows...)}
		fs := audited(t, in, Policy{}).Findings
		wg.Go(func() {
			if left, n, err := b.Accept(t.Context(), in, fs); len(left) > 0 || n != 2 || err != nil {
				t.Errorf("left %v, accepted %d, %v", left, n, err)
			}
		})
	}
	wg.Wait()
	if stale := b.Stale(); len(stale) > 0 {
		t.Errorf("stale %v", stale)
	}
}

// TestBaselineFolded: of a finding that stands for many lines, those that are accepted go.
func TestBaselineFolded(t *testing.T) {
	rows := append(different(12), "{1", "{2", "{3")
	b := baseline(t, accepting(t, rows[:14], "invalid-json"))
	in := Input{Train: data(t, rows...)}
	folded := []diag.Finding{{Rule: "invalid-json", File: "train.jsonl", Line: 13, Col: 2, Lines: []int{13, 14, 15}}}
	left, n, err := b.Accept(t.Context(), in, folded)
	if err != nil || n != 2 || len(left) != 1 || left[0].Line != 15 || left[0].Col != 0 || !slices.Equal(left[0].Lines, []int{15}) {
		t.Errorf("accepted %d, left %+v, %v", n, left, err)
	}
}

func TestBaselineMistakes(t *testing.T) {
	good := `{"rule":"contradiction","file":"f","row":"000102030405060708090a0b","reason":"so"}`
	for _, c := range []struct{ name, lines, want string }{
		{"no reason", good + "\n\n" + strings.Replace(good, `"so"`, `"  "`, 1), "known.jsonl:3: no reason is given [bad-baseline]"},
		{"no rule of that name", strings.Replace(good, "contradiction", "contradictoin", 1), `known.jsonl:1: there is no rule "contradictoin" [bad-baseline]`},
		{"no file", `{"rule":"contradiction","reason":"so"}`, "known.jsonl:1: no file is named [bad-baseline]"},
		{"no id", strings.Replace(good, "0001", "zz", 1), "known.jsonl:1: row is not the id of a row [bad-baseline]"},
		{"a key too many", `{"rule":"contradiction","file":"f","reason":"so","line":3}`, `known.jsonl:1: not an entry: unknown field "line" [bad-baseline]`},
		{"no JSON", "rules:\n- x", "known.jsonl:1: not an entry: invalid character 'r' looking for beginning of value [bad-baseline]\nknown.jsonl:2: not an entry: invalid character ' ' in numeric literal [bad-baseline]"},
		{"two on a line", good + good, "known.jsonl:1: not an entry: more than one value on the line [bad-baseline]"},
		{"endless", strings.Repeat(" ", 2<<20), "known.jsonl:1: the baseline is too large, or is none [bad-baseline]"},
	} {
		_, err := ReadBaseline(strings.NewReader(c.lines), "known.jsonl")
		var mistakes diag.Mistakes
		if !errors.As(err, &mistakes) || err.Error() != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// FuzzBaseline: no file makes reading a baseline panic, and what was read can be matched.
func FuzzBaseline(f *testing.F) {
	f.Add(`{"rule":"contradiction","file":"train.jsonl","row":"000102030405060708090a0b","reason":"so"}`)
	f.Add("\x00\n{}\n[]")
	in := Input{Train: data(f, different(2)...), Tests: suite.Suite{}}
	f.Fuzz(func(t *testing.T, lines string) {
		b, err := ReadBaseline(strings.NewReader(lines), "known.jsonl")
		if err != nil {
			return
		}
		if _, n, err := b.Accept(t.Context(), in, nil); n != 0 || err != nil {
			t.Fatalf("accepted %d of nothing, %v", n, err)
		}
		b.Stale()
	})
}
