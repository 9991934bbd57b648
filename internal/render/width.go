package render

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// Cells is the number of columns that a text of Line takes on a terminal: two for a wide letter, none for a mark.
func Cells(s string) (n int) {
	for _, r := range s {
		n += runeCells(r)
	}
	return n
}

func runeCells(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf), r >= 0x1160 && r <= 0x11ff: // the latter end a Hangul syllable
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// Clip cuts a text that takes more than limit columns, and ends it with a sign that it was cut.
func Clip(s string, limit int) string {
	if Cells(s) <= limit {
		return s
	}
	if limit <= 0 {
		return ""
	}
	limit-- // for the sign
	head := s
	for i, r := range s {
		if limit -= runeCells(r); limit < 0 {
			head = s[:i]
			break
		}
	}
	return strings.TrimRight(head, " ") + "…"
}

// split takes as many letters as fit in limit columns off the front of a text, at least one, with their marks.
func split(s string, limit int) (head, rest string) {
	n := 0
	for i, r := range s {
		n += runeCells(r)
		if n > limit && i > 0 {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// minWidth is where wrapping ends: on a narrower screen lines are cut by the terminal.
const minWidth = 20

// Wrap breaks a text into lines of at most limit columns at its spaces, and inside a word only where the word alone is too long.
// The second and later lines begin with indent. Without a limit (0) there is one line.
func Wrap(s string, limit int, indent string) []string {
	if limit == 0 || Cells(s) <= limit {
		return []string{s}
	}
	limit = max(limit, minWidth)
	var lines []string
	line, bare := s[:len(s)-len(strings.TrimLeft(s, " "))], true // bare: no word in it yet
	for _, word := range words(s) {
		if !bare && Cells(line)+1+Cells(word) <= limit {
			line += " " + word
			continue
		}
		if !bare {
			lines = append(lines, line)
			line = indent
		}
		for Cells(line)+Cells(word) > limit {
			head, rest := split(word, limit-Cells(line))
			if rest == "" {
				break
			}
			lines = append(lines, line+head)
			line, word = indent, rest
		}
		line, bare = line+word, false
	}
	return append(lines, line)
}

// words splits a text at its spaces, except where a line must not end: before a unit or a percent sign, and beside a
// relation, as in "p < 0.0001".
func words(s string) []string {
	all := strings.Fields(s)
	out := all[:0]
	for i, w := range all {
		if i > 0 && keepTogether(all[i-1], w) {
			out[len(out)-1] += " " + w
		} else {
			out = append(out, w)
		}
	}
	return out
}

func keepTogether(before, w string) bool {
	if last := before[len(before)-1]; last >= '0' && last <= '9' {
		switch strings.TrimRight(w, ",.;:)") {
		case "%", "s", "min", "h":
			return true
		}
	}
	return w == "=" || w == "<" || before == "=" || before == "<"
}
