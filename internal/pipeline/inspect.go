package pipeline

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/tunegate/tunegate/internal/advice"
	"github.com/tunegate/tunegate/internal/audit"
	"github.com/tunegate/tunegate/internal/bench"
	"github.com/tunegate/tunegate/internal/catalog"
	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/grade"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/report"
	"github.com/tunegate/tunegate/internal/suite"
	"github.com/tunegate/tunegate/internal/swebench"
)

// leg is an agent on its way. It has one goroutine at a time.
type leg struct {
	agent      manifest.Agent
	began      time.Time
	train      *dataset.File
	valid      *dataset.File // nil: none
	tasks      *swebench.Set // that the tests are; nil: they are others
	tests      suite.Suite   // without those that stand in the training data or ask what another one asks
	distinct   suite.Suite   // the tests less those that repeat another one
	written    suite.Suite   // the tests of the file, all of them
	available  int           // how many they are
	guards     []guard
	unaudited  []diag.Finding // what was found while opening the files
	audit      audit.Result
	deep       bool             // audited deeply
	answers    *bench.Cache     // of the base model, from earlier benchmarks and for later ones
	ahead      report.Benchmark // what the base was asked before the launch, to be counted in the next benchmark
	outcomes   []advice.Outcome // of the last benchmark
	price      *catalog.Price   // nil: unknown
	phases     []phase
	estimate   report.Money
	validation dataset.Digest   // zero without validation data, set by identify
	request    string           // the part of the first reason that names one request to the service; see unite
	held       float64          // USD reserved in the ledger for this leg
	seats      map[string]*seat // by phase
	counted    bool             // nothing that every run would see stops it, so that the budget has to do for it
	apart      bool             // it has ended for a reason that does not hold the others back
	changed    []diag.Finding   // of its benchmark
	stage      report.Stage     // that it is in, "" for none
	out        report.Leg
}

// phase is a fine-tune on the first examples of the training data.
type phase struct {
	name         string
	examples     int
	epochs       int   // told the provider, whose own choice would be its own bill
	tokens       int64 // that are billed, epochs included
	trainingUSD  float64
	benchmarkUSD float64
	guardsUSD    float64 // of the last phase alone
	hours        float64
	training     dataset.Digest // of the normal form, set by identify
}

// first is how many examples the phase takes of the file, 0 for all.
func (p phase) first() int {
	if p.name == "full" {
		return 0
	}
	return p.examples
}

func newLeg(m *manifest.Manifest, a manifest.Agent) *leg {
	return &leg{agent: a, began: time.Now(), price: m.Price(a.BaseModel),
		out: report.Leg{ID: a.Name, Agent: a.Name, Provider: a.Provider, BaseModel: a.BaseModel, Margin: a.Gate.MinImprovement, Measure: string(a.Gate.Measure), Rule: string(a.Gate.Rule)}}
}

