package engine

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestVocabulary(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 1, 2, 1000} {
		var hashes []uint32
		for range n {
			hashes = append(hashes, r.Uint32()&^1) // even ones
		}
		slices.Sort(hashes)
		v := newVocabulary(slices.Compact(hashes))
		for i, h := range v.hashes {
			if got := v.number([]uint32{h + 1, h}); len(got) != 1 || got[0] != uint32(i) {
				t.Fatalf("%d hashes: %d is %v, want [%d]", n, h, got, i)
			}
		}
	}
}

// However many features the data has, what is kept fits.
func TestVocabularyIsBounded(t *testing.T) {
	const sets, each = 300, 2000
	set := func(i int) []uint32 {
		r := rand.New(rand.NewPCG(7, uint64(i)))
		out := make([]uint32, each)
		for j := range out {
			out[j] = r.Uint32()
		}
		slices.Sort(out)
		return out
	}
	const classes = maxCells / 1000 // room for 1000 features
	v, numbered, err := learnVocabulary(sets, classes, 1, set, t.Context().Err)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(v.hashes); n == 0 || n > 1000 {
		t.Errorf("kept %d features, want 1000 at most", n)
	}
	for _, s := range numbered {
		if len(s) > 0 && int(slices.Max(s)) >= len(v.hashes) {
			t.Fatal("a set holds a feature that is not kept")
		}
	}
}

// Weights in 8 bits answer as weights in 32 do, but for near ties.
func TestPackedWeights(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const features, classes = 100, 20
	hashes := make([]uint32, features)
	for i := range hashes {
		hashes[i] = uint32(i) * 0x1000003
	}
	w, bias := make([]float32, len(hashes)*classes), make([]float32, classes)
	for i := range w {
		w[i] = float32(r.NormFloat64())
	}
	s := &softmax{w: w, bias: bias}
	l := newLinear(newVocabulary(hashes), w, bias)
	exact, packed := make([]float32, classes), make([]float32, classes)
	for range 100 {
		set := []uint32{r.Uint32N(50), 50 + r.Uint32N(50)}
		s.score(exact, set)
		l.score(packed, []uint32{hashes[set[0]], hashes[set[1]]})
		for c := range exact {
			if d := exact[c] - packed[c]; d > 0.03 || d < -0.03 {
				t.Fatalf("class %d: %v packed, %v exact", c, packed[c], exact[c])
			}
		}
	}
}
