package audit

import (
	"encoding/binary"
	"math/bits"
	"unicode"
	"unicode/utf8"
	"unsafe"
)

// alphabet says what a byte is in a text that is compared by its words: a letter or digit of one byte in lower case, 0
// for what stands between words, manyBytes for the start of a longer character.
type alphabet [256]byte

const manyBytes = 0xff

func newAlphabet() *alphabet {
	a := new(alphabet)
	for c := range a {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z':
			a[c] = byte(c)
		case c >= 'A' && c <= 'Z':
			a[c] = byte(c) + 'a' - 'A'
		case c >= utf8.RuneSelf:
			a[c] = manyBytes
		}
	}
	return a
}

const (
	hashSeed   = 0xcbf29ce484222325
	hashSpread = 0x9e3779b97f4a7c15
)

const (
	windowSize  = 64             // bytes of a text that are looked at together
	windowRoom  = windowSize + 8 // that, and what the hash of a word at its end may reach into
	leastWindow = 16             // bytes from which that is quicker than to look at each
)

// window returns the text from i on: as it lies, or near its end a copy with zeros behind it.
func window(text string, i int, tail *[windowRoom]byte) *[windowRoom]byte {
	if len(text)-i >= windowRoom {
		return (*[windowRoom]byte)(unsafe.Slice(unsafe.StringData(text[i:]), windowRoom)) // which is only read
	}
	clear(tail[copy(tail[:], text[i:]):])
	return tail
}

// wordBits tells of a window, a bit each, the first in the lowest, which bytes are letters and digits of ASCII, and which are not
// ASCII.
func wordBits(w *[windowRoom]byte) (word, beyond uint64) {
	const (
		ones   = 0x0101010101010101
		highs  = 0x80 * ones
		gather = 0x0002040810204081 // puts the high bits of eight bytes into the top byte of a product
	)
	seen := uint64(0)
	for i := 0; i < windowSize; i += 8 {
		x := binary.LittleEndian.Uint64(w[i : i+8])
		seen |= x
		low := x &^ highs // no sum carries into the next byte
		folded := low | 0x20*ones
		letter := (folded + (0x80-'a')*ones) &^ (folded + (0x7f-'z')*ones)
		digit := (low + (0x80-'0')*ones) &^ (low + (0x7f-'9')*ones)
		word = word>>8 | ((letter|digit)&^x&highs)*gather&(0xff<<56)
	}
	for i := 0; i < windowSize && seen&highs != 0; i += 8 {
		beyond = beyond>>8 | binary.LittleEndian.Uint64(w[i:i+8])&highs*gather&(0xff<<56)
	}
	return word, beyond
}

// small are the bits that make capitals small, and leave digits what they are.
const small = 0x2020202020202020

// words appends the hash of each word of the text: a run of letters and digits, case aside, or one character of a
// script without spaces. Punctuation parts words and does not count, apostrophes too.
//
// Words of ASCII are found by the bits of a window, without a branch for each letter, and hashed eight letters at a time.
func (a *alphabet) words(dst []uint64, text string) []uint64 {
	var tail [windowRoom]byte
	i := 0
	for len(text)-i >= leastWindow {
		w := window(text, i, &tail)
		word, beyond := wordBits(w)
		for from := 0; from < windowSize; {
			rest := ^uint64(0) << uint(from)
			at := bits.TrailingZeros64(beyond & rest) // how far the window says what there is
			mixed := at < windowSize
			for m := word & rest & (1<<uint(at) - 1); m != 0; {
				start := bits.TrailingZeros64(m)
				end := start + bits.TrailingZeros64(^(m >> uint(start)))
				if end == at { // it may go on
					mixed = mixed || start == 0
					at = start
					break
				}
				m &= ^uint64(0) << uint(end)
				h := uint64(hashSeed)
				for ; end-start > 8; start += 8 {
					h = mix(h ^ (binary.LittleEndian.Uint64(w[start&63:]) | small))
				}
				h ^= (binary.LittleEndian.Uint64(w[start&63:]) | small) & (^uint64(0) >> uint(64-8*(end-start)))
				dst = append(dst, mix(h))
			}
			next := i + at
			if mixed {
				dst, next = a.mixedWords(dst, text, next)
			} else if at < windowSize { // a word that goes on behind the window
				i = next
				break
			}
			if from = next - i; from >= windowSize {
				i = next
			}
		}
	}
	for i < len(text) {
		dst, i = a.mixedWords(dst, text, i)
	}
	return dst
}

