package train

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// poll waits for the end of the chosen job.
func (a *advance) poll(ctx context.Context) error {
	watched := time.Now()
	var failing time.Time // since when every look has met an error
	rest := time.Second
	for {
		looked := time.Now()
		job, err := a.look(ctx)
		if err != nil && failing.IsZero() {
			failing = looked
		}
		if err == nil || !passes(err) {
			a.Reach.answers()
		}
		gone := errors.Is(err, ErrNotFound)
		var wait time.Duration
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case gone && time.Since(failing) < a.Settle:
			wait = min(a.pause(time.Since(watched)), longestWait)
		case err != nil && (gone || !passes(err)):
			return fmt.Errorf("polling job %s: %w", a.state.Job.ID, err)
		case err != nil:
			silence, left := a.Reach.fails(looked, err)
			if left = min(left, patience-time.Since(failing)); left <= 0 {
				return fmt.Errorf("polling job %s: %w", a.state.Job.ID, a.Reach.giveUp(silence))
			}
			wait = a.rest(silence, min(rest, left))
			rest = min(2*rest, longestRest)
		default:
			failing, rest = time.Time{}, time.Second
			if err := a.saw(ctx, job); err != nil || job.Status.Final() {
				return err
			}
			wait = a.pause(time.Since(watched))
		}
		rivals := a.Settle - time.Since(a.began) // how long one may still appear
		if !a.certain && (err == nil || rivals > 0) {
			wait = min(wait, max(rivals, shortestPause))
		}
		if !a.Until.IsZero() {
			left := time.Until(a.Until)
			if left <= 0 && (a.certain || !a.created || err != nil && rivals <= 0) {
				return nil
			}
			if left > 0 {
				wait = min(wait, left)
			}
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// The bounds of the wait between two looks at a job. A service whose list lags, one on the far side of a network, is asked
// at most once a second.
const (
	shortestPause = 50 * time.Millisecond
	distantPause  = time.Second
	longestPause  = 5 * time.Minute
	expectedPause = 15 * time.Minute // where the provider expects the job to go on much longer
)

// pause is the wait between two looks at a job that was watched so long: a tenth of that, so that a job of seconds is seen
// to end within a tenth of its length, and one of hours costs few calls. Where the provider says when the job will end,
// half of what is left, then to that moment. Its clock and ours may differ by hours: the bounds hold all the same.
func (a *advance) pause(watched time.Duration) time.Duration {
	shortest := shortestPause
	if a.Settle > time.Minute {
		shortest = distantPause
	}
	wait := min(max(watched/10, shortest), longestPause)
	left := time.Duration(0)
	if end := a.state.Job.EstimatedFinish; !end.IsZero() {
		left = time.Until(end)
	}
	switch {
	case left > 2*wait:
		return min(left/2, expectedPause)
	case left > 0:
		return min(wait, left+time.Second)
	}
	return wait
}

// lookTime is how long a look at the job may go on after Until: a service that does not answer must not hold up whoever
// gave a bound.
const lookTime = 5 * time.Second

// look asks for the job's state, after agreeing with other runs on which job it is as long as that is needed.
func (a *advance) look(ctx context.Context) (Job, error) {
	if !a.Until.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, later(time.Now(), a.Until).Add(lookTime))
		defer cancel()
	}
	if !a.certain {
		if err := a.agree(ctx); err != nil {
			return Job{}, err
		}
	}
	return a.ask(ctx, a.state.Job.ID)
}

// ask polls a job, and believes no reply about another one.
func (a *advance) ask(ctx context.Context, id string) (Job, error) {
	job, err := a.Provider.Poll(ctx, id)
	if err == nil && job.ID != id {
		return Job{}, fmt.Errorf("asked for job %s, the provider told of %q", id, job.ID)
	}
	return job, err
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// saw keeps what a look at the job showed, tells whoever listens, and records its end.
func (a *advance) saw(ctx context.Context, job Job) error {
	job.Key = a.key
	if job.Attempt == 0 {
		job.Attempt = a.state.Job.Attempt
	}
	a.state.Job = job
	a.remember(job)
	if a.Notify != nil {
		var metrics []Metric
		if w, ok := a.Provider.(Watcher); ok && job.Status != Failed {
			// Metrics are for the eye: a service that cannot serve them now does not stop the fine-tune.
			metrics, _ = w.Metrics(ctx, job.ID, a.step)
			if n := len(metrics); n > 0 {
				a.step = metrics[n-1].Step
			}
		}
		a.Notify(job, metrics)
	}
	if !job.Status.Final() || a.history.ended == job.ID {
		return nil
	}
	a.history.ended = job.ID
	return a.record(Event{Kind: Ended, Attempt: job.Attempt, Job: job.ID, Status: job.Status, TrainedTokens: job.TrainedTokens, Error: job.Error})
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