// inspect opens and audits the leg's data and estimates its cost. A leg that must not be launched leaves with a
// verdict, and nothing was spent.
func (r *run) inspect(ctx context.Context, l *leg) {
	l.enter(inAudit, "")
	r.tell(Event{Leg: l.out.ID, Stage: Auditing, Text: "reading " + l.agent.Train})
	err := l.read(ctx, r.m, AuditOptions{Deep: r.m.Audit.Deep == manifest.DeepAlways, Baseline: r.baseline})
	if ctx.Err() != nil {
		r.end(l, gate.Pending, "interrupted before anything was launched")
		return
	}
	if err != nil {
		r.end(l, gate.Error, err.Error())
		return
	}
	if n := critical(l.out.Audit.Findings); n > 0 {
		r.advise(ctx, l)
		r.end(l, gate.Fail, fmt.Sprintf("the audit found %s, so nothing was launched", count(n, "critical problem")))
		return
	}
	r.tell(Event{Leg: l.out.ID, Stage: Auditing, Text: fmt.Sprintf("%s, %s; %s to ask", count(l.out.Audit.Rows, "example"), l.findings(), count(len(l.tests.Tests), "test"))})
	l.plan(r.m)
	if model := r.unpriced(l); model != "" && r.Trust == nil { // else see withhold
		r.end(l, gate.Inconclusive, fmt.Sprintf("the price of %s is unknown, so nothing was launched: add it under prices", model))
		return
	}
	if l.price != nil {
		l.out.Estimate = &l.estimate
	}
	hours := 0.0
	for _, p := range l.phases {
		hours += p.hours
	}
	if most := r.m.Budget.MaxHours; most != nil && hours > *most {
		r.end(l, gate.Inconclusive, fmt.Sprintf("about %.1f hours are needed and budget.max_hours is %g, so nothing was launched", hours, *most))
		return
	}
	if why := l.unprovable(r.m); why != "" {
		r.end(l, gate.Inconclusive, why+", so nothing was launched")
		return
	}
	if r.withhold(l) {
		return
	}
	if l.counted = true; r.glance {
		return
	}
	x, err := r.exam(l, nil)
	if err == nil {
		err = x.grader.Ready(ctx)
	}
	if err == nil {
		err = r.patchesReady(ctx, l)
	}
	if err == nil {
		err = r.guardsReady(ctx, l)
	}
	if err != nil {
		r.end(l, gate.Inconclusive, fmt.Sprintf("%v, so nothing was launched", err))
		return
	}
	r.tell(Event{Leg: l.out.ID, Stage: Estimating, Text: fmt.Sprintf("about $%.2f", l.estimate.Total())})
}

// grader is the agent's.
func (l *leg) grader() (grade.Grader, error) {
	return grade.Make(l.agent.Grader)
}

// unprovable says why no benchmark of the leg could pass, "" when one could.
func (l *leg) unprovable(m *manifest.Manifest) string {
	left := min(len(l.tests.Tests), most(m.Benchmark))
	switch {
	case left == 0 && len(l.audit.Contaminated) > 0:
		return "no test is left: all of them stand in the training data"
	case left == 0:
		return "there is no test to ask"
	}
	return gate.Impossible(math.NaN(), left, policy(l.agent.Gate, m.Benchmark.Stop)) // how the base scores is not known yet
}

// identify digests what will be trained on, right after the audit has read it: a file that changes later is another
// fine-tune, and is not launched.
func (r *run) identify(ctx context.Context, l *leg) {
	if l.out.Verdict != "" {
		return
	}
	digest := func(f *dataset.File, first, want int) (dataset.Digest, error) {
		d, err := f.Digest(ctx, first)
		if err == nil && d.Rows != want {
			err = fmt.Errorf("%s was changed while this run was reading it", f.Name())
		}
		return d, err
	}
	var err error
	for i := range l.phases {
		p := &l.phases[i]
		if p.training, err = digest(l.train, p.first(), p.examples); err != nil {
			break
		}
	}
	if err == nil && l.valid != nil {
		l.validation, err = digest(l.valid, 0, l.audit.Files[1].Examples)
	}
	switch {
	case ctx.Err() != nil:
		r.end(l, gate.Pending, "interrupted before anything was launched")
	case err != nil:
		r.end(l, gate.Error, err.Error())
	default:
		if l.out.Inputs, err = r.inputs(l); err != nil {
			r.end(l, gate.Error, fmt.Sprintf("reading the grader: %v", err))
		}
	}
}

func (l *leg) findings() string {
	n := map[diag.Severity]int{}
	for _, f := range l.out.Audit.Findings {
		n[f.Severity]++
	}
	if n[diag.Warning] == 0 {
		return "no warning"
	}
	return count(n[diag.Warning], "warning")
}

func critical(findings []diag.Finding) (n int) {
	for _, f := range findings {
		if f.Severity == diag.Critical {
			n++
		}
	}
	return n
}

// count writes "1 example", "2 examples".
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
