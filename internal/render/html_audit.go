package render

import (
	"fmt"
	"slices"

	"github.com/tunegate/tunegate/internal/audit"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/report"
)

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

// audit writes the size of each leg's data, and what was found in it.
func (p *htmlPage) audit(v *pageView) {
	if len(v.Report.Legs) > 0 {
		p.add(`<table class="cards" role="table"><caption class="vh">Size of the training data and number of findings by leg</caption><thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">Leg</th><th scope="col" role="columnheader" class="n">Examples</th><th scope="col" role="columnheader" class="n">Tokens</th><th scope="col" role="columnheader" class="n">Critical</th><th scope="col" role="columnheader" class="n">Warning</th><th scope="col" role="columnheader" class="n">Info</th></tr></thead><tbody role="rowgroup">`, "\n")
		for _, a := range v.Audits {
			p.add(`<tr role="row"><th scope="row" role="rowheader">`, shortName(a.ID), `</th>`, numberCell("Examples", escaped(thousands(int64(a.Rows)))), numberCell("Tokens", escaped(thousands(a.Tokens))),
				numberCell("Critical", value(a.Critical)), numberCell("Warning", value(a.Warning)), numberCell("Info", value(a.Info)), "</tr>\n")
		}
		p.add("</tbody></table>\n")
	}
	if len(v.Report.Legs) == 0 {
		p.add("<p>There is no leg.</p>\n")
		return
	}
	if len(v.Findings) == 0 {
		p.add("<p>The audit found nothing.</p>\n")
		return
	}
	p.add(`<h3>Findings</h3>
<form class="filter" data-for="t-findings" hidden><label>Contains <input type="search" data-text></label> <label>Severity <select data-key="s"><option value="">all</option><option>critical</option><option>warning</option><option>info</option></select></label></form>
<table id="t-findings" class="cards findings" role="table" data-noun="finding"><caption class="vh">Findings of the audit, the worst first</caption><thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader" data-sort="rank">Severity</th><th scope="col" role="columnheader" data-sort="text">Leg</th><th scope="col" role="columnheader" data-sort="text">Where</th><th scope="col" role="columnheader" data-sort="text">What</th></tr></thead><tbody role="rowgroup">
`)
	for _, f := range v.Findings {
		p.finding(f)
	}
	p.add("</tbody></table>\n")
	if v.NotFound != "" {
		p.add(left(v.NotFound), "\n")
	}
}

func (p *htmlPage) finding(f findingRow) {
	severity := escaped(f.Severity.String())
	p.add(`<tr role="row" data-s="`, severity, `"><td role="cell" data-n="`, value(f.Rank), `"><span class="severity s-`, severity, `">`, severity, `</span></td><td role="cell">`, key("Leg"), names(f.Legs),
		`</td><td role="cell">`, key("Where"), `<span class="where">`, quoted(f.Where), `</span></td><td role="cell" class="what"><span>`, told(f.Message))
	if len(f.Lines) > 0 {
		p.add("; lines ", escaped(ints(f.Lines)))
	}
	if f.Hint != "" {
		p.add("<br><small>", told(f.Hint), "</small>")
	}
	p.add(`<br><small class="rule">`, quoted(f.Rule), "</small></span></td></tr>\n")
}
