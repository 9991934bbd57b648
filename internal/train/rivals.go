package train

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ended reports whether the job is final and left no model.
func ended(j Job) bool { return j.Status.Final() && j.Status != Succeeded }

// choose returns the job to go on with: a succeeded one before a live one before a failed or cancelled one, and last what
// lost a race; the oldest of the first two kinds, the newest attempt of the others.
func choose(jobs []Job) (Job, bool) {
	if len(jobs) == 0 {
		return Job{}, false
	}
	rank := func(j Job) int {
		switch {
		case j.Status == Succeeded:
			return 0
		case !j.Status.Final():
			return 1
		case !lost(j, jobs):
			return 2
		}
		return 3
	}
	return slices.MinFunc(jobs, func(a, b Job) int {
		if c := cmp.Compare(rank(a), rank(b)); c != 0 {
			return c
		}
		if rank(a) < 2 {
			return older(a, b)
		}
		return cmp.Or(cmp.Compare(b.Attempt, a.Attempt), older(b, a))
	}), true
}

func older(a, b Job) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
}

// agree applies rule 4: it looks at all jobs of the key, goes on with the one that every run chooses, and cancels every
// other live one. All runs choose alike, so two that race agree. A look after the list has caught up with all
// creates is the last one that is needed.
func (a *advance) agree(ctx context.Context) error {
	if a.without == 4 {
		a.certain = true
		return nil
	}
	began := time.Now()
	jobs, err := a.findOnce(ctx)
	if err != nil {
		return err
	}
	if own := a.state.Job; !slices.ContainsFunc(jobs, func(j Job) bool { return j.ID == own.ID }) {
		job, err := a.ask(ctx, own.ID)
		if err != nil {
			return err
		}
		job.Key, job.Attempt = a.key, max(job.Attempt, own.Attempt)
		jobs = append(jobs, job)
	}
	best, err := a.confirmed(ctx, jobs)
	if err != nil {
		return err
	}
	a.state.Job = best
	if best.ID != a.history.job {
		a.history.job, a.history.attempts = best.ID, max(a.history.attempts, best.Attempt)
		if err := a.record(Event{Kind: Adopted, Attempt: best.Attempt, Job: best.ID}); err != nil {
			return Permanent(err)
		}
	}
	if err := a.cancelExtras(ctx, jobs); err != nil {
		return err
	}
	a.certain = began.Sub(a.began) >= a.Settle
	return nil
}

// confirmed chooses. Before others are cancelled for it the job is asked for by name: a list that lags may show as live
// what has failed.
func (a *advance) confirmed(ctx context.Context, jobs []Job) (Job, error) {
	for asked := map[string]bool{}; ; {
		best, _ := choose(jobs)
		if asked[best.ID] || !slices.ContainsFunc(jobs, func(j Job) bool { return j.ID != best.ID && !j.Status.Final() }) {
			return best, nil
		}
		job, err := a.ask(ctx, best.ID)
		if err != nil {
			return best, err
		}
		asked[best.ID] = true
		i := slices.IndexFunc(jobs, func(j Job) bool { return j.ID == best.ID })
		jobs[i].Status, jobs[i].Model = job.Status, job.Model
	}
}

// cancelExtras ends every live job but the chosen one, and names those too that another run has ended as second ones of
// their attempt: that run may have died before it could say so.
func (a *advance) cancelExtras(ctx context.Context, jobs []Job) error {
	for _, j := range jobs {
		if j.ID == a.state.Job.ID || slices.Contains(a.state.Extra, j.ID) {
			continue
		}
		if j.Status.Final() {
			if lost(j, jobs) {
				a.state.Extra = append(a.state.Extra, j.ID)
			}
			continue
		}
		err := a.Provider.Cancel(ctx, j.ID)
		if errors.Is(err, ErrNotFound) {
			continue // gone, or not served yet: the next look tells
		}
		if err != nil {
			return fmt.Errorf("cancelling the second job %s of one fine-tune: %w", j.ID, err)
		}
		a.state.Extra = append(a.state.Extra, j.ID)
		if err := a.record(Event{Kind: Extra, Attempt: j.Attempt, Job: j.ID}); err != nil {
			return Permanent(err)
		}
	}
	return nil
}

// lost reports whether a cancelled job was one too many, and so is not what became of the fine-tune: another one of its
// attempt was first or came further, or an earlier attempt was under way when it was created.
func lost(j Job, jobs []Job) bool {
	return j.Status == Cancelled && slices.ContainsFunc(jobs, func(k Job) bool {
		switch {
		case k.ID == j.ID || k.Attempt > j.Attempt:
			return false
		case k.Attempt == j.Attempt:
			return k.Status != Cancelled || older(k, j) < 0
		}
		return !ended(k) || j.CreatedAt.Add(clockError).Before(k.FinishedAt)
	})
}

// clockError is what the clocks of one service's machines may differ by.
const clockError = 10 * time.Second
