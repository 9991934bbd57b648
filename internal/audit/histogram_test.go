package audit

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestHistogramHoldsEveryExample(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		sizes := make([]int32, 1+random.IntN(300))
		for i := range sizes {
			sizes[i] = random.Int32N(1 + random.Int32N(1<<uint(1+random.IntN(24))))
		}
		if random.IntN(3) == 0 {
			sizes[0] = 1<<31 - 1
		}
		slices.Sort(sizes)
		bins := binned(sizes)
		all := 0
		for i, b := range bins {
			want := 0
			for _, n := range sizes {
				if int(n) >= b.From && int(n) <= b.To {
					want++
				}
			}
			if all += b.Examples; b.Examples != want || b.To < b.From || i > 0 && b.From != bins[i-1].To+1 {
				t.Fatalf("%v: bin %d is %v, with %d examples", sizes, i, b, want)
			}
		}
		if all != len(sizes) || len(bins) > maxBins+1 || bins[len(bins)-1].To != int(sizes[len(sizes)-1]) {
			t.Fatalf("%v: %v", sizes, bins)
		}
	}
	if binned(nil) != nil {
		t.Error("there are bins for nothing")
	}
}

// A tail is one bar, and the widths are round.
func TestHistogramOfATail(t *testing.T) {
	var sizes []int32
	for i := range int32(1000) {
		sizes = append(sizes, 20+i%80)
	}
	slices.Sort(sizes)
	bins := binned(append(sizes, 100_000))
	if last := bins[len(bins)-1]; last != (Bin{100, 100_000, 1}) {
		t.Errorf("the last bin is %v", last)
	}
	if bins[0] != (Bin{20, 24, 65}) || len(bins) != 17 {
		t.Errorf("%d bins, %v", len(bins), bins)
	}
}

// Sizes come in order whether few or many of them are large.
func TestAscending(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, most := range []int32{1, 50, 399, 401, 1 << 30} {
		for _, n := range []int{0, 1, 100} {
			sizes := make([]int32, n)
			for i := range sizes {
				sizes[i] = random.Int32N(most)
			}
			want := slices.Clone(sizes)
			slices.Sort(want)
			if got := ascending(sizes); !slices.Equal(got, want) {
				t.Errorf("%v in order: %v", sizes, got)
			}
		}
	}
}
