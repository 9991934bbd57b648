package tokens

import (
	"encoding/binary"
	"math/bits"
)

const (
	// windowSize is how many bytes a window describes.
	windowSize = 64
	// windowRoom is that and what the key of a piece at its end may reach into.
	windowRoom = windowSize + 16
)

// window describes the next bytes of a text, one bit a byte, the next in the lowest, by classes of ASCII. It finds the
// pieces of most texts with a few operations each and without a branch for each byte; what is hard is for splitter.end.
type window struct {
	upper  uint64 // letters that only the first part of a word has: the capitals of o200k_base, none in cl100k_base
	lower  uint64 // other letters
	symbol uint64 // neither letter nor digit nor white space; in cl100k_base no apostrophe, which may begin a contraction
	prefix uint64 // symbols and U+0020: a word may follow in the same piece
	left   uint   // how many bytes
}

// What the byte after a piece may be, so that its end is certain.
const (
	endsWord = 1 << 0 // ASCII, and in o200k_base no apostrophe
	endsRun  = 1 << 1 // of symbols or spaces: a letter, digit, symbol or U+0020
)

// The product of gather and the high bits of eight bytes has them in its top byte, the first in the lowest bit.
const (
	gather = 0x0002040810204081
	top    = 0xff << 56
)

// window describes the first 64 bytes of text.
func (s *splitter) window(text []byte) window {
	const (
		ones   = 0x0101010101010101
		highs  = 0x80 * ones
		sevens = 0x7f * ones
	)
	var upper, lower, symbol, prefix uint64
	b := (*[windowSize]byte)(text)
	for i := 0; i < windowSize; i += 8 {
		x := binary.LittleEndian.Uint64(b[i : i+8])
		// The high bit of a byte tells whether it is in the class. No sum carries into the next byte.
		low := x & sevens
		folded := low | 0x20*ones
		letters := (folded + (0x80-'a')*ones) &^ (folded + (0x7f-'z')*ones) &^ x & highs
		digits := (low + (0x80-'0')*ones) &^ (low + (0x7f-'9')*ones)
		breaks := (low + (0x80-'\t')*ones) &^ (low + (0x7f-'\r')*ones)
		spaces := ^((low ^ ' '*ones) + sevens)
		odd := ^((low ^ s.odd) + sevens)
		prefixes := highs &^ (x | letters | digits | breaks | odd)
		small := letters & (x<<2 | s.caseless) // bit 0x20 of a letter
		lower = lower>>8 | small*gather&top
		upper = upper>>8 | (letters&^small)*gather&top
		prefix = prefix>>8 | prefixes*gather&top
		symbol = symbol>>8 | (prefixes&^spaces)*gather&top
	}
	return window{upper, lower, symbol, prefix, windowSize}
}

// easy returns the length of the next piece, which text starts with; 0 when it is hard.
func (s *splitter) easy(w *window, text []byte) int {
	start := uint(w.prefix & 1)
	end := start + uint(bits.TrailingZeros64(^(w.upper >> start)))
	end += uint(bits.TrailingZeros64(^(w.lower >> (end & 63))))
	ends := uint8(endsWord)
	if end == start {
		first := text[0]
		if first-'0' < 10 {
			return digits(text)
		}
		start = uint(w.prefix&^w.symbol) & 1 // a space
		end = start + uint(bits.TrailingZeros64(^(w.symbol >> start)))
		ends = endsRun
		if end == start {
			if start == 0 {
				return 0
			}
			end = uint(bits.TrailingZeros64(^(w.prefix &^ w.symbol)))
			if end >= w.left || s.after[text[end]]&endsRun == 0 {
				return 0
			}
			return int(max(end-1, 1)) // the last of several spaces goes with what follows
		}
	}
	if end >= w.left || s.after[text[end]]&ends == 0 {
		return 0
	}
	return int(end)
}

// digits returns the length of the number that text starts with; 0 when it may go on with digits of other scripts.
func digits(text []byte) int {
	for n := 1; n < 3; n++ {
		if c := text[n]; c-'0' >= 10 {
			if c >= 0x80 {
				return 0
			}
			return n
		}
	}
	return 3
}

// pass lets go of the first n < windowSize bytes.
func (w *window) pass(n int) {
	k := uint(n) & 63
	w.left -= k
	w.upper >>= k
	w.lower >>= k
	w.symbol >>= k
	w.prefix >>= k
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
	for _, b := range text {
		if b >= 0x80 {
			return false
		}
	}
	return true
}
