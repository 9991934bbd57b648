package render

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/report"
)

// History is what is kept of earlier runs, to show one among them. Notes are sentences about what was left out.
type History struct {
	Name  string // of the manifest whose runs it takes
	runs  []pastRun
	Notes []string
}

// maxRuns is how many past runs a history keeps, and shownRuns how many the page shows; the latest stay.
const (
	maxRuns   = 500
	shownRuns = 30
)

// shownCourses is how many legs have a plot of their runs.
const shownCourses = 12

type pastRun struct {
	Started time.Time
	Verdict gate.Verdict
	CostUSD float64
	Seconds float64
	Legs    []pastLeg // the first ones
	More    int       // legs besides
	This    bool
	all     []pastLeg
}

type pastLeg struct {
	ID          string
	Verdict     gate.Verdict
	Value       string
	improvement *float64
	margin      float64
	measure     gate.Measure
}

// Add takes a run in, unless it is of another manifest, and keeps of it only what is shown.
func (h *History) Add(r report.Report) bool {
	if r.Name != h.Name {
		return false
	}
	h.runs = append(h.runs, newPastRun(r))
	if len(h.runs) > 2*maxRuns {
		h.trim()
	}
	return true
}

// trim orders the runs, the latest first, takes equal ones for one, and forgets the oldest.
func (h *History) trim() {
	slices.SortStableFunc(h.runs, func(a, b pastRun) int { return b.Started.Compare(a.Started) })
	h.runs = slices.CompactFunc(h.runs, func(a, b pastRun) bool { return a.Started.Equal(b.Started) && len(a.all) == len(b.all) })
	h.runs = h.runs[:min(len(h.runs), maxRuns)]
}

func newPastRun(r report.Report) pastRun {
	p := pastRun{Started: r.Started, Verdict: r.Verdict, CostUSD: r.CostUSD, Seconds: r.Seconds}
	for i := range r.Legs[:min(len(r.Legs), listedLegs)] {
		l := &r.Legs[i]
		past := pastLeg{ID: l.ID, Verdict: l.Verdict, Value: string(l.Verdict), margin: l.Margin, measure: measureOf(l)}
		if d := judged(l); d != nil {
			past.Value = gain(d.Improvement, l.Measure)
			if d.Improvement != nil {
				v := *d.Improvement
				past.improvement = &v
			}
		}
		p.all = append(p.all, past)
	}
	p.Legs = p.all[:min(len(p.all), shownCourses)]
	p.More = len(r.Legs) - len(p.Legs)
	return p
}

// historyView is what the page shows of a history.
type historyView struct {
	Runs   []pastRun
	Charts []pastChart
	Notes  []string
}

type pastChart struct {
	Name string
	Plot *plot
}

// view shows a run among the past ones, the latest first.
func (h *History) view(r report.Report) *historyView {
	all := *h
	this := newPastRun(r)
	this.This = true
	all.runs = append([]pastRun{this}, h.runs...)
	all.trim() // of two equal ones, this run stays
	runs := all.runs[:min(len(all.runs), shownRuns)]
	v := &historyView{Runs: runs, Notes: all.Notes}
	if n := len(all.runs) - len(runs); n > 0 {
		v.Notes = append(slices.Clone(v.Notes), plural(n, "older run")+" left out.")
	}
	if len(runs) < 2 {
		return v
	}
	for i := range r.Legs {
		if len(v.Charts) == shownCourses {
			v.Notes = append(slices.Clone(v.Notes), fmt.Sprintf("Plots of %s left out.", plural(len(r.Legs)-i, "more leg")))
			break
		}
		if p := runCourse(runs, r.Legs[i].ID); p != nil {
			v.Charts = append(v.Charts, pastChart{r.Legs[i].ID, p})
		}
	}
	return v
}

