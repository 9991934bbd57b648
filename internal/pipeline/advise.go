package pipeline

import (
	"context"
	"fmt"

	"github.com/tunegate/tunegate/internal/advice"
	"github.com/tunegate/tunegate/internal/bench"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/suite"
)

// advise says what to change in a leg that did not pass: the deep audit looks at its data, unless the manifest forbids it
// or it has done so already, and the findings and the lost tests are ranked. That it fails changes no verdict.
func (r *run) advise(ctx context.Context, l *leg) {
	if l.train == nil || r.glance {
		return
	}
	l.enter(inAdvice, "")
	if !l.deep && r.m.Audit.Deep != manifest.DeepNever {
		r.tell(Event{Leg: l.out.ID, Stage: Auditing, Text: "looking into the data more deeply, since the leg did not pass"})
		if err := l.judge(ctx, r.m, AuditOptions{Deep: true, Baseline: r.baseline}); err != nil {
			l.out.Reasons = append(l.out.Reasons, fmt.Sprintf("the deep audit failed: %v", err))
		}
	}
	steps, err := advice.Rank(ctx, advice.Input{Findings: l.out.Audit.Findings, Train: l.train, Outcomes: l.outcomes})
	if err != nil {
		l.out.Reasons = append(l.out.Reasons, fmt.Sprintf("no advice could be given: %v", err))
	}
	l.out.Advice = steps
}

// outcomes pairs the samples with the tests they answer; a test that an arm did not answer teaches nothing.
func outcomes(tests []suite.Test, samples []bench.Sample) []advice.Outcome {
	byID := make(map[string]suite.Test, len(tests))
	for _, t := range tests {
		byID[t.ID] = t
	}
	var out []advice.Outcome
	for i := 0; i+1 < len(samples); i += 2 {
		base, tuned := samples[i], samples[i+1]
		if base.Error == "" && tuned.Error == "" {
			out = append(out, advice.Outcome{Test: byID[base.Test], Base: base.Score, Tuned: tuned.Score, Answer: tuned.Answer})
		}
	}
	return out
}
