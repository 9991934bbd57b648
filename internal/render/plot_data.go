package render

import (
	"fmt"
	"math"

	"github.com/tunegate/tunegate/internal/report"
)

// Limits of what one picture holds; what the program writes itself is within them.
const (
	drawnLosses  = 200
	drawnBins    = 60
	drawnAnswers = 10
)

// lossCurve draws the loss of a fine-tune by step. Nil where there are fewer than two.
func lossCurve(losses []report.Loss) *plot {
	losses = losses[:min(len(losses), drawnLosses)]
	if len(losses) < 2 {
		return nil
	}
	first, last := losses[0], losses[len(losses)-1]
	s := scale{min(0, first.Train), 0}
	var valid *report.Loss
	for i, l := range losses {
		s.lo, s.hi = min(s.lo, l.Train), max(s.hi, l.Train)
		if l.Valid != nil {
			valid = &losses[i]
			s.lo, s.hi = min(s.lo, *l.Valid), max(s.hi, *l.Valid)
		}
	}
	if !(s.hi > s.lo) || math.IsInf(s.hi-s.lo, 0) {
		return nil
	}
	ticks := s.ticks(3)
	if n := len(ticks); n > 0 && ticks[n-1] < s.hi {
		s.hi = ticks[n-1] + (s.hi-ticks[n-1])*1.05
	}
	x := scale{float64(first.Step), float64(last.Step)}
	said := fmt.Sprintf("Training loss from %s at step %s to %s at step %s.", number3(first.Train), thousands(int64(first.Step)), number3(last.Train), thousands(int64(last.Step)))
	if valid != nil {
		said += fmt.Sprintf(" Validation loss %s at step %s.", number3(*valid.Valid), thousands(int64(valid.Step)))
	}
	d := newDrawing("chart", "Loss by training step", said)
	for _, v := range ticks {
		if v == s.lo {
			continue // the base line
		}
		d.line("grid", 0, 1-s.at(v), 1, 1-s.at(v))
		d.group("axis", 2, -4)
		d.text("start", 0, 1-s.at(v), number3(v))
		d.end()
	}
	var points [][2]float64
	for _, l := range losses {
		points = append(points, [2]float64{x.at(float64(l.Step)), 1 - s.at(l.Train)})
	}
	d.line("base", 0, 1, 1, 1)
	d.path("curve", points)
	d.group("axis", 0, 15)
	d.text("start", 0, 1, "step "+thousands(int64(first.Step)))
	d.text("end", 1, 1, thousands(int64(last.Step)))
	d.end()
	for _, l := range losses {
		if l.Valid != nil {
			d.b.WriteString(`<circle class="valid" cx="` + percent(x.at(float64(l.Step))) + `" cy="` + percent(1-s.at(*l.Valid)) + `" r="3"/>`)
		}
	}
	return &plot{Picture: d.done(), Said: said}
}

// lengthBars draws how long the training examples are. Nil where that is not known.
func lengthBars(n *report.Lengths) *plot {
	if n == nil || len(n.Bins) < 2 {
		return nil
	}
	bins := n.Bins[:min(len(n.Bins), drawnBins)]
	most := 0
	for _, b := range bins {
		most = max(most, b.Examples)
	}
	if most == 0 {
		return nil
	}
	count, unit := func(v int) string { return thousands(int64(v)) }, "tokens"
	if n.Unit == "bytes" {
		unit = n.Unit
	}
	said := fmt.Sprintf("Half of the examples have up to %s %s, 90 %% up to %s, 99 %% up to %s; the shortest %s, the longest %s. The tallest bar is %s.", count(n.P50), unit, count(n.P90), count(n.P99), count(n.Min), count(n.Max), plural(most, "example"))
	d := newDrawing("chart", "Lengths of the training examples", said)
	w := 1 / float64(len(bins))
	tail := len(bins) - 1
	for i, b := range bins {
		h := 0.98 * max(float64(b.Examples)/float64(most), 0)
		if b.Examples > 0 {
			h = max(h, 0.01)
		}
		kind := "bar"
		if i == tail && i > 0 && b.To-b.From > bins[0].To-bins[0].From {
			kind = "bar tail" // it holds more than the others of its size
		}
		d.box(kind, (float64(i)+0.08)*w, 1-h, 0.84*w, h)
	}
	d.line("base", 0, 1, 1, 1)
	d.group("axis", 0, 15)
	d.text("start", 0, 1, count(bins[0].From))
	if half := len(bins) / 2; half > 2 {
		d.text("middle", float64(half)*w, 1, count(bins[half].From))
	}
	d.text("end", 1, 1, count(bins[tail].To))
	d.end()
	return &plot{Picture: d.done(), Said: said}
}

// answerBars draws which answers the training examples have. Nil where they hardly repeat.
func answerBars(a *report.Answers) *plot {
	if a == nil || len(a.Most) == 0 {
		return nil
	}
	shown := a.Most[:min(len(a.Most), drawnAnswers)]
	most, left := 0, a.Examples
	for _, f := range shown {
		most = max(most, f.Examples)
	}
	if most <= 0 {
		return nil
	}
	d := newDrawing("rowplot", "Answers of the training examples", fmt.Sprintf("A bar for each of the %d most frequent of %d answers. The counts stand beside the bars.", len(shown), a.Different))
	p := &plot{Kind: "tight"}
	n := len(shown) - 1 // no row for an axis
	for i, f := range shown {
		left -= f.Examples
		d.bar("bar", 0, row(i, n), float64(f.Examples)/float64(most), 8, "")
		p.Rows = append(p.Rows, plotRow{Name: f.Answer, Value: thousands(int64(f.Examples))})
	}
	if rest := a.Different - len(shown); rest > 0 && left >= 0 {
		p.Said = fmt.Sprintf("and %s, on %s", plural(rest, "more answer"), plural(left, "example"))
	}
	p.Picture = d.done()
	return p
}
