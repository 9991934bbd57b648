package tokens

import (
	"bytes"
	"hash/maphash"
	"sync/atomic"
	"unsafe"
)

// lineCache remembers how many tokens long lines have: the same passage stands under many questions, the same instruction on many
// rows. It is safe for concurrent use. A slot's two words, written one after the other, are taken for a line only when they fit each
// other, so that a slot which two goroutines write at a time is one that remembers nothing. A line is known by 122 bits of two
// keyed hashes: no text can be written for two lines to share them.
type lineCache struct {
	seeds [2]maphash.Seed
	slots []lineSlot
}

type lineSlot struct{ check, value atomic.Uint64 }

const (
	lineSlots = 1 << 18
	lineLeast = 64 // bytes: a shorter one is counted as fast as it is looked up
	countBits = 24 // of a value; the others are of the line's first hash
)

func newLineCache() *lineCache {
	return &lineCache{[2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, table[lineSlot](lineSlots)}
}

// line returns the number of tokens of a line, which it counts where nobody did yet.
func (c *Counter) line(line []byte) int {
	key, check := maphash.Bytes(c.lines.seeds[0], line), maphash.Bytes(c.lines.seeds[1], line)
	slot := &c.lines.slots[key%lineSlots]
	value := slot.value.Load()
	if slot.check.Load()^value == check && (value^key)>>countBits == 0 {
		return int(value & (1<<countBits - 1))
	}
	n := c.count(line)
	if n < 1<<countBits {
		value = key>>countBits<<countBits | uint64(n)
		slot.value.Store(value)
		slot.check.Store(check ^ value)
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
