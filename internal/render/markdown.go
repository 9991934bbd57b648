package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/report"
)

// verdict writes a verdict with its sign.
func verdict(v gate.Verdict) string { return signed(v, string(v)) }

// signed writes a word for a verdict with its sign, which stands beside the word and never for it.
func signed(v gate.Verdict, word string) string {
	sign := "⚠️"
	switch v {
	case gate.Pass:
		sign = "✅"
	case gate.Fail:
		sign = "❌"
	case gate.Inconclusive:
		sign = "❓"
	case gate.Pending:
		sign = "⏳"
	}
	return sign + " " + inline(word)
}

// Results is reports/finetuning_results.md: the verdict, a row a leg, and what each verdict rests on.
func Results(r report.Report) string {
	var b strings.Builder
	title := "Fine-tuning results"
	if r.Name != "" {
		title += ": " + inline(r.Name)
	}
	fmt.Fprintf(&b, "# %s\n\n**%s** · %s\n\n", title, verdict(r.Verdict), tally(r))
	b.WriteString(legTable(r.Legs, 0, nil))
	gates := asked(r.Legs)
	if len(gates) == 1 {
		fmt.Fprintf(&b, "\nA leg passes when %s.\n", gates[0])
	}
	b.WriteString("\n" + totals(r))
	changes(&b, r.Changes)
	for i := range r.Legs {
		resultsLeg(&b, &r.Legs[i], len(gates) > 1)
	}
	return b.String()
}

// legTable is a row a leg. With a limit for its size, and more legs than fit, it has those that need a person first, and says
// how many more there are.
func legTable(legs []report.Leg, room int, size func(string) int) string {
	const head = "| leg | base → tuned, gain, evidence, cost, time |\n| --- | --- |\n"
	if len(legs) == 0 {
		return "There is no leg.\n"
	}
	rows, all := make([]string, len(legs)), 0
	for i := range legs {
		rows[i] = legRow(&legs[i])
		if size != nil {
			all += size(rows[i])
		}
	}
	if all <= room {
		return head + strings.Join(rows, "")
	}
	var b strings.Builder
	b.WriteString(head)
	left := map[gate.Verdict]int{}
	for _, v := range verdicts() {
		for i := range legs {
			if legs[i].Verdict != v {
				continue
			}
			if room -= size(rows[i]); room < 0 || left[v] > 0 {
				left[v]++
				continue
			}
			b.WriteString(rows[i])
		}
	}
	var more []string
	for _, v := range verdicts() {
		if left[v] > 0 {
			more = append(more, fmt.Sprintf("%d %s", left[v], v))
		}
	}
	fmt.Fprintf(&b, "\nThe table is too long for this page; legs left out: %s.\n", strings.Join(more, ", "))
	return b.String()
}

// legRow says of a leg what was shown, or where it stands. Two columns are what a telephone shows without scrolling sideways.
func legRow(l *report.Leg) string {
	shows := state(l)
	if d := judged(l); d != nil {
		shows = moved(d, l.Measure) + "; " + tightCounts(d) + ", " + tight(pValue(d.P))
	}
	if shows != "" {
		shows += "; "
	}
	return fmt.Sprintf("| %s %s | %s%s, %s |\n", verdict(l.Verdict), name(l.ID), shows, tight(dollars(l.CostUSD)), tightDuration(l.Seconds))
}

// moved says in a narrow cell what a fine-tune changed: both scores, and the gain with its interval.
func moved(d *gate.Decision, measure string) string {
	loose := strings.NewReplacer("least\u00a0", "least ", "most\u00a0", "most ", "\u00a0to", " to")
	return fmt.Sprintf("%s, **%s**%s", scores(d), tightUnits(gain(d.Improvement, measure)), loose.Replace(interval(d, measure)))
}

// scores are those of both models in a cell.
func scores(d *gate.Decision) string {
	return tight(score(d.Base)) + " " + tight("→ "+score(d.Tuned))
}

// state says of a leg without scores where it stands: what its job does, or why there are none.
func state(l *report.Leg) string {
	p := l.Last()
	if l.Verdict != gate.Pending || p == nil || p.Job == "" {
		if len(l.Reasons) == 0 {
			return ""
		}
		return cellText(Clip(clean(l.Reasons[0]), 80))
	}
	s := fmt.Sprintf("job %s %s", name(p.Job), cellText(label(p.Status)))
	if p.Created != nil {
		s += ", made " + moment(*p.Created)
	}
	if p.Finish != nil {
		s += ", expected to end " + moment(*p.Finish)
	}
	return s
}

