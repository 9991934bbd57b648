package pipeline

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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

// statusTime is how long a provider may take to list the jobs of a fine-tune for a person who only wants to look.
const statusTime = 30 * time.Second

// Status asks the providers for the jobs of these inputs: every phase of every leg, in the manifest's order, and of a phase
// the job first that a run would go on with. It launches nothing, audits only as far as the run keys need it, and asks by name
// for a job that a journal knows and the list does not show yet. A leg whose data cannot be read, or whose provider does not answer, has a line that says why; the
// error is of providers, each once.
func Status(ctx context.Context, m *manifest.Manifest, o Options) ([]Job, error) {
	return eachPhase(ctx, m, o, func(r *run, l *leg, launch train.Launch) (jobs []train.Job, err error) {
		ctx, stop := context.WithTimeout(ctx, statusTime)
		defer stop()
		if launch.Past, err = r.remembered(l); err != nil {
			return nil, err
		}
		return train.Jobs(ctx, launch)
	})
}

// CancelJobs ends the jobs of these inputs that are under way and returns them, ended. The journals say so afterwards, unless a
// run that goes on holds them, which sees it by itself. Where nothing is known, there is a line that says so, and an error as
// of Status.
func CancelJobs(ctx context.Context, m *manifest.Manifest, o Options) ([]Job, error) {
	jobs, err := eachPhase(ctx, m, o, cancelOne(ctx))
	var ended []Job
	for _, j := range jobs {
		if j.Job != "" || j.Error != "" {
			ended = append(ended, j)
		}
	}
	return ended, err
}

// cancelOne ends what is under way of one fine-tune. While a run is at work on the leg, its job may be about to be made, or not
// be listed yet: that is waited for as long as a list may lag.
func cancelOne(ctx context.Context) func(*run, *leg, train.Launch) ([]train.Job, error) {
	return func(r *run, l *leg, launch train.Launch) ([]train.Job, error) {
		launch.Record = func(train.Event) error { return nil }
		book, err := journal.Open(filepath.Join(r.State, "legs", l.out.ID+".journal"))
		busy := errors.Is(err, journal.ErrLocked)
		switch {
		case err == nil:
			defer book.Close()
			launch.Record = func(e train.Event) error { return book.Append(e) }
		case !busy:
			return nil, err
		}
		for began := time.Now(); ; {
			if launch.Past, err = r.remembered(l); err != nil {
				return nil, err
			}
			ended, err := train.Cancel(ctx, launch)
			if err != nil || len(ended) > 0 || !busy {
				return ended, err
			}
			if known, err := train.Jobs(ctx, launch); err != nil || len(known) > 0 {
				return nil, err // all of them have ended
			}
			left := r.places.byName[l.agent.Provider].settle - time.Since(began)
			if left <= 0 {
				return nil, errors.New("another tunegate is at work on it, and no job of it is seen yet: cancel again when it has launched one")
			}
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(min(left, 5*time.Second)):
			}
		}
	}
}

// Retry launches one more attempt, whatever number that is, for each leg whose newest fine-tune failed, was cancelled or is
// gone, and returns without waiting for it; the next run picks it up and benchmarks. Audit and budget count as in a run.
// The result is a line for each leg that it looked at: its job, with Error saying why nothing was launched.
func Retry(ctx context.Context, m *manifest.Manifest, o Options) (jobs []Job, launched int, err error) {
	o.Wait = 0
	r, err := o.begin(m)
	if err != nil {
		return nil, 0, err
	}
	legs, err := prepare(ctx, r)
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
	lines, phases, counts := make([]Job, len(legs)), make([]int, len(legs)), make([]int, len(legs))
	r.each(len(legs), func(i int) { lines[i], phases[i] = r.failed(ctx, legs[i]) })
	// Only now is it known what the jobs that are there cost.
	r.each(len(legs), func(i int) {
		if phases[i] >= 0 {
			counts[i] = r.retry(ctx, legs[i], legs[i].phases[phases[i]], &lines[i])
		}
	})
	for _, n := range counts {
		launched += n
	}
	return lines, launched, ctx.Err()
}

// failed finds the first phase of the leg that has not succeeded, if it was launched before and may be tried again;
// otherwise it returns -1, and the line says why. What is there counts against the budget.
func (r *run) failed(ctx context.Context, l *leg) (line Job, phase int) {
	line = Job{Leg: l.out.ID}
	if l.out.Verdict != "" {
		line.Error = l.out.Reasons[0]
		return line, -1
	}
	events, err := r.journalled(l)
	if err != nil {
		line.Error = err.Error()
		return line, -1
	}
	for i, p := range l.phases {
		launch := l.launch(p, r.places.byName[l.agent.Provider])
		launch.Until = r.until
		line = Job{Leg: l.out.ID, Phase: p.name, Key: string(launch.Spec.Key())}
		found, err := train.Jobs(ctx, launch)
		if err != nil {
			line.Error = r.fault(l, err).reason
			return line, -1
		}
		if len(found) == 0 {
			if train.WasLaunched(events, launch.Spec.Key()) {
				return line, i // it is gone
			}
			line.Error = "was never launched: tunegate run does that"
			return line, -1
		}
		line.is(found[0])
		(&bill{run: r, leg: l, phase: p, kin: r.kin(line.Key)}).found(found[0])
		switch status := found[0].Status; {
		case status.Final() && status != train.Succeeded:
			return line, i
		case status != train.Succeeded:
			l.seat(p, r.seats[l.queue()]).keep()
			line.Error = "is under way: there is nothing to try again"
			return line, -1
		}
	}
	line.Error = "has succeeded: there is nothing to try again"
	return line, -1
}

