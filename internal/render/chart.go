package render

import (
	"fmt"
	"math"
	"strings"
	"unicode"

	"github.com/tunegate/tunegate/internal/report"
)

// A chart is drawn where it says more than the table: for so many legs, all of which have an improvement.
const (
	leastBars = 2
	mostBars  = 12
)

// chart draws the improvements with the margin as a Mermaid chart (xychart-beta), which GitHub shows as a picture; "" where they
// would not be readable: too few or too many, one that was not measured, some in points or of errors, or some below 0, which that kind of chart draws as rising from its
// floor. Its numbers stand beside it in words, in the table.
func chart(legs []report.Leg) string {
	if len(legs) < leastBars || len(legs) > mostBars || ownMeasure(legs) {
		return ""
	}
	var names, bars, margins []string
	top := 0.0
	for i := range legs {
		d := judged(&legs[i])
		if d == nil || d.Improvement == nil || *d.Improvement < 0 || *d.Improvement > 10 {
			return ""
		}
		names = append(names, `"`+bare(legs[i].ID)+`"`)
		bars = append(bars, fmt.Sprintf("%.1f", 100**d.Improvement))
		margins = append(margins, fmt.Sprintf("%.1f", 100*legs[i].Margin))
		top = max(top, 100**d.Improvement, 100*legs[i].Margin)
	}
	step := math.Pow(10, math.Floor(math.Log10(max(top, 1))))
	return fmt.Sprintf(`Bars: the observed improvement of each leg, in percent. Line: what was asked for. The intervals are in the table.

`+"```mermaid"+`
%%%%{init: {"xyChart": {"width": 720, "height": %d}, "themeVariables": {"xyChart": {"plotColorPalette": "#4493f8, #d29922"}}}}%%%%
xychart-beta horizontal
  title "Improvement of tuned over base, in percent"
  x-axis [%s]
  y-axis 0 --> %.0f
  bar [%s]
  line [%s]
`+"```\n", 110+36*len(bars), strings.Join(names, ", "), math.Ceil(top*1.05/step)*step, strings.Join(bars, ", "), strings.Join(margins, ", "))
}

// shownBar is how much of a name stands beside a bar, in columns.
const shownBar = 24

// bare is a name in a chart, of letters, digits and what joins them: its language gives anything else a meaning.
func bare(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.L, unicode.M, unicode.N) || strings.ContainsRune(" -_.", r) {
			return r
		}
		return '.'
	}, clean(s))
	if s = Clip(strings.TrimSpace(s), shownBar); s == "" {
		return "leg"
	}
	return s
}
