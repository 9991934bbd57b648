package pipeline

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/tunegate/tunegate/internal/cost"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/report"
)

// Plan is what a run would do, before anything is launched. Tokens include epochs; money is in USD and an upper bound
// for the benchmark, which may end early, and for a thorough run, which ends with the first phase that does not pass. With
// one unknown price, what it is part of is unknown.
type Plan struct {
	Profile      string      `json:"profile"`
	Legs         []PlanLeg   `json:"legs"`
	Agents       []PlanAgent `json:"agents"`
	Phases       []PlanPhase `json:"phases"` // over all legs
	TrainingUSD  USD         `json:"training_usd"`
	BenchmarkUSD USD         `json:"benchmark_usd"`
	CostUSD      USD         `json:"cost_usd"`
	Hours        float64     `json:"hours"`                  // of training, from the first launch to the last end
	Budget       *float64    `json:"max_cost_usd,omitempty"` // the manifest's
	MaxHours     *float64    `json:"max_hours,omitempty"`    // likewise
	Matrix       Matrix      `json:"matrix"`
	Skips        []string    `json:"skips"` // what the profile leaves out, or may
	Notes        []string    `json:"notes"` // what a run will need besides

	Changes  []diag.Finding `json:"changes"` // what the manifest asks for and does not get before it is merged, and benchmarks that changed; see Trust
	Findings []diag.Finding `json:"-"`       // of the audit, by file and line
	Blocked  []string       `json:"blocked"` // why something would not be launched, one sentence a leg
}

// USD is an amount of money. NaN is one that nobody knows: null in JSON, and so is every sum that it is part of.
type USD float64

// Known tells whether there is an amount.
func (u USD) Known() bool { return !math.IsNaN(float64(u)) }

// String writes dollars and cents, or "unknown".
func (u USD) String() string {
	if !u.Known() {
		return "unknown"
	}
	return fmt.Sprintf("$%.2f", float64(u))
}

// MarshalJSON implements json.Marshaler.
func (u USD) MarshalJSON() ([]byte, error) {
	if !u.Known() {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(u), 'f', -1, 64), nil
}

// PlanLeg is one leg of a Plan.
type PlanLeg struct {
	ID        string      `json:"id"`
	Agent     string      `json:"agent"`
	BaseModel string      `json:"base_model"`
	Examples  int         `json:"examples"`
	Tests     int         `json:"tests"`
	Inputs    string      `json:"inputs"` // see report.Leg; empty where it is not launched
	Known     bool        `json:"known"`  // an earlier result of equal inputs would stand
	Phases    []PlanPhase `json:"phases"`
}

// PlanPhase is one fine-tune of a leg, or those of all legs. The benchmark that follows it is not in its price.
type PlanPhase struct {
	Name           string  `json:"name"`
	Examples       int     `json:"examples"`
	TrainingTokens int64   `json:"training_tokens"`
	TrainingUSD    USD     `json:"training_usd"`
	Hours          float64 `json:"hours"`
}

// PlanAgent is an agent's full phase.
type PlanAgent struct {
	Name           string `json:"name"`
	TrainingTokens int64  `json:"training_tokens"`
}

// Matrix is the strategy.matrix of a workflow that runs a job a leg.
type Matrix struct {
	Include []MatrixLeg `json:"include"`
}

// MatrixLeg is one job.
type MatrixLeg struct {
	Leg string `json:"leg"`
}

// Comparison is the plan of a manifest's own profile, with the plans of every profile beside it.
type Comparison struct {
	Plan
	Compare []Plan `json:"compare"` // speed, thorough
}

// MakePlan audits the data and estimates what Run would launch, and launches nothing.
func MakePlan(ctx context.Context, m *manifest.Manifest, o Options) (Plan, error) {
	r, err := o.begin(m)
	if err != nil {
		return Plan{}, err
	}
	legs, err := r.inspectAll(ctx)
	if err != nil {
		return r.plan(nil), err
	}
	return r.plan(legs), ctx.Err()
}

