package stats

import (
	"cmp"
	"math"
	"slices"
)

// An e-process starts at 1 and, if there is no true effect, cannot be expected to grow, whatever has been seen; so it
// ever reaches 1/alpha with probability alpha at most, and a run may stop at any moment that it does. The functions here return
// its natural logarithm, since it soon leaves the range of a float64.

// Discordant is the evidence, as the logarithm of an e-process, that of the pairs that differ more than half are wins: the likelihood
// ratio of a chance of winning that is uniform between a half and 1, to a half.
func Discordant(wins, losses int) float64 {
	lg := func(x int) float64 { v, _ := math.Lgamma(float64(x)); return v }
	n := wins + losses
	beta := lg(wins+1) + lg(losses+1) - lg(n+2)
	// The mixture covers the half of the beta distribution above 1/2: P(Beta(w+1, l+1) > 1/2) = P(Binomial(n+1, 1/2) <= w).
	return float64(n+1)*math.Ln2 + beta + math.Log(BinomialUpper(losses+1, n+1, 0.5))
}

// stakes is the number of betting strategies that are mixed; the mixture loses a factor of that at most to the best of
// them, in truth a few.
const stakes = 40

// Betting is the evidence, as the logarithm of an e-process, that the true mean of values, each at least -bound, is
// above zero: the wealth of a gambler who spreads an initial 1 over fixed stakes between nothing and all, and bets on each value in
// turn (Waudby-Smith and Ramdas 2024). The order of the values does not change it. For differences of -1, 0 and 1 it is Discordant, the
// integral taken as a sum.
func Betting(ds []float64, bound float64) float64 {
	return betting(tally(ds), func(d float64) float64 { return d / bound })
}

// betting bets on payoff(value) >= -1 for each value.
func betting[T any](values []counted[T], payoff func(T) float64) float64 {
	var wealth [stakes]float64
	for _, v := range values {
		x := payoff(v.value)
		for k := range wealth {
			wealth[k] += v.n * math.Log1p(stake(k)*x)
		}
	}
	top := slices.Max(wealth[:])
	var sum float64
	for _, w := range wealth {
		sum += math.Exp(w - top)
	}
	return top + math.Log(sum/stakes)
}

func stake(k int) float64 { return (float64(k) + 0.5) / stakes }

// RatioSequence bounds mean(num)/mean(den) over pairs of scores from 0 to 1, each limit at confidence 1-alpha and
// valid at whatever moment the run stopped: the ratios g that a bet on num - g*den does not refuse. The upper limit is +Inf
// where den is all zero, the lower one 0 where num is.
func RatioSequence(num, den []float64, alpha float64) (lo, hi float64) {
	type pair struct{ num, den float64 }
	pairs := make([]pair, len(num))
	for i := range num {
		pairs[i] = pair{num[i], den[i]}
	}
	values := tallyFunc(pairs, func(a, b pair) int { return cmp.Or(cmp.Compare(a.num, b.num), cmp.Compare(a.den, b.den)) })
	enough := -math.Log(alpha)
	// num - g*den is at least -g, and g*den - num at least -1.
	lo = crossing(func(g float64) bool {
		if g == 0 {
			return !slices.ContainsFunc(pairs, func(p pair) bool { return p.num > 0 })
		}
		return betting(values, func(p pair) float64 { return p.num/g - p.den }) < enough
	})
	hi = crossing(func(g float64) bool {
		return betting(values, func(p pair) float64 { return g*p.den - p.num }) >= enough
	})
	return lo, hi
}

// MeanSequence bounds the mean of values from -1 to 1, each limit at confidence 1-alpha and valid at whatever moment the run
// stopped: the means m that a bet on value - m does not refuse.
func MeanSequence(ds []float64, alpha float64) (lo, hi float64) {
	return lowerMean(tally(ds), alpha), -lowerMean(tally(negated(ds)), alpha)
}

func lowerMean(values []counted[float64], alpha float64) float64 {
	// Counted from -1, the least there is, a mean is at least 0; value - m is at least -(1+m).
	return crossing(func(m float64) bool {
		return m >= 2 || m > 0 && betting(values, func(d float64) float64 { return (1 + d - m) / m }) < -math.Log(alpha)
	}) - 1
}

func negated(xs []float64) []float64 {
	out := make([]float64, len(xs))
	for i, x := range xs {
		out[i] = -x
	}
	return out
}

// counted is a value and how often it occurs: most benchmarks know few different scores.
type counted[T any] struct {
	value T
	n     float64
}

func tally(xs []float64) []counted[float64] { return tallyFunc(xs, cmp.Compare[float64]) }

func tallyFunc[T any](xs []T, compare func(a, b T) int) []counted[T] {
	const few = 16 // values for which looking through those already met is faster than sorting
	var out []counted[T]
	for _, x := range xs {
		i := slices.IndexFunc(out, func(c counted[T]) bool { return compare(c.value, x) == 0 })
		if i >= 0 {
			out[i].n++
		} else if out = append(out, counted[T]{x, 1}); len(out) > few {
			return tallySorted(xs, compare)
		}
	}
	slices.SortFunc(out, func(a, b counted[T]) int { return compare(a.value, b.value) })
	return out
}

func tallySorted[T any](xs []T, compare func(a, b T) int) []counted[T] {
	sorted := slices.Clone(xs)
	slices.SortFunc(sorted, compare)
	var out []counted[T]
	for i, x := range sorted {
		if i > 0 && compare(x, sorted[i-1]) == 0 {
			out[len(out)-1].n++
		} else {
			out = append(out, counted[T]{x, 1})
		}
	}
	return out
}
