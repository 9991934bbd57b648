package tokens

import (
	"unicode/utf8"
	"unsafe"
)

// Counter counts tokens of one encoding. It is not safe for concurrent use: make one for each goroutine.
//
// It takes 1 MB for its cache, up to 1 MB that it keeps for merging, and, while counting, about 30 bytes for each
// byte of the longest piece without a boundary (a run of letters, of spaces, of symbols) and a copy of a text that is
// not valid UTF-8.
type Counter struct {
	split *splitter
	merge merger
	cache [][2]key
}

// The cache has sets of two entries, the later used one first, which miss half as often as single ones would. An entry is
// the key of a piece, bytes and all, so it never points into a text, with the count in the four bits below the length: a
// piece of 15 bytes has at most 15 tokens.
const (
	cacheSets  = 1 << 15
	countShift = 56
	countMask  = 15 << countShift
)

// NewCounter returns a counter with an empty cache.
func (e *Encoding) NewCounter() *Counter {
	return &Counter{split: e.split, merge: merger{vocab: e.vocab}, cache: make([][2]key, cacheSets)}
}

// CountString is Count for a string.
func (c *Counter) CountString(text string) int {
	return c.Count(unsafe.Slice(unsafe.StringData(text), len(text))) // Count does not write to or keep its text
}

// Count returns the number of tokens of text, which it neither changes nor keeps. It counts U+FFFD for each maximal
// ill-formed part of text that is not UTF-8 (Unicode, section 3.9, "Substitution of Maximal Subparts"), as Rust's
// String::from_utf8_lossy and Python's errors="replace" do; a loop over a Go string would see one for each byte.
func (c *Counter) Count(text []byte) int {
	if !utf8.Valid(text) {
		text = repair(text)
	}
	total := 0
	for i := 0; i < len(text); {
		if len(text)-i >= wordWindow {
			if n := c.split.word(text[i:]); uint(n-1) < shortMax {
				total += c.short(keyIn(text[i:], n))
				i += n
				continue
			}
		}
		end := c.split.end(text, i)
		switch n := end - i; {
		case n > shortMax:
			total += c.merge.count(text[i:end])
		case len(text)-i >= 16:
			total += c.short(keyIn(text[i:], n))
		default:
			total += c.short(keyOf(text[i:end]))
		}
		i = end
	}
	return total
}

// short returns the count of a piece by its key, from the cache if it is there.
func (c *Counter) short(k key) int {
	set := &c.cache[k.hash()%cacheSets]
	if set[0].lo == k.lo && set[0].hi&^countMask == k.hi {
		return int(set[0].hi & countMask >> countShift)
	}
	if set[1].lo == k.lo && set[1].hi&^countMask == k.hi {
		set[0], set[1] = set[1], set[0]
		return int(set[0].hi & countMask >> countShift)
	}
	n := 1
	if c.merge.vocab.shortRank(k) == noRank {
		var buf [16]byte
		n = c.merge.scan(k.bytes(&buf))
	}
	set[0], set[1] = key{k.lo, k.hi | uint64(n)<<countShift}, set[0]
	return n
}
