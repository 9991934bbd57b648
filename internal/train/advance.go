package train

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Launch is one call of Advance.
type Launch struct {
	Provider Provider
	Spec     Spec
	// Training and Validation are uploaded only when a job must be created. Validation may be the zero File.
	Training, Validation File
	// Past is the leg's journal, Record appends to it and returns once the event is safe.
	Past   []Event
	Record func(Event) error
	// Reserve is called before a job is created; its error stops the launch.
	Reserve func(Spec) error
	// Until bounds the polling; the zero time polls to the end. A call that has sent a create stays for Settle all the
	// same: what it paid for is known, and no second job beside it, before it leaves.
	Until time.Time
	// Settle is how long the provider's list may lag behind a create: 90 s for a remote service, 0 where the
	// list is the truth.
	Settle time.Duration
	// Attempts is how many jobs may be created for the key in all, over all runs; a failed job is followed by another
	// only while fewer have been. One that somebody cancelled is not: who did wants no other one. 0 means 1.
	Attempts int
	// Again allows one attempt more than there have been, if the last one failed, was cancelled or is gone.
	Again bool
	// Notify, if not nil, is told of the job each time it was looked at, and of metrics not told before.
	Notify func(Job, []Metric)
	// Waiting, if not nil, is told why nothing happens now, and when the next try is: the provider has no room for a job
	// (why is a *Busy), fails (a *Silence), or may show a job late (ErrLag; then again is how long that is waited for).
	Waiting func(why error, again time.Duration)
	// Reach is shared by the launches at one provider; nil: this one finds out by itself whether it answers.
	Reach *Reach

	without rule // left out by a test, to see that its absence is noticed
}

// rule is one of those that Advance keeps, by its number; 0 is none.
type rule int

// State is where a leg's fine-tune stands when Advance returns.
type State struct {
	Job      Job
	Launched int      // jobs that this call created
	Extra    []string // second jobs of one attempt, cancelled by this call or by another, because an older one was first
	// Unsettled: a create was sent and this call ended before its outcome was known. The next one finds out.
	Unsettled bool
}

// Pending reports whether the job is still on its way.
func (s State) Pending() bool { return s.Job.ID != "" && !s.Job.Status.Final() }

// Advance brings the fine-tune as far as it gets before l.Until: a job that bears the key is reused or adopted,
// otherwise one is created, exactly once. The rules, in the order of the design:
//
//  1. The provider is the truth: what Find shows counts more than the journal, once its keys are checked.
//  2. Find comes first; a succeeded job is reused, a live one adopted, and only past failures allow a new attempt.
//  3. The intent is recorded before the create, and a lost reply is settled by Find, for at least Settle.
//  4. After a create Find is asked again: of two live jobs the smaller (CreatedAt, ID) stays.
//  5. Until bounds the polling; whoever calls next, with or without the journal, picks the job up.
//
// Of clocks it believes its own, and that only in measuring how long something takes. Errors that may pass are outlasted
// for some minutes. A job that somebody cancelled is followed by another only with Again.
//
// The state is right also when the error is not nil: a job in it goes on at the provider. The error wraps ErrNotFound
// when the job is gone from there, ErrRefused when the provider would not make one, Busy when it had no room until then, and
// Silence when it was given up.
func Advance(ctx context.Context, l Launch) (State, error) {
	if l.without == 5 {
		l.Until = time.Time{}
	}
	a := newAdvance(l)
	err := a.run(ctx)
	return a.state, err
}

type advance struct {
	Launch
	key     Key
	began   time.Time // this call, or its latest create: for Settle after that the list may not show a rival of the job
	created bool      // by this call
	certain bool      // no rival can appear any more
	history history
	seen    []Job // of the key: a list that lags may show them as they were, or not yet
	state   State
	step    int // of the last metric told
}

