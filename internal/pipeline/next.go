package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/report"
)

// next says what a person does now, for a leg with its verdict.
func next(l *report.Leg) []string {
	todo := mend(l.Audit.Findings)
	p := l.Last()
	switch l.Verdict {
	case gate.Pass:
		todo = append(todo, fmt.Sprintf("try %s on real traffic beside the base model (A/B) before it replaces it", p.Model))
	case gate.Pending:
		if p != nil && p.Status == report.Untuned {
			break // again, it would launch nothing again
		}
		todo = append(todo, "run the same command again later; it launches nothing twice")
	case gate.Fail, gate.Inconclusive:
		if p == nil || p.Decision == nil {
			break
		}
		if n := p.Decision.NeededN; l.Verdict == gate.Inconclusive && n > p.Decision.N {
			todo = append(todo, fmt.Sprintf("add tests: about %d would settle it, %d were asked", n, p.Decision.N))
		}
		for _, step := range l.Advice[:min(len(l.Advice), shownAdvice)] {
			todo = append(todo, fmt.Sprintf("%s (%s)", step.Do, step.Why))
		}
		if n := len(l.Advice); n > 0 {
			todo = append(todo, fmt.Sprintf("reports/next_steps.md names the lines and the tests of %s to the data", count(n, "change")))
		} else {
			todo = append(todo, "add examples of the answers that are wrong most often, as varied as real requests are")
		}
	case gate.Error:
		if p != nil && (p.Status == "failed" || p.Status == "cancelled") {
			todo = append(todo, fmt.Sprintf("mend the cause, then tunegate retry --leg %s makes another attempt, which is paid again", l.ID))
		}
	}
	return todo
}

// shownAdvice is how many pieces of advice are named in short.
const shownAdvice = 3

// mendable is how many kinds of critical findings are named one by one.
const mendable = 5

// mend says what to do about the critical findings, those of one rule in one file together.
func mend(findings []diag.Finding) (todo []string) {
	type kind struct{ rule, file string }
	type group struct {
		first diag.Finding
		count int
		lines []int
	}
	at := map[kind]int{}
	var groups []group
	for _, f := range findings {
		if f.Severity != diag.Critical {
			continue
		}
		k := kind{f.Rule, f.File}
		i, known := at[k]
		if !known {
			i = len(groups)
			at[k] = i
			groups = append(groups, group{first: f})
		}
		g := &groups[i]
		lines := f.Lines
		if len(lines) == 0 && f.Line > 0 {
			lines = []int{f.Line}
		}
		g.lines = append(g.lines, lines...)
		g.count += max(len(lines), 1)
	}
	for i, g := range groups {
		if i == mendable {
			return append(todo, fmt.Sprintf("mend the problems of %s more, which the audit lists", count(len(groups)-i, "kind")))
		}
		what := g.first.String()
		if g.count > 1 {
			what = fmt.Sprintf("%d × %s in %s%s", g.count, g.first.Rule, g.first.File, among(g.lines))
		}
		if g.first.Hint != "" {
			what += ": " + g.first.Hint
		}
		todo = append(todo, "mend "+what)
	}
	return todo
}

// among names the first few of the lines, in brackets; empty when there are none.
func among(lines []int) string {
	slices.Sort(lines)
	lines = slices.Compact(lines)
	const shown = 3
	var b strings.Builder
	for i, n := range lines[:min(len(lines), shown)] {
		switch {
		case i > 0 && i == len(lines)-1:
			b.WriteString(" and ")
		case i > 0:
			b.WriteString(", ")
		}
		fmt.Fprint(&b, n)
	}
	switch n := len(lines); {
	case n == 0:
		return ""
	case n == 1:
		return " (line " + b.String() + ")"
	case n > shown:
		fmt.Fprintf(&b, " and %d more", n-shown)
	}
	return " (lines " + b.String() + ")"
}
