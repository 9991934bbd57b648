package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tunegate/tunegate/internal/bench"
	"github.com/tunegate/tunegate/internal/cost"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/grade"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/report"
	"github.com/tunegate/tunegate/internal/suite"
)

// Names of the arms.
const (
	baseArm  = "base"
	tunedArm = "tuned"
)

// concurrency is how many requests a leg's benchmark has under way.
const concurrency = 16

// maxFailed is the share of the tests that may be asked which may stay without an answer from both arms, one test at
// least; more, and there is no verdict. The benchmark ends as soon as there are more.
const maxFailed = 0.05

// firstLook is how many tests are asked before the first look at how high the base scores, where nothing else asks for a look.
const firstLook = 64

// exam is what the models of a leg are asked, and how that is judged.
type exam struct {
	tests  []suite.Test // in the order to ask them
	grader grade.Grader
	policy gate.Policy
	manifest.Benchmark
}

// exam lays it out; used gathers what the grader itself asks for, nil if nobody will ask.
func (r *run) exam(l *leg, used *usage) (exam, error) {
	grader, err := l.grader()
	tests := l.tests.Order(uint64(l.agent.Seed))
	tests = tests[:min(len(tests), most(r.m.Benchmark))]
	x := exam{tests, grader.With(r.means(l, used)), policy(l.agent.Gate, r.m.Benchmark.Stop), r.m.Benchmark}
	x.policy.Total = len(tests)
	x.policy.Sequential = x.policy.Sequential && l.tasks == nil
	x.Repeats = max(x.Repeats, 1)
	return x, err
}

// tolerable is how many of so many tests may stay unanswered: one always, since one is no pattern.
func tolerable(asked int) int { return max(1, int(maxFailed*float64(asked))) }

// worst is what the pairs would be if every unanswered test had been lost. Which tests a service fails on may have to do with what
// the answer would have been, so a pass must hold for this too.
func worst(pairs []gate.Pair, failed []bench.Sample) []gate.Pair {
	all := slices.Clone(pairs)
	for _, f := range failed {
		all = append(all, gate.Pair{ID: f.Test, Base: 1})
	}
	return all
}

// settled reports whether no more tests are needed, whatever the unanswered ones would have been.
func settled(pairs []gate.Pair, failed []bench.Sample, p gate.Policy) bool {
	if !gate.Settled(pairs, p) {
		return false
	}
	if len(failed) == 0 {
		return true
	}
	lost := worst(pairs, failed)
	return len(failed) <= tolerable(len(lost)) && gate.Settled(lost, p) && gate.Decide(lost, p).Verdict == gate.Decide(pairs, p).Verdict
}

