package pipeline

import (
	"context"
	"fmt"

	"github.com/tunegate/tunegate/internal/bench"
	"github.com/tunegate/tunegate/internal/cost"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/grade"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/report"
	"github.com/tunegate/tunegate/internal/suite"
)

// guard is a suite that the leg's model may not get worse on.
type guard struct {
	manifest.Guard
	tests     []suite.Test // in the order to ask them
	available int          // in the file
	grader    grade.Grader
}

// openGuards opens the suites of the leg's guards. All of their tests may be asked, whenever the benchmark stops.
func (l *leg) openGuards(m *manifest.Manifest) error {
	findings := &l.unaudited
	for _, g := range l.agent.Gate.Guards {
		s, err := take(findings, func() (suite.Suite, error) { return suite.Open(g.TestsPath, g.Tests) })
		if err != nil {
			return err
		}
		grader, err := grade.Make(g.Grader)
		if err != nil {
			return err
		}
		available := len(s.Tests)
		again, found := repeated(s)
		*findings = append(append(append(*findings, s.Findings...), found...), unmeasurable(grader, s)...)
		s = s.Without(again)
		tests := s.Order(uint64(l.agent.Seed))
		if most := m.Benchmark.Full; most > 0 {
			tests = tests[:min(len(tests), most)]
		}
		if few := gate.GuardTests(g.MaxLoss); len(tests) > 0 && len(tests) < few {
			*findings = append(*findings, diag.Finding{Rule: "small-guard", Severity: diag.Warning, File: s.File,
				Message: fmt.Sprintf("the guard %s asks %s: models that agree on all of them would not be shown to lose no more than %.4g %%", g.Name, count(len(tests), "test"), 100*g.MaxLoss),
				Hint:    fmt.Sprintf("about %d tests would show it, or allow a larger max_loss", few)})
		}
		l.guards = append(l.guards, guard{g, tests, available, grader})
	}
	return nil
}

// guardsReady reports why a guard could not be asked here.
func (r *run) guardsReady(ctx context.Context, l *leg) error {
	for _, g := range l.guards {
		if len(g.tests) == 0 {
			return fmt.Errorf("the guard %s has no test to ask", g.Name)
		}
		if err := g.grader.With(r.means(l, new(usage))).Ready(ctx); err != nil {
			return fmt.Errorf("the guard %s: %w", g.Name, err)
		}
	}
	return nil
}

// hold asks both arms the suites of the guards, once the tuned model has passed, and judges whether it has got worse on one. An error
// means that there is nothing to judge by.
func (r *run) hold(ctx context.Context, l *leg, p phase, out *report.Phase, tuned bench.Completer) error {
	defer func() { r.settle(l, p.guardsUSD, 0) }()
	for _, g := range l.guards {
		if err := r.holdOne(ctx, l, p, out, tuned, g); err != nil {
			return fmt.Errorf("guard %s: %w", g.Name, err)
		}
	}
	return nil
}

