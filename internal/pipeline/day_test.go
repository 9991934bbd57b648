package pipeline

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/localtune/wiretest"
	"github.com/tunegate/tunegate/internal/manifest"
)

// What a hosted runner does to a job.
const (
	startUp   = 20 * time.Second // of a job on the runner, until our process starts
	jobLimit  = 6 * time.Hour    // then it is cut off
	restarted = 5 * time.Minute  // after a job was cut or cancelled, until somebody or something runs it again
)

// mode is a way to wait for fine-tunes.
type mode struct {
	name  string
	wait  time.Duration // --wait; negative: in the job
	every time.Duration // the schedule that runs it again while it is pending
	most  int           // runner minutes that it may cost
	alone bool          // a job for each agent, side by side, instead of one for all
}

// A day on hosted runners: five agents of eight hours, jobs that are cut off at six, two that a person cancels, and no
// journal that outlives a job. Each agent is paid once, and waiting on a schedule costs a few runner minutes.
func TestHostedDay(t *testing.T) {
	var table strings.Builder
	cheapest := math.MaxInt
	modes := []mode{
		{"wait in a job for each agent", -1, 0, 5 * 500, true},
		{"wait in one job", -1, 0, 500, false},
		{"--wait 30m, again every hour", 30 * time.Minute, time.Hour, 300, false},
		{"--wait 0, again every 30 minutes", 0, 30 * time.Minute, 25, false},
		{"--wait 0, again every hour", 0, time.Hour, 15, false},
		{"--wait 0, again every 2 hours", 0, 2 * time.Hour, 10, false},
	}
	if testing.Short() {
		modes = []mode{modes[1], modes[4]}
	}
	for _, m := range modes {
		synctest.Test(t, func(t *testing.T) {
			a := &account{length: 8 * time.Hour, latency: 150 * time.Millisecond, tokens: 1000}
			minutes, runs, took := m.day(t, a)
			fmt.Fprintf(&table, "\n%-34s %4d runner minutes, %2d runs, done after %v", m.name, minutes, runs, took.Round(time.Minute))
			cheapest = min(cheapest, minutes)
			if minutes > m.most {
				t.Errorf("%s: %d runner minutes, want %d at most", m.name, minutes, m.most)
			}
			if len(a.jobs) != 5 || len(a.perAgent()) != 5 {
				t.Errorf("%s: %d jobs were made, %v trained", m.name, len(a.jobs), a.perAgent())
			}
		})
	}
	t.Log(table.String())
	if cheapest > 20 {
		t.Errorf("the cheapest way takes %d runner minutes", cheapest)
	}
}

// day runs the command until its verdict is no longer pending.
func (m mode) day(t *testing.T, a *account) (minutes, runs int, took time.Duration) {
	began := time.Now()
	man := hostedManifest(t, 5, "")
	for runs < 100 {
		runs++
		person := time.Duration(0) // when somebody cancels this run
		switch runs {
		case 1:
			person = 90 * time.Second // in the middle of the launches' settling
		case 3:
			person = 5 * time.Second
		}
		started := time.Now()
		verdict, used := m.jobs(t, a, man, person)
		lasted := time.Since(started)
		minutes += used
		switch verdict {
		case gate.Pass:
			return minutes, runs, time.Since(began)
		case gate.Pending:
		default:
			t.Fatalf("%s: run %d ends with %s", m.name, runs, verdict)
		}
		if m.every == 0 || lasted >= jobLimit || person > 0 {
			time.Sleep(restarted)
			continue
		}
		time.Sleep(max(m.every-lasted, 0))
	}
	t.Fatalf("%s: no end after %d runs", m.name, runs)
	return
}

// jobs are the jobs of one run of the workflow, and the minutes that they cost, each rounded up.
func (m mode) jobs(t *testing.T, a *account, man *manifest.Manifest, person time.Duration) (worst gate.Verdict, minutes int) {
	legs := [][]string{nil}
	if m.alone {
		legs = nil
		for _, agent := range man.Agents {
			legs = append(legs, []string{agent.Name})
		}
	}
	verdicts, took := make([]gate.Verdict, len(legs)), make([]time.Duration, len(legs))
	var wg sync.WaitGroup
	for i := range legs {
		wg.Go(func() {
			began := time.Now()
			verdicts[i] = m.job(t, a, man, person, legs[i])
			took[i] = time.Since(began)
		})
	}
	wg.Wait()
	a.mu.Lock()
	a.down = false
	a.mu.Unlock()
	for _, d := range took {
		minutes += int(math.Ceil(d.Minutes()))
	}
	return gate.Worst(verdicts...), minutes
}

// job is one job on a fresh machine: it is cancelled after a time, if that is above 0, and its power is cut at the limit.
func (m mode) job(t *testing.T, a *account, man *manifest.Manifest, person time.Duration, legs []string) gate.Verdict {
	time.Sleep(startUp)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if person > 0 {
		stop := time.AfterFunc(person, cancel)
		defer stop.Stop()
	}
	cut := time.AfterFunc(jobLimit-startUp, func() {
		a.mu.Lock()
		a.down = true // nothing that is said from now on is heard
		a.mu.Unlock()
		cancel()
	})
	doc, _ := Run(ctx, man, Options{State: t.TempDir(), Legs: legs, Wait: m.wait, Getenv: func(string) string { return "" }, Transport: wiretest.CheckSent(t, a)})
	if cut.Stop() {
		return doc.Verdict
	}
	return gate.Pending // nobody has seen its report
}