// Foresee is MakePlan with a report of the legs that Run would launch and ask nothing for: those that it would hold back, and those of
// which a result is known. All of the other legs are open.
func Foresee(ctx context.Context, m *manifest.Manifest, o Options) (p Plan, settled report.Report, open []string, err error) {
	r, err := o.begin(m)
	if err != nil {
		return Plan{}, report.Report{}, nil, err
	}
	legs, err := r.inspectAll(ctx)
	if err != nil {
		return r.plan(nil), r.document(nil), nil, err
	}
	p = r.plan(legs)
	r.holdBack(legs)
	done := slices.DeleteFunc(slices.Clone(legs), func(l *leg) bool { return l.out.Verdict == "" })
	for _, l := range legs {
		if l.out.Verdict == "" {
			open = append(open, l.out.ID)
		}
	}
	if done == nil {
		done = []*leg{}
	}
	return p, r.document(done), open, ctx.Err()
}

// plan lays the legs out.
func (r *run) plan(legs []*leg) Plan {
	p := Plan{Profile: string(r.m.Profile), Legs: []PlanLeg{}, Agents: []PlanAgent{}, Phases: []PlanPhase{}, Blocked: []string{}, Changes: []diag.Finding{},
		Budget: r.m.Budget.MaxCostUSD, MaxHours: r.m.Budget.MaxHours, Matrix: Matrix{Include: []MatrixLeg{}}}
	ledger := cost.NewLedger(r.m.Budget.MaxCostUSD)
	for _, l := range legs {
		p.add(l, ledger)
		_, known := r.stands(l)
		p.Legs[len(p.Legs)-1].Known = known && l.out.Verdict == ""
		p.Changes = append(p.Changes, l.changed...)
	}
	p.Changes = append(p.Changes, r.changes...)
	diag.Sort(p.Changes)
	p.CostUSD = p.TrainingUSD + p.BenchmarkUSD
	p.Hours = elapsed(r.m, legs, func(f phase) bool { return true })
	for i, sum := range p.Phases {
		p.Phases[i].Hours = elapsed(r.m, legs, func(f phase) bool { return f.name == sum.Name })
	}
	p.Skips, p.Notes = skips(r.m, p), r.keyless(legs)
	diag.Sort(p.Findings)
	return p
}

// Compare plans the manifest with every profile.
func Compare(ctx context.Context, m *manifest.Manifest, o Options) (Comparison, error) {
	var c Comparison
	for _, profile := range []manifest.Profile{manifest.Speed, manifest.Thorough} {
		if o.Trust != nil && o.Trust.Base != nil {
			as := *o.Trust
			as.Base = o.Trust.Base.As(profile)
			o.Trust = &as
		}
		p, err := MakePlan(ctx, m.As(profile), o)
		if err != nil {
			return c, err
		}
		c.Compare = append(c.Compare, p)
		if profile == m.Profile {
			c.Plan = p
		}
	}
	return c, nil
}

// add enters a leg. The ledger holds what all legs before it may cost at most.
func (p *Plan) add(l *leg, ledger *cost.Ledger) {
	p.Findings = append(p.Findings, l.out.Audit.Findings...)
	leg := PlanLeg{ID: l.out.ID, Agent: l.agent.Name, BaseModel: l.agent.BaseModel, Tests: len(l.tests.Tests), Inputs: l.out.Inputs, Phases: []PlanPhase{}}
	training, benchmark := USD(l.estimate.TrainingUSD), USD(l.estimate.BenchmarkUSD)
	for _, f := range l.phases {
		phase := PlanPhase{f.name, f.examples, f.tokens, USD(f.trainingUSD), f.hours}
		if l.price == nil {
			phase.TrainingUSD = USD(math.NaN())
			training, benchmark = phase.TrainingUSD, phase.TrainingUSD
		}
		leg.Phases = append(leg.Phases, phase)
		leg.Examples = f.examples
		p.sum(phase)
		if f.name == "full" {
			p.Agents = append(p.Agents, PlanAgent{l.agent.Name, f.tokens})
		}
	}
	p.TrainingUSD += training
	p.BenchmarkUSD += benchmark
	p.Legs = append(p.Legs, leg)
	if l.out.Verdict != "" {
		p.Blocked = append(p.Blocked, l.out.ID+": "+l.out.Reasons[0])
		return
	}
	if err := ledger.Reserve(l.estimate.Total()); err != nil && len(l.phases) == 1 {
		p.Blocked = append(p.Blocked, fmt.Sprintf("%s: would not be launched: %v", l.out.ID, err))
		return
	} else if err != nil {
		p.Blocked = append(p.Blocked, fmt.Sprintf("%s: may end before its last phase: %v", l.out.ID, err))
	}
	p.Matrix.Include = append(p.Matrix.Include, MatrixLeg{l.out.ID})
}

