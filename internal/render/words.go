package render

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/report"
)

// verdicts is the order in which pages speak of legs: those that need a person first.
func verdicts() []gate.Verdict {
	return []gate.Verdict{gate.Error, gate.Fail, gate.Inconclusive, gate.Pending, gate.Pass}
}

// shownName is how much of a name tables and terminals show, in columns; the headings of pages show all of it.
const shownName = 48

// label is a name as a terminal shows it.
func label(name string) string { return Clip(Line(name), shownName) }

// judged returns the decision that a leg's verdict rests on, nil when its last phase has none.
func judged(l *report.Leg) *gate.Decision {
	p := l.Last()
	if p == nil || p.Decision == nil || p.Decision.N == 0 {
		return nil
	}
	return p.Decision
}

// evidence says in a few words what a decision rests on.
func evidence(d *gate.Decision) string {
	return fmt.Sprintf("%d won, %d lost of %d (%s)", d.Wins, d.Losses, d.N, pValue(d.P))
}

func pValue(p float64) string {
	if p < 0.0001 {
		return "p < 0.0001"
	}
	return fmt.Sprintf("p = %.4f", p)
}

// tight keeps the words of a table's cell on one line, where the cell is narrow.
func tight(s string) string { return strings.ReplaceAll(s, " ", "\u00a0") }

// tightUnits keeps percent signs beside their numbers in a sentence, and a p-value in one piece; the sentence may be escaped for a page.
func tightUnits(s string) string {
	return spacedP.ReplaceAllStringFunc(spacedPercent.ReplaceAllString(s, "$1\u00a0%"), tight)
}

var (
	spacedPercent = regexp.MustCompile(`([0-9]) %`)
	spacedP       = regexp.MustCompile(`\bp (=|<|&lt;) [0-9]`)
)

// score writes a mean score of 0 to 1.
func score(v float64) string { return fmt.Sprintf("%.1f %%", 100*v) }

// share writes 0.1 as "10 %" and 0.125 as "12.5 %".
func share(v float64) string { return fmt.Sprintf("%v %%", math.Round(1000*v)/10) }

// improvement writes a relative change; there is none from a base of 0. The number of digits is what the eye
// needs, not what was measured.
func improvement(v *float64) string {
	switch {
	case v == nil:
		return "from 0"
	case math.Abs(*v) >= 1:
		return fmt.Sprintf("%+.0f %%", 100**v)
	}
	return fmt.Sprintf("%+.1f %%", math.Round(1000**v)/10+0) // no minus before 0.0
}

// margin writes what was asked for, in its measure: "10 %", "6 points", "15 % of the errors".
func margin(v float64, measure string) string {
	switch gate.Measure(measure) {
	case gate.Points:
		if n := strings.TrimSuffix(share(v), " %"); n != "1" {
			return n + " points"
		}
		return "1 point"
	case gate.Errors:
		return share(v) + " of the errors"
	}
	return share(v)
}

// betterBy says what reaches a margin: "10 % better", "6 points better", "15 % fewer errors".
func betterBy(v float64, measure string) string {
	if gate.Measure(measure) == gate.Errors {
		return share(v) + " fewer errors"
	}
	return margin(v, measure) + " better"
}

// ownMeasure tells whether any of the legs is measured by something else than its base's score.
func ownMeasure(legs []report.Leg) bool {
	return slices.ContainsFunc(legs, func(l report.Leg) bool {
		return gate.Measure(l.Measure) == gate.Points || gate.Measure(l.Measure) == gate.Errors
	})
}

// measureOf is a leg's measure; one that is not known counts as relative, as everywhere.
func measureOf(l *report.Leg) gate.Measure {
	switch m := gate.Measure(l.Measure); m {
	case gate.Points, gate.Errors:
		return m
	}
	return gate.Relative
}

// unit says what an axis counts that improvements of a measure stand on.
func unit(m gate.Measure) string {
	switch m {
	case gate.Points:
		return "points"
	case gate.Errors:
		return "percent of the base's errors"
	}
	return "percent of the base's score"
}

// gain writes an improvement in its measure: "+10.0 %", "+6.0 points", "+15.0 % of errors".
func gain(v *float64, measure string) string {
	switch m := gate.Measure(measure); {
	case m == gate.Errors && v == nil:
		return "from no errors"
	case m == gate.Errors:
		return improvement(v) + " of errors"
	case m == gate.Points && v != nil:
		return strings.TrimSuffix(improvement(v), " %") + " points"
	}
	return improvement(v)
}

