package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/localtune/wiretest"
	"github.com/tunegate/tunegate/internal/manifest"
)

// replies answers every request with a function.
type replies func(*http.Request) (*http.Response, error)

func (w replies) RoundTrip(q *http.Request) (*http.Response, error) { return w(q) }

func refuse(*http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
}

// withKey makes the account's provider one that needs a key.
func withKey(m *manifest.Manifest) {
	p := m.Providers["served"]
	p.APIKeyEnv, p.KeyPos = "ACME_API_KEY", manifest.Pos{Line: 3, Col: 60}
	m.Providers["served"] = p
}

// A service that cannot be reached ends a run of five legs within half a minute or so, each try is told, and all legs say the
// same, with its name and address. One that fell silent is waited for once, not once a leg.
func TestServiceOutOfReach(t *testing.T) {
	for name, c := range map[string]struct {
		w           http.RoundTripper
		least, most time.Duration
		says, told  string
	}{
		"refused": {replies(refuse), 30 * time.Second, 40 * time.Second,
			"served (http://127.0.0.1:1/v1) has not answered for 3", "still no answer from served (http://127.0.0.1:1/v1) after "},
		"failing": {replies(func(q *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 503, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("overloaded")), Request: q}, nil
		}), 5 * time.Minute, 8 * time.Minute, "served (http://127.0.0.1:1/v1) has failed for 5m", "served (http://127.0.0.1:1/v1) fails, asking again in 30s: "},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var lines []string
				var last time.Time
				began, quiet := time.Now(), time.Duration(0)
				last = began
				r, err := Run(t.Context(), hostedManifest(t, 5, ""), Options{State: t.TempDir(), Wait: -1, Getenv: func(string) string { return "" }, Transport: wiretest.CheckSent(t, c.w),
					Notify: func(e Event) {
						quiet, last = max(quiet, time.Since(last)), time.Now()
						lines = append(lines, e.Text)
					}})
				if took := time.Since(began); err != nil || r.Verdict != gate.Error || r.Launched != 0 || took < c.least || took > c.most || quiet > time.Minute {
					t.Errorf("%v, verdict %s, %d launched after %v, silent for %v", err, r.Verdict, r.Launched, took, quiet)
				}
				if why := r.Legs[0].Reasons[0]; !strings.HasPrefix(why, c.says) || strings.Contains(why, "metadata") {
					t.Errorf("the first leg says %q", why)
				}
				for _, l := range r.Legs {
					if l.Verdict != gate.Error || l.Reasons[0] != r.Legs[0].Reasons[0] || name == "refused" && (!strings.Contains(l.Next[0], "see whether http://127.0.0.1:1/v1 is the address of served")) {
						t.Errorf("%s: %s %q, next %q", l.ID, l.Verdict, l.Reasons, l.Next)
					}
				}
				if all := strings.Join(lines, "\n"); strings.Count(all, c.told) < 2 {
					t.Errorf("told:\n%s", all)
				}
			})
		})
	}
}

