package train

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"
)

// world is a provider as bad as real ones are, on a controlled clock: its list lags by up to lag and jumps back and forth
// within it, its own clock is wrong, it may ignore filters, and there are hours in which it answers hardly anything.
// What a process sees of it goes through a line.
type world struct {
	mu        sync.Mutex
	rng       *rand.Rand // of what the provider decides; used under mu
	jobs      []*fact
	lag       time.Duration // of the list
	lagByName time.Duration // of a job that is asked for by its id
	ignores   bool          // the filter of the list
	estimates bool          // says when a job will end
	skew      time.Duration // of the provider's clock
	jump      time.Duration // by which the skew changes
	jumpAt    time.Time
	storms    []storm
	shortest  time.Duration // a job takes from this to eight hours
	fails     float64       // share of the jobs that fail
	full      time.Time     // until then the account has no place for another job
}

// storm is a time in which most requests fail.
type storm struct{ from, to time.Time }

// fact is what is true of a job.
type fact struct {
	id        string
	key       Key
	attempt   int
	arrived   time.Time
	created   time.Time // by the provider's clock
	queued    time.Duration
	length    time.Duration
	end       Status // if nobody cancels it
	cancelled time.Time
	byPerson  bool
}

func newWorld(seed uint64) *world {
	rng := rand.New(rand.NewPCG(seed, 1))
	w := &world{rng: rng, lag: time.Duration(rng.Int64N(int64(time.Minute))), shortest: 45 * time.Minute}
	if rng.IntN(3) == 0 {
		w.lag = 0
	}
	if rng.IntN(3) == 0 {
		w.lagByName = time.Duration(rng.Int64N(int64(20 * time.Second)))
	}
	w.ignores, w.estimates = rng.IntN(3) == 0, rng.IntN(2) == 0
	w.skew = time.Duration(rng.Int64N(int64(24*time.Hour))) - 12*time.Hour
	w.jumpAt = time.Now().Add(time.Duration(rng.Int64N(int64(time.Hour))))
	if rng.IntN(3) == 0 {
		w.jump = time.Duration(rng.Int64N(int64(2*time.Hour))) - time.Hour
	}
	for at := time.Now(); rng.IntN(3) > 0; {
		at = at.Add(time.Duration(rng.Int64N(int64(20 * time.Minute))))
		end := at.Add(time.Duration(rng.Int64N(int64(4 * time.Minute))))
		w.storms = append(w.storms, storm{at, end})
		at = end.Add(patience) // between two storms there is time to come through
	}
	if rng.IntN(4) == 0 {
		w.full = time.Now().Add(time.Duration(rng.Int64N(int64(2 * time.Hour))))
	}
	w.fails = []float64{0, 0.3, 0.9}[rng.IntN(3)]
	for i := range rng.IntN(4) { // of other people, with names that look older and younger
		w.jobs = append(w.jobs, &fact{id: fmt.Sprintf("foreign-%d", i), key: Key(fmt.Sprintf("another key %d", i)), attempt: 1, arrived: time.Now().Add(-time.Hour),
			created: time.Now().Add(w.skew - time.Hour), length: 100 * time.Hour, end: Succeeded})
	}
	return w
}

// arrive makes a job.
func (w *world) arrive(s Spec) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := &fact{id: fmt.Sprintf("job-%d", w.rng.IntN(1000)*100+len(w.jobs)), key: s.Key(), attempt: s.Attempt, arrived: time.Now(), end: Succeeded}
	skew := w.skew
	if time.Now().After(w.jumpAt) {
		skew += w.jump
	}
	// The service has several machines, whose clocks differ by seconds, and says whole seconds.
	f.created = f.arrived.Add(skew + time.Duration(w.rng.Int64N(int64(4*time.Second)))).Truncate(time.Second)
	f.length = w.shortest + time.Duration(w.rng.Int64N(int64(8*time.Hour-w.shortest)))
	f.queued = time.Duration(w.rng.Int64N(int64(f.length / 4)))
	if w.rng.Float64() < w.fails {
		f.end = Failed
		if w.rng.IntN(2) == 0 {
			f.length = time.Duration(w.rng.Int64N(int64(f.length)))
		}
	}
	w.jobs = append(w.jobs, f)
	return f.id
}

// at is the job as it was at a time.
func (f *fact) at(w *world, t time.Time) Job {
	j := Job{ID: f.id, Key: f.key, Attempt: f.attempt, CreatedAt: f.created}
	offset := f.created.Sub(f.arrived)
	switch {
	case !f.cancelled.IsZero() && !t.Before(f.cancelled):
		j.Status, j.FinishedAt = Cancelled, f.cancelled.Add(offset)
	case t.Sub(f.arrived) >= f.length:
		j.Status, j.FinishedAt = f.end, f.arrived.Add(f.length+offset)
		if f.end == Succeeded {
			j.Model, j.TrainedTokens = "ft:"+f.id, 1000
		} else {
			j.Error = "the loss is not a number"
		}
	case t.Sub(f.arrived) < f.queued/2:
		j.Status = Validating
	case t.Sub(f.arrived) < f.queued:
		j.Status = Queued
	default:
		j.Status = Running
		if w.estimates {
			j.EstimatedFinish = f.arrived.Add(f.length + offset)
		}
	}
	return j
}

