package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/report"
)

// verdict writes a verdict with its sign, which stands beside the word and never for it.
func verdict(v gate.Verdict) string {
	sign := "⚠️"
	switch v {
	case gate.Pass:
		sign = "✅"
	case gate.Fail:
		sign = "❌"
	case gate.Inconclusive:
		sign = "❔"
	case gate.Pending:
		sign = "⏳"
	}
	return sign + " " + inline(string(v))
}

// Results is reports/finetuning_results.md: the verdict, a row a leg, and what each verdict rests on.
func Results(r report.Report) string {
	var b strings.Builder
	title := "Fine-tuning results"
	if r.Name != "" {
		title += ": " + inline(r.Name)
	}
	fmt.Fprintf(&b, "# %s\n\n**%s** · %s · %s · %s · %s\n\n", title, verdict(r.Verdict), tally(r), launches(r), spent(r), tightDuration(r.Seconds))
	gates := asked(r.Legs)
	if len(gates) == 1 {
		fmt.Fprintf(&b, "A leg passes when %s.\n\n", gates[0])
	}
	b.WriteString("| leg | verdict | base → tuned | improvement | evidence | cost | time |\n| --- | --- | ---: | ---: | --- | ---: | ---: |\n")
	for i := range r.Legs {
		l := &r.Legs[i]
		scores, better, rests := none, none, none
		if d := judged(l); d != nil {
			scores = tight(score(d.Base)) + " " + tight("→ "+score(d.Tuned))
			better = tight(improvement(d.Improvement)) + interval(d)
			rests = fmt.Sprintf("%s %s of %d %s", tight(fmt.Sprintf("%d won,", d.Wins)), tight(fmt.Sprintf("%d lost", d.Losses)), d.N, tight("("+pValue(d.P)+")"))
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", name(l), tight(verdict(l.Verdict)), scores, better, rests, tight(dollars(l.CostUSD)), tightDuration(l.Seconds))
	}
	if r.Estimate != nil {
		fmt.Fprintf(&b, "\nEstimated before the launch: %s of training and at most %s of benchmark.\n", dollars(r.Estimate.TrainingUSD), dollars(r.Estimate.BenchmarkUSD))
	}
	if r.ReservedUSD > 0 {
		fmt.Fprintf(&b, "Set aside: %s. Spent: %s.\n", dollars(r.ReservedUSD), dollars(r.CostUSD))
	}
	for i := range r.Legs {
		resultsLeg(&b, &r.Legs[i], len(gates) > 1)
	}
	return b.String()
}

// name is a leg's name in a table.
func name(l *report.Leg) string { return cell(label(l.ID)) }

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
	s := fmt.Sprintf("the tuned model is at least %s better than its base model, by the rule %s", share(l.Margin), code(l.Rule))
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
	b.WriteString("\n| phase | examples | job | tokens trained | final loss | base | tuned | tests | cost |\n| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, p := range l.Phases {
		base, tuned, tests, loss := none, none, none, none
		if d := p.Decision; d != nil && d.N > 0 {
			base, tuned, tests = tight(score(d.Base)), tight(score(d.Tuned)), thousands(int64(d.N))
		}
		if p.FinalLoss != nil {
			loss = fmt.Sprintf("%.4g", *p.FinalLoss)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", inline(p.Name), thousands(int64(p.Examples)), job(p), thousands(p.TrainedTokens), loss, base, tuned, tests, tight(dollars(p.CostUSD)))
	}
}

// job names a phase's job and says what has become of it.
func job(p report.Phase) string {
	if p.Job == "" {
		return none
	}
	s := cell(p.Job) + " " + inline(p.Status)
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
	fmt.Fprintf(b, "\n<details><summary>What was wanted, and how often it came: %s</summary>\n\n| wanted | tests | base | tuned | won | lost |\n| --- | ---: | ---: | ---: | ---: | ---: |\n", of)
	for _, g := range shown {
		fmt.Fprintf(b, "| %s | %d | %s | %s | %d | %d |\n", cell(g.Label), g.Tests, tight(score(g.Base)), tight(score(g.Tuned)), g.Wins, g.Losses)
	}
	b.WriteString("\nA label of a handful of tests shows nothing by itself.\n\n</details>\n")
}

// flipped writes tests with both answers side by side.
func flipped(b *strings.Builder, flips []report.Flip) {
	if len(flips) == 0 {
		return
	}
	fmt.Fprintf(b, "\n<details><summary>Where the models differ, %s</summary>\n\n| | test | asked | wanted | base | tuned |\n| --- | --- | --- | --- | --- | --- |\n", plural(len(flips), "test"))
	for _, f := range flips {
		which := "won"
		if f.Gain < 0 {
			which = "**lost**"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", which, cell(f.Test), cell(f.Input), cell(f.Ideal), cell(f.Base.Text), cell(f.Tuned.Text))
	}
	b.WriteString("\n</details>\n")
}

// bullets writes a list.
func bullets(b *strings.Builder, texts []string) {
	for _, t := range texts {
		fmt.Fprintf(b, "- %s\n", inline(t))
	}
}
