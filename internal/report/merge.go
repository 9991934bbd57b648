package report

import (
	"errors"
	"fmt"
	"slices"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
)

// Merge makes one report of those of several jobs of a run: of one manifest, judged by one gate. Its legs are those that the
// parts expect, in that order; one that no part has is an error, since a job that was killed leaves no report. A leg may be in
// one part only. Jobs run side by side, so the time is the longest of theirs; money adds up. The parts stay as they are.
func Merge(parts ...Report) (Report, error) {
	if len(parts) == 0 {
		return Report{}, errors.New("no report to merge")
	}
	all := parts[0]
	all.Legs, all.Estimate, all.Changes = nil, nil, nil
	told := map[string]bool{}
	legs := map[string]Leg{} // empty until it is reported
	for _, id := range all.Expected {
		legs[id] = Leg{}
	}
	for _, p := range parts {
		if err := all.sameRun(p); err != nil {
			return Report{}, err
		}
		p.Legs = slices.Clone(p.Legs)
		for i := range p.Legs {
			p.Legs[i].Phases = slices.Clone(p.Legs[i].Phases)
		}
		p.Complete()
		for _, l := range p.Legs {
			have, expected := legs[l.ID]
			switch {
			case !expected:
				return Report{}, fmt.Errorf("the leg %s is none of those that the reports expect", l.ID)
			case have.ID != "":
				return Report{}, fmt.Errorf("the leg %s is in two of the reports", l.ID)
			}
			legs[l.ID] = l
		}
		if p.Started.Before(all.Started) {
			all.Started = p.Started
		}
		for _, f := range p.Changes { // each once: the jobs of a run see the same manifests
			if text := f.String(); !told[text] {
				told[text] = true
				all.Changes = append(all.Changes, f)
			}
		}
		all.Seconds = max(all.Seconds, p.Seconds)
		if p.Estimate != nil {
			sum := *p.Estimate
			if all.Estimate != nil {
				sum.TrainingUSD += all.Estimate.TrainingUSD
				sum.BenchmarkUSD += all.Estimate.BenchmarkUSD
			}
			all.Estimate = &sum
		}
	}
	for _, id := range all.Expected {
		l := legs[id]
		if l.ID == "" {
			l = Leg{ID: id, Agent: id, Verdict: gate.Error, Reasons: []string{"no report of this leg"}, Next: []string{"run the job of this leg again: it launches nothing twice"}}
		}
		all.Legs = append(all.Legs, l)
	}
	diag.Sort(all.Changes)
	all.Complete()
	return all, nil
}

// sameRun refuses a part of another run than that of the first.
func (r *Report) sameRun(p Report) error {
	switch {
	case p.Name != r.Name:
		return fmt.Errorf("the reports are of two runs, %q and %q", r.Name, p.Name)
	case !slices.Equal(p.Expected, r.Expected):
		return errors.New("the reports are of manifests with different legs")
	case measured(p.Measure) != measured(r.Measure):
		return fmt.Errorf("the reports were judged differently: by the measure %s, and by %s", measured(r.Measure), measured(p.Measure))
	case p.Rule != r.Rule || p.Margin != r.Margin:
		return fmt.Errorf("the reports were judged differently: by the rule %s with a margin of %g, and by %s with %g", r.Rule, r.Margin, p.Rule, p.Margin)
	}
	return nil
}
