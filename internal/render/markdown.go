package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/audit"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/report"
)

// signs stand beside the verdict's word, never for it.
var signs = map[gate.Verdict]string{gate.Pass: "✅", gate.Fail: "❌", gate.Inconclusive: "❔", gate.Pending: "⏳", gate.Error: "⚠️"}

func verdict(v gate.Verdict) string { return signs[v] + " " + string(v) }

// Results is reports/finetuning_results.md: the verdict, a row a leg, and what each verdict rests on.
func Results(r report.Report) string {
	var b strings.Builder
	name := "Fine-tuning results"
	if r.Name != "" {
		name += ": " + inline(r.Name)
	}
	fmt.Fprintf(&b, "# %s\n\n**%s**. A leg passes when the tuned model is at least %s better than its base model, by the rule `%s`.\n\n",
		name, verdict(r.Verdict), strings.TrimPrefix(improvement(&r.Margin), "+"), r.Rule)
	b.WriteString("| agent | base | tuned | improvement | evidence | cost | time | verdict |\n| --- | ---: | ---: | ---: | --- | ---: | ---: | --- |\n")
	for i, a := range r.Agents {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", code(a.Name), percent(a.Base), percent(a.Tuned), between(&r.Legs[i]),
			evidence(&r.Legs[i]), dollars(a.CostUSD), duration(a.Seconds), verdict(a.Verdict))
	}
	fmt.Fprintf(&b, "| **all** | | | | %s launched | %s | %s | %s |\n", plural(r.Launched, "job"), dollars(r.CostUSD), duration(r.Seconds), verdict(r.Verdict))
	if r.Estimate != nil {
		fmt.Fprintf(&b, "\nEstimated before the launch: %s of training and at most %s of benchmark", dollars(r.Estimate.TrainingUSD), dollars(r.Estimate.BenchmarkUSD))
		if r.Budget != nil {
			fmt.Fprintf(&b, ", within a budget of %s", dollars(*r.Budget))
		}
		b.WriteString(".\n")
	}
	for _, l := range r.Legs {
		resultsLeg(&b, l)
	}
	return b.String()
}

// between adds the interval to a leg's improvement.
func between(l *report.Leg) string {
	p := l.Last()
	if p == nil || p.Decision == nil {
		return "-"
	}
	s := improvement(p.Decision.Improvement)
	switch lo, hi := p.Decision.Interval[0], p.Decision.Interval[1]; {
	case lo != nil && hi != nil:
		s += fmt.Sprintf(" (%s to %s)", improvement(lo), improvement(hi))
	case lo != nil:
		s += fmt.Sprintf(" (at least %s)", improvement(lo))
	case hi != nil:
		s += fmt.Sprintf(" (at most %s)", improvement(hi))
	}
	return s
}

