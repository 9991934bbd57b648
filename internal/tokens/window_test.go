package tokens

import (
	"math/bits"
	"strings"
	"testing"
)

// Pieces that a window finds are those that the splitter finds byte by byte, wherever in the window they lie: every text
// is counted at every distance from the end of a window, and once more piece by piece without windows or caches.
func TestWindows(t *testing.T) {
	random := newRandom(13)
	for _, name := range names() {
		counter := newCounter(t, name)
		slow := merger{vocab: counter.merge.vocab}
		for range 400 {
			text := []byte(random.ascii(1 + random.below(200)))
			for shift := range 70 {
				shifted := append([]byte(strings.Repeat("a", shift)+" "), text...)
				want := 0
				for i := 0; i < len(shifted); {
					end := counter.split.end(shifted, i)
					want += slow.count(shifted[i:end])
					i = end
				}
				if got := counter.Count(shifted); got != want {
					t.Fatalf("%s: %q has %d tokens, want %d", name, shifted, got, want)
				}
			}
		}
	}
}

// Every pair and triple of ASCII bytes, at the start, at the end and in the middle of words.
func TestWindowsEveryPair(t *testing.T) {
	for _, name := range names() {
		counter := newCounter(t, name)
		var text []byte
		for a := range byte(0x80) {
			for b := range byte(0x80) {
				for _, c := range []byte{a, ' ', 'x', 'X', '\n', '\'', '7'} {
					text = append(append(text[:0], "is "...), a, b, c)
					text = append(append(text, "word"...), b, c, a)
					for i := 0; i < len(text); {
						end := counter.split.end(text, i)
						padded := append(append([]byte{}, text[i:]...), strings.Repeat("\n", windowRoom)...)
						w := counter.split.window(padded)
						if n := bits.TrailingZeros64(counter.split.ends(&w, padded)); n < len(text)-i && n != end-i {
							t.Fatalf("%s: the piece at %d of %q is %q, want %q", name, i, text, padded[:n], text[i:end])
						}
						i = end
					}
				}
			}
		}
	}
}

// ascii strings together n parts of ASCII text, runs and single bytes.
func (r *random) ascii(n int) string {
	var b strings.Builder
	for b.Len() < n {
		switch r.below(6) {
		case 0:
			b.WriteByte(byte(r.below(128)))
		case 1:
			b.WriteString(strings.Repeat(string(rune(r.below(128))), 1+r.below(20)))
		default:
			b.WriteString([]string{" the", "Word", " don't", ", ", ".\n", "12345", "  x", "ABCdef", "'s", "(a", "/path/", "\t", "=="}[r.below(13)])
		}
	}
	return b.String()[:n]
}

// Both ways to look at the bytes of a window see the same: each byte at each place, among random ones.
func TestClassify(t *testing.T) {
	random := newRandom(17)
	var text [windowSize]byte
	for c := range 256 {
		for at := range text {
			copy(text[:], random.bytes(windowSize))
			text[at] = byte(c)
			got, want := masks{}, masks{}
			classify(&text, &got)
			classifyWords(&text, &want)
			if got != want {
				t.Fatalf("%q: %x, want %x", text[:], got, want)
			}
		}
	}
}
