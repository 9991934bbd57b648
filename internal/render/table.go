package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/report"
)

// column is one of a table on a terminal.
type column struct {
	head  string
	right bool // numbers
	drop  int  // when the screen is too narrow, columns go by this number, lowest first; 0 stays
	cells []string
}

func (c *column) width() int {
	w := Cells(c.head)
	for _, cell := range c.cells {
		w = max(w, Cells(cell))
	}
	return w
}

// none is what a cell holds that has nothing to say.
const none = "-"

// legColumns lays out the legs. A column that has nothing to say of any leg is left out.
func legColumns(legs []report.Leg) []column {
	all := []column{
		{head: "leg"}, {head: "base", right: true}, {head: "tuned", right: true}, {head: "change", right: true},
		{head: "won", right: true, drop: 3}, {head: "lost", right: true, drop: 3}, {head: "tests", right: true, drop: 4}, {head: "p", right: true, drop: 5},
		{head: "cost", right: true, drop: 2}, {head: "time", right: true, drop: 1}, {head: "verdict"},
	}
	for i := range legs {
		l := &legs[i]
		row := []string{label(l.ID), none, none, none, none, none, none, none, dollars(l.CostUSD), duration(l.Seconds), string(l.Verdict)}
		if d := judged(l); d != nil {
			copy(row[1:], []string{score(d.Base), score(d.Tuned), gain(d.Improvement, l.Measure), fmt.Sprint(d.Wins), fmt.Sprint(d.Losses), fmt.Sprint(d.N),
				strings.TrimPrefix(strings.TrimPrefix(pValue(d.P), "p "), "= ")})
		}
		for j, cell := range row {
			all[j].cells = append(all[j].cells, cell)
		}
	}
	return slices.DeleteFunc(all, func(c column) bool {
		return !slices.ContainsFunc(c.cells, func(cell string) bool { return cell != none })
	})
}

// minName is how short names are cut to keep a table.
const minName = 12

// table writes a line a leg, or nothing and false where the screen is too narrow for it.
func (s Screen) table(b *strings.Builder, legs []report.Leg) bool {
	if len(legs) == 0 {
		return true
	}
	all := legColumns(legs)
	for s.Width > 0 && wide(all) > s.Width {
		next := 0
		for _, c := range all {
			if c.drop > 0 && (next == 0 || c.drop < next) {
				next = c.drop
			}
		}
		if next == 0 {
			break
		}
		all = slices.DeleteFunc(all, func(c column) bool { return c.drop == next })
	}
	if over := wide(all) - s.Width; s.Width > 0 && over > 0 {
		room := all[0].width() - over
		if room < minName {
			return false
		}
		for i, name := range all[0].cells {
			all[0].cells[i] = Clip(name, room)
		}
	}
	lines, last := align(all), len(all)-1
	b.WriteString(lines[0] + "\n")
	for i, word := range all[last].cells {
		b.WriteString(strings.TrimSuffix(lines[i+1], word) + s.paint(word, gate.Verdict(word)) + "\n")
	}
	return true
}

// wide is the width of a table.
func wide(all []column) (n int) {
	for i := range all {
		n += 2 + all[i].width()
	}
	return n
}

// align writes the heads and the rows in columns.
func align(all []column) []string {
	lines := make([]string, 1+len(all[0].cells))
	for _, c := range all {
		width := c.width()
		for i := range lines {
			text := c.head
			if i > 0 {
				text = c.cells[i-1]
			}
			pad := strings.Repeat(" ", width-Cells(text))
			if c.right {
				text = pad + text
			} else {
				text += pad
			}
			lines[i] += "  " + text
		}
	}
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}

// stack writes a few short lines a leg.
func (s Screen) stack(b *strings.Builder, legs []report.Leg) {
	for i := range legs {
		l := &legs[i]
		s.line(b, label(l.ID)+": ", string(l.Verdict), l.Verdict)
		if d := judged(l); d != nil {
			s.write(b, fmt.Sprintf("  base %s, tuned %s, change %s", score(d.Base), score(d.Tuned), gain(d.Improvement, l.Measure)), "  ")
			s.write(b, "  "+evidence(d), "  ")
		}
		s.write(b, "  "+dollars(l.CostUSD)+", "+duration(l.Seconds), "  ")
	}
}

// table writes rows with aligned columns; numbers to the right is what columns 1 to 3 and 5, 6 hold.
func table(b *strings.Builder, rows [][]string) {
	all := make([]column, len(rows[0]))
	for i := range all {
		all[i] = column{head: rows[0][i], right: i >= 1 && i <= 3 || i == 5 || i == 6}
		for _, row := range rows[1:] {
			all[i].cells = append(all[i].cells, row[i])
		}
	}
	b.WriteString(strings.Join(align(all), "\n") + "\n")
}
