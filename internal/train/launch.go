package train

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// launch creates the job of an attempt and follows it.
func (a *advance) launch(ctx context.Context, attempt int) error {
	spec := a.Spec
	spec.Attempt = attempt
	if a.Reserve != nil {
		if err := a.Reserve(spec); err != nil {
			return err
		}
	}
	training, err := a.upload(ctx, a.Training)
	if err != nil {
		return err
	}
	validation := ""
	if a.Validation.Open != nil {
		if validation, err = a.upload(ctx, a.Validation); err != nil {
			return err
		}
	}
	if a.without != 3 {
		if err := a.record(Event{Kind: Intent, Attempt: attempt}); err != nil {
			return err
		}
	}
	a.history.open, a.state.Unsettled = attempt, true
	id, err := a.start(ctx, spec, training, validation)
	a.began, a.certain = time.Now(), false
	if err == nil {
		a.Reach.answers() // so that no other launch's silence ends the look for rivals
	}
	switch {
	case errors.Is(err, ErrRefused):
		a.history.open, a.state.Unsettled = 0, false
		if err2 := a.record(Event{Kind: Refusal, Attempt: attempt, Error: err.Error()}); err2 != nil {
			return err2
		}
		return fmt.Errorf("creating the job: %w", err)
	case err != nil:
		jobs, err2 := a.settle(ctx, attempt)
		if err2 != nil {
			return err2
		}
		a.history.open, a.state.Unsettled = 0, false
		best, ok := choose(jobs)
		if !ok {
			return fmt.Errorf("creating the job: %w", err)
		}
		a.launched(best)
	default:
		a.launched(Job{ID: id, Key: a.key, Attempt: attempt, Status: Created})
		if err := a.record(Event{Kind: Launched, Attempt: attempt, Job: id}); err != nil {
			return err
		}
	}
	return a.poll(ctx)
}

func (a *advance) upload(ctx context.Context, f File) (id string, err error) {
	err = a.persist(ctx, func() error { id, err = a.Provider.Upload(ctx, f); return err })
	if err != nil {
		return "", fmt.Errorf("uploading %s: %w", f.Name, err)
	}
	return id, nil
}

// launched keeps in mind what the journal now says.
func (a *advance) launched(job Job) {
	a.state.Job, a.state.Unsettled, a.created = job, false, true
	a.state.Launched++
	a.history.open, a.history.job, a.history.attempts = 0, job.ID, max(a.history.attempts, job.Attempt)
}

// grace is how long a create that is under way may go on after ctx has ended: a reply that arrives in time tells
// whether there is a job, which otherwise only the list will, later.
const grace = 800 * time.Millisecond

func (a *advance) start(ctx context.Context, s Spec, training, validation string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("%w: %w", ErrRefused, err)
	}
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		t := time.NewTimer(grace)
		defer t.Stop()
		select {
		case <-t.C:
			cancel()
		case <-late.Done():
		}
	})
	defer stop()
	return a.Provider.Start(late, s, training, validation)
}

// settle finds out what became of a create whose reply is not known, and records it. Until does not bound it: a run
// that is given no time would otherwise never find out.
func (a *advance) settle(ctx context.Context, attempt int) ([]Job, error) {
	if a.without == 3 {
		return nil, nil
	}
	jobs, err := a.await(ctx, func(j Job) bool { return j.Attempt >= attempt })
	if err != nil {
		return nil, err
	}
	if best, ok := choose(jobs); ok {
		a.history.job, a.history.attempts = best.ID, max(a.history.attempts, best.Attempt)
		return jobs, a.record(Event{Kind: Launched, Attempt: attempt, Job: best.ID})
	}
	return nil, a.record(Event{Kind: Unseen, Attempt: attempt})
}
