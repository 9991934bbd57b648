package train

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestKeyDependsOnWhatDeterminesTheModel(t *testing.T) {
	same := testSpec
	same.Agent, same.Attempt = "another name", 7
	if same.Key() != testSpec.Key() {
		t.Error("the agent's name or the attempt changes the key")
	}
	for name, change := range map[string]func(*Spec){
		"endpoint": func(s *Spec) { s.Endpoint += "/" }, "model": func(s *Spec) { s.Model += "x" }, "method": func(s *Spec) { s.Method = "dpo" },
		"epochs": func(s *Spec) { s.Epochs = 2 }, "batch": func(s *Spec) { s.BatchSize = 8 }, "rate": func(s *Spec) { s.LearningRate = 2 },
		"seed": func(s *Spec) { s.Seed = 2 }, "training": func(s *Spec) { s.Training = "abd" }, "validation": func(s *Spec) { s.Validation = "abc" },
	} {
		other := testSpec
		change(&other)
		if other.Key() == testSpec.Key() {
			t.Errorf("the %s does not change the key", name)
		}
	}
	long := testSpec
	long.Agent = strings.Repeat("a", 63)
	if got := long.Label(); len(got) != 40 || !strings.HasSuffix(got, string(long.Key()[:12])) {
		t.Errorf("label %q is not 40 bytes that end with the key", got)
	}
}

func TestLaunchOnceThenReuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{runs: time.Hour}
		r := newRunner(s)
		state, err := r.advance(t)
		if err != nil || state.Launched != 1 || state.Job.Status != Succeeded || state.Job.Model != "ft:job-1" {
			t.Fatalf("first run: %+v, %v", state, err)
		}
		if want := "intent launched ended"; r.kinds() != want {
			t.Errorf("journal %q, want %q", r.kinds(), want)
		}
		if s.polls > 200 {
			t.Errorf("an hour took %d polls", s.polls)
		}
		for _, again := range []*runner{r, newRunner(s)} {
			state, err = again.advance(t)
			if err != nil || state.Launched != 0 || state.Job.ID != "job-1" || s.creates != 1 {
				t.Errorf("later run: %+v, %v, %d creates", state, err, s.creates)
			}
		}
	})
}

func TestPendingIsPickedUpWithoutTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{runs: 8 * time.Hour}
		r := newRunner(s)
		r.launch.Until = time.Now().Add(time.Hour)
		state, err := r.advance(t)
		if err != nil || !state.Pending() || time.Now().After(r.launch.Until.Add(time.Second)) {
			t.Fatalf("after an hour: %+v, %v", state, err)
		}
		state, err = newRunner(s).advance(t)
		if err != nil || state.Job.Status != Succeeded || state.Launched != 0 || s.creates != 1 {
			t.Errorf("on another machine: %+v, %v, %d creates", state, err, s.creates)
		}
	})
}

func TestLostReplyIsSettledByTheList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{runs: time.Hour, lag: time.Minute, reply: func() error { return errors.New("connection reset") }}
		r := newRunner(s)
		state, err := r.advance(t)
		if err != nil || state.Job.Status != Succeeded || s.creates != 1 || state.Launched != 1 {
			t.Errorf("%+v, %v, %d creates", state, err, s.creates)
		}
	})
}

