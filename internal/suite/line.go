package suite

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tunegate/tunegate/internal/diag"
)

// field is the value of a key, and its offset in the line.
type field struct {
	raw []byte
	at  int
}

// test reads one line and keeps the test, or reports all that is wrong with it.
func (p *parser) test(line []byte) {
	before := p.wrong
	if !utf8.Valid(line) {
		p.mistake(column(line, firstInvalid(line)), "invalid-utf8", "not valid UTF-8", "save the file as UTF-8")
		return
	}
	if !json.Valid(line) && !startsJSON(line) {
		p.mistake(column(line, space(line, 0)), "invalid-json", "expected a JSON object, found other text", `a line is {"id": …, "input": …, "ideal": …}`)
		return
	}
	if !json.Valid(line) {
		err := json.Unmarshal(line, new(json.RawMessage)) // says what and where, which Valid does not
		at, syntax := len(line), (*json.SyntaxError)(nil)
		if errors.As(err, &syntax) {
			at = int(syntax.Offset) - 1
		}
		p.mistake(column(line, at), "invalid-json", fmt.Sprintf("not valid JSON: %v", err),
			`one object a line; check quotes, commas and braces, and write line breaks within a text as \n`)
		return
	}
	if at := loneSurrogate(line); at >= 0 {
		p.mistake(column(line, at), "lone-surrogate", string(line[at:at+6])+" is half of a surrogate pair", "half of a character was cut off: write the whole character, or remove the half")
		return
	}
	start := space(line, 0)
	if line[start] != '{' {
		p.mistake(column(line, start), "not-an-object", "expected a JSON object, found "+kind(line), `a line is {"id": …, "input": …, "ideal": …}`)
		return
	}
	fields, ok := p.fields(line, field{line[start:], start})
	if !ok {
		return
	}
	if p.row != nil {
		p.row(line, fields)
		return
	}
	form, known := formOf(fields)
	if !known {
		p.unknown(line, start, fields)
		return
	}
	if p.form == "" {
		p.form = form
	}
	if form != p.form {
		p.mistake(column(line, start), "mixed-formats", fmt.Sprintf("a row of %s, after rows of %s", form, p.form), "one file holds tests of one format")
		return
	}
	t := form.read(p, line, fields)
	t.Line = p.line
	if p.wrong == before {
		p.tests = append(p.tests, t)
		p.remark(line, t, fields)
	}
}

// fields gives the values of an object by key. Keys are matched as they are written, and a key given twice is a
// mistake: Go's decoder would take "ID" for "id" and silently keep the last one.
func (p *parser) fields(line []byte, object field) (map[string]field, bool) {
	out, ok := make(map[string]field), true
	parts := elements(object)
	for i := 0; i+1 < len(parts); i += 2 {
		key, _ := text(parts[i].raw)
		if _, twice := out[key]; twice {
			p.mistake(column(line, parts[i].at), "duplicate-key", fmt.Sprintf("key %q stands twice", clip(key)), "keep one of them")
			ok = false
		}
		out[key] = parts[i+1]
	}
	return out, ok
}

// id reads the name of a test from a key. A test without one is called by its line; whether it may be is known at the end.
func (p *parser) id(line []byte, fields map[string]field, key string) string {
	f, ok := fields[key]
	if !ok {
		if p.nameless++; len(p.unnamed) < maxMistakes {
			p.unnamed = append(p.unnamed, p.finding(0, "missing-id", fmt.Sprintf("no %q%s, though other tests have one", key, keysOf(fields)),
				"give each test a name of its own: base and tuned are paired by it"))
		}
		return fmt.Sprintf("line-%d", p.line)
	}
	p.named = true
	id, ok := text(f.raw)
	if !ok && f.raw[0] != '-' && (f.raw[0] < '0' || f.raw[0] > '9') {
		p.mistake(column(line, f.at), "bad-id", fmt.Sprintf(`%q is %s, expected text`, key, kind(f.raw)), fmt.Sprintf(`as in %q: "t1"`, key))
		return ""
	}
	if !ok {
		id = string(f.raw) // a number is taken as it is written
	}
	if strings.TrimSpace(id) == "" {
		p.mistake(column(line, f.at), "missing-id", fmt.Sprintf(`%q is empty`, key), "give each test a name of its own")
		return ""
	}
	if first, twice := p.firstLine[id]; twice {
		f := p.finding(column(line, f.at), "duplicate-id", fmt.Sprintf("id %q was used on line %d already", clip(id), first), "give each test a name of its own")
		f.Related = []diag.Place{{File: p.name, Line: first}}
		p.list(f)
		return id
	}
	p.firstLine[id] = p.line
	return id
}

