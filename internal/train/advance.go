package train

import (
	"cmp"
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
	// Until bounds the polling; the zero time polls to the end.
	Until time.Time
	// Settle is how long the provider's list may lag behind a create: 90 s for a remote service, 0 where the
	// list is the truth.
	Settle time.Duration
	// Attempts is how many jobs may be created for the key in all, over all runs; a failed or cancelled job is
	// followed by another only while fewer have been. 0 means 1.
	Attempts int
	// Notify, if not nil, is told of the job each time it was looked at, and of metrics not told before.
	Notify func(Job, []Metric)
}

// State is where a leg's fine-tune stands when Advance returns.
type State struct {
	Job      Job
	Launched int      // jobs that this call created
	Extra    []string // jobs of the same key that this call cancelled, because another one was first
	// Unsettled: a create was sent and this call ended before its outcome was known. The next one finds out.
	Unsettled bool
}

// Pending reports whether the job is still on its way.
func (s State) Pending() bool { return s.Job.ID != "" && !s.Job.Status.Final() }

// Advance brings the fine-tune as far as it gets before l.Until: a job that bears the key is reused or adopted,
// otherwise one is created, exactly once. The rules, in the order of the design:
//
//  1. The provider is the truth: what Find shows counts more than the journal.
//  2. Find comes first; a succeeded job is reused, a live one adopted, and only past failures allow a new attempt.
//  3. The intent is recorded before the create, and a lost reply is settled by Find, for at least Settle.
//  4. After a create Find is asked again: of two live jobs the smaller (CreatedAt, ID) stays.
//  5. Until bounds the polling; whoever calls next, with or without the journal, picks the job up.
//
// The state is right also when the error is not nil: a job in it goes on at the provider.
func Advance(ctx context.Context, l Launch) (State, error) {
	l.Attempts = max(l.Attempts, 1)
	a := &advance{Launch: l, key: l.Spec.Key(), created: time.Now()}
	a.history = read(l.Past, a.key)
	err := a.run(ctx)
	return a.state, err
}

type advance struct {
	Launch
	key     Key
	created time.Time // until a.created+Settle the list may not show a rival of the chosen job yet
	history history
	state   State
	step    int // of the last metric told
}

func (a *advance) run(ctx context.Context) error {
	for {
		jobs, attempts, err := a.known(ctx)
		if err != nil {
			return err
		}
		best, ok := choose(jobs)
		switch failed := best.Status.Final() && best.Status != Succeeded; {
		case ok && !failed:
			a.state.Job = best
			err = a.poll(ctx)
		case attempts < a.Attempts:
			err = a.launch(ctx, attempts+1)
		case !ok:
			return fmt.Errorf("job %s was launched before and is gone from the provider: %w", a.history.job, ErrNotFound)
		default:
			a.state.Job = best
			return a.saw(ctx, best)
		}
		// A job may also end because another run, which saw more, chose a different one: look again.
		if err != nil || !a.state.Job.Status.Final() || a.state.Job.Status == Succeeded {
			return err
		}
	}
}

// known returns every job of the key, those of the journal that the list does not show included, and the highest
// attempt that made one.
func (a *advance) known(ctx context.Context) (jobs []Job, attempts int, err error) {
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
	a.history.open = 0
	attempts = a.history.attempts
	for _, j := range jobs {
		attempts = max(attempts, j.Attempt)
	}
	last := a.history.job
	if last == "" || slices.ContainsFunc(jobs, func(j Job) bool { return j.ID == last }) {
		return jobs, attempts, nil
	}
	// The journal knows a job that the list does not show: ask for it by name before paying again.
	job, err := a.Provider.Poll(ctx, last)
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

// find returns the jobs that really bear the key: some services ignore filters.
func (a *advance) find(ctx context.Context) ([]Job, error) {
	jobs, err := a.Provider.Find(ctx, a.key)
	if err != nil {
		return nil, fmt.Errorf("looking for earlier jobs: %w", err)
	}
	return slices.DeleteFunc(jobs, func(j Job) bool { return j.Key != a.key }), nil
}

// choose returns the job to go on with: a succeeded one before a live one before a failed or cancelled one; the
// oldest of the first two kinds, the newest of the last.
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
		}
		return 2
	}
	return slices.MinFunc(jobs, func(a, b Job) int {
		if c := cmp.Compare(rank(a), rank(b)); c != 0 {
			return c
		}
		c := older(a, b)
		if rank(a) == 2 {
			return -c
		}
		return c
	}), true
}

func older(a, b Job) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
}

