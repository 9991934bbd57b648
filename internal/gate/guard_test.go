package gate

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestGuard(t *testing.T) {
	for _, c := range []struct {
		name    string
		pairs   []Pair
		most    float64
		policy  Policy
		verdict Verdict
		says    string
	}{
		{"the same on all", binary(150, 0, 0, 90), 0.02, Policy{}, Pass, "shown to lose no more than the 2 points allowed"},
		{"the same on few", binary(30, 0, 0, 10), 0.02, Policy{}, Inconclusive, "not shown to lose no more than the 2 points allowed"},
		{"better", binary(60, 5, 30, 5), 0.02, Policy{}, Pass, "observed +25.0 points"},
		{"a little worse", binary(800, 12, 8, 180), 0.05, Policy{}, Pass, "observed -0.4 points"},
		{"worse than allowed", binary(200, 60, 10, 30), 0.02, Policy{}, Fail, "shown to lose more than the 2 points allowed"},
		{"seems worse", binary(40, 6, 4, 10), 0.02, Policy{}, Fail, "seen to lose more than the 2 points allowed"},
		{"seems worse, few", binary(4, 2, 1, 3), 0.02, Policy{}, Inconclusive, "not shown"},
		{"lower is better", binary(60, 30, 5, 5), 0.02, Policy{LowerIsBetter: true}, Pass, "observed +25.0 points"},
		{"lower is better, worse", binary(100, 10, 60, 30), 0.02, Policy{LowerIsBetter: true}, Fail, "shown to lose more"},
		{"may pass", binary(30, 0, 0, 10), 0.02, Policy{OnInconclusive: Pass}, Pass, "nothing was shown"},
		{"no tests", nil, 0.02, Policy{}, Error, "no test"},
		{"nothing allowed", binary(30, 0, 0, 10), 0, Policy{}, Error, "expected more than 0"},
		{"all allowed", binary(30, 0, 0, 10), 1, Policy{}, Error, "less than 1"},
		{"out of range", scaled(binary(5, 1, 3, 1), 2), 0.02, Policy{}, Error, "from 0 to 1"},
		// What asks for an improvement elsewhere does not count here.
		{"margin and rule", binary(150, 0, 0, 90), 0.02, Policy{Margin: 0.3, Rule: Point, Measure: Errors}, Pass, "shown"},
	} {
		d := Guard(c.pairs, c.most, c.policy)
		if d.Verdict != c.verdict || !strings.Contains(strings.Join(d.Reasons, "\n"), c.says) {
			t.Errorf("%s: %s, want %s with %q\n%s", c.name, d.Verdict, c.verdict, c.says, strings.Join(d.Reasons, "\n"))
		}
		if lo, hi := d.Interval[0], d.Interval[1]; d.Verdict != Error && !(*lo <= *d.Improvement && *d.Improvement <= *hi) {
			t.Errorf("%s: %v to %v leaves out %v", c.name, *lo, *hi, *d.Improvement)
		}
		if d.Verdict == Inconclusive && d.NeededN <= d.N {
			t.Errorf("%s: %d tests would settle it, and %d did not", c.name, d.NeededN, d.N)
		}
	}
}

// So many tests pass models that agree on all of them, and hardly fewer do.
func TestGuardTests(t *testing.T) {
	for _, most := range []float64{0.005, 0.02, 0.1, 0.5} {
		n := GuardTests(most)
		if d := Guard(binary(n, 0, 0, 0), most, Policy{}); d.Verdict != Pass {
			t.Errorf("%v: %d tests give %s, %v", most, n, d.Verdict, d.Reasons)
		}
		if d := Guard(binary(n*9/10, 0, 0, 0), most, Policy{}); most <= 0.1 && d.Verdict == Pass {
			t.Errorf("%v: %d tests pass too", most, n*9/10)
		}
	}
}

// A model that loses just what is allowed may be taken for one that loses less in one run of twenty.
func TestGuardHolds(t *testing.T) {
	const runs = 2000
	for _, w := range []world{{0.9, 0.88, 0.9}, {0.6, 0.58, 0.5}, {0.02, 0, 0}} {
		rng := rand.New(rand.NewPCG(1, 1))
		passed := 0
		known := make(map[outcomes]bool)
		for range runs {
			var o outcomes
			for range 300 {
				o[w.draw(rng)]++
			}
			if _, ok := known[o]; !ok {
				known[o] = Guard(binary(o[0], o[1], o[2], o[3]), 0.02, Policy{}).Verdict == Pass
			}
			if known[o] {
				passed++
			}
		}
		if share := float64(passed) / runs; share > 0.05 {
			t.Errorf("%+v: passed in %.1f %% of the runs", w, 100*share)
		}
	}
}

