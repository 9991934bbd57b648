package manifest

import (
	"bytes"
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// checkText refuses what is no text, or would make lines and columns differ from those of an editor.
func (r *reader) checkText(data []byte) {
	line := 0
	for text := range bytes.Lines(data) {
		line++
		col := 0
		for i := 0; i < len(text); {
			c, size := utf8.DecodeRune(text[i:])
			i += size
			col++
			switch {
			case c == utf8.RuneError && size == 1:
				r.mistake("syntax", Pos{line, col}, "not valid UTF-8", "save the file as UTF-8")
			case c == '\t' || c == '\n' || c == '\r' && i < len(text) && text[i] == '\n':
				continue
			case unicode.IsControl(c) || c == '\u2028' || c == '\u2029' || c == '\ufeff' || c >= '\ufffe' && c <= '\uffff':
				r.mistake("syntax", Pos{line, col}, fmt.Sprintf("the character %U is not allowed", c), "take it out; in quotes it can be written as an escape")
			default:
				continue
			}
			break // one a line says enough
		}
		if r.full() {
			return
		}
	}
}

var (
	errorLine     = regexp.MustCompile(`^yaml: (?:line ([0-9]+): )?`)
	unknownAnchor = regexp.MustCompile(`unknown anchor '(.*)' referenced`)
)

// syntax reports why the YAML parser gave up: the slip that explains it, where one is found, else the parser's words and the
// line that it means. Its errors carry a line at best, and not always the right one.
func (r *reader) syntax(data []byte, err error) {
	parts := errorLine.FindStringSubmatch(err.Error())
	message := strings.TrimPrefix(err.Error(), parts[0])
	line, _ := strconv.Atoi(parts[1])
	lines := bytes.Split(bytes.TrimRight(data, "\n"), []byte("\n"))
	tabs := r.tabs(data)
	if s, ok := firstSlip(data); ok {
		if len(tabs) == 0 || !tabs[s.at.Line] {
			r.mistake("syntax", s.at, s.message, s.hint)
		}
		return
	}
	switch {
	case strings.HasPrefix(message, "did not find expected key"), strings.HasPrefix(message, "did not find expected '-' indicator"):
		line = breakingLine(data, message) // the parser names the line where the mapping begins
	case strings.HasPrefix(message, "did not find expected"):
		line++ // counted from 0
	case unknownAnchor.MatchString(message):
		if before, _, ok := bytes.Cut(data, []byte("*"+unknownAnchor.FindStringSubmatch(message)[1])); ok {
			line = bytes.Count(before, []byte("\n")) + 1
			last := before[bytes.LastIndexByte(before, '\n')+1:]
			r.mistake("syntax", Pos{line, utf8.RuneCount(last) + 1}, message, syntaxHint(message))
			return
		}
	}
	line = min(max(line, 1), len(lines))
	if strings.Contains(message, "expected ':'") || strings.Contains(message, "mapping values") {
		// The line itself, or the one before it, which it then seemed to go on from.
		for _, at := range []int{line, line - 1} {
			if at < 1 || tabs[at] {
				continue
			}
			text := bytes.TrimRight(lines[at-1], "\r")
			if m := gluedKey.FindSubmatchIndex(text); m != nil {
				r.mistake("syntax", Pos{at, utf8.RuneCount(text[:m[3]]) + 1}, "no space behind the colon", "write "+string(text[m[2]:m[3]])+": and a space before the value")
				return
			}
			if m := loneKey.FindSubmatchIndex(text); m != nil {
				r.mistake("syntax", Pos{at, m[3] + 1}, "a line without a key and a colon", "a key needs a colon and a space after it")
				return
			}
		}
	}
	if !tabs[line] && !tabs[line+1] {
		text := lines[line-1]
		indent := len(text) - len(bytes.TrimLeft(text, " "))
		hint := syntaxHint(message)
		switch {
		case strings.HasPrefix(message, "did not find expected key") && bytes.HasPrefix(text[indent:], []byte("-")):
			message = "a list item where a key is expected"
		case strings.HasPrefix(message, "did not find expected key"), strings.HasPrefix(message, "did not find expected <document start>"):
			message = "the indentation of this line fits none above it"
		case strings.HasPrefix(message, "mapping values"):
			message = "a key under another key that has a value already"
		}
		r.mistake("syntax", Pos{line, indent + 1}, message, hint)
	}
}

// tabs reports the lines that a tab indents, which is how most broken YAML comes about, and returns them.
func (r *reader) tabs(data []byte) map[int]bool {
	lines, n := map[int]bool{}, 0
	for line := range bytes.Lines(data) {
		n++
		text := bytes.TrimLeft(line, " \t")
		indent := line[:len(line)-len(text)]
		if tab := bytes.IndexByte(indent, '\t'); tab >= 0 && len(bytes.TrimSpace(text)) > 0 {
			lines[n] = true
			r.mistake("syntax", Pos{n, tab + 1}, "a tab in the indentation", "YAML is indented with spaces")
		}
	}
	return lines
}

// breakingLine finds the first line with which the text breaks in the way of message: the text up to it does, the
// text before it does not.
func breakingLine(data []byte, message string) int {
	var ends []int // where each line ends
	for i, c := range data {
		if c == '\n' {
			ends = append(ends, i+1)
		}
	}
	ends = append(ends, len(data))
	return 1 + sort.Search(len(ends)-1, func(i int) bool {
		err := yaml.Unmarshal(data[:ends[i]], new(yaml.Node))
		return err != nil && strings.HasSuffix(err.Error(), message)
	})
}

func syntaxHint(message string) string {
	for _, h := range [...]struct{ part, hint string }{
		{"mapping values are not allowed", "this line is indented more than the key before it, which has a value already; keys of one mapping begin in the same column"},
		{"did not find expected key", "keys of one mapping begin in the same column"},
		{"'-' indicator", "items of one list begin in the same column"},
		{"<document start>", "keys of one mapping begin in the same column, those of the manifest in the first"},
		{"could not find expected ':'", "a key needs a colon and a space after it"},
		{"cannot start any token", "a value that begins with @, ` or % needs quotes"},
		{"did not find expected ','", "put a comma between the items and close the bracket"},
		{"unexpected end of stream", "close the quote"},
		{"unknown anchor", "a value that begins with * needs quotes, unless it names an anchor (&) further up"},
		{"did not find expected alphabetic", "a value that begins with & or * needs quotes"},
		{"exceeded max depth", "a manifest is nested four deep at most"},
		{"escape character", "in double quotes a backslash begins an escape: write two, or use single quotes"},
	} {
		if strings.Contains(message, h.part) {
			return h.hint
		}
	}
	return "check the indentation, the quotes and the brackets"
}
