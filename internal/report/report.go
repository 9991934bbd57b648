// Package report is the one document of a run. Every page, comment and status is rendered from it, and matrix
// jobs hand it to one another. It holds facts and verdicts, no wording of pages.
package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/tunegate/tunegate/internal/advice"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
)

// Schema is the version of the document. Fields are added within a version, never changed or removed.
const Schema = 1

// Report is a run over one or more legs. Money is in USD.
type Report struct {
	Schema      int          `json:"schema"`
	Tunegate    string       `json:"tunegate"` // the program's version
	Name        string       `json:"name"`     // the manifest's
	Manifest    string       `json:"manifest"` // its path in the repository, with slashes; findings name files below its folder. Empty: not known
	Profile     string       `json:"profile"`
	Verdict     gate.Verdict `json:"verdict"` // the worst of the legs'
	Started     time.Time    `json:"started"`
	Margin      float64      `json:"min_improvement"` // the manifest's; an agent may have its own, see Leg
	Measure     string       `json:"measure"`         // what Margin is measured in, see gate.Measure
	Rule        string       `json:"rule"`
	Expected    []string     `json:"expected"` // ids of all legs of the manifest, in its order; this run may have had some of them only
	Legs        []Leg        `json:"legs"`
	Agents      []Agent      `json:"agents"`
	Launched    int          `json:"launched"` // jobs that this run created
	CostUSD     float64      `json:"cost_usd"` // what this run spent
	Seconds     float64      `json:"seconds"`
	Estimate    *Money       `json:"estimate,omitempty"`
	ReservedUSD float64      `json:"reserved_usd"` // what this run set aside, before launches and benchmarks
	Budget      *float64     `json:"max_cost_usd,omitempty"`
	// Changes is, in CI, what the manifest asks for and does not get before it is merged, and benchmarks that are not the base branch's.
	Changes  []diag.Finding `json:"changes"`
	MaxHours *float64       `json:"max_hours,omitempty"` // the manifest's, from the first launch of these fine-tunes on
	Deadline *time.Time     `json:"deadline,omitempty"`  // when they are over, UTC
}

// Money splits a sum.
type Money struct {
	TrainingUSD  float64 `json:"training_usd"`
	BenchmarkUSD float64 `json:"benchmark_usd"`
}

// Total is the whole sum.
func (m Money) Total() float64 { return m.TrainingUSD + m.BenchmarkUSD }

// Agent is a leg in short, one line of the result.
type Agent struct {
	Name        string       `json:"name"`
	Verdict     gate.Verdict `json:"verdict"`
	Base        *float64     `json:"base"` // mean scores, null when not measured
	Tuned       *float64     `json:"tuned"`
	Improvement *float64     `json:"improvement"`
	N           int          `json:"n"`
	PValue      *float64     `json:"p_value"`
	Model       string       `json:"model"`
	Job         string       `json:"job"`
	Launched    int          `json:"launched"`
	CostUSD     float64      `json:"cost_usd"`
	Seconds     float64      `json:"seconds"`
}

// Leg is one agent on one base model.
type Leg struct {
	ID          string        `json:"id"`
	Agent       string        `json:"agent"`
	Provider    string        `json:"provider"`
	BaseModel   string        `json:"base_model"`
	Margin      float64       `json:"min_improvement"` // what this leg had to show, by the rule
	Measure     string        `json:"measure"`         // what Margin and the improvement are measured in: relative, points or errors
	Rule        string        `json:"rule"`
	Verdict     gate.Verdict  `json:"verdict"`
	Reasons     []string      `json:"reasons"` // plain sentences, the verdict's first
	Next        []string      `json:"next"`    // what to do now
	Advice      []advice.Step `json:"advice"`  // what to change in the data, most useful first; for a leg that did not pass
	Audit       Audit         `json:"audit"`
	Inputs      string        `json:"inputs"`  // SHA-256, in hexadecimal, of all that determines the result; empty where the leg was not to be launched
	Carried     bool          `json:"carried"` // the result is an earlier run's, of equal inputs: nothing was launched or asked
	Estimate    *Money        `json:"estimate,omitempty"`
	ReservedUSD float64       `json:"reserved_usd"` // set aside before launches and benchmarks
	Phases      []Phase       `json:"phases"`
	Stages      []Stage       `json:"stages"` // where the time went, in order
	Launched    int           `json:"launched"`
	CostUSD     float64       `json:"cost_usd"`
	Seconds     float64       `json:"seconds"`
}

