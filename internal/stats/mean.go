package stats

import (
	"math"
	"slices"
)

// Mean is a sample's size, mean and standard deviation (with n-1).
type Mean struct {
	N        int
	Mean, SD float64
}

// MeanOf measures a sample. The deviation of fewer than two values is 0.
func MeanOf(xs []float64) Mean {
	m := Mean{N: len(xs)}
	if m.N == 0 {
		return m
	}
	for _, x := range xs {
		m.Mean += x
	}
	m.Mean /= float64(m.N)
	if m.N < 2 || constant(xs) { // equal values must give exactly 0, which rounding would spoil
		return m
	}
	var sum float64
	for _, x := range xs {
		sum += (x - m.Mean) * (x - m.Mean)
	}
	m.SD = math.Sqrt(sum / float64(m.N-1))
	return m
}

func constant(xs []float64) bool {
	for _, x := range xs {
		if x != xs[0] {
			return false
		}
	}
	return true
}

// Lower is the one-sided lower confidence bound of the true mean at confidence 1-alpha, by Student's t: -Inf for fewer than
// two values. Where the deviation is 0 it is the mean itself, which proves nothing: the caller must look at SD.
func (m Mean) Lower(alpha float64) float64 {
	if m.N < 2 {
		return math.Inf(-1)
	}
	return m.Mean - StudentQuantile(1-alpha, float64(m.N-1))*m.SD/math.Sqrt(float64(m.N))
}

// Upper is the bound from above, likewise.
func (m Mean) Upper(alpha float64) float64 {
	return -m.Minus().Lower(alpha)
}

// Minus is the measure of the negated sample.
func (m Mean) Minus() Mean { return Mean{m.N, -m.Mean, m.SD} }

// P is the one-sided p-value against a true mean of zero or less; 1 where there is no spread to judge by.
func (m Mean) P() float64 {
	if m.N < 2 || m.SD == 0 {
		return 1
	}
	return StudentUpper(m.Mean/m.SD*math.Sqrt(float64(m.N)), float64(m.N-1))
}

// Ratio is Fieller's interval of mean(num)/mean(den) over pairs, each limit one-sided at confidence 1-alpha: the ratios g
// that a t-test of num - g*den does not refuse. mean(den) must be positive, and only ratios of at least 0 are looked at; the upper limit is
// +Inf where den is not shown to be positive. Without any spread, or for fewer than two pairs, the interval is 0 to +Inf.
// Where num is all zero, t would take the ratio 0 for certain; the upper limit is then that of RatioSequence, on den's own scale.
func Ratio(num, den []float64, alpha float64) (lo, hi float64) {
	n := len(num)
	mn, md := MeanOf(num), MeanOf(den)
	if n < 2 || md.Mean <= 0 || mn.SD == 0 && md.SD == 0 {
		return 0, math.Inf(1)
	}
	if mn.SD == 0 && mn.Mean == 0 {
		if slices.Min(den) < 0 {
			return 0, math.Inf(1)
		}
		scale, top := slices.Clone(den), max(1, slices.Max(den))
		for i := range scale {
			scale[i] /= top
		}
		return RatioSequence(num, scale, alpha)
	}
	var cov float64
	for i := range num {
		cov += (num[i] - mn.Mean) * (den[i] - md.Mean)
	}
	cov /= float64(n - 1)
	t := StudentQuantile(1-alpha, float64(n-1)) / math.Sqrt(float64(n))
	// Bounds of the mean of num - g*den. Both are concave in g or its mirror, so each is crossed once.
	reach := func(g float64) float64 { return t * math.Sqrt(max(0, mn.SD*mn.SD-2*g*cov+g*g*md.SD*md.SD)) }
	lo = crossing(func(g float64) bool { return mn.Mean-g*md.Mean <= reach(g) })
	hi = crossing(func(g float64) bool { return g*md.Mean-mn.Mean > reach(g) })
	return lo, hi
}

// crossing is the least g >= 0 where above holds, +Inf where that is beyond a million. Above must be false first, then true.
func crossing(above func(g float64) bool) float64 {
	lo, hi := 0.0, 1.0
	if above(0) {
		return 0
	}
	for !above(hi) {
		if lo, hi = hi, 2*hi; hi > 1e6 {
			return math.Inf(1)
		}
	}
	for hi-lo > 1e-12*(hi+1e-3) {
		if mid := lo + (hi-lo)/2; above(mid) {
			hi = mid
		} else {
			lo = mid
		}
	}
	return lo + (hi-lo)/2
}
