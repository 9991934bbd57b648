// Package manifest turns tunegate.yaml into typed values. It reports every mistake at once, each with its line,
// its column and a hint, and publishes the same rules as a JSON Schema. It reads no data file: Load only looks
// whether the files that the manifest names are there, are files, and lie within the repository.
package manifest

import (
	"github.com/tunegate/tunegate/internal/bench"
	"github.com/tunegate/tunegate/internal/catalog"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/grade"
)

// Manifest is a whole tunegate.yaml, with defaults filled in.
type Manifest struct {
	File, Root string // the manifest as the caller named it; the folder that no path may leave (absolute, set by Load)
	Name       string // may be empty
	Profile    Profile
	Execution  Execution
	Providers  map[string]Provider // always holds "local"
	Prices     map[string]catalog.Price
	Agents     []Agent // in file order
	Audit      Audit
	Benchmark  Benchmark
	Gate       Gate // what an agent is judged by that says nothing else: Agent.Gate is the one to use
	Budget     Budget

	unsaid unsaid
	sites  map[string]site // where its values stand
}

// Execution says whether the legs run side by side or one after the other.
type Execution string

// The two ways to run several legs.
const (
	Parallel   Execution = "parallel"
	Sequential Execution = "sequential"
)

// ProviderKind names a wire contract.
type ProviderKind string

// KindLocal is the embedded engine; KindOpenAI any service that speaks OpenAI's contract.
const (
	KindLocal  ProviderKind = "local"
	KindOpenAI ProviderKind = "openai"
)

// LocalProvider is the name of the provider that every manifest has: the embedded engine.
const LocalProvider = "local"

// Provider is where fine-tunes run.
type Provider struct {
	Kind        ProviderKind
	BaseURL     string // of an openai provider, without a trailing slash: https, or http to a loopback address; no user, query or fragment
	APIKeyEnv   string // name of the variable that holds the key; empty: none is sent
	KeyPos      Pos    // of that name
	MaxParallel int    // jobs of one base model at a time; 0: as many as there are
}

// Pos is a place in the manifest; both count from 1, Col in Unicode code points. The zero value is no place.
type Pos struct{ Line, Col int }

// Agent is one job that a model is tuned for.
type Agent struct {
	Name                                 string // [a-z0-9][a-z0-9_-]{0,62}: it names legs and files
	Pos                                  Pos    // of its name
	Train, Validation, Tests             string // paths as written, relative to the manifest's folder, with slashes; Validation may be empty
	TrainPath, ValidationPath, TestsPath string // the same, absolute; set by Load
	Grader                               Grader
	Provider, BaseModel                  string  // Provider is a key of Manifest.Providers
	Epochs, BatchSize                    int     // 0: auto
	LearningRateMultiplier               float64 // 0: auto
	Seed                                 int
	Gate                                 Gate
}

// Grader says how an answer is scored.
type Grader = grade.Options

// Deep says when the deep audit runs.
type Deep string

// DeepOnFailure, the default, looks deeper only when the gate said no.
const (
	DeepNever     Deep = "never"
	DeepOnFailure Deep = "on-failure"
	DeepAlways    Deep = "always"
)

// Audit holds the limits above which a data defect stops the launch.
type Audit struct {
	MaxDuplicates    float64 // share of rows, 0 to 1
	MaxContamination float64 // share of tests, 0 to 1
	Deep             Deep
	Severities       map[string]diag.Severity // by rule; overrides the rule's own
	Baseline         string                   // file of accepted findings, as written; empty: none
	BaselinePath     string                   // the same, absolute; set by Load
}

// Stop says when a benchmark may end before its last test.
type Stop string

// StopEarly goes on in batches until an anytime-valid test has decided, StopNever runs Benchmark.Full tests,
// StopQuick ends after the first batch.
const (
	StopEarly Stop = "early"
	StopNever Stop = "never"
	StopQuick Stop = "quick"
)

// Benchmark says how many tests are run.
type Benchmark struct {
	Quick int // size of the first batch
	Full  int // most tests used; 0: all
	Stop  Stop

	Repeats     int           // how often each model is asked each test; 0 means 1
	Reduce      bench.Reducer // what the repeats' scores are together; empty: their mean
	Temperature float64       // that the models are asked at
}

// Rule says what must have been shown for a pass.
type Rule string

// RulePoint: the observed improvement reaches the margin. RuleSignificant: that, and shown to be better at all.
// RuleStrict: shown to be better by the margin.
const (
	RulePoint       Rule = "point"
	RuleSignificant Rule = "significant"
	RuleStrict      Rule = "strict"
)

// Measure says what Gate.MinImprovement is measured in.
type Measure string

// MeasureRelative: a share of the base's score. MeasurePoints: hundredths of the scale, the difference of the scores itself.
// MeasureErrors: a share of the base's errors, which are 1 less its score.
const (
	MeasureRelative Measure = "relative"
	MeasurePoints   Measure = "points"
	MeasureErrors   Measure = "errors"
)

// OnInconclusive says what becomes of a verdict that the tests could not decide.
type OnInconclusive string

// InconclusiveFails is the default.
const (
	InconclusiveFails  OnInconclusive = "fail"
	InconclusivePasses OnInconclusive = "pass"
)

// Gate is what a tuned model is judged by.
type Gate struct {
	MinImprovement float64 // in the measure: 0.10 asks for 10 %, or for 10 points
	Measure        Measure
	Rule           Rule
	OnInconclusive OnInconclusive // empty fails, as InconclusiveFails does
	Guards         []Guard        // in file order; those of an agent take the place of the manifest's
}

// Guard is a suite that a model was not tuned for and may not get worse on.
type Guard struct {
	Name             string // as an agent's
	Tests, TestsPath string // as an agent's
	Grader           Grader
	MaxLoss          float64 // of the mean score, above 0 and below 1: 0.02 is two points of a hundred
}

// Budget caps a run. A nil cap is none.
type Budget struct {
	MaxCostUSD, MaxHours *float64
}

// Price returns what the model costs by this manifest: its own price for exactly this name, else the catalog's.
// Nil: unknown. The result belongs to the caller.
func (m *Manifest) Price(model string) *catalog.Price {
	if p, ok := m.Prices[model]; ok {
		return &p
	}
	known, _ := catalog.Lookup(model)
	return known.Price
}
