package train

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Jobs returns every job of the key that the provider shows, in any state, the one that Advance would go on with first. One
// that only the journal knows is asked for by its name, once: a list may lag.
func Jobs(ctx context.Context, l Launch) ([]Job, error) {
	a := newAdvance(l)
	jobs, err := a.find(ctx)
	if last := a.history.job; err == nil && last != "" && !slices.ContainsFunc(jobs, func(j Job) bool { return j.ID == last }) {
		var job Job
		err = a.persist(ctx, func() (err error) { job, err = a.ask(ctx, last); return err })
		switch {
		case errors.Is(err, ErrNotFound):
			err = nil
		case err == nil && (job.Key == "" || job.Key == a.key):
			job.Key, job.Attempt = a.key, max(job.Attempt, a.history.attempts)
			jobs = append(jobs, job)
		}
	}
	slices.SortFunc(jobs, older)
	if best, ok := choose(jobs); ok {
		i := slices.IndexFunc(jobs, func(j Job) bool { return j.ID == best.ID })
		jobs = slices.Insert(slices.Delete(jobs, i, i+1), 0, best)
	}
	return jobs, err
}

// Cancel ends every live job of the key, one that is just being created included, and returns those that it ended, as they
// stand then. Each is recorded. Another run that follows one of them sees it end.
func Cancel(ctx context.Context, l Launch) (cancelled []Job, err error) {
	a := newAdvance(l)
	jobs, _, err := a.known(ctx)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, j := range jobs {
		if j.Status.Final() {
			continue
		}
		if err := a.persist(ctx, func() error { return a.Provider.Cancel(ctx, j.ID) }); err != nil {
			errs = append(errs, fmt.Errorf("cancelling job %s: %w", j.ID, err))
			continue
		}
		now := j
		err := a.persist(ctx, func() (err error) { now, err = a.ask(ctx, j.ID); return err })
		if err != nil || !now.Status.Final() {
			now, now.Status = j, Cancelled // the service has agreed, and needs a moment
		}
		now.Key, now.Attempt = a.key, j.Attempt
		cancelled = append(cancelled, now)
		errs = append(errs, a.record(Event{Kind: Ended, Attempt: now.Attempt, Job: now.ID, Status: now.Status, TrainedTokens: now.TrainedTokens, Error: now.Error}))
	}
	return cancelled, errors.Join(errs...)
}

func newAdvance(l Launch) *advance {
	l.Attempts = max(l.Attempts, 1)
	if l.Reach == nil {
		l.Reach = new(Reach)
	}
	a := &advance{Launch: l, key: l.Spec.Key(), began: time.Now()}
	a.history = read(l.Past, a.key)
	a.state.Unsettled = a.history.open > 0
	return a
}
