package pipeline

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/localtune/wiretest"
	"github.com/tunegate/tunegate/internal/manifest"
)

// What a person does with jobs: look, cancel, try again, and find the model with the next run.
func TestLookCancelRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &account{length: 8 * time.Hour, latency: time.Second}
		m, state := hostedManifest(t, 2, ""), t.TempDir()
		a.tokens = dear(t, m, 10)
		plenty := 60.0 // each attempt counts
		m.Budget.MaxCostUSD = &plenty
		o := Options{State: state, Getenv: func(string) string { return "" }, Transport: wiretest.CheckSent(t, a)}
		look := func(do func(context.Context, *manifest.Manifest, Options) ([]Job, error), legs ...string) string {
			t.Helper()
			o := o
			o.Legs = legs
			jobs, err := do(t.Context(), m, o)
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, j := range jobs {
				if j.Job != "" && (j.Created == nil || j.EstimatedFinish == nil || j.EstimatedFinish.Sub(*j.Created) != a.length || len(j.Key) != 64) {
					t.Errorf("%+v", j)
				}
				all = append(all, strings.TrimSpace(fmt.Sprint(j.Leg, " ", j.Job, " ", j.Status, " ", j.Attempt)))
			}
			return strings.Join(all, ", ")
		}
		expect := func(got, want string) {
			t.Helper()
			if got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		}
		again := func(legs ...string) (jobs []Job, launched int) {
			t.Helper()
			o := o
			o.Legs = legs
			jobs, launched, err := Retry(t.Context(), m, o)
			if err != nil {
				t.Fatal(err)
			}
			return jobs, launched
		}
		expect(look(Status), "agent-0   0, agent-1   0")
		if jobs, n := again("agent-0"); n != 0 || !strings.Contains(jobs[0].Error, "never launched") {
			t.Errorf("retry before anything: %+v", jobs)
		}
		a.at(t, m, state, 0)
		expect(look(Status), "agent-0 ftjob-1 running 1, agent-1 ftjob-2 running 1")
		expect(look(CancelJobs, "agent-0"), "agent-0 ftjob-1 cancelled 1")
		expect(look(CancelJobs, "agent-0"), "")
		expect(look(Status), "agent-0 ftjob-1 cancelled 1, agent-1 ftjob-2 running 1")
		if text, err := os.ReadFile(filepath.Join(state, "legs", "agent-0.journal")); err != nil || !strings.Contains(string(text), `"kind":"ended"`) || !strings.Contains(string(text), `"status":"cancelled"`) {
			t.Errorf("the journal does not say that the job was cancelled: %s, %v", text, err)
		}
		if r := a.at(t, m, state, -1); verdicts(r) != "error pass" || !strings.Contains(r.Legs[0].Reasons[0], "was cancelled") || len(a.jobs) != 2 {
			t.Errorf("after the cancel: %q, %q, %d jobs", verdicts(r), r.Legs[0].Reasons, len(a.jobs))
		}
		began := time.Now()
		jobs, n := again()
		if n != 1 || jobs[0].Job != "ftjob-3" || jobs[0].Attempt != 2 || jobs[0].Error != "" || !strings.Contains(jobs[1].Error, "has succeeded") || time.Since(began) > 3*time.Minute {
			t.Errorf("retry: %d launched in %v, %+v", n, time.Since(began), jobs)
		}
		if jobs, n := again(); n != 0 || !strings.Contains(jobs[0].Error, "is under way") {
			t.Errorf("retry of a live job: %d launched, %+v", n, jobs)
		}
		expect(look(Status, "agent-0"), "agent-0 ftjob-3 running 2, agent-0 ftjob-1 cancelled 1")
		// What goes on needs no leave: the run follows it, on a machine without the journal too.
		if r := a.at(t, m, t.TempDir(), -1); r.Verdict != gate.Pass || r.Launched != 0 || r.Legs[0].Last().Attempt != 2 {
			t.Errorf("the next run: %q, %d launched", verdicts(r), r.Launched)
		}
		// Gone from the provider: the journal knows, and retry makes another one.
		a.jobs = a.jobs[1:2]
		if jobs, n := again("agent-0"); n != 1 || jobs[0].Attempt != 3 {
			t.Errorf("retry of a lost job: %d launched, %+v", n, jobs)
		}
		// The budget counts.
		expect(look(CancelJobs), "agent-0 ftjob-4 cancelled 3")
		little := 15.0 // one of them was paid
		m.Budget.MaxCostUSD = &little
		if jobs, n := again(); n != 0 || !strings.Contains(jobs[0].Error, "over the budget") {
			t.Errorf("retry over the budget: %d launched, %+v", n, jobs)
		}
	})
}
