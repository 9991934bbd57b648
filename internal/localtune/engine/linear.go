package engine

import (
	"math"
	"slices"
)

// vocabulary numbers the features that training kept: a feature's number is
// the place of its hash in the sorted list.
type vocabulary struct {
	hashes []uint32
	table  []uint32 // open addressing: number+1 in the slot of the hash, 0 is empty
	shift  uint
}

func newVocabulary(hashes []uint32) vocabulary {
	size, shift := 4, uint(30)
	for size < 2*len(hashes) {
		size, shift = size*2, shift-1
	}
	v := vocabulary{hashes: hashes, table: make([]uint32, size), shift: shift}
	for i, h := range hashes {
		s := h >> v.shift
		for v.table[s] != 0 {
			s = (s + 1) & uint32(size-1)
		}
		v.table[s] = uint32(i + 1)
	}
	return v
}

// number rewrites hashes in place as feature numbers, without the unknown ones.
func (v *vocabulary) number(set []uint32) []uint32 {
	mask := uint32(len(v.table) - 1)
	out := set[:0]
	for _, h := range set {
		for s := h >> v.shift; v.table[s] != 0; s = (s + 1) & mask {
			if n := v.table[s] - 1; v.hashes[n] == h {
				out = append(out, n)
				break
			}
		}
	}
	return out
}

// linear scores classes by a weighted sum of features: softmax regression, or
// the emissions of a tagger. Weights are kept in 8 bits, which costs no measurable
// accuracy, makes the file four times smaller and the sum no slower.
type linear struct {
	vocab vocabulary
	cells []int8    // per feature a row of one weight per class
	scale []float32 // per feature, what one unit of its row is worth
	bias  []float32 // per class
}

// newLinear packs weights, one row per feature of the vocabulary.
func newLinear(v vocabulary, w, bias []float32) linear {
	k := len(bias)
	l := linear{vocab: v, cells: make([]int8, len(w)), scale: make([]float32, len(v.hashes)), bias: bias}
	for f := range l.scale {
		row := w[f*k : f*k+k]
		var top float32
		for _, x := range row {
			top = max(top, x, -x)
		}
		if top == 0 {
			continue
		}
		l.scale[f] = top / 127
		for c, x := range row {
			x = x * 127 / top
			if x < 0 {
				l.cells[f*k+c] = int8(x - 0.5)
			} else {
				l.cells[f*k+c] = int8(x + 0.5)
			}
		}
	}
	return l
}

// score sets z, one place per class, to the scores of a set of feature
// hashes, which it overwrites.
func (l *linear) score(z []float32, set []uint32) {
	clear(z)
	set = l.vocab.number(set)
	k := len(l.bias)
	for _, f := range set {
		row := l.cells[int(f)*k : int(f)*k+k][:len(z)]
		s := l.scale[f]
		for c := range z {
			z[c] += s * float32(row[c])
		}
	}
	v := weight(set)
	for c := range z {
		z[c] = z[c]*v + l.bias[c]
	}
}

// weight is the value of each feature of a set: sets have about unit length.
func weight(set []uint32) float32 { return float32(1 / math.Sqrt(float64(len(set)+1))) }

// largest is the place of the largest score, the first of equals.
func largest(z []float32) int {
	best := 0
	for c, s := range z {
		if s > z[best] {
			best = c
		}
	}
	return best
}

func (l *linear) encode(e *encoder) {
	e.floats(l.bias)
	e.rising(l.vocab.hashes)
	e.floats(l.scale)
	e.cells(l.cells)
}

// decodeLinear reads a linear model with that many classes.
func decodeLinear(d *decoder, classes int) linear {
	l := linear{bias: d.floats()}
	hashes := d.rising(maxFeatures)
	l.scale, l.cells = d.floats(), d.cells()
	if len(l.bias) != classes || len(l.scale) != len(hashes) || len(l.cells) != classes*len(hashes) {
		d.fail()
		return linear{vocab: newVocabulary(nil)}
	}
	l.vocab = newVocabulary(hashes)
	return l
}

// leastFor is how often a feature must occur in n examples to be kept: where
// examples are few, once says something.
func leastFor(n int) int {
	if n < 500 {
		return 1
	}
	return 2
}

// Bounds on the memory of training, whatever the data.
const (
	maxCells    = 24 << 20 // weights: features kept times classes, 4 bytes each
	maxFeatures = 1 << 19  // features kept
	maxPlaces   = 24 << 20 // features of all examples together, 4 bytes each
	buckets     = 1 << 22  // counters of feature occurrences
)

// learnVocabulary calls set for each of n sets, twice, and keeps the features
// that occur least times or more, one at least, or so much more often that memory stays bounded. It returns the vocabulary and the numbered
// sets. set may return the same buffer each time; stop is asked now and then.
func learnVocabulary(n, classes, least int, set func(i int) []uint32, stop func() error) (vocabulary, [][]uint32, error) {
	// Counting in buckets, not in a map, keeps memory independent of the data.
	// Two features in one bucket only make each other look less rare.
	counts := make([]uint16, buckets)
	var byCount [256]int // of how many buckets; the last one is of all greater counts, the first one of none
	for i := range n {
		if err := stop(); i%64 == 0 && err != nil {
			return vocabulary{}, nil, err
		}
		for _, h := range set(i) {
			if c := &counts[h%buckets]; *c < math.MaxUint16 {
				byCount[min(*c, 255)]--
				*c++
				byCount[min(*c, 255)]++
			}
		}
	}
	kept := 0
	for c := least; c < 256; c++ {
		kept += byCount[c]
	}
	room := min(maxFeatures, maxCells/max(classes, 1))
	for ; kept > room && least < 255; least++ {
		kept -= byCount[least]
	}
	perExample := max(64, maxPlaces/max(n, 1))
	sets := make([][]uint32, n)
	known := map[uint32]struct{}{}
	var hashes []uint32
	for i := range n {
		if err := stop(); i%64 == 0 && err != nil {
			return vocabulary{}, nil, err
		}
		var keep []uint32
		for _, h := range set(i) {
			if int(counts[h%buckets]) >= least && len(keep) < perExample {
				keep = append(keep, h)
				// Several features in one bucket can still be too many.
				if _, ok := known[h]; !ok && len(hashes) < room {
					known[h] = struct{}{}
					hashes = append(hashes, h)
				}
			}
		}
		sets[i] = slices.Clip(keep)
	}
	slices.Sort(hashes)
	v := newVocabulary(hashes)
	for i := range sets {
		sets[i] = v.number(sets[i])
	}
	return v, sets, nil
}
