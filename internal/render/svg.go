package render

import (
	"math"
	"strconv"
	"strings"
)

// drawing is an SVG under construction. Its coordinates are shares of its width and height, from 0 to 1, so that it takes the size of its
// place while its strokes and letters keep theirs: no letter is too small on a telephone. What it writes is well-formed XML.
//
// Classes are words of ours; every text is escaped here.
type drawing struct{ b strings.Builder }

// newDrawing begins a picture with a name and a description for those who do not see it. What it shows stands in words
// beside it, too.
func newDrawing(class, title, desc string) *drawing {
	d := new(drawing)
	d.b.WriteString(`<svg role="img" class="` + class + `"><title>` + xmlText(title) + `</title><desc>` + xmlText(desc) + `</desc>`)
	return d
}

func xmlText(s string) string { return string(escaped(clean(s))) }

// done ends the picture. It is safe in HTML: only this file writes into it.
func (d *drawing) done() markup { return markup(d.b.String() + "</svg>") }

// percent writes a share as a coordinate. What is no number, or far outside, stays near the edge.
func percent(v float64) string {
	if math.IsNaN(v) {
		v = 0
	}
	return strconv.FormatFloat(math.Round(1e4*min(max(v, -1), 2))/100, 'f', -1, 64) + "%"
}

func pixels(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// group begins a group, shifted by so many pixels; end ends it.
func (d *drawing) group(class string, dx, dy float64) {
	d.b.WriteString(`<g`)
	if class != "" {
		d.b.WriteString(` class="` + class + `"`)
	}
	if dx != 0 || dy != 0 {
		d.b.WriteString(` transform="translate(` + pixels(dx) + ` ` + pixels(dy) + `)"`)
	}
	d.b.WriteString(`>`)
}

func (d *drawing) end() { d.b.WriteString(`</g>`) }

func (d *drawing) line(class string, x1, y1, x2, y2 float64) {
	d.b.WriteString(`<line class="` + class + `" x1="` + percent(x1) + `" y1="` + percent(y1) + `" x2="` + percent(x2) + `" y2="` + percent(y2) + `"/>`)
}

// box is a rectangle whose height is a share too.
func (d *drawing) box(class string, x, y, w, h float64) {
	d.b.WriteString(`<rect class="` + class + `" x="` + percent(x) + `" y="` + percent(y) + `" width="` + percent(max(w, 0)) + `" height="` + percent(max(h, 0)) + `"/>`)
}

// bar is a rectangle of so many pixels of height in the middle of which y lies, with a text for who points at it.
func (d *drawing) bar(class string, x, y, w float64, height int, said string) {
	d.group("", 0, -float64(height)/2)
	d.b.WriteString(`<rect class="` + class + `" rx="2" x="` + percent(x) + `" y="` + percent(y) + `" width="` + percent(max(w, 0)) + `" height="` + strconv.Itoa(height) + `"`)
	if said == "" {
		d.b.WriteString(`/>`)
	} else {
		d.b.WriteString(`><title>` + xmlText(said) + `</title></rect>`)
	}
	d.end()
}

// dot marks a point.
func (d *drawing) dot(class string, x, y float64, shape dotShape) {
	switch shape {
	case round:
		d.b.WriteString(`<circle class="` + class + `" cx="` + percent(x) + `" cy="` + percent(y) + `" r="5"/>`)
	default:
		d.group("", -5, -5)
		if shape == diamond {
			class += " diamond" // the style sheet turns it about its own middle
		}
		d.b.WriteString(`<rect class="` + class + `" x="` + percent(x) + `" y="` + percent(y) + `" width="10" height="10"/>`)
		d.end()
	}
}

type dotShape int

const (
	round dotShape = iota
	square
	diamond
)

// text writes a label of ours, anchored at its start, middle or end.
func (d *drawing) text(anchor string, x, y float64, s string) {
	d.b.WriteString(`<text text-anchor="` + anchor + `" x="` + percent(x) + `" y="` + percent(y) + `">` + xmlText(s) + `</text>`)
}

// path draws a line through points, in a part of the drawing that is stretched to its size.
func (d *drawing) path(class string, points [][2]float64) {
	d.b.WriteString(`<svg width="100%" height="100%" viewBox="0 0 100 100" preserveAspectRatio="none"><polyline class="` + class + `" vector-effect="non-scaling-stroke" points="`)
	for i, p := range points {
		if i > 0 {
			d.b.WriteByte(' ')
		}
		d.b.WriteString(strings.TrimSuffix(percent(p[0]), "%") + "," + strings.TrimSuffix(percent(p[1]), "%"))
	}
	d.b.WriteString(`"/></svg>`)
}
