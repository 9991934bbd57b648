package render

import (
	"fmt"
	"math"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/report"
)

// statusLimit is what GitHub takes for the description of a commit status, in characters.
const statusLimit = 140

// StatusLine is the result for a commit status, in at most 140 characters of plain text: the verdict, how many legs have it, and
// what the first of them rests on. It says what was observed and what was asked for, and no more than was shown.
func StatusLine(r report.Report) string {
	if len(r.Legs) == 0 {
		return "error: there was nothing to judge"
	}
	n, leg, why := headline(r)
	s := fmt.Sprintf("%s: %d of %s", r.Verdict, n, plural(len(r.Legs), "leg"))
	if leg != "" {
		s += ", " + label(leg)
	} else if why != "" {
		s += ","
	}
	return cut(Line(s+" "+why), statusLimit)
}

// cut ends a text after so many characters, with a sign that it was cut.
func cut(s string, limit int) string {
	if inCharacters(s) <= limit {
		return s
	}
	n := 1 // the sign
	for i, r := range s {
		if n += inCharacters(string(r)); n > limit {
			return s[:i] + "…"
		}
	}
	return s
}

// headline is a result in short: how many legs have the verdict; the first of them, unless they pass, and why. The latter two
// may hold a stranger's text.
func headline(r report.Report) (n int, leg, why string) {
	var first *report.Leg
	for i := range r.Legs {
		if l := &r.Legs[i]; l.Verdict == r.Verdict {
			if n++; first == nil {
				first = l
			}
		}
	}
	switch {
	case first == nil:
		return 0, "", ""
	case r.Verdict == gate.Pass:
		return n, "", least(r.Legs)
	}
	return n, first.ID, because(first)
}

// least says what was observed of legs that pass.
func least(legs []report.Leg) string {
	low, margins, measures, unmeasured := math.Inf(1), map[float64]bool{}, map[string]bool{}, false
	for i := range legs {
		margins[legs[i].Margin], measures[legs[i].Measure] = true, true
		if d := judged(&legs[i]); d != nil && d.Improvement != nil {
			low = min(low, *d.Improvement)
		} else {
			unmeasured = true
		}
	}
	if len(measures) > 1 {
		return "each reaches what its gate asks for" // points and percent have no least
	}
	measure := legs[0].Measure
	if math.IsInf(low, 1) && gate.Measure(measure) == gate.Errors {
		return "from a base without errors"
	}
	if math.IsInf(low, 1) {
		return "from a base that scores 0"
	}
	s := "observed " + gain(&low, measure)
	if len(legs) > 1 {
		s += " or more"
	}
	if unmeasured {
		s += ", or " + gain(nil, measure)
	}
	if len(margins) == 1 {
		s += ", asked for " + margin(legs[0].Margin, measure)
	}
	return s
}

// because says in a few words why a leg does not pass.
func because(l *report.Leg) string {
	d, forgot := judged(l), broke(l)
	switch {
	case d == nil && l.Last() != nil && l.Last().Status == report.Untuned:
		return "is not tuned: /finetune launches it"
	case d == nil && l.Verdict == gate.Pending && l.Last() != nil && l.Last().Status != "":
		return "has a job that is " + Line(l.Last().Status)
	case d == nil && len(l.Reasons) == 0:
		return "has no result"
	case d == nil:
		return "(" + Line(l.Reasons[0]) + ")"
	case l.Verdict == gate.Error || l.Verdict == gate.Pending:
		return "(" + Line(append(l.Reasons, "not judged")[0]) + ")"
	case d.Verdict == gate.Pass && len(forgot) > 0:
		return guardBecause(&forgot[0])
	case d.Improvement == nil:
		return fmt.Sprintf("%s to %s, p = %.2g", score(d.Base), score(d.Tuned), d.P)
	case *d.Improvement < l.Margin:
		return fmt.Sprintf("%s, less than %s", gain(d.Improvement, l.Measure), margin(l.Margin, l.Measure))
	}
	return fmt.Sprintf("%s on %s, which could be chance (p = %.2g)", gain(d.Improvement, l.Measure), plural(d.N, "test"), d.P)
}
