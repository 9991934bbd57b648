package render

import (
	"fmt"
	"strings"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/report"
)

// Next is reports/next_steps.md: what to do now, the legs that need it most first, what passed at the end.
func Next(r report.Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Next steps\n\n**%s** · %s\n", verdict(r.Verdict), tally(r))
	all := groups(r.Legs)
	for _, g := range all {
		if g.verdict == gate.Pass {
			continue
		}
		fmt.Fprintf(&b, "\n## %s: %s\n\n", some(each(g.ids, inline), 5), verdict(g.verdict))
		bullets(&b, g.reasons)
		if g.advised {
			advise(&b, r.Legs, g.ids) // its steps in short would be the same again
			continue
		}
		if len(g.next) == 0 {
			continue
		}
		b.WriteString("\nWhat to do:\n\n")
		for i, n := range g.next {
			fmt.Fprintf(&b, "%d. %s\n", i+1, tightUnits(inline(n)))
		}
	}
	head := "\n## Passed\n\n"
	for _, g := range all {
		if g.verdict != gate.Pass {
			continue
		}
		b.WriteString(head)
		head = ""
		fmt.Fprintf(&b, "- **%s**\n", some(each(g.ids, inline), 5))
		for _, n := range g.next {
			fmt.Fprintf(&b, "  - %s\n", tightUnits(inline(n)))
		}
	}
	return b.String()
}
