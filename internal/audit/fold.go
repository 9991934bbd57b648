package audit

import (
	"fmt"
	"slices"

	"github.com/tunegate/tunegate/internal/diag"
)

// Fold joins findings of one rule, file and severity into one, for people: the first, which says how many more there
// are and holds in Lines every line concerned. Findings that stand alone or about a whole file stay as they are. The
// order is that of the first of each.
func Fold(fs []diag.Finding) []diag.Finding {
	type group struct {
		rule, file string
		severity   diag.Severity
	}
	at := map[group]int{}
	var out []diag.Finding
	var count []int
	for _, f := range fs {
		g := group{f.Rule, f.File, f.Severity}
		i, ok := at[g]
		if !ok || f.Line == 0 {
			if f.Line != 0 {
				at[g] = len(out)
			}
			f.Lines = slices.Clone(f.Lines)
			out, count = append(out, f), append(count, 1)
			continue
		}
		o := &out[i]
		if count[i]++; count[i] == 2 && len(o.Lines) == 0 {
			o.Lines = []int{o.Line}
		}
		if len(f.Lines) == 0 {
			f.Lines = []int{f.Line}
		}
		o.Lines = append(o.Lines, f.Lines...)
	}
	for i := range out {
		slices.Sort(out[i].Lines)
		out[i].Lines = slices.Compact(out[i].Lines)
		if n := count[i] - 1; n > 0 {
			out[i].Message += fmt.Sprintf(" (and %d more like it)", n)
		}
	}
	return out
}
