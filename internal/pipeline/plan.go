package pipeline

import (
	"context"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/manifest"
)

// Plan is what a run would do, before anything is launched. Tokens include epochs; money is in USD and an upper bound
// for the benchmark, which may end early.
type Plan struct {
	Profile      string      `json:"profile"`
	Legs         []PlanLeg   `json:"legs"`
	Agents       []PlanAgent `json:"agents"`
	TrainingUSD  float64     `json:"training_usd"`
	BenchmarkUSD float64     `json:"benchmark_usd"`
	CostUSD      float64     `json:"cost_usd"`
	Hours        float64     `json:"hours"`
	Matrix       Matrix      `json:"matrix"`

	Findings []diag.Finding `json:"-"`       // of the audit, by file and line
	Blocked  []string       `json:"blocked"` // why nothing would be launched, one sentence a leg
}

// PlanLeg is one leg of a Plan.
type PlanLeg struct {
	ID        string      `json:"id"`
	Agent     string      `json:"agent"`
	BaseModel string      `json:"base_model"`
	Examples  int         `json:"examples"`
	Tests     int         `json:"tests"`
	Phases    []PlanPhase `json:"phases"`
}

// PlanPhase is one fine-tune of a leg. The benchmark that follows it is not in its price.
type PlanPhase struct {
	Name           string  `json:"name"`
	Examples       int     `json:"examples"`
	TrainingTokens int64   `json:"training_tokens"`
	TrainingUSD    float64 `json:"training_usd"`
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

// MakePlan audits the data and estimates what Run would launch, and launches nothing.
func MakePlan(ctx context.Context, m *manifest.Manifest, o Options) (Plan, error) {
	r := &run{Options: o, m: m}
	p := Plan{Profile: string(m.Profile), Legs: []PlanLeg{}, Agents: []PlanAgent{}, Blocked: []string{}, Matrix: Matrix{Include: []MatrixLeg{}}}
	agents, err := selected(m, o.Legs)
	if err != nil {
		return p, err
	}
	legs := make([]*leg, len(agents))
	r.each(len(agents), func(i int) {
		legs[i] = newLeg(m, agents[i])
		r.inspect(ctx, legs[i])
	})
	for _, l := range legs {
		p.add(l, m.Execution)
	}
	p.CostUSD = p.TrainingUSD + p.BenchmarkUSD
	diag.Sort(p.Findings)
	return p, ctx.Err()
}

func (p *Plan) add(l *leg, e manifest.Execution) {
	p.Findings = append(p.Findings, l.out.Audit.Findings...)
	if l.out.Verdict != "" {
		p.Blocked = append(p.Blocked, l.out.ID+": "+l.out.Reasons[0])
	}
	leg := PlanLeg{ID: l.out.ID, Agent: l.agent.Name, BaseModel: l.agent.BaseModel, Tests: len(l.tests.Tests), Phases: []PlanPhase{}}
	hours := 0.0
	for _, f := range l.phases {
		leg.Phases = append(leg.Phases, PlanPhase{f.name, f.examples, f.tokens, f.trainingUSD, f.hours})
		leg.Examples = f.examples
		hours += f.hours
		if f.name == "full" {
			p.Agents = append(p.Agents, PlanAgent{l.agent.Name, f.tokens})
		}
	}
	p.TrainingUSD += l.estimate.TrainingUSD
	p.BenchmarkUSD += l.estimate.BenchmarkUSD
	if e == manifest.Sequential {
		p.Hours += hours
	} else {
		p.Hours = max(p.Hours, hours)
	}
	p.Legs = append(p.Legs, leg)
	if l.out.Verdict == "" || l.out.Verdict == gate.Pending {
		p.Matrix.Include = append(p.Matrix.Include, MatrixLeg{l.out.ID})
	}
}