// The process dies between the intent and the reply: the next one waits for the list before it pays again.
func TestOpenIntentIsSettledFirst(t *testing.T) {
	for _, reached := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			s := &service{runs: time.Hour, lag: time.Minute}
			r := newRunner(s)
			s.start = func() error {
				if !reached {
					panic("killed")
				}
				return nil
			}
			s.reply = func() error { panic("killed") }
			func() {
				defer func() { _ = recover() }()
				_, _ = r.advance(t)
			}()
			if want := "intent"; r.kinds() != want {
				t.Fatalf("journal %q, want %q", r.kinds(), want)
			}
			s.start, s.reply = nil, nil
			began, told := time.Now(), 0
			r.launch.Waiting = func(why error, again time.Duration) {
				if told++; !errors.Is(why, ErrLag) || again != r.launch.Settle {
					t.Errorf("told %v, %v", why, again)
				}
			}
			state, err := r.advance(t)
			if told != 1 {
				t.Errorf("reached %t: told %d times that the list may lag", reached, told)
			}
			if err != nil || state.Job.Status != Succeeded || s.creates != 1 {
				t.Errorf("reached %t: %+v, %v, %d creates", reached, state, err, s.creates)
			}
			if !reached && s.jobs[0].CreatedAt.Sub(began) < 90*time.Second {
				t.Error("a second create was sent before the list could have shown the first")
			}
		})
	}
}

func TestLostReplyOfACreateThatNeverHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{start: func() error { return errors.New("connection refused") }}
		r := newRunner(s)
		if _, err := r.advance(t); err == nil || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("error %v, want the cause", err)
		}
		s.start = nil
		if state, err := r.advance(t); err != nil || state.Launched != 1 || s.creates != 1 {
			t.Errorf("next run: %+v, %v, %d creates", state, err, s.creates)
		}
	})
}

func TestRefusalIsFinalAndCostsNoAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{start: func() error { return fmt.Errorf("%w: no access", ErrRefused) }}
		r := newRunner(s)
		began := time.Now()
		if _, err := r.advance(t); !errors.Is(err, ErrRefused) || time.Since(began) > time.Second {
			t.Errorf("error %v after %v, want the refusal at once", err, time.Since(began))
		}
		s.start = nil
		if state, err := r.advance(t); err != nil || state.Job.Attempt != 1 || state.Job.Status != Succeeded {
			t.Errorf("after the cause was mended: %+v, %v", state, err)
		}
	})
}

// Two runs that saw no job both created one: all choose the oldest, and the other is cancelled.
func TestOfTwoJobsTheOldestStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{runs: time.Hour, lag: 10 * time.Second}
		r := newRunner(s)
		s.start = func() error {
			s.jobs = append(s.jobs, Job{ID: "rival", Key: testSpec.Key(), Attempt: 1, Status: Running, CreatedAt: time.Now()})
			time.Sleep(time.Second)
			return nil
		}
		state, err := r.advance(t)
		if err != nil || state.Job.ID != "rival" || state.Job.Status != Succeeded || !slices.Equal(state.Extra, []string{"job-2"}) {
			t.Fatalf("%+v, %v", state, err)
		}
		if got := s.jobs[1].Status; got != Cancelled {
			t.Errorf("the second job is %s", got)
		}
		if want := "intent launched adopted extra ended"; r.kinds() != want {
			t.Errorf("journal %q, want %q", r.kinds(), want)
		}
	})
}

func TestForeignJobsAreNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{jobs: []Job{{ID: "other", Key: "another key", Status: Succeeded, Model: "ft:other"}}}
		if state, err := newRunner(s).advance(t); err != nil || state.Job.ID == "other" || state.Launched != 1 {
			t.Errorf("%+v, %v", state, err)
		}
	})
}

func TestFailedJobNeedsLeaveForAnotherAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{ends: Failed}
		r := newRunner(s)
		for range 2 {
			state, err := r.advance(t)
			if err != nil || state.Job.Status != Failed || s.creates != 1 {
				t.Fatalf("%+v, %v, %d creates", state, err, s.creates)
			}
		}
		s.ends, r.launch.Attempts = "", 2
		state, err := r.advance(t)
		if err != nil || state.Job.Status != Succeeded || state.Job.Attempt != 2 || s.creates != 2 {
			t.Errorf("second attempt: %+v, %v, %d creates", state, err, s.creates)
		}
	})
}

func TestRefusedReservationLaunchesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		r := newRunner(s)
		broke := errors.New("no money left")
		r.launch.Reserve = func(Spec) error { return broke }
		if _, err := r.advance(t); !errors.Is(err, broke) || s.creates != 0 || len(r.journal) != 0 {
			t.Errorf("error %v, %d creates, journal %q", err, s.creates, r.kinds())
		}
	})
}

func TestJobGoneFromTheProviderIsNotPaidAgainInSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		r := newRunner(s)
		if _, err := r.advance(t); err != nil {
			t.Fatal(err)
		}
		s.jobs = nil
		if _, err := r.advance(t); !errors.Is(err, ErrNotFound) || s.creates != 1 {
			t.Errorf("error %v, %d creates", err, s.creates)
		}
		r.launch.Attempts = 2
		if state, err := r.advance(t); err != nil || state.Launched != 1 || state.Job.Attempt != 2 {
			t.Errorf("with leave: %+v, %v", state, err)
		}
	})
}

func TestPollingOutlastsErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{runs: time.Hour}
		r := newRunner(s)
		s.broken = func() error {
			if len(s.jobs) > 0 && time.Since(s.jobs[0].CreatedAt)%(10*time.Minute) < 4*time.Minute {
				return errors.New("503")
			}
			return nil
		}
		if state, err := r.advance(t); err != nil || state.Job.Status != Succeeded || s.creates != 1 {
			t.Errorf("%+v, %v, %d creates", state, err, s.creates)
		}
		s.runs, s.jobs = 100*time.Hour, nil
		down := false
		s.broken = func() error {
			if down = down || len(s.jobs) > 0; down {
				return errors.New("down for good")
			}
			return nil
		}
		state, err := newRunner(s).advance(t)
		if err == nil || !state.Pending() {
			t.Errorf("a service that stays down: %+v, %v; want an error and a job that goes on", state, err)
		}
	})
}

// The list may lag behind a create, however long the upload before it took.
func TestSlowUploadsDoNotHideARival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{runs: time.Hour, lag: 30 * time.Second, upload: 2 * time.Minute}
		states := make([]State, 2)
		done := make(chan error)
		for i := range states {
			go func() {
				time.Sleep(time.Duration(i) * time.Second)
				var err error
				r := newRunner(s)
				states[i], err = Advance(t.Context(), r.launch)
				done <- err
			}()
		}
		if err := errors.Join(<-done, <-done); err != nil {
			t.Fatal(err)
		}
		trained := 0
		for _, j := range s.jobs {
			if j.Status == Succeeded {
				trained++
			}
		}
		if trained != 1 || states[0].Job.ID != states[1].Job.ID {
			t.Errorf("%d jobs trained, the runs end with %s and %s", trained, states[0].Job.ID, states[1].Job.ID)
		}
	})
}

// The list shows an old failed job only, the journal knows the newer one that is running.
func TestJournalKnowsMoreThanTheList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{ends: Failed}
		r := newRunner(s)
		if _, err := r.advance(t); err != nil {
			t.Fatal(err)
		}
		s.ends, s.runs, s.lag, r.launch.Attempts = "", time.Hour, 0, 2
		r.launch.Until = time.Now().Add(time.Minute)
		if state, err := r.advance(t); err != nil || state.Job.Attempt != 2 || !state.Pending() {
			t.Fatalf("%+v, %v", state, err)
		}
		s.lag, r.launch.Attempts, r.launch.Until = 30*time.Minute, 3, time.Time{}
		s.jobs[0].CreatedAt = s.jobs[0].CreatedAt.Add(-time.Hour) // shown, unlike the second
		state, err := r.advance(t)
		if err != nil || s.creates != 2 || state.Job.ID != "job-2" || state.Job.Status != Succeeded {
			t.Errorf("%+v, %v, %d creates", state, err, s.creates)
		}
	})
}

