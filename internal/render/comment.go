package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/report"
)

// Comment is the page for a pull request: the verdict, a row a leg, the sums, what to do next; the rest is folded. It has at most
// 64,000 characters, so that GitHub takes it with a mark before it (65,536), whatever is in the report: details go before
// verdicts, and it says which and where they are. A pending report has the state of each job in the place of the evidence.
func Comment(r report.Report, at Place) string {
	return page{r, at, commentLimit, inCharacters}.write([]int{5, 2, 1})
}

// Summary is the page for a workflow's step: as Comment, with more detail, at most 1,000,000 bytes.
func Summary(r report.Report, at Place) string {
	return page{r, at, summaryLimit, inBytes}.write([]int{20, 5, 1})
}

// page is a report on its way to be one.
type page struct {
	report.Report
	at    Place
	limit int
	size  func(string) int
}

// shownGroups and shownSteps are how much a page says without being unfolded of what to do next.
const (
	shownGroups = 5
	shownSteps  = 3
)

func (p page) write(most []int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "## tunegate%s: %s\n\n%s\n\n", titled(p.Name), verdict(p.Verdict), p.lead())
	foot := p.foot()
	b.WriteString(p.table())
	if asked := asked(p.Legs); len(asked) == 1 {
		fmt.Fprintf(&b, "\nA leg passes when %s.\n", asked[0])
	}
	b.WriteString("\n" + totals(p.Report))
	changes(&b, p.Changes)
	if p.at.Resumed != "" {
		fmt.Fprintf(&b, "\nNobody has to wait: the workflow %s looks after what is pending, and this comment and the status will tell.\n", code(p.at.Resumed))
	}
	b.WriteString(p.todo(shownGroups, shownSteps))
	const leftOut = 600 // room for the sentence that says so
	page, left := folded(p.folds(most), p.limit-p.size(b.String())-p.size(foot)-leftOut, p.size)
	b.WriteString(page)
	if len(left) > 0 {
		fmt.Fprintf(&b, "\nLeft out here for length: %s.\n", strings.Join(left, ", "))
	}
	b.WriteString(foot)
	return b.String()
}

func (p page) foot() string {
	if foot := p.at.foot(true); foot != "" {
		return "\n" + foot + "\n"
	}
	return ""
}

// titled is a name behind a word.
func titled(name string) string {
	if name == "" {
		return ""
	}
	return " " + inline(label(name))
}

// lead is the result in a sentence.
func (p page) lead() string {
	s := "**" + tally(p.Report) + "**"
	switch _, leg, why := headline(p.Report); {
	case leg != "":
		s += "; " + shown(leg) + " " + clipped(why, shownWhy)
	case why != "":
		s += "; " + why
	}
	return s
}

// shownWhy is how much of a reason stands at the top of a page, in columns.
const shownWhy = 160

// shownLegs is how many legs stand in a table that nobody opened. Of more than these, the ones that pass are folded.
const shownLegs = 10

// table is a row a leg.
func (p page) table() string {
	if len(p.Legs) <= shownLegs {
		return legTable(p.Legs, p.limit/2, p.size)
	}
	var rest, passed []report.Leg
	for _, l := range p.Legs {
		if l.Verdict == gate.Pass {
			passed = append(passed, l)
		} else {
			rest = append(rest, l)
		}
	}
	s := ""
	if len(rest) > 0 {
		s = legTable(rest, p.limit/3, p.size)
	}
	if len(passed) > 0 {
		s += details(fmt.Sprintf("The %s that pass", plural(len(passed), "leg")), legTable(passed, p.limit/4, p.size), false)
	}
	return s
}

// todo says what to do next, by legs of which the same is to be said, those that need a person first.
func (p page) todo(most, steps int) string {
	var b strings.Builder
	all := slices.DeleteFunc(groups(p.Legs), func(g alike) bool { return len(g.next) == 0 })
	if len(all) == 0 {
		return ""
	}
	b.WriteString("\n### What to do next\n\n")
	for i, g := range all {
		if i == most {
			n := 0
			for _, g := range all[i:] {
				n += len(g.ids)
			}
			fmt.Fprintf(&b, "- and steps for %s more, which %s has\n", plural(n, "leg"), "`reports/next_steps.md`")
			break
		}
		fmt.Fprintf(&b, "- **%s** (%s)\n", some(each(g.ids, shown), 5), inline(string(g.verdict)))
		for k, n := range g.next {
			if k == steps && len(g.next) > steps+1 {
				fmt.Fprintf(&b, "  - and %s more\n", plural(len(g.next)-k, "step"))
				break
			}
			fmt.Fprintf(&b, "  - %s\n", brief(n))
		}
	}
	return b.String()
}

// shown is a leg's name in a sentence.
func shown(id string) string { return inline(label(id)) }

// shownBrief is how much of a sentence a page shows that leads to another one, in columns.
const shownBrief = 300

