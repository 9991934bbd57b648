package engine

import (
	"math/bits"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds on what one text contributes, so that a long prompt costs a bounded
// amount of memory and time. The start of a text says what it is about.
const (
	maxBytes = 16 << 10 // of a text that are looked at
	maxWords = 400      // words of a text that become features
	maxGrams = 400      // runes of a line that become character n-grams
)

// Namespaces keep, say, the word "go" on the first line apart from "go" in a
// path. They are mixed into the hash of a feature.
const (
	nsWord uint32 = iota + 1
	nsPair
	nsGram
	nsLaterWord
	nsLaterPair
	nsToken
	nsFolder
	nsExtension
	nsLines
	nsContext
	nsSystem
	nsPhrase
	nsToken1 // and those after it: features of a token
)

// features turns the part of a prompt that varies into a set of hashed
// features, sorted and without repeats. The last turn counts in full: words,
// pairs of words, character n-grams and, in later lines, whole tokens, path
// segments and file extensions. Earlier turns count as bare words; the system
// message likewise, and only if withSystem is set (a system message that is
// the same in every example says nothing). The result is appended to buf[:0].
func features(prompt []Turn, withSystem bool, buf []uint32) []uint32 {
	buf = buf[:0]
	last := lastTurn(prompt)
	for i, t := range prompt {
		switch {
		case i == last:
			buf = textFeatures(t.Content, buf)
		case t.Role == "system" || t.Role == "developer":
			if withSystem {
				buf = bareWords(t.Content, nsSystem, buf)
			}
		case i >= last-4: // the nearest turns of a conversation are enough
			buf = bareWords(t.Content, nsContext, buf)
		}
	}
	slices.Sort(buf)
	return slices.Compact(buf)
}

// lastTurn is the index of the last turn that is not a system message, or -1.
func lastTurn(prompt []Turn) int {
	for i := len(prompt) - 1; i >= 0; i-- {
		if r := prompt[i].Role; r != "system" && r != "developer" {
			return i
		}
	}
	return -1
}

// request is the text of the last turn that is not a system message.
func request(prompt []Turn) string {
	if i := lastTurn(prompt); i >= 0 {
		return prompt[i].Content
	}
	return ""
}

func bareWords(text string, ns uint32, buf []uint32) []uint32 {
	n := 0
	for h := range wordHashes(text) {
		if n++; n > maxWords {
			break
		}
		buf = append(buf, mix(ns, h))
	}
	return buf
}

func textFeatures(text string, buf []uint32) []uint32 {
	text = text[:min(len(text), maxBytes)]
	words, lines := 0, 0
	first := true
	for len(text) > 0 {
		line := text
		if i := strings.IndexByte(text, '\n'); i >= 0 {
			line, text = text[:i], text[i+1:]
		} else {
			text = ""
		}
		if len(line) == 0 {
			continue
		}
		lines++
		if words > maxWords {
			break
		}
		ns, pair := nsLaterWord, nsLaterPair
		if first {
			ns, pair = nsWord, nsPair
			buf = gramFeatures(line, buf)
		} else {
			buf = tokenFeatures(line, buf)
		}
		prev := uint32(1)
		for h := range wordHashes(line) {
			if words++; words > maxWords {
				break
			}
			buf = append(buf, mix(ns, h), mix(pair, prev*31+h))
			prev = h
		}
		buf = append(buf, mix(pair, prev*31+2))
		first = false
	}
	return append(buf, mix(nsLines, uint32(bits.Len(uint(lines)))))
}

// gramFeatures adds the character 3- and 4-grams of a line, in lower case with
// every run of other characters as one space.
func gramFeatures(line string, buf []uint32) []uint32 {
	var a, b, c rune = 0, 0, ' '
	n := 0
	push := func(r rune) {
		if b != 0 {
			g := hash3(b, c, r)
			buf = append(buf, mix(nsGram, g))
			if a != 0 {
				buf = append(buf, mix(nsGram, g*0x01000193^uint32(a)))
			}
		}
		a, b, c = b, c, r
	}
	for _, r := range line {
		if n++; n > maxGrams {
			break
		}
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			r = ' '
			if c == ' ' {
				continue
			}
		}
		push(unicode.ToLower(r))
	}
	if c != ' ' {
		push(' ')
	}
	return buf
}

// tokenFeatures adds each token between spaces as a whole, the folders that
// lead to it if it is a path, and its extension.
func tokenFeatures(line string, buf []uint32) []uint32 {
	h := uint32(hashSeed)
	ext := uint32(0)
	tokens := 0
	for i := 0; i <= len(line); i++ {
		if i == len(line) || line[i] == ' ' || line[i] == '\t' || line[i] == '\r' {
			if h != hashSeed {
				buf = append(buf, mix(nsToken, h))
				if ext != 0 {
					buf = append(buf, mix(nsExtension, ext))
				}
				if tokens++; tokens > maxWords {
					break
				}
			}
			h, ext = hashSeed, 0
			continue
		}
		switch line[i] {
		case '/':
			buf = append(buf, mix(nsFolder, h))
			ext = 0
		case '.':
			ext = hashSeed
		}
		if ext != 0 {
			ext = step(ext, uint32(line[i]))
		}
		h = step(h, uint32(line[i]))
	}
	return buf
}

// wordHashes yields the hash of each word in lower case. A word is a run of
// letters and digits; camelCase is split where a capital follows a small letter.
func wordHashes(text string) func(yield func(uint32) bool) {
	return func(yield func(uint32) bool) {
		h := uint32(hashSeed)
		small := false
		for i := 0; i < len(text); {
			r, size := rune(text[i]), 1
			if r >= utf8.RuneSelf {
				r, size = utf8.DecodeRuneInString(text[i:])
			}
			i += size
			inWord := 'a' <= r && r <= 'z' || '0' <= r && r <= '9'
			if !inWord && ('A' <= r && r <= 'Z' || r >= utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r))) {
				inWord = true
				if l := unicode.ToLower(r); l != r {
					if small && h != hashSeed && !yield(h) {
						return
					}
					if small {
						h = hashSeed
					}
					r, small = l, false
				} else {
					small = true
				}
			} else {
				small = inWord
			}
			if inWord {
				h = step(h, uint32(r))
				continue
			}
			if h != hashSeed && !yield(h) {
				return
			}
			h = hashSeed
		}
		if h != hashSeed {
			yield(h)
		}
	}
}

const hashSeed = 0x811c9dc5 // FNV-1a

func step(h, x uint32) uint32 { return (h ^ x) * 0x01000193 }

func hash3(a, b, c rune) uint32 {
	return step(step(step(hashSeed, uint32(a)), uint32(b)), uint32(c))
}

// mix spreads a hash over all 32 bits, apart per namespace.
func mix(ns, h uint32) uint32 {
	h ^= ns * 0x9e3779b9
	h ^= h >> 16
	h *= 0x85ebca6b
	h ^= h >> 13
	h *= 0xc2b2ae35
	return h ^ h>>16
}
