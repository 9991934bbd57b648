// Package diag holds what tunegate tells a person about their files: findings with a rule, a severity, a
// position and a hint. It knows nothing of what is checked, and prints nothing.
package diag

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Severity says what a finding stops. The zero value is no severity at all.
type Severity int

// Info is worth knowing, Warning is worth mending, Critical stops the launch.
const (
	Info Severity = iota + 1
	Warning
	Critical
)

var severityNames = [...]string{Info: "info", Warning: "warning", Critical: "critical"}

// String returns the lower-case name used in manifests and JSON, "none" for the zero value.
func (s Severity) String() string {
	if s < Info || s > Critical {
		return "none"
	}
	return severityNames[s]
}

// ParseSeverity reads a name that String writes.
func ParseSeverity(name string) (Severity, error) {
	for s := Info; s <= Critical; s++ {
		if severityNames[s] == name {
			return s, nil
		}
	}
	return 0, fmt.Errorf("unknown severity %q, expected info, warning or critical", name)
}

// MarshalText implements encoding.TextMarshaler.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Severity) UnmarshalText(b []byte) error {
	v, err := ParseSeverity(string(b))
	*s = v
	return err
}

// Place names a line of a file.
type Place struct {
	File string `json:"file"`
	Line int    `json:"line"` // from 1
}

// Finding is one thing seen in a file. Line and Col count from 1, Col in Unicode code points; Line 0 means the
// whole file, Col 0 the whole line. Related holds the other places that the finding is about (the first copy of
// a duplicate, the test that a row gives away). Lines, when not empty, holds every line that a folded finding
// stands for, its own included. Last marks a finding that follows from the others of its file, and stands behind them.
type Finding struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Col      int      `json:"col"`
	Message  string   `json:"message"`
	Hint     string   `json:"hint"`
	Related  []Place  `json:"related"`
	Lines    []int    `json:"lines"`
	Last     bool     `json:"-"`
}

// MarshalJSON writes every key, lists as [] and never as null.
func (f Finding) MarshalJSON() ([]byte, error) {
	type plain Finding // sheds this method
	p := plain(f)
	if p.Related == nil {
		p.Related = []Place{}
	}
	if p.Lines == nil {
		p.Lines = []int{}
	}
	return json.Marshal(p)
}

// String returns "file:line:col: message [rule]", leaving out the parts that are zero.
func (f Finding) String() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d", f.Line)
		if f.Col > 0 {
			fmt.Fprintf(&b, ":%d", f.Col)
		}
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	fmt.Fprintf(&b, "%s [%s]", f.Message, f.Rule)
	return b.String()
}

// Sort orders findings by file, the last ones of each at its end, and by line, column, rule and message, so that output does not depend on who found what first.
func Sort(fs []Finding) {
	slices.SortStableFunc(fs, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), later(a, b), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col),
			cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message))
	})
}

func later(a, b Finding) int {
	switch {
	case a.Last == b.Last:
		return 0
	case a.Last:
		return 1
	}
	return -1
}

// Worst returns the highest severity among the findings, zero when there are none.
func Worst(fs []Finding) Severity {
	var w Severity
	for _, f := range fs {
		w = max(w, f.Severity)
	}
	return w
}

// Mistakes is a person's mistakes as an error: a program failure wraps a cause, a mistake says where and how to mend it.
type Mistakes []Finding

// Error returns one line a finding.
func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i, f := range m {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}