// totals sets what was spent beside what was allowed.
func totals(r report.Report) string {
	parts := []string{"**Cost** " + spent(r)}
	if r.Estimate != nil {
		parts = append(parts, fmt.Sprintf("**Estimate** %s of training, at most %s of benchmark", dollars(r.Estimate.TrainingUSD), dollars(r.Estimate.BenchmarkUSD)))
	}
	if r.ReservedUSD > 0 {
		parts = append(parts, "**Set aside** "+dollars(r.ReservedUSD))
	}
	parts = append(parts, "**Time** "+duration(r.Seconds))
	if r.Deadline != nil {
		parts = append(parts, "**Deadline** "+moment(*r.Deadline))
	}
	return strings.Join(append(parts, "**Launches** "+launches(r)), " · ") + "\n"
}

// name is a name in a table.
func name(s string) string { return cell(label(s)) }

// asked says what the legs had to show, each way of asking once.
func asked(legs []report.Leg) (all []string) {
	seen := map[string]bool{}
	for i := range legs {
		if a := asks(&legs[i]); !seen[a] {
			seen[a] = true
			all = append(all, a)
		}
	}
	return all
}

// asks says what a leg had to show.
func asks(l *report.Leg) string {
	s := fmt.Sprintf("the tuned model is at least %s better than its base model", margin(l.Margin, l.Measure))
	if gate.Measure(l.Measure) == gate.Errors {
		s = fmt.Sprintf("the tuned model is rid of at least %s of its base model's errors", share(l.Margin))
	}
	s += ", by the rule " + named(l.Rule)
	switch gate.Rule(l.Rule) {
	case gate.Point:
		s += ": the observed improvement decides"
	case gate.Significant:
		s += ": the observed improvement reaches that, and the tuned model is shown to be better at all"
	case gate.Strict:
		s += ": it is shown to be better by that much"
	}
	return s
}

// resultsLeg writes a leg's section: why, and folded how it was measured and on which tests the models differ.
func resultsLeg(b *strings.Builder, l *report.Leg, ownGate bool) {
	fmt.Fprintf(b, "\n## %s: %s\n\n", inline(l.ID), verdict(l.Verdict))
	bullets(b, l.Reasons)
	if ownGate {
		fmt.Fprintf(b, "\nThis leg passes when %s.\n", asks(l))
	}
	if n := len(l.Audit.Contaminated); n > 0 {
		fmt.Fprintf(b, "\n%s left out of the benchmark, because the training data has them too: %s.\n", plural(n, "test"), some(each(l.Audit.Contaminated, code), 20))
	}
	if len(l.Phases) == 0 {
		return
	}
	if all := l.Last().Guards; len(all) > 0 {
		guarded(b, all[:min(len(all), shownGuards)])
	}
	b.WriteString("\n<details><summary>How it was tuned and measured</summary>\n\n")
	measured(b, l)
	b.WriteString("\n</details>\n")
	if k := l.Last().Benchmark; k != nil {
		byLabel(b, k.Labels)
		flipped(b, k.Flips)
	}
}

// measured lists the facts of a leg's fine-tunes.
func measured(b *strings.Builder, l *report.Leg) {
	p := l.Last()
	fmt.Fprintf(b, "- base model %s on provider %s\n", code(l.BaseModel), code(l.Provider))
	if p.Model != "" {
		fmt.Fprintf(b, "- tuned model %s\n", code(p.Model))
	}
	if k := p.Benchmark; k != nil {
		fmt.Fprintf(b, "- asked %s of %s, graded by %s", thousands(int64(k.Asked)), plural(k.Available, "test"), code(k.Grader))
		if k.Failed > 0 {
			fmt.Fprintf(b, "; %d without an answer from both models", k.Failed)
		}
		if k.Repeats > 1 {
			fmt.Fprintf(b, "; each %d times", k.Repeats)
		}
		b.WriteString("\n")
		if k.Cached > 0 {
			fmt.Fprintf(b, "- %s of the base kept from an earlier benchmark\n", plural(k.Cached, "answer"))
		}
		if k.Refused > 0 {
			fmt.Fprintf(b, "- the service put off %s, and was asked again\n", plural(k.Refused, "request"))
		}
	}
	if e := l.Estimate; e != nil {
		fmt.Fprintf(b, "- estimated at %s of training and at most %s of benchmark\n", dollars(e.TrainingUSD), dollars(e.BenchmarkUSD))
	}
	for _, p := range l.Phases {
		for _, extra := range p.Extra {
			fmt.Fprintf(b, "- a second job of the same fine-tune, %s, was cancelled\n", code(extra))
		}
	}
	for i := range l.Phases {
		phase(b, &l.Phases[i])
	}
}

