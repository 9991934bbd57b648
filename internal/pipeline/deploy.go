package pipeline

import (
	"context"
	"fmt"

	"github.com/tunegate/tunegate/internal/report"
	"github.com/tunegate/tunegate/internal/train"
)

// deploy has the tuned model of a phase answer, where the service makes a step of its own of that, and enters its name in
// the report. What was deployed costs, or takes a place: takeDown is called as soon as the benchmark is over, whatever
// came of it.
func (r *run) deploy(ctx context.Context, l *leg, p phase, out *report.Phase) (takeDown func(), err error) {
	at := r.places.byName[l.agent.Provider]
	job := train.Job{ID: out.Job, Model: out.Model}
	model, remove, err := train.Deployer(at.client).Deploy(ctx, job, l.agent.BaseModel, l.launch(p, at).Spec.Label())
	if err != nil {
		return nil, err
	}
	if model == "" {
		return nil, fmt.Errorf("job %s has succeeded, but the service names no model", out.Job)
	}
	if model == out.Model {
		return func() {}, nil
	}
	out.Model = model
	r.tell(Event{Leg: l.out.ID, Stage: Benchmarking, Phase: p.name, Text: fmt.Sprintf("%s: deployed as %s", p.name, model)})
	if remove == nil {
		return func() {
			l.out.Next = append(l.out.Next, fmt.Sprintf("%s was deployed before this run, which leaves it to whoever did that: take it down if no other run is asking it", model))
		}, nil
	}
	return func() {
		text := fmt.Sprintf("%s was taken down after the benchmark: to use it, deploy the last checkpoint of job %s again", model, out.Job)
		if err := remove(); err != nil {
			text = fmt.Sprintf("take down %s yourself: %v", model, err)
		}
		l.out.Next = append(l.out.Next, text)
		r.tell(Event{Leg: l.out.ID, Stage: Benchmarking, Phase: p.name, Text: p.name + ": " + text})
	}, nil
}
