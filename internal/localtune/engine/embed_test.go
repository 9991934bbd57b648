package engine

import (
	"math"
	"testing"
)

func cosine(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

func TestEmbed(t *testing.T) {
	a := Embed("How do I reset my password?")
	if len(a) != 256 || math.Abs(cosine(a, a)-1) > 1e-5 {
		t.Fatalf("%d dimensions, length %v", len(a), cosine(a, a))
	}
	near, far := cosine(a, Embed("how to reset a password")), cosine(a, Embed("the weather in Oslo"))
	if near < far+0.3 {
		t.Errorf("like %.2f, unlike %.2f", near, far)
	}
	if same := cosine(a, Embed("how do i RESET my password")); same < 0.99 {
		t.Errorf("other case and no question mark: %.2f", same)
	}
	for _, text := range []string{"", "?!", "\xff"} {
		if v := Embed(text); len(v) != 256 || math.IsNaN(cosine(v, v)) {
			t.Errorf("%q: %v", text, v)
		}
	}
}
