package render

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"
)

// maxText is how much of one text a page shows, in code points; report.json has all of it.
const maxText = 1000

// maxMarks is how many combining marks and joiners may stand on one letter, maxStacked how many of them one on the other. More than any script
// needs only draw over the lines above and below.
const (
	maxMarks   = 4
	maxStacked = 2
)

// clean makes a text fit to be shown: on one line, of bounded length, and with nothing in it that acts without being
// seen. Control and format characters could move a cursor, set colours, turn the direction of writing or hide text; they
// become U+FFFD. The joiners stay, since scripts and emoji need them.
func clean(s string) string {
	var b strings.Builder
	n, marks, stacked, place := 0, 0, 0, uint8(0)
	for _, r := range s {
		switch {
		case r >= ' ' && r < 0x7f || unicode.IsLetter(r) && !joining(r): // nearly all there is, and nothing more to look up
			marks = 0
		case unicode.In(r, unicode.Mn, unicode.Me):
			where := norm.NFD.PropertiesString(string(r)).CCC() // 0 for marks that have a place of their own
			if where == 0 || where != place || marks == 0 {
				stacked, place = 0, where
			}
			marks++
			if stacked++; marks > maxMarks || stacked > maxStacked {
				continue
			}
			if n == 0 {
				b.WriteRune('◌') // what stands before the text is not its letter
			}
		case joining(r):
			if marks++; marks > maxMarks {
				continue // they take no room, so that no clipping would end them
			}
		case unicode.IsSpace(r), unicode.In(r, unicode.Zl, unicode.Zp):
			r = ' '
		case unicode.In(r, unicode.C):
			r = utf8.RuneError
		default:
			marks = 0
		}
		if n++; n > maxText {
			b.WriteRune('…')
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

// joining tells whether r is shown as part of what is beside it: a joiner, or what ends a syllable of Hangul.
func joining(r rune) bool {
	return r >= 0x1160 && r <= 0x11ff || r == '\u200c' || r == '\u200d' || unicode.Is(unicode.Prepended_Concatenation_Mark, r)
}

// Line makes a text fit for a terminal or a log, anywhere in a line: on that line, of bounded length, acting on neither the
// terminal nor a runner that looks for commands in its log. GitHub's takes "::" at the start of a line, spaces or not, and
// "##[" anywhere.
func Line(s string) string {
	s = strings.ReplaceAll(clean(s), "##[", "# #[")
	if text := strings.TrimLeft(s, " "); strings.HasPrefix(text, "::") {
		s = s[:len(s)-len(text)] + ": :" + text[2:]
	}
	return s
}

// inline writes a text as itself in Markdown, in a line or a table: whatever could begin markup, a link, an HTML tag, a
// table cell, a formula or a mention is escaped, and at the start what could begin a list, a rule or a heading.
func inline(s string) string { return inlined(clean(s)) }

// cellText is inline for a cell of a table, in which no word is broken unless it has a mark.
func cellText(s string) string { return inlined(breakable(clean(s))) }

// inlined is inline of a clean text.
func inlined(s string) string {
	if s = strings.TrimSpace(s); s == "" {
		return blank
	}
	s = inlineEscapes.Replace(s)
	s = reference.ReplaceAllString(s, "$1"+joiner+"-")
	s = digest.ReplaceAllStringFunc(s, func(hex string) string { return sixes.ReplaceAllString(hex, "$0"+joiner) })
	s = webAddress.ReplaceAllString(s, "$1"+joiner+".")
	return lineStart.ReplaceAllString(s, `$1\$2`) + turnBack(s)
}

// clipped is inline for a text of at most that many columns, fewer where escapes would make it more than three times as long.
func clipped(s string, columns int) string {
	s = clean(s)
	for {
		text := tightUnits(inlined(Clip(s, columns)))
		if utf8.RuneCountInString(text) <= 3*columns || columns == 1 {
			return text
		}
		columns /= 2
	}
}

// turnBack is what ends a text that runs from right to left, nothing for others: a mark that is shown as nothing, without which a
// sign or a number behind the text would be taken into it.
func turnBack(s string) string {
	for _, r := range s {
		if p, _ := bidi.LookupRune(r); p.Class() == bidi.R || p.Class() == bidi.AL {
			return leftToRight
		}
	}
	return ""
}

const leftToRight = "\u200e"

// blank stands for a text without a visible character.
const blank = "(blank)"

// joiner is U+2060, which is shown as nothing. Mentions, references and bare addresses are looked for after escapes and
// entities are resolved, so that only a character in between keeps them from being found.
const joiner = "\u2060"

var (
	inlineEscapes = strings.NewReplacer(
		"& ", "& ", "< ", "< ", " > ", " > ", // nothing begins with these, and files are read as plain text too
		"&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "@"+joiner, "#", "#"+joiner, "://", ":"+joiner+"//",
		`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "|", `\|`, "~", `\~`, "$", `\$`,
	)
	reference  = regexp.MustCompile(`(?i)\b(gh|ghsa|cve)-`)
	digest     = regexp.MustCompile(`(?i)\b[0-9a-f]{7,64}\b`) // a commit may begin with it
	sixes      = regexp.MustCompile(`.{6}`)                   // fewer than seven are no name of a commit
	webAddress = regexp.MustCompile(`(?i)(www)\.`)
	lineStart  = regexp.MustCompile(`^([0-9]*)([-+.)=])`)
)

// code writes a text as a code span that it cannot leave.
func code(s string) string { return span(clean(s)) }

// span is code of a clean text.
func span(s string) string {
	if strings.TrimSpace(s) == "" {
		return blank
	}
	longest, run := 0, 0
	for _, r := range s {
		if r == '`' {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	fence := strings.Repeat("`", longest+1)
	if s[0] == '`' || s[len(s)-1] == '`' || s[0] == ' ' && s[len(s)-1] == ' ' {
		s = " " + s + " "
	}
	return fence + s + fence + turnBack(s)
}

// cell is code for a table. There a pipe ends the cell even within code unless it is escaped, and a backslash before it would escape the
// escape: a space keeps them apart. Words too wide for a narrow screen have marks, so what is copied from there may be no name any more.
func cell(s string) string {
	return strings.ReplaceAll(span(breakable(strings.ReplaceAll(clean(s), `\|`, `\ |`))), "|", `\|`)
}
