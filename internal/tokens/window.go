package tokens

import (
	"encoding/binary"
	"math/bits"
)

const (
	// windowSize is how many bytes are read for a window. It describes one less, so that what ends is seen to end.
	windowSize = 64
	// windowRoom is that and what the key of a piece at its end may reach into.
	windowRoom = windowSize + 16
)

// window describes the next bytes of a text, one bit a byte, the next in the lowest, by classes of ASCII. A byte in none of
// them is hard: it is not ASCII, it is rare, or the window does not reach it. So a window finds the ends of all pieces of most
// texts together, with a few operations and without a branch for each byte; what is hard is for splitter.end.
type window struct {
	upper   uint64 // letters that only the first part of a word has: the capitals of o200k_base, none in cl100k_base
	lower   uint64 // other letters
	digit   uint64
	symbol  uint64 // neither letter nor digit nor white space; in cl100k_base no apostrophe, which may begin a contraction
	quote   uint64 // the apostrophe among them
	space   uint64 // U+0020
	newline uint64
}

// masks are what classify sees of the bytes of a window, whatever the encoding.
type masks struct {
	letter, digit uint64
	white         uint64 // \t to \r
	space, quote  uint64
	newline       uint64
	foreign       uint64 // not ASCII
	small         uint64 // bit 0x20, which tells small letters from capitals
}

// window describes the first 63 bytes of text.
func (s *splitter) window(text []byte) window {
	var m masks
	classify((*[windowSize]byte)(text), &m)
	small := m.letter & (m.small | s.caseless)
	return window{
		upper: m.letter &^ small, lower: small, digit: m.digit, quote: m.quote, space: m.space, newline: m.newline,
		symbol: ^(m.letter | m.digit | m.white | m.space | m.quote&s.apart | m.foreign),
	}
}

// The product of gather and the high bits of eight bytes has them in its top byte, the first in the lowest bit.
const (
	gather = 0x0002040810204081
	top    = 0xff << 56
)

// classifyWords is classify where there is no assembly for it: it looks at eight bytes at a time.
func classifyWords(text *[windowSize]byte, to *masks) {
	const (
		ones   = 0x0101010101010101
		highs  = 0x80 * ones
		sevens = 0x7f * ones
	)
	var m masks
	for i := 0; i < windowSize; i += 8 {
		x := binary.LittleEndian.Uint64(text[i : i+8])
		// The high bit of a byte tells whether it is in the class. No sum carries into the next byte.
		low, ascii := x&sevens, ^x&highs
		folded := low | 0x20*ones
		among := func(text uint64, first, last byte) uint64 {
			return (text + uint64(0x80-first)*ones) &^ (text + uint64(0x7f-last)*ones) & ascii
		}
		equal := func(c byte) uint64 { return ^((low ^ uint64(c)*ones) + sevens) & ascii }
		add := func(to *uint64, marked uint64) { *to = *to>>8 | marked*gather&top }
		add(&m.letter, among(folded, 'a', 'z'))
		add(&m.digit, among(low, '0', '9'))
		add(&m.white, among(low, '\t', '\r'))
		add(&m.space, equal(' '))
		add(&m.quote, equal('\''))
		add(&m.newline, equal('\n')|equal('\r'))
		add(&m.foreign, x&highs)
		add(&m.small, x<<2&highs)
	}
	*to = m
}

