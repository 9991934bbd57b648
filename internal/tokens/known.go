package tokens

import (
	"bytes"
	"hash/maphash"
	"math/bits"
	"sync/atomic"
	"unsafe"
)

// known is what the counters of several goroutines know together: how many tokens long lines have, since the same passage stands under
// many questions, the same instruction on many rows; and rare pieces, which cost the most to merge. It is safe for concurrent use: a
// place's two words, written one after the other, are taken for what they say only when they fit each other, so that a place which
// two goroutines write at a time is one that remembers nothing. No text can be written for two to fit that do not belong together:
// lines are known by 104 bits of two keyed hashes, and what a piece's words are mixed with has a key, too.
type known struct {
	seeds  [2]maphash.Seed
	mixers [2]uint64
	lines  [][2]twoWords // the later first
	pieces []twoWords
}

type twoWords struct{ check, value atomic.Uint64 }

const (
	lineSets  = 1 << 17 // at most
	lineLeast = 64      // bytes: a shorter one is counted as fast as it is looked up
	countBits = 24      // of a line's value; the others are of its first hash

	pieceSlots = 1 << 17 // at most
)

func newKnown(size int64) *known {
	k := &known{
		seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		lines: table[[2]twoWords](places(size, 256, lineSets)), pieces: table[twoWords](places(size, 256, pieceSlots)),
	}
	k.mixers = [2]uint64{maphash.Bytes(k.seeds[0], nil), maphash.Bytes(k.seeds[1], nil)}
	return k
}

// piece returns the entry of a piece, if it is known.
func (n *known) piece(k key, hash uint64) (entry key, ok bool) {
	slot := &n.pieces[hash>>32&uint64(len(n.pieces)-1)]
	entry.hi = slot.value.Load()
	entry.lo = slot.check.Load() ^ n.mixed(entry.hi)
	return entry, entry.is(k)
}

func (n *known) keep(entry key, hash uint64) {
	slot := &n.pieces[hash>>32&uint64(len(n.pieces)-1)]
	slot.value.Store(entry.hi)
	slot.check.Store(entry.lo ^ n.mixed(entry.hi))
}

func (n *known) mixed(value uint64) uint64 {
	hi, lo := bits.Mul64(value^n.mixers[0], n.mixers[1])
	return hi ^ lo
}

// line returns the number of tokens of a line, which it counts where nobody did yet.
func (c *Counter) line(line []byte) int {
	key, check := maphash.Bytes(c.known.seeds[0], line), maphash.Bytes(c.known.seeds[1], line)
	set := &c.known.lines[key&uint64(len(c.known.lines)-1)]
	for i := range set {
		value := set[i].value.Load()
		if set[i].check.Load()^value == check && (value^key)>>countBits == 0 {
			return int(value & (1<<countBits - 1))
		}
	}
	n := c.count(line)
	if n < 1<<countBits {
		set[1].value.Store(set[0].value.Load())
		set[1].check.Store(set[0].check.Load())
		value := key>>countBits<<countBits | uint64(n)
		set[0].value.Store(value)
		set[0].check.Store(check ^ value)
	}
	return n
}

// lineEnd returns where the first long line of text ends: at a line break behind which a piece begins whatever stands ahead of it, or
// at the end of the text. Nothing goes on behind a line break in the same piece but white space and, in o200k_base, slashes; and a
// piece of white space only looks whether more of it follows. So the pieces of a text are those of its lines.
func (s *splitter) lineEnd(text []byte) int {
	for from := lineLeast - 1; from < len(text); {
		n := bytes.IndexByte(text[from:], '\n')
		if n < 0 {
			break
		}
		from += n + 1
		if is, _ := s.at(text, from); from < len(text) && is&space == 0 && text[from] != '/' {
			return from
		}
	}
	return len(text)
}

// places returns how many places a table has for texts of size bytes, one for each bytes of them: a power of two, at most most.
func places(size, bytes int64, most int) int {
	return min(1<<bits.Len64(uint64(max(size, 1<<14)/bytes)), most)
}

// table returns n zeros, written as such: memory that is read before it is written costs the kernel twice, the second time on every
// core.
func table[T any](n int) []T {
	const page = 4096
	t := make([]T, n)
	for i := 0; i < n; i += page / int(unsafe.Sizeof(t[0])) {
		clear(t[i : i+1])
	}
	return t
}
