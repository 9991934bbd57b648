package train

import (
	"errors"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

var refused = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}

// A service that was never there is given up sooner than one that fell silent, and what one launch has waited for no other
// one waits for again. Every try is told.
func TestReachIsSharedJudgement(t *testing.T) {
	for name, c := range map[string]struct {
		fault error
		most  time.Duration
		asked int // by the second launch
	}{
		"never reached": {refused, firstPatience, 0},
		"failing":       {errors.New("the service answered 503"), patience, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				s := &service{broken: func() error { asked++; return c.fault }}
				reach := new(Reach)
				var told []time.Duration
				advance := func() time.Duration {
					r := newRunner(s)
					r.launch.Reach = reach
					r.launch.Waiting = func(_ error, again time.Duration) { told = append(told, again) }
					began := time.Now()
					var silence *Silence
					if state, err := r.advance(t); !errors.As(err, &silence) || !errors.Is(err, c.fault) || silence.For != c.most || state.Launched+s.creates > 0 {
						t.Errorf("%+v, %v, silent for %v", state, err, silence)
					}
					return time.Since(began)
				}
				if took := advance(); took != c.most {
					t.Errorf("the first launch gave up after %v, want %v", took, c.most)
				}
				if len(told) != asked-1 || !slices.Equal(told[:4], []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}) {
					t.Errorf("%d tries, told of %v", asked, told)
				}
				asked = 0
				if took := advance(); took != 0 || asked != c.asked {
					t.Errorf("the second launch gave up after %v and asked %d times", took, asked)
				}
			})
		})
	}
}

// What answered once is given its minutes, and asked again by whoever comes later: nothing is given up for good.
func TestReachAfterAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{runs: 8 * time.Hour}
		r := newRunner(s)
		r.launch.Reach = new(Reach)
		began := time.Now()
		s.broken = func() error {
			if up := time.Since(began); up > time.Hour && up < 2*time.Hour {
				return refused
			}
			return nil
		}
		state, err := r.advance(t)
		if took := time.Since(began); err == nil || !state.Pending() || took < time.Hour+patience || took > time.Hour+2*patience {
			t.Errorf("%+v, %v after %v", state, err, took)
		}
		if !r.launch.Reach.Down() {
			t.Error("is not said to be down")
		}
		time.Sleep(2 * time.Hour)
		if state, err = r.advance(t); err != nil || state.Job.Status != Succeeded || s.creates != 1 || r.launch.Reach.Down() {
			t.Errorf("later: %+v, %v, %d creates", state, err, s.creates)
		}
	})
}

// With no time to wait, one try is all; a long silence of nobody asking is no silence of the service.
func TestReachWithoutPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		s := &service{broken: func() error { asked++; return refused }}
		r := newRunner(s)
		r.launch.Reach, r.launch.Until = new(Reach), time.Now()
		for range 3 {
			if _, err := Jobs(t.Context(), r.launch); err == nil || !strings.Contains(err.Error(), "connection refused") || asked != 1 {
				t.Errorf("%v after %d tries", err, asked)
			}
		}
		reach := new(Reach)
		reach.answers()
		reach.fails(time.Now(), refused)
		time.Sleep(time.Hour)
		if s, left := reach.fails(time.Now(), refused); s.For != 0 || left != patience {
			t.Errorf("silent for %v, %v left", s.For, left)
		}
	})
}
