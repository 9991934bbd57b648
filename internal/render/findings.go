package render

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tunegate/tunegate/internal/audit"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/report"
)

// shownFindings is how many findings of a leg the audit's page shows; the JSON has all.
const shownFindings = 100

// shownPath is how much of a path a finding shows, in columns.
const shownPath = 120

// Audit is reports/quick_quality_audit.md: what the data showed, the worst first.
func Audit(r report.Report) string {
	var b strings.Builder
	n, accepted := map[diag.Severity]int{}, 0
	for _, l := range r.Legs {
		for severity, k := range severities(l.Audit.Findings) {
			n[severity] += k
		}
		accepted += l.Audit.Accepted
	}
	says := "✅ **Nothing here stops a launch**"
	switch unread := func(l report.Leg) bool { return l.Audit.Rows == 0 }; {
	case n[diag.Critical] > 0:
		says = "❌ **What is critical stops the launch**"
	case len(r.Legs) == 0 || slices.ContainsFunc(r.Legs, unread):
		says = "⚠️ **Not all of the data was read**"
	}
	fmt.Fprintf(&b, "# Data audit\n\n%s · %d critical, %s, %d info", says, n[diag.Critical], plural(n[diag.Warning], "warning"), n[diag.Info])
	if accepted > 0 {
		fmt.Fprintf(&b, " · %s more, which the baseline accepts", plural(accepted, "finding"))
	}
	b.WriteString("\n\n" + auditTable(r.Legs))
	var sound []string
	for _, l := range r.Legs {
		if len(l.Audit.Findings) == 0 {
			sound = append(sound, l.ID)
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n", inline(l.ID))
		b.WriteString(Findings(l.Audit.Findings))
		if n := len(l.Audit.Contaminated); n > 0 {
			fmt.Fprintf(&b, "\n%s left out of the benchmark, because the training data has them too: %s.\n", plural(n, "test"), some(each(l.Audit.Contaminated, code), 20))
		}
	}
	if len(sound) > 0 {
		fmt.Fprintf(&b, "\nNo finding in the data of %s.\n", strings.Join(each(sound, inline), ", "))
	}
	return b.String()
}

// auditTable is a row a leg.
func auditTable(legs []report.Leg) string {
	if len(legs) == 0 {
		return "There is no leg.\n"
	}
	var b strings.Builder
	b.WriteString("| leg | data, findings |\n| --- | --- |\n")
	for i := range legs {
		a := &legs[i].Audit
		fmt.Fprintf(&b, "| %s | %s, %s, %s tokens; %s |\n", name(legs[i].ID), plural(a.Rows, "row"), plural(a.Messages, "message"), thousands(a.Tokens), counts(severities(a.Findings)))
	}
	return b.String()
}

// counts says how many findings there are of each severity that there is one of.
func counts(n map[diag.Severity]int) string {
	var all []string
	for _, s := range []diag.Severity{diag.Critical, diag.Warning, diag.Info} {
		if n[s] > 0 {
			all = append(all, fmt.Sprintf("%s %s", thousands(int64(n[s])), s))
		}
	}
	if len(all) == 0 {
		return "no finding"
	}
	return strings.Join(all, ", ")
}

// severities counts findings, each line that one stands for.
func severities(findings []diag.Finding) map[diag.Severity]int {
	n := map[diag.Severity]int{}
	for _, f := range findings {
		n[f.Severity] += max(len(f.Lines), 1)
	}
	return n
}

// Findings lists findings in Markdown, folded, the worst first.
func Findings(findings []diag.Finding) string {
	if len(findings) == 0 {
		return "No finding.\n"
	}
	return findingList(findings, shownFindings, inline)
}

// findingList lists findings, folded, the worst first, so many at most; write writes their texts.
func findingList(findings []diag.Finding, most int, write func(string) string) string {
	var b strings.Builder
	folded := audit.Fold(findings)
	slices.SortStableFunc(folded, func(x, y diag.Finding) int { return int(y.Severity) - int(x.Severity) })
	for i, f := range folded {
		if i == most {
			fmt.Fprintf(&b, "- … and %d more, all in `report.json`\n", len(folded)-i)
			break
		}
		where := Clip(clean(f.File), shownPath)
		if f.Line > 0 {
			where += fmt.Sprintf(":%d", f.Line)
		}
		fmt.Fprintf(&b, "- **%s** %s in %s: %s", f.Severity, named(f.Rule), code(where), write(f.Message))
		if n := len(f.Lines); n > 1 {
			b.WriteString(lines(f))
		}
		b.WriteString("\n")
		if f.Hint != "" {
			fmt.Fprintf(&b, "  - %s\n", write(f.Hint))
		}
	}
	return b.String()
}

// Folded is audit.Fold for a terminal: what stands for several says on which lines they are, besides those that its message names.
func Folded(findings []diag.Finding) []diag.Finding {
	folded := audit.Fold(findings)
	for i := range folded {
		if f := &folded[i]; len(f.Lines) > len(f.Related)+1 {
			f.Message += lines(*f)
		}
	}
	return folded
}

func lines(f diag.Finding) string { return "; lines " + some(each(f.Lines, strconv.Itoa), 10) }

// Distinct returns each of the findings once: legs may share a file.
func Distinct(findings []diag.Finding) []diag.Finding {
	told := map[string]bool{}
	var out []diag.Finding
	for _, f := range findings {
		if text := f.String(); !told[text] {
			told[text] = true
			out = append(out, f)
		}
	}
	return out
}

// shownStopping is how many kinds of critical findings a plan shows; an audit shows all.
const shownStopping = 10

// stopping lists the critical findings for a terminal, folded, each with its hint.
func stopping(b *strings.Builder, findings []diag.Finding) {
	critical := slices.DeleteFunc(Distinct(findings), func(f diag.Finding) bool { return f.Severity != diag.Critical })
	folded := Folded(critical)
	for i, f := range folded {
		if i == shownStopping {
			fmt.Fprintf(b, "and critical findings of %s\n", plural(len(folded)-i, "more kind"))
			break
		}
		fmt.Fprintf(b, "%s: %s\n", f.Severity, Line(f.String()))
		if f.Hint != "" {
			fmt.Fprintf(b, "  hint: %s\n", Line(f.Hint))
		}
	}
}
