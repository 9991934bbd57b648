package pipeline

import (
	"fmt"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/report"
)

// next says what a person does now, for a leg with its verdict.
func next(l *report.Leg) []string {
	var todo []string
	for _, f := range l.Audit.Findings {
		if f.Severity == diag.Critical && len(todo) < 5 {
			todo = append(todo, fmt.Sprintf("mend %s: %s", f, f.Hint))
		}
	}
	p := l.Last()
	switch l.Verdict {
	case gate.Pass:
		todo = append(todo, fmt.Sprintf("try %s on real traffic beside the base model (A/B) before it replaces it", p.Model))
	case gate.Pending:
		todo = append(todo, "run the same command again later; it launches nothing twice")
	case gate.Fail, gate.Inconclusive:
		if p == nil || p.Decision == nil {
			break
		}
		if n := p.Decision.NeededN; l.Verdict == gate.Inconclusive && n > p.Decision.N {
			todo = append(todo, fmt.Sprintf("add tests: about %d would settle it, %d were asked", n, p.Decision.N))
		}
		lost := 0
		for _, f := range p.Benchmark.Flips {
			if f.Gain < 0 {
				lost++
			}
		}
		if lost > 0 {
			todo = append(todo, "look at the tests that the tuned model lost, listed with the result: what they have in common is what the training data lacks")
		}
		if n := warnings(l.Audit.Findings); n > 0 {
			todo = append(todo, fmt.Sprintf("go through the audit's %s, contradictions first", count(n, "warning")))
		}
		todo = append(todo, "add examples of the answers that are wrong most often, as varied as real requests are")
	case gate.Error:
		if p != nil && (p.Status == "failed" || p.Status == "cancelled") {
			todo = append(todo, "mend the cause, then allow another attempt with --attempts 2")
		}
	}
	return todo
}

func warnings(findings []diag.Finding) (n int) {
	for _, f := range findings {
		if f.Severity == diag.Warning {
			n++
		}
	}
	return n
}
