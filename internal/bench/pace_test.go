package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tunegate/tunegate/internal/suite"
)

// tooMany is a refusal that asks to wait so long.
type tooMany time.Duration

func (t tooMany) Error() string                  { return "too many requests" }
func (t tooMany) Refused() (time.Duration, bool) { return time.Duration(t), true }
func (t tooMany) wrapped() error                 { return fmt.Errorf("asking: %w", t) }
func ask(c Completer, n int) (r Response, e error) {
	return c.Complete(context.Background(), question(n))
}

// question is one that right answers.
func question(n int) Request {
	return Request{Model: "m", Messages: []suite.Message{{Role: "system", Content: "s"}, {Role: "user", Content: fmt.Sprintf("q%d", n)}}}
}

// limited is a service that lets through rate requests a second, in bursts of as many, and most at once; 0: any number. It
// is on the test's clock.
type limited struct {
	rate, most int
	latency    time.Duration
	says       bool // when to come back

	mu       sync.Mutex
	tokens   float64
	last     time.Time
	underway int
	sent     int
	refused  int
	until    time.Time // it asked to send nothing before
	early    int       // requests that came all the same
}

func (l *limited) Complete(ctx context.Context, r Request) (Response, error) {
	if wait, ok := l.let(); !ok {
		return Response{}, tooMany(wait).wrapped()
	}
	time.Sleep(l.latency)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.underway--
	return right(ctx, r)
}

func (l *limited) let() (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.sent++
	if now.Before(l.until) {
		l.early++
	}
	if l.rate > 0 {
		if l.last.IsZero() {
			l.tokens = float64(l.rate)
		} else {
			l.tokens = min(float64(l.rate), l.tokens+now.Sub(l.last).Seconds()*float64(l.rate))
		}
		l.last = now
	}
	if l.rate > 0 && l.tokens < 1 || l.most > 0 && l.underway == l.most {
		l.refused++
		if l.says {
			wait = time.Second
			l.until = now.Add(wait)
		}
		return wait, false
	}
	l.tokens--
	l.underway++
	return 0, true
}

// all fails the test unless every sample is a right answer.
func all(t *testing.T, samples []Sample, n int) {
	t.Helper()
	if len(samples) != n {
		t.Errorf("%d samples, want %d", len(samples), n)
	}
	for _, s := range samples {
		if s.Error != "" || s.Score != 1 {
			t.Errorf("%s %s: score %v, %q", s.Test, s.Arm, s.Score, s.Error)
		}
	}
}

// A benchmark takes as long as the service does: 3,000 answers of 50 ms, sixteen at a time.
func TestNoTimeIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := &limited{latency: 50 * time.Millisecond}
		cache := openCache(t, t.TempDir()+"/answers")
		p := newPlan(t, 1500, nil)
		pace := new(Pace)
		p.Arms[0].Completer, p.Arms[1].Completer = cache.Over("s", pace.Over(service)), pace.Over(service)
		p.Concurrency, p.First, p.Batch = 16, 10, 10
		looks := 0
		p.Decide = func(samples []Sample) bool {
			looks++
			if n := len(samples) / 2; n <= 110 && n != 10*looks {
				t.Errorf("look %d after %d tests", looks, n)
			}
			return false
		}
		began := time.Now()
		samples, err := Run(t.Context(), p)
		took, ideal := time.Since(began), 3000*50*time.Millisecond/16
		if err != nil || took > ideal*11/10 {
			t.Errorf("%v; it took %v, ideal is %v", err, took, ideal)
		}
		all(t, samples, 3000)
		t.Logf("%v, %.4f of the ideal %v, %d looks", took, took.Seconds()/ideal.Seconds(), ideal, looks)
	})
}

// Limits that nobody told are kept to: everything is answered, nearly as fast as they allow, and what is sent in vain is little. Several
// benchmarks share them.
func TestPaceFindsTheLimit(t *testing.T) {
	for name, c := range map[string]struct {
		service *limited
		ideal   time.Duration // for 400 answers
		slower  float64
		refused int
	}{
		"5 a second, and when to come back": {&limited{rate: 5, latency: 20 * time.Millisecond, says: true}, 79 * time.Second, 1.25, 110},
		"5 a second, silent":                {&limited{rate: 5, latency: 20 * time.Millisecond}, 79 * time.Second, 1.1, 180},
		"4 at once, silent":                 {&limited{most: 4, latency: time.Second}, 100 * time.Second, 1.15, 20},
		"50 a second and 4 at once":         {&limited{rate: 50, most: 4, latency: 10 * time.Millisecond, says: true}, 7 * time.Second, 1.5, 20},
		"none":                              {&limited{latency: time.Second}, 12500 * time.Millisecond, 1.05, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pace := new(Pace)
				began := time.Now()
				var wg sync.WaitGroup
				var told atomic.Int32
				for range 2 {
					wg.Go(func() {
						p := newPlan(t, 100, pace.Over(c.service))
						p.Concurrency = 16
						samples, err := Run(t.Context(), p)
						if err != nil {
							t.Error(err)
						}
						all(t, samples, 200)
						for _, s := range samples {
							told.Add(int32(s.Refused))
						}
					})
				}
				wg.Wait()
				took := time.Since(began)
				if int(told.Load()) != c.service.refused {
					t.Errorf("the samples tell of %d refusals of %d", told.Load(), c.service.refused)
				}
				most := c.refused
				if most > 0 {
					most += 28 // of the two times sixteen that are on their way, at worst, when the first is refused
				}
				if slower := took.Seconds() / c.ideal.Seconds(); slower > c.slower || c.service.refused > most {
					t.Errorf("%v, %.2f of the ideal, with %d refusals; want %.2f and %d at most", took, slower, c.service.refused, c.slower, most)
				} else {
					t.Logf("%v, %.2f of the ideal, %d of %d requests refused, %d too early", took, slower, c.service.refused, c.service.sent, c.service.early)
				}
				// What was on its way when the first refusal came is all that may come too early.
				if c.service.early > 0 && c.service.says && c.service.early > 32 {
					t.Errorf("%d requests came while everybody was to wait", c.service.early)
				}
			})
		})
	}
}

