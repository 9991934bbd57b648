package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/report"
)

// shownGuards is how many guards of a leg a page shows; a manifest has no more.
const shownGuards = 16

// held says what became of a guard.
func held(v gate.Verdict) string {
	switch v {
	case gate.Pass:
		return "held"
	case gate.Fail:
		return "not held"
	case gate.Inconclusive:
		return "not shown"
	}
	return "not judged"
}

// broke are the guards of a leg that are not shown to hold.
func broke(l *report.Leg) []report.Guard {
	p := l.Last()
	if p == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(p.Guards), func(g report.Guard) bool { return g.Decision.Verdict == gate.Pass })
}

// guardBecause says in a few words why a guard does not hold.
func guardBecause(g *report.Guard) string {
	return fmt.Sprintf("%s on the guard %s, which may lose %s: %s", gain(g.Decision.Improvement, guardMeasure), label(g.Name), margin(g.MaxLoss, guardMeasure), held(g.Decision.Verdict))
}

// Guards are measured in points, whatever the leg is measured in.
const guardMeasure = string(gate.Points)

// guardHead begins a table of guards, of several legs or of one.
func guardHead(several bool) string {
	of := "guard"
	if several {
		of = "leg, guard"
	}
	return "| " + of + " | base → tuned, change, evidence |\n| --- | --- |\n"
}

// guardRow is a guard in such a table; leg is "" in one of a single leg.
func guardRow(leg string, g *report.Guard) string {
	shows := "may lose " + tight(margin(g.MaxLoss, guardMeasure))
	if d := &g.Decision; d.N > 0 {
		shows = fmt.Sprintf("%s, %s; %s", moved(d, guardMeasure), shows, tightCounts(d))
	}
	if leg != "" {
		leg = name(leg) + ", "
	}
	return fmt.Sprintf("| %s %s%s | %s |\n", signed(g.Decision.Verdict, held(g.Decision.Verdict)), leg, name(g.Name), shows)
}

// guarded writes the guards of a leg, with their figures and what they are.
func guarded(b *strings.Builder, all []report.Guard) {
	b.WriteString("\nSuites that it was not tuned for, and may not get worse on:\n\n" + guardHead(false))
	for i := range all {
		b.WriteString(guardRow("", &all[i]))
	}
	b.WriteString("\n")
	for _, g := range all {
		fmt.Fprintf(b, "- %s: asked %s of %s in %s, graded by %s\n", code(g.Name), thousands(int64(g.Asked)), plural(g.Available, "test"), code(g.Tests), code(g.Grader))
	}
}

// guards are those that do not hold: what a leg that passes its own tests does not pass for.
func (p page) guards(most, room int) string {
	var b strings.Builder
	for i := range p.Legs {
		l := &p.Legs[i]
		for k, g := range broke(l) {
			if k == most || full(&b, room) {
				break
			}
			b.WriteString(guardRow(l.ID, &g))
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return guardHead(true) + b.String()
}
