package main

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// cells is how many columns of a terminal a text takes, once it is printable.
func cells(s string) (n int) {
	for _, r := range s {
		n += runeCells(r)
	}
	return n
}

// clip cuts a text to n columns, with three dots where there is room for them.
func clip(s string, n int) string {
	if cells(s) <= n {
		return s
	}
	dots := ""
	if n >= 12 {
		dots = "..."
	}
	n -= len(dots)
	for i, r := range s {
		if n -= runeCells(r); n < 0 {
			return s[:i] + dots
		}
	}
	return s
}

// pad fills a text up to n columns, and cuts a longer one.
func pad(s string, n int) string {
	s = clip(s, n)
	return s + strings.Repeat(" ", max(0, n-cells(s)))
}

// printable keeps a text from moving the cursor, setting colours or turning the direction of writing, and on one line.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == utf8.RuneError:
			return '?'
		}
		return r
	}, s)
}

// runeCells is the width of a character: 0 for marks that join the one before, 2 for the wide and full-width ones of
// East Asia and for emoji, 1 otherwise.
func runeCells(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me), r >= 0x1160 && r <= 0x11ff:
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}
