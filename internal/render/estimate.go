package render

import (
	"fmt"
	"strings"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/pipeline"
)

// Estimate is the page for a pull request before anything is spent: what would be launched, leg by leg, what it would cost at most
// beside the budget, what stops it and why, and how to launch it. Its size is that of a Comment at most.
func Estimate(p pipeline.Plan, at Place) string {
	var b strings.Builder
	fmt.Fprintf(&b, "## tunegate: %s\n\n", prospect(p))
	planBody(&b, p, commentLimit/2, inCharacters)
	b.WriteString(launching(p, at))
	folds(&b, p, at, commentLimit, inCharacters)
	return b.String()
}

// PlanPage is the page of a plan for a workflow's step, at most 1,000,000 bytes.
func PlanPage(p pipeline.Plan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "## Plan: %s\n\n", prospect(p))
	planBody(&b, p, summaryLimit/2, inBytes)
	folds(&b, p, Place{}, summaryLimit, inBytes)
	return b.String()
}

// prospect is a plan in a few words. A sign stands beside the words and never for them.
func prospect(p pipeline.Plan) string {
	cost := atMost(p.CostUSD)
	if !p.CostUSD.Known() {
		cost = "at an unknown price"
	}
	launched := len(p.Matrix.Include)
	switch {
	case len(p.Legs) == 0:
		return "nothing to tune"
	case launched == 0:
		return "❌ nothing would be launched"
	case launched < len(p.Legs):
		return fmt.Sprintf("⚠️ only %d of %s would be launched", launched, plural(len(p.Legs), "leg"))
	case len(p.Blocked) > 0:
		return fmt.Sprintf("⚠️ %s would be launched, perhaps not to the end", plural(len(p.Legs), "leg"))
	}
	return fmt.Sprintf("✅ ready to tune %s, %s", plural(len(p.Legs), "leg"), cost)
}

// planBody is what a plan says without being unfolded.
func planBody(b *strings.Builder, p pipeline.Plan, room int, size func(string) int) {
	if len(p.Legs) > 0 {
		whole := wholeNames(p.Legs, room/8, size)
		b.WriteString(planTable(p, room-size(whole), size) + whole)
		b.WriteString("\n" + planTotals(p) + "\n")
	}
	list(b, "What stops it", p.Blocked)
	changes(b, p.Changes)
	list(b, "To be known", p.Notes)
}

// shownReasons is how many reasons a plan lists without being unfolded.
const shownReasons = 10

func list(b *strings.Builder, title string, texts []string) {
	if len(texts) == 0 {
		return
	}
	fmt.Fprintf(b, "\n### %s\n\n", title)
	for i, t := range texts {
		if i == shownReasons && len(texts) > i+1 {
			fmt.Fprintf(b, "- and %d more\n", len(texts)-i)
			return
		}
		fmt.Fprintf(b, "- %s\n", brief(t))
	}
}

// planTable is a row a fine-tune, and a row for all.
func planTable(p pipeline.Plan, room int, size func(string) int) string {
	var b strings.Builder
	b.WriteString("| leg | fine-tune, price, time |\n| --- | --- |\n")
	left := 0
	for _, l := range p.Legs {
		var rows strings.Builder
		for _, f := range l.Phases {
			fmt.Fprintf(&rows, "| %s | %s, %s: %s, %s tokens; %s; %s, %s hours |\n", name(l.ID), name(l.BaseModel), cellText(label(f.Name)),
				plural(f.Examples, "example"), thousands(f.TrainingTokens), plural(l.Tests, "test"), tight(price(f.TrainingUSD)), hours(f.Hours))
		}
		if len(l.Phases) == 0 {
			fmt.Fprintf(&rows, "| %s | %s: no fine-tune; %s |\n", name(l.ID), name(l.BaseModel), plural(l.Tests, "test"))
		}
		if room -= size(rows.String()); room < 0 {
			left++
			continue
		}
		b.WriteString(rows.String())
	}
	if left > 0 {
		fmt.Fprintf(&b, "\nThe table is too long for this page; %s left out.\n", plural(left, "leg"))
	}
	return b.String()
}

