package render

import (
	"math"
	"time"
)

// scale maps values from lo to hi to shares of a drawing, 0 to 1.
type scale struct{ lo, hi float64 }

// at is where a value stands; what lies outside stands at the edge.
func (s scale) at(v float64) float64 {
	if !(s.hi > s.lo) || math.IsNaN(v) {
		return 0
	}
	return min(max((v-s.lo)/(s.hi-s.lo), 0), 1)
}

// ticks returns round values within the scale, about n of them.
func (s scale) ticks(n int) (out []float64) {
	span := s.hi - s.lo
	if !(span > 0) || math.IsInf(span, 0) {
		return nil
	}
	step := roundStep(span / float64(n))
	for v := math.Ceil(s.lo/step-1e-9) * step; v <= s.hi+step*1e-9 && len(out) < 3*n; v += step {
		out = append(out, v+0) // no minus before 0
	}
	return out
}

// roundStep is the 1, 2 or 5 times a power of ten that is not below v.
func roundStep(v float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, n := range []float64{1, 2, 5} {
		if v <= n*unit*(1+1e-9) {
			return n * unit
		}
	}
	return 10 * unit
}

// clock is a scale of seconds since a moment.
type clock struct {
	start time.Time
	scale
}

// at is where a moment stands.
func (c clock) at(t time.Time) float64 { return c.scale.at(t.Sub(c.start).Seconds()) }

// ticks returns about n round times: of seconds, minutes, hours or days.
func (c clock) ticks(n int) (out []float64) {
	want := (c.hi - c.lo) / float64(n)
	if !(want > 0) || want > 1e10 {
		return nil
	}
	steps := []float64{60, 120, 300, 600, 900, 1800, 3600, 7200, 3 * 3600, 6 * 3600, 12 * 3600, 86400}
	step := steps[0]
	for _, s := range steps {
		if step = s; s >= want {
			break
		}
	}
	switch {
	case want <= 30:
		step = roundStep(want)
	case want > 86400:
		step = 86400 * roundStep(want/86400)
	}
	for v := 0.0; v <= c.hi && len(out) < 3*n; v += step {
		out = append(out, v)
	}
	return out
}

// roughly writes a time on an axis.
func roughly(seconds float64) string {
	switch {
	case seconds == 0:
		return "0"
	case seconds < 1:
		return number3(seconds) + " s"
	case seconds < 120:
		return number3(seconds) + " s"
	case seconds < 2*3600:
		return number3(seconds/60) + " min"
	case seconds < 2*86400:
		return number3(seconds/3600) + " h"
	}
	return number3(seconds/86400) + " d"
}

// axis writes the labels of ticks below the rows, at y. Those at the ends lean inwards.
func (d *drawing) axis(y float64, ticks []float64, at func(float64) float64, write func(float64) string) {
	d.group("axis", 0, 4)
	for _, v := range ticks {
		x, anchor := at(v), "middle"
		switch {
		case x < 0.04:
			anchor = "start"
		case x > 0.96:
			anchor = "end"
		}
		d.text(anchor, x, y, write(v))
	}
	d.end()
}
