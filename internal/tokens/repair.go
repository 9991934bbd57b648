package tokens

import "unicode/utf8"

// repair returns a copy of text with U+FFFD for each maximal subpart that is ill-formed UTF-8.
func repair(text []byte) []byte {
	out := make([]byte, 0, len(text)+len(text)/8+utf8.UTFMax)
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			size = illFormed(text[i:])
		}
		out = utf8.AppendRune(out, r)
		i += size
	}
	return out
}

// illFormed returns the length of the maximal subpart at the start of text, which is ill-formed there: as many bytes
// as might begin a code point, at least one.
func illFormed(text []byte) int {
	lo, hi, size := byte(0x80), byte(0xbf), 1 // what the second byte may be; bytes of the code point
	switch first := text[0]; {
	case first >= 0xc2 && first <= 0xdf:
		size = 2
	case first >= 0xe0 && first <= 0xef:
		size = 3
	case first >= 0xf0 && first <= 0xf4:
		size = 4
	}
	switch text[0] {
	case 0xe0:
		lo = 0xa0
	case 0xed:
		hi = 0x9f
	case 0xf0:
		lo = 0x90
	case 0xf4:
		hi = 0x8f
	}
	n := 1
	for n < size && n < len(text) && text[n] >= lo && text[n] <= hi {
		n, lo, hi = n+1, 0x80, 0xbf
	}
	return n
}