func (r *run) journalled(l *leg) ([]train.Event, error) {
	book, err := journal.Open(filepath.Join(r.State, "legs", l.out.ID+".journal"))
	if err != nil {
		return nil, err
	}
	events, err := past(book.Records(), l.out.ID)
	return events, errors.Join(err, book.Close())
}

// retry launches a phase and returns how many jobs that made; the line says what became of it.
func (r *run) retry(ctx context.Context, l *leg, p phase, line *Job) int {
	book, err := journal.Open(filepath.Join(r.State, "legs", l.out.ID+".journal"))
	if err != nil {
		line.Error = err.Error()
		return 0
	}
	defer book.Close()
	state, err := r.train(ctx, l, p, &report.Phase{Name: p.name}, book, func() {})
	line.is(state.Job)
	if at := r.standing(ctx, l, state, err); at.verdict != gate.Pending || state.Launched == 0 {
		line.Error = at.reason
	}
	return state.Launched
}

// eachPhase finds the run keys of all phases of the legs and looks up what do returns for each.
func eachPhase(ctx context.Context, m *manifest.Manifest, o Options, do func(*run, *leg, train.Launch) ([]train.Job, error)) ([]Job, error) {
	r, err := o.begin(m)
	if err != nil {
		return nil, err
	}
	agents, err := selected(r.m, o.Legs)
	if err != nil {
		return nil, err
	}
	legs := make([]*leg, len(agents))
	r.each(len(agents), func(i int) {
		legs[i] = newLeg(r.m, agents[i])
		r.locate(ctx, legs[i])
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	places, err := r.openEndpoints(legs)
	if err != nil {
		return nil, err
	}
	r.places = places
	lines, faults := make([][]Job, len(legs)), make([][]string, len(legs))
	r.each(len(legs), func(i int) { lines[i], faults[i] = r.eachOf(ctx, legs[i], do) })
	var all []Job
	var errs []error
	said := map[string]bool{}
	for i := range legs {
		all = append(all, lines[i]...)
		for _, f := range faults[i] {
			if !said[f] {
				said[f] = true
				errs = append(errs, errors.New(f))
			}
		}
	}
	return all, errors.Join(append(errs, places.close())...)
}

// eachOf is eachPhase for one leg. A provider that is silent is not asked for the later phases.
func (r *run) eachOf(ctx context.Context, l *leg, do func(*run, *leg, train.Launch) ([]train.Job, error)) (lines []Job, faults []string) {
	if l.out.Verdict != "" {
		return []Job{{Leg: l.out.ID, Error: l.out.Reasons[0]}}, nil
	}
	var silence error
	for _, p := range l.phases {
		launch := l.launch(p, r.places.byName[l.agent.Provider])
		launch.Until = time.Now() // a service that fails is not outlasted: somebody waits for the answer
		launch.Waiting = func(why error, again time.Duration) {
			r.tell(Event{Leg: l.out.ID, Stage: Training, Phase: p.name, Text: p.name + ": " + r.waiting(l, why, again)})
		}
		line := Job{Leg: l.out.ID, Phase: p.name, Key: string(launch.Spec.Key())}
		found, err := []train.Job(nil), silence
		if silence == nil {
			found, err = do(r, l, launch)
		}
		for _, j := range found {
			at := line
			at.is(j)
			lines = append(lines, at)
		}
		if err != nil {
			f := r.fault(l, err)
			line.Error = f.reason
			if errors.As(err, new(*train.Silence)) || errors.Is(err, context.DeadlineExceeded) {
				line.Error, silence = "not known: "+f.reason, err
			}
			why := strings.Replace(f.reason, f.request, "", 1)
			if !f.shared {
				why = l.out.ID + ": " + why
			}
			faults = append(faults, why)
		}
		if err != nil || len(found) == 0 {
			lines = append(lines, line)
		}
	}
	return lines, faults
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
	case r.m.Misfit(l.agent) != "":
		r.end(l, gate.Inconclusive, r.m.Misfit(l.agent))
	case r.unbound(l.agent.Provider).reason != "":
		r.end(l, gate.Inconclusive, r.unbound(l.agent.Provider).reason)
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
