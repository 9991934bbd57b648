package render

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"

	"github.com/tunegate/tunegate/internal/advice"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/report"
)

//go:embed page/page.css
var pageStyle string

//go:embed page/page.js
var pageScript string

// Limits of the page. What is left out is said, and stands in report.json.
const (
	drawnLegs    = 100     // rows of a plot
	listedLegs   = 300     // rows of a table
	detailedSize = 1 << 20 // bytes of the sections of legs, all together
	shownFlips   = 20      // of a leg
)

// HTML is reports/report.html: one file that asks for nothing else, readable without its script. past, if not nil, are earlier runs to
// show this one among.
//
// Every text that data, models, services or manifests fill is written by quoted or quotedLines, cleaned, escaped and isolated from
// the direction of writing around it; markup and style sheet are ours alone, and the policy of the page lets nothing else act.
func HTML(r report.Report, past *History) string {
	var p htmlPage
	p.document(newPageView(r, past))
	return p.b.String()
}

// pageView is what the page shows.
type pageView struct {
	Policy        string
	Style, Script markup
	Report        report.Report
	Lead          []lead
	Legs          []pageRow
	Next, Passed  []nextGroup
	Drawn         []report.Leg // in the plots
	Better        []pageChart  // by measure
	Cost          *plot
	Timeline      *plot
	Plots         bool
	History       *historyView
	Details       []markup
	Audits        []auditRow
	Findings      []findingRow

	NotListed, NotDrawn, NotDetailed, NotFound string // what is left out, in a sentence
}

type lead struct{ Who, Why string }

type pageRow struct {
	Number   int
	Leg      *report.Leg
	Decision *gate.Decision
	Detailed bool // it has a section of its own
}

type nextGroup struct {
	Who     []string
	Verdict gate.Verdict
	Why     []string
	Do      []markup
}

func newPageView(r report.Report, past *History) *pageView {
	v := &pageView{Report: r, Lead: leads(r)}
	v.Next, v.Passed = nextGroups(r)
	v.Policy, v.Style, v.Script = policy()
	order := neediest(r.Legs)
	for i, k := range order[:min(len(order), listedLegs)] {
		v.Legs = append(v.Legs, pageRow{Number: i + 1, Leg: &r.Legs[k], Decision: judged(&r.Legs[k])})
	}
	if n := len(order) - len(v.Legs); n > 0 {
		v.NotListed = fmt.Sprintf("%s more in report.json.", plural(n, "leg"))
	}
	for _, k := range order[:min(len(order), drawnLegs)] {
		v.Drawn = append(v.Drawn, r.Legs[k])
	}
	if n := len(order) - len(v.Drawn); n > 0 {
		v.NotDrawn = fmt.Sprintf("The pictures show the first %d legs of the table; those of %s are left out.", drawnLegs, plural(n, "more leg"))
	}
	v.details()
	href := func(i int) string {
		if i < len(v.Details) {
			return fmt.Sprintf("#leg-%d", i+1)
		}
		return ""
	}
	if v.Plots = len(v.Drawn) > 0; v.Plots {
		v.Better, v.Cost, v.Timeline = byMeasure(v.Drawn, href), costs(v.Drawn, href), timeline(v.Drawn, href)
	}
	v.Audits, v.Findings, v.NotFound = auditView(r)
	if past != nil {
		v.History = past.view(r)
	}
	return v
}

// details renders the sections of legs, as many as there is room for.
func (v *pageView) details() {
	size, broken := 0, 0
	for _, l := range v.Legs {
		if l.Leg.Verdict != gate.Pass {
			broken++
		}
	}
	for i, l := range v.Legs {
		var p htmlPage
		open := len(v.Legs) == 1 || l.Leg.Verdict != gate.Pass && broken <= 3
		p.leg(newLegView(l, open))
		if size += p.b.Len(); size > detailedSize {
			v.NotDetailed = fmt.Sprintf("%s more, with all reasons and answers, in report.json.", plural(len(v.Report.Legs)-len(v.Details), "leg"))
			break
		}
		v.Legs[i].Detailed = true
		v.Details = append(v.Details, markup(p.b.String()))
	}
}

