package pipeline

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/localtune/wiretest"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/report"
)

// late is the account seen through a list that shows no job for a while after one was made.
type late struct {
	*account
	by time.Duration
}

func (l late) RoundTrip(q *http.Request) (*http.Response, error) {
	l.mu.Lock()
	behind := slices.ContainsFunc(l.jobs, func(j *accountJob) bool { return time.Since(j.created) < l.by })
	l.mu.Unlock()
	if behind && q.Method == http.MethodGet && q.URL.Path == "/v1/fine_tuning/jobs" {
		time.Sleep(l.latency)
		body := io.NopCloser(bytes.NewReader([]byte(`{"object":"list","data":[],"has_more":false}`)))
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: body, Request: q}, nil
	}
	return l.account.RoundTrip(q)
}

func (l late) run(t *testing.T, m *manifest.Manifest, state string, o Options) report.Report {
	t.Helper()
	o.State, o.Getenv, o.Transport = state, func(string) string { return "" }, l
	r, err := Run(t.Context(), m, o)
	if err != nil {
		t.Error(err)
	}
	return r
}

// Two agents of equal data are one fine-tune, also where the list lags and where it fails and is tried again, and it is paid
// once.
func TestEqualAgentsShareOneJob(t *testing.T) {
	for name, c := range map[string]struct {
		fails    string
		attempts int
		want     string
		jobs     int
	}{
		"one attempt":    {"", 1, "pass pass", 1},
		"three attempts": {`{"code":"server_error","message":"Out of luck."}`, 3, "error error", 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := hostedManifest(t, 2, "")
				twin := m.Agents[0]
				twin.Name = "agent-1"
				m.Agents[1] = twin
				a := &account{length: 8 * time.Hour, latency: time.Second, tokens: dear(t, m, 10), fails: c.fails}
				budget := 10 * float64(c.jobs)
				m.Budget.MaxCostUSD = &budget
				r := late{a, 30 * time.Second}.run(t, m, t.TempDir(), Options{Wait: -1, Attempts: c.attempts})
				if verdicts(r) != c.want || a.made != c.jobs || r.Launched != c.jobs || r.CostUSD < budget-0.01 || r.CostUSD > budget+0.01 {
					t.Errorf("%q, %d made, %d launched, $%.2f; %q", verdicts(r), a.made, r.Launched, r.CostUSD, r.Legs[1].Reasons)
				}
			})
		})
	}
}

// Of two runs that race, one job stays. When that one fails, both runs tell why, and not that the other was cancelled.
func TestRaceThenFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := hostedManifest(t, 1, "")
		a := &account{length: 2 * time.Hour, latency: time.Second, tokens: 1, fails: `{"code":"invalid_training_file","message":"Blocked by our moderation system."}`}
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				l := late{a, 30 * time.Second}.run(t, m, t.TempDir(), Options{Wait: -1}).Legs[0]
				if p := l.Last(); p.Job != "ftjob-1" || p.Status != "failed" || p.ErrorCode != "invalid_training_file" || !slices.Equal(p.Extra, []string{"ftjob-2"}) || !strings.Contains(l.Reasons[0], "will not train on this data") {
					t.Errorf("%+v, %q", p, l.Reasons)
				}
			})
			time.Sleep(10 * time.Second)
		}
		wg.Wait()
		if a.made != 2 {
			t.Errorf("%d jobs", a.made)
		}
	})
}

// What failed attempts may have cost counts before the next one, in one run and over several.
func TestAttemptsKeepToTheBudget(t *testing.T) {
	for name, wait := range map[string]time.Duration{"one run": -1, "several runs": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := hostedManifest(t, 1, "")
				a := &account{length: time.Hour, latency: time.Second, tokens: dear(t, m, 19.31), fails: `{"code":"server_error","message":"Out of luck."}`}
				forty := 40.0
				m.Budget.MaxCostUSD = &forty
				state, spent := t.TempDir(), 0.0
				var r report.Report
				for range 6 {
					r = late{a, 0}.run(t, m, state, Options{Wait: wait, Attempts: 4})
					spent += r.CostUSD
					time.Sleep(time.Hour)
				}
				why := r.Legs[0].Reasons[0]
				if r.Verdict != gate.Error || a.made != 2 || spent > 38.63 || spent < 38.61 || !strings.Contains(why, "Out of luck") || !strings.Contains(why, "over the budget") {
					t.Errorf("%s, %d jobs, $%.2f: %q", r.Verdict, a.made, spent, why)
				}
			})
		})
	}
}