func (a *advance) run(ctx context.Context) error {
	looked := a.history.ended // a cancelled job for which it is known that no other one lives
	for crowd := firstCrowd; ; {
		jobs, attempts, err := a.known(ctx)
		if err != nil {
			return err
		}
		best, ok := choose(jobs)
		var busy *Busy
		switch failed := ended(best); {
		case ok && !failed:
			a.state.Job = best
			err = a.poll(ctx)
		case ok && best.Status == Cancelled && best.ID != looked:
			// By another run, for a job that the list does not show yet, or by a person, who wants no other one now.
			if _, err := a.await(ctx, func(j Job) bool { return !ended(j) }); err != nil {
				return err
			}
			looked = best.ID
			continue
		case attempts < a.Attempts && best.Status != Cancelled, a.Again && a.state.Launched == 0 && a.state.Job.ID == "":
			err = a.launch(ctx, attempts+1)
		case !ok:
			return fmt.Errorf("job %s was launched before and is gone from the provider: %w", a.history.job, ErrNotFound)
		default:
			a.state.Job = best
			return errors.Join(a.cancelExtras(ctx, jobs), a.saw(ctx, best)) // none lives: they are only named
		}
		if errors.As(err, &busy) && !a.over() {
			if err = a.queue(ctx, busy, &crowd); err == nil {
				continue // and look again: another run may have had more luck
			}
		}
		// A job may also end because another run, which saw more, chose a different one: look again.
		if err != nil || !ended(a.state.Job) {
			if a.state.Job.ID == "" {
				a.state.Job = best // no other one was made: this is where it stands
			}
			return err
		}
	}
}

// over reports whether the time to wait has passed.
func (a *advance) over() bool { return !a.Until.IsZero() && !time.Now().Before(a.Until) }

// The waits between two tries to get a place, where the service does not say.
const (
	firstCrowd = 10 * time.Second
	lastCrowd  = 5 * time.Minute
)

// queue waits for the next try to get a place at the provider, until Until at most.
func (a *advance) queue(ctx context.Context, b *Busy, wait *time.Duration) error {
	pause := min(max(*wait, b.After), time.Hour)
	if !a.Until.IsZero() {
		pause = min(pause, time.Until(a.Until))
	}
	*wait = min(2**wait, lastCrowd)
	a.tell(b, pause)
	return sleep(ctx, pause)
}

func (a *advance) tell(why error, again time.Duration) {
	if a.Waiting != nil {
		a.Waiting(why, again)
	}
}

// known returns every job of the key, those of the journal that the list does not show included, and the highest
// attempt that made one.
func (a *advance) known(ctx context.Context) (jobs []Job, attempts int, err error) {
	if a.without == 2 && a.state.Job.ID == "" {
		return nil, 0, nil
	}
	if jobs, err = a.find(ctx); err != nil {
		return nil, 0, err
	}
	if open := a.history.open; open > 0 && !slices.ContainsFunc(jobs, func(j Job) bool { return j.Attempt >= open }) {
		late, err := a.settle(ctx, open)
		if err != nil {
			return nil, 0, err
		}
		jobs = append(jobs, late...)
	}
	a.history.open, a.state.Unsettled = 0, false
	attempts = a.history.attempts
	for _, j := range jobs {
		attempts = max(attempts, j.Attempt)
	}
	last := a.history.job
	if last == "" || slices.ContainsFunc(jobs, func(j Job) bool { return j.ID == last }) {
		return jobs, attempts, nil
	}
	// The journal knows a job that the list does not show: ask for it by name before paying again.
	job, err := a.named(ctx, last, jobs)
	switch {
	case errors.Is(err, ErrNotFound) && a.Settle == 0 && len(jobs) == 0:
		attempts = 0 // the list is the truth, so the job was deleted there, and nobody would be paid twice
	case errors.Is(err, ErrNotFound):
	case err != nil:
		return nil, 0, fmt.Errorf("looking up job %s: %w", last, err)
	case job.Key == "" || job.Key == a.key: // a journal that names a job of another fine-tune is not believed
		job.Key, job.Attempt = a.key, max(job.Attempt, a.history.attempts)
		jobs = append(jobs, job)
	}
	return jobs, attempts, nil
}

