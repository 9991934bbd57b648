package audit

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tunegate/tunegate/internal/dataset"
)

// placeholder returns what takes the place of a match of the rule, "" where a match cannot be replaced: nobody knows what
// was meant by a control token. No rule finds anything in a placeholder.
func placeholderOf(rule string) string {
	switch rule {
	case "secret-aws":
		return "[AWS_KEY]"
	case "secret-openai":
		return "[OPENAI_KEY]"
	case "secret-github":
		return "[GITHUB_TOKEN]"
	}
	for _, family := range [...]string{"secret-", "pii-"} {
		if kind, ok := strings.CutPrefix(rule, family); ok {
			return "[" + strings.ToUpper(strings.ReplaceAll(kind, "-", "_")) + "]"
		}
	}
	return ""
}

// redactor puts placeholders in place of secrets and personal data. It works on the bytes of a line: only those of a match
// change. It is for one goroutine.
type redactor struct {
	replaced *textRules // the rules whose matches are replaced
	all      *textRules // these, and the text rules whose matches cannot be
	counts   map[string]int
}

func newRedactor() *redactor {
	rules := slices.DeleteFunc(Rules(), func(r Rule) bool { return r.Check.At == nil })
	return &redactor{
		all:      newTextRules(rules),
		replaced: newTextRules(slices.DeleteFunc(slices.Clone(rules), func(r Rule) bool { return placeholderOf(r.Name) == "" })),
		counts:   map[string]int{},
	}
}

// edit replaces bytes by the placeholder of a rule.
type edit struct {
	start, end int
	rule       string
}

// maxRounds bounds how often a line is looked at again: a placeholder may part what was one match, or join two.
const maxRounds = 8

// line returns the line with its secrets and personal data replaced, and how often each rule applied (until the next call);
// the line itself if there is nothing to replace. The line is a JSON object without problems.
func (r *redactor) line(raw []byte) ([]byte, map[string]int) {
	clear(r.counts)
	for range maxRounds {
		edits := r.values(string(raw), 0)
		if len(edits) == 0 {
			break
		}
		raw = r.apply(raw, edits)
	}
	return raw, r.counts
}

func (r *redactor) apply(raw []byte, edits []edit) []byte {
	out := make([]byte, 0, len(raw))
	from := 0
	for _, e := range edits {
		out = append(append(out, raw[from:e.start]...), placeholderOf(e.rule)...)
		from = e.end
		r.counts[e.rule]++
	}
	return append(out, raw[from:]...)
}

// values finds what to replace in the strings of a JSON value, whatever their keys.
func (r *redactor) values(doc string, depth int) []edit {
	var edits []edit
	eachString(doc, func(key, written string, start int) {
		for _, e := range r.value(key, written, depth) {
			edits = append(edits, edit{start + e.start, start + e.end, e.rule})
		}
	})
	return edits
}

// value finds what to replace in a string as it is written between its quotes.
func (r *redactor) value(key, written string, depth int) []edit {
	text, at := unescape(written, true)
	if !r.replaced.marks.any(text) {
		return nil
	}
	var edits []edit
	if depth < maxNested && isJSON(text) {
		edits = r.values(text, depth+1) // so that an escape within is not cut in two
	}
	if len(edits) == 0 {
		edits = r.matches(text)
	}
	if before := keyAhead(key, text); len(edits) == 0 && before != "" {
		for _, e := range r.matches(before + text + `"`) {
			if e.start >= len(before) && e.end <= len(before)+len(text) {
				edits = append(edits, edit{e.start - len(before), e.end - len(before), e.rule})
			}
		}
	}
	if at != nil {
		for i, e := range edits {
			edits[i].start, edits[i].end = int(at[e.start]), int(at[e.end])
		}
	}
	return edits
}

