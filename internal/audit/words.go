package audit

import (
	"math/bits"
	"unicode"
	"unicode/utf8"
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

// words appends the hash of each word of the text: a run of letters and digits, case aside, or one character of a
// script without spaces. Punctuation parts words and does not count, apostrophes too.
func (a *alphabet) words(dst []uint64, text string) []uint64 {
	h, run := uint64(hashSeed), uint64(0) // run holds up to eight letters of a byte that are not in the hash yet
	for i := 0; i < len(text); i++ {
		c := a[text[i]]
		if c-1 < manyBytes-1 {
			if run>>56 != 0 {
				h, run = mix(h^run), 0
			}
			run = run<<8 | uint64(c)
			continue
		}
		if run != 0 {
			h, run = mix(h^run), 0
		}
		if c == manyBytes {
			r, n := utf8.DecodeRuneInString(text[i:])
			i += n - 1
			if standsAlone(r) {
				if h != hashSeed {
					dst, h = append(dst, h), hashSeed
				}
				h = mix(h ^ uint64(r)<<32)
			} else if isLetter(r) {
				h = mix(h ^ uint64(unicode.ToLower(r))<<32)
				continue
			}
		}
		if h != hashSeed {
			dst, h = append(dst, h), hashSeed
		}
	}
	if run != 0 {
		h = mix(h ^ run)
	}
	if h != hashSeed {
		dst = append(dst, h)
	}
	return dst
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