func (p *parser) input(line []byte, fields map[string]field) []Message {
	f, ok := fields["input"]
	if !ok {
		p.mistake(0, "missing-input", `no "input"`+keysOf(fields), `what the model is asked: text, or a list of {"role","content"}`)
		return nil
	}
	if s, ok := text(f.raw); ok {
		if strings.TrimSpace(s) == "" {
			p.mistake(column(line, f.at), "empty-input", `"input" is empty`, "write what the model is asked")
		}
		return []Message{{Role: "user", Content: s}}
	}
	if f.raw[0] != '[' {
		p.mistake(column(line, f.at), "bad-input", fmt.Sprintf(`"input" is %s, expected text or a list of messages`, kind(f.raw)),
			`as in "input": [{"role": "user", "content": "…"}]`)
		return nil
	}
	items := elements(f)
	messages := make([]Message, 0, len(items))
	blank, before := true, p.wrong
	for i, item := range items {
		m := p.message(line, i+1, item)
		blank = blank && strings.TrimSpace(m.Content) == ""
		messages = append(messages, m)
	}
	if blank && p.wrong == before {
		p.mistake(column(line, f.at), "empty-input", `"input" has no message with text in it`, "write what the model is asked")
	}
	return messages
}

func (p *parser) message(line []byte, n int, item field) Message {
	if item.raw[0] != '{' {
		p.mistake(column(line, item.at), "bad-input", fmt.Sprintf("message %d is %s, expected an object", n, kind(item.raw)), `as in {"role": "user", "content": "…"}`)
		return Message{}
	}
	fields, ok := p.fields(line, item)
	if !ok {
		return Message{}
	}
	p.keys(line, fields, "role", "content", "name")
	var m Message
	const roles = "system, developer, user or assistant"
	role, ok := fields["role"]
	switch {
	case !ok:
		p.mistake(column(line, item.at), "unknown-role", fmt.Sprintf(`message %d has no "role"`, n), "one of "+roles)
	default:
		m.Role, ok = text(role.raw)
		switch m.Role {
		case "system", "developer", "user", "assistant":
		default:
			ok = false
		}
		if !ok {
			p.mistake(column(line, role.at), "unknown-role", fmt.Sprintf("message %d has the role %s, expected %s", n, clip(string(role.raw)), roles), "one of "+roles)
		}
	}
	content, ok := fields["content"]
	if !ok {
		p.mistake(column(line, item.at), "missing-content", fmt.Sprintf(`message %d has no "content"`, n), "write the text of the message")
		return m
	}
	if m.Content, ok = text(content.raw); !ok {
		p.mistake(column(line, content.at), "content-not-text", fmt.Sprintf(`"content" of message %d is %s, expected text`, n, kind(content.raw)), "tests are text alone")
	}
	return m
}

func (p *parser) ideal(line []byte, fields map[string]field) []string {
	const hint = "the right answer as text, or a list of acceptable ones; JSON answers and numbers are written as text too"
	f, ok := fields["ideal"]
	if !ok {
		p.mistake(0, "missing-ideal", `no "ideal"`+keysOf(fields), hint)
		return nil
	}
	items := []field{f}
	if f.raw[0] == '[' {
		if items = elements(f); len(items) == 0 {
			p.mistake(column(line, f.at), "missing-ideal", `"ideal" is an empty list`, hint)
			return nil
		}
	}
	ideal := make([]string, 0, len(items))
	for _, item := range items {
		s, ok := text(item.raw)
		switch {
		case !ok:
			p.mistake(column(line, item.at), "bad-ideal", fmt.Sprintf(`"ideal" is %s, expected text`, kind(item.raw)), hint)
		case strings.TrimSpace(s) == "":
			p.mistake(column(line, item.at), "missing-ideal", `"ideal" is empty`, hint)
		}
		ideal = append(ideal, s)
	}
	return ideal
}

// keysOf helps with a misspelt key: it names the ones that are there.
func keysOf(fields map[string]field) string {
	if len(fields) == 0 {
		return ""
	}
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, clip(name))
	}
	slices.Sort(names)
	if len(names) > 8 {
		names = append(names[:8], "…")
	}
	return ", found " + strings.Join(names, ", ")
}

// column turns an offset in bytes into one in code points, from 1.
func column(line []byte, offset int) int {
	return utf8.RuneCount(line[:max(0, min(offset, len(line)))]) + 1
}

func firstInvalid(line []byte) int {
	for i := 0; i < len(line); {
		r, n := utf8.DecodeRune(line[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(line)
}

// clip keeps hostile or endless text out of messages.
func clip(s string) string {
	if utf8.RuneCountInString(s) <= 40 {
		return s
	}
	return string([]rune(s)[:39]) + "…"
}