// benchmark asks both arms the same tests and decides; tuned asks the tuned one. An error means that there is nothing to decide on.
func (r *run) benchmark(ctx context.Context, l *leg, p phase, out *report.Phase, tuned bench.Completer) error {
	graders := new(usage)
	x, err := r.exam(l, graders)
	if err != nil {
		return err
	}
	at := r.places.byName[l.agent.Provider]
	base := l.answers.Over(at.identity, at.pace.Over(at.client))
	plan := bench.Plan{
		Arms:        []bench.Arm{{Name: baseArm, Model: l.agent.BaseModel, Completer: base}, {Name: tunedArm, Model: out.Model, Completer: tuned}},
		Tests:       x.tests,
		Grader:      x.grader,
		Temperature: x.Temperature,
		Repeats:     x.Repeats,
		Concurrency: concurrency,
		MaxFailed:   tolerable(len(x.tests)),
		First:       firstLook,
		Notify: func(done, all int) {
			r.tell(Event{Leg: l.out.ID, Stage: Benchmarking, Phase: p.name, Step: done, Steps: all})
		},
	}
	if x.policy.Sequential {
		plan.First, plan.Batch = x.Quick, x.Quick
	}
	told := false
	plan.Decide = func(samples []bench.Sample) bool {
		pairs, failed := pair(x.Reduce.Reduce(samples))
		if why := x.outOfReach(pairs); why != "" && !told {
			told = true
			r.tell(Event{Leg: l.out.ID, Stage: Benchmarking, Phase: p.name, Text: fmt.Sprintf("%s: on the first %s %s", p.name, count(len(pairs), "test"), why)})
		}
		return x.policy.Sequential && settled(pairs, failed, x.policy)
	}
	began := time.Now()
	single, err := bench.Run(ctx, plan)
	if judging := r.judgePatches(ctx, l, p, single, plan.MaxFailed); err == nil {
		err = judging
	}
	if r.Samples != nil {
		r.Samples(l.out.ID, p.name, single, x.Reduce)
	}
	samples := x.Reduce.Reduce(single)
	pairs, failed := pair(samples)
	l.outcomes = outcomes(x.tests, samples)
	b := &report.Benchmark{
		Grader: l.agent.Grader.Name, Available: l.available, LeftOut: l.available - len(l.tests.Tests), Repeats: x.Repeats,
		Asked: len(samples) / len(plan.Arms), Failed: len(failed), Seconds: time.Since(began).Seconds(),
		Labels: labels(x.tests, pairs, x.policy), Flips: flips(x.tests, samples),
	}
	used(b, single)
	out.Benchmark = b
	spent := cost.Inference(*l.price, b.InputTokens, b.OutputTokens) + graders.costUSD
	out.CostUSD += spent
	r.settle(l, p.benchmarkUSD, spent)
	// What was asked just before the launch, and paid for then, is of this benchmark.
	b.Cached -= min(b.Cached, l.ahead.Asked)
	b.InputTokens += l.ahead.InputTokens
	b.OutputTokens += l.ahead.OutputTokens
	l.ahead = report.Benchmark{}
	if err != nil {
		return fmt.Errorf("benchmark: %w", err)
	}
	if len(failed) > tolerable(b.Asked) {
		return fmt.Errorf("benchmark: %d of %d tests had no answer, the first because: %s", len(failed), b.Asked, failed[0].Error)
	}
	x.policy.Exhausted = b.Asked == len(x.tests)
	d := gate.Decide(pairs, x.policy)
	if len(failed) > 0 {
		d.Reasons = append(d.Reasons, fmt.Sprintf("%d of %d tests had no answer from both models and do not count", len(failed), b.Asked))
		if d.Verdict == gate.Pass && gate.Decide(worst(pairs, failed), x.policy).Verdict != gate.Pass {
			d.Verdict = gate.Inconclusive
			d.Reasons = append([]string{fmt.Sprintf("it would not pass if the %s had been lost", count(len(failed), "unanswered test"))}, d.Reasons...)
		}
	}
	if b.Cached > 0 {
		d.Reasons = append(d.Reasons, fmt.Sprintf("%d of %d answers of the base are from an earlier benchmark, graded anew", b.Cached, b.Asked*x.Repeats))
	}
	out.Decision = &d
	if n := likeBase(samples); n > 0 {
		return fmt.Errorf("the tuned model answers like the base: of %d answers %d are the same to the letter; either it is not the fine-tune that answers, such as an adapter that is not applied, or the training changed nothing", len(pairs), n)
	}
	return nil
}

// used enters in the report what the answers took. Those that were there before took nothing now.
func used(b *report.Benchmark, samples []bench.Sample) {
	latency := map[string][]float64{}
	for _, s := range samples {
		b.Refused += s.Refused
		if s.Error == "" {
			latency[s.Arm] = append(latency[s.Arm], s.Latency.Seconds())
		}
		if s.Cached {
			b.Cached++
			continue
		}
		b.InputTokens += int64(s.InputTokens)
		b.OutputTokens += int64(s.OutputTokens)
	}
	b.BaseLatency, b.TunedLatency = median(latency[baseArm]), median(latency[tunedArm])
}

