package render

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/report"
)

// plot is a picture with the same in words beside it. In a plot of rows, the names and values of the rows stand in the page, and the
// picture lies behind them: it has the height of all rows and of one more, for the axis.
type plot struct {
	Picture markup
	Rows    []plotRow
	Kind    markup // class of its rows: tight for short names and values, gains for long values; "" for others
	Said    string
}

// plotRow is what stands beside a row of the picture.
type plotRow struct {
	Name, Value string
	Href        string // "" for none
}

// number3 writes a number to three digits.
func number3(v float64) string {
	s := strconv.FormatFloat(v, 'g', 3, 64)
	if strings.ContainsAny(s, "e") && math.Abs(v) < 1e6 && math.Abs(v) >= 1 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return s
}

// row returns where the middle of a row stands, of so many and one for the axis.
func row(i, n int) float64 { return (float64(i) + 0.5) / float64(n+1) }

// Limits of the axis of improvements: what is beyond is drawn at the edge, so that the margin stays in sight.
const (
	leastShown = -1.0
	mostShown  = 2.0
)

// byMeasure draws the improvements, a picture for each measure: what is measured differently shares no axis.
func byMeasure(legs []report.Leg, href func(int) string) (out []pageChart) {
	for _, m := range []gate.Measure{gate.Relative, gate.Points, gate.Errors} {
		var of []report.Leg
		var at []int
		for i := range legs {
			if measureOf(&legs[i]) == m {
				of, at = append(of, legs[i]), append(at, i)
			}
		}
		if p := improvements(of, m, func(i int) string { return href(at[i]) }); p != nil {
			out = append(out, pageChart{"Improvement in " + unit(m), p})
		}
	}
	return out
}

// improvements draws what each leg's tuned model is better by, with its limits, against the margin. All legs have the measure m. Nil
// where none has an improvement.
func improvements(legs []report.Leg, m gate.Measure, href func(int) string) *plot {
	s := scale{0, 0.05}
	widen := func(v *float64) {
		if v != nil && !math.IsNaN(*v) {
			s.lo, s.hi = max(min(s.lo, *v), leastShown), min(max(s.hi, *v), mostShown)
		}
	}
	any := false
	for i := range legs {
		l := &legs[i]
		widen(&l.Margin)
		if d := judged(l); d != nil && d.Improvement != nil {
			any = true
			widen(d.Improvement)
			widen(d.Interval[0])
			widen(d.Interval[1])
		}
	}
	if !any {
		return nil
	}
	pad := (s.hi - s.lo) * 0.03
	s.lo, s.hi = s.lo-pad, s.hi+pad
	d := newDrawing("rowplot", "Improvement of each leg against its margin, in "+unit(m), fmt.Sprintf("One row a leg, on a scale from %s to %s: a dot for the observed improvement, a bar for its limits, a dashed line for the margin. The same numbers stand beside the rows.",
		gain(&s.lo, string(m)), gain(&s.hi, string(m))))
	n := len(legs)
	foot := float64(n) / float64(n+1)
	for _, v := range s.ticks(5) {
		d.line("grid", s.at(v), 0, s.at(v), foot)
	}
	d.line("zero", s.at(0), 0, s.at(0), foot)
	p := &plot{Kind: "gains"}
	for i := range legs {
		l := &legs[i]
		d.line("margin", s.at(l.Margin), float64(i)/float64(n+1), s.at(l.Margin), float64(i+1)/float64(n+1))
		r := plotRow{Name: l.ID, Href: href(i), Value: string(l.Verdict)}
		if k := judged(l); k != nil && k.Improvement == nil {
			r.Value = gain(nil, l.Measure) + " to " + score(k.Tuned)
			if m == gate.Errors {
				r.Value = gain(nil, l.Measure) + ", now " + score(k.Tuned)
			}
		} else if k != nil {
			r.Value = gain(k.Improvement, l.Measure) + interval(k, l.Measure)
			d.group("marks v-"+class(l.Verdict), 0, 0)
			lo, hi := k.Interval[0], k.Interval[1]
			if lo != nil || hi != nil {
				from, to := 0.0, 1.0
				if lo != nil {
					from = s.at(*lo)
				}
				if hi != nil {
					to = s.at(*hi)
				}
				d.line("limits", from, row(i, n), to, row(i, n))
			}
			if *k.Improvement > mostShown {
				p.Said = fmt.Sprintf("What is beyond %s stands at the edge.", axisGain(mostShown, m))
				d.group("axis", 9, 4)
				d.text("start", 1, row(i, n), "›")
				d.end()
			}
			d.dot("dot", s.at(*k.Improvement), row(i, n), shape(l.Verdict))
			d.end()
		}
		p.Rows = append(p.Rows, r)
	}
	d.axis(row(n, n), s.ticks(5), s.at, func(v float64) string { return axisGain(v, m) })
	p.Picture = d.done()
	return p
}

