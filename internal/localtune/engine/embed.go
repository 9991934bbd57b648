package engine

import "math"

// embedDims is the length of an embedding.
const embedDims = 256

// Embed maps a text to a vector of 256 dimensions by hashing its words and
// character n-grams, each with a sign (Weinberger et al. 2009). Texts that
// share them lie close. The vector has length 1; without any letter or
// digit in the text it is zero.
func Embed(text string) []float32 {
	out := make([]float32, embedDims)
	add := func(h uint32, by float32) {
		if h&(1<<31) != 0 {
			by = -by
		}
		out[h%embedDims] += by
	}
	for _, h := range gramFeatures(text, nil) {
		add(h, 0.5)
	}
	n := 0
	for h := range wordHashes(text) {
		if n++; n > maxWords {
			break
		}
		add(mix(nsWord, h), 1)
	}
	var sum float64
	for _, x := range out {
		sum += float64(x) * float64(x)
	}
	if sum == 0 {
		return out
	}
	by := float32(1 / math.Sqrt(sum))
	for i := range out {
		out[i] *= by
	}
	return out
}