// An attempt more is within what the other legs leave of the budget.
func TestRetryKeepsToTheBudget(t *testing.T) {
	for name, ends := range map[string]time.Duration{"others live": 0, "others succeeded": 9 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := hostedManifest(t, 3, "")
				a := &account{length: 8 * time.Hour, latency: time.Second, tokens: dear(t, m, 19.31)}
				state := t.TempDir()
				a.at(t, m, state, 0)
				a.jobs[0].cancelled = true
				time.Sleep(ends)
				for budget, want := range map[float64]int{40: 0, 58: 0} {
					m.Budget.MaxCostUSD = &budget
					lines, n, err := Retry(t.Context(), m, Options{State: state, Getenv: func(string) string { return "" }, Transport: wiretest.CheckSent(t, a)})
					if err != nil || n != want || !strings.Contains(lines[0].Error, "over the budget") {
						t.Errorf("$%v: %d launched, %v, %+v", budget, n, err, lines)
					}
				}
				enough := 78.0
				m.Budget.MaxCostUSD = &enough
				if lines, n, err := Retry(t.Context(), m, Options{State: state, Getenv: func(string) string { return "" }, Transport: wiretest.CheckSent(t, a)}); err != nil || n != 1 {
					t.Errorf("%d launched, %v, %+v", n, err, lines)
				}
			})
		})
	}
}

// A cancel finds the job that a run has just launched, before the list shows it, by the run's own journal.
func TestCancelWhatIsNotListedYet(t *testing.T) {
	for name, launches := range map[string]time.Duration{"launched": 15 * time.Second, "about to be": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := hostedManifest(t, 1, "")
				a := &account{length: 8 * time.Hour, latency: 2 * time.Second, tokens: 1}
				l, state := late{a, 40 * time.Second}, t.TempDir()
				done := make(chan report.Report)
				go func() { done <- l.run(t, m, state, Options{Wait: time.Hour, Attempts: 2}) }()
				time.Sleep(launches + time.Millisecond)
				o := Options{State: state, Getenv: func(string) string { return "" }, Transport: wiretest.CheckSent(t, l)}
				if launches > 0 {
					if jobs, err := Status(t.Context(), m, o); err != nil || len(jobs) != 1 || jobs[0].Job != "ftjob-1" {
						t.Errorf("status: %+v, %v", jobs, err)
					}
				}
				began := time.Now()
				if jobs, err := CancelJobs(t.Context(), m, o); err != nil || len(jobs) != 1 || jobs[0].Status != "cancelled" || time.Since(began) > 90*time.Second {
					t.Errorf("%+v, %v after %v", jobs, err, time.Since(began))
				}
				// Nobody pays again for what a person has cancelled: not this run, nor a later one with attempts left.
				for run, r := range []report.Report{<-done, l.run(t, m, state, Options{Wait: time.Hour, Attempts: 2})} {
					if leg := r.Legs[0]; r.Verdict != gate.Error || !strings.Contains(leg.Reasons[0], "was cancelled") || !strings.Contains(strings.Join(leg.Next, ""), "tunegate retry --leg agent-0") || a.made != 1 {
						t.Errorf("run %d: %q, next %q, %d jobs", run, leg.Reasons, leg.Next, a.made)
					}
				}
				if _, n, err := Retry(t.Context(), m, o); n != 1 || err != nil {
					t.Errorf("retry: %d, %v", n, err)
				}
			})
		})
	}
}

// Two runs that leave as soon as they may do not leave two jobs behind: nobody may look again before both are done.
func TestRaceOfRunsThatDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := hostedManifest(t, 1, "")
		a := &account{length: 8 * time.Hour, latency: time.Second, tokens: 1}
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { late{a, 30 * time.Second}.run(t, m, t.TempDir(), Options{Wait: 0}) })
			time.Sleep(10 * time.Second)
		}
		wg.Wait()
		if live := slices.DeleteFunc(slices.Clone(a.jobs), func(j *accountJob) bool { return !a.live(j) }); a.made != 2 || len(live) != 1 {
			t.Errorf("%d jobs, %d under way", a.made, len(live))
		}
	})
}