// median is 0 where there is nothing.
func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// enoughSeen is how many tests say something of how high the base scores.
const enoughSeen = 30

// outOfReach says why no model would pass that is asked tests on which the base scores as on these; "" where one could, or
// where these are too few to say. It is an estimate, so it stops nothing.
func (x exam) outOfReach(pairs []gate.Pair) string {
	if len(pairs) < enoughSeen {
		return ""
	}
	sum := 0.0
	for _, q := range pairs {
		sum += q.Base
	}
	return gate.Impossible(sum/float64(len(pairs)), len(x.tests), x.policy)
}

// errOutOfReach is wrapped when it is certain that no fine-tune could pass.
var errOutOfReach = errors.New("no fine-tune could pass")

// firstTime is how long the base may be asked before a launch. A service that takes longer is asked in the benchmark.
const firstTime = 2 * time.Minute

// reachable asks the base, before a fine-tune is paid for, whether it leaves enough to improve on, and returns what that has cost. It
// goes on until a good enough model could pass, which is so after the first batch but for a base that is very good. A test without an
// answer counts as a wrong one, so what is refused is out of reach for certain. The answers are kept: the benchmark asks none of them again.
func (r *run) reachable(ctx context.Context, l *leg) (usd float64, err error) {
	if l.answers == nil || l.tasks != nil { // nobody benchmarks, or only a harness could tell
		return 0, nil
	}
	graders := new(usage)
	x, err := r.exam(l, graders)
	if err != nil || len(x.tests) == 0 {
		return 0, err
	}
	at := r.places.byName[l.agent.Provider]
	mean := func(samples []bench.Sample, of int) float64 {
		sum := 0.0
		for _, s := range x.Reduce.Reduce(samples) {
			if s.Error == "" {
				sum += s.Score
			}
		}
		return sum / float64(of)
	}
	plan := bench.Plan{
		Arms:        []bench.Arm{{Name: baseArm, Model: l.agent.BaseModel, Completer: l.answers.Over(at.identity, at.pace.Over(at.client))}},
		Tests:       x.tests,
		Grader:      x.grader,
		Temperature: x.Temperature,
		Repeats:     x.Repeats,
		First:       enoughSeen,
		Batch:       enoughSeen,
		Concurrency: concurrency,
		Decide: func(samples []bench.Sample) bool {
			return gate.Impossible(mean(samples, len(samples)/x.Repeats), len(x.tests), x.policy) == ""
		},
	}
	if x.policy.Sequential { // the benchmark may end after its first batch, and so is asked no more than that
		plan.First, plan.Batch = x.Quick, x.Quick
	}
	limited, stop := context.WithTimeout(ctx, firstTime)
	defer stop()
	samples, asking := bench.Run(limited, plan)
	b := new(report.Benchmark)
	used(b, samples)
	usd = cost.Inference(*l.price, b.InputTokens, b.OutputTokens) + graders.costUSD
	for _, s := range samples {
		if s.Error == "" && !s.Cached {
			l.ahead.Asked++
		}
	}
	l.ahead.InputTokens += b.InputTokens
	l.ahead.OutputTokens += b.OutputTokens
	if asking != nil {
		return usd, ctx.Err() // it took too long, which the benchmark will be told of
	}
	if why := gate.Impossible(mean(samples, len(x.tests)), len(x.tests), x.policy); why != "" {
		return usd, fmt.Errorf("%w: %s", errOutOfReach, why)
	}
	return usd, nil
}

// policy is the manifest's gate in the gate's own terms.
func policy(g manifest.Gate, s manifest.Stop) gate.Policy {
	p := gate.Policy{Margin: g.MinImprovement, Measure: gate.Measure(g.Measure), Rule: gate.Rule(g.Rule), Sequential: s == manifest.StopEarly}
	if g.OnInconclusive == manifest.InconclusivePasses {
		p.OnInconclusive = gate.Pass
	}
	return p
}