func (w *world) cancel(id string, byPerson bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.jobs {
		if f.id == id {
			if !f.at(w, time.Now()).Status.Final() {
				f.cancelled, f.byPerson = time.Now(), byPerson
			}
			return true
		}
	}
	return false
}

// alive returns the first job of the key that is under way, "" when none is.
func (w *world) alive(key Key) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.jobs {
		if f.key == key && !f.at(w, time.Now()).Status.Final() {
			return f.id
		}
	}
	return ""
}

func (w *world) stormy() bool {
	return slices.ContainsFunc(w.storms, func(s storm) bool { return time.Now().After(s.from) && time.Now().Before(s.to) })
}

// line is one process's connection to the world, and its power supply: it may die at any call to the provider and at
// any write to the journal, before and after it takes effect.
type line struct {
	w     *world
	rng   *rand.Rand
	calm  bool // nothing fails any more
	dies  int  // at this step, 0: never
	steps int
	calls int
}

// step is a moment at which the process may die.
func (l *line) step() {
	l.steps++
	if l.steps == l.dies {
		runtime.Goexit()
	}
}

func (l *line) random(most time.Duration) time.Duration {
	return time.Duration(l.rng.Int64N(int64(most)))
}

var (
	errLost = errors.New("the connection was lost")
	errSick = errors.New("the service answered 503")
	errFull = &Busy{Err: errors.New("the service answered 429: too many active jobs")}
)

// call is one exchange: effect happens on the way, or not.
func (l *line) call(ctx context.Context, effect func()) error {
	l.calls++
	l.step()
	if err := sleep(ctx, time.Millisecond+l.random(time.Second)); err != nil {
		return err
	}
	sick, lost := 0.02, 0.02
	if l.w.stormy() {
		sick, lost = 0.7, 0.2
	}
	switch luck := l.rng.Float64(); {
	case l.calm || luck > sick+lost:
		effect()
	case luck > sick:
		effect()
		l.step()
		if err := sleep(ctx, l.random(20*time.Second)); err != nil {
			return err
		}
		return errLost
	default:
		return errSick
	}
	l.step()
	return nil
}

func (l *line) Upload(ctx context.Context, f File) (string, error) {
	slow := l.random(time.Duration(1+l.rng.IntN(40)) * time.Second)
	return "file-" + f.Name, l.call(ctx, func() { _ = sleep(ctx, slow) })
}

func (l *line) Start(ctx context.Context, s Spec, _, _ string) (id string, err error) {
	l.calls++
	way := l.random(2 * time.Second)
	luck := l.rng.IntN(100)
	if l.calm {
		luck = 99
	}
	if l.w.stormy() && luck >= 40 && !l.calm {
		luck = 35 + l.rng.IntN(25)
	}
	late := l.random(25 * time.Second)
	sent := func(after time.Duration) {
		go func() {
			time.Sleep(after)
			l.w.arrive(s)
		}()
	}
	// The process dies with its request on the way: it arrives all the same.
	l.steps++
	if l.steps == l.dies {
		sent(late)
		runtime.Goexit()
	}
	l.step() // or before it is sent
	switch {
	case time.Now().Before(l.w.full):
		return "", errors.Join(sleep(ctx, way), errFull)
	case luck < 6:
		return "", errLost // before it was sent
	case luck < 14:
		sent(late)
		return "", errors.Join(sleep(ctx, way), errLost)
	case luck < 20:
		l.w.arrive(s)
		return "", errors.Join(sleep(ctx, way+l.random(time.Minute)), errLost)
	case luck < 26:
		l.w.arrive(s)
		return "", errSick
	case luck < 36:
		return "", errSick
	case luck < 44:
		return "", errFull
	}
	if err := sleep(ctx, way/2); err != nil {
		return "", err
	}
	id = l.w.arrive(s)
	l.step()
	if err := sleep(ctx, way/2); err != nil {
		return "", err
	}
	return id, nil
}

func (l *line) Find(ctx context.Context, key Key) (jobs []Job, err error) {
	err = l.call(ctx, func() {
		l.w.mu.Lock()
		defer l.w.mu.Unlock()
		seen := time.Now()
		if l.w.lag > 0 {
			seen = seen.Add(-l.random(l.w.lag))
		}
		for _, f := range l.w.jobs {
			if !f.arrived.After(seen) && (f.key == key || l.w.ignores) {
				jobs = append(jobs, f.at(l.w, seen))
			}
		}
		l.rng.Shuffle(len(jobs), func(i, k int) { jobs[i], jobs[k] = jobs[k], jobs[i] })
	})
	return jobs, err
}

func (l *line) Poll(ctx context.Context, id string) (j Job, err error) {
	found := false
	err = l.call(ctx, func() {
		l.w.mu.Lock()
		defer l.w.mu.Unlock()
		seen := time.Now()
		if l.w.lagByName > 0 {
			seen = seen.Add(-l.random(l.w.lagByName))
		}
		for _, f := range l.w.jobs {
			if f.id == id && !f.arrived.After(seen) {
				j, found = f.at(l.w, seen), true
			}
		}
	})
	if err == nil && !found {
		err = ErrNotFound
	}
	return j, err
}

func (l *line) Cancel(ctx context.Context, id string) error {
	found := false
	err := l.call(ctx, func() { found = l.w.cancel(id, false) })
	if err == nil && !found {
		err = ErrNotFound
	}
	return err
}