// matches finds what to replace in a text, in order, as the audit finds it.
func (r *redactor) matches(text string) []edit {
	var edits []edit
	after := 0
	for i := range r.replaced.marks.in(text) {
		for _, rule := range r.replaced.byMark[text[i]] {
			start, end, ok := rule.Check.At(text, i)
			if !ok || start < after {
				continue
			}
			if rule.Name == "secret-private-key" {
				end = keyEnd(text, end)
			}
			after = end
			edits = append(edits, edit{start, end, rule.Name})
		}
	}
	return edits
}

// keyEnd returns where a private key ends whose header ends at i: after its last line, or, of a key that was cut off, after
// the last that can be one of its body.
func keyEnd(text string, i int) int {
	const last = "-----END "
	if n := strings.Index(text[i:], last); n >= 0 {
		at := i + n + len(last)
		if n := strings.Index(text[at:], "-----"); n >= 0 && n < 64 {
			return at + n + len("-----")
		}
	}
	between := func(c byte) bool { return c <= ' ' || c == '\\' }
	for {
		at := i
		for at < len(text) && between(text[at]) {
			at++
			if text[at-1] == '\\' && at < len(text) && strings.IndexByte("nrt", text[at]) >= 0 {
				at++ // a line break that was written as an escape
			}
		}
		n := span(text[at:], func(c byte) bool { return base64c(c) || c == '=' }, len(text))
		if n < 24 && (n == 0 || text[at+n-1] != '=') {
			return i
		}
		i = at + n
	}
}

// unescape returns the text of a JSON string without its quotes, and, if places are asked for, for each of its bytes, and the
// end, where it is written; nil where that is the same place.
func unescape(written string, places bool) (string, []int32) {
	if strings.IndexByte(written, '\\') < 0 {
		return written, nil
	}
	text := make([]byte, 0, len(written))
	var at []int32
	if places {
		at = make([]int32, 0, len(written)+1)
	}
	for i := 0; i < len(written); {
		from := i
		if written[i] != '\\' || i+1 >= len(written) {
			text = append(text, written[i])
			i++
		} else if c := written[i+1]; c == 'u' && i+6 <= len(written) {
			char := hexRune(written[i+2:])
			i += 6
			if utf16.IsSurrogate(char) && i+6 <= len(written) && written[i] == '\\' && written[i+1] == 'u' {
				char = utf16.DecodeRune(char, hexRune(written[i+2:]))
				i += 6
			}
			text = utf8.AppendRune(text, char)
		} else {
			if n := strings.IndexByte("nrtbf", c); n >= 0 {
				c = "\n\r\t\b\f"[n]
			}
			text = append(text, c)
			i += 2
		}
		for places && len(at) < len(text) {
			at = append(at, int32(from))
		}
	}
	if places {
		at = append(at, int32(len(written)))
	}
	return string(text), at
}

// hexRune reads four hexadecimal digits.
func hexRune(s string) (char rune) {
	for _, c := range []byte(s[:4]) {
		char = char<<4 | rune(strings.IndexByte("0123456789abcdef", lower(c)))
	}
	return char
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// left returns the rule of something in the row that the audit would still find, "" if it finds nothing.
func (r *redactor) left(row *dataset.Row) string {
	left := ""
	look := func(text string, from int) bool {
		for i := range r.all.marks.in(text) {
			for _, rule := range r.all.byMark[text[i]] {
				if start, end, ok := rule.Check.At(text, i); ok && liesBehind(text, start, end, from) {
					left = rule.Name
				}
			}
			if left != "" {
				break
			}
		}
		return left != ""
	}
	eachText(row, func(_ int, _ bool, depth int, text string) {
		if left == "" && !look(text, 0) {
			eachEscaped(text, depth, look)
		}
	})
	return left
}

// reread parses a line that was changed.
func reread(raw []byte, line int) *dataset.Row {
	for row, err := range dataset.Rows(bytes.NewReader(raw), "") {
		if err == nil {
			row.Line = line
			return row
		}
	}
	return &dataset.Row{Line: line, Problems: []dataset.Problem{{Rule: "invalid-json"}}} // never: a line that has a row keeps one
}