// A journal that names somebody else's job does not make it ours.
func TestForeignJobInTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{jobs: []Job{{ID: "foreign", Key: "another key", Status: Succeeded, Model: "ft:foreign"}}}
		r := newRunner(s)
		r.journal = []Event{{Kind: Launched, Key: testSpec.Key(), Attempt: 1, Job: "foreign"}}
		if state, err := r.advance(t); err == nil || state.Job.ID == "foreign" {
			t.Errorf("%+v, %v", state, err)
		}
	})
}

// Another run, which saw more, cancels the job that this one follows: the one it chose is taken up.
func TestRivalCancelsTheFollowedJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{runs: 10 * time.Hour}
		r := newRunner(s)
		r.launch.Settle = time.Second
		go func() {
			time.Sleep(time.Hour)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.jobs[0].Status = Cancelled
			s.jobs = append(s.jobs, Job{ID: "rival", Key: testSpec.Key(), Attempt: 1, Status: Succeeded, Model: "ft:rival", CreatedAt: time.Now()})
		}()
		if state, err := r.advance(t); err != nil || state.Job.ID != "rival" || s.creates != 1 {
			t.Errorf("%+v, %v, %d creates", state, err, s.creates)
		}
	})
}

func TestAttemptsGoOnWithinOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{ends: Failed}
		r := newRunner(s)
		r.launch.Attempts = 3
		state, err := r.advance(t)
		if err != nil || s.creates != 3 || state.Launched != 3 || state.Job.Attempt != 3 || state.Job.Status != Failed {
			t.Errorf("%+v, %v, %d creates", state, err, s.creates)
		}
	})
}

// Where the list is the truth, a job that is gone was deleted there, and may be made again.
func TestDeletedWhereTheListIsTheTruth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		r := newRunner(s)
		r.launch.Settle = 0
		if _, err := r.advance(t); err != nil {
			t.Fatal(err)
		}
		s.jobs = nil
		if state, err := r.advance(t); err != nil || state.Launched != 1 || state.Job.Status != Succeeded {
			t.Errorf("%+v, %v", state, err)
		}
	})
}

// The end of the context leaves a create that is under way a moment for its reply.
func TestInterruptedCreate(t *testing.T) {
	for reply, want := range map[time.Duration]State{500 * time.Millisecond: {Launched: 1}, 2 * time.Second: {Unsettled: true}} {
		synctest.Test(t, func(t *testing.T) {
			s := &service{runs: time.Hour}
			r := newRunner(s)
			ctx, stop := context.WithCancel(t.Context())
			s.reply = func() error { stop(); time.Sleep(reply); return nil }
			if want.Unsettled {
				s.reply = func() error { stop(); time.Sleep(reply); return context.Canceled }
			}
			state, err := Advance(ctx, r.launch)
			if !errors.Is(err, context.Canceled) || state.Launched != want.Launched || state.Unsettled != want.Unsettled {
				t.Errorf("reply after %v: %+v, %v", reply, state, err)
			}
			s.reply = nil
			if state, err := r.advance(t); err != nil || s.creates != 1 || state.Job.Status != Succeeded {
				t.Errorf("the next run: %+v, %v, %d creates", state, err, s.creates)
			}
		})
	}
}

// A service that stops answering does not hold up a caller that gave a bound, beyond the look for a rival of the job that
// it has made.
func TestStalledServiceAndABound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stalling{service: service{runs: 8 * time.Hour}}
		r := newRunner(s)
		r.launch.Until = time.Now().Add(2 * time.Second)
		began := time.Now()
		state, err := r.advance(t)
		if took := time.Since(began); err != nil || !state.Pending() || took > r.launch.Settle+10*time.Second {
			t.Errorf("%+v, %v after %v", state, err, took)
		}
	})
}

// stalling never answers a Poll before its context ends.
type stalling struct{ service }

func (s *stalling) Poll(ctx context.Context, _ string) (Job, error) {
	<-ctx.Done()
	return Job{}, ctx.Err()
}