// sum adds a leg's phase to those of all legs, which are in the order of trial, sample, full.
func (p *Plan) sum(f PlanPhase) {
	for i := range p.Phases {
		s := &p.Phases[i]
		if s.Name == f.Name {
			s.Examples += f.Examples
			s.TrainingTokens += f.TrainingTokens
			s.TrainingUSD += f.TrainingUSD
			return
		}
	}
	p.Phases = append(p.Phases, f)
	rank := map[string]int{"trial": 0, "sample": 1, "full": 2}
	for i := len(p.Phases) - 1; i > 0 && rank[p.Phases[i].Name] < rank[p.Phases[i-1].Name]; i-- {
		p.Phases[i], p.Phases[i-1] = p.Phases[i-1], p.Phases[i]
	}
}

// elapsed estimates how long the phases that count take for all legs: in turn, or side by side as far as each queue
// lets them.
func elapsed(m *manifest.Manifest, legs []*leg, counts func(phase) bool) float64 {
	longest, all := 0.0, 0.0
	at := map[queue]float64{}
	for _, l := range legs {
		own := 0.0
		for _, f := range l.phases {
			if counts(f) {
				own += f.hours
			}
		}
		longest = max(longest, own)
		all += own
		at[l.queue()] += own
	}
	if m.Execution == manifest.Sequential {
		return all
	}
	for q, hours := range at {
		if n := m.Providers[q.provider].MaxParallel; n > 0 {
			longest = max(longest, hours/float64(n))
		}
	}
	return longest
}

// skips says what the profile leaves out of these legs, or may.
func skips(m *manifest.Manifest, p Plan) []string {
	all, small, few, tests := 0, 0, 0, 0
	for _, l := range p.Legs {
		if len(l.Phases) == 0 {
			continue // its data could not be read
		}
		all++
		if l.Examples <= trialExamples {
			small++
		}
		if l.Examples <= sampleExamples {
			few++
		}
		tests = max(tests, l.Tests)
	}
	out := []string{}
	skip := func(when bool, format string, args ...any) {
		if when {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	if m.Profile == manifest.Speed {
		skip(small < all, "the trial on %d examples and its gate", trialExamples)
		skip(few < all, "the sample of %d,000 examples and its gate", sampleExamples/1000)
	} else {
		skip(small > 0, "the trial of %s with at most %d examples", count(small, "leg"), trialExamples)
		skip(few > 0, "the sample of %s with at most %d,000 examples", count(few, "leg"), sampleExamples/1000)
		for i, f := range p.Phases {
			var names []string
			usd := USD(0)
			for _, later := range p.Phases[i+1:] {
				names = append(names, later.Name)
				usd += later.TrainingUSD
			}
			saves := ""
			if usd.Known() {
				saves = fmt.Sprintf(", %v of training if it does nowhere", usd)
			}
			skip(len(names) > 0, "%s wherever the %s does not pass%s", strings.Join(names, " and "), f.Name, saves)
		}
	}
	skip(m.Audit.Deep == manifest.DeepNever, "the deep audit")
	skip(m.Audit.Deep == manifest.DeepOnFailure, "the deep audit of legs that pass")
	b := m.Benchmark
	skip(b.Stop == manifest.StopQuick, "all tests after the first %d", b.Quick)
	skip(b.Stop == manifest.StopEarly, "the tests that are left when the outcome is plain")
	skip(b.Stop != manifest.StopQuick && b.Full > 0 && tests > b.Full, "the tests of an agent beyond %d", b.Full)
	return out
}

// keyless says which of the legs' providers have no key yet.
func (r *run) keyless(legs []*leg) []string {
	out := []string{}
	for _, l := range legs {
		name := r.m.Providers[l.agent.Provider].APIKeyEnv
		if name == "" || r.Getenv != nil && r.Getenv(name) != "" {
			continue
		}
		if note := "the key in " + name + " is not set: run will need it"; !slices.Contains(out, note) {
			out = append(out, note)
		}
	}
	return out
}
