package gate

import (
	"math"

	"github.com/tunegate/tunegate/internal/stats"
)

// interval bounds the improvement, by inverting the test of the margin at every margin; it spends alpha as evidence does. On few
// tests Student's t can be bolder than the exact test of a difference; then the limit stays at 0.
func (s summary) interval(e evidence, p Policy) [2]*float64 {
	var lo, hi float64
	switch {
	case !p.Sequential:
		lo, hi = s.fixedLimits(p.Alpha)
	case !p.Exhausted:
		lo, hi = s.anytimeLimits(p.Alpha * whileAsking)
	default:
		lo, hi = s.anytimeLimits(p.Alpha * whileAsking)
		if l, h := s.fixedLimits(p.Alpha * (1 - whileAsking)); max(lo, l) <= min(hi, h) {
			lo, hi = max(lo, l), min(hi, h)
		}
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

func (s summary) fixedLimits(alpha float64) (lo, hi float64) {
	if !s.points {
		sign := math.Copysign(1, s.side*s.slope)
		return s.improvements(stats.Ratio(times(sign, s.num), times(sign, s.den), alpha))
	}
	gains := stats.MeanOf(s.gains)
	if gains.SD == 0 {
		return math.Inf(-1), math.Inf(1)
	}
	return gains.Lower(alpha), gains.Upper(alpha)
}

func (s summary) anytimeLimits(alpha float64) (lo, hi float64) {
	if s.points {
		return stats.MeanSequence(s.gains, alpha)
	}
	return s.improvements(stats.RatioSequence(s.num, s.den, alpha))
}

// improvements turns limits of the ratio into limits of the improvement.
func (s summary) improvements(from, to float64) (lo, hi float64) {
	lo, hi = s.slope*(from-1), s.slope*(to-1)
	if s.slope < 0 {
		lo, hi = hi, lo
	}
	return lo, hi
}

func finite(x float64) *float64 {
	if math.IsInf(x, 0) || math.IsNaN(x) {
		return nil
	}
	return &x
}

// needed estimates how many tests would settle what these did not.
func (s summary) needed(p Policy) int {
	switch {
	case p.Sequential && p.Exhausted:
		p.Alpha *= 1 - whileAsking
	case p.Sequential:
		p.Alpha *= whileAsking
	}
	values, bound := s.gains, 1.0
	strict := p.Rule == Strict && s.known
	if strict || !p.lastLook() {
		values, bound = s.beyond, s.bound(1)
	}
	var n int
	switch mean := stats.MeanOf(values); {
	case !strict && !s.reached:
		n = enoughTests
	case p.lastLook() && mean.SD == 0 && s.wins+s.losses >= MinDiffer:
		return 0 // no number of tests without spread shows anything
	case p.lastLook():
		n = stats.Needed(mean, p.Alpha) // a run of that size would have a last look as this one had
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
