package gate

import (
	"fmt"
	"math"

	"github.com/tunegate/tunegate/internal/stats"
)

// GuardTests is about how many tests Guard takes to pass models that agree on all of them, at an Alpha of 0.05. All bets on them would win
// 20-fold after 3/most; which bet is the best is not known beforehand, and spreading them costs half as much again.
func GuardTests(most float64) int { return int(math.Ceil(4.52 / most)) }

// Guard judges whether the tuned model has got worse on a suite that it was not tuned for: Pass where it is shown to lose no more
// than most (0.02 is two points of a hundred) of the mean score, Fail where it is shown to lose more or, on 30 tests and above, is seen
// to, else Inconclusive. Improvement and Interval are in points. Of the policy Alpha, LowerIsBetter and OnInconclusive count.
//
// Scores must lie from 0 to 1. The evidence is anytime-valid in every case: losses are rare where a guard matters, Student's t is
// too bold there, and models that agree on all tests pass once there are enough of them (GuardTests).
func Guard(pairs []Pair, most float64, p Policy) Decision {
	p = Policy{Measure: Points, Alpha: p.Alpha, LowerIsBetter: p.LowerIsBetter, Sequential: true, OnInconclusive: p.OnInconclusive}.complete()
	pairs = sorted(pairs)
	problem := unfit(pairs, p)
	if !(most > 0 && most < 1) {
		problem = fmt.Sprintf("the loss allowed is %v, expected more than 0 and less than 1", most)
	}
	if problem != "" {
		return Decision{Verdict: Error, N: len(pairs), P: 1, Reasons: []string{problem}}
	}
	p.Margin = -most
	s := summarise(pairs, p)
	enough, held, broken := -math.Log(p.Alpha), s.distance(1), s.distance(-1)
	lo, hi := stats.MeanSequence(s.gains, p.Alpha)
	d := Decision{N: s.n, Base: s.base, Tuned: s.tuned, Improvement: &s.improvement, Interval: [2]*float64{finite(lo), finite(hi)},
		P: min(1, math.Exp(-held)), Wins: s.wins, Losses: s.losses, Ties: s.ties}
	limit := p.amount(most)
	var why string
	switch {
	case held >= enough:
		d.Verdict, why = Pass, fmt.Sprintf("shown to lose no more than the %s allowed (%s)", limit, pValue(d.P))
	case broken >= enough:
		d.Verdict, why = Fail, fmt.Sprintf("shown to lose more than the %s allowed", limit)
	case !s.reached && s.n >= enoughTests:
		d.Verdict, why = Fail, fmt.Sprintf("seen to lose more than the %s allowed", limit)
	default:
		d.Verdict, why = Inconclusive, fmt.Sprintf("not shown to lose no more than the %s allowed (%s, needed below %v)", limit, pValue(d.P), p.Alpha)
		n := enoughTests
		if s.reached {
			n = stats.NeededBetting(s.beyond, s.bound(1), p.Alpha)
		}
		if n > 0 {
			d.NeededN = max(n, s.n+1)
		}
	}
	d.Reasons = []string{seen(d, p), why}
	return finish(d, p)
}
