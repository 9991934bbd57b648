package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// TestMcNemarAgainstGonum compares with the binomial distribution of another hand, on both sides.
func TestMcNemarAgainstGonum(t *testing.T) {
	for wins := range 60 {
		for _, losses := range []int{0, 1, 3, 10, 40, 200} {
			n := float64(wins + losses)
			if n == 0 {
				continue
			}
			b := distuv.Binomial{N: n, P: 0.5}
			got := McNemar(wins, losses)
			near(t, "P", got.P, 1-b.CDF(float64(wins-1)))
			near(t, "Reverse", got.Reverse, 1-b.CDF(float64(losses-1)))
		}
	}
}

// TestSignFlipAgainstConvolution counts the sums of all sign patterns another way: the distribution of the sum, built up one
// difference at a time, on differences that are whole multiples of a 64th.
func TestSignFlipAgainstConvolution(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 50 {
		n := 1 + rng.IntN(exactSignFlips)
		ds := make([]float64, n)
		ways := map[int]float64{0: 1} // share of the patterns, by the sum in 64ths
		observed := 0
		for i := range ds {
			step := 1 + rng.IntN(64)
			next := make(map[int]float64)
			for sum, share := range ways {
				next[sum+step] += share / 2
				next[sum-step] += share / 2
			}
			ways = next
			if rng.IntN(3) == 0 {
				step = -step
			}
			observed += step
			ds[i] = float64(step) / 64
		}
		var up, down float64
		for sum, share := range ways {
			if sum >= observed {
				up += share
			}
			if sum <= observed {
				down += share
			}
		}
		got := SignFlip(ds, 1)
		near(t, "P", got.P, up)
		near(t, "Reverse", got.Reverse, down)
	}
}

// TestWilsonAgainstRoots solves the score equation, (share - p)^2 = z^2 p (1-p) / n, as the quadratic that it is.
func TestWilsonAgainstRoots(t *testing.T) {
	for _, level := range []float64{0.8, 0.95, 0.999} {
		z := distuv.UnitNormal.Quantile(1 - (1-level)/2)
		for _, n := range []float64{1, 7, 40, 1000} {
			for k := 0.0; k <= n; k += math.Ceil(n / 7) {
				share := k / n
				a, b, c := 1+z*z/n, -(2*share + z*z/n), share*share
				root := math.Sqrt(max(0, b*b-4*a*c))
				lo, hi := Wilson(int(k), int(n), level)
				near(t, "lower", lo, max(0, (-b-root)/(2*a)))
				near(t, "upper", hi, min(1, (-b+root)/(2*a)))
			}
		}
	}
}
