package pipeline

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tunegate/tunegate/internal/catalog"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/localtune/wiretest"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/report"
)

// at runs a manifest on the account, with a machine that keeps its journals in state.
func (a *account) at(t *testing.T, m *manifest.Manifest, state string, wait time.Duration) report.Report {
	t.Helper()
	r, err := Run(t.Context(), m, Options{State: state, Wait: wait, Getenv: func(string) string { return "" }, Transport: wiretest.CheckSent(t, a)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// dear makes every agent's training cost usd and returns the tokens that it is billed for.
func dear(t *testing.T, m *manifest.Manifest, usd float64) int64 {
	t.Helper()
	m.Prices[hosted] = catalog.Price{TrainPerMillion: 1}
	p, err := MakePlan(t.Context(), m, Options{})
	if err != nil {
		t.Fatal(err)
	}
	tokens := p.Legs[0].Phases[0].TrainingTokens
	m.Prices[hosted] = catalog.Price{TrainPerMillion: usd / float64(tokens) * 1e6}
	return tokens
}

// Five agents of $19.31 and a budget of $50: two are launched, three refused, nothing is overspent, and the report has
// estimated, reserved and spent money side by side. The same command again changes nothing.
func TestFiftyDollars(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := hostedManifest(t, 5, "")
		a := &account{length: 8 * time.Hour, latency: time.Second, tokens: dear(t, m, 19.31)}
		fifty := 50.0
		m.Budget.MaxCostUSD = &fifty
		state := t.TempDir()
		for run, spent := range []float64{38.62, 0} {
			r := a.at(t, m, state, -1)
			if want := "pass pass inconclusive inconclusive inconclusive"; verdicts(r) != want || r.Verdict != gate.Inconclusive || len(a.jobs) != 2 {
				t.Errorf("run %d: verdicts %q, %d jobs, want %q and 2", run, verdicts(r), len(a.jobs), want)
			}
			if math.Abs(r.Estimate.Total()-5*19.31) > 0.01 || math.Abs(r.ReservedUSD-spent) > 0.01 || math.Abs(r.CostUSD-spent) > 0.01 {
				t.Errorf("run %d: estimated $%.2f, reserved $%.2f, spent $%.2f; want $96.55, $%.2f, $%[5]v", run, r.Estimate.Total(), r.ReservedUSD, r.CostUSD, spent)
			}
			want := "not launched: over the budget: $19.31 more would make it $57.93 of $50.00"
			if run == 1 {
				want += "; $38.62 of that is for reused jobs, which count at what they cost"
			}
			if why := r.Legs[2].Reasons[0]; why != want {
				t.Errorf("run %d: the third leg says %q", run, why)
			}
		}
	})
}

// Past budget.max_hours nothing more is launched and nothing waited for, and what was launched goes on: a later run finds it.
func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := hostedManifest(t, 4, "execution: sequential\n")
		ten := 10.0
		m.Budget.MaxHours = &ten
		a := &account{length: 8 * time.Hour, latency: time.Second, tokens: 1}
		state, began := t.TempDir(), time.Now()
		r := a.at(t, m, state, -1)
		if want := "pass pending inconclusive inconclusive"; verdicts(r) != want || len(a.jobs) != 2 || time.Since(began).Round(time.Hour) != 10*time.Hour {
			t.Errorf("verdicts %q, %d jobs after %v, want %q", verdicts(r), len(a.jobs), time.Since(began), want)
		}
		if why := r.Legs[1].Reasons[0]; !strings.Contains(why, "not waited for any longer: budget.max_hours, 10,") || !strings.Contains(why, "goes on at") {
			t.Errorf("the second leg says %q", why)
		}
		if why := r.Legs[2].Reasons[0]; !strings.Contains(why, "not launched: past the deadline") || !strings.Contains(why, "max_hours, 10") {
			t.Errorf("the third leg says %q", why)
		}
		time.Sleep(8 * time.Hour)
		if r = a.at(t, m, state, -1); verdicts(r) != "pass pass inconclusive inconclusive" || len(a.jobs) != 2 {
			t.Errorf("later: verdicts %q, %d jobs", verdicts(r), len(a.jobs))
		}
	})
}

