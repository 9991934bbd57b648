package manifest

import (
	"fmt"
	"strings"
)

// didYouMean names the one of names that a slip of the fingers would turn into word, as the start of a hint; empty
// when none is near.
func didYouMean(word string, names []string) string {
	if best := nearest(word, names); best != "" {
		return fmt.Sprintf("did you mean %s? ", best)
	}
	return ""
}

// nearest returns the name that needs the fewest edits to become word, at most a third of its letters, or that word
// is the beginning of; empty when there is none.
func nearest(word string, names []string) string {
	if len(word) > 64 {
		return ""
	}
	word = strings.ToLower(word)
	best, least := "", len(word)/3+1
	for _, name := range names {
		d := edits(word, strings.ToLower(name))
		if len(word) >= 3 && strings.HasPrefix(name, word) {
			d = min(d, 1)
		}
		if d < least {
			best, least = name, d
		}
	}
	return best
}

// edits counts the insertions, deletions and replacements of a byte and the swaps of two neighbours that turn a
// into b (optimal string alignment).
func edits(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