// policy returns the page's content security policy, and its style sheet and script, which alone the policy lets act.
func policy() (policy string, style, script markup) {
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; base-uri 'none'; form-action 'none'; style-src " + hash(pageStyle) + "; script-src " + hash(pageScript),
		"<style>" + markup(pageStyle) + "</style>", "<script>" + markup(pageScript) + "</script>"
}

// neediest are the indices of legs, those that need a person first.
func neediest(legs []report.Leg) (order []int) {
	for _, v := range verdicts() {
		for i := range legs {
			if legs[i].Verdict == v {
				order = append(order, i)
			}
		}
	}
	return order
}

// leads are the sentences under the verdict: why, of the legs that it is due to.
func leads(r report.Report) (out []lead) {
	all := groups(r.Legs)
	if len(all) == 0 {
		return []lead{{"", "nothing was judged"}}
	}
	if r.Verdict == gate.Pass {
		gates := map[string]bool{}
		for i := range r.Legs {
			gates[fmt.Sprint(r.Legs[i].Rule, margin(r.Legs[i].Margin, r.Legs[i].Measure))] = true
		}
		if len(gates) > 1 {
			return []lead{{"", "Every leg passes its gate."}}
		}
		return []lead{{"", "Every leg passes. The gate asks " + wants(&r.Legs[0]) + "."}}
	}
	for _, g := range all {
		if g.verdict == r.Verdict && len(g.reasons) > 0 && len(out) < 2 {
			out = append(out, lead{some(each(g.ids, label), 3), g.reasons[0]})
		}
	}
	return out
}

// wants says what the gate asks of a leg.
func wants(l *report.Leg) string {
	switch gate.Rule(l.Rule) {
	case gate.Point:
		return fmt.Sprintf("that the observed improvement reaches %s", margin(l.Margin, l.Measure))
	case gate.Significant:
		return fmt.Sprintf("that the observed improvement reaches %s, and that the tuned model is shown to be better at all", margin(l.Margin, l.Measure))
	case gate.Strict:
		return fmt.Sprintf("that the tuned model is shown to be better by %s", margin(l.Margin, l.Measure))
	}
	return fmt.Sprintf("for %s, by the rule %s", margin(l.Margin, l.Measure), l.Rule)
}

// shownNext is how many groups of legs, and steps of each, the page names.
const shownNext = 20

// nextGroups say what to do, for legs of which the same is to be said at once; those that passed apart.
func nextGroups(r report.Report) (out, passed []nextGroup) {
	for _, g := range groups(r.Legs) {
		n := nextGroup{Who: g.ids, Verdict: g.verdict, Do: each(g.next, told)}
		if g.verdict != gate.Pass {
			n.Why = g.reasons[:min(len(g.reasons), 1)]
		}
		if g.advised {
			for i := range r.Legs {
				if l := &r.Legs[i]; l.ID == g.ids[0] {
					for _, s := range l.Advice[:min(len(l.Advice), 3)] {
						n.Do = append(n.Do, adviceLine(s))
					}
					break
				}
			}
		}
		switch n.Do = n.Do[:min(len(n.Do), shownNext)]; {
		case g.verdict == gate.Pass && len(n.Do) > 0 && len(passed) < shownNext:
			passed = append(passed, n)
		case g.verdict != gate.Pass && len(n.Why)+len(n.Do) > 0 && len(out) < shownNext:
			out = append(out, n)
		}
	}
	return out, passed
}

// adviceLine is a step with its place, which has a direction of writing of its own.
func adviceLine(s advice.Step) markup {
	do := told(sentence(s.Do))
	if s.File == "" || len(s.Lines) == 0 {
		return do
	}
	return do + ": " + quoted(s.File) + ", lines " + escaped(ints(s.Lines))
}

// ints lists the first numbers.
func ints(n []int) string {
	return some(each(n, func(n int) string { return fmt.Sprint(n) }), 10)
}

// tightEvidence is what a decision rests on, to be broken at few places.
func tightEvidence(d *gate.Decision) string {
	return tightCounts(d) + " " + tight("("+pValue(d.P)+")")
}

func tightCounts(d *gate.Decision) string {
	return fmt.Sprintf("%s %s of %d", tight(fmt.Sprintf("%d won,", d.Wins)), tight(fmt.Sprintf("%d lost", d.Losses)), d.N)
}

// orNothing writes a number for the script that sorts.
func orNothing(v *float64) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(*v)
}