// named asks for a job by its name. One that was just created may not be served yet, so the answer that there is none
// counts after Settle, unless another job will do anyway.
func (a *advance) named(ctx context.Context, id string, others []Job) (job Job, err error) {
	for began, wait := time.Now(), time.Second; ; wait = min(2*wait, longestWait) {
		err := a.persist(ctx, func() (err error) { job, err = a.ask(ctx, id); return err })
		left := a.Settle - time.Since(began)
		if !errors.Is(err, ErrNotFound) || left <= 0 || slices.ContainsFunc(others, func(j Job) bool { return !ended(j) }) {
			return job, err
		}
		if err := sleep(ctx, min(wait, left)); err != nil {
			return job, err
		}
	}
}

// find returns the jobs of the key, outlasting errors.
func (a *advance) find(ctx context.Context) (jobs []Job, err error) {
	err = a.persist(ctx, func() error { jobs, err = a.findOnce(ctx); return err })
	return jobs, err
}

// findOnce returns the jobs that really bear the key, since some services ignore filters, and those that were seen
// before; what has ended stays so.
func (a *advance) findOnce(ctx context.Context) ([]Job, error) {
	jobs, err := a.Provider.Find(ctx, a.key)
	if err != nil {
		return nil, fmt.Errorf("looking for earlier jobs: %w", err)
	}
	for _, j := range jobs {
		if j.Key == a.key || a.without == 1 {
			a.remember(j)
		}
	}
	return slices.Clone(a.seen), nil
}

func (a *advance) remember(job Job) {
	i := slices.IndexFunc(a.seen, func(j Job) bool { return j.ID == job.ID })
	switch {
	case i < 0:
		a.seen = append(a.seen, job)
	case !a.seen[i].Status.Final():
		a.seen[i] = job
	}
}

// await asks the list again and again, for Settle at most, until it shows jobs that will do, and returns those.
// The time is counted on this process's own clock: a recorded time may come from another machine.
func (a *advance) await(ctx context.Context, will func(Job) bool) ([]Job, error) {
	for began, wait := time.Now(), time.Second; ; wait = min(2*wait, longestWait) {
		jobs, err := a.find(ctx)
		if err != nil {
			return nil, err
		}
		jobs = slices.DeleteFunc(jobs, func(j Job) bool { return !will(j) })
		left := a.Settle - time.Since(began)
		if len(jobs) > 0 || left <= 0 {
			return jobs, nil
		}
		if wait == time.Second {
			a.tell(ErrLag, left)
		}
		if err := sleep(ctx, min(wait, left)); err != nil {
			return nil, err
		}
	}
}

// longestWait is the longest one between two looks for something that should appear any moment.
const longestWait = 15 * time.Second

// persist repeats a call while it meets errors that may pass, for as long as Reach has patience, but not beyond Until.
func (a *advance) persist(ctx context.Context, call func() error) error {
	if err := a.Reach.given(); err != nil {
		return err
	}
	for began, wait := time.Now(), time.Second; ; wait = min(2*wait, longestRest) {
		tried := time.Now()
		err := call()
		switch {
		case err == nil || !passes(err):
			a.Reach.answers()
			return err
		case ctx.Err() != nil:
			return err
		}
		silence, left := a.Reach.fails(tried, err)
		left = min(left, patience-time.Since(began)) // others may be answered, and this call never
		if left <= 0 || a.over() {
			return a.Reach.giveUp(silence)
		}
		if sleep(ctx, a.rest(silence, min(wait, left))) != nil {
			return err
		}
	}
}

// rest tells of a failure, unless another launch has just done so, and returns the wait.
func (a *advance) rest(s *Silence, wait time.Duration) time.Duration {
	if a.Reach.news(wait) {
		a.tell(s, wait)
	}
	return wait
}

func (a *advance) record(e Event) error {
	e.Time, e.Key = time.Now().UTC(), a.key
	return a.Record(e)
}
