package github_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tunegate/tunegate/internal/github"
	"github.com/tunegate/tunegate/internal/github/githubtest"
)

// What may be repeated is, and nothing else.
func TestRepeats(t *testing.T) {
	lost := func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(discard{}, r)
		panic(http.ErrAbortHandler)
	}
	down := func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(http.StatusBadGateway) }
	for _, c := range []struct {
		name  string
		do    func(context.Context, *github.Client) error
		fault func(http.ResponseWriter, *http.Request, http.Handler)
		sent  int
		ok    bool
	}{
		{"a GET whose reply is lost", func(ctx context.Context, c *github.Client) error { _, err := c.Pull(ctx, 7); return err }, lost, 2, true},
		{"a GET that is answered by a gateway", func(ctx context.Context, c *github.Client) error { _, err := c.Pull(ctx, 7); return err }, down, 2, true},
		{"a PUT whose reply is lost", func(ctx context.Context, c *github.Client) error { return c.EnableWorkflow(ctx, "resume.yml") }, lost, 2, true},
		{"a comment whose reply is lost", func(ctx context.Context, c *github.Client) error { _, err := c.Reply(ctx, 7, "x"); return err }, lost, 1, false},
		{"a comment that is answered by a gateway", func(ctx context.Context, c *github.Client) error { _, err := c.Reply(ctx, 7, "x"); return err }, down, 1, false},
		{"a dispatch whose reply is lost", func(ctx context.Context, c *github.Client) error { return c.Dispatch(ctx, "resume.yml", "main", nil) }, lost, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, client, _ := stage(t)
				f.AddWorkflow(githubtest.Workflow{File: "resume.yml"})
				var once sync.Once
				f.Intercept(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
					hit := false
					once.Do(func() { hit = true })
					if hit {
						c.fault(w, r, next)
						return
					}
					next.ServeHTTP(w, r)
				})
				err := c.do(t.Context(), client)
				if (err == nil) != c.ok || client.Requests() != c.sent {
					t.Errorf("%v after %d requests, want %d", err, client.Requests(), c.sent)
				}
				if n := len(f.Comments(7)) + len(f.Dispatches()); n > 1 {
					t.Errorf("%d things were made", n)
				}
			})
		})
	}
}

type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

// A connection that was refused carried nothing.
func TestRefusedConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := githubtest.New(t, githubtest.Options{})
		f.AddPull(githubtest.Pull{Number: 7})
		n := 0
		c, err := github.New(github.Config{Token: githubtest.WriteToken, Repository: f.Repository, BaseURL: githubtest.APIURL, HTTP: &http.Client{
			Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				if n++; n < 3 {
					return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
				}
				return f.Client().Transport.RoundTrip(r)
			})}})
		check(t, err)
		if _, err := c.Reply(t.Context(), 7, "x"); err != nil || len(f.Comments(7)) != 1 {
			t.Errorf("%v", err)
		}
	})
}

func TestARequestThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c, _ := stage(t)
		var n atomic.Int64 // of requests; each is served by a goroutine of its own
		f.Intercept(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if n.Add(1) == 1 {
				<-r.Context().Done()
				return
			}
			next.ServeHTTP(w, r)
		})
		start := time.Now()
		if _, err := c.Pull(t.Context(), 7); err != nil || time.Since(start) != 31*time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}

func TestRateLimits(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*githubtest.Fake)
		wait time.Duration
		err  bool
	}{
		{"the primary limit", func(f *githubtest.Fake) { f.LimitRate(0, time.Now().Add(2*time.Minute)) }, 2*time.Minute + time.Second, false},
		{"the primary limit, too far off", func(f *githubtest.Fake) { f.LimitRate(0, time.Now().Add(40*time.Minute)) }, 0, true},
		{"a secondary limit with 403", func(f *githubtest.Fake) { f.LimitSecondary(2, 403, 20*time.Second) }, 40 * time.Second, false},
		{"a secondary limit with 429", func(f *githubtest.Fake) { f.LimitSecondary(1, 429, 20*time.Second) }, 20 * time.Second, false},
		{"a secondary limit that says no time", func(f *githubtest.Fake) { f.LimitSecondary(1, 403, 0) }, time.Minute, false},
		{"a secondary limit for ever", func(f *githubtest.Fake) { f.LimitSecondary(99, 429, time.Second) }, 3 * time.Second, true},
		{"a secondary limit for a day", func(f *githubtest.Fake) { f.LimitSecondary(1, 429, 24*time.Hour) }, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, client, _ := stage(t)
				c.set(f)
				start := time.Now()
				_, err := client.Reply(t.Context(), 7, "x") // a POST: what a limit refused was not carried out
				if took := time.Since(start); (err != nil) != c.err || took != c.wait || c.err && !errors.Is(err, github.ErrRateLimited) {
					t.Errorf("%v after %s, want %s", err, took, c.wait)
				}
				if want := 1; !c.err && len(f.Comments(7)) != want {
					t.Errorf("%d comments", len(f.Comments(7)))
				}
			})
		})
	}
}

// The last request of an hour is known to be the last: the next one waits without asking.
func TestTheLastRequestOfAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c, _ := stage(t)
		f.LimitRate(1, time.Now().Add(time.Minute))
		for range 2 {
			_, err := c.Pull(t.Context(), 7)
			check(t, err)
		}
		for _, r := range f.Requests() {
			if r.Status != http.StatusOK {
				t.Errorf("%+v", r)
			}
		}
	})
}

func TestCreationsAreSpaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c, _ := stage(t)
		start := time.Now()
		for i := range 10 {
			_, err := c.Reply(t.Context(), 7, fmt.Sprint(i))
			check(t, err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("ten took %s", took)
		}
		for i := range 11 {
			_, err := c.Reply(t.Context(), 7, fmt.Sprint(i))
			check(t, err)
		}
		if took := time.Since(start); took < 20*time.Second { // no more than 80 a minute
			t.Errorf("21 took %s", took)
		}
	})
}

func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c, _ := stage(t)
		f.LimitRate(0, time.Now().Add(time.Minute))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := c.Pull(ctx, 7); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}