// wholeNames is a line with the names of legs and models that the table shows with marks in them, or cut; as many as there is room for.
func wholeNames(legs []pipeline.PlanLeg, room int, size func(string) int) string {
	var all []string
	seen := map[string]bool{}
	for _, l := range legs {
		for _, s := range []string{l.ID, l.BaseModel} {
			if !seen[s] && (strings.Contains(name(s), breakMark) || Cells(Line(s)) > shownName) {
				all = append(all, code(s))
			}
			seen[s] = true
		}
	}
	n := 0
	for n < len(all) && room >= size(all[n]) {
		room -= size(all[n]) + len(", ")
		n++
	}
	if n == 0 {
		return ""
	}
	return "\nIn one piece, to be copied: " + some(all, n) + ".\n"
}

// planTotals sets the sums beside what is allowed.
func planTotals(p pipeline.Plan) string {
	tokens := int64(0)
	for _, f := range p.Phases {
		tokens += f.TrainingTokens
	}
	cost := fmt.Sprintf("**Cost** training %s, benchmark %s, together %s", price(p.TrainingUSD), atMost(p.BenchmarkUSD), atMost(p.CostUSD))
	if p.Budget != nil {
		cost += ", of a budget of " + dollars(*p.Budget)
	}
	time := "**Time** under a minute"
	if p.Hours >= 1./60 {
		time = "**Time** about " + hours(p.Hours) + " hours"
	}
	if p.MaxHours != nil {
		time += fmt.Sprintf(" of at most %v", *p.MaxHours)
	}
	return strings.Join([]string{cost, time, "**Training** " + thousands(tokens) + " tokens", "**Profile** " + shown(p.Profile)}, " · ")
}

// launching says how this is launched, or that it is.
func launching(p pipeline.Plan, at Place) string {
	if len(p.Matrix.Include) == 0 {
		return ""
	}
	if at.Launching {
		return "\n### It is being launched\n\nNothing needs to be done; this comment will have the results. What runs: " + link("the workflow run", at.Run) + ".\n"
	}
	pin := ""
	if c := short(at.Commit); at.Commit != "" && isHex(c) {
		pin = " @" + c
	}
	some := ""
	if len(p.Matrix.Include) > 1 {
		some = ", or " + code("/finetune "+label(p.Matrix.Include[0].Leg)+pin) + " for some of the legs"
	}
	return "\n### To launch it\n\nWrite a new comment whose first line is " + code("/finetune"+pin) + some +
		". Only people with write access are obeyed. What was tuned before on equal inputs is reused and costs nothing.\n"
}

func isHex(s string) bool { return s != "" && strings.Trim(s, "0123456789abcdef") == "" }

// folds ends a page of a plan.
func folds(b *strings.Builder, p pipeline.Plan, at Place, limit int, size func(string) int) {
	foot := at.foot(false)
	if foot != "" {
		foot = "\n" + foot + "\n"
	}
	findings := Distinct(p.Findings)
	n := severities(findings)
	parts := []fold{
		{fmt.Sprintf("The training data: %d critical, %d warning, %d info", n[diag.Critical], n[diag.Warning], n[diag.Info]), n[diag.Critical] > 0, func(most, _ int) string {
			if len(findings) == 0 {
				return "No finding.\n"
			}
			return findingList(findings, most, brief)
		}, []int{50, 20, 5}},
		{"What the profile leaves out, or may", false, func(int, int) string {
			var b strings.Builder
			bullets(&b, p.Skips)
			return b.String()
		}, []int{0}},
	}
	const leftOut = 600
	page, left := folded(parts, limit-size(b.String())-size(foot)-leftOut, size)
	b.WriteString(page)
	if len(left) > 0 {
		fmt.Fprintf(b, "\nLeft out here for length: %s.\n", strings.Join(left, ", "))
	}
	b.WriteString(foot)
}
