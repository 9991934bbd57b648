package audit

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The detectors of personal data see numbers, and most numbers are none of anybody's. What a number is called decides
// where its form does not.

// What a word ahead of a number says of it.
const (
	calls   = 1  // it is one, within six words
	noneBy  = -1 // it is none, where the word names it: nothing but "number", "no.", "id", "is" and the like in between
	noneFor = -2 // it is none, also within six words of the clause where it is written without groups
	noneAt  = -3 // it is none, within six words
)

// ahead weighs the words that stand ahead of text[i]: the nearest one of which weigh says something that holds there
// decides, above or below zero. It looks back over six words and 64 bytes at most. Words come in lower case, those of
// camel case in parts where the whole says nothing. What follows a # is none unless it is called one.
func ahead(text string, i int, grouped bool, weigh func(word string) int) int {
	stop := max(0, i-64)
	hash := i > 0 && text[i-1] == '#'
	direct, clause := true, true
	colon := false
	nearer := ""
	for range 6 {
		start, end := wordBefore(text, stop, i)
		if start == end {
			break
		}
		word := lowered(text[start:end])
		between(text[end:i], word, &direct, &clause, &colon)
		i = start
		weight := weigh(word)
		if weight == 0 {
			for part := range parts(text[start:end]) {
				if weight = weigh(part); weight != 0 {
					break
				}
			}
		}
		switch {
		case weight == calls && word == "tel" && nearer == "aviv":
		case weight == calls || weight == noneAt:
			return weight
		case weight < 0 && idiom(text, stop, start, word, nearer, colon):
			direct = false
		case weight < 0 && (direct || weight == noneFor && clause && !grouped):
			return weight
		}
		direct = direct && links(word)
		clause = clause && !parted(word)
		nearer = word
	}
	if hash {
		return noneBy
	}
	return 0
}

// between weighs what stands between a word and the next, or the number.
func between(gap, word string, direct, clause, colon *bool) {
	for k := range len(gap) {
		switch c := gap[k]; c {
		case ':':
			*colon = true
			*clause = *clause && (k == 0 || !digit(gap[k-1])) // it has its own number: invoice 12:
		case '(', '|':
			*direct = false
		case ',', ';':
			*direct = false
			*clause = *clause && k > 0 && digit(gap[k-1])
		case '?', '!':
			*direct, *clause = false, false
		case '\n', '.':
			if c == '\n' && k > 0 && strings.TrimRight(gap[:k], " \t\r{[") != "" || c == '.' && (abbreviated(word) || k+1 < len(gap) && gap[k+1] > ' ') {
				continue
			}
			*direct, *clause = false, false
		default:
			if digit(c) {
				*direct = false
			}
		}
	}
}

// links reports a word that may stand between what a number is called and the number.
func links(word string) bool {
	switch word {
	case "no", "nr", "num", "number", "numbers", "nummer", "numero", "número", "numéro", "id", "ids", "code", "key", "ref", "value", "is", "was", "are", "s", "n":
		return true
	}
	return false
}

// parted reports a word behind which something else is meant than ahead of it: my order, paid with.
func parted(word string) bool {
	switch word {
	case "with", "using", "via", "on", "at", "from", "to", "under", "me", "us", "but", "mit", "unter", "auf", "avec", "con", "com":
		return true
	}
	return false
}

// abbreviated reports a word that a dot may follow within a sentence.
func abbreviated(word string) bool {
	switch word {
	case "no", "nr", "num", "ref", "acct", "art", "inv", "ord", "id", "tel", "mob", "ph", "tlf", "ssn", "тел", "моб":
		return true
	}
	return false
}

// idiom reports that the word at start names nothing: just in case, any time, the number on my account:
func idiom(text string, stop, start int, word, after string, colon bool) bool {
	from, to := wordBefore(text, stop, start)
	before := lowered(text[from:to])
	switch word {
	case "case", "time", "part", "event":
		if after == "of" {
			return true
		}
		switch before {
		case "in", "any", "every", "this", "that", "next", "first", "last", "some", "either", "which", "anytime", "what":
			return true
		}
	}
	switch before {
	case "my", "your", "our", "his", "her", "their", "the":
		from, to = wordBefore(text, stop, from)
		on := lowered(text[from:to])
		return colon && (on == "on" || on == "in")
	}
	return false
}

// wordBefore returns the run of letters, of any script, that is nearest ahead of text[i], not ahead of stop.
func wordBefore(text string, stop, i int) (start, end int) {
	for i > stop {
		n := letterBefore(text[stop:i])
		if n > 0 {
			break
		}
		i--
	}
	end = i
	for i > stop {
		n := letterBefore(text[stop:i])
		if n == 0 {
			break
		}
		i -= n
	}
	return i, end
}

// letterBefore returns how many bytes the letter takes that s ends with, 0 if s ends with none.
func letterBefore(s string) int {
	c := s[len(s)-1]
	if c < utf8.RuneSelf {
		if letter(c) {
			return 1
		}
		return 0
	}
	r, n := utf8.DecodeLastRuneInString(s)
	if r != utf8.RuneError && unicode.In(r, unicode.L, unicode.M) {
		return n
	}
	return 0
}

// lowered returns a word in lower case, "" for one that is too long to be known.
func lowered(word string) string {
	if len(word) > 40 {
		return ""
	}
	return strings.ToLower(word)
}

// parts yields the words of one in camel case, the last first, in lower case: id and order of orderId, none of iPhone.
func parts(word string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		end := len(word)
		for k := end - 1; k > 1; k-- {
			if upper(word[k]) && !upper(word[k-1]) {
				if !yield(lowered(word[k:end])) {
					return
				}
				end = k
			}
		}
		if end < len(word) {
			yield(lowered(word[:end]))
		}
	}
}

// letter reports a letter of ASCII, or a byte of a character beyond it.
func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= utf8.RuneSelf }

func upper(c byte) bool { return c >= 'A' && c <= 'Z' }
