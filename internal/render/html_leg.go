package render

import (
	"slices"

	"github.com/tunegate/tunegate/internal/advice"
	"github.com/tunegate/tunegate/internal/report"
)

// legView is what the section of a leg shows.
type legView struct {
	pageRow
	Open   bool
	Charts []pageChart
	Steps  []advice.Step
	Guards []report.Guard
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
		v.Guards = p.Guards[:min(len(p.Guards), shownGuards)]
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

// leg writes the section of a leg.
func (p *htmlPage) leg(v legView) {
	l := v.Leg
	p.add(`<details class="leg" id="leg-`, value(v.Number), `"`)
	if v.Open {
		p.add(" open")
	}
	p.add(">\n<summary><h3>", quoted(l.ID), "</h3> ", verdictBadge(l.Verdict))
	if v.Decision != nil {
		p.add(` <span class="gain">`, figure(gain(v.Decision.Improvement, l.Measure)), `</span>`)
	}
	p.add("</summary>\n")
	if len(l.Reasons) > 0 {
		p.add(`<ul class="reasons">`)
		for _, s := range l.Reasons[:min(len(l.Reasons), 20)] {
			p.add("<li>", told(s), "</li>")
		}
		p.add("</ul>\n")
	}
	p.facts(l)
	p.charts(v.Charts)
	p.steps(v.Steps)
	p.guards(v.Guards)
	p.flips(v.Flips)
	p.labels(v.Labels)
	p.phases(l.Phases)
	p.add("</details>\n")
}

// facts says what a leg is, in a line.
func (p *htmlPage) facts(l *report.Leg) {
	p.add(`<p class="facts">`)
	if l.BaseModel != "" {
		p.add(quoted(l.BaseModel), " on ", quoted(l.Provider))
	}
	if last := l.Last(); last != nil && last.Model != "" {
		p.add(" → ", quoted(last.Model))
	}
	p.add(" · passes at ", figure(betterBy(l.Margin, l.Measure)), ", by the rule ", quoted(l.Rule))
	if l.Audit.Rows != 0 {
		p.add(" · ", escaped(plural(l.Audit.Rows, "example")))
	}
	p.add("</p>\n")
}

// charts writes the pictures of a leg.
func (p *htmlPage) charts(all []pageChart) {
	if len(all) == 0 {
		return
	}
	p.add(`<div class="charts">`, "\n")
	for _, c := range all {
		p.add("<figure><figcaption><b>", escaped(c.Title), "</b></figcaption>")
		if len(c.Plot.Rows) > 0 {
			p.rows(c.Plot)
		} else {
			p.add(c.Plot.Picture)
		}
		if c.Plot.Said != "" {
			p.add(`<p class="note">`, figure(c.Plot.Said), "</p>")
		}
		p.add("</figure>\n")
	}
	p.add("</div>\n")
}

// steps writes the advice.
func (p *htmlPage) steps(all []advice.Step) {
	if len(all) == 0 {
		return
	}
	p.add("<h4>What to change in the data</h4>\n", `<ol class="steps">`)
	for _, s := range all {
		p.add("<li><b>", told(sentence(s.Do)), "</b><br>", told(s.Why))
		if s.Effect != "" {
			p.add("; ", told(s.Effect))
		}
		if len(s.Lines) > 0 {
			p.add(`<br><span class="where">`, quoted(s.File), ", lines ", escaped(ints(s.Lines)), "</span>")
		}
		if len(s.Tests) > 0 {
			p.add(`<br><span class="where">tests `, names(s.Tests[:min(len(s.Tests), 20)]), "</span>")
		}
		if len(s.Examples) > 0 {
			p.add("<ul>")
			for _, e := range s.Examples[:min(len(s.Examples), 5)] {
				p.add("<li>", quoted(e), "</li>")
			}
			p.add("</ul>")
		}
		p.add("</li>")
	}
	p.add("</ol>\n")
}

// flips writes what the models answered where they differ.
func (p *htmlPage) flips(all []report.Flip) {
	if len(all) == 0 {
		return
	}
	p.add("<h4>Where the models differ</h4>\n")
	p.answers(all)
}

// answers writes tests with what both models answered.
func (p *htmlPage) answers(all []report.Flip) {
	for _, f := range all {
		var which markup = "won"
		if f.Gain < 0 {
			which = "lost"
		}
		p.add(`<article class="flip"><p class="asked"><b class="which `, which, `">`, which, `</b> <span class="id">`, quoted(f.Test), "</span></p>\n",
			`<dl><div class="wide"><dt>Asked</dt><dd dir="auto">`, quotedLines(f.Input), `</dd></div><div class="wide"><dt>Wanted</dt><dd dir="auto">`, quotedLines(f.Ideal), `</dd></div>`,
			`<div><dt>Base <span class="score">`, figure(score(f.Base.Score)), `</span></dt><dd dir="auto">`, quotedLines(f.Base.Text), `</dd></div>`,
			`<div><dt>Tuned <span class="score">`, figure(score(f.Tuned.Score)), `</span></dt><dd dir="auto">`, quotedLines(f.Tuned.Text), "</dd></div></dl></article>\n")
	}
}

// labels writes the scores by what the tests want.
func (p *htmlPage) labels(all []report.Label) {
	if len(all) == 0 {
		return
	}
	p.add(`<details><summary>By what was wanted</summary>
<table class="cards" role="table"><caption class="vh">Scores by what the tests want</caption><thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">Wanted</th><th scope="col" role="columnheader" class="n">Tests</th><th scope="col" role="columnheader" class="n">Base</th><th scope="col" role="columnheader" class="n">Tuned</th><th scope="col" role="columnheader" class="n">Won</th><th scope="col" role="columnheader" class="n">Lost</th></tr></thead><tbody role="rowgroup">
`)
	for _, g := range all {
		p.add(`<tr role="row"><th scope="row" role="rowheader">`, shortName(g.Label), `</th>`, numberCell("Tests", value(g.Tests)), numberCell("Base", figure(score(g.Base))), numberCell("Tuned", figure(score(g.Tuned))),
			numberCell("Won", value(g.Wins)), numberCell("Lost", value(g.Losses)), "</tr>\n")
	}
	p.add("</tbody></table></details>\n")
}
