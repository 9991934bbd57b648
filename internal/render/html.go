package render

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tunegate/tunegate/internal/advice"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/report"
)

//go:embed page/page.html
var pageTemplate string

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
// the direction of writing around it; template and style sheet are ours alone, and the policy of the page lets nothing else act.
func HTML(r report.Report, past *History) string {
	page, err := parsedPage()
	if err != nil {
		panic(err) // the template is part of the program
	}
	v := newPageView(page, r, past)
	var b bytes.Buffer
	if err := page.ExecuteTemplate(&b, "page", v); err != nil {
		panic(err)
	}
	return b.String()
}

// parsedPage parses the template, once.
var parsedPage = sync.OnceValues(func() (*template.Template, error) {
	return template.New("").Funcs(pageFuncs()).Parse(pageTemplate)
})

// pageView is what the template of the page is given.
type pageView struct {
	Policy        string
	Style, Script template.HTML
	Report        report.Report
	Lead          []lead
	Verdicts      []gate.Verdict
	Legs          []pageRow
	Next, Passed  []nextGroup
	Drawn         []report.Leg // in the plots
	Better        *plot
	Cost          *plot
	Timeline      *plot
	Plots         bool
	History       *historyView
	Details       []template.HTML
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
	Why, Do []string
}

func newPageView(page *template.Template, r report.Report, past *History) *pageView {
	v := &pageView{Report: r, Lead: leads(r), Verdicts: verdicts()}
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
	v.details(page)
	href := func(i int) string {
		if i < len(v.Details) {
			return fmt.Sprintf("#leg-%d", i+1)
		}
		return ""
	}
	if v.Plots = len(v.Drawn) > 0; v.Plots {
		v.Better, v.Cost, v.Timeline = improvements(v.Drawn, href), costs(v.Drawn, href), timeline(v.Drawn, href)
	}
	v.Audits, v.Findings, v.NotFound = auditView(r)
	if past != nil {
		v.History = past.view(r)
	}
	return v
}

// details renders the sections of legs, as many as there is room for.
func (v *pageView) details(page *template.Template) {
	size, broken := 0, 0
	for _, l := range v.Legs {
		if l.Leg.Verdict != gate.Pass {
			broken++
		}
	}
	for i, l := range v.Legs {
		var b bytes.Buffer
		open := len(v.Legs) == 1 || l.Leg.Verdict != gate.Pass && broken <= 3
		if err := page.ExecuteTemplate(&b, "leg", newLegView(l, open)); err != nil {
			panic(err)
		}
		if size += b.Len(); size > detailedSize {
			v.NotDetailed = fmt.Sprintf("%s more, with all reasons and answers, in report.json.", plural(len(v.Report.Legs)-len(v.Details), "leg"))
			break
		}
		v.Legs[i].Detailed = true
		v.Details = append(v.Details, template.HTML(b.String()))
	}
}