// cancelExtras ends every live job but the chosen one. All runs choose alike, so two that race agree.
func (a *advance) cancelExtras(ctx context.Context, jobs []Job) error {
	for _, j := range jobs {
		if j.ID == a.state.Job.ID || j.Status.Final() || slices.Contains(a.state.Extra, j.ID) {
			continue
		}
		if err := a.Provider.Cancel(ctx, j.ID); err != nil {
			return fmt.Errorf("cancelling the second job %s of one fine-tune: %w", j.ID, err)
		}
		a.state.Extra = append(a.state.Extra, j.ID)
		if err := a.record(Event{Kind: Extra, Attempt: j.Attempt, Job: j.ID}); err != nil {
			return err
		}
	}
	return nil
}

func (a *advance) launch(ctx context.Context, attempt int) error {
	spec := a.Spec
	spec.Attempt = attempt
	if a.Reserve != nil {
		if err := a.Reserve(spec); err != nil {
			return err
		}
	}
	training, err := a.Provider.Upload(ctx, a.Training)
	if err != nil {
		return fmt.Errorf("uploading %s: %w", a.Training.Name, err)
	}
	validation := ""
	if a.Validation.Open != nil {
		if validation, err = a.Provider.Upload(ctx, a.Validation); err != nil {
			return fmt.Errorf("uploading %s: %w", a.Validation.Name, err)
		}
	}
	if err := a.record(Event{Kind: Intent, Attempt: attempt}); err != nil {
		return err
	}
	a.history.open = attempt
	id, err := a.start(ctx, spec, training, validation)
	a.created = time.Now()
	switch {
	case errors.Is(err, ErrRefused):
		a.history.open = 0
		if err2 := a.record(Event{Kind: Refusal, Attempt: attempt, Error: err.Error()}); err2 != nil {
			return err2
		}
		return fmt.Errorf("creating the job: %w", err)
	case err != nil:
		a.state.Unsettled = true
		jobs, err2 := a.settle(ctx, attempt)
		if err2 != nil {
			return err2
		}
		a.state.Unsettled = false
		best, ok := choose(jobs)
		if !ok {
			return fmt.Errorf("creating the job: %w", err)
		}
		a.state.Job = best
		a.state.Launched++
		a.launched(best.ID, attempt)
	default:
		a.state.Job = Job{ID: id, Key: a.key, Attempt: attempt, Status: Created}
		a.state.Launched++
		a.launched(id, attempt)
		if err := a.record(Event{Kind: Launched, Attempt: attempt, Job: id}); err != nil {
			return err
		}
	}
	return a.poll(ctx)
}

// launched keeps in mind what the journal now says.
func (a *advance) launched(id string, attempt int) {
	a.history.open, a.history.job, a.history.attempts = 0, id, max(a.history.attempts, attempt)
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

// settle finds out what became of a create whose reply is not known. It gives up after Settle, counted on this
// process's own clock, since the recorded time may come from another machine.
func (a *advance) settle(ctx context.Context, attempt int) ([]Job, error) {
	for began, wait := time.Now(), time.Second; ; wait = min(2*wait, 15*time.Second) {
		jobs, err := a.find(ctx)
		if err != nil {
			return nil, err
		}
		jobs = slices.DeleteFunc(jobs, func(j Job) bool { return j.Attempt < attempt })
		if len(jobs) > 0 {
			best, _ := choose(jobs)
			return jobs, a.record(Event{Kind: Launched, Attempt: attempt, Job: best.ID})
		}
		left := a.Settle - time.Since(began)
		if left <= 0 {
			return nil, a.record(Event{Kind: Unseen, Attempt: attempt})
		}
		if err := sleep(ctx, min(wait, left)); err != nil {
			return nil, err
		}
	}
}

// agree applies rule 4: it looks at all live jobs of the key and goes on with the one that every run chooses.
func (a *advance) agree(ctx context.Context) error {
	jobs, err := a.find(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(jobs, func(j Job) bool { return j.ID == a.state.Job.ID }) {
		job, err := a.Provider.Poll(ctx, a.state.Job.ID)
		if err != nil {
			return nil // a create that the service does not show yet; the polling that follows judges it
		}
		job.Key, job.Attempt = a.key, max(job.Attempt, a.state.Job.Attempt)
		jobs = append(jobs, job)
	}
	if best, ok := choose(jobs); ok {
		a.state.Job = best
	}
	return a.cancelExtras(ctx, jobs)
}

func (a *advance) record(e Event) error {
	e.Time, e.Key = time.Now().UTC(), a.key
	return a.Record(e)
}
