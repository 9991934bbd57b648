// Package render turns the report into pages: text for a terminal, Markdown, and later HTML. It is pure: a page
// depends on the report alone. All text that comes from data, models or services is taken for hostile; inline, code and
// clean keep it in its place.
package render

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/report"
)

// Text writes the result for a terminal: the verdict, a line a leg, the reasons, what to do next.
func Text(w io.Writer, r report.Report) error {
	var b strings.Builder
	title := "tunegate"
	if r.Name != "" {
		title += " " + clean(r.Name)
	}
	fmt.Fprintf(&b, "%s: %s\n\n", title, strings.ToUpper(string(r.Verdict)))
	rows := [][]string{{"agent", "base", "tuned", "change", "evidence", "cost", "time", "verdict"}}
	for i, a := range r.Agents {
		l := &r.Legs[i]
		rows = append(rows, []string{clean(a.Name), percent(a.Base), percent(a.Tuned), improvement(a.Improvement), evidence(l), dollars(a.CostUSD), duration(a.Seconds), string(a.Verdict)})
	}
	table(&b, rows)
	fmt.Fprintf(&b, "\n%s launched, %s, %s\n", plural(r.Launched, "job"), dollars(r.CostUSD), duration(r.Seconds))
	for _, l := range r.Legs {
		if l.Verdict == gate.Pass && len(l.Audit.Contaminated) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n%s: %s\n", clean(l.ID), l.Verdict)
		for _, reason := range l.Reasons {
			fmt.Fprintf(&b, "  %s\n", clean(reason))
		}
		if n := len(l.Audit.Contaminated); n > 0 && l.Last() != nil {
			fmt.Fprintf(&b, "  left out, in the training data too: %s: %s\n", plural(n, "test"), clean(some(l.Audit.Contaminated, 5)))
		}
		if l.Verdict != gate.Pass {
			for _, n := range l.Next {
				fmt.Fprintf(&b, "  next: %s\n", clean(n))
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// table writes rows with aligned columns; numbers to the right is what columns 1 to 3 and 5, 6 hold.
func table(b *strings.Builder, rows [][]string) {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		line := " "
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if i >= 1 && i <= 3 || i == 5 || i == 6 {
				line += " " + pad + cell + " "
			} else {
				line += " " + cell + pad + " "
			}
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

// evidence says in a few words what a leg's verdict rests on.
func evidence(l *report.Leg) string {
	p := l.Last()
	if p == nil || p.Decision == nil {
		return "-"
	}
	d := p.Decision
	return fmt.Sprintf("%d won, %d lost of %d, %s", d.Wins, d.Losses, d.N, pValue(d.P))
}

func pValue(p float64) string {
	if p < 0.0001 {
		return "p < 0.0001"
	}
	return fmt.Sprintf("p = %.4f", p)
}

func percent(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100**v)
}

// improvement writes a relative change. The number of digits is what the eye needs, not what was measured.
func improvement(v *float64) string {
	switch {
	case v == nil:
		return "-"
	case math.Abs(*v) >= 1:
		return fmt.Sprintf("%+.0f %%", 100**v)
	}
	return fmt.Sprintf("%+.1f %%", 100**v)
}

func dollars(v float64) string { return fmt.Sprintf("$%.2f", v) }

func duration(seconds float64) string {
	if seconds < 10 {
		return fmt.Sprintf("%.1f s", seconds)
	}
	return time.Duration(seconds * float64(time.Second)).Round(time.Second).String()
}

func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// some lists the first n of the texts and says how many there are besides.
func some(texts []string, n int) string {
	if len(texts) <= n {
		return strings.Join(texts, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(texts[:n], ", "), len(texts)-n)
}

// clean makes a text safe on a terminal and keeps it on one line: no control characters, which could move the
// cursor or set colours, and none that turn the direction of writing.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == utf8.RuneError:
			return '\ufffd'
		}
		return r
	}, s)
}