func resultsLeg(b *strings.Builder, l report.Leg) {
	fmt.Fprintf(b, "\n## %s: %s\n\n", inline(l.ID), verdict(l.Verdict))
	for _, reason := range l.Reasons {
		fmt.Fprintf(b, "- %s\n", inline(reason))
	}
	fmt.Fprintf(b, "\nBase model %s on provider %s.", code(l.BaseModel), code(l.Provider))
	if n := len(l.Audit.Contaminated); n > 0 {
		fmt.Fprintf(b, " Left out of the benchmark because they stand in the training data: %s.", code(some(l.Audit.Contaminated, 20)))
	}
	b.WriteString("\n")
	if len(l.Phases) == 0 {
		return
	}
	b.WriteString("\n| phase | examples | job | model | trained tokens | cost | base | tuned | tests |\n| --- | ---: | --- | --- | ---: | ---: | ---: | ---: | ---: |\n")
	for _, p := range l.Phases {
		job := code(p.Job)
		if p.Launched == 0 && p.Job != "" {
			job += " (reused)"
		}
		base, tuned, tests := "-", "-", "-"
		if d := p.Decision; d != nil {
			base, tuned, tests = percent(&d.Base), percent(&d.Tuned), fmt.Sprint(d.N)
		}
		fmt.Fprintf(b, "| %s | %d | %s | %s | %d | %s | %s | %s | %s |\n", p.Name, p.Examples, job, code(p.Model), p.TrainedTokens, dollars(p.CostUSD), base, tuned, tests)
	}
	p := l.Last()
	for _, extra := range p.Extra {
		fmt.Fprintf(b, "\nA second job of the same fine-tune, %s, was cancelled.\n", code(extra))
	}
	if p.Benchmark == nil || len(p.Benchmark.Flips) == 0 {
		return
	}
	b.WriteString("\n<details><summary>Tests that the two models answer differently</summary>\n\n| test | asked | wanted | base | tuned | |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, f := range p.Benchmark.Flips {
		which := "won"
		if f.Gain < 0 {
			which = "**lost**"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", code(f.Test), code(f.Input), code(f.Ideal), code(f.Base.Text), code(f.Tuned.Text), which)
	}
	b.WriteString("\n</details>\n")
}

// shownFindings is how many findings of a leg the audit's page shows; the JSON has all.
const shownFindings = 100

// Audit is reports/quick_quality_audit.md: what the data showed, the worst first.
func Audit(r report.Report) string {
	var b strings.Builder
	b.WriteString("# Data audit\n\n| agent | rows | messages | tokens | critical | warnings | notes |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, l := range r.Legs {
		n := map[diag.Severity]int{}
		for _, f := range l.Audit.Findings {
			n[f.Severity] += max(len(f.Lines), 1)
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d |\n", code(l.ID), l.Audit.Rows, l.Audit.Messages, l.Audit.Tokens, n[diag.Critical], n[diag.Warning], n[diag.Info])
	}
	for _, l := range r.Legs {
		fmt.Fprintf(&b, "\n## %s\n\n", inline(l.ID))
		b.WriteString(Findings(l.Audit.Findings))
	}
	return b.String()
}

// Findings lists findings, folded, the worst first.
func Findings(findings []diag.Finding) string {
	if len(findings) == 0 {
		return "No finding.\n"
	}
	var b strings.Builder
	folded := audit.Fold(findings)
	slices.SortStableFunc(folded, func(x, y diag.Finding) int { return int(y.Severity) - int(x.Severity) })
	for i, f := range folded {
		if i == shownFindings {
			fmt.Fprintf(&b, "- … and %d more, all in `report.json`\n", len(folded)-i)
			break
		}
		where := f.File
		if f.Line > 0 {
			where += fmt.Sprintf(":%d", f.Line)
		}
		fmt.Fprintf(&b, "- **%s** `%s` %s: %s", f.Severity, f.Rule, code(where), inline(f.Message))
		if n := len(f.Lines); n > 1 {
			fmt.Fprintf(&b, " (%d lines: %s)", n, lines(f.Lines))
		}
		if f.Hint != "" {
			fmt.Fprintf(&b, ". _%s_", inline(f.Hint))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func lines(all []int) string {
	texts := make([]string, len(all))
	for i, n := range all {
		texts[i] = fmt.Sprint(n)
	}
	return some(texts, 10)
}

// Next is reports/next_steps.md: what to do now, leg by leg, those that need it most first.
func Next(r report.Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Next steps\n\nThe verdict is **%s**.\n", verdict(r.Verdict))
	for _, v := range []gate.Verdict{gate.Error, gate.Fail, gate.Inconclusive, gate.Pending, gate.Pass} {
		for _, l := range r.Legs {
			if l.Verdict != v {
				continue
			}
			fmt.Fprintf(&b, "\n## %s: %s\n\n", inline(l.ID), verdict(v))
			if len(l.Reasons) > 0 {
				fmt.Fprintf(&b, "%s.\n\n", inline(strings.Join(l.Reasons, "; ")))
			}
			for i, n := range l.Next {
				fmt.Fprintf(&b, "%d. %s\n", i+1, inline(n))
			}
		}
	}
	return b.String()
}
