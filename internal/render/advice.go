package render

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tunegate/tunegate/internal/advice"
	"github.com/tunegate/tunegate/internal/report"
)

// advise writes what to change in the data of legs, most useful first, with the lines concerned, for a person or a
// program that will do it.
func advise(b *strings.Builder, legs []report.Leg, ids []string) {
	for _, l := range legs {
		if len(l.Advice) == 0 || !slices.Contains(ids, l.ID) {
			continue
		}
		fmt.Fprintf(b, "\n### What to change in the data of %s\n", inline(l.ID))
		for i, s := range l.Advice {
			fmt.Fprintf(b, "\n%d. **%s**\n", i+1, tightUnits(inline(sentence(s.Do))))
			step(b, s)
		}
	}
}

func step(b *strings.Builder, s advice.Step) {
	fmt.Fprintf(b, "   - why: %s\n", tightUnits(inline(s.Why)))
	if s.Effect != "" {
		fmt.Fprintf(b, "   - effect: %s\n", tightUnits(inline(s.Effect)))
	}
	if len(s.Lines) > 0 {
		fmt.Fprintf(b, "   - where: %s, lines %s\n", inline(s.File), strings.Join(each(s.Lines, strconv.Itoa), ", "))
	}
	if len(s.Tests) > 0 {
		fmt.Fprintf(b, "   - tests: %s\n", some(each(s.Tests, inline), 20))
	}
	for _, e := range s.Examples {
		fmt.Fprintf(b, "   - %s\n", inline(e))
	}
}

// sentence begins with a capital letter.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
