package suite

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tunegate/tunegate/internal/diag"
)

// strange is a key that is not part of the format: where it stands first, and how often it does.
type strange struct {
	line, col, times int
}

// maxStrange bounds the keys that are told of: a file may have another one on each line.
const maxStrange = 100

// remark notes what is odd about a test that can be asked.
func (p *parser) remark(line []byte, t Test, fields map[string]field) {
	p.keys(line, fields, "id", "input", "ideal", "tools")
	if len(p.asksNone) == maxMistakes {
		return
	}
	note := func(message, hint string) {
		f := p.finding(column(line, fields["input"].at), "no-question", message, hint)
		f.Severity = diag.Warning
		p.asksNone = append(p.asksNone, f)
	}
	isUser := func(m Message) bool { return m.Role == "user" }
	switch {
	case t.Input[len(t.Input)-1].Role == "assistant":
		note("the last message is the assistant's, so that nothing is asked after it", `end "input" with what the user asks; the answer belongs in "ideal"`)
	case !slices.ContainsFunc(t.Input, isUser):
		note("no message is the user's, so that nothing is asked", `add what the user asks: {"role": "user", "content": "…"}`)
	}
}

// keys counts those that are none of the known ones. The published formats have more than is read here.
func (p *parser) keys(line []byte, fields map[string]field, known ...string) {
	var others []string
	for key := range fields {
		if p.form == plain && !slices.Contains(known, key) {
			others = append(others, key)
		}
	}
	slices.Sort(others)
	for _, key := range others {
		col := column(line, fields[key].at)
		s := p.strange[key]
		if s == nil && len(p.strange) == maxStrange {
			continue
		}
		if s == nil {
			if p.strange == nil {
				p.strange = map[string]*strange{}
			}
			s = &strange{line: p.line, col: col}
			p.strange[key] = s
		}
		if s.times++; s.line == p.line {
			s.col = min(s.col, col)
		}
	}
}

// remarks returns what was noted, by line.
func (p *parser) remarks() []diag.Finding {
	out := p.asksNone
	for _, key := range slices.Sorted(maps.Keys(p.strange)) {
		s, times := p.strange[key], ""
		if s.times > 1 {
			times = fmt.Sprintf(" (%d times)", s.times)
		}
		out = append(out, diag.Finding{Rule: "unknown-key", Severity: diag.Warning, File: p.name, Line: s.line, Col: s.col,
			Message: fmt.Sprintf("key %q is not part of a test, and is left out%s", clip(key), times), Hint: "nothing is lost if the benchmark does not need it; else correct it"})
	}
	diag.Sort(out)
	return out
}