// A run that is called again every hour does not start the clock of max_hours anew.
func TestDeadlineOverRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := hostedManifest(t, 3, "")
		p := m.Providers["served"]
		p.MaxParallel = 1
		m.Providers["served"] = p
		ten := 10.0
		m.Budget.MaxHours = &ten
		a := &account{length: 8 * time.Hour, latency: time.Second, tokens: 1}
		state := t.TempDir()
		var r report.Report
		for range 24 {
			r = a.at(t, m, state, 0)
			time.Sleep(time.Hour)
		}
		if verdicts(r) != "pass pass inconclusive" || len(a.jobs) != 2 {
			t.Errorf("verdicts %q, %d jobs", verdicts(r), len(a.jobs))
		}
		// Other fine-tunes have their own ten hours.
		m.Agents[2].Seed++
		if r = a.at(t, m, state, 0); verdicts(r) != "pass pass pending" || len(a.jobs) != 3 {
			t.Errorf("other inputs: verdicts %q, %d jobs", verdicts(r), len(a.jobs))
		}
	})
}

// A job that is under way counts before a leg that comes earlier in the manifest is launched.
func TestMaxParallelCountsWhatIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := hostedManifest(t, 2, "")
		p := m.Providers["served"]
		p.MaxParallel = 1
		m.Providers["served"] = p
		a := &account{length: 8 * time.Hour, latency: time.Second, tokens: 1}
		o := Options{State: t.TempDir(), Legs: []string{"agent-1"}, Getenv: func(string) string { return "" }, Transport: wiretest.CheckSent(t, a)}
		if _, err := Run(t.Context(), m, o); err != nil {
			t.Fatal(err)
		}
		if r := a.at(t, m, t.TempDir(), 0); verdicts(r) != "pending pending" || len(a.jobs) != 1 || !strings.Contains(r.Legs[0].Reasons[0], "by max_parallel") {
			t.Errorf("verdicts %q, %d jobs, %q", verdicts(r), len(a.jobs), r.Legs[0].Reasons)
		}
		if r := a.at(t, m, t.TempDir(), -1); verdicts(r) != "pass pass" || len(a.jobs) != 2 {
			t.Errorf("verdicts %q, %d jobs", verdicts(r), len(a.jobs))
		}
	})
}

// overRuns runs five agents, of whose jobs two may be under way at a time, every four hours without waiting, until all are done: as two
// jobs of eight hours end, two more begin. state is where a run finds its journal, and see looks at its report. It has a
// clock of its own: call it within synctest.Test.
func overRuns(t *testing.T, a *account, m *manifest.Manifest, state func(run int) string, see func(run int, r report.Report)) {
	t.Helper()
	schedule := time.NewTicker(4*time.Hour + time.Minute)
	defer schedule.Stop()
	for i, want := range []struct {
		verdicts string
		jobs     int
	}{
		{"pending pending pending pending pending", 2}, {"pending pending pending pending pending", 2}, {"pass pass pending pending pending", 4},
		{"pass pass pending pending pending", 4}, {"pass pass pass pass pending", 5}, {"pass pass pass pass pending", 5}, {"pass pass pass pass pass", 5},
	} {
		r := a.at(t, m, state(i), 0)
		if verdicts(r) != want.verdicts || len(a.jobs) != want.jobs {
			t.Errorf("run %d: verdicts %q, %d jobs, want %+v", i, verdicts(r), len(a.jobs), want)
		}
		see(i, r)
		<-schedule.C
	}
}

// max_parallel bounds the jobs of a base model that are under way, over all runs: a job that outlives a run keeps its place.
func TestMaxParallelOverRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := hostedManifest(t, 5, "")
		p := m.Providers["served"]
		p.MaxParallel = 2
		m.Providers["served"] = p
		a := &account{length: 8 * time.Hour, latency: time.Second, tokens: 1}
		dir := t.TempDir()
		overRuns(t, a, m, func(int) string { return dir }, func(run int, r report.Report) {
			if why := r.Legs[4].Reasons[0]; r.Legs[4].Verdict == gate.Pending && len(a.jobs) < 5 && !strings.Contains(why, "runs 2 jobs of hosted-model at a time, by max_parallel") {
				t.Errorf("run %d: the fifth leg says %q", run, why)
			}
		})
	})
}

