package render

import (
	"cmp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"
)

// breakMark is U+200B, which is shown as nothing, and at which a line may end. GitHub breaks no word in a table, and the table scrolls
// sideways when the longest words of its columns do not fit beside each other.
const breakMark = "\u200b"

// maxRun is how many columns of a table's cell may have no place to break it: two cells with words of that width, both in code, are what
// fits in a comment on a screen of 360 pixels.
const maxRun = 12

// breakable puts marks into the words of a clean text that are wider than maxRun: behind their signs, as in customer_support, and between
// letters where more than maxRun stand in a row. No mark stands within what is drawn as one letter.
func breakable(s string) string {
	var b strings.Builder
	text, word := []rune(s), 0
	for i := range text {
		if i+1 < len(text) && !breaksAnyway(text, i) {
			continue
		}
		wide, part := columnsOf(text[word:i+1]) > maxRun, word
		for k := word; wide && k < i; k++ {
			if isSign(text[k]) && !isSign(text[k+1]) && text[k+1] != ' ' && divides(text[k], text[k+1]) {
				pieces(&b, text[part:k+1])
				b.WriteString(breakMark)
				part = k + 1
			}
		}
		pieces(&b, text[part:i+1])
		word = i + 1
	}
	return b.String()
}

// pieces writes a part of a word that has no sign but at its end, with marks between pieces of about the same width if it is too wide.
func pieces(b *strings.Builder, part []rune) {
	for columnsOf(part) > maxRun {
		n := piece(part)
		b.WriteString(string(part[:n]))
		if part = part[n:]; len(part) > 0 {
			b.WriteString(breakMark)
		}
	}
	b.WriteString(string(part))
}

// piece is how many runes the first piece has: all where nothing can be divided.
func piece(part []rune) int {
	all := columnsOf(part)
	count := (all + maxRun - 1) / maxRun
	size, best, unjoins := (all+count-1)/count, 0, 0
	for i := 1; i < len(part); i++ {
		if !divides(part[i-1], part[i]) {
			continue
		}
		n := columnsOf(part[:i])
		if n <= size || best == 0 {
			best = i
		}
		if n <= maxRun && 2*n >= size && strings.ContainsRune(unjoined, part[i-1]) {
			unjoins = i
		}
		if n > maxRun {
			break
		}
	}
	return cmp.Or(unjoins, best, len(part))
}

// unjoined are letters of Arabic that do not join with the next one: a word is broken there where it can be.
const unjoined = "اأإآدذرزژوؤةى"

// isSign tells whether a line may well end behind r: it is no letter, and opens nothing.
func isSign(r rune) bool {
	return r <= unicode.MaxASCII && (unicode.IsPunct(r) || unicode.IsSymbol(r)) && !strings.ContainsRune("<([{", r)
}

// divides tells whether what is drawn may be divided between two runes: not before a mark, a joiner, a colour of skin or the sign that a
// text was cut, nor behind what joins.
func divides(r, next rune) bool {
	const virama = 9 // joins consonants of Indic scripts
	return !unicode.In(next, unicode.M, unicode.Cf) && next != '…' && (next < 0x1f3fb || next > 0x1f3ff) &&
		!unicode.Is(unicode.Cf, r) && norm.NFC.PropertiesString(string(r)).CCC() != virama
}

// columnsOf is the width of a word without the space behind it, counting a letter of India's and their neighbours' scripts as two columns.
func columnsOf(word []rune) (n int) {
	for _, r := range word {
		if n += runeCells(r); r >= 0x900 && r < 0x1e00 && unicode.IsLetter(r) {
			n++
		} else if r == ' ' {
			n--
		}
	}
	return n
}

// breaksAnyway tells whether browsers end a line behind text[i] without a mark: at spaces and hyphens, in scripts without spaces, and beside
// emoji.
func breaksAnyway(text []rune, i int) bool {
	r, next := text[i], text[i+1]
	switch {
	case r == ' ':
		return true
	case r == '-':
		return unicode.IsLetter(next) || i > 0 && inWord(text[i-1]) && unicode.IsDigit(next)
	}
	return spaceless(r) && (inWord(next) || spaceless(next)) || inWord(r) && spaceless(next)
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// spaceless tells whether a line may end before and behind a letter or an emoji.
func spaceless(r rune) bool {
	if r >= 0x1f1e6 && r <= 0x1f1ff || unicode.In(r, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar) { // flags; browsers know the words
		return true
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return unicode.In(r, unicode.L, unicode.So)
	}
	return false
}