// phase is a line on a fine-tune: what it was given, what came of it, what it cost.
func phase(b *strings.Builder, p *report.Phase) {
	fmt.Fprintf(b, "- phase **%s**: %s", shown(p.Name), plural(p.Examples, "example"))
	if p.Job != "" {
		fmt.Fprintf(b, ", job %s", job(*p, named))
	}
	if p.TrainedTokens > 0 {
		fmt.Fprintf(b, ", %s tokens trained", thousands(p.TrainedTokens))
	}
	if p.FinalLoss != nil {
		fmt.Fprintf(b, ", final loss %.4g", *p.FinalLoss)
	}
	if d := p.Decision; d != nil && d.N > 0 {
		fmt.Fprintf(b, "; %s on %s", scores(d), plural(d.N, "test"))
	}
	fmt.Fprintf(b, "; %s\n", dollars(p.CostUSD))
}

// job names a phase's job, as write writes a name, and says what has become of it.
func job(p report.Phase, write func(string) string) string {
	if p.Job == "" {
		return none
	}
	s := write(p.Job) + " " + shown(p.Status)
	if p.Launched == 0 {
		s += ", reused"
	}
	if p.Attempt > 1 {
		s += fmt.Sprintf(", attempt %d", p.Attempt)
	}
	return s
}

// shownLabels is how many labels a page shows; the report has more.
const shownLabels = 15

// byLabel writes what the models made of each label on which they differ, what lost most first.
func byLabel(b *strings.Builder, labels []report.Label) {
	labels = slices.DeleteFunc(slices.Clone(labels), func(g report.Label) bool { return g.Wins+g.Losses == 0 })
	if len(labels) == 0 {
		return
	}
	shown := labels[:min(len(labels), shownLabels)]
	of := plural(len(labels), "label")
	if len(shown) < len(labels) {
		of = fmt.Sprintf("%d of %s, the worst first", len(shown), of)
	}
	fmt.Fprintf(b, "\n<details><summary>What was wanted, and how often it came: %s</summary>\n\n", of)
	for _, g := range shown {
		fmt.Fprintf(b, "- %s: %s %s; %s %s of %s\n", named(g.Label), tight(score(g.Base)), tight("→ "+score(g.Tuned)), tight(fmt.Sprintf("%d won,", g.Wins)), tight(fmt.Sprintf("%d lost", g.Losses)), plural(g.Tests, "test"))
	}
	b.WriteString("\nA label of a handful of tests shows nothing by itself.\n\n</details>\n")
}

// flipped writes tests with both answers, one above the other.
func flipped(b *strings.Builder, flips []report.Flip) {
	if len(flips) > 0 {
		b.WriteString(details("Where the models differ, "+plural(len(flips), "test"), flipList(flips, len(flips)), false))
	}
}

// flipList is a test a point: those that were lost, then those that were won, so many of each. Answers are too long for the columns of
// a table, in which a long word cannot be broken either.
func flipList(flips []report.Flip, most int) string {
	var b strings.Builder
	lost, won := 0, 0
	for _, f := range flips {
		which, n := "won", &won
		if f.Gain < 0 {
			which, n = "**lost**", &lost
		}
		if *n++; *n > most {
			continue
		}
		fmt.Fprintf(&b, "- %s %s: %s\n  - wanted: %s\n  - base: %s\n  - tuned: %s\n", which, named(f.Test), said(f.Input), said(f.Ideal), said(f.Base.Text), said(f.Tuned.Text))
	}
	return b.String()
}

// said is a text of data or a model.
func said(s string) string { return code(Clip(clean(s), shownSaid)) }

// shownSaid is how much of it is shown, in columns.
const shownSaid = 160

// bullets writes a list.
func bullets(b *strings.Builder, texts []string) {
	for _, t := range texts {
		fmt.Fprintf(b, "- %s\n", tightUnits(inline(t)))
	}
}