// axisGain writes an improvement on an axis, whose caption has the measure in full.
func axisGain(v float64, m gate.Measure) string {
	sign := "%"
	if m == gate.Points {
		sign = "pts"
	}
	if v == 0 {
		return "0 " + sign
	}
	return fmt.Sprintf("%+.3g %s", math.Round(1000*v)/10, sign)
}

// shape tells verdicts apart where colour does not.
func shape(v gate.Verdict) dotShape {
	switch v {
	case gate.Pass:
		return round
	case gate.Fail:
		return square
	}
	return diamond
}

// class is a verdict as a word of the style sheet.
func class(v gate.Verdict) string {
	switch v {
	case gate.Pass, gate.Fail, gate.Inconclusive, gate.Pending:
		return string(v)
	}
	return string(gate.Error)
}

// costs draws what each leg was estimated at, what was set aside for it, and what it spent. Nil where no money is in it.
func costs(legs []report.Leg, href func(int) string) *plot {
	most := 0.0
	for i := range legs {
		l := &legs[i]
		most = max(most, l.ReservedUSD, l.CostUSD)
		if l.Estimate != nil {
			most = max(most, l.Estimate.Total())
		}
	}
	if !(most > 0) {
		return nil
	}
	s := scale{0, most}
	d := newDrawing("rowplot", "Cost of each leg: estimated, set aside and spent", fmt.Sprintf("One row a leg, from $0 to %s: a wide bar for the estimate, an upright line for what was set aside, a narrow bar for what was spent. The table below has the numbers.", dollars(most)))
	n := len(legs)
	for _, v := range s.ticks(5) {
		d.line("grid", s.at(v), 0, s.at(v), float64(n)/float64(n+1))
	}
	p := &plot{}
	for i := range legs {
		l := &legs[i]
		y := row(i, n)
		d.group("marks", 0, 0)
		value := dollars(l.CostUSD)
		if l.Estimate != nil {
			d.bar("estimated", 0, y, s.at(l.Estimate.Total()), 16, "estimated "+dollars(l.Estimate.Total()))
			value += " of " + dollars(l.Estimate.Total())
		}
		if l.CostUSD > 0 {
			d.bar("spent", 0, y, s.at(l.CostUSD), 6, "spent "+dollars(l.CostUSD))
		}
		if l.ReservedUSD > 0 {
			d.group("", 0, -10)
			x := s.at(l.ReservedUSD)
			d.b.WriteString(`<rect class="reserved" x="` + percent(min(x, 0.995)) + `" y="` + percent(y) + `" width="2" height="20"/>`)
			d.end()
		}
		d.end()
		p.Rows = append(p.Rows, plotRow{Name: l.ID, Href: href(i), Value: value})
	}
	d.axis(row(n, n), s.ticks(5), s.at, func(v float64) string { return "$" + number3(v) })
	p.Picture = d.done()
	return p
}

// drawnStages bounds what of a leg's way is drawn.
const drawnStages = 40

// timeline draws what ran beside what. Nil where nobody told.
func timeline(legs []report.Leg, href func(int) string) *plot {
	var c clock
	end := time.Time{}
	for i := range legs {
		for _, s := range legs[i].Stages {
			if c.start.IsZero() || s.Began.Before(c.start) {
				c.start = s.Began
			}
			if e := s.Began.Add(time.Duration(min(max(s.Seconds, 0), 1e9) * float64(time.Second))); e.After(end) {
				end = e
			}
		}
	}
	c.hi = end.Sub(c.start).Seconds()
	if !(c.hi > 0) {
		return nil
	}
	d := newDrawing("rowplot", "Timeline of the run", fmt.Sprintf("One row a leg, over %s from its first audit on: thick bars where something was done, thin lines where it waited. The table below has the seconds of each stage.", duration(c.hi)))
	n := len(legs)
	ticks := c.ticks(5)
	for _, v := range ticks {
		d.line("grid", c.scale.at(v), 0, c.scale.at(v), float64(n)/float64(n+1))
	}
	p := &plot{}
	for i := range legs {
		l := &legs[i]
		d.group("marks", 0, 0)
		for k, s := range l.Stages {
			if k == drawnStages {
				break
			}
			x := c.at(s.Began)
			w := c.scale.at(s.Began.Sub(c.start).Seconds()+s.Seconds) - x
			kind, height := stageKind(s.Name)
			said := s.Name
			if s.Phase != "" {
				said += " (" + s.Phase + ")"
			}
			d.bar(kind, x, row(i, n), max(w, 0.002), height, said+": "+duration(s.Seconds))
		}
		d.end()
		p.Rows = append(p.Rows, plotRow{Name: l.ID, Href: href(i), Value: duration(l.Seconds)})
	}
	d.axis(row(n, n), ticks, c.scale.at, roughly)
	p.Picture = d.done()
	return p
}

// stageKind is how a stage is drawn.
func stageKind(name string) (kind string, height int) {
	switch name {
	case "train":
		return "s-train", 14
	case "benchmark":
		return "s-benchmark", 14
	case "audit", "advise":
		return "s-audit", 14
	}
	return "s-wait", 3
}
