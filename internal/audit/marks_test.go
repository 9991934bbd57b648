package audit

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// Whatever the set, the text, and where it lies: what is found is what a look at every byte finds, by either way of looking.
func TestMarks(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		set := make([]byte, random.IntN(24))
		m := newMarks()
		for i := range set {
			set[i] = byte(1 + random.IntN(127))
			m.add(set[i])
		}
		buf := make([]byte, random.IntN(200))
		for i := range buf {
			if buf[i] = byte(random.IntN(256)); random.IntN(4) == 0 && len(set) > 0 {
				buf[i] = set[random.IntN(len(set))]
			}
		}
		text := string(buf)[random.IntN(len(buf)+1):]
		var want []int
		for i := range len(text) {
			if slices.Contains(set, text[i]) {
				want = append(want, i)
			}
		}
		if got := slices.Collect(m.in(text)); !slices.Equal(got, want) || m.any(text) != (len(want) > 0) {
			t.Fatalf("%q in %q: %v, want %v", set, text, got, want)
		}
		if len(text) >= 64 {
			if block := [64]byte([]byte(text)); m.amongBlock(&block) != m.amongBytes(&block) {
				t.Fatalf("%q in %q: %x one way, %x the other", set, text, m.amongBlock(&block), m.amongBytes(&block))
			}
		}
	}
}

// A mark beyond ASCII would never be found.
func TestMarksAreASCII(t *testing.T) {
	for _, r := range Rules() {
		if strings.ContainsFunc(r.Check.Marks, func(c rune) bool { return c == 0 || c > 127 }) {
			t.Errorf("%s marks %q", r.Name, r.Check.Marks)
		}
	}
}