// ends returns the ends of the first pieces of text, which begins with a piece and which w describes, as bits; the
// later ones are hard. The patterns say (see splitter):
//
//   - A word goes on with letters, until a capital follows a small one. It begins with the U+0020 before it, or with a symbol
//     that is alone: that no other symbol and no U+0020 is before.
//   - A number is of three digits at most.
//   - Symbols take the U+0020 before them, the line breaks behind them, and in o200k_base slashes behind those.
//   - White space ends after its last line break, and again before its last U+0020, which goes with what follows unless that
//     is a number.
func (s *splitter) ends(w *window, text []byte) uint64 {
	letter := w.upper | w.lower
	hard := ^(letter | w.digit | w.symbol | w.space | w.newline) | 1<<(windowSize-1)

	symbolFirst := w.symbol &^ (w.symbol << 1)
	alone := symbolFirst &^ (w.symbol>>1 | w.space<<1)
	starts := letter &^ (letter<<1 | w.space<<1 | alone<<1)
	starts |= w.upper & (w.lower << 1)
	starts |= symbolFirst &^ (w.space << 1)

	digitFirst := w.digit &^ (w.digit << 1)
	for three := w.digit & (w.digit << 1) & (w.digit << 2); digitFirst != 0; digitFirst = digitFirst << 3 & three {
		starts |= digitFirst
	}

	// Line breaks behind symbols: where a run of ones begins with the one that is added, the sum has zeros.
	behind := w.newline &^ (w.newline + w.newline&(w.symbol<<1))
	if slash := w.symbol & (behind << 1); slash != 0 && s.cased {
		hard |= slashes(text, slash)
	}
	newline := w.newline &^ behind
	white := w.space | newline
	starts |= white &^ (white << 1)
	hard |= w.space & (hard >> 1) // other white space may follow
	starts |= w.space &^ ((w.space | w.newline) >> 1)
	// Where a line break is before, a line break behind makes one piece of it all.
	if after := w.space & (newline << 1); after != 0 {
		starts |= after
		if (w.space+after)&w.newline != 0 || hard&w.space != 0 {
			hard |= after
		}
	}
	if quote := w.quote & (letter << 1); quote != 0 && s.cased {
		starts, hard = contractions(text, quote, starts, hard)
	}
	// What is below the lowest hard byte.
	return starts &^ 1 & (hard - 1) &^ hard
}

// slashes returns those of the marked bytes that are slashes.
func slashes(text []byte, marked uint64) uint64 {
	found := uint64(0)
	for ; marked != 0; marked &= marked - 1 {
		if at := bits.TrailingZeros64(marked); text[at] == '/' {
			found |= 1 << at
		}
	}
	return found
}

// contractions moves the ends of words to behind the contractions at the marked apostrophes, which follow letters.
func contractions(text []byte, marked, starts, hard uint64) (uint64, uint64) {
	for ; marked != 0; marked &= marked - 1 {
		at := bits.TrailingZeros64(marked)
		n := uint(contraction(text, at) - at)
		switch inside := uint64(1<<n-1) << at; {
		case hard>>at&7 != 0: // it may be the long s, or stand at the window's end
			hard |= 1 << at
		case n > 0 && marked>>n>>at&1 != 0: // another follows, which begins a piece
			hard |= 1 << at
		case n > 0:
			starts = starts&^inside | 1<<(at+int(n))
		}
	}
	return starts, hard
}

// pass lets go of the first n < windowSize bytes.
func (w *window) pass(n int) {
	k := uint(n) & 63
	w.upper >>= k
	w.lower >>= k
	w.digit >>= k
	w.symbol >>= k
	w.quote >>= k
	w.space >>= k
	w.newline >>= k
}

// isASCII looks at 32 bytes for one branch: most texts are, and utf8.Valid is slower.
func isASCII(text []byte) bool {
	const highs = 0x8080808080808080
	for ; len(text) >= 32; text = text[32:] {
		if (binary.LittleEndian.Uint64(text)|binary.LittleEndian.Uint64(text[8:])|
			binary.LittleEndian.Uint64(text[16:])|binary.LittleEndian.Uint64(text[24:]))&highs != 0 {
			return false
		}
	}
	for ; len(text) >= 8; text = text[8:] {
		if binary.LittleEndian.Uint64(text)&highs != 0 {
			return false
		}
	}
	for _, b := range text {
		if b >= 0x80 {
			return false
		}
	}
	return true
}