// mixedWords is words for the part of the text from i, where a word begins or none is, up to an ASCII character that parts words,
// with one of ASCII behind it. It returns where that is.
func (a *alphabet) mixedWords(dst []uint64, text string, i int) ([]uint64, int) {
	h, run, held := uint64(hashSeed), uint64(0), 0 // run holds up to eight letters of a byte that are not in the hash yet
	for i < len(text) {
		c := a[text[i]]
		if c-1 < manyBytes-1 {
			if held == 64 {
				h, run, held = mix(h^run), 0, 0
			}
			run |= uint64(c) << uint(held)
			held += 8
			i++
			continue
		}
		if held > 0 {
			h, run, held = mix(h^run), 0, 0
		}
		n, alone := 1, rune(0)
		if c == manyBytes {
			var r rune
			if r, n = utf8.DecodeRuneInString(text[i:]); standsAlone(r) {
				alone = r
			} else if isLetter(r) {
				h = mix(h ^ uint64(unicode.ToLower(r))<<32)
				i += n
				continue
			}
		}
		if h != hashSeed {
			dst, h = append(dst, h), hashSeed
		}
		if alone != 0 {
			dst = append(dst, mix(h^uint64(alone)<<32))
		}
		if i += n; c != manyBytes && (i == len(text) || text[i] < utf8.RuneSelf) {
			return dst, i
		}
	}
	if held > 0 {
		h = mix(h ^ run)
	}
	if h != hashSeed {
		dst = append(dst, h)
	}
	return dst, i
}

// mix spreads each bit over all of them.
func mix(h uint64) uint64 {
	hi, lo := bits.Mul64(h, hashSpread)
	return hi ^ lo
}

// spans appends where each word that words finds starts and ends.
func (a *alphabet) spans(dst [][2]int, text string) [][2]int {
	start := -1
	for i := 0; i < len(text); i++ {
		c := a[text[i]]
		if c-1 < manyBytes-1 {
			if start < 0 {
				start = i
			}
			continue
		}
		n, alone := 1, false
		if c == manyBytes {
			var r rune
			r, n = utf8.DecodeRuneInString(text[i:])
			if alone = standsAlone(r); !alone && isLetter(r) {
				if start < 0 {
					start = i
				}
				i += n - 1
				continue
			}
		}
		if start >= 0 {
			dst, start = append(dst, [2]int{start, i}), -1
		}
		if alone {
			dst = append(dst, [2]int{i, i + n})
		}
		i += n - 1
	}
	if start >= 0 {
		dst = append(dst, [2]int{start, len(text)})
	}
	return dst
}

func isLetter(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r))
}

// standsAlone reports that a character is a word by itself.
func standsAlone(r rune) bool {
	return r >= 0x0e00 && r != utf8.RuneError && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// gramSize is how many words in a row make a template or give a test away: long enough that two people hardly write
// them by chance, short enough to survive an edit every ten words. GPT-3 (Brown et al. 2020, appendix C) used 13 of web
// text, of which 8 to 13 by the length of a benchmark's tests.
const gramSize = 8

// gramDrop is hashMix to the power of gramSize: what the oldest word of a run is multiplied by when it drops out.
const (
	hashMix  = 0xff51afd7ed558ccd
	square   = hashMix * hashMix % (1 << 64)
	fourth   = square * square % (1 << 64)
	gramDrop = fourth * fourth % (1 << 64)
)

// roll returns the hash of the gramSize words that end with the next one, given that of those that end one before.
func roll(gram, oldest, next uint64) uint64 { return gram*hashMix + next - oldest*gramDrop }
