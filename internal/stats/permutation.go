package stats

import (
	"math"
	"math/rand/v2"
)

// exactSignFlips is the largest number of differences of which all sign patterns are tried (16,384 of them); draws is how many are
// drawn beyond that. One more than a round number of draws makes the p-value that of an exact test (Phipson and Smyth).
const (
	exactSignFlips = 14
	draws          = 9_999
)

// SignFlip is the permutation test of paired differences: under no true difference each may as well have had the other sign.
// Differences of zero say nothing and are passed over.
func SignFlip(diffs []float64, seed uint64) Paired {
	var ds []float64
	var observed, size float64
	for _, d := range diffs {
		if d != 0 {
			ds = append(ds, d)
			observed += d
			size += math.Abs(d)
		}
	}
	slack := 1e-12 * size // sums that differ by rounding alone are equal
	var up, down, total int
	count := func(sum float64) {
		total++
		if sum >= observed-slack {
			up++
		}
		if sum <= observed+slack {
			down++
		}
	}
	p := Paired{Exact: len(ds) <= exactSignFlips}
	if p.Exact {
		for signs := range uint64(1) << len(ds) {
			count(flipped(ds, []uint64{signs}))
		}
	} else {
		count(observed)
		rng := rand.New(rand.NewPCG(seed, uint64(len(ds))))
		words := make([]uint64, (len(ds)+63)/64)
		for range draws {
			for i := range words {
				words[i] = rng.Uint64()
			}
			count(flipped(ds, words))
		}
	}
	p.P, p.Reverse = float64(up)/float64(total), float64(down)/float64(total)
	if len(ds) < 5 {
		p.Warnings = append(p.Warnings, "fewer than 5 pairs differ, too few for p < 0.05")
	}
	return p
}

// flipped is the sum with the signs turned where a bit is set.
func flipped(ds []float64, signs []uint64) float64 {
	var sum float64
	for i, d := range ds {
		// The bit moves to the sign of the number: no branch to mispredict.
		sum += math.Float64frombits(math.Float64bits(d) ^ (signs[i/64]>>(i%64)&1)<<63)
	}
	return sum
}