// Last returns the last phase that was begun.
func (l *Leg) Last() *Phase {
	if len(l.Phases) == 0 {
		return nil
	}
	return &l.Phases[len(l.Phases)-1]
}

// Audit is what the data showed.
type Audit struct {
	Rows         int            `json:"rows"`
	Messages     int            `json:"messages"`
	Tokens       int64          `json:"tokens"`
	Findings     []diag.Finding `json:"findings"`
	Accepted     int            `json:"accepted"`     // findings that the baseline accepts, and that are not listed
	Contaminated []string       `json:"contaminated"` // ids of tests that stand in the training data
	Lengths      *Lengths       `json:"lengths,omitempty"`
	Answers      *Answers       `json:"answers,omitempty"` // absent where answers hardly repeat
}

// Untuned is the Phase.Status of a fine-tune that the provider does not have, in a run that was to launch nothing.
const Untuned = "untuned"

// Phase is one fine-tune and its benchmark.
type Phase struct {
	Name           string         `json:"name"` // trial, sample or full
	Examples       int            `json:"examples"`
	Key            string         `json:"run_key"`
	Job            string         `json:"job"`
	Status         string         `json:"status"`               // of the job; lost: the provider has it no more; untuned: it never had one
	ErrorCode      string         `json:"error_code,omitempty"` // the provider's word for why the job failed
	Attempt        int            `json:"attempt"`
	Created        *time.Time     `json:"created,omitempty"` // when the provider made the job, UTC
	Model          string         `json:"model"`
	Launched       int            `json:"launched"` // jobs created in this run: 0 means reused or adopted
	Extra          []string       `json:"extra"`    // second jobs of the same key that were cancelled
	TrainingTokens int64          `json:"training_tokens"`
	TrainedTokens  int64          `json:"trained_tokens"`
	FinalLoss      *float64       `json:"final_loss"`
	Losses         []Loss         `json:"losses"`                     // by step, thinned to a hundred
	Finish         *time.Time     `json:"estimated_finish,omitempty"` // of a job that goes on, if the provider says so; UTC
	TrainSeconds   float64        `json:"train_seconds"`              // of this run's wait
	Benchmark      *Benchmark     `json:"benchmark"`
	Decision       *gate.Decision `json:"decision"`
	Guards         []Guard        `json:"guards"` // asked once the benchmark of the last phase has passed
	CostUSD        float64        `json:"cost_usd"`
}

// Guard is what both arms made of a suite that the model may not get worse on.
type Guard struct {
	Name      string        `json:"name"`
	Tests     string        `json:"tests"` // the file
	Grader    string        `json:"grader"`
	MaxLoss   float64       `json:"max_loss"`  // of the mean score
	Available int           `json:"available"` // tests in the file
	Asked     int           `json:"asked"`
	Failed    int           `json:"failed"` // tests without an answer from both arms
	Decision  gate.Decision `json:"decision"`
	Flips     []Flip        `json:"flips"` // some of the tests that the arms score differently
}

// Benchmark is how the arms were asked.
type Benchmark struct {
	Grader       string  `json:"grader"`
	Available    int     `json:"available"` // tests in the file
	LeftOut      int     `json:"left_out"`  // of them in the training data
	Asked        int     `json:"asked"`
	Repeats      int     `json:"repeats"` // how often each arm was asked each test
	Failed       int     `json:"failed"`  // tests without an answer from both arms
	Cached       int     `json:"cached"`  // answers of the base from an earlier benchmark
	Refused      int     `json:"refused"` // requests that the service put off: it was asked too often
	InputTokens  int64   `json:"input_tokens"`
	OutputTokens int64   `json:"output_tokens"`
	BaseLatency  float64 `json:"base_latency"` // median seconds until an answer
	TunedLatency float64 `json:"tuned_latency"`
	Seconds      float64 `json:"seconds"`
	Labels       []Label `json:"labels"` // where the tests have some
	Flips        []Flip  `json:"flips"`  // some of the tests that the arms score differently
}

// Label is what the arms made of the tests that want the same.
type Label struct {
	Label  string  `json:"label"`
	Tests  int     `json:"tests"`
	Base   float64 `json:"base"`   // mean score
	Tuned  float64 `json:"tuned"`  // mean score
	Wins   int     `json:"wins"`   // tests on which tuned is better
	Losses int     `json:"losses"` // worse
}

// Flip is a test that one arm does better than the other.
type Flip struct {
	Test  string  `json:"test"`
	Input string  `json:"input"` // the last message
	Ideal string  `json:"ideal"`
	Base  Answer  `json:"base"`
	Tuned Answer  `json:"tuned"`
	Gain  float64 `json:"gain"` // tuned score less base score
}