// Two base models at one provider have a queue each: the one waits for none of the other's jobs, and neither has more jobs under
// way than max_parallel, within a run and over several.
func TestMaxParallelIsPerBaseModel(t *testing.T) {
	two := func(t *testing.T) *manifest.Manifest {
		m := hostedManifest(t, 5, "")
		m.Providers["served"] = manifest.Provider{Kind: manifest.KindOpenAI, BaseURL: m.Providers["served"].BaseURL, MaxParallel: 1}
		m.Prices["other-model"] = catalog.Price{}
		m.Agents[1].BaseModel, m.Agents[3].BaseModel = "other-model", "other-model" // the others are 0, 2 and 4
		return m
	}
	one := func(t *testing.T, a *account) {
		t.Helper()
		if len(a.jobs) != 5 || len(a.most) != 2 || a.most[hosted] != 1 || a.most["other-model"] != 1 {
			t.Errorf("%d jobs, at most %v at a time", len(a.jobs), a.most)
		}
	}
	t.Run("within a run", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a := &account{length: 8 * time.Hour, latency: time.Second, tokens: 1}
			began := time.Now()
			r := a.at(t, two(t), t.TempDir(), -1)
			if took := time.Since(began).Round(time.Hour); verdicts(r) != "pass pass pass pass pass" || took != 24*time.Hour { // three in turn; of one queue it were 40
				t.Errorf("verdicts %q after %v", verdicts(r), took)
			}
			one(t, a)
		})
	})
	t.Run("over runs", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a := &account{length: 8 * time.Hour, latency: time.Second, tokens: 1}
			dir := ""
			elsewhere := func(run int) string { // every second run is on another machine: what is under way counts without its journal
				if run%2 == 1 || dir == "" {
					dir = t.TempDir()
				}
				return dir
			}
			overRuns(t, a, two(t), elsewhere, func(run int, r report.Report) {
				if why := strings.Join(r.Legs[3].Reasons, ""); len(a.jobs) == 2 && !strings.Contains(why, "served runs 1 job of other-model at a time, by max_parallel") {
					t.Errorf("run %d: the fourth leg says %q", run, why)
				}
			})
			one(t, a)
		})
	})
}

// An account that runs three jobs at a time gets five in turn, without a failure and without many requests in vain.
func TestAccountIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &account{length: 8 * time.Hour, latency: time.Second, tokens: 1, places: 3}
		told := false
		m := hostedManifest(t, 5, "")
		r, err := Run(t.Context(), m, Options{State: t.TempDir(), Wait: -1, Getenv: func(string) string { return "" }, Transport: wiretest.CheckSent(t, a),
			Notify: func(e Event) { told = told || strings.Contains(e.Text, "no room for another job, asking again in ") }})
		if err != nil || r.Verdict != gate.Pass || len(a.jobs) != 5 || a.refused > 2*110 || !told {
			t.Errorf("%v, verdicts %q, %d jobs, %d refused, told %t", err, verdicts(r), len(a.jobs), a.refused, told)
		}
		t.Logf("%d creates were refused, %d requests in all", a.refused, a.requests)
		// With no time to wait it is pending, and says why.
		a.places, a.jobs = 3, a.jobs[:0]
		r = a.at(t, m, t.TempDir(), 0)
		if want := "pending pending pending pending pending"; verdicts(r) != want || len(a.jobs) != 3 || !strings.Contains(fmt.Sprint(r.Legs), "has no room for another job: the service answered 429") {
			t.Errorf("verdicts %q, %d jobs", verdicts(r), len(a.jobs))
		}
	})
}

