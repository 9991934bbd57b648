package render

import (
	"strings"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/report"
)

// guards writes what the models made of the suites that may not get worse, and what they answered where one does not hold.
func (p *htmlPage) guards(all []report.Guard) {
	if len(all) == 0 {
		return
	}
	p.add(`<h4>Guards: suites that it was not tuned for, and may not get worse on</h4>
<table class="cards" role="table"><caption class="vh">Guards with their scores and whether they hold</caption><thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">Guard</th><th scope="col" role="columnheader">Held</th><th scope="col" role="columnheader" class="n">Base → tuned</th><th scope="col" role="columnheader" class="n">Change</th><th scope="col" role="columnheader" class="n">May lose</th><th scope="col" role="columnheader">Evidence</th></tr></thead><tbody role="rowgroup">
`)
	for i := range all {
		p.guard(&all[i])
	}
	p.add("</tbody></table>\n")
	for _, g := range all {
		if g.Decision.Verdict != gate.Pass && len(g.Flips) > 0 {
			p.add("<details><summary>What the models answered: ", shortName(g.Name), "</summary>\n")
			p.answers(g.Flips[:min(len(g.Flips), shownFlips)])
			p.add("</details>\n")
		}
	}
}

func (p *htmlPage) guard(g *report.Guard) {
	d := &g.Decision
	p.add(`<tr role="row"><th scope="row" role="rowheader">`, shortName(g.Name), `<small><span class="where">`, shortName(g.Tests), `</span>, graded by `, shortName(g.Grader), `</small></th><td role="cell">`, key("Held"), badge(d.Verdict, held(d.Verdict)), `</td>`)
	if d.N > 0 {
		p.add(numberCell("Base → tuned", `<span>`+figure(score(d.Base))+" → "+figure(score(d.Tuned))+`</span>`),
			numberCell("Change", `<span><b>`+figure(gain(d.Improvement, guardMeasure))+`</b> <small>`+figure(strings.TrimSpace(interval(d, guardMeasure)))+`</small></span>`))
	} else {
		p.add(`<td role="cell" class="n blank">–</td><td role="cell" class="n blank">–</td>`)
	}
	p.add(numberCell("May lose", `<span>`+figure(margin(g.MaxLoss, guardMeasure))+`</span>`))
	if d.N > 0 {
		p.add(`<td role="cell">`, key("Evidence"), `<span>`, escaped(tightCounts(d)), "</span></td></tr>\n")
	} else {
		p.add(`<td role="cell" class="blank">–</td></tr>`, "\n")
	}
}
