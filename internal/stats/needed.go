package stats

import "math"

// power is the chance with which the needed number of tests should show an effect as large as the one seen.
const power = 0.8

// maxNeeded is where an estimate says no more than "too many".
const maxNeeded = 1_000_000

// Needed estimates how many values, with this mean and deviation, a one-sided test of fixed size needs to show at alpha, four
// times in five, that the true mean is not zero. 0 means that no number up to a million would: the mean is zero, or nearly.
func Needed(m Mean, alpha float64) int {
	effect := math.Abs(m.Mean)
	n := math.Pow((NormalQuantile(1-alpha)+NormalQuantile(power))*m.SD/effect, 2)
	if effect == 0 || !(n <= maxNeeded) {
		return 0
	}
	return max(2, int(math.Ceil(n)))
}

// NeededBetting estimates the same for Betting: where the evidence, growing as it did on these values, reaches
// 1/alpha. 0 means that it does not grow, or too slowly.
func NeededBetting(ds []float64, bound, alpha float64) int {
	if len(ds) == 0 {
		return 0
	}
	values := tally(ds)
	var growth float64 // of the best stake, for each value
	for k := range stakes {
		var sum float64
		for _, v := range values {
			sum += v.n * math.Log1p(stake(k)*v.value/bound)
		}
		growth = max(growth, sum/float64(len(ds)))
	}
	if growth == 0 {
		return 0
	}
	// The mixture lags behind its best stake by about half the logarithm of n.
	n := -math.Log(alpha) / growth
	for range 20 {
		n = (-math.Log(alpha) + math.Log(1+n)/2) / growth
	}
	if !(n <= maxNeeded) {
		return 0
	}
	return int(math.Ceil(n))
}
