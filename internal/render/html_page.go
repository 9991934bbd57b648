package render

import (
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/report"
)

// document writes the whole page.
func (p *htmlPage) document(v *pageView) {
	p.head(v)
	p.add("<body>\n", `<a class="skip" href="#legs">Skip to the legs</a>`, "\n")
	p.header(v)
	p.navigation(v)
	p.add(`<main>
<section id="legs" aria-labelledby="h-legs">
<h2 id="h-legs">Legs</h2>
`)
	p.legs(v)
	p.add(`
</section>
<section id="next" aria-labelledby="h-next">
<h2 id="h-next">What to do next</h2>
`)
	p.next(v)
	p.add("</section>\n")
	if v.Plots {
		p.plots(v)
	}
	if v.History != nil {
		p.history(v.History)
	}
	p.add(`<section id="reasons" aria-labelledby="h-reasons">
<h2 id="h-reasons">Reasons, leg by leg</h2>
`)
	if len(v.Report.Legs) == 0 {
		p.add("<p>There is no leg.</p>\n")
	}
	p.add(v.Details...)
	if v.NotDetailed != "" {
		p.add(left(v.NotDetailed), "\n")
	}
	p.add(`</section>
<section id="audit" aria-labelledby="h-audit">
<h2 id="h-audit">Data audit</h2>
`)
	p.audit(v)
	var own markup
	if ownMeasure(v.Report.Legs) {
		own = ", unless it is said to be in points or of errors"
	}
	p.add(`
</section>
</main>
<footer><p>Made by tunegate `, quoted(v.Report.Tunegate), ` from <code>report.json</code>, which has everything. An improvement is (tuned − base) / base`, own, `; each limit of its interval holds with 95&nbsp;% confidence by itself.</p></footer>
<p id="said" class="vh" role="status"></p>
`, v.Script, "\n</body>\n</html>\n")
}