// A service that only refuses is given up after ten minutes, for all questions alike, and that is no wrong answer.
func TestPaceGivesUp(t *testing.T) {
	for _, wait := range []time.Duration{0, time.Second, 20 * time.Second, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			sent := 0
			var mu sync.Mutex
			p := newPlan(t, 300, new(Pace).Over(answers(func(context.Context, Request) (Response, error) {
				mu.Lock()
				defer mu.Unlock()
				sent++
				return Response{}, tooMany(wait)
			})))
			p.Concurrency, p.MaxFailed = 16, 15
			began := time.Now()
			samples, err := Run(t.Context(), p)
			if took := time.Since(began); err != nil || took < patience || took > patience+2*longPause || sent > 1000 {
				t.Errorf("wait %v: %v after %v and %d requests", wait, err, took, sent)
			}
			if len(samples) < 2*16 || len(samples) > 2*40 {
				t.Errorf("%d samples", len(samples))
			}
			for _, s := range samples {
				if s.Error != "too many requests" {
					t.Fatalf("%+v", s)
				}
			}
		})
	}
}

// Patience is for a service that answers nobody: one that is merely slow is asked for as long as it takes.
func TestPaceIsPatient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlan(t, 2000, new(Pace).Over(&limited{rate: 5, latency: 20 * time.Millisecond, says: true}))
		p.Concurrency = 16
		began := time.Now()
		samples, err := Run(t.Context(), p)
		if took := time.Since(began); err != nil || took < patience+time.Minute {
			t.Errorf("%v after %v", err, took)
		}
		all(t, samples, 4000)
	})
}

// A question that is too large for the limit by itself does not hold up the others for ever, and they do not suffer for it.
func TestOneIsRefusedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const tests = 1500
		p := newPlan(t, tests, new(Pace).Over(answers(func(ctx context.Context, r Request) (Response, error) {
			if time.Sleep(100 * time.Millisecond); r.Messages[1].Content == "q7" {
				return Response{}, tooMany(0)
			}
			return right(ctx, r)
		})))
		p.Concurrency, p.MaxFailed = 8, 1
		began := time.Now()
		samples, err := Run(t.Context(), p)
		if took := time.Since(began); err != nil || len(samples) != 2*tests || took > 5*time.Minute {
			t.Fatalf("%v, %d samples after %v", err, len(samples), took)
		}
		for _, s := range samples {
			if lost := s.Test == "t7"; lost != (s.Error != "") || lost != (s.Refused == refusals) || s.Refused > 0 && !lost {
				t.Errorf("%+v", s)
			}
		}
	})
}

// Refusals and failures are different things: one that is no refusal is handed on at once, and slows nobody down.
func TestPaceLeavesOtherErrorsAlone(t *testing.T) {
	broken := errors.New("broken")
	sent := 0
	c := new(Pace).Over(answers(func(context.Context, Request) (Response, error) {
		sent++
		return Response{}, broken
	}))
	if _, err := ask(c, 1); !errors.Is(err, broken) || sent != 1 {
		t.Errorf("%v after %d requests", err, sent)
	}
}

// An interrupt ends all waiting.
func TestPaceIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := newPlan(t, 50, new(Pace).Over(answers(func(context.Context, Request) (Response, error) { return Response{}, tooMany(time.Minute) })))
		p.Concurrency, p.MaxFailed = 16, 50
		time.AfterFunc(30*time.Second, cancel)
		began := time.Now()
		samples, err := Run(ctx, p)
		if took := time.Since(began); !errors.Is(err, context.Canceled) || took != 30*time.Second || len(samples) != 0 {
			t.Errorf("%v after %v, %d samples", err, took, len(samples))
		}
	})
}

// A run with too many lost answers ends in the middle of a batch, with whole tests only.
func TestTooManyFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlan(t, 1000, answers(func(ctx context.Context, r Request) (Response, error) {
			if time.Sleep(time.Second); r.Model == "model-t" && strings.HasSuffix(r.Messages[1].Content, "5") {
				return Response{}, errors.New("broken")
			}
			return right(ctx, r)
		}))
		p.Concurrency, p.MaxFailed = 6, 3
		samples, err := Run(t.Context(), p)
		if n := len(samples) / 2; err != nil || n < 36 || n > 42 || len(samples)%2 != 0 || strings.Join(order(samples), ",") != strings.Join(wanted(n), ",") {
			t.Errorf("%v; %d samples", err, len(samples))
		}
	})
}
