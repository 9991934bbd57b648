// Package pipeline walks the whole flow, from manifest to verdict, over one or more legs, and builds the report.
// It spends money only in tune, through train.Advance; it prints nothing and writes no page: what happens is told as
// events, what came out is the report.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tunegate/tunegate/internal/audit"
	"github.com/tunegate/tunegate/internal/bench"
	"github.com/tunegate/tunegate/internal/cost"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/report"
	"github.com/tunegate/tunegate/internal/train"
)

// Options of a run.
type Options struct {
	State   string   // folder of the journals, of the base models' answers and of the embedded engine; with Trust not in a pull request's checkout
	Legs    []string // only these; empty: all
	Version string   // of the program
	// Wait bounds how long the fine-tunes are waited for; a leg that is not done by then is pending. Negative: to the end.
	Wait time.Duration
	// Since is when these fine-tunes were first launched, for budget.max_hours, where State does not know it; zero: by this run.
	Since time.Time
	// Attempts is how many jobs a fine-tune may cost in all, over all runs; 0 means 1.
	Attempts int
	// Getenv finds the keys of providers.
	Getenv func(string) string
	// Transport carries all requests to services; nil: the client's own.
	Transport http.RoundTripper
	// AllowCommands lets graders run programs, contained: a model's own, or one that the manifest names; and the harness of SWE-bench,
	// which itself contains in Docker what it tries.
	AllowCommands bool
	// Samples, if not nil, is given all answers of a benchmark when it ends, whatever came of it: of each phase of a leg in
	// turn, by the leg's goroutine. What r makes of them was judged.
	Samples func(leg, phase string, all []bench.Sample, r bench.Reducer)
	// Trust, in CI, keeps a manifest that may be a pull request's from choosing what it is judged by, what it costs and where keys
	// go. Nil, as on a laptop: the manifest counts as it is.
	Trust *Trust
	// MaxCostUSD caps the run like the manifest's budget.max_cost_usd; the lower one counts. Nil: the manifest's alone.
	MaxCostUSD *float64
	// FindOnly makes nothing at a provider: a fine-tune that is there is benchmarked and judged, one that is on its way is waited
	// for as Wait says, and a leg that has none ends pending, without a question asked.
	FindOnly bool
	// Known, if not nil, looks for results of earlier runs by their Inputs, where nobody could forge them; it is called once, with
	// the inputs of all legs. A final one (see run.stands) is taken over by a leg of equal inputs: its report says carried, launched 0 and cost 0.
	Known func(ctx context.Context, inputs []string) map[string]report.Leg
	// Notify, if not nil, is told what happens, one call at a time.
	Notify func(Event)
}

// Stage is a part of a leg's way.
type Stage string

// The stages, in order.
const (
	Auditing     Stage = "audit"
	Estimating   Stage = "estimate"
	Training     Stage = "train"
	Benchmarking Stage = "benchmark"
	Finished     Stage = "done"
)

// Event is something that happened to a leg. Text is a plain sentence when there is something new to say; an event
// without it only moves the counters.
type Event struct {
	Leg         string
	Stage       Stage
	Phase       string // while training and benchmarking
	Text        string
	Step, Steps int     // training steps, or answers of the benchmark
	Loss        float64 // of the step
	Verdict     gate.Verdict
	Status      train.Status // of the job, when the text tells of a change of it
	Finish      time.Time    // when the provider expects the job to end; zero: it does not say
}

// run is what the legs of one call share.
type run struct {
	Options
	head     *manifest.Manifest    // as the caller has it
	m        *manifest.Manifest    // as it counts
	changes  []diag.Finding        // what head asks for and does not get
	glance   bool                  // only to see what a leg would cost
	kept     float64               // USD of the budget that are other processes'
	known    map[string]report.Leg // results of earlier runs, by inputs
	baseline *audit.Baseline       // nil: none
	ledger   *cost.Ledger
	places   *endpoints
	until    time.Time // zero: none
	again    bool      // one more attempt than there have been
	began    time.Time
	deadline time.Time // after it nothing is launched and nothing waited for; zero: none
	clock    string    // file with the time of the first launch of these inputs, "" for none
	seats    map[queue]*seats
	kins     sync.Map   // run key to *kin
	mu       sync.Mutex // of Notify
}

