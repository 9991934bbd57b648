package swebench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tunegate/tunegate/internal/diag"
)

// field is the value of a column with its place, in code points from 1.
type field struct {
	raw json.RawMessage
	col int
}

// instance reads one line and keeps the task, or reports all that is wrong with it.
func (p *parser) instance(line []byte) {
	before := len(p.mistakes) + p.unlisted
	fields := p.fields(line)
	if fields == nil {
		return
	}
	if _, ok := fields["instance_id"]; !ok { // one mistake says it: the rest of such a row is another's too
		p.mistake(0, "missing-instance_id", `no "instance_id"`+keysOf(fields), `a task of SWE-bench has "instance_id", "repo", "base_commit", "problem_statement", "FAIL_TO_PASS" and "PASS_TO_PASS"`)
		return
	}
	x := Instance{
		Line: p.line, row: line,
		ID:         p.id(fields),
		Repo:       p.text(fields, "repo", `as in "django/django"`),
		BaseCommit: p.text(fields, "base_commit", "the commit that the issue is about"),
		Problem:    p.text(fields, "problem_statement", "the text of the issue"),
		Version:    p.optional(fields, "version"),
		Hints:      p.optional(fields, "hints_text"),
		Text:       strings.TrimSpace(p.optional(fields, "text")),
		Solution:   p.optional(fields, "patch"),
		FailToPass: p.names(fields, "FAIL_TO_PASS"),
		PassToPass: p.names(fields, "PASS_TO_PASS"),
		prepared:   fields["image"].raw != nil && fields["eval_script"].raw != nil,
	}
	if len(p.mistakes)+p.unlisted == before && len(x.FailToPass) == 0 {
		p.mistake(fields["FAIL_TO_PASS"].col, "missing-FAIL_TO_PASS", `"FAIL_TO_PASS" is empty`, "without a test that a right patch makes pass, no patch can be seen to be right")
	}
	if len(p.mistakes)+p.unlisted == before {
		p.instances = append(p.instances, x)
	}
}

// fields gives the values of a row by column, nil for what is no row. A column that is null is left out; one that stands twice is
// a mistake, since the harness would silently take the last one.
func (p *parser) fields(line []byte) map[string]field {
	at := func(offset int) int { return utf8.RuneCount(line[:max(0, min(offset, len(line)))]) + 1 }
	if !utf8.Valid(line) {
		valid := 0
		for r, n := utf8.DecodeRune(line); r != utf8.RuneError || n > 1; r, n = utf8.DecodeRune(line[valid:]) {
			valid += n
		}
		p.mistake(at(valid), "invalid-utf8", "not valid UTF-8", "save the file as UTF-8")
		return nil
	}
	var all json.RawMessage
	if err := json.Unmarshal(line, &all); err != nil {
		offset, syntax := len(line), (*json.SyntaxError)(nil)
		if errors.As(err, &syntax) {
			offset = int(syntax.Offset) - 1
		}
		p.mistake(at(offset), "invalid-json", fmt.Sprintf("not valid JSON: %v", err), "one task a line, as the data set's JSON Lines export has it")
		return nil
	}
	if line[0] != '{' {
		p.mistake(1, "not-an-object", "expected a JSON object with a task", `a line is {"instance_id": …, "repo": …, "problem_statement": …}`)
		return nil
	}
	out := make(map[string]field)
	d := json.NewDecoder(bytes.NewReader(line))
	d.Token() // the brace; what follows is known to be valid, so no error can come
	for d.More() {
		key, _ := d.Token()
		name, _ := key.(string)
		var v json.RawMessage
		if d.Decode(&v) != nil {
			break
		}
		col := at(int(d.InputOffset()) - len(v))
		if _, twice := out[name]; twice {
			p.mistake(col, "duplicate-key", fmt.Sprintf("the key %q stands twice", clip(name)), "keep one of them")
			return nil
		}
		if string(v) != "null" {
			out[name] = field{v, col}
		}
	}
	return out
}

// id reads the name of a task. The harness makes files and containers of it.
func (p *parser) id(fields map[string]field) string {
	id := p.text(fields, "instance_id", `as in "django__django-11099"`)
	f := fields["instance_id"]
	if id == "" {
		return ""
	}
	if !isName(id) {
		p.mistake(f.col, "bad-instance_id", fmt.Sprintf("the instance_id %q is no name", clip(id)), "at most 200 letters, digits, . _ and -, a letter or digit first")
		return ""
	}
	if first, twice := p.firstLine[id]; twice {
		p.mistake(f.col, "duplicate-id", fmt.Sprintf("the instance_id %q was used on line %d already", clip(id), first), "keep one of them", diag.Place{File: p.name, Line: first})
		return id
	}
	p.firstLine[id] = p.line
	return id
}

// isName reports whether s can be the name of a file and of a container.
func isName(s string) bool {
	for i, c := range []byte(s) {
		alnum := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !alnum && (i == 0 || c != '.' && c != '_' && c != '-') {
			return false
		}
	}
	return s != "" && len(s) <= 200
}

// text reads a column that must be there and have something in it.
func (p *parser) text(fields map[string]field, key, hint string) string {
	f, ok := fields[key]
	if !ok {
		p.mistake(0, "missing-"+key, fmt.Sprintf("no %q%s", key, keysOf(fields)), hint)
		return ""
	}
	s := p.optional(fields, key)
	if f.raw[0] == '"' && strings.TrimSpace(s) == "" {
		p.mistake(f.col, "missing-"+key, fmt.Sprintf("%q is empty", key), hint)
	}
	return s
}

func (p *parser) optional(fields map[string]field, key string) (s string) {
	if f, ok := fields[key]; ok && json.Unmarshal(f.raw, &s) != nil {
		p.mistake(f.col, "bad-"+key, fmt.Sprintf("%q is not text", key), "the data set has text in this column")
	}
	return s
}

// names reads a list of tests, which the data set's releases hold as a list or as text with a JSON list in it.
func (p *parser) names(fields map[string]field, key string) (names []string) {
	const hint = `a list of tests, as in ["tests/test_a.py::test_b"], or text that holds one`
	f, ok := fields[key]
	if !ok {
		p.mistake(0, "missing-"+key, fmt.Sprintf("no %q%s", key, keysOf(fields)), hint)
		return nil
	}
	raw, inner := f.raw, ""
	if raw[0] == '"' && json.Unmarshal(raw, &inner) == nil {
		raw = json.RawMessage(inner)
	}
	if json.Unmarshal(raw, &names) != nil || slices.ContainsFunc(names, func(s string) bool { return strings.TrimSpace(s) == "" }) {
		p.mistake(f.col, "bad-"+key, fmt.Sprintf("%q is no list of tests", key), hint)
		return nil
	}
	return names
}

// keysOf helps with a file of another kind: it names the columns that are there.
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

// clip keeps endless text out of messages.
func clip(s string) string {
	if utf8.RuneCountInString(s) <= 40 {
		return s
	}
	return string([]rune(s)[:39]) + "…"
}
