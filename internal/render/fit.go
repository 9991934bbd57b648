package render

import (
	"fmt"
	"strings"
	"unicode/utf16"
)

// Limits of what GitHub takes: of a comment in characters, of a step's summary in bytes. Room is left for what else stands there, the
// mark by which a comment is found again and the summaries of other commands of the step.
const (
	commentLimit = 65_536 - 1_536
	summaryLimit = 1<<20 - 24_576
)

// inCharacters counts a text as GitHub's limits do at the most: a letter outside the basic plane is two.
func inCharacters(s string) (n int) {
	for _, r := range s {
		n += max(1, utf16.RuneLen(r))
	}
	return n
}

// inBytes counts a text's bytes.
func inBytes(s string) int { return len(s) }

// fold is a part of a page that a reader opens.
type fold struct {
	title string
	open  bool // shown without being opened
	// text writes it with so many of each leg's entries; "" where there is nothing to say. It may end when it is full, since what does
	// not fit is not shown.
	text func(most, room int) string
	most []int // how many entries, the first that fits
}

// folded writes folds until the room is used up, those that matter most first. What does not fit is named in left: whole
// folds, and those with fewer entries than there are.
func folded(folds []fold, room int, size func(string) int) (page string, left []string) {
	var b strings.Builder
	for _, f := range folds {
		all := f.text(f.most[0], room)
		if all == "" {
			continue
		}
		wrote := false
		for i, most := range f.most {
			text := all
			if i > 0 {
				text = f.text(most, room)
			}
			text = details(f.title, text, f.open)
			if n := size(text); n <= room {
				b.WriteString(text)
				room -= n
				wrote = true
				if i > 0 && text != details(f.title, all, f.open) {
					left = append(left, "a part of «"+f.title+"»")
				}
				break
			}
		}
		if !wrote {
			left = append(left, "«"+f.title+"»")
		}
	}
	return b.String(), left
}

// full tells whether more is written than fits, whatever the measure: three bytes are a character at least.
func full(b *strings.Builder, room int) bool { return b.Len() > 3*room }

// details folds a text below a title of ours.
func details(title, text string, open bool) string {
	o := ""
	if open {
		o = " open"
	}
	return fmt.Sprintf("\n<details%s><summary>%s</summary>\n\n%s\n</details>\n", o, title, strings.Trim(text, "\n")+"\n")
}