// Run takes the legs from their data to their verdicts. The report is whole whatever happened, with every leg in it.
// The error is the context's, a mistake in how the run was asked for (diag.Mistakes), or a failure that
// concerns no leg by itself.
func Run(ctx context.Context, m *manifest.Manifest, o Options) (report.Report, error) {
	r, err := o.begin(m)
	if err != nil {
		return report.Report{}, err
	}
	legs, err := prepare(ctx, r)
	if err != nil {
		return r.document(nil), err
	}
	if slices.ContainsFunc(legs, func(l *leg) bool { return l.out.Verdict == "" }) {
		err = r.tuneAll(ctx, legs)
	}
	unite(legs)
	r.tellStale(legs) // not before: a second, deeper audit looks for the entries of deep rules
	return r.document(legs), errors.Join(err, ctx.Err())
}

// begin makes what the legs of one call share, by what is trusted of the manifest.
func (o Options) begin(head *manifest.Manifest) (*run, error) {
	m, changes, err := o.governed(head)
	return &run{Options: o, head: head, m: m, changes: changes, began: time.Now()}, err
}

// document is the report of the legs.
func (r *run) document(legs []*leg) report.Report {
	doc := report.Report{
		Tunegate: r.Version, Name: r.m.Name, Manifest: r.m.Path(), Profile: string(r.m.Profile), Started: r.began.UTC(),
		Margin: r.m.Gate.MinImprovement, Measure: string(r.m.Gate.Measure), Rule: string(r.m.Gate.Rule), Budget: r.m.Budget.MaxCostUSD, MaxHours: r.m.Budget.MaxHours,
	}
	for _, a := range r.m.Agents {
		doc.Expected = append(doc.Expected, a.Name) // all of them, also those that are left to other jobs
	}
	if legs == nil {
		return doc
	}
	doc.Estimate = &report.Money{}
	for _, l := range legs {
		doc.Estimate.TrainingUSD += l.estimate.TrainingUSD
		doc.Estimate.BenchmarkUSD += l.estimate.BenchmarkUSD
		doc.Legs = append(doc.Legs, l.out)
		doc.Changes = append(doc.Changes, l.changed...)
	}
	doc.Changes = append(doc.Changes, r.changes...)
	diag.Sort(doc.Changes)
	if !r.deadline.IsZero() {
		deadline := r.deadline.UTC()
		doc.Deadline = &deadline
	}
	doc.Seconds = time.Since(r.began).Seconds()
	doc.Complete()
	return doc
}

// prepare makes what legs share and takes each of them as far as it gets without spending: a leg that is still open then
// is sound, as all of them are.
func prepare(ctx context.Context, r *run) ([]*leg, error) {
	m := r.m
	r.ledger, r.seats = cost.NewLedger(m.Budget.MaxCostUSD), seatsOf(m)
	if r.Wait >= 0 {
		r.until = r.began.Add(r.Wait)
	}
	if hours := m.Budget.MaxHours; hours != nil {
		first := r.began
		if !r.Since.IsZero() && r.Since.Before(first) {
			first = r.Since
		}
		r.deadline = first.Add(time.Duration(*hours * float64(time.Hour)))
	}
	legs, err := r.inspectAll(ctx)
	if err != nil {
		return nil, err
	}
	r.holdBack(legs)
	if err := r.shareOut(ctx, legs); err != nil {
		return nil, err
	}
	return legs, nil
}

// inspectAll inspects and identifies the legs that were asked for, and looks for what is known of them.
func (r *run) inspectAll(ctx context.Context) ([]*leg, error) {
	agents, err := selected(r.m, r.Legs)
	if err != nil {
		return nil, err
	}
	if r.baseline, err = OpenBaseline(r.m); err != nil {
		return nil, err
	}
	legs := make([]*leg, len(agents))
	r.each(len(agents), func(i int) {
		legs[i] = newLeg(r.m, agents[i])
		r.inspect(ctx, legs[i])
		r.identify(ctx, legs[i])
		if legs[i].out.Verdict == "" {
			legs[i].enter(inWait, "")
		}
	})
	r.tellStale(legs)
	var inputs []string
	for _, l := range legs {
		if l.out.Verdict == "" {
			inputs = append(inputs, l.out.Inputs)
		}
	}
	if r.Known != nil && len(inputs) > 0 && ctx.Err() == nil {
		r.known = r.Known(ctx, inputs)
	}
	return legs, nil
}

