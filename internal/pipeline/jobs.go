package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/journal"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/report"
	"github.com/tunegate/tunegate/internal/train"
)

// Job is what a provider has for one phase of a leg: a job, or none.
type Job struct {
	Leg             string     `json:"leg"`
	Phase           string     `json:"phase"`
	Key             string     `json:"run_key"`
	Job             string     `json:"job"`     // "" when there is none
	Status          string     `json:"status"`  // likewise
	Attempt         int        `json:"attempt"` // likewise 0
	Created         *time.Time `json:"created"` // by the provider's clock
	EstimatedFinish *time.Time `json:"estimated_finish"`
	Model           string     `json:"model"`
	Error           string     `json:"error"` // why the job failed, or why nothing is known
}

// Status asks the providers for the jobs of these inputs: every phase of every leg, in the manifest's order, and of a phase
// the job first that a run would go on with. It launches nothing, audits only as far as the run keys need it, and takes
// no notice of the journal. A leg whose data cannot be read has a line that says why.
func Status(ctx context.Context, m *manifest.Manifest, o Options) ([]Job, error) {
	return eachPhase(ctx, m, o, func(_ *leg, _ phase, launch train.Launch) ([]train.Job, error) { return train.Jobs(ctx, launch) })
}

// CancelJobs ends the jobs of these inputs that are under way and returns them, ended. The journals say so afterwards, unless a
// run that goes on holds them, which sees it by itself.
func CancelJobs(ctx context.Context, m *manifest.Manifest, o Options) ([]Job, error) {
	jobs, err := eachPhase(ctx, m, o, func(l *leg, _ phase, launch train.Launch) ([]train.Job, error) {
		launch.Record = func(train.Event) error { return nil }
		book, err := journal.Open(filepath.Join(o.State, "legs", l.out.ID+".journal"))
		switch {
		case errors.Is(err, journal.ErrLocked):
		case err != nil:
			return nil, err
		default:
			defer book.Close()
			if launch.Past, err = past(book, l.out.ID); err != nil {
				return nil, err
			}
			launch.Record = func(e train.Event) error { return book.Append(e) }
		}
		return train.Cancel(ctx, launch)
	})
	var ended []Job
	for _, j := range jobs {
		if j.Job != "" || j.Error != "" {
			ended = append(ended, j)
		}
	}
	return ended, err
}

// Retry launches one more attempt, whatever number that is, for each leg whose newest fine-tune failed, was cancelled or is
// gone, and returns without waiting for it; the next run picks it up and benchmarks. Audit and budget count as in a run.
// The result is a line for each leg that it looked at: its job, with Error saying why nothing was launched.
func Retry(ctx context.Context, m *manifest.Manifest, o Options) (jobs []Job, launched int, err error) {
	o.Wait = 0
	r, legs, err := prepare(ctx, m, o)
	if err != nil {
		return nil, 0, err
	}
	r.again = true
	places, err := r.openEndpoints(legs)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, places.close()) }()
	r.places = places
	lines := make([]Job, len(legs))
	counts := make([]int, len(legs))
	r.each(len(legs), func(i int) { lines[i], counts[i] = r.retry(ctx, legs[i]) })
	for _, n := range counts {
		launched += n
	}
	return lines, launched, ctx.Err()
}

// retry launches the first phase of the leg that has not succeeded, if it was launched before.
func (r *run) retry(ctx context.Context, l *leg) (Job, int) {
	if l.out.Verdict != "" {
		return Job{Leg: l.out.ID, Error: l.out.Reasons[0]}, 0
	}
	book, err := journal.Open(filepath.Join(r.State, "legs", l.out.ID+".journal"))
	if err != nil {
		return Job{Leg: l.out.ID, Error: err.Error()}, 0
	}
	defer book.Close()
	events, err := past(book, l.out.ID)
	if err != nil {
		return Job{Leg: l.out.ID, Error: err.Error()}, 0
	}
	var line Job
	for _, p := range l.phases {
		launch := l.launch(p, r.places.byName[l.agent.Provider])
		launch.Until = r.until
		line = Job{Leg: l.out.ID, Phase: p.name, Key: string(launch.Spec.Key())}
		found, err := train.Jobs(ctx, launch)
		if err != nil {
			line.Error = err.Error()
			return line, 0
		}
		before := train.WasLaunched(events, launch.Spec.Key())
		switch {
		case len(found) == 0 && !before:
			line.Error = "was never launched: tunegate run does that"
			return line, 0
		case len(found) > 0:
			line.is(found[0])
			if found[0].Status == train.Succeeded {
				continue
			}
			if !found[0].Status.Final() {
				line.Error = "is under way: there is nothing to try again"
				return line, 0
			}
		}
		out := &report.Phase{Name: p.name}
		state, err := r.train(ctx, l, p, out, book, func() {})
		line.is(state.Job)
		if at := r.standing(ctx, l, state, err); at.verdict != gate.Pending || state.Launched == 0 {
			line.Error = at.reason
		}
		return line, state.Launched
	}
	line.Error = "has succeeded: there is nothing to try again"
	return line, 0
}

