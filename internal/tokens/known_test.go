package tokens

import (
	"strings"
	"sync"
	"testing"
)

// A text has as many tokens as its lines counted by themselves, whatever stands ahead of a line break and behind it, the second time
// too, when the lines are known.
func TestLines(t *testing.T) {
	breaks := []string{"\n", "\n\n", "\r\n", " \n", "\n ", "\n\t", "\n/", "//\n//", "!\n", "!\n/x", "\n\u00a0", "\n\u2003x", "\n\u0301", "\n'", "\n'LL", "\n9", "\n中", "\n\u2028", "\n!", "\x0b\n\x0c"}
	counters, random := bothCounters(t), newRandom(5)
	several := 0
	for range 5000 {
		var b strings.Builder
		for range 2 + random.below(4) {
			b.WriteString(random.text(random.below(30)))
			b.WriteString(breaks[random.below(len(breaks))])
		}
		text := []byte(b.String())
		for i, c := range counters {
			if len(text) >= lineLeast && c.split.lineEnd(text) < len(text) {
				several++
			}
			want := c.count(text)
			for range 2 {
				if got := c.Count(text); got != want {
					t.Fatalf("%s: %q has %d tokens by its lines, %d in one", names()[i], text, got, want)
				}
			}
		}
	}
	if several < 5000 {
		t.Errorf("only %d texts had several lines", several)
	}
}

// Counters that share lines and count at the same time agree with one that does not.
func TestShare(t *testing.T) {
	random := newRandom(6)
	texts := make([]string, 300)
	want := make([]int, len(texts))
	alone := newCounter(t, "o200k_base")
	for i := range texts {
		texts[i] = strings.Repeat(random.text(20)+"\nand so on, for as long as it takes to be remembered, and longer\n", 2)
		want[i] = alone.count([]byte(texts[i]))
	}
	first := newCounter(t, "o200k_base")
	var wg sync.WaitGroup
	for w := range 4 {
		c := first.Share()
		wg.Go(func() {
			for k := range 4 * len(texts) {
				i := (k*7 + w) % len(texts)
				if got := c.CountString(texts[i]); got != want[i] {
					t.Errorf("%q has %d tokens, want %d", texts[i], got, want[i])
				}
			}
		})
	}
	wg.Wait()
}

// The same for rare pieces, of which there are more than places to keep them.
func TestSharePieces(t *testing.T) {
	random := newRandom(8)
	words := make([]string, 20_000)
	want := make([]int, len(words))
	alone := newCounter(t, "o200k_base")
	for i := range words {
		word := make([]byte, 4+random.below(11))
		for k := range word {
			word[k] = 'a' + byte(random.below(26))
		}
		words[i] = string(word)
		want[i] = alone.merge.count(word)
	}
	first := load(t, "o200k_base").NewCounter(0) // has few places
	var wg sync.WaitGroup
	for w := range 4 {
		c := first.Share()
		wg.Go(func() {
			for k := range words {
				i := (k*7919 + w*w) % len(words)
				if got := c.CountString(words[i]); got != want[i] {
					t.Errorf("%q has %d tokens, want %d", words[i], got, want[i])
				}
			}
		})
	}
	wg.Wait()
}

// A counter that was made for few texts counts many as well.
func TestSmallCounter(t *testing.T) {
	random := newRandom(9)
	for _, name := range names() {
		small, large := load(t, name).NewCounter(0), newCounter(t, name)
		for range 3000 {
			text := random.text(random.below(60))
			if got, want := small.CountString(text), large.CountString(text); got != want {
				t.Fatalf("%s: %q has %d tokens, want %d", name, text, got, want)
			}
		}
	}
}
