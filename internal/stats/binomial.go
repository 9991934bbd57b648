package stats

import (
	"fmt"
	"math"
)

// Paired is the result of a test of paired differences. P is one-sided: how likely differences at least as favourable
// are if there is no true one; Reverse is the same for the other side. Warnings say what the result cannot show.
type Paired struct {
	P, Reverse float64
	Exact      bool // by counting all cases, not by drawing some
	Warnings   []string
}

// TwoSided is the p-value against a difference of either sign, twice the smaller side.
func (p Paired) TwoSided() float64 { return min(1, 2*min(p.P, p.Reverse)) }

// McNemar is the exact test of wins against losses among the pairs that differ.
func McNemar(wins, losses int) Paired {
	n := wins + losses
	p := Paired{P: BinomialUpper(wins, n, 0.5), Reverse: BinomialUpper(losses, n, 0.5), Exact: true}
	if n < 5 {
		p.Warnings = append(p.Warnings, fmt.Sprintf("%d pairs differ; at least 5 are needed for p < 0.05", n))
	}
	return p
}

// BinomialUpper is the probability of k or more successes in n trials of probability p.
func BinomialUpper(k, n int, p float64) float64 {
	switch {
	case k <= 0:
		return 1
	case k > n:
		return 0
	case p <= 0:
		return 0
	case p >= 1:
		return 1
	case float64(k) <= float64(n)*p:
		// The upper tail is the larger one: sum the other, from its largest term down.
		return 1 - binomialSum(n-k+1, n, 1-p)
	}
	return binomialSum(k, n, p)
}

// binomialSum adds the terms from k, at or above the mean, to n; each is the one before times a ratio below one.
func binomialSum(k, n int, p float64) float64 {
	if k > n {
		return 0
	}
	lg := func(x int) float64 { v, _ := math.Lgamma(float64(x) + 1); return v }
	first := math.Exp(lg(n) - lg(k) - lg(n-k) + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
	sum, term := 0.0, 1.0
	for i := k; i <= n && term > 1e-18*sum; i++ {
		sum += term
		term *= float64(n-i) / float64(i+1) * p / (1 - p)
	}
	return min(1, first*sum)
}

// Wilson is the score interval of a proportion at a two-sided confidence level; 0 to 1 when n is 0.
func Wilson(successes, n int, level float64) (lo, hi float64) {
	if n == 0 {
		return 0, 1
	}
	z := NormalQuantile(1 - (1-level)/2)
	share, m := float64(successes)/float64(n), float64(n)
	centre := (share + z*z/(2*m)) / (1 + z*z/m)
	half := z / (1 + z*z/m) * math.Sqrt(share*(1-share)/m+z*z/(4*m*m))
	return max(0, centre-half), min(1, centre+half)
}

// NormalQuantile is the inverse of the standard normal distribution function, 0 < p < 1.
func NormalQuantile(p float64) float64 {
	if p > 0.5 {
		return -NormalQuantile(1 - p)
	}
	if !(p > 0) {
		return math.Inf(-1)
	}
	// The library's inverse goes through 1-p and loses the far tail; Newton's method on the logarithm of p brings it back. It
	// starts where the tail is a little smaller than p: from there it cannot overshoot.
	z := -math.Sqrt2 * math.Erfcinv(2*p)
	if p < 1e-6 {
		z = -math.Sqrt(-2 * math.Log(p))
	}
	for range 50 {
		tail := math.Erfc(-z/math.Sqrt2) / 2
		density := math.Exp(-z*z/2) / math.Sqrt(2*math.Pi)
		step := math.Log(tail/p) * tail / density
		if z -= step; math.Abs(step) < 1e-15*math.Abs(z) {
			break
		}
	}
	return z
}