// Who looks, cancels or tries again is told that nothing is known, of each leg and once of the provider, and does not wait.
func TestJobsOfAServiceOutOfReach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := hostedManifest(t, 3, "profile: thorough\n")
		stalled := replies(func(q *http.Request) (*http.Response, error) {
			<-q.Context().Done()
			return nil, q.Context().Err()
		})
		for name, c := range map[string]struct {
			do   func(context.Context, *manifest.Manifest, Options) ([]Job, error)
			w    http.RoundTripper
			most time.Duration
		}{
			"status":          {Status, replies(refuse), 5 * time.Second},
			"status, stalled": {Status, stalled, statusTime},
			"cancel":          {CancelJobs, replies(refuse), 5 * time.Second},
		} {
			began := time.Now()
			jobs, err := c.do(t.Context(), m, Options{State: t.TempDir(), Getenv: func(string) string { return "" }, Transport: wiretest.CheckSent(t, c.w)})
			if took := time.Since(began); took > c.most || len(jobs) < 3 || err == nil || strings.Count(err.Error(), "served (http://127.0.0.1:1/v1) did not answer") != 1 {
				t.Errorf("%s: %d jobs, %v after %v", name, len(jobs), err, took)
			}
			for _, j := range jobs {
				if j.Job != "" || !strings.HasPrefix(j.Error, "not known: served (http://127.0.0.1:1/v1) did not answer") {
					t.Errorf("%s: %+v", name, j)
				}
			}
		}
		began := time.Now()
		jobs, n, err := Retry(t.Context(), m, Options{State: t.TempDir(), Getenv: func(string) string { return "" }, Transport: wiretest.CheckSent(t, replies(refuse))})
		if n != 0 || err != nil || time.Since(began) > 10*time.Second {
			t.Errorf("retry: %d launched, %v after %v", n, err, time.Since(began))
		}
		for _, j := range jobs {
			if !strings.HasPrefix(j.Error, "served (http://127.0.0.1:1/v1) did not answer") {
				t.Errorf("retry: %+v", j)
			}
		}
	})
}

// A key that is not set is one finding, where the manifest names it, and a few words for each leg.
func TestKeyNotSet(t *testing.T) {
	m := hostedManifest(t, 3, "")
	withKey(m)
	o := Options{State: t.TempDir(), Wait: -1, Getenv: func(string) string { return "" }, Transport: wiretest.CheckSent(t, replies(refuse))}
	r, err := Run(t.Context(), m, o)
	_, err2 := Status(t.Context(), m, o)
	for _, err := range []error{err, err2} {
		var findings diag.Mistakes
		if !errors.As(err, &findings) || len(findings) != 1 || findings[0].Line != 3 || findings[0].Col != 60 || !strings.Contains(findings[0].Message, "ACME_API_KEY") {
			t.Errorf("findings %+v of %v", findings, err)
		}
	}
	for _, l := range r.Legs {
		if l.Verdict != gate.Error || len(l.Reasons) != 1 || l.Reasons[0] != "not started: the key for served is not set" {
			t.Errorf("%s: %s %q", l.ID, l.Verdict, l.Reasons)
		}
	}
}

// A refused key is named with its provider and its variable, and what to do; legs that differ in nothing but the service's
// name for the request say the same, and the log has the names.
func TestKeyRefused(t *testing.T) {
	var n atomic.Int32
	denied := replies(func(q *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 401, Header: http.Header{"X-Request-Id": {fmt.Sprint("req_", n.Add(1))}}, Request: q,
			Body: io.NopCloser(strings.NewReader(`{"error":{"message":"Incorrect API key provided.","code":"invalid_api_key"}}`))}, nil
	})
	for _, legs := range []int{1, 5} {
		m := hostedManifest(t, legs, "")
		withKey(m)
		var log []string
		r, err := Run(t.Context(), m, Options{State: t.TempDir(), Wait: -1, Getenv: func(string) string { return "wrong" }, Transport: wiretest.CheckSent(t, denied),
			Notify: func(e Event) { log = append(log, e.Text) }})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range r.Legs {
			why := l.Reasons[0]
			if l.Verdict != gate.Error || !strings.HasPrefix(why, "served (http://127.0.0.1:1/v1) refused the key in ACME_API_KEY (401: Incorrect API key provided. (invalid_api_key)") ||
				!strings.HasPrefix(l.Next[0], "put a valid key for served (http://127.0.0.1:1/v1) into ACME_API_KEY") || strings.Contains(why, "req_") != (legs == 1) || why != r.Legs[0].Reasons[0] {
				t.Errorf("%s: %s %q, next %q", l.ID, l.Verdict, l.Reasons, l.Next)
			}
		}
		if all := strings.Join(log, "\n"); strings.Count(all, "request req_") != legs {
			t.Errorf("the log:\n%s", all)
		}
	}
}
