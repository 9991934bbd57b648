package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

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

// watchEvery is how many tests are asked between two looks at the failures, where nothing else asks for a look.
const watchEvery = 64

// benchmark asks both arms the same tests and decides; tuned asks the tuned one. An error means that there is nothing to decide on.
func (r *run) benchmark(ctx context.Context, l *leg, p phase, out *report.Phase, tuned bench.Completer) error {
	grader, err := grade.New(l.agent.Grader.Name, l.agent.Grader.Pattern)
	if err != nil {
		return err
	}
	client := r.places.byName[l.agent.Provider].client
	policy := policy(l.agent.Gate, r.m.Benchmark.Stop)
	tests := l.tests.Order(uint64(l.agent.Seed))
	tests = tests[:min(len(tests), most(r.m.Benchmark))]
	policy.Total = len(tests)
	plan := bench.Plan{
		Arms:        []bench.Arm{{Name: baseArm, Model: l.agent.BaseModel, Completer: client}, {Name: tunedArm, Model: out.Model, Completer: tuned}},
		Tests:       tests,
		Grader:      grader,
		Concurrency: concurrency,
		Notify: func(done, all int) {
			r.tell(Event{Leg: l.out.ID, Stage: Benchmarking, Phase: p.name, Step: done, Steps: all})
		},
	}
	tolerable := max(1, int(maxFailed*float64(len(tests))))
	plan.First, plan.Batch = watchEvery, watchEvery
	if policy.Sequential {
		plan.First, plan.Batch = r.m.Benchmark.Quick, r.m.Benchmark.Quick
	}
	plan.Decide = func(samples []bench.Sample) bool {
		pairs, failed := pair(samples)
		return len(failed) > tolerable || policy.Sequential && gate.Settled(pairs, policy)
	}
	began := time.Now()
	samples, err := bench.Run(ctx, plan)
	pairs, failed := pair(samples)
	l.outcomes = outcomes(tests, samples)
	b := &report.Benchmark{
		Grader: l.agent.Grader.Name, Available: l.available, LeftOut: l.available - len(l.tests.Tests),
		Asked: len(samples) / len(plan.Arms), Failed: len(failed), Seconds: time.Since(began).Seconds(), Flips: flips(tests, samples),
	}
	for _, s := range samples {
		b.InputTokens += int64(s.InputTokens)
		b.OutputTokens += int64(s.OutputTokens)
	}
	out.Benchmark = b
	spent := cost.Inference(*l.price, b.InputTokens, b.OutputTokens)
	out.CostUSD += spent
	r.settle(l, p.benchmarkUSD, spent)
	if err != nil {
		return fmt.Errorf("benchmark: %w", err)
	}
	if len(failed) > tolerable {
		return fmt.Errorf("benchmark: %d of %d tests had no answer, the first because: %s", len(failed), b.Asked, failed[0].Error)
	}
	policy.Exhausted = b.Asked == len(tests)
	d := gate.Decide(pairs, policy)
	if len(failed) > 0 {
		d.Reasons = append(d.Reasons, fmt.Sprintf("%d of %d tests had no answer from both models and do not count", len(failed), b.Asked))
	}
	out.Decision = &d
	if n := likeBase(samples); n > 0 {
		return fmt.Errorf("the tuned model answers like the base: of %d answers %d are the same to the letter; either it is not the fine-tune that answers, such as an adapter that is not applied, or the training changed nothing", len(pairs), n)
	}
	return nil
}

// From so many answers on, of which so large a share is the same to the letter, a tuned model is the base by another
// name: unless the base was right nearly always, which leaves nothing to learn.
const (
	sameAnswers = 20
	sameShare   = 0.99
	rightShare  = 0.9
)

// likeBase counts the answers that are the same, when they show that the fine-tune is not what answers; else it is 0. A
// service that drops an adapter says so nowhere (vllm#34186), and the gate would see a fine-tune without effect.
func likeBase(samples []bench.Sample) int {
	n, same, right := 0, 0, 0.0
	for i := 0; i+1 < len(samples); i += 2 {
		base, tuned := samples[i], samples[i+1]
		if base.Error != "" || tuned.Error != "" {
			continue
		}
		n++
		right += base.Score
		if base.Answer == tuned.Answer {
			same++
		}
	}
	if n < sameAnswers || float64(same) < sameShare*float64(n) || right >= rightShare*float64(n) {
		return 0
	}
	return same
}

// policy is the manifest's gate in the gate's own terms.
func policy(g manifest.Gate, s manifest.Stop) gate.Policy {
	p := gate.Policy{Margin: g.MinImprovement, Rule: gate.Rule(g.Rule), Sequential: s == manifest.StopEarly}
	if g.OnInconclusive == manifest.InconclusivePasses {
		p.OnInconclusive = gate.Pass
	}
	return p
}

// pair brings the arms' scores of each test together. A test that one arm did not answer is no pair; the first
// failure of each is returned.
func pair(samples []bench.Sample) (pairs []gate.Pair, failed []bench.Sample) {
	for i := 0; i+1 < len(samples); i += 2 {
		base, tuned := samples[i], samples[i+1]
		switch {
		case base.Error != "":
			failed = append(failed, base)
		case tuned.Error != "":
			failed = append(failed, tuned)
		default:
			pairs = append(pairs, gate.Pair{ID: base.Test, Base: base.Score, Tuned: tuned.Score})
		}
	}
	return pairs, failed
}

// Limits of what the report shows of single tests.
const (
	shownFlips = 10 // in each direction
	shownText  = 400
)

// flips picks the first tests that the arms score differently, losses ahead of gains: they are what to learn from.
func flips(tests []suite.Test, samples []bench.Sample) []report.Flip {
	byID := make(map[string]suite.Test, len(tests))
	for _, t := range tests {
		byID[t.ID] = t
	}
	var out []report.Flip
	wins, losses := 0, 0
	for i := 0; i+1 < len(samples); i += 2 {
		base, tuned := samples[i], samples[i+1]
		if base.Error != "" || tuned.Error != "" || base.Score == tuned.Score {
			continue
		}
		kind := &wins
		if tuned.Score < base.Score {
			kind = &losses
		}
		if *kind++; *kind > shownFlips {
			continue
		}
		t := byID[base.Test]
		out = append(out, report.Flip{
			Test: t.ID, Input: short(t.Input[len(t.Input)-1].Content), Ideal: short(t.Ideal[0]), Gain: tuned.Score - base.Score,
			Base: report.Answer{Text: short(base.Answer), Score: base.Score}, Tuned: report.Answer{Text: short(tuned.Answer), Score: tuned.Score},
		})
	}
	slices.SortStableFunc(out, func(a, b report.Flip) int { return cmp.Compare(a.Gain, b.Gain) })
	return out
}

// short cuts a text for the report.
func short(s string) string {
	if len(s) <= shownText {
		return s
	}
	cut := shownText
	for cut > shownText-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
