package audit

import (
	"math"
	"slices"
)

// Bin counts the examples that are From to To long, both included.
type Bin struct{ From, To, Examples int }

// maxBins is about how many bars a person can tell apart in a plot.
const maxBins = 24

// binned spreads sorted sizes over bins of one round width that reach to the 99th percentile. The last one takes the rest,
// since a single example of a great length would else leave all others in one bin.
func binned(sorted []int32) (bins []Bin) {
	if len(sorted) == 0 {
		return nil
	}
	least, most := int(sorted[0]), int(sorted[len(sorted)-1])
	end := rank(sorted, .99)
	width := roundUp(float64(end-least+1) / (maxBins - 2))
	for from := least / width * width; from <= most; from += width {
		to := from + width - 1
		if from > end || to >= most {
			to = most
		}
		n, _ := slices.BinarySearch(sorted, int32(from))
		m := len(sorted)
		if to < most {
			m, _ = slices.BinarySearch(sorted, int32(to+1))
		}
		bins = append(bins, Bin{from, to, m - n})
		if to == most {
			break
		}
	}
	return bins
}

// roundUp returns the next 1, 2 or 5 times a power of ten.
func roundUp(v float64) int {
	unit := math.Pow(10, math.Floor(math.Log10(max(v, 1))))
	for _, n := range []float64{1, 2, 5} {
		if v <= n*unit {
			return int(n * unit)
		}
	}
	return int(10 * unit)
}