// interval writes the limits of an improvement, to stand behind it, which says the measure; it may be broken between them. An upper limit of ten times the base and more says nothing.
func interval(d *gate.Decision, measure string) string {
	write := improvement
	if gate.Measure(measure) == gate.Points {
		write = func(v *float64) string { return strings.TrimSuffix(improvement(v), " %") }
	}
	lo, hi := d.Interval[0], d.Interval[1]
	if hi != nil && *hi >= 10 {
		hi = nil
	}
	switch {
	case lo != nil && hi != nil:
		return " " + tight("("+write(lo)+" to") + " " + tight(write(hi)+")")
	case lo != nil:
		return " " + tight("(at least "+write(lo)+")")
	case hi != nil:
		return " " + tight("(at most "+write(hi)+")")
	}
	return ""
}

func dollars(v float64) string {
	switch {
	case v > 0 && v < 0.005:
		return "< $0.01"
	case math.Abs(v) >= 1e9:
		return fmt.Sprintf("$%.3g", v)
	}
	return fmt.Sprintf("$%.2f", v)
}

func duration(seconds float64) string {
	switch {
	case seconds < 9.95:
		return fmt.Sprintf("%.1f s", max(seconds, 0))
	case seconds < 59.5:
		return fmt.Sprintf("%.0f s", seconds)
	case seconds < 3599.5:
		s := int(math.Round(seconds))
		return fmt.Sprintf("%d min %d s", s/60, s%60)
	case seconds > 1e9:
		return fmt.Sprintf("%.3g h", seconds/3600)
	}
	m := int(math.Round(seconds / 60))
	return fmt.Sprintf("%d h %d min", m/60, m%60)
}

// tightDuration may be broken between its units only.
func tightDuration(seconds float64) string {
	return strings.NewReplacer("h\u00a0", "h ", "min\u00a0", "min ").Replace(tight(duration(seconds)))
}

// moment is a time of a clock that all readers share, to the minute.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return thousands(int64(n)) + " " + noun
}

// some lists the first n of the texts and says how many there are besides.
func some(texts []string, n int) string {
	if len(texts) <= n {
		return strings.Join(texts, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(texts[:n], ", "), len(texts)-n)
}

// each applies a way of writing to all of a list.
func each[T, S any](texts []T, write func(T) S) []S {
	out := make([]S, len(texts))
	for i, t := range texts {
		out[i] = write(t)
	}
	return out
}

// tally counts the legs by verdict: "5 legs: 4 pass, 1 fail".
func tally(r report.Report) string {
	var counts []string
	for _, v := range slices.Backward(verdicts()) {
		n := 0
		for _, l := range r.Legs {
			if l.Verdict == v {
				n++
			}
		}
		if n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, v))
		}
	}
	return plural(len(r.Legs), "leg") + ": " + cmp.Or(strings.Join(counts, ", "), "nothing to judge")
}

// launches says how many jobs this run created, and how many of earlier runs it used.
func launches(r report.Report) string {
	reused := 0
	for _, l := range r.Legs {
		for _, p := range l.Phases {
			if p.Launched == 0 && p.Job != "" {
				reused++
			}
		}
	}
	said := "nothing launched"
	if r.Launched > 0 {
		said = plural(r.Launched, "job") + " launched"
	}
	if reused > 0 {
		said += fmt.Sprintf(", %d reused", reused)
	}
	return said
}

// spent is the run's cost, beside the budget where there is one.
func spent(r report.Report) string {
	if r.Budget == nil {
		return dollars(r.CostUSD)
	}
	return fmt.Sprintf("%s of a budget of %s", dollars(r.CostUSD), dollars(*r.Budget))
}

// alike is legs of which the same is to be said.
type alike struct {
	verdict gate.Verdict
	reasons []string
	next    []string
	advised bool
	ids     []string
}

// groups puts legs together that have the same verdict for the same reasons, those that need a person first: forty legs held
// back by one are one thing to read.
func groups(legs []report.Leg) (all []alike) {
	for _, v := range verdicts() {
		first := len(all)
		for _, l := range legs {
			if l.Verdict != v {
				continue
			}
			i := slices.IndexFunc(all[first:], func(a alike) bool {
				return slices.Equal(a.reasons, l.Reasons) && slices.Equal(a.next, l.Next) && a.advised == (len(l.Advice) > 0)
			})
			if i < 0 {
				i = len(all) - first
				all = append(all, alike{verdict: v, reasons: l.Reasons, next: l.Next, advised: len(l.Advice) > 0})
			}
			all[first+i].ids = append(all[first+i].ids, l.ID)
		}
	}
	return all
}
