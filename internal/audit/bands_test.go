package audit

import (
	"slices"
	"testing"
)

func TestSortedSet(t *testing.T) {
	var starts []int32
	state := uint64(1)
	for n := range 300 {
		for _, mask := range []uint32{1<<32 - 1, 1<<32 - 1<<20, 0xff, 3 << 30, 0} { // even, and as they are not to be
			of := make([]uint32, n)
			for i := range of {
				state = mix(state + 1)
				of[i] = uint32(state) & mask
			}
			want := slices.Clone(of)
			slices.Sort(want)
			want = slices.Compact(want)
			var got []uint32
			if got, starts = sortedSet(of, starts); !slices.Equal(got, want) {
				t.Fatalf("%d of %x: %x, want %x", n, mask, got, want)
			}
		}
	}
}
