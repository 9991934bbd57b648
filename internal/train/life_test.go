package train

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// counting counts every request; estimate, if it is not nil, is what the service says of the end.
type counting struct {
	service
	requests int
	estimate func(Job) time.Time
}

func (c *counting) Find(ctx context.Context, k Key) ([]Job, error) {
	c.requests++
	return c.service.Find(ctx, k)
}

func (c *counting) Poll(ctx context.Context, id string) (Job, error) {
	c.requests++
	j, err := c.service.Poll(ctx, id)
	if err == nil && c.estimate != nil {
		j.EstimatedFinish = c.estimate(j)
	}
	return j, err
}

func (c *counting) Metrics(context.Context, string, int) ([]Metric, error) {
	c.requests++
	return nil, nil
}

// Waiting is cheap: five legs of eight hours, watched by one process, cost a bounded number of requests, and each is
// seen to end soon after it has. A service whose estimate, or whose clock, is wrong by hours changes neither.
func TestWaitingIsCheap(t *testing.T) {
	const legs, length = 5, 8 * time.Hour
	for _, c := range []struct {
		name     string
		estimate func(Job) time.Time
		most     int // requests a leg, progress included
		late     time.Duration
	}{
		{"no estimate", nil, 400, longestPause},
		{"a right estimate", func(j Job) time.Time { return j.CreatedAt.Add(length) }, 100, 10 * time.Second},
		{"an estimate that is hours too late", func(j Job) time.Time { return j.CreatedAt.Add(2 * length) }, 100, expectedPause},
		{"an estimate that is long past", func(j Job) time.Time { return j.CreatedAt.Add(-length) }, 400, longestPause},
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			services, took := make([]*counting, legs), make(chan time.Duration)
			for i := range services {
				services[i] = &counting{service: service{runs: length}, estimate: c.estimate}
				r := newRunner(services[i])
				r.launch.Notify = func(Job, []Metric) {}
				go func() {
					if state, err := Advance(t.Context(), r.launch); err != nil || state.Job.Status != Succeeded {
						t.Errorf("%s: %+v, %v", c.name, state, err)
					}
					took <- time.Since(began)
				}()
			}
			total := 0
			for range services {
				if late := <-took - length; late > c.late {
					t.Errorf("%s: the end was seen after %v", c.name, late)
				}
			}
			for _, s := range services {
				total += s.requests
			}
			t.Logf("%s: %d requests for %d jobs of %v", c.name, total, legs, length)
			if total > legs*c.most {
				t.Errorf("%s: %d requests, want %d at most", c.name, total, legs*c.most)
			}
		})
	}
}

// A service without room is asked again, ever more seldom, and its own word on when is taken.
func TestNoRoom(t *testing.T) {
	for after, most := range map[time.Duration]int{0: 20, 20 * time.Minute: 4} {
		synctest.Test(t, func(t *testing.T) {
			s := &service{runs: time.Hour}
			began, told := time.Now(), 0
			s.start = func() error {
				if time.Since(began) < time.Hour {
					return fmt.Errorf("429: %w", &Busy{After: after, Err: errors.New("too many active jobs")})
				}
				return nil
			}
			r := newRunner(s)
			r.launch.Waiting = func(why error, again time.Duration) {
				if told++; why.Error() != "too many active jobs" || again <= 0 {
					t.Errorf("told %v, %v", why, again)
				}
			}
			state, err := r.advance(t)
			if err != nil || state.Job.Status != Succeeded || state.Job.Attempt != 1 || state.Launched != 1 || told > most {
				t.Errorf("%+v, %v, told %d times", state, err, told)
			}
		})
	}
}

// With no time to wait, no room is said at once; the next run tries again. Another run's job is taken up meanwhile.
func TestNoRoomAndABound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{runs: time.Hour, start: func() error { return &Busy{Err: errors.New("too many active jobs")} }}
		r := newRunner(s)
		r.launch.Until = time.Now()
		began := time.Now()
		var busy *Busy
		if state, err := r.advance(t); !errors.As(err, &busy) || state.Pending() || state.Unsettled || time.Since(began) > time.Second {
			t.Errorf("%+v, %v after %v", state, err, time.Since(began))
		}
		r.launch.Until = time.Now().Add(time.Hour)
		go func() {
			time.Sleep(30 * time.Minute)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.jobs = append(s.jobs, Job{ID: "rival", Key: testSpec.Key(), Attempt: 1, Status: Running, CreatedAt: time.Now()})
		}()
		if state, err := r.advance(t); err != nil || state.Job.ID != "rival" || s.creates != 0 {
			t.Errorf("%+v, %v, %d creates", state, err, s.creates)
		}
	})
}

// A person's cancel is not answered with another job, by this call or a later one, but by one that was asked for it.
func TestCancelledByAPerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{runs: 2 * time.Hour}
		r := newRunner(s)
		r.launch.Attempts = 2
		go func() {
			time.Sleep(time.Hour)
			_ = s.Cancel(t.Context(), "job-1")
		}()
		state, err := r.advance(t)
		if err != nil || state.Job.Status != Cancelled || s.creates != 1 {
			t.Errorf("%+v, %v, %d creates", state, err, s.creates)
		}
		began := time.Now()
		if state, err = r.advance(t); err != nil || state.Job.Status != Cancelled || s.creates != 1 || time.Since(began) > time.Second {
			t.Errorf("a later call: %+v, %v, %d creates after %v", state, err, s.creates, time.Since(began))
		}
		r.launch.Again = true
		if state, err = r.advance(t); err != nil || state.Job.Status != Succeeded || state.Job.Attempt != 2 || s.creates != 2 {
			t.Errorf("the next call: %+v, %v, %d creates", state, err, s.creates)
		}
	})
}

// A wrong key is said at once, not after minutes.
func TestPermanentErrorsAreNotOutlasted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		denied := errors.New("the service answered 401")
		s := &service{broken: func() error { return Permanent(denied) }}
		began := time.Now()
		if _, err := newRunner(s).advance(t); !errors.Is(err, denied) || time.Since(began) > 0 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		s.broken = func() error { return errors.New("the service answered 503") }
		if _, err := newRunner(s).advance(t); err == nil || !strings.Contains(err.Error(), "503") || time.Since(began) < patience {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// A job that was just made may not be served by its name yet; one that stays away is gone, and that is said.
func TestJobThatAppearsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		r := newRunner(s)
		r.journal = []Event{{Kind: Intent, Key: testSpec.Key(), Attempt: 1}, {Kind: Launched, Key: testSpec.Key(), Attempt: 1, Job: "job-x"}}
		r.launch.Attempts = 2
		go func() {
			time.Sleep(time.Minute)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.jobs = append(s.jobs, Job{ID: "job-x", Key: testSpec.Key(), Attempt: 1, Status: Running, CreatedAt: time.Now()})
		}()
		if state, err := r.advance(t); err != nil || state.Job.ID != "job-x" || state.Job.Status != Succeeded || s.creates != 0 {
			t.Errorf("%+v, %v, %d creates", state, err, s.creates)
		}
		r.launch.Attempts, s.jobs = 1, nil
		if _, err := r.advance(t); !errors.Is(err, ErrNotFound) {
			t.Errorf("gone: %v", err)
		}
	})
}
