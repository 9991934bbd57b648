package swebench

import (
	"regexp"
	"strings"
)

// maxPatch is the size of the largest patch that is taken, in bytes.
const maxPatch = 1 << 20

// Patch finds the patch in an answer: the first unified diff between <patch> or <diff> tags, else in a Markdown fence marked
// diff or patch, else in any other fence, else in the answer as it stands. It ends with a line break. Empty means that there is none, which
// solves nothing. Whether a patch applies is for the harness to find: only a file's header and a hunk with a change are asked for.
//
// CRLF becomes LF where every line ends so, since it then comes from the transport; else it is left, as a changed file may have it.
func Patch(answer string) string {
	if n := strings.Count(answer, "\n"); n > 0 && n == strings.Count(answer, "\r\n") {
		answer = strings.ReplaceAll(answer, "\r\n", "\n")
	}
	for _, tag := range []string{"patch", "diff"} {
		for rest := answer; ; {
			_, after, ok := strings.Cut(rest, "<"+tag+">")
			if !ok {
				break
			}
			var inner string
			inner, rest, _ = strings.Cut(after, "</"+tag+">") // an answer that was cut short has no end
			if patch := fenced(inner); patch != "" {
				return patch
			}
			if patch := diff(inner); patch != "" {
				return patch
			}
		}
	}
	if patch := fenced(answer); patch != "" {
		return patch
	}
	return diff(answer)
}

// fenced returns the first diff in a Markdown fence, of those marked as one before the others. The lines of a diff begin with
// a sign of their own, so that a fence within one is never taken for its end.
func fenced(text string) string {
	var other string
	lines := strings.SplitAfter(text, "\n")
	for i := 0; i < len(lines); i++ {
		mark := lines[i][:len(lines[i])-len(strings.TrimLeft(lines[i], "`"))]
		kind := strings.ToLower(strings.TrimSpace(lines[i][len(mark):]))
		if len(mark) < 3 || strings.Contains(kind, "`") {
			continue
		}
		var inner strings.Builder
		for i++; i < len(lines) && strings.TrimRight(lines[i], " \t\r\n") != mark; i++ {
			inner.WriteString(lines[i])
		}
		patch := diff(inner.String())
		switch {
		case patch != "" && (kind == "diff" || kind == "patch"):
			return patch
		case other == "":
			other = patch
		}
	}
	return other
}

// hunk begins a hunk; patches that count its lines wrongly are the harness's to refuse.
var hunk = regexp.MustCompile(`^@@ -\d+(,\d+)? \+\d+(,\d+)? @@`)

// diff returns text from its first file header on, empty unless a hunk with a change follows one.
func diff(text string) string {
	lines := strings.SplitAfter(text, "\n")
	start, inFile, inHunk, found := -1, false, false, false
	for i, line := range lines {
		header := strings.HasPrefix(line, "--- ") && i+1 < len(lines) && strings.HasPrefix(lines[i+1], "+++ ")
		switch {
		case start < 0 && (header || strings.HasPrefix(line, "diff --git ")):
			start, inFile = i, header
		case start < 0:
		case header:
			inFile, inHunk = true, false
		case inFile && hunk.MatchString(line):
			inHunk = true
		case inHunk && (line[:min(1, len(line))] == "+" || line[:min(1, len(line))] == "-"):
			found = true
		}
	}
	if !found {
		return ""
	}
	patch := strings.Join(lines[start:], "")
	if !strings.HasSuffix(patch, "\n") {
		patch += "\n" // without it the last line is torn, for git
	}
	if len(patch) > maxPatch {
		return ""
	}
	return patch
}
