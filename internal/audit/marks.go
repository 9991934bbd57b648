package audit

import (
	"iter"
	"math/bits"
	"unsafe"
)

// marks are a set of characters of ASCII. A character is in it when the bit of its upper half is set for its lower half: two tables of
// sixteen say it, which a processor looks up for sixteen bytes at once.
type marks struct {
	lower [16]byte // by the lower half of a byte: the upper halves that go with it, one bit each
	upper [16]byte // by the upper half: its bit, none beyond ASCII
}

func newMarks() (m marks) {
	for half := range 8 {
		m.upper[half] = 1 << half
	}
	return m
}

func (m *marks) add(c byte) { m.lower[c&15] |= m.upper[c>>4] }

// amongBytes returns which of the bytes are in the set, one bit each, the first in the lowest.
func (m *marks) amongBytes(text *[64]byte) (found uint64) {
	for i, c := range text {
		if m.lower[c&15]&m.upper[c>>4] != 0 {
			found |= 1 << i
		}
	}
	return found
}

// in yields the places in a text at which a character of the set stands, in order. It looks at 64 bytes together.
func (m *marks) in(text string) iter.Seq[int] {
	return func(yield func(int) bool) {
		for from := 0; from < len(text); from += 64 {
			for found := m.among(text[from:]); found != 0; found &= found - 1 {
				if !yield(from + bits.TrailingZeros64(found)) {
					return
				}
			}
		}
	}
}

// any reports whether a text has a character of the set.
func (m *marks) any(text string) bool {
	for range m.in(text) {
		return true
	}
	return false
}

// among is amongBytes for the first 64 bytes of a text, or all where it is shorter.
func (m *marks) among(text string) uint64 {
	if len(text) >= 64 {
		return m.amongBlock((*[64]byte)(unsafe.Pointer(unsafe.StringData(text))))
	}
	var block [64]byte // NUL is in no set
	copy(block[:], text)
	return m.amongBlock(&block)
}
