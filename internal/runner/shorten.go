package runner

import "strings"

const cutNote = "\n*The rest is left out here: it would be too long. It is in the files that the run has written.*\n"

// shorten returns a page of Markdown with at most limit bytes. Whole sections (headings of the first two levels) are left out from
// the end, and a note says so; where not even the first one fits, lines are. There is no page for less than the note.
func shorten(page string, limit int) string {
	if len(page) <= limit {
		return page
	}
	limit -= len(cutNote)
	if limit < 0 {
		return ""
	}
	kept := page[:limit]
	end := max(strings.LastIndex(kept, "\n## "), strings.LastIndex(kept, "\n# "))
	if end < 0 {
		end = strings.LastIndexByte(kept, '\n')
	}
	if end < 0 {
		return cutNote[1:]
	}
	return strings.TrimRight(page[:end], "\n") + "\n" + cutNote
}
