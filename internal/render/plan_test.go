package render

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/pipeline"
)

// Times that nobody plans with are not written as numbers.
func TestPlanTime(t *testing.T) {
	for hours, want := range map[float64]string{0: ", under a minute\n", 0.016: ", under a minute\n", 0.02: ", about 0.02 hours\n", 8.04425: ", about 8.04 hours\n"} {
		var b strings.Builder
		if err := Plan(&b, pipeline.Plan{Profile: "speed", Legs: []pipeline.PlanLeg{{ID: "a", Phases: make([]pipeline.PlanPhase, 1)}}, Phases: make([]pipeline.PlanPhase, 1), Hours: hours}); err != nil || !strings.HasSuffix(b.String(), want) {
			t.Errorf("%v hours: %v, %s", hours, err, b.String())
		}
	}
}

// The reference case of five agents with 20,000 examples, as a person compares the roads.
func TestComparison(t *testing.T) {
	full := pipeline.PlanPhase{Name: "full", Examples: 100_000, TrainingTokens: 32_177_000, TrainingUSD: 96.531, Hours: 8.04425}
	sample := pipeline.PlanPhase{Name: "sample", Examples: 50_000, TrainingTokens: 16_088_500, TrainingUSD: 48.2655, Hours: 4.022125}
	trial := pipeline.PlanPhase{Name: "trial", Examples: 500, TrainingTokens: 160_885, TrainingUSD: 0.482655, Hours: 0.04022125}
	speed := pipeline.Plan{Profile: "speed", Legs: make([]pipeline.PlanLeg, 5), Phases: []pipeline.PlanPhase{full}, TrainingUSD: 96.531,
		BenchmarkUSD: 0.02, CostUSD: 96.551, Hours: 8.04425, Skips: []string{"the trial on 100 examples and its gate"}}
	thorough := pipeline.Plan{Profile: "thorough", Legs: speed.Legs, Phases: []pipeline.PlanPhase{trial, sample, full}, TrainingUSD: 145.279155,
		BenchmarkUSD: 0.06, CostUSD: 145.339155, Hours: 12.10659625, Blocked: []string{"agent-1: over \x1b[31m budget"}}
	var b strings.Builder
	if err := Comparison(&b, pipeline.Comparison{Plan: speed, Compare: []pipeline.Plan{speed, thorough}}); err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(`5 legs; the manifest says speed

                                             speed                        thorough
                      examples      tokens    cost  examples      tokens      cost
  trial                      -           -       -       500     160,885     $0.48
  sample                     -           -       -    50,000  16,088,500    $48.27
  full                 100,000  32,177,000  $96.53   100,000  32,177,000    $96.53
  sample and full            -           -       -   150,000  48,265,500   $144.80
  all training         100,000  32,177,000  $96.53   150,500  48,426,385   $145.28
  benchmark, at most                         $0.02                           $0.06
  together, at most                         $96.55                         $145.34
  hours, about                                8.04                           12.11

speed skips
  the trial on 100 examples and its gate

thorough skips
  nothing
  blocked: agent-1: over ?[31m budget
`, "?", "\ufffd")
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// A price that nobody knows is no $0.00.
func TestPlanUnknownPrice(t *testing.T) {
	unknown := pipeline.USD(math.NaN())
	full := pipeline.PlanPhase{Name: "full", Examples: 10, TrainingTokens: 1000, TrainingUSD: unknown}
	p := pipeline.Plan{Profile: "speed", Legs: []pipeline.PlanLeg{{ID: "a", BaseModel: "m", Phases: []pipeline.PlanPhase{full}}}, Phases: []pipeline.PlanPhase{full},
		TrainingUSD: unknown, BenchmarkUSD: unknown, CostUSD: unknown, Notes: []string{"the key is not set"}}
	var b strings.Builder
	if err := errors.Join(Plan(&b, p), Comparison(&b, pipeline.Comparison{Plan: p, Compare: []pipeline.Plan{p}})); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); strings.Contains(got, "$") || strings.Contains(got, "NaN") || strings.Count(got, "unknown") != 9 ||
		!strings.Contains(got, "\ntraining unknown, benchmark unknown, together unknown, under a minute\n") || strings.Count(got, "\nnote: the key is not set\n") != 2 {
		t.Error(got)
	}
}

// A plan of which nothing can be launched is no table of zeros: it says what stops it, once, and what to do.
func TestPlanBlocked(t *testing.T) {
	finding := func(line int) diag.Finding {
		return diag.Finding{Rule: "invalid-json", Severity: diag.Critical, File: "t\x1b[31m.jsonl", Line: line, Message: "not JSON", Hint: "check quotes"}
	}
	p := pipeline.Plan{Profile: "speed", Legs: make([]pipeline.PlanLeg, 2), Blocked: []string{"a: 2 problems", "b: 2 problems"},
		Findings: []diag.Finding{finding(3), finding(3), finding(9), {Rule: "short", Severity: diag.Warning, Message: "short"}}}
	const said = "critical: t\ufffd[31m.jsonl:3: not JSON (and 1 more like it); lines 3, 9 [invalid-json]\n  hint: check quotes\n"
	var b strings.Builder
	if err := Plan(&b, p); err != nil || b.String() != "profile speed, 2 legs\n\nblocked: a: 2 problems\nblocked: b: 2 problems\n"+said {
		t.Errorf("%v\n%s", err, b.String())
	}
	b.Reset()
	if err := Comparison(&b, pipeline.Comparison{Plan: p, Compare: []pipeline.Plan{p}}); err != nil ||
		b.String() != "2 legs; the manifest says speed\n\nspeed skips\n  nothing\n  blocked: a: 2 problems\n  blocked: b: 2 problems\n\n"+said {
		t.Errorf("%v\n%s", err, b.String())
	}

	p.Findings = nil
	for i := range 12 {
		f := finding(1)
		f.Rule = string(rune('a' + i))
		p.Findings = append(p.Findings, f)
	}
	b.Reset()
	if err := Plan(&b, p); err != nil || strings.Count(b.String(), "critical: ") != 10 || !strings.HasSuffix(b.String(), "\nand critical findings of 2 more kinds\n") {
		t.Errorf("%v\n%s", err, b.String())
	}
}
