package gate

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestSettledStands checks that a run that stopped because it was settled is decided, and that nothing was too little.
func TestSettledStands(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, rule := range Rules() {
		for _, w := range []world{{0.6, 0.9, 0.5}, {0.6, 0.3, 0.5}, {0.9, 0.9, 0.5}, {0, 0.4, 0}} {
			p := Policy{Margin: 0.1, Rule: rule}
			var o outcomes
			for n := 0; n < 400; n++ {
				if pairs := binary(o[0], o[1], o[2], o[3]); Settled(pairs, p) {
					p.Sequential = true
					if v := Decide(pairs, p).Verdict; v != Pass && v != Fail {
						t.Errorf("%s, %+v: settled at %v, yet %s", rule, w, o, v)
					}
					if better := w.tuned > w.base; (Decide(pairs, p).Verdict == Pass) != better {
						t.Errorf("%s, %+v: %s at %v", rule, w, Decide(pairs, p).Verdict, o)
					}
					if o[1]+o[2] < 5 && w.tuned > w.base {
						t.Errorf("%s, %+v: passes with %v", rule, w, o)
					}
					break
				}
				if n == 399 {
					t.Errorf("%s, %+v: not settled by 400 tests", rule, w)
				}
				o[w.draw(rng)]++
			}
		}
	}
	if Settled(nil, Policy{}) || Settled([]Pair{{"t1", math.NaN(), 1}}, Policy{}) || Settled(binary(0, 0, 50, 0), Policy{Rule: "strikt"}) {
		t.Error("what cannot be judged is settled")
	}
}

// TestSettledByWhatIsLeft: how many tests are left decides where what was seen does not.
func TestSettledByWhatIsLeft(t *testing.T) {
	for _, c := range []struct {
		name  string
		pairs []Pair
		total int
		want  bool
	}{
		{"not known", binary(40, 1, 13, 6), 0, false},
		{"many", binary(40, 1, 13, 6), 300, false},
		{"few", binary(40, 1, 13, 6), 70, true},
		{"fewer than were asked", binary(40, 1, 13, 6), 50, false},
		{"none, which Exhausted is to say", binary(40, 1, 13, 6), 60, false},
		{"short of the margin, few", binary(40, 5, 5, 10), 70, true},
		{"short of the margin, many", binary(40, 5, 5, 10), 300, false},
		{"no difference so far shows no spread", binary(20, 0, 0, 10), 60, false},
		{"reached, but not shown to be better", binary(30, 5, 11, 4), 51, false},
		{"base zero", binary(0, 0, 9, 51), 61, false},
	} {
		if got := Settled(c.pairs, Policy{Margin: 0.1, Total: c.total}); got != c.want {
			t.Errorf("%s: settled %v", c.name, got)
		}
	}
}

// TestSettledKnowsNoLastLook: what only the last look shows is no reason to stop before it.
func TestSettledKnowsNoLastLook(t *testing.T) {
	p := Policy{Margin: 0.1, Rule: Strict, Sequential: true}
	last := p
	last.Exhausted = true
	between := 0
	for wins := range 40 {
		pairs := binary(50, 3, wins, 50-wins)
		atLast := Decide(pairs, last).Verdict == Pass
		if atLast && Decide(pairs, p).Verdict == Inconclusive {
			between++
			if Settled(pairs, p) || Settled(pairs, last) {
				t.Errorf("%d wins: settled", wins)
			}
		}
	}
	if between == 0 {
		t.Error("the last look shows nothing more")
	}
}
