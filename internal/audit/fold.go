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
	var count, own []int // what each stands for, and the first of it
	for _, f := range fs {
		g := group{f.Rule, f.File, f.Severity}
		i, ok := at[g]
		if !ok || f.Line == 0 {
			if f.Line != 0 {
				at[g] = len(out)
			}
			f.Lines = slices.Clone(f.Lines)
			out, count, own = append(out, f), append(count, standsFor(f)), append(own, standsFor(f))
			continue
		}
		o := &out[i]
		count[i] += standsFor(f)
		if len(o.Lines) == 0 {
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
		if n := count[i] - own[i]; n > 0 {
			out[i].Message += fmt.Sprintf(" (and %d more like it)", n)
		}
	}
	return out
}

// standsFor returns how many findings one stands for that was folded already (see foundings).
func standsFor(f diag.Finding) int {
	if len(f.Related) > 0 {
		return 1
	}
	return max(1, len(f.Lines))
}
