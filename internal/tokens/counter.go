package tokens

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
	"unsafe"
)

// Counter counts tokens of one encoding. It is not safe for concurrent use: make one for each goroutine.
//
// It takes 2 MB for its cache and 6 MB more for what it shares (see Share), less where it is made for few texts, up to 1 MB that it
// keeps for merging, and, while counting, about 30 bytes for each byte of the longest piece without a boundary (a run of letters, of
// spaces, of symbols) and a copy of a text that is not valid UTF-8.
type Counter struct {
	split  *splitter
	known  *known // shared, see Share
	merge  merger
	near   [][2]key
	pieces [batch]key // short pieces that were cut and not yet looked up
	cut    int        // of them
	tail   [windowRoom]byte
}

// Pieces are cut in one loop and looked up in another, where the look-ups, which miss the processor's first cache,
// overlap.
const batch = 4 * windowSize

// There are two caches of pieces. The near one has sets of two entries, the later used one first, which miss half as often as
// single ones would; the far one (see known) is asked when that misses, 1 or 2 times in 100 pieces of prose, and costs less than the
// vocabulary and far less than merging. An entry is the key of a piece, bytes and all, so it never points into a
// text, with the count in the four bits below the length: a piece of 15 bytes has at most 15 tokens.
const (
	nearSets   = 1 << 16 // at most
	countShift = 56
	countMask  = 15 << countShift
)

// NewCounter returns a counter for texts of about size bytes in all. It counts any number of them, and remembers no more than what
// pays for so many.
func (e *Encoding) NewCounter(size int64) *Counter {
	return newCounterOf(e.split, e.vocab, newKnown(size), table[[2]key](places(size, 64, nearSets)))
}

// Share returns another counter of the same encoding, for another goroutine: what one of them counts of a long line or of a rare
// piece, the other knows.
func (c *Counter) Share() *Counter {
	return newCounterOf(c.split, c.merge.vocab, c.known, table[[2]key](len(c.near)))
}

func newCounterOf(split *splitter, vocab *vocabulary, known *known, near [][2]key) *Counter {
	return &Counter{split: split, known: known, merge: merger{vocab: vocab}, near: near}
}

// CountString is Count for a string.
func (c *Counter) CountString(text string) int {
	return c.Count(unsafe.Slice(unsafe.StringData(text), len(text))) // Count does not write to or keep its text
}

// Count returns the number of tokens of text, which it neither changes nor keeps. It counts U+FFFD for each maximal
// ill-formed part of text that is not UTF-8 (Unicode, section 3.9, "Substitution of Maximal Subparts"), as Rust's
// String::from_utf8_lossy and Python's errors="replace" do; a loop over a Go string would see one for each byte.
func (c *Counter) Count(text []byte) int {
	if !isASCII(text) && !utf8.Valid(text) {
		text = repair(text)
	}
	total := 0
	for len(text) >= lineLeast {
		end := c.split.lineEnd(text)
		total += c.line(text[:end])
		text = text[end:]
	}
	return total + c.count(text)
}

// count is Count for valid UTF-8, without the lines that are known.
func (c *Counter) count(text []byte) int {
	total := 0
	for i := 0; i < len(text); {
		from := text[i:]
		if len(from) < windowRoom {
			from = c.padded(from)
		}
		if c.cut > batch-windowSize {
			total += c.lookUp()
		}
		inside := ^uint64(0) >> (63 - min(len(text)-i, 63)) // ends up to that of the text
		w := c.split.window(from)
		for at := 0; ; {
			start, long := c.take(from, at, c.split.ends(&w, from[at:])<<uint(at)&inside)
			total += long
			if start >= windowSize/2 || i+start >= len(text) {
				i += start
				break
			}
			n := c.split.end(text, i+start) - i - start
			if n <= shortMax {
				c.pieces[c.cut] = c.merge.vocab.masks.key((*[16]byte)(from[start:]), n)
				c.cut++
			} else {
				total += c.merge.count(text[i+start : i+start+n])
			}
			if start += n; start >= windowSize/2 || i+start >= len(text) {
				i += start
				break
			}
			w.pass(start - at)
			at = start
		}
	}
	return total + c.lookUp()
}

// take cuts the pieces that end at the bits of ends, the first of which begins at start. It returns where the last one ends,
// and the count of the long ones.
func (c *Counter) take(from []byte, start int, ends uint64) (end, long int) {
	window, cut := (*[windowRoom]byte)(from), c.cut
	for ; ends != 0; ends &= ends - 1 {
		end = bits.TrailingZeros64(ends)
		if n := end - start; n <= shortMax {
			c.pieces[cut%batch] = c.merge.vocab.masks.key((*[16]byte)(window[start%windowSize:]), n)
			cut++
		} else {
			long += c.merge.count(from[start:end])
		}
		start = end
	}
	c.cut = cut
	return start, long
}

// padded returns the last bytes of a text with room behind them. What follows ends what a text's end does, or makes it hard.
func (c *Counter) padded(rest []byte) []byte {
	const ones = 0x0101010101010101
	with := uint64('0' * ones)
	if last := rest[len(rest)-1]; last <= ' ' || last-'0' < 10 {
		with = '\n' * ones
	}
	for k := 0; k < len(c.tail); k += 8 {
		binary.LittleEndian.PutUint64(c.tail[k:], with)
	}
	copy(c.tail[:], rest)
	return c.tail[:]
}

// lookUp returns the count of the pieces that were cut.
func (c *Counter) lookUp() int {
	total := 0
	for _, k := range c.pieces[:c.cut] {
		h := k.hash()
		set := &c.near[h&uint64(len(c.near)-1)]
		switch {
		case set[0].is(k):
		case set[1].is(k):
			set[0], set[1] = set[1], set[0]
		default:
			set[0], set[1] = c.distant(k, h), set[0]
		}
		total += int(set[0].hi & countMask >> countShift)
	}
	c.cut = 0
	return total
}

// is reports whether an entry is that of the piece with key k.
func (entry key) is(k key) bool { return entry.lo == k.lo && entry.hi&^countMask == k.hi }

// distant returns the entry of a piece that is not in the near cache.
func (c *Counter) distant(k key, hash uint64) key {
	entry, ok := c.known.piece(k, hash)
	if !ok {
		n := 1
		if c.merge.vocab.shortRank(k) == noRank {
			var buf [16]byte
			n = c.merge.scan(k.bytes(&buf))
		}
		entry = key{k.lo, k.hi | uint64(n)<<countShift}
		c.known.keep(entry, hash)
	}
	return entry
}