func TestImpossible(t *testing.T) {
	strict := Policy{Margin: 0.1, Rule: Strict}
	for _, c := range []struct {
		base   float64
		n      int
		policy Policy
		says   string
	}{
		{0.95, 100, Policy{Margin: 0.1}, "the base scores 0.950: a perfect model would improve on that by 5.3 % only, short of the margin of 10 %"},
		{0.95, 100, strict, "5.3 % only"},
		{0.95, 100, Policy{Margin: 0.1, Rule: Point}, "5.3 % only"},
		{1 / 1.1, 100, Policy{Margin: 0.1}, ""},
		{0.90, 100, Policy{Margin: 0.1}, ""},
		{0, 100, Policy{Margin: 0.1}, ""},
		{1, 100, Policy{}, "nothing to improve"},
		{0.95, 100, Policy{Margin: 0.1, Measure: Errors}, ""},
		{0.95, 100, Policy{Margin: 1.1, Measure: Errors}, "100 % of the errors only"},
		{1, 100, Policy{Margin: 0.1, Measure: Errors}, "nothing to improve"},
		{0.95, 100, Policy{Margin: 0.1, Measure: Points}, "5 points only, short of the margin of 10 points"},
		{0.85, 100, Policy{Margin: 0.1, Measure: Points}, ""},
		{0.02, 100, Policy{Margin: 0.1, LowerIsBetter: true}, ""},
		{0, 100, Policy{Margin: 0.1, LowerIsBetter: true}, "nothing to improve"},
		{0.02, 100, Policy{Margin: 0.1, Measure: Points, LowerIsBetter: true}, "2 points only"},
		{0.5, 100, Policy{Margin: 1.5, LowerIsBetter: true}, "100 % only"},
		{0.5, 4, Policy{Margin: 0.1}, "4 tests cannot show anything: the rule significant needs at least 5"},
		{0.5, 5, Policy{Margin: 0.1}, ""},
		{0.5, 5, Policy{Margin: 0.1, Sequential: true}, "needs at least 6"},
		{0.5, 5, Policy{Margin: 0.1, Alpha: 0.01}, "needs at least 7"},
		{0.5, 4, Policy{Margin: 0.1, Rule: Point}, ""},
		{95, 100, Policy{Margin: 0.1}, ""}, // a score on another scale
	} {
		if got := Impossible(c.base, c.n, c.policy); c.says == "" && got != "" || !strings.Contains(got, c.says) {
			t.Errorf("%+v: %q", c, got)
		}
	}
	// What is called impossible is: a perfect model does not pass; what is not may: it does, on enough tests.
	for right := range 101 {
		pairs := binary(right, 0, 100-right, 0)
		for _, p := range []Policy{{Margin: 0.1}, {Margin: 0.1, Measure: Points}, {Margin: 0.1, Measure: Errors}} {
			impossible := Impossible(float64(right)/100, 100, p) != ""
			if passes := Decide(pairs, p).Verdict == Pass; impossible && passes || !impossible && !passes && 100-right >= MinDiffer {
				t.Errorf("base %d of 100, %+v: impossible %v, passes %v", right, p, impossible, passes)
			}
		}
	}
}

func TestByLabel(t *testing.T) {
	pairs := []Pair{{"t1", 1, 0}, {"t2", 1, 0}, {"t3", 0, 1}, {"t4", 1, 1}, {"t5", 0, 1}, {"t6", 0, 0}}
	label := map[string]string{"t1": "refund", "t2": "refund", "t3": "refund", "t4": "parcel", "t5": "billing"}
	got := ByLabel(pairs, label, Policy{})
	want := []Label{
		{"refund", 3, 2.0 / 3, 1.0 / 3, 1, 2, 0},
		{"", 1, 0, 0, 0, 0, 1},
		{"parcel", 1, 1, 1, 0, 0, 1},
		{"billing", 1, 0, 1, 1, 0, 0},
	}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %+v, want %+v", got[i], want[i])
		}
	}
	if worse := ByLabel(pairs, label, Policy{LowerIsBetter: true}); worse[0].Name != "billing" || worse[len(worse)-1].Name != "refund" {
		t.Errorf("lower is better: %+v", worse)
	}
}

// Repeats are no tests of their own: a test asked a hundred times is one pair, and shows no more than that.
func TestRepeatsAreOneTest(t *testing.T) {
	few := []Pair{{"t1", 0.42, 0.97}, {"t2", 0.38, 0.99}, {"t3", 0.51, 0.95}, {"t4", 0.44, 0.96}} // means of a hundred answers each
	if d := Decide(few, Policy{Margin: 0.1}); d.Verdict != Inconclusive || d.N != 4 {
		t.Errorf("%+v", d)
	}
}
