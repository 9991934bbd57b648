package github

import (
	"regexp"
	"strconv"
	"strings"
)

// hunk is the head of a hunk in a unified diff: where its lines stand in the new file, and how many they are.
var hunk = regexp.MustCompile(`^@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@`)

// addedLines returns the numbers, in the new file, of the lines that a patch adds; false for what is no patch.
func addedLines(patch string) ([]int, bool) {
	var added []int
	var line, left int // the next line of the new file, and how many of them the hunk still has
	hunks := 0
	for text := range strings.Lines(patch) {
		if m := hunk.FindStringSubmatch(text); m != nil {
			n := 1
			first, err := strconv.Atoi(m[1])
			if err == nil && m[2] != "" {
				n, err = strconv.Atoi(m[2])
			}
			if err != nil || first < line || first > 1<<31 || left > 0 || first == 0 && n > 0 {
				return nil, false
			}
			line, left, hunks = first, n, hunks+1
			continue
		}
		if hunks == 0 {
			return nil, false
		}
		switch text[0] {
		case '+', ' ', '\n': // some tools drop the space of an empty line
			if left == 0 {
				return nil, false
			}
			if text[0] == '+' {
				added = append(added, line)
			}
			line, left = line+1, left-1
		case '-', '\\': // removed; no newline at the end of the file
		default:
			return nil, false
		}
	}
	return added, left == 0 // else it was cut
}
