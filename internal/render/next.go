package render

import (
	"fmt"
	"strings"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/report"
)

// Next is reports/next_steps.md: what to do now, the legs that need it most first, what passed at the end.
func Next(r report.Report) string { return next(r, true) }

// Steps is Next without what Results says too, to stand below it.
func Steps(r report.Report) string { return next(r, false) }

func next(r report.Report, alone bool) string {
	var b strings.Builder
	b.WriteString("# Next steps\n")
	if alone {
		fmt.Fprintf(&b, "\n**%s** · %s\n", verdict(r.Verdict), tally(r))
	}
	all := groups(r.Legs)
	for _, g := range all {
		if g.verdict == gate.Pass || !alone && len(g.next) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s: %s\n\n", some(each(g.ids, inline), 5), verdict(g.verdict))
		if alone {
			bullets(&b, g.reasons)
			if g.advised {
				continue // its steps stand below in full
			}
			if len(g.next) > 0 {
				b.WriteString("\nWhat to do:\n\n")
			}
		}
		for i, n := range g.next {
			fmt.Fprintf(&b, "%d. %s\n", i+1, inline(n))
		}
	}
	if alone {
		advise(&b, r.Legs)
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
			fmt.Fprintf(&b, "  - %s\n", inline(n))
		}
	}
	return b.String()
}