func (p *htmlPage) head(v *pageView) {
	p.add(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="`, escaped(v.Policy), `">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>`, escaped(string(v.Report.Verdict)), ": ", escaped(clean(v.Report.Name)), `, tunegate report</title>
`, v.Style, "\n</head>\n")
}

// header writes the verdict, why, and the totals.
func (p *htmlPage) header(v *pageView) {
	r := &v.Report
	p.add("<header>\n", `<p class="over">tunegate`)
	if r.Name != "" {
		p.add(" · ", quoted(r.Name))
	}
	if !r.Started.IsZero() {
		p.add(" · ", clockTime(r.Started))
	}
	p.add("</p>\n<h1>", verdictBadge(r.Verdict), ` <span class="tally">`, escaped(tally(*r)), "</span></h1>\n")
	for _, l := range v.Lead {
		p.add(`<p class="lead">`)
		if l.Who != "" {
			p.add(quoted(l.Who), ": ")
		}
		p.add(told(l.Why), "</p>\n")
	}
	p.totals(r)
	p.add("</header>\n")
}

// totals writes what the run took and what it asked for.
func (p *htmlPage) totals(r *report.Report) {
	p.add(`<dl class="totals">
<div><dt>Spent</dt><dd>`, escaped(dollars(r.CostUSD)))
	if r.Budget != nil {
		p.add(" <small>of a budget of ", escaped(dollars(*r.Budget)), "</small>")
	}
	p.add("</dd>")
	if r.Estimate != nil {
		p.add(`<dd class="sub">estimated `, escaped(dollars(r.Estimate.Total())))
		if r.ReservedUSD != 0 {
			p.add(", set aside ", escaped(dollars(r.ReservedUSD)))
		}
		p.add("</dd>")
	}
	p.add("</div>\n<div><dt>Time</dt><dd>", escaped(duration(r.Seconds)))
	if r.MaxHours != nil {
		p.add(" <small>of ", escaped(number3(*r.MaxHours)), " h</small>")
	}
	p.add("</dd>")
	if r.Deadline != nil {
		p.add(`<dd class="sub">until `, clockTime(*r.Deadline), "</dd>")
	}
	p.add("</div>\n<div><dt>Jobs</dt><dd>", escaped(launches(*r)), "</dd>")
	if r.Profile != "" {
		p.add(`<dd class="sub">profile `, quoted(r.Profile), "</dd>")
	}
	p.add("</div>\n<div><dt>Gate</dt><dd>", figure(betterBy(r.Margin, r.Measure)), "</dd>")
	if r.Rule != "" {
		p.add(`<dd class="sub">rule `, quoted(r.Rule), "</dd>")
	}
	p.add("</div>\n</dl>\n")
}

func (p *htmlPage) navigation(v *pageView) {
	p.add(`<nav aria-label="Sections"><ul>
<li><a href="#legs">Legs</a></li><li><a href="#next">Next steps</a></li>`)
	if v.Plots {
		p.add(`<li><a href="#plots">Plots</a></li>`)
	}
	if v.History != nil {
		p.add(`<li><a href="#history">History</a></li>`)
	}
	p.add(`<li><a href="#reasons">Reasons</a></li><li><a href="#audit">Audit</a></li>
</ul></nav>
`)
}

// legs writes the table of legs, with what narrows it.
func (p *htmlPage) legs(v *pageView) {
	if len(v.Report.Legs) == 0 {
		p.add("<p>There is no leg.</p>")
		return
	}
	p.add(`<form class="filter" data-for="t-legs" hidden><label>Leg <input type="search" data-text></label> <label>Verdict <select data-key="v"><option value="">all</option>`)
	for _, w := range verdicts() {
		p.add("<option>", escaped(string(w)), "</option>")
	}
	p.add(`</select></label></form>
<table id="t-legs" class="cards" role="table" data-noun="leg">
<caption class="vh">Legs with their scores, evidence, cost, time and verdict</caption>
<thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader" data-sort="text">Leg</th><th scope="col" role="columnheader" data-sort="rank">Verdict</th><th scope="col" role="columnheader" class="n" data-sort="number">Base → tuned</th><th scope="col" role="columnheader" class="n" data-sort="number">Improvement</th><th scope="col" role="columnheader" data-sort="number">Evidence</th><th scope="col" role="columnheader" class="n" data-sort="number">Cost</th><th scope="col" role="columnheader" class="n" data-sort="number">Time</th></tr></thead>
<tbody role="rowgroup">
`)
	for _, l := range v.Legs {
		p.legRow(l)
	}
	p.add("</tbody></table>\n")
	if v.NotListed != "" {
		p.add(left(v.NotListed))
	}
}

func (p *htmlPage) legRow(row pageRow) {
	l := row.Leg
	who := shortName(l.ID)
	if row.Detailed {
		who = `<a href="#leg-` + value(row.Number) + `">` + who + `</a>`
	}
	p.add(`<tr role="row" data-v="`, escaped(class(l.Verdict)), `"><th scope="row" role="rowheader">`, who, "</th>\n",
		`<td role="cell" data-n="`, value(slices.Index(verdicts(), l.Verdict)), `">`, key("Verdict"), verdictBadge(l.Verdict), "</td>\n")
	if d := row.Decision; d != nil {
		p.add(`<td role="cell" class="n" data-n="`, value(d.Tuned), `">`, key("Base → tuned"), `<span>`, figure(score(d.Base)), " → ", figure(score(d.Tuned)), "</span></td>\n",
			`<td role="cell" class="n" data-n="`, escaped(orNothing(d.Improvement)), `">`, key("Improvement"), `<span><b>`, figure(gain(d.Improvement, l.Measure)), `</b> <small>`, figure(strings.TrimSpace(interval(d, l.Measure))), "</small></span></td>\n",
			`<td role="cell" data-n="`, value(d.P), `">`, key("Evidence"), `<span>`, figure(tightEvidence(d)), "</span></td>\n")
	} else {
		p.add(`<td role="cell" class="n blank">–</td><td role="cell" class="n blank">–</td><td role="cell" class="blank">–</td>`, "\n")
	}
	p.add(`<td role="cell" class="n" data-n="`, value(l.CostUSD), `">`, key("Cost"), `<span>`, escaped(dollars(l.CostUSD)), "</span></td>\n",
		`<td role="cell" class="n" data-n="`, value(l.Seconds), `">`, key("Time"), `<span>`, escaped(duration(l.Seconds)), "</span></td></tr>\n")
}

// next writes what to do.
func (p *htmlPage) next(v *pageView) {
	for _, n := range v.Next {
		p.add("<h3>", names(n.Who), ": ", escaped(string(n.Verdict)), "</h3>\n")
		for _, why := range n.Why {
			p.add("<p>", told(why), "</p>\n")
		}
		if len(n.Do) > 0 {
			p.add("<ol>")
			for _, do := range n.Do {
				p.add("<li>", do, "</li>")
			}
			p.add("</ol>\n")
		}
	}
	if len(v.Passed) > 0 {
		p.add("<h3>Passed</h3>\n<ul>")
		for _, n := range v.Passed {
			p.add("<li><b>", names(n.Who), "</b>: ")
			for i, do := range n.Do {
				if i > 0 {
					p.add("; ")
				}
				p.add(do)
			}
			p.add("</li>\n")
		}
		p.add("</ul>\n")
	}
	if len(v.Next)+len(v.Passed) == 0 {
		p.add("<p>Nothing.</p>\n")
	}
}

// plots writes the run in pictures, with the same in tables.
func (p *htmlPage) plots(v *pageView) {
	p.add(`<section id="plots" aria-labelledby="h-plots">
<h2 id="h-plots">The run in pictures</h2>
`)
	for _, c := range v.Better {
		p.add(`<figure><figcaption><b>`, escaped(c.Title), `</b>, against the margin (dashed), with the limits that hold at 95&nbsp;% each.`)
		if c.Plot.Said != "" {
			p.add(" ", figure(c.Plot.Said))
		}
		p.add(` <span class="key"><span>● pass</span> <span>■ fail</span> <span>◆ other</span></span></figcaption>`, "\n")
		p.rows(c.Plot)
		p.add("</figure>\n")
	}
	if v.Cost != nil {
		p.add(`<figure><figcaption><b>Cost</b>: estimated (wide bar), set aside (upright line), spent (narrow bar).</figcaption>`, "\n")
		p.rows(v.Cost)
		p.costTable(v.Drawn)
		p.add("</figure>\n")
	} else {
		p.add("<p>Nothing in this run costs money.</p>\n")
	}
	if v.Timeline != nil {
		p.add(`<figure><figcaption><b>Timeline</b>: what ran beside what, and where the time went. <span class="key"><span><i class="k s-audit"></i>audit, advice</span> <span><i class="k s-train"></i>training</span> <span><i class="k s-benchmark"></i>benchmark</span> <span><i class="k s-wait"></i>waiting</span></span></figcaption>`, "\n")
		p.rows(v.Timeline)
		p.stageTable(v.Drawn)
		p.add("</figure>\n")
	}
	if v.NotDrawn != "" {
		p.add(left(v.NotDrawn), "\n")
	}
	p.add("</section>\n")
}

func (p *htmlPage) costTable(legs []report.Leg) {
	p.add(`
<details><summary>As a table</summary>
<table><caption class="vh">Cost by leg</caption><thead><tr><th scope="col">Leg</th><th scope="col" class="n">Estimated</th><th scope="col" class="n">Set aside</th><th scope="col" class="n">Spent</th></tr></thead><tbody>
`)
	for i := range legs {
		l := &legs[i]
		var estimated markup = "–"
		if l.Estimate != nil {
			estimated = escaped(dollars(l.Estimate.Total()))
		}
		p.add(`<tr><th scope="row">`, shortName(l.ID), `</th><td class="n">`, estimated, `</td><td class="n">`, escaped(dollars(l.ReservedUSD)), `</td><td class="n">`, escaped(dollars(l.CostUSD)), "</td></tr>\n")
	}
	p.add("</tbody></table></details>")
}

func (p *htmlPage) stageTable(legs []report.Leg) {
	p.add(`
<details><summary>As a table</summary>
<table><caption class="vh">Seconds of each leg by stage</caption><thead><tr><th scope="col">Leg</th><th scope="col">Stages, in order</th></tr></thead><tbody>
`)
	for i := range legs {
		p.add(`<tr><th scope="row">`, shortName(legs[i].ID), `</th><td>`, listed(legs[i].Stages, drawnStages, stageTime), "</td></tr>\n")
	}
	p.add("</tbody></table></details>")
}

// stageTime is a stage with its seconds.
func stageTime(s report.Stage) markup {
	return quoted(s.Name) + "&nbsp;" + escaped(tight(duration(s.Seconds)))
}
