package train

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// patience is how long polling outlasts errors in a row before it gives up; the job itself is not touched.
const patience = 5 * time.Minute

// poll waits for the end of the chosen job. Between two looks it waits a tenth of the time that the job has been
// watched, so that a job of seconds is seen to end within a tenth of its length and one of hours costs few calls.
func (a *advance) poll(ctx context.Context) error {
	watched, agreed := time.Now(), false
	lastGood := watched
	for {
		job, err := a.look(ctx, &agreed)
		gone := errors.Is(err, ErrNotFound) && time.Since(lastGood) >= a.Settle
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case gone, err != nil && time.Since(lastGood) > patience:
			return fmt.Errorf("polling job %s: %w", a.state.Job.ID, err)
		case err == nil:
			lastGood = time.Now()
			if err := a.saw(ctx, job); err != nil || job.Status.Final() {
				return err
			}
		}
		if err != nil && !a.Until.IsZero() && time.Now().After(a.Until) {
			return nil
		}
		wait := min(max(time.Since(watched)/10, 50*time.Millisecond), time.Minute)
		if !a.Until.IsZero() {
			left := time.Until(a.Until)
			if left <= 0 {
				return nil
			}
			wait = min(wait, left)
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// lookTime is how long a look at the job may go on after Until: a service that does not answer must not hold up whoever
// gave a bound.
const lookTime = 5 * time.Second

// look asks for the job's state, after agreeing with other runs on which job it is as long as that is needed.
func (a *advance) look(ctx context.Context, agreed *bool) (Job, error) {
	if !a.Until.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, later(time.Now(), a.Until).Add(lookTime))
		defer cancel()
	}
	if !*agreed || time.Since(a.created) < a.Settle {
		if err := a.agree(ctx); err != nil {
			*agreed = false
			return Job{}, err
		}
		*agreed = true
	}
	return a.Provider.Poll(ctx, a.state.Job.ID)
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
