package gate

import (
	"math"

	"github.com/tunegate/tunegate/internal/stats"
)

// summary is what pairs show before any test. The arms are compared through their ratio tuned/base: an improvement by
// the margin is a ratio on the good side of goal, and deviations from a ratio g are tuned - g*base, counted so that more is better.
type summary struct {
	n                  int
	base, tuned        float64 // means
	gain               float64 // mean of tuned - base, counted so that more is better
	improvement        float64 // gain relative to |base|; 0 when the base is 0
	reached            bool    // the margin, by what was observed; zeroBaseGain when the base is 0
	wins, losses, ties int

	bases, tuneds []float64
	side          float64   // 1 where higher scores are better, else -1
	slope         float64   // improvement for each unit of the ratio: side, or its opposite for a negative base
	goal          float64   // ratio at the margin
	gains         []float64 // deviations from the ratio 1
	beyond        []float64 // deviations from goal; for a base of 0, from zeroBaseGain
}

func summarise(pairs []Pair, p Policy) summary {
	n := len(pairs)
	all := make([]float64, 4*n)
	s := summary{n: n, side: 1, bases: all[:0:n], tuneds: all[n : n : 2*n], gains: all[2*n : 2*n : 3*n], beyond: all[3*n : 3*n]}
	if p.LowerIsBetter {
		s.side = -1
	}
	for _, q := range pairs {
		s.bases, s.tuneds = append(s.bases, q.Base), append(s.tuneds, q.Tuned)
		switch gain := s.side * (q.Tuned - q.Base); {
		case math.Abs(gain) < rounding:
			s.ties++
			s.gains = append(s.gains, 0)
		case gain > 0:
			s.wins++
			s.gains = append(s.gains, gain)
		default:
			s.losses++
			s.gains = append(s.gains, gain)
		}
	}
	s.base, s.tuned, s.gain = stats.MeanOf(s.bases).Mean, stats.MeanOf(s.tuneds).Mean, stats.MeanOf(s.gains).Mean
	s.slope = math.Copysign(s.side, s.side*s.base)
	if s.reached = s.gain >= zeroBaseGain-rounding; s.base != 0 {
		s.improvement = s.gain / math.Abs(s.base)
		s.reached = s.improvement >= p.Margin-rounding
	}
	s.goal = 1 + s.slope*p.Margin
	for i := range pairs {
		if s.base == 0 {
			s.beyond = append(s.beyond, s.gains[i]-zeroBaseGain)
		} else {
			s.beyond = append(s.beyond, s.side*(s.tuneds[i]-s.goal*s.bases[i]))
		}
	}
	return s
}

// evidence is what has been shown, each at confidence 1-alpha by itself.
type evidence struct {
	better, worse bool    // than the base
	above, below  bool    // the margin, or zeroBaseGain
	p             float64 // see Decision.P
}

func (s summary) evidence(p Policy) evidence {
	if p.Sequential {
		return s.anytime(p)
	}
	paired := s.paired()
	margin := stats.MeanOf(s.beyond)
	e := evidence{
		better: paired.P < p.Alpha,
		worse:  paired.Reverse < p.Alpha,
		// Student's t, as a p-value; without any spread that is 1, which never passes.
		above: margin.P() < p.Alpha,
		below: s.n >= enoughTests && (margin.Minus().P() < p.Alpha || margin.SD == 0 && margin.Mean < 0),
		p:     paired.P,
	}
	if p.Rule == Strict && s.base != 0 {
		e.p = margin.P()
	}
	return e
}

// paired tests the gains: exactly by counting where all are of one size, such as 0 and 1 give, else by turning their signs.
func (s summary) paired() stats.Paired {
	size := 0.0
	for _, g := range s.gains {
		switch g = math.Abs(g); {
		case g == 0 || math.Abs(g-size) < rounding:
		case size == 0:
			size = g
		default:
			const seed = 1 // the same file must give the same verdict wherever it is judged
			return stats.SignFlip(s.gains, seed)
		}
	}
	return stats.McNemar(s.wins, s.losses)
}

