package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/tunegate/tunegate/internal/pipeline"
)

// Plan writes a plan for a terminal: a line a leg and phase, a line a phase over all legs, what would stop the
// run.
func Plan(w io.Writer, p pipeline.Plan) error {
	var b strings.Builder
	fmt.Fprintf(&b, "profile %s, %s\n\n", p.Profile, plural(len(p.Legs), "leg"))
	rows := [][]string{{"leg", "examples", "tokens", "cost", "phase", "hours", "tests", "base model"}}
	var order []string
	sums := map[string]*pipeline.PlanPhase{}
	for _, l := range p.Legs {
		for _, f := range l.Phases {
			rows = append(rows, []string{clean(l.ID), thousands(int64(f.Examples)), thousands(f.TrainingTokens), dollars(f.TrainingUSD), f.Name, hours(f.Hours), fmt.Sprint(l.Tests), clean(l.BaseModel)})
			s := sums[f.Name]
			if s == nil {
				s = &pipeline.PlanPhase{Name: f.Name}
				sums[f.Name] = s
				order = append(order, f.Name)
			}
			s.Examples += f.Examples
			s.TrainingTokens += f.TrainingTokens
			s.TrainingUSD += f.TrainingUSD
		}
	}
	table(&b, rows)
	b.WriteString("\ntraining\n")
	totals := make([][]string, 0, len(order)+2)
	add := func(name string, s pipeline.PlanPhase) {
		totals = append(totals, []string{name, thousands(s.TrainingTokens) + " tokens", dollars(s.TrainingUSD), ""})
	}
	for _, name := range order {
		add(name, *sums[name])
	}
	if sample, full := sums["sample"], sums["full"]; sample != nil && full != nil {
		add("sample and full", pipeline.PlanPhase{TrainingTokens: sample.TrainingTokens + full.TrainingTokens, TrainingUSD: sample.TrainingUSD + full.TrainingUSD})
	}
	table(&b, totals)
	fmt.Fprintf(&b, "\ntraining %s, benchmark at most %s, together at most %s, about %s hours\n", dollars(p.TrainingUSD), dollars(p.BenchmarkUSD), dollars(p.CostUSD), hours(p.Hours))
	for _, reason := range p.Blocked {
		fmt.Fprintf(&b, "blocked: %s\n", clean(reason))
	}
	_, err := io.WriteString(w, b.String())
	return err
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
