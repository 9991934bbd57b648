package render

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/pipeline"
)

// Plan writes a plan for a terminal: a line a leg and phase, a line a phase over all legs, what would stop the
// run, with the findings behind it.
func Plan(w io.Writer, p pipeline.Plan) error {
	var b strings.Builder
	fmt.Fprintf(&b, "profile %s, %s\n\n", p.Profile, plural(len(p.Legs), "leg"))
	rows := [][]string{{"leg", "examples", "tokens", "cost", "phase", "hours", "tests", "base model"}}
	for _, l := range p.Legs {
		for _, f := range l.Phases {
			rows = append(rows, []string{Line(l.ID), thousands(int64(f.Examples)), thousands(f.TrainingTokens), price(f.TrainingUSD), f.Name, hours(f.Hours), fmt.Sprint(l.Tests), Line(l.BaseModel)})
		}
	}
	if len(rows) > 1 {
		table(&b, rows)
		b.WriteString("\ntraining\n")
		var totals [][]string
		for _, f := range byPhase(p) {
			totals = append(totals, []string{f.Name, thousands(f.TrainingTokens) + " tokens", price(f.TrainingUSD)})
		}
		table(&b, totals)
		took := "under a minute"
		if p.Hours >= 1./60 {
			took = "about " + hours(p.Hours) + " hours"
		}
		fmt.Fprintf(&b, "\ntraining %s, benchmark %s, together %s, %s\n", price(p.TrainingUSD), atMost(p.BenchmarkUSD), atMost(p.CostUSD), took)
	}
	for _, note := range p.Notes {
		fmt.Fprintf(&b, "note: %s\n", Line(note))
	}
	for _, f := range p.Changes {
		fmt.Fprintf(&b, "changed: %s\n", Line(f.Message))
	}
	for _, reason := range p.Blocked {
		fmt.Fprintf(&b, "blocked: %s\n", Line(reason))
	}
	stopping(&b, p.Findings)
	_, err := io.WriteString(w, b.String())
	return err
}

// byPhase adds to the phases the sum of sample and full: nearly all that a thorough run costs where it goes to the end.
func byPhase(p pipeline.Plan) []pipeline.PlanPhase {
	out := slices.Clone(p.Phases)
	both := pipeline.PlanPhase{Name: "sample and full"}
	parts := 0
	for _, f := range p.Phases {
		if f.Name == "sample" || f.Name == "full" {
			both = sum(both, f)
			parts++
		}
	}
	if parts == 2 {
		out = append(out, both)
	}
	return out
}

func sum(s, f pipeline.PlanPhase) pipeline.PlanPhase {
	s.Examples += f.Examples
	s.TrainingTokens += f.TrainingTokens
	s.TrainingUSD += f.TrainingUSD
	return s
}

// Comparison writes the profiles' plans side by side for a terminal: a line a phase over all legs, the sums, and what
// each profile leaves out.
func Comparison(w io.Writer, c pipeline.Comparison) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s; the manifest says %s\n", plural(len(c.Legs), "leg"), c.Profile)
	head, under := []string{""}, []string{""}
	for _, p := range c.Compare {
		head = append(head, "", "", p.Profile)
		under = append(under, "examples", "tokens", "cost")
	}
	rows := [][]string{head, under}
	line := func(name string, of func(pipeline.Plan) (examples, tokens, cost string)) {
		row := []string{name}
		for _, p := range c.Compare {
			examples, tokens, cost := of(p)
			row = append(row, examples, tokens, cost)
		}
		if slices.ContainsFunc(row[1:], func(cell string) bool { return cell != "-" }) {
			rows = append(rows, row)
		}
	}
	numbers := func(f pipeline.PlanPhase) (examples, tokens, cost string) {
		return thousands(int64(f.Examples)), thousands(f.TrainingTokens), price(f.TrainingUSD)
	}
	for _, name := range []string{"trial", "sample", "full", "sample and full"} {
		line(name, func(p pipeline.Plan) (examples, tokens, cost string) {
			for _, f := range byPhase(p) {
				if f.Name == name {
					return numbers(f)
				}
			}
			return "-", "-", "-"
		})
	}
	line("all training", func(p pipeline.Plan) (examples, tokens, cost string) {
		all := pipeline.PlanPhase{}
		for _, f := range p.Phases {
			all = sum(all, f)
		}
		return numbers(all)
	})
	line("benchmark, at most", func(p pipeline.Plan) (examples, tokens, cost string) { return "", "", price(p.BenchmarkUSD) })
	line("together, at most", func(p pipeline.Plan) (examples, tokens, cost string) { return "", "", price(p.CostUSD) })
	line("hours, about", func(p pipeline.Plan) (examples, tokens, cost string) { return "", "", hours(p.Hours) })
	if len(c.Phases) > 0 {
		b.WriteString("\n")
		columns(&b, rows)
	}
	for _, p := range c.Compare {
		fmt.Fprintf(&b, "\n%s skips\n", p.Profile)
		for _, text := range p.Skips {
			fmt.Fprintf(&b, "  %s\n", text)
		}
		if len(p.Skips) == 0 {
			b.WriteString("  nothing\n")
		}
		for _, reason := range p.Blocked {
			fmt.Fprintf(&b, "  blocked: %s\n", Line(reason))
		}
	}
	if len(c.Findings) > 0 || len(c.Notes) > 0 {
		b.WriteString("\n")
	}
	for _, note := range c.Notes {
		fmt.Fprintf(&b, "note: %s\n", Line(note))
	}
	stopping(&b, c.Findings)
	_, err := io.WriteString(w, b.String())
	return err
}

// columns writes rows with the first column to the left and the others to the right.
func columns(b *strings.Builder, rows [][]string) {
	all := make([]column, len(rows[0]))
	for i := range all {
		all[i] = column{head: rows[0][i], right: i > 0}
		for _, row := range rows[1:] {
			all[i].cells = append(all[i].cells, row[i])
		}
	}
	b.WriteString(strings.Join(align(all), "\n") + "\n")
}

// price writes an amount that may be unknown.
func price(usd pipeline.USD) string {
	if !usd.Known() {
		return usd.String()
	}
	return dollars(float64(usd))
}

// atMost writes an upper bound.
func atMost(usd pipeline.USD) string {
	if !usd.Known() {
		return usd.String()
	}
	return "at most " + price(usd)
}

func hours(h float64) string {
	if h < 0.01 {
		return "< 0.01"
	}
	return fmt.Sprintf("%.2f", h)
}

// thousands writes 6435400 as 6,435,400.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
