package render

import (
	"fmt"
	"slices"

	"github.com/tunegate/tunegate/internal/advice"
	"github.com/tunegate/tunegate/internal/audit"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/report"
)

// legView is what the section of a leg is given.
type legView struct {
	pageRow
	Open   bool
	Charts []pageChart
	Steps  []advice.Step
	Flips  []report.Flip
	Labels []report.Label
}

type pageChart struct {
	Title string
	Plot  *plot
}

func newLegView(row pageRow, open bool) legView {
	l := row.Leg
	v := legView{pageRow: row, Open: open, Steps: l.Advice[:min(len(l.Advice), shownNext)]}
	add := func(title string, p *plot) {
		if p != nil {
			v.Charts = append(v.Charts, pageChart{title, p})
		}
	}
	if p := l.Last(); p != nil {
		add("Loss", lossCurve(p.Losses))
		if b := p.Benchmark; b != nil {
			v.Flips = b.Flips[:min(len(b.Flips), shownFlips)]
			v.Labels = slices.DeleteFunc(slices.Clone(b.Labels), func(g report.Label) bool { return g.Wins+g.Losses == 0 })
			v.Labels = v.Labels[:min(len(v.Labels), shownLabels)]
		}
	}
	add("Length of examples", lengthBars(l.Audit.Lengths))
	add("Answers in the training data", answerBars(l.Audit.Answers))
	return v
}

// auditRow is a leg's data in numbers.
type auditRow struct {
	ID                      string
	Rows                    int
	Tokens                  int64
	Critical, Warning, Info int
}

// findingRow is a finding, with the legs whose data has it.
type findingRow struct {
	diag.Finding
	Legs  []string
	Where string
	Rank  int
}

// listedFindings is how many findings the page lists.
const listedFindings = 300

// auditView folds the findings of all legs, the worst first; legs that share a file share its findings.
func auditView(r report.Report) (rows []auditRow, found []findingRow, left string) {
	type key struct {
		rule, file, message string
		line, col           int
		severity            diag.Severity
	}
	at := map[key]int{}
	for i := range r.Legs {
		l := &r.Legs[i]
		row := auditRow{ID: l.ID, Rows: l.Audit.Rows, Tokens: l.Audit.Tokens}
		for _, f := range audit.Fold(l.Audit.Findings) {
			n := max(len(f.Lines), 1)
			switch f.Severity {
			case diag.Critical:
				row.Critical += n
			case diag.Warning:
				row.Warning += n
			default:
				row.Info += n
			}
			k := key{f.Rule, f.File, f.Message, f.Line, f.Col, f.Severity}
			if n, ok := at[k]; ok {
				if found[n].Legs[len(found[n].Legs)-1] != l.ID {
					found[n].Legs = append(found[n].Legs, l.ID)
				}
				continue
			}
			at[k] = len(found)
			found = append(found, findingRow{Finding: f, Legs: []string{l.ID}, Where: place(f), Rank: int(diag.Critical - f.Severity)})
		}
		if len(rows) < listedLegs {
			rows = append(rows, row)
		}
	}
	slices.SortStableFunc(found, func(a, b findingRow) int { return a.Rank - b.Rank })
	if n := len(found) - listedFindings; n > 0 {
		found, left = found[:listedFindings], plural(n, "more finding")+" in report.json."
	}
	return rows, found, left
}

// place is where a finding is.
func place(f diag.Finding) string {
	switch {
	case f.Line == 0:
		return f.File
	case f.Col == 0:
		return fmt.Sprintf("%s:%d", f.File, f.Line)
	}
	return fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Col)
}