// policy returns the page's content security policy, and its style sheet and script, which alone the policy lets act.
func policy() (policy string, style, script template.HTML) {
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; base-uri 'none'; form-action 'none'; style-src " + hash(pageStyle) + "; script-src " + hash(pageScript),
		template.HTML("<style>" + pageStyle + "</style>"), template.HTML("<script>" + pageScript + "</script>")
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
		n := nextGroup{Who: g.ids, Verdict: g.verdict, Do: g.next}
		if g.verdict != gate.Pass {
			n.Why = g.reasons[:min(len(g.reasons), 1)]
		}
		if g.advised {
			for i := range r.Legs {
				if l := &r.Legs[i]; l.ID == g.ids[0] {
					for _, s := range l.Advice[:min(len(l.Advice), 3)] {
						n.Do = append(n.Do[:len(n.Do):len(n.Do)], adviceLine(s))
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

func adviceLine(s advice.Step) string {
	if s.File == "" || len(s.Lines) == 0 {
		return sentence(s.Do)
	}
	return fmt.Sprintf("%s: %s, lines %s", sentence(s.Do), s.File, ints(s.Lines))
}

// quoted writes a text that is not ours: cleaned, escaped, and in a direction of its own.
func quoted(s string) template.HTML {
	s = strings.TrimSpace(clean(s))
	if s == "" {
		return `<span class="none">(blank)</span>`
	}
	return template.HTML("<bdi>" + template.HTMLEscapeString(s) + "</bdi>")
}

// quotedLines keeps the lines of a text, for a place whose direction is its own.
func quotedLines(s string) template.HTML {
	var kept []string
	n := 0
	for line := range strings.SplitSeq(strings.TrimSpace(s), "\n") {
		if n += len(line); len(kept) == 60 || n > 4*maxText {
			kept = append(kept, "…")
			break
		}
		kept = append(kept, clean(strings.TrimRight(line, "\r")))
	}
	if text := strings.Join(kept, "\n"); strings.TrimSpace(text) != "" {
		return template.HTML(template.HTMLEscapeString(text))
	}
	return `<span class="none">(blank)</span>`
}

// ints lists the first numbers.
func ints(n []int) string {
	return some(each(n, func(n int) string { return fmt.Sprint(n) }), 10)
}

func pageFuncs() template.FuncMap {
	return template.FuncMap{
		"u": quoted, "lines": quotedLines, "plain": clean,
		"short":   func(s string) template.HTML { return quoted(Clip(clean(s), shownName)) },
		"some":    func(s []string) template.HTML { return quotedList(s, 5) },
		"limit":   func(s []string, n int) []string { return s[:min(len(s), n)] },
		"ints":    ints,
		"class":   class,
		"sign":    sign,
		"rank":    func(v gate.Verdict) int { return slices.Index(verdicts(), v) },
		"tally":   tally,
		"stamp":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"moment":  func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
		"dollars": dollars, "duration": duration, "share": share, "score": score, "gain": gain, "better": betterBy, "ownMeasure": ownMeasure, "evidence": tightEvidence,
		"interval":    func(d *gate.Decision, measure string) string { return strings.TrimSpace(interval(d, measure)) },
		"hours":       func(h float64) string { return number3(h) + " h" },
		"launches":    launches,
		"plural":      plural,
		"plural64":    func(n int64, noun string) string { return plural(int(n), noun) },
		"thousands":   func(n int) string { return thousands(int64(n)) },
		"thousands64": thousands,
		"loss":        func(v float64) string { return fmt.Sprintf("%.4g", v) },
		"sentence":    sentence,
		"number":      orNothing,
		"stages":      stageList,
		"limitPhases": func(p []report.Phase) []report.Phase { return p[:min(len(p), 10)] },
	}
}

// tightEvidence is what a decision rests on, to be broken at few places.
func tightEvidence(d *gate.Decision) string {
	return fmt.Sprintf("%s %s of %d %s", tight(fmt.Sprintf("%d won,", d.Wins)), tight(fmt.Sprintf("%d lost", d.Losses)), d.N, tight("("+pValue(d.P)+")"))
}

// orNothing writes a number for the script that sorts.
func orNothing(v *float64) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(*v)
}

// quotedList writes the first n of some texts, and how many there are besides.
func quotedList(texts []string, n int) template.HTML {
	var b strings.Builder
	for i, t := range texts {
		if i == n {
			fmt.Fprintf(&b, " and %d more", len(texts)-n)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(quoted(Clip(clean(t), shownName))))
	}
	return template.HTML(b.String())
}

// sign stands beside the word of a verdict, never for it.
func sign(v gate.Verdict) string {
	switch v {
	case gate.Pass:
		return "✓"
	case gate.Fail:
		return "✕"
	case gate.Inconclusive:
		return "?"
	case gate.Pending:
		return "…"
	}
	return "!"
}

// stageList tells of the stages in words, with their seconds.
func stageList(all []report.Stage) template.HTML {
	var b strings.Builder
	for i, s := range all {
		if i == drawnStages {
			fmt.Fprintf(&b, " and %d more", len(all)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(quoted(s.Name)) + " " + tight(duration(s.Seconds)))
	}
	return template.HTML(b.String())
}
