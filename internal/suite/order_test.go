package suite

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// written is a suite as Parse reads it.
func written(s Suite) []byte {
	var out bytes.Buffer
	for _, t := range s.Tests {
		line, err := json.Marshal(map[string]any{"id": t.ID, "input": t.Input, "ideal": t.Ideal, "tools": json.RawMessage(cmp.Or(t.Tools, "null"))})
		if err != nil {
			panic(err)
		}
		out.Write(append(line, '\n'))
	}
	return out.Bytes()
}

// labelled makes a suite with so many tests of each ideal.
func labelled(counts ...int) Suite {
	var s Suite
	for k, n := range counts {
		for i := range n {
			s.Tests = append(s.Tests, Test{ID: fmt.Sprintf("%d-%d", k, i), Input: []Message{{"user", "?"}}, Ideal: []string{fmt.Sprint("label", k)}})
		}
	}
	return s
}

func TestOrderIsBalanced(t *testing.T) {
	for _, counts := range [][]int{
		{30, 30, 30}, {20, 20, 20, 20, 20, 20, 20, 20, 20, 20}, // equal shares
		{90, 10}, {500, 300, 100, 50, 30, 10, 5, 3, 1, 1}, // unequal ones
		slices.Repeat([]int{1}, 100), // no two alike
	} {
		s := labelled(counts...)
		for seed := range uint64(8) {
			order := s.Order(seed)
			if !slices.EqualFunc(sortedIDs(order), sortedIDs(s.Tests), func(a, b string) bool { return a == b }) {
				t.Fatalf("%v: the order holds other tests than the suite", counts)
			}
			got := make(map[string]int)
			for i, test := range order {
				got[test.Ideal[0]]++
				for k, n := range counts {
					due := float64(n) * float64(i+1) / float64(len(order))
					if have := got[fmt.Sprint("label", k)]; math.Abs(float64(have)-due) > 3 {
						t.Errorf("%v, seed %d: %d of the first %d tests have ideal %d, due are %.1f", counts, seed, have, i+1, k, due)
					}
				}
				if slices.Max(counts) == slices.Min(counts) {
					least, most := math.MaxInt, 0
					for k := range counts {
						least, most = min(least, got[fmt.Sprint("label", k)]), max(most, got[fmt.Sprint("label", k)])
					}
					if most-least > 1 {
						t.Errorf("%v, seed %d: after %d tests one ideal came %d times, another %d", counts, seed, i+1, most, least)
					}
				}
			}
		}
	}
}

// TestOrderIsFair checks that a rare ideal comes early as often as is its due: no systematic favour to the common ones.
func TestOrderIsFair(t *testing.T) {
	s := labelled(90, 9, 1)
	const seeds = 1000
	var got [3]float64
	for seed := range uint64(seeds) {
		for _, test := range s.Order(seed)[:10] {
			got[test.ID[0]-'0']++
		}
	}
	for k, want := range []float64{9, 0.9, 0.1} {
		if mean := got[k] / seeds; math.Abs(mean-want) > 0.07 {
			t.Errorf("ideal %d: %.3f of the first ten tests on average, want %.1f", k, mean, want)
		}
	}
}

func TestOrderDependsOnSeedAlone(t *testing.T) {
	s := labelled(40, 20, 7)
	turned := Suite{Tests: slices.Clone(s.Tests)}
	slices.Reverse(turned.Tests)
	if !reflect.DeepEqual(s.Order(1), s.Order(1)) || !reflect.DeepEqual(s.Order(1), turned.Order(1)) {
		t.Error("the same tests and seed give another order")
	}
	if reflect.DeepEqual(s.Order(1), s.Order(2)) {
		t.Error("another seed gives the same order")
	}
	if !reflect.DeepEqual(s.Tests, labelled(40, 20, 7).Tests) {
		t.Error("Order changed the suite")
	}
}

func sortedIDs(tests []Test) []string {
	ids := make([]string, len(tests))
	for i, t := range tests {
		ids[i] = t.ID
	}
	slices.Sort(ids)
	return ids
}

func TestDigests(t *testing.T) {
	base := Test{ID: "t1", Line: 1, Input: []Message{{"user", "ab"}}, Ideal: []string{"c"}}
	same := base
	same.ID, same.Line = "t2", 9
	if base.Hash() != same.Hash() {
		t.Error("id or line changes the hash of a test")
	}
	for name, other := range map[string]Test{
		"role":           {Input: []Message{{"system", "ab"}}, Ideal: []string{"c"}},
		"two messages":   {Input: []Message{{"user", "a"}, {"user", "b"}}, Ideal: []string{"c"}},
		"moved boundary": {Input: []Message{{"usera", "b"}}, Ideal: []string{"c"}},
		"ideal":          {Input: []Message{{"user", "ab"}}, Ideal: []string{"d"}},
		"tools":          {Input: base.Input, Ideal: base.Ideal, Tools: "[]"},
		"code":           {Input: base.Input, Ideal: base.Ideal, Code: &Code{}},
		"more ideals":    {Input: []Message{{"user", "ab"}}, Ideal: []string{"c", "c"}},
	} {
		if base.Hash() == other.Hash() {
			t.Errorf("%s: two tests, one hash", name)
		}
	}
	one, two := Suite{File: "a", Tests: []Test{base}}, Suite{File: "b", Tests: []Test{same}}
	if one.Digest() == two.Digest() || one.Digest() != (Suite{Tests: []Test{base}}).Digest() {
		t.Error("a digest of ids and tests, and not of the file's name, was expected")
	}
	if got := (Suite{}).Digest(); got == one.Digest() || len(got) != 64 {
		t.Errorf("digest of no tests: %s", got)
	}
}

func TestWithout(t *testing.T) {
	s := labelled(3, 1)
	got := s.Without([]string{"0-1", "1-0", "none"})
	if ids := sortedIDs(got.Tests); !slices.Equal(ids, []string{"0-0", "0-2"}) {
		t.Errorf("got %v", ids)
	}
	if len(s.Tests) != 4 {
		t.Error("the suite itself was changed")
	}
}

// TestRealSuites reads the tests of five real agents.
func TestRealSuites(t *testing.T) {
	dir := os.Getenv("TUNEGATE_TESTDATA")
	if dir == "" {
		t.Skip("TUNEGATE_TESTDATA is not set: the five real suites are not read")
	}
	for name, n := range map[string]int{"support-router": 4500, "bank-triage": 3080, "home-assistant": 1076, "voice-tools": 700, "commit-labeler": 1180} {
		s, err := Open(filepath.Join(dir, "data", name, "benchmark.jsonl.gz"), name)
		if err != nil || len(s.Tests) != n {
			t.Errorf("%s: %d tests, want %d: %v", name, len(s.Tests), n, err)
		}
	}
}

func BenchmarkOrder(b *testing.B) {
	s := labelled(slices.Repeat([]int{30}, 150)...)
	for b.Loop() {
		s.Order(1)
	}
}

func BenchmarkParse(b *testing.B) {
	text := written(labelled(slices.Repeat([]int{30}, 150)...))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Parse(bytes.NewReader(text), "tests.jsonl"); err != nil {
			b.Fatal(err)
		}
	}
}