// holdBack ends the legs that need no more, and then those that one of them holds back.
func (r *run) holdBack(legs []*leg) {
	for _, l := range legs {
		if known, ok := r.stands(l); ok && l.out.Verdict == "" {
			r.carry(l, known)
		}
	}
	r.holdAll(legs)
}

// selected returns the agents to run, in the manifest's order.
func selected(m *manifest.Manifest, only []string) ([]manifest.Agent, error) {
	if len(only) == 0 {
		return m.Agents, nil
	}
	var names []string
	for _, a := range m.Agents {
		names = append(names, a.Name)
	}
	for _, id := range only {
		if !slices.Contains(names, id) {
			return nil, diag.Mistakes{{Rule: "unknown-leg", Severity: diag.Critical, File: m.File,
				Message: fmt.Sprintf("there is no leg %q", id), Hint: "the legs are " + strings.Join(names, ", ")}}
		}
	}
	return slices.DeleteFunc(slices.Clone(m.Agents), func(a manifest.Agent) bool { return !slices.Contains(only, a.Name) }), nil
}

// each calls do for every index, side by side or in turn as the manifest says. Every index has one writer.
func (r *run) each(n int, do func(int)) {
	if r.m.Execution == manifest.Sequential {
		for i := range n {
			do(i)
		}
		return
	}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { do(i) })
	}
	wg.Wait()
}

// holdAll ends the legs that are still open when another one was stopped by its data: nothing is launched
// before all of the data is sound, so that a run is paid for once.
func (r *run) holdAll(legs []*leg) {
	var bad []string
	for _, l := range legs {
		if l.out.Verdict != "" && !l.apart {
			bad = append(bad, l.out.ID)
		}
	}
	if len(bad) == 0 {
		return
	}
	for _, l := range legs {
		if l.out.Verdict == "" {
			r.end(l, gate.Inconclusive, "not started, because of "+strings.Join(bad, ", "))
		}
	}
}

// tuneAll opens the providers and tunes the open legs.
func (r *run) tuneAll(ctx context.Context, legs []*leg) error {
	places, err := r.openEndpoints(legs)
	if err != nil {
		why := err.Error()
		if keys := (unset{}); errors.As(err, &keys) {
			why = "not started: " + keys.brief() // the finding says more, once
		}
		for _, l := range legs {
			if l.out.Verdict == "" {
				r.end(l, gate.Error, why)
			}
		}
		return err
	}
	defer places.close()
	r.places = places
	r.readClock(legs)
	r.acquaint(legs, func(l *leg, p phase, past []train.Event) bool { return r.underWay(ctx, l, p, past) })
	phases, estimate := 0, 0.0
	for _, l := range legs {
		phases = max(phases, len(l.phases))
		estimate += l.estimate.Total()
	}
	tight := r.m.Budget.MaxCostUSD != nil && estimate > *r.m.Budget.MaxCostUSD-r.kept
	order := newTurns(phases, len(legs), tight, r.m.Execution == manifest.Sequential)
	r.each(len(legs), func(i int) {
		t := turn{order, i}
		defer t.leave()
		t.wait(ctx, 0)
		if legs[i].out.Verdict == "" {
			r.tune(ctx, legs[i], t)
		}
	})
	return nil
}

func (r *run) tell(e Event) {
	if r.Notify == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Notify(e)
}

// end gives a leg its verdict.
func (r *run) end(l *leg, v gate.Verdict, reasons ...string) {
	if l.held > 0 {
		r.settle(l, l.held, 0)
	}
	l.leave()
	l.out.Verdict = v
	l.out.Reasons = append(reasons, l.out.Reasons...)
	l.out.Seconds = time.Since(l.began).Seconds()
	l.out.Next = append(l.out.Next, next(&l.out)...)
	text := string(v)
	if len(l.out.Reasons) > 0 {
		text += ": " + l.out.Reasons[0]
	}
	r.tell(Event{Leg: l.out.ID, Stage: Finished, Text: text, Verdict: v})
}
