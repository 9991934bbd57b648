package audit

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/suite"
)

// ask makes tests of prompts and answers.
func ask(prompts, answers []string) suite.Suite {
	s := suite.Suite{File: "tests.jsonl"}
	for i, p := range prompts {
		s.Tests = append(s.Tests, suite.Test{ID: fmt.Sprint(i), Line: i + 1, Input: []suite.Message{{Role: "system", Content: "be brief"}, {Role: "user", Content: p}}, Ideal: []string{answers[i]}})
	}
	return s
}

// speech makes prompts of words of a vocabulary of the given size, the frequent ones often, and a label for each.
func speech(seed uint64, n, length int, words string, size int, labels ...string) (prompts, answers []string) {
	r := rand.New(rand.NewPCG(seed, 3))
	for range n {
		var b strings.Builder
		for range length/2 + r.IntN(length) {
			i := int(float64(size) * math.Pow(r.Float64(), 3))
			fmt.Fprintf(&b, "%s%c%c ", words, 'a'+i%26, 'a'+i/26)
		}
		prompts = append(prompts, b.String())
		answers = append(answers, labels[r.IntN(len(labels))])
	}
	return prompts, answers
}

func drifts(t *testing.T, prompts, answers []string, tests suite.Suite, deep bool) []string {
	t.Helper()
	var rows []string
	for i := range prompts {
		rows = append(rows, chat(prompts[i], answers[i]))
	}
	var got []string
	for _, f := range audited(t, Input{Train: data(t, rows...), Tests: tests, Deep: deep}, DefaultPolicy()).Findings {
		if f.Rule == "drift" || f.Rule == "missing-label" {
			got = append(got, fmt.Sprintf("%s %d %s", f.Rule, len(f.Related), f.Message))
		}
	}
	return got
}

// TestDrift: more of the same is no drift; other answers, lengths and words each are, with their size.
func TestDrift(t *testing.T) {
	prompts, answers := speech(1, 1500, 12, "x", 400, "yes", "no", "later")
	same, sameAnswers := speech(2, 300, 12, "x", 400, "yes", "no", "later")
	if got := drifts(t, prompts, answers, ask(same, sameAnswers), true); len(got) != 0 {
		t.Errorf("the same kind: %q", got)
	}
	_, other := speech(3, 300, 12, "x", 400, "yes", "no", "later", "later", "later", "later")
	long, _ := speech(4, 300, 40, "x", 400, "yes")
	strange, _ := speech(5, 300, 12, "y", 400, "yes")
	for i := range strange {
		if i%3 > 0 {
			strange[i] = same[i]
		}
	}
	for _, c := range []struct {
		tests suite.Suite
		want  string
	}{
		{ask(same, other), `drift 0 the tests want answers in other shares than the training data has them: "later" 33.1 % of the 1500 examples, 67 % of the 300 tests (95 % interval 61.5 % to 72.1 %); ` +
			`total variation 0.34, where chance would give 0.04; chi-square 125 with 2 degrees of freedom, p < 0.0001`},
		{ask(long, sameAnswers), `drift 0 prompts of the tests are of other lengths than those of the training data: half have at most about 152 bytes, there 48; Kolmogorov-Smirnov distance 1.00 over 300 tests and 1500 examples, p < 0.0001`},
		{ask(strange, sameAnswers), `drift 5 33.9 % of the 3401 words in the tests' prompts (95 % interval 28.3 % to 39.5 %) stand in no training prompt, where 0 % would be expected of prompts of the same kind`},
	} {
		if got := drifts(t, prompts, answers, c.tests, true); !slices.Equal(got, []string{c.want}) {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
		if got := drifts(t, prompts, answers, c.tests, false); len(got) != 0 {
			t.Errorf("quick: %q", got)
		}
	}
}

// TestMissingLabels: tests that want what no example answers.
func TestMissingLabels(t *testing.T) {
	prompts, answers := speech(1, 300, 12, "x", 400, "card lost", "card arrival", `{"kind": "other"}`, "the topic is billing")
	for _, c := range []struct {
		ideal []string
		want  string
	}{
		{[]string{"card lost", "Card Arrival ", `{"kind":"other"}`, "billing", "^card", "other"}, ""},
		{[]string{"card lost", "card stolen", "pin change", "card stolen"}, `missing-label 2 3 tests want, out of 4, an answer that no training example has: "card stolen" (2 tests), "pin change" (1 test)`},
		{[]string{"u", "v", "w", "x", "y", "z"}, `missing-label 5 6 tests want, out of 6, an answer that no training example has: such as "u" (1 test), "v" (1 test), "w" (1 test), "x" (1 test), "y" (1 test)`},
	} {
		got := strings.Join(drifts(t, prompts, answers, ask(prompts[:len(c.ideal)], c.ideal), false), "\n")
		if got != c.want {
			t.Errorf("%q: got %s, want %s", c.ideal, got, c.want)
		}
	}
	for i := range answers {
		answers[i] = fmt.Sprint("free text ", i)
	}
	if got := drifts(t, prompts, answers, ask(prompts[:2], []string{"a", "b"}), true); len(got) != 0 {
		t.Errorf("free text: %q", got)
	}
}

// TestHistogram: places grow with sizes and name their least size; the distance is that of the distribution functions.
func TestHistogram(t *testing.T) {
	for _, size := range []int{0, 1, 63, 64, 65, 1000, 4096, 1 << 20, math.MaxInt32, math.MaxInt} {
		var h histogram
		h.add(size)
		if m := h.median(); m > size || float64(size-m) > float64(size)/16 {
			t.Errorf("%d: %d", size, m)
		}
	}
	var a, b histogram
	for i := range 40 {
		a.add(i)
		b.add(i + 10)
	}
	if d, p := kolmogorovSmirnov(&a, &b); math.Abs(d-.25) > 1e-9 || math.Abs(p-.1641) > .001 { // 2(exp(-2.5) - exp(-10) + …); the exact one is about the same
		t.Errorf("distance %g, p %g", d, p)
	}
	if d, p := kolmogorovSmirnov(&a, &a); d != 0 || p != 1 {
		t.Errorf("distance %g, p %g", d, p)
	}
}

// TestDistributionWorkers: what the deep rules say does not depend on the number of workers.
func TestDistributionWorkers(t *testing.T) {
	prompts, answers := speech(9, 5000, 60, "x", 600, "yes", "no")
	rows := loans(2000, .3, .7)
	for i := range prompts {
		rows = append(rows, chat(prompts[i]+[]string{"", strings.Repeat(" wie der Hund und die Katze aber nicht ich", 5), strings.Repeat(" this is what you would write to jo@firma.de when they have it", 5), " a man", " a woman"}[i%5], answers[i]))
	}
	other, _ := speech(10, 200, 30, "y", 600, "yes")
	in := Input{Train: data(t, rows...), Deep: true, Tests: ask(other, answers[:200])}
	var want []string
	for _, workers := range []int{1, 2, 5} {
		res, err := run(t.Context(), in, DefaultPolicy(), workers)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		seen := map[string]bool{}
		for _, f := range res.Findings {
			got = append(got, fmt.Sprint(f, f.Lines, f.Related))
			seen[f.Rule] = true
		}
		if want == nil {
			want = got
			for _, rule := range []string{"pii-email", "language-mix", "group-skew", "drift"} {
				if !seen[rule] {
					t.Errorf("no %s", rule)
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d workers: other findings", workers)
		}
	}
}
