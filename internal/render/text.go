// Package render turns the report into pages: text for a terminal, Markdown, HTML. It is pure: a page
// depends on the report alone. All text that comes from data, models or services is taken for hostile; inline, code, cell and
// Line keep it in its place.
package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/report"
)

// Screen is what Text may use. The zero Screen is no terminal: lines as long as they need to be, and no colour.
type Screen struct {
	Width  int  // columns, 0 for any number; less than 20 counts as 20
	Colour bool // beside words, never for them
}

// Text writes the result for a terminal: the verdict, a line a leg, the reasons, what to do next. On a narrow screen the
// table has fewer columns, in the end none.
func Text(w io.Writer, r report.Report, s Screen) error {
	if s.Width > 0 {
		s.Width = max(s.Width, minWidth)
	}
	var b strings.Builder
	title := "tunegate"
	if r.Name != "" {
		title += " " + label(r.Name)
	}
	s.line(&b, title+": ", strings.ToUpper(string(r.Verdict)), r.Verdict)
	b.WriteString("\n")
	if !s.table(&b, r.Legs) {
		s.stack(&b, r.Legs)
	}
	b.WriteString("\n")
	s.write(&b, launches(r)+", "+spent(r)+", "+duration(r.Seconds), "  ")
	for _, g := range groups(r.Legs) {
		if g.verdict == gate.Pass {
			continue
		}
		b.WriteString("\n")
		s.line(&b, some(each(g.ids, label), 5)+": ", string(g.verdict), g.verdict)
		for _, reason := range g.reasons {
			s.write(&b, "  "+Line(reason), "    ")
		}
		for _, n := range g.next {
			s.write(&b, "  next: "+Line(n), "    ")
		}
	}
	s.leftOut(&b, r.Legs)
	_, err := io.WriteString(w, b.String())
	return err
}

// leftOut names the tests that were not asked.
func (s Screen) leftOut(b *strings.Builder, legs []report.Leg) {
	head := "\n"
	for _, l := range legs {
		if n := len(l.Audit.Contaminated); n > 0 {
			b.WriteString(head)
			head = ""
			s.write(b, fmt.Sprintf("%s: %s left out, in the training data too: %s", label(l.ID), plural(n, "test"), some(each(l.Audit.Contaminated, label), 5)), "  ")
		}
	}
}

// write adds a text, broken to the screen's width.
func (s Screen) write(b *strings.Builder, text, indent string) {
	for _, line := range Wrap(text, s.Width, indent) {
		b.WriteString(line + "\n")
	}
}

// line adds a text that ends with a verdict.
func (s Screen) line(b *strings.Builder, text, word string, v gate.Verdict) {
	lines := Wrap(text+word, s.Width, "  ")
	for _, line := range lines[:len(lines)-1] {
		b.WriteString(line + "\n")
	}
	last := lines[len(lines)-1]
	if rest, whole := strings.CutSuffix(last, word); whole {
		last = rest + s.paint(word, v)
	}
	b.WriteString(last + "\n")
}

// paint gives a verdict's word its colour.
func (s Screen) paint(word string, v gate.Verdict) string {
	if !s.Colour {
		return word
	}
	colour := "31" // red
	switch v {
	case gate.Pass:
		colour = "32" // green
	case gate.Inconclusive:
		colour = "33" // yellow
	case gate.Pending:
		colour = "36" // cyan
	}
	return "\x1b[1;" + colour + "m" + word + "\x1b[0m"
}