// runCourse draws a leg's improvement from run to run, the oldest first, of those that measured it as the latest of them did. Nil where
// fewer than two are known.
func runCourse(runs []pastRun, id string) *plot {
	type point struct {
		x float64
		pastLeg
	}
	var points []point
	var m gate.Measure
	s, others := scale{0, 0.05}, 0
	for i, r := range runs {
		k := slices.IndexFunc(r.all, func(l pastLeg) bool { return l.ID == id && l.improvement != nil })
		if k < 0 {
			continue
		}
		l := r.all[k]
		if m = cmp.Or(m, l.measure); l.measure != m {
			others++
			continue
		}
		points = append(points, point{0.18 + 0.8*float64(len(runs)-1-i)/float64(len(runs)-1), l}) // right of the axis
		s.lo, s.hi = max(min(s.lo, *l.improvement, l.margin), leastShown), min(max(s.hi, *l.improvement, l.margin), mostShown)
	}
	slices.Reverse(points)
	if len(points) < 2 || math.IsNaN(s.hi-s.lo) {
		return nil
	}
	pad := (s.hi - s.lo) * 0.1
	s.lo, s.hi = s.lo-pad, s.hi+pad
	first, last := points[0], points[len(points)-1]
	said := fmt.Sprintf("%s in the first of %s, %s in the last; margin %s.", gain(first.improvement, string(m)), plural(len(points), "run"), gain(last.improvement, string(m)), margin(last.margin, string(m)))
	if others > 0 {
		said += fmt.Sprintf(" Not drawn: %s in another measure.", plural(others, "run"))
	}
	d := newDrawing("chart", "Improvement from run to run, in "+unit(m), said)
	d.line("zero", 0, 1-s.at(0), 1, 1-s.at(0))
	d.line("margin", 0, 1-s.at(last.margin), 1, 1-s.at(last.margin))
	d.group("axis", 0, -3)
	for _, v := range s.ticks(3) {
		d.text("start", 0, 1-s.at(v), axisGain(v, m))
	}
	d.end()
	var line [][2]float64
	for _, p := range points {
		line = append(line, [2]float64{p.x, 1 - s.at(*p.improvement)})
	}
	d.path("curve", line)
	for _, p := range points {
		d.group("v-"+class(p.Verdict), 0, 0)
		d.dot("dot", p.x, 1-s.at(*p.improvement), shape(p.Verdict))
		d.end()
	}
	return &plot{Picture: d.done(), Said: said}
}

// history writes this run among the past ones.
func (p *htmlPage) history(v *historyView) {
	p.add(`<section id="history" aria-labelledby="h-history">
<h2 id="h-history">Past runs</h2>
`)
	if len(v.Charts) > 0 {
		p.add(`<div class="charts">`, "\n")
		for _, c := range v.Charts {
			p.add(`<figure><figcaption><b>`, shortName(c.Name), `</b></figcaption>`, c.Plot.Picture, `<p class="note">`, figure(c.Plot.Said), "</p></figure>\n")
		}
		p.add(`</div>
<p class="note">Improvement from run to run, the margin dashed; ● pass ■ fail ◆ other.</p>
`)
	}
	if len(v.Runs) > 0 {
		p.add(`<table class="cards" role="table"><caption class="vh">Past runs, the latest first</caption><thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">Started</th><th scope="col" role="columnheader">Verdict</th><th scope="col" role="columnheader">Improvement by leg</th><th scope="col" role="columnheader" class="n">Cost</th><th scope="col" role="columnheader" class="n">Time</th></tr></thead><tbody role="rowgroup">`, "\n")
		for _, r := range v.Runs {
			p.run(r)
		}
		p.add("</tbody></table>\n")
	} else {
		p.add("<p>There is no past run.</p>\n")
	}
	for _, n := range v.Notes {
		p.add(`<p class="left">`, quoted(n), "</p>\n")
	}
	p.add("</section>\n")
}

// run writes one run as a row.
func (p *htmlPage) run(r pastRun) {
	p.add(`<tr role="row"><th scope="row" role="rowheader">`, clockTime(r.Started))
	if r.This {
		p.add(" (this run)")
	}
	p.add(`</th><td role="cell">`, key("Verdict"), verdictBadge(r.Verdict), `</td><td role="cell" class="what"><span>`)
	for i, l := range r.Legs {
		if i > 0 {
			p.add(", ")
		}
		p.add(`<span class="pair">`, shortName(l.ID), " ", figure(l.Value), `</span>`)
	}
	if r.More != 0 {
		p.add(" and ", value(r.More), " more")
	}
	p.add(`</span></td>`, numberCell("Cost", escaped(dollars(r.CostUSD))), numberCell("Time", escaped(duration(r.Seconds))), "</tr>\n")
}
