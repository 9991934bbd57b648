package audit

import (
	"math/bits"
	"slices"
)

// Long requests are compared by their shingles, runs of shingleSize words (Broder 1997): the share in common of all
// different ones (Jaccard index). Candidates are found by MinHash in one permutation (Li, Owen, Zhang 2012), empty bins
// filled from others (Shrivastava 2017), of which bandRows hashes make a band: two requests of similarity s share at
// least two of the bands with probability 0.997 at 0.8, 0.93 at 0.7, 0.26 at 0.5, 0.002 at 0.25.
const (
	shingleSize  = 3
	bandCount    = 16
	bandRows     = 4
	bins         = bandCount * bandRows
	alikeShingle = .7
	mostNew      = 5 // shingles in a row that may be new where the answers differ: the same text, another question
)

// bandSketch holds the smallest hash of each bin.
type bandSketch [bins]uint32

// append appends the keys of the bands. It takes at least shingleSize words.
func (s *bandSketch) append(dst []uint32, words []uint64) []uint32 {
	for i := range s {
		s[i] = ^uint32(0)
	}
	for i := shingleSize; i <= len(words); i++ {
		h := shingle(words[i-shingleSize : i])
		bin, v := h>>58, uint32(h>>20)
		s[bin] = min(s[bin], v)
	}
	filled := *s
	for i, v := range s {
		// An empty bin takes the value of another, chosen by its own number and the attempt: the same for all requests.
		for try := uint64(1); v == ^uint32(0); try++ {
			v = s[(uint64(i)*0x9e3779b1+try*0x85ebca6b)*hashSpread>>58]
		}
		filled[i] = v
	}
	for band := range bandCount {
		h := uint64(band + 1)
		for _, v := range filled[band*bandRows:][:bandRows] {
			h = (h ^ uint64(v)) * hashMix
			h ^= h >> 32
		}
		dst = append(dst, uint32(h))
	}
	return dst
}

func shingle(w []uint64) uint64 {
	h := (w[0]*hashMix+w[1])*hashMix + w[2]
	return (h ^ h>>32) * hashSpread
}

// shingles appends the shingles of the words in their order.
func shingles(dst []uint32, words []uint64) []uint32 {
	for i := shingleSize; i <= len(words); i++ {
		dst = append(dst, uint32(shingle(words[i-shingleSize:i])>>32))
	}
	return dst
}

// sortedSet returns the different ones of some shingles in order. Hashes are spread evenly, so that all of them are nearly where
// they belong once they are put down by their first bits. starts is room to count in, and is returned.
func sortedSet(of []uint32, starts []int32) (set []uint32, room []int32) {
	width := bits.Len(uint(len(of)))
	shift := 32 - width
	starts = slices.Grow(starts[:0], 1<<width+1)[:1<<width+1]
	clear(starts)
	for _, v := range of {
		starts[v>>shift+1]++
	}
	most := int32(0)
	for i := 1; i < len(starts); i++ {
		most = max(most, starts[i])
		starts[i] += starts[i-1]
	}
	set = make([]uint32, len(of))
	for _, v := range of {
		at := &starts[v>>shift]
		set[*at] = v
		*at++
	}
	if most > 16 { // of one that is repeated, or by design
		slices.Sort(set)
		return slices.Compact(set), starts
	}
	for i := 1; i < len(set); i++ {
		v, k := set[i], i
		for ; k > 0 && set[k-1] > v; k-- {
			set[k] = set[k-1]
		}
		set[k] = v
	}
	return slices.Compact(set), starts
}

// resemblance is the Jaccard index of two sorted sets; fresh are the elements of b that a does not have.
func resemblance(a, b, buf []uint32) (share float32, fresh []uint32) {
	fresh = buf[:0]
	i := 0
	for _, v := range b {
		for i < len(a) && a[i] < v {
			i++
		}
		if i == len(a) || a[i] != v {
			fresh = append(fresh, v)
		}
	}
	return float32(len(b)-len(fresh)) / float32(max(1, len(a)+len(fresh))), fresh
}

// longestRun returns how many shingles in a row, of those in order, are in the sorted set, at most.
func longestRun(ordered, set []uint32) int {
	var filter [4]uint64 // most are not
	for _, v := range set {
		filter[v>>6&3] |= 1 << (v & 63)
	}
	longest, run := 0, 0
	for _, v := range ordered {
		if filter[v>>6&3]>>(v&63)&1 != 0 {
			if _, ok := slices.BinarySearch(set, v); ok {
				run++
				longest = max(longest, run)
				continue
			}
		}
		run = 0
	}
	return longest
}