// Each way in which a job can go wrong has its own words and its own next step.
func TestWhatGoesWrongWithAJob(t *testing.T) {
	for name, c := range map[string]struct {
		account *account
		before  func(t *testing.T, a *account, m *manifest.Manifest, state string)
		wait    time.Duration
		verdict gate.Verdict
		reason  string
		next    string
		code    string
	}{
		"moderation": {account: &account{fails: `{"code":"invalid_training_file","message":"The training file was blocked by our moderation system."}`}, wait: -1,
			verdict: gate.Error, reason: "will not train on this data: The training file was blocked", next: "take out the examples that break", code: "invalid_training_file"},
		"failure": {account: &account{fails: `{"code":"server_error","message":"Out of luck."}`}, wait: -1,
			verdict: gate.Error, reason: "has failed: Out of luck. (server_error)", next: "then tunegate retry --leg agent-0 makes another attempt", code: "server_error"},
		"stuck": {account: &account{state: "validating_files"}, wait: 2 * time.Hour,
			verdict: gate.Pending, reason: "under validation for 2h0m0s", next: "run the same command again later"},
		"unknown state": {account: &account{state: "paused"}, wait: 2 * time.Hour,
			verdict: gate.Pending, reason: "is unknown and goes on", next: "run the same command again later"},
		"lost": {account: &account{}, before: func(t *testing.T, a *account, m *manifest.Manifest, state string) {
			a.at(t, m, state, 0)
			a.jobs = nil
		}, wait: -1, verdict: gate.Error, reason: "lost: job ftjob-1 was launched before and is gone", next: "ask the service what became of the job"},
		"not served for a while": {account: &account{warming: 8 * time.Minute}, wait: -1, verdict: gate.Pass},
		"deleted": {account: &account{}, before: func(t *testing.T, a *account, m *manifest.Manifest, state string) {
			a.at(t, m, state, -1)
			time.Sleep(30 * 24 * time.Hour)
			a.warming = 1000 * 24 * time.Hour
		}, wait: -1, verdict: gate.Error, reason: "does not serve ft:ftjob-1 any more", next: "another seed for the agent agent-0"},
		"not served": {account: &account{warming: time.Hour}, wait: -1, verdict: gate.Pending, reason: "does not serve ft:ftjob-1 yet", next: "run the same command again later"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := c.account
				a.length, a.latency, a.tokens = 8*time.Hour, time.Second, 1
				m, state := hostedManifest(t, 1, ""), t.TempDir()
				if c.before != nil {
					c.before(t, a, m, state)
				}
				l := a.at(t, m, state, c.wait).Legs[0]
				if l.Verdict != c.verdict || !strings.Contains(l.Reasons[0], c.reason) || !strings.Contains(strings.Join(l.Next, "\n"), c.next) || l.Last().ErrorCode != c.code {
					t.Errorf("%s %q, next %q, code %q", l.Verdict, l.Reasons, l.Next, l.Last().ErrorCode)
				}
			})
		})
	}
}

// Where the budget is too small, legs commit to a phase in the manifest's order, all to one phase before any to the next,
// however long each takes; where it is not, a later phase waits for nobody.
func TestTurns(t *testing.T) {
	for seed := range uint64(20) {
		for _, tight := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				const phases, legs = 3, 5
				order := newTurns(phases, legs, tight, false)
				var mu sync.Mutex
				var got []string
				var wg sync.WaitGroup
				for i := range legs {
					rng := rand.New(rand.NewPCG(seed, uint64(i)))
					wg.Go(func() {
						me := turn{order, i}
						defer me.leave()
						for p := range phases {
							me.wait(t.Context(), p)
							mu.Lock()
							got = append(got, fmt.Sprint(p, i))
							mu.Unlock()
							me.pass(p)
							time.Sleep(time.Duration(rng.Int64N(int64(time.Hour))))
							if i == 2 && p == 1 {
								return // ends early
							}
						}
					})
				}
				wg.Wait()
				const want = "0 0,0 1,0 2,0 3,0 4,1 0,1 1,1 2,1 3,1 4,2 0,2 1,2 3,2 4"
				if all := strings.Join(got, ","); tight && all != want || !tight && !strings.HasPrefix(all, want[:19]) {
					t.Errorf("seed %d: %s", seed, all)
				}
			})
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	turn{newTurns(1, 2, true, false), 1}.wait(ctx, 0) // an interrupt ends the wait
}