// eachPhase finds the run keys of all phases of the legs and looks up what do returns for each.
func eachPhase(ctx context.Context, m *manifest.Manifest, o Options, do func(*leg, phase, train.Launch) ([]train.Job, error)) ([]Job, error) {
	agents, err := selected(m, o.Legs)
	if err != nil {
		return nil, err
	}
	r := &run{Options: o, m: m}
	legs := make([]*leg, len(agents))
	r.each(len(agents), func(i int) {
		legs[i] = newLeg(m, agents[i])
		r.locate(ctx, legs[i])
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	places, err := r.openEndpoints(legs)
	if err != nil {
		return nil, err
	}
	lines, errs := make([][]Job, len(legs)), make([]error, len(legs))
	r.each(len(legs), func(i int) {
		l := legs[i]
		if l.out.Verdict != "" {
			lines[i] = []Job{{Leg: l.out.ID, Error: l.out.Reasons[0]}}
			return
		}
		for _, p := range l.phases {
			launch := l.launch(p, places.byName[l.agent.Provider])
			launch.Until = time.Now() // a service that fails is not outlasted: somebody waits for the answer
			line := Job{Leg: l.out.ID, Phase: p.name, Key: string(launch.Spec.Key())}
			found, err := do(l, p, launch)
			if err != nil {
				errs[i] = errors.Join(errs[i], fmt.Errorf("%s: %w", l.out.ID, err))
			}
			for _, j := range found {
				line.is(j)
				lines[i] = append(lines[i], line)
			}
			if len(found) == 0 {
				lines[i] = append(lines[i], line)
			}
		}
	})
	var all []Job
	for _, l := range lines {
		all = append(all, l...)
	}
	return all, errors.Join(append(errs, places.close())...)
}

// locate reads the leg's data as far as the run keys of its phases need it. What an audit has against them is no matter
// here: the jobs may be there from before.
func (r *run) locate(ctx context.Context, l *leg) {
	err := l.read(ctx, r.m, AuditOptions{})
	switch {
	case err != nil:
		r.end(l, gate.Error, err.Error())
	case len(l.audit.Files) == 0:
		r.end(l, gate.Error, "its data cannot be read: tunegate audit shows why")
	case r.unused(l):
		r.end(l, gate.Inconclusive, "was never launched: there is no state folder of the embedded engine")
	default:
		l.plan(r.m)
		r.identify(ctx, l)
	}
}

// unused reports whether the leg belongs to an embedded engine that has no folder yet, which only to look would make.
func (r *run) unused(l *leg) bool {
	if r.m.Providers[l.agent.Provider].Kind != manifest.KindLocal {
		return false
	}
	_, err := os.Stat(filepath.Join(r.State, "local"))
	return errors.Is(err, fs.ErrNotExist)
}

// is makes the line one of a provider's job.
func (j *Job) is(t train.Job) {
	j.Job, j.Status, j.Attempt, j.Model, j.Error = t.ID, string(t.Status), t.Attempt, t.Model, t.Error
	j.Created, j.EstimatedFinish = nil, nil
	if !t.CreatedAt.IsZero() {
		j.Created = &t.CreatedAt
	}
	if !t.EstimatedFinish.IsZero() {
		j.EstimatedFinish = &t.EstimatedFinish
	}
}