func (r *run) holdOne(ctx context.Context, l *leg, p phase, out *report.Phase, tuned bench.Completer, g guard) error {
	graders := new(usage)
	at := r.places.byName[l.agent.Provider]
	base := l.answers.Over(at.identity, at.pace.Over(at.client))
	single, err := bench.Run(ctx, bench.Plan{
		Arms:        []bench.Arm{{Name: baseArm, Model: l.agent.BaseModel, Completer: base}, {Name: tunedArm, Model: out.Model, Completer: tuned}},
		Tests:       g.tests,
		Grader:      g.grader.With(r.means(l, graders)),
		Temperature: r.m.Benchmark.Temperature,
		Repeats:     r.m.Benchmark.Repeats,
		Concurrency: concurrency,
		MaxFailed:   tolerable(len(g.tests)),
		Notify: func(done, all int) {
			r.tell(Event{Leg: l.out.ID, Stage: Benchmarking, Phase: p.name, Step: done, Steps: all})
		},
	})
	samples := r.m.Benchmark.Reduce.Reduce(single)
	pairs, failed := pair(samples)
	b := new(report.Benchmark)
	used(b, single)
	spent := cost.Inference(*l.price, b.InputTokens, b.OutputTokens) + graders.costUSD
	out.CostUSD += spent
	r.settle(l, spent, spent)
	if err != nil {
		return err
	}
	asked := len(pairs) + len(failed)
	if len(failed) > tolerable(asked) {
		return fmt.Errorf("%d of %d tests had no answer, the first because: %s", len(failed), asked, failed[0].Error)
	}
	lenient := policy(l.agent.Gate, r.m.Benchmark.Stop)
	d := gate.Guard(pairs, g.MaxLoss, lenient)
	if len(failed) > 0 {
		d.Reasons = append(d.Reasons, fmt.Sprintf("%d of %d tests had no answer from both models and do not count", len(failed), asked))
		if d.Verdict == gate.Pass && gate.Guard(worst(pairs, failed), g.MaxLoss, lenient).Verdict != gate.Pass {
			d.Verdict = gate.Inconclusive
			d.Reasons = append([]string{fmt.Sprintf("it would not hold if the %s had been lost", count(len(failed), "unanswered test"))}, d.Reasons...)
		}
	}
	out.Guards = append(out.Guards, report.Guard{
		Name: g.Name, Tests: g.Tests, Grader: g.Grader.Name, MaxLoss: g.MaxLoss, Available: g.available, Asked: asked, Failed: len(failed), Decision: d, Flips: flips(g.tests, samples),
	})
	return nil
}

// guarded is the verdict of a phase with those of its guards, and the reasons: what kept it from a pass first.
func guarded(p *report.Phase) (gate.Verdict, []string) {
	verdict := p.Decision.Verdict
	var first, last []string
	for _, g := range p.Guards {
		verdict = gate.Worst(verdict, g.Decision.Verdict)
		at := &last
		if g.Decision.Verdict != gate.Pass {
			at = &first
		}
		for i, reason := range g.Decision.Reasons {
			if i == 0 {
				reason = fmt.Sprintf("guard %s: %s", g.Name, reason)
			}
			*at = append(*at, reason)
		}
	}
	return verdict, append(append(first, p.Decision.Reasons...), last...)
}

// forgotten says what a person does whose model holds its own tests and not the guards.
func forgotten(p *report.Phase) (todo []string) {
	if p.Decision.Verdict != gate.Pass {
		return nil
	}
	for _, g := range p.Guards {
		switch d := g.Decision; d.Verdict {
		case gate.Fail:
			todo = append(todo, fmt.Sprintf("the model has forgotten what the guard %s asks: mix examples like it, though not its tests, into the training data, or train for fewer epochs", g.Name))
		case gate.Inconclusive:
			if n := max(d.NeededN, gate.GuardTests(g.MaxLoss)); n > d.N {
				todo = append(todo, fmt.Sprintf("add tests to the guard %s: about %d would settle it, %d were asked", g.Name, n, d.N))
			}
		}
	}
	return todo
}

// asking estimates what both arms cost that are asked so many of the tests, every vote of a judge included.
func (l *leg) asking(m *manifest.Manifest, tests []suite.Test, g grade.Options) float64 {
	asked, answered := l.tokensOf(tests)
	return float64(2*max(m.Benchmark.Repeats, 1)) * (cost.Inference(*l.price, asked, answered) + judgeUSD(m, g, len(tests), asked, answered))
}

// unpriced returns the judge of the leg whose price is unknown, "" when there is none.
func (l *leg) unpriced(m *manifest.Manifest) string {
	all := []grade.Options{l.agent.Grader}
	for _, g := range l.guards {
		all = append(all, g.Grader)
	}
	for _, o := range all {
		if judges(o) && m.Price(o.Model) == nil {
			return o.Model
		}
	}
	return ""
}
