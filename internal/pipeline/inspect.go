package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tunegate/tunegate/internal/advice"
	"github.com/tunegate/tunegate/internal/audit"
	"github.com/tunegate/tunegate/internal/bench"
	"github.com/tunegate/tunegate/internal/catalog"
	"github.com/tunegate/tunegate/internal/cost"
	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/grade"
	"github.com/tunegate/tunegate/internal/localtune/engine"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/report"
	"github.com/tunegate/tunegate/internal/suite"
	"github.com/tunegate/tunegate/internal/swebench"
	"github.com/tunegate/tunegate/internal/tokens"
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

// AuditOptions say how Audit looks. The zero value is the quick audit.
type AuditOptions struct {
	Deep     bool
	Progress func(done, total int64) // see audit.Input
	Baseline *audit.Baseline         // what it accepts is counted and not reported; nil: none
}

// Audit audits one agent's data: its training file, and its validation file and tests where it names them.
func Audit(ctx context.Context, m *manifest.Manifest, a manifest.Agent, o AuditOptions) (report.Audit, error) {
	l := newLeg(m, a)
	err := l.read(ctx, m, o)
	return l.out.Audit, err
}

// read opens the files and audits them. A person's mistakes in them are findings, not an error.
func (l *leg) read(ctx context.Context, m *manifest.Manifest, o AuditOptions) error {
	l.unaudited = append(l.unaudited, l.ending(m)...)
	if err := l.open(m); err != nil || l.train == nil {
		l.out.Audit.Findings = l.unaudited
		return err
	}
	return l.judge(ctx, m, o)
}

// open opens the files, and leaves out the tests that cannot count.
func (l *leg) open(m *manifest.Manifest) (err error) {
	findings := &l.unaudited
	if l.train, err = take(findings, func() (*dataset.File, error) { return dataset.Open(l.agent.TrainPath, l.agent.Train) }); err != nil {
		return err
	}
	if l.agent.Validation != "" {
		if l.valid, err = take(findings, func() (*dataset.File, error) { return dataset.Open(l.agent.ValidationPath, l.agent.Validation) }); err != nil {
			return err
		}
	}
	if l.agent.Tests != "" {
		if l.tests, err = take(findings, l.openTests); err != nil {
			return err
		}
	}
	l.written, l.available = l.tests, len(l.tests.Tests)
	again, found := repeated(l.tests)
	*findings = append(append(*findings, l.tests.Findings...), found...)
	l.tests = l.tests.Without(again)
	l.distinct = l.tests
	if l.agent.Grader.Name != "" {
		grader, err := l.grader()
		if err != nil {
			return err
		}
		*findings = append(*findings, unmeasurable(grader, l.tests)...)
	}
	return l.openGuards(m)
}

// judge audits the open files. A second, deeper look takes the place of the first; the tests that it leaves out are then
// those of both.
func (l *leg) judge(ctx context.Context, m *manifest.Manifest, o AuditOptions) error {
	encoding, err := tokens.Load(catalog.Encoding(l.agent.BaseModel))
	if err != nil {
		return err
	}
	in, policy := l.asked(m, encoding, o)
	res, err := audit.Run(ctx, in, policy)
	findings := slices.Clone(l.unaudited)
	if err != nil {
		_, err = take(&findings, func() (struct{}, error) { return struct{}{}, err })
		l.out.Audit.Findings = findings
		return err
	}
	l.audit, l.deep = res, o.Deep
	left := res.Findings
	if o.Baseline != nil {
		if left, l.out.Audit.Accepted, err = o.Baseline.Accept(ctx, in, left); err != nil {
			return err
		}
	}
	findings = append(findings, left...)
	diag.Sort(findings)
	l.out.Audit.Findings = findings
	l.out.Audit.Rows, l.out.Audit.Messages, l.out.Audit.Tokens = l.audit.Totals.Rows, l.audit.Totals.Messages, int64(l.audit.Totals.Tokens)
	l.out.Audit.Contaminated = l.audit.Contaminated
	spread(&l.out.Audit, l.audit)
	l.tests = l.tests.Without(l.audit.Contaminated)
	return nil
}

// asked returns what the audit is given.
func (l *leg) asked(m *manifest.Manifest, encoding *tokens.Encoding, o AuditOptions) (audit.Input, audit.Policy) {
	known, _ := catalog.Lookup(l.agent.BaseModel)
	return audit.Input{Train: l.train, Validation: l.valid, Tests: l.distinct, Encoding: encoding, TrainingContext: known.TrainingContext, Deep: o.Deep, Progress: o.Progress},
		audit.Policy{MaxDuplicates: m.Audit.MaxDuplicates, MaxContamination: m.Audit.MaxContamination, Severities: m.Audit.Severities}
}

