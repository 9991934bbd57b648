package gate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// world draws pairs of right and wrong answers: the chances of either arm, and the correlation between them.
type world struct{ base, tuned, correlation float64 }

// outcomes counts tests by what the arms made of them: both right, base alone, tuned alone, neither.
type outcomes [4]int

func (w world) draw(rng *rand.Rand) int {
	// Whatever the correlation asked for, no cell of the table of two by two goes below zero.
	both := w.base*w.tuned + w.correlation*math.Sqrt(w.base*(1-w.base)*w.tuned*(1-w.tuned))
	both = max(0, w.base+w.tuned-1, min(both, w.base, w.tuned))
	switch u := rng.Float64(); {
	case u < both:
		return 0
	case u < w.base:
		return 1
	case u < w.base+w.tuned-both:
		return 2
	}
	return 3
}

// pairs writes the counts out as pairs, with the ids given.
func (o outcomes) pairs(ids []string) []Pair {
	scores := [4]Pair{{Base: 1, Tuned: 1}, {Base: 1}, {Tuned: 1}, {}}
	pairs := make([]Pair, 0, o[0]+o[1]+o[2]+o[3])
	for k, n := range o {
		for range n {
			pairs = append(pairs, Pair{ids[len(pairs)], scores[k].Base, scores[k].Tuned})
		}
	}
	return pairs
}

// judgement remembers what Decide and Settled find, less intervals and words, which a thousand runs do not need: it
// depends on the counts alone (TestDecideIgnoresOrder), and few counts are likely.
type judgement struct {
	policy Policy
	ids    []string
	known  map[outcomes]finding
}

type finding struct {
	verdict Verdict // when stopped here
	last    Verdict // when no test is left
	settled bool
}

func (j judgement) of(o outcomes) finding {
	f, known := j.known[o]
	if !known {
		s := summarise(o.pairs(j.ids), j.policy)
		e, last := s.evidence(j.policy), j.policy
		last.Exhausted = true
		f.verdict, f.settled = judge(s, e, j.policy)
		f.last, _ = judge(s, e, last)
		j.known[o] = f
	}
	return f
}

// run takes up to n tests, and looks after each ten of them whether it may stop, if the policy is sequential.
func (j judgement) run(w world, rng *rand.Rand, n int) (Verdict, int) {
	var o outcomes
	for used := 1; ; used++ {
		o[w.draw(rng)]++
		switch {
		case used == n:
			return j.of(o).last, used
		case j.policy.Sequential && used%10 == 0 && j.of(o).settled:
			return j.of(o).verdict, used
		}
	}
}

// TestCalibration runs the gate on invented benchmarks whose truth is known. Its bounds are what the gate promises.
func TestCalibration(t *testing.T) {
	three := []float64{0.2, 0.6, 0.9}
	cases := []struct {
		truth       string
		gain        float64
		rule        Rule
		bases       []float64
		sizes       []int
		atMost      float64 // share of passes
		never       float64 // least share of passes, all tests used
		early       float64 // the same, stopping early
		apart       float64 // most by which these shares may differ, 0 for any
		correlation float64
	}{
		{truth: "no difference", rule: Significant, bases: three, sizes: []int{10, 30, 100, 300}, atMost: 0.05, correlation: 0.5},
		{truth: "no difference", rule: Strict, bases: three, sizes: []int{10, 30, 100, 300}, atMost: 0.05, correlation: 0.5},
		{truth: "no difference, unrelated", rule: Significant, bases: three, sizes: []int{10, 100}, atMost: 0.05},
		{truth: "at the margin", gain: 0.1, rule: Strict, bases: three, sizes: []int{30, 100, 300}, atMost: 0.055, correlation: 0.5},
		// Touching the margin by luck at one of many looks must not pass.
		{truth: "half the margin", gain: 0.05, rule: Significant, bases: []float64{0.8}, sizes: []int{300, 1000}, atMost: 0.05, apart: 0.015, correlation: 0.8},
		{truth: "half the margin", gain: 0.05, rule: Significant, bases: []float64{0.6}, sizes: []int{300}, atMost: 0.07, apart: 0.015, correlation: 0.8},
		{truth: "+30 %", gain: 0.3, rule: Significant, bases: []float64{0.6}, sizes: []int{100}, atMost: 1, never: 0.95, early: 0.90, correlation: 0.5},
		{truth: "+50 %", gain: 0.5, rule: Strict, bases: []float64{0.6}, sizes: []int{100}, atMost: 1, never: 0.95, early: 0.90, correlation: 0.5},
	}
	ids := make([]string, 1000)
	for i := range ids {
		ids[i] = fmt.Sprintf("t%03d", i)
	}
	var table strings.Builder
	fmt.Fprintf(&table, "\n%-26s%-12s %4s %4s %12s %12s %6s\n", "truth", "rule", "base", "n", "pass, never", "pass, early", "tests")
	for _, c := range cases {
		for _, base := range c.bases {
			for _, n := range c.sizes {
				w := world{base, min(1, base*(1+c.gain)), c.correlation}
				var share [2]float64
				var tests float64 // used, when stopping early
				for i, sequential := range []bool{false, true} {
					j := judgement{Policy{Margin: 0.1, Rule: c.rule, Sequential: sequential}.complete(), ids, map[outcomes]finding{}}
					runs := 3000
					if sequential && n > 100 {
						runs = 400 // looking often costs more
					}
					rng := rand.New(rand.NewPCG(1, uint64(n)))
					passed, used := 0, 0
					for range runs {
						v, k := j.run(w, rng, n)
						used += k
						if v == Pass {
							passed++
						}
					}
					share[i], tests = float64(passed)/float64(runs), float64(used)/float64(runs)
				}
				fmt.Fprintf(&table, "%-26s%-12s %4.1f %4d %10.1f %% %10.1f %% %6.0f\n", c.truth, c.rule, base, n,
					100*share[0], 100*share[1], tests)
				if max(share[0], share[1]) > c.atMost || share[0] < c.never || share[1] < c.early ||
					c.apart > 0 && math.Abs(share[0]-share[1]) > c.apart {
					t.Errorf("%s, %s, base %v, n %d: pass %v (never, early), promised at most %v and at least %v, %v, no more than %v apart",
						c.truth, c.rule, base, n, share, c.atMost, c.never, c.early, c.apart)
				}
			}
		}
	}
	t.Log(table.String())
}