// Answer is what an arm said.
type Answer struct {
	Text  string  `json:"text"`
	Score float64 `json:"score"`
}

// Complete fills in all that follows from the legs: the verdict, the lines of the agents, the sums. A leg that bears
// none of the five verdicts becomes an error, and so does one that passes though no decision of its last phase does, or one of its guards does not: what was
// not judged does not pass.
func (r *Report) Complete() {
	r.Schema, r.Measure = Schema, measured(r.Measure)
	verdicts := make([]gate.Verdict, len(r.Legs))
	r.Agents, r.Launched, r.CostUSD, r.ReservedUSD = make([]Agent, len(r.Legs)), 0, 0, 0
	r.Legs, r.Expected, r.Changes = orEmpty(r.Legs), orEmpty(r.Expected), orEmpty(r.Changes)
	for i := range r.Legs {
		l := &r.Legs[i]
		if l.Rule == "" {
			l.Rule, l.Margin, l.Measure = r.Rule, r.Margin, r.Measure
		}
		l.Measure = measured(l.Measure)
		l.complete()
		verdicts[i] = l.Verdict
		r.Launched += l.Launched
		r.CostUSD += l.CostUSD
		r.ReservedUSD += l.ReservedUSD
		a := Agent{Name: l.Agent, Verdict: l.Verdict, Launched: l.Launched, CostUSD: l.CostUSD, Seconds: l.Seconds}
		if p := l.Last(); p != nil {
			a.Model, a.Job = p.Model, p.Job
			if d := p.Decision; d != nil && d.N > 0 {
				a.Base, a.Tuned, a.Improvement, a.N, a.PValue = &d.Base, &d.Tuned, d.Improvement, d.N, &d.P
			}
		}
		r.Agents[i] = a
	}
	r.Verdict = gate.Worst(verdicts...)
}

// complete sums up a leg and turns absent lists into empty ones.
func (l *Leg) complete() {
	l.Verdict = gate.Worst(l.Verdict)
	if p := l.Last(); l.Verdict == gate.Pass && (p == nil || p.Decision == nil || p.Decision.Verdict != gate.Pass) {
		l.Verdict, l.Reasons = gate.Error, append([]string{"said to pass, but its last benchmark did not decide so"}, l.Reasons...)
	}
	if l.Verdict == gate.Pass && slices.ContainsFunc(l.Last().Guards, func(g Guard) bool { return g.Decision.Verdict != gate.Pass }) {
		l.Verdict, l.Reasons = gate.Error, append([]string{"said to pass, but one of its guards did not decide so"}, l.Reasons...)
	}
	l.Launched, l.CostUSD = 0, 0
	for i := range l.Phases {
		p := &l.Phases[i]
		l.Launched += p.Launched
		l.CostUSD += p.CostUSD
		p.Extra, p.Losses, p.Guards = orEmpty(p.Extra), orEmpty(p.Losses), orEmpty(slices.Clone(p.Guards))
		for k := range p.Guards {
			g := &p.Guards[k]
			g.Flips, g.Decision.Reasons = orEmpty(g.Flips), orEmpty(g.Decision.Reasons)
		}
		if d := p.Decision; d != nil && d.Reasons == nil {
			whole := *d
			whole.Reasons = []string{}
			p.Decision = &whole
		}
		if p.Benchmark != nil {
			p.Benchmark.Flips, p.Benchmark.Labels = orEmpty(p.Benchmark.Flips), orEmpty(p.Benchmark.Labels)
		}
	}
	l.Advice = slices.Clone(l.Advice)
	for i := range l.Advice {
		a := &l.Advice[i]
		a.Lines, a.Tests, a.Examples = orEmpty(a.Lines), orEmpty(a.Tests), orEmpty(a.Examples)
	}
	l.Reasons, l.Next, l.Advice, l.Phases = orEmpty(l.Reasons), orEmpty(l.Next), orEmpty(l.Advice), orEmpty(l.Phases)
	l.Stages = orEmpty(l.Stages)
	l.Audit.Findings, l.Audit.Contaminated = orEmpty(l.Audit.Findings), orEmpty(l.Audit.Contaminated)
	if n := l.Audit.Lengths; n != nil {
		n.Bins = orEmpty(n.Bins)
	}
	if a := l.Audit.Answers; a != nil {
		a.Most = orEmpty(a.Most)
	}
}

// measured is what a document says that tells no measure: it is of before there was more than one.
func measured(measure string) string { return cmp.Or(measure, string(gate.Relative)) }

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