// repeated finds the tests that ask the same as another one: under ten ids it would count as ten proofs. The first stays
// where all others have an ideal in common with it. Else none stays, since nobody knows which is right. Tests of programs
// are repeated only if they are equal: many programs are right.
func repeated(s suite.Suite) (ids []string, found []diag.Finding) {
	type question struct {
		first, other suite.Test // other wants another answer than the first; zero: none does
		ideals       map[string]bool
	}
	questions, of := map[string]*question{}, make([]*question, len(s.Tests))
	for i, t := range s.Tests {
		key := t.Hash()
		if asked := t; t.Code == nil {
			asked.Ideal = nil
			key = asked.Hash()
		}
		q := questions[key]
		if q == nil {
			q = &question{first: t, ideals: map[string]bool{}}
			questions[key] = q
			for _, ideal := range t.Ideal {
				q.ideals[strings.TrimSpace(ideal)] = true
			}
		}
		if of[i] = q; q.other.Line == 0 && !slices.ContainsFunc(t.Ideal, func(ideal string) bool { return q.ideals[strings.TrimSpace(ideal)] }) {
			q.other = t
		}
	}
	for i, t := range s.Tests {
		q, f := of[i], diag.Finding{Severity: diag.Warning, File: s.File, Line: t.Line}
		another := q.first
		switch {
		case q.other.Line > 0:
			if slices.ContainsFunc(t.Ideal, func(ideal string) bool { return q.ideals[strings.TrimSpace(ideal)] }) {
				another = q.other
			}
			f.Rule, f.Hint = "contradictory-test", "keep the right one; where both are right, keep one with both in its list of ideals"
			f.Message = fmt.Sprintf("the test %s asks the same as %s and wants another answer: both are left out", t.ID, another.ID)
		case t.Line == q.first.Line:
			continue
		default:
			f.Rule, f.Hint = "duplicate-test", "ask something else; a question counts once"
			f.Message = fmt.Sprintf("the test %s asks the same as %s, and is left out", t.ID, another.ID)
		}
		f.Related = []diag.Place{{File: s.File, Line: another.Line}}
		ids, found = append(ids, t.ID), append(found, f)
	}
	return ids, found
}

// unmeasurable finds the tests that no answer could pass, before a model is asked.
func unmeasurable(g grade.Grader, s suite.Suite) (found []diag.Finding) {
	for _, t := range s.Tests {
		if err := g.CheckTest(t); err != nil {
			found = append(found, diag.Finding{Rule: "bad-ideal", Severity: diag.Critical, File: s.File, Line: t.Line,
				Message: fmt.Sprintf("no answer to the test %s can be right: %v", t.ID, err), Hint: "mend the ideal, or choose another grader"})
		}
	}
	return found
}

// take turns a person's mistakes into findings and hands on every other error.
func take[T any](findings *[]diag.Finding, open func() (T, error)) (T, error) {
	v, err := open()
	var mistakes diag.Mistakes
	if errors.As(err, &mistakes) {
		*findings = append(*findings, mistakes...)
		err = nil
	}
	return v, err
}

// Sizes of the phases before the full one.
const (
	trialExamples  = 100
	sampleExamples = 10_000
)

// plan lays out the phases and estimates them. Every test may have to be asked, of both arms.
func (l *leg) plan(m *manifest.Manifest) {
	stats := l.audit.Files[0]
	n := len(stats.PerExample)
	l.phases = nil
	if m.Profile == manifest.Thorough {
		if n > trialExamples {
			l.phases = append(l.phases, phase{name: "trial", examples: trialExamples})
		}
		if n > sampleExamples {
			l.phases = append(l.phases, phase{name: "sample", examples: sampleExamples})
		}
	}
	l.phases = append(l.phases, phase{name: "full", examples: n})
	known, _ := catalog.Lookup(l.agent.BaseModel)
	tests := l.tests.Order(uint64(l.agent.Seed))
	tests = tests[:min(len(tests), most(m.Benchmark))]
	for i := range l.phases {
		p := &l.phases[i]
		for _, t := range stats.PerExample[:p.examples] {
			if known.TrainingContext > 0 {
				t = min(t, int32(known.TrainingContext)) // the service cuts longer examples off
			}
			p.tokens += int64(t)
		}
		p.epochs = l.epochs(m, p.examples, n)
		p.tokens *= int64(p.epochs)
		p.hours = cost.Hours(l.agent.BaseModel, p.tokens)
		if l.price != nil {
			p.trainingUSD = cost.Training(*l.price, p.tokens)
			p.benchmarkUSD = l.asking(m, tests, l.agent.Grader)
			if i == len(l.phases)-1 {
				for _, g := range l.guards {
					p.guardsUSD += l.asking(m, g.tests, g.Grader)
				}
			}
		}
		l.estimate.TrainingUSD += p.trainingUSD
		l.estimate.BenchmarkUSD += p.benchmarkUSD + p.guardsUSD
	}
}

// epochs are how often a phase passes over its examples. Automatic ones follow from all n examples of the agent for a
// service, so that the trial tries the recipe of the full phase; the embedded engine knows best what suits each size.
func (l *leg) epochs(m *manifest.Manifest, examples, n int) int {
	switch {
	case l.agent.Epochs > 0:
		return l.agent.Epochs
	case m.Providers[l.agent.Provider].Kind == manifest.KindLocal:
		return engine.AutoEpochs(examples)
	}
	return catalog.AutoEpochs(n)
}

// tokensOf estimates what one arm is asked and answers with these tests.
func (l *leg) tokensOf(tests []suite.Test) (asked, answered int64) {
	encoding, err := tokens.Load(catalog.Encoding(l.agent.BaseModel))
	if err != nil {
		return 0, 0 // read has loaded it before
	}
	c := encoding.NewCounter()
	for _, t := range tests {
		asked += tokens.PerExample
		for _, msg := range t.Input {
			asked += int64(tokens.PerMessage + c.CountString(msg.Role) + c.CountString(msg.Content))
		}
		answered += int64(c.CountString(t.Ideal[0]))
	}
	return asked, answered
}

// most is how many tests a benchmark may ask.
func most(b manifest.Benchmark) int {
	switch {
	case b.Stop == manifest.StopQuick:
		return b.Quick
	case b.Full == 0:
		return 1 << 30
	}
	return b.Full
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