// anytime is the evidence that may be looked at after every test.
func (s summary) anytime(p Policy) evidence {
	enough := -math.Log(p.Alpha)
	up, down := s.difference(1), s.difference(-1)
	over, under := s.margin(1), s.margin(-1)
	e := evidence{better: up >= enough, worse: down >= enough, above: over >= enough, below: under >= enough}
	e.p = min(1, math.Exp(-up))
	if p.Rule == Strict && s.base != 0 {
		e.p = min(1, math.Exp(-over))
	}
	return e
}

// difference is the evidence that the gains are above zero (sign 1) or below it (-1).
func (s summary) difference(sign float64) float64 {
	whole := true
	for _, g := range s.gains {
		whole = whole && (g == 0 || g == 1 || g == -1)
	}
	switch {
	case !whole:
		return stats.Betting(times(sign, s.gains), 1)
	case sign > 0:
		return stats.Discordant(s.wins, s.losses)
	}
	return stats.Discordant(s.losses, s.wins)
}

// margin is the evidence that the improvement is above the margin (sign 1) or below it (-1).
func (s summary) margin(sign float64) float64 {
	return stats.Betting(times(sign, s.beyond), s.bound(sign))
}

// bound is how far below zero sign times a deviation from goal can lie, for scores from 0 to 1: that of tuned - goal*base
// by goal, that of its opposite by 1. A goal of 0 or less, of a margin of 100 % where lower is better, turns that about; the bound
// must still not be 0, since bets are divided by it. A base of 0 may show other scores later: no gain is below -1, so none
// lies further than that from zeroBaseGain.
func (s summary) bound(sign float64) float64 {
	if s.base == 0 {
		return 1 + zeroBaseGain
	}
	if sign*s.side > 0 {
		return max(s.goal, rounding)
	}
	return 1 + max(0, -s.goal)
}

func times(sign float64, xs []float64) []float64 {
	out := make([]float64, len(xs))
	for i, x := range xs {
		out[i] = sign * x
	}
	return out
}

// interval bounds the improvement, by inverting the test of the margin at every margin. On few tests Student's t can be bolder than
// the exact test of a difference; then the limit stays at 0.
func (s summary) interval(e evidence, p Policy) [2]*float64 {
	var lo, hi float64
	if p.Sequential {
		lo, hi = stats.RatioSequence(s.tuneds, s.bases, p.Alpha)
	} else {
		sign := math.Copysign(1, s.base)
		lo, hi = stats.Ratio(times(sign, s.tuneds), times(sign, s.bases), p.Alpha)
	}
	lo, hi = s.slope*(lo-1), s.slope*(hi-1)
	if s.slope < 0 {
		lo, hi = hi, lo
	}
	few := s.wins+s.losses < MinDiffer
	if few || !e.better {
		lo = min(lo, 0)
	}
	if few || !e.worse {
		hi = max(hi, 0)
	}
	return [2]*float64{finite(lo), finite(hi)}
}

func finite(x float64) *float64 {
	if math.IsInf(x, 0) || math.IsNaN(x) {
		return nil
	}
	return &x
}

// needed estimates how many tests would settle what these did not.
func (s summary) needed(p Policy) int {
	values, bound := s.gains, 1.0
	strict := p.Rule == Strict && s.base != 0
	if strict || !p.lastLook() {
		values, bound = s.beyond, s.bound(1)
	}
	var n int
	switch mean := stats.MeanOf(values); {
	case !strict && !s.reached:
		n = enoughTests
	case !p.Sequential && mean.SD == 0 && s.wins+s.losses >= MinDiffer:
		return 0 // no number of tests without spread shows anything
	case !p.Sequential:
		n = stats.Needed(mean, p.Alpha)
	case mean.Mean < 0:
		n = stats.NeededBetting(times(-1, values), s.bound(-1), p.Alpha)
	default:
		n = stats.NeededBetting(values, bound, p.Alpha)
	}
	if n == 0 {
		return 0
	}
	if differ := s.wins + s.losses; differ > 0 && differ < MinDiffer && p.Rule != Point {
		n = max(n, (MinDiffer*s.n+differ-1)/differ)
	}
	return max(n, s.n+1)
}