// brief is a sentence on such a page.
func brief(s string) string { return clipped(s, shownBrief) }

// folds are the parts that are opened, the most important first.
func (p page) folds(most []int) []fold {
	n, differ, broken := map[diag.Severity]int{}, 0, 0
	for i := range p.Legs {
		for severity, k := range severities(p.Legs[i].Audit.Findings) {
			n[severity] += k
		}
		differ += len(flips(&p.Legs[i]))
		broken += len(broke(&p.Legs[i]))
	}
	once := []int{1}
	return []fold{
		{title: "Why: the reasons for each verdict", text: p.why, most: []int{20, 3, 1}},
		{title: "Guards that do not hold: " + plural(broken, "suite") + " that may not get worse", text: p.guards, most: []int{shownGuards, 3, 1}, open: true},
		{title: "The improvements as a chart", text: func(int, int) string { return chart(p.Legs) }, most: once},
		{title: "How it was tuned and measured", text: p.measures, most: []int{3, 1}},
		{title: fmt.Sprintf("The training data: %d critical, %d warning, %d info", n[diag.Critical], n[diag.Warning], n[diag.Info]), text: p.data, most: most},
		{title: "Where the models differ: " + plural(differ, "test"), text: p.flips, most: most},
	}
}

// flips are the tests of a leg that show how its models differ.
func flips(l *report.Leg) []report.Flip {
	if f := l.Last(); f != nil && f.Benchmark != nil {
		return f.Benchmark.Flips
	}
	return nil
}

// why says what each verdict rests on.
func (p page) why(most, room int) string {
	var b strings.Builder
	if gates := asked(p.Legs); len(gates) > 1 {
		for i := range p.Legs {
			fmt.Fprintf(&b, "- **%s** passes when %s\n", shown(p.Legs[i].ID), asks(&p.Legs[i]))
		}
	}
	for _, g := range groups(p.Legs) {
		if len(g.reasons) == 0 || full(&b, room) {
			continue
		}
		fmt.Fprintf(&b, "- **%s**: %s\n", some(each(g.ids, shown), 5), verdict(g.verdict))
		for i, reason := range g.reasons {
			if i == most {
				fmt.Fprintf(&b, "  - and %s more\n", plural(len(g.reasons)-i, "reason"))
				break
			}
			fmt.Fprintf(&b, "  - %s\n", brief(reason))
		}
	}
	for _, l := range p.Legs {
		if n := len(l.Audit.Contaminated); n > 0 && !full(&b, room) {
			fmt.Fprintf(&b, "- **%s**: %s left out, which the training data has too: %s\n", shown(l.ID), plural(n, "test"), some(each(l.Audit.Contaminated, named), most))
		}
	}
	return b.String()
}

// named is a name of a test in a sentence.
func named(id string) string { return code(label(id)) }

// measures is a line a fine-tune.
func (p page) measures(most, room int) string {
	var b strings.Builder
	for i := range p.Legs {
		l := &p.Legs[i]
		for k, f := range l.Phases {
			if len(l.Phases)-k > most || full(&b, room) {
				continue
			}
			fmt.Fprintf(&b, "- **%s**, %s: ", shown(l.ID), shown(f.Name))
			if f.Model != "" {
				fmt.Fprintf(&b, "%s, tuned on ", named(f.Model))
			}
			fmt.Fprintf(&b, "%s at %s; %s, %s", named(l.BaseModel), named(l.Provider), plural(f.Examples, "example"), job(f, named))
			if f.TrainedTokens > 0 {
				fmt.Fprintf(&b, ", %s tokens trained", thousands(f.TrainedTokens))
			}
			if q := f.Benchmark; q != nil {
				fmt.Fprintf(&b, "; asked %s of %s, graded by %s", thousands(int64(q.Asked)), plural(q.Available, "test"), named(q.Grader))
			}
			fmt.Fprintf(&b, "; %s\n", dollars(f.CostUSD))
		}
	}
	return b.String()
}

// data is what the audit showed.
func (p page) data(most, room int) string {
	if len(p.Legs) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(auditTable(p.Legs))
	for _, l := range p.Legs {
		if len(l.Audit.Findings) > 0 && !full(&b, room) {
			fmt.Fprintf(&b, "\n**%s**\n\n%s", shown(l.ID), findingList(l.Audit.Findings, most, brief))
		}
	}
	return b.String()
}

// flips shows tests on which the models differ, with both answers.
func (p page) flips(most, room int) string {
	var b strings.Builder
	for _, v := range verdicts() {
		for i := range p.Legs {
			l := &p.Legs[i]
			all := flips(l)
			if l.Verdict != v || len(all) == 0 || full(&b, room) {
				continue
			}
			fmt.Fprintf(&b, "\n**%s**\n\n%s", shown(l.ID), flipList(all, most))
		}
	}
	return b.String()
}
