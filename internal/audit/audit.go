// Package audit judges training data before money is spent on it: one streaming pass over the files, parallel over
// the cores, that applies a set of rules and counts rows, messages and tokens.
//
// A rule is a value (rules.go). It looks at a row, at a place in a text, or at what the pass left behind; rows that
// cannot be read are found by package dataset, and here only given their severity. The package prints nothing: findings
// are data, in the same order however many workers there were. It changes no file either: Fix writes cleaned copies.
//
// Memory: some 10 MiB a worker, and 48 bytes an example for what is compared across rows, of which 40 lie in a temporary
// file where there are millions. A defect of many rows is one finding that names every line.
package audit

import (
	"context"
	"runtime"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/suite"
	"github.com/tunegate/tunegate/internal/tokens"
)

// Input is what is audited. Train is required, the rest may be zero and is then not looked at.
type Input struct {
	Train, Validation *dataset.File
	Tests             suite.Suite
	Encoding          *tokens.Encoding // nil: tokens are not counted
	TrainingContext   int              // the most tokens of an example that the model trains on; 0: unknown, no limit
	Deep              bool             // apply the rules of the deep audit too

	// Progress, unless nil, is told after each MiB or so how many bytes of the files on disk were read, of how many in
	// all. A file that is read twice counts twice. It is called by one goroutine, the caller of Run, which waits for it.
	Progress func(done, total int64)

	// Embed, unless nil, returns a vector for each text, all of one length: the deep audit then looks for requests that
	// mean the same in other words.
	Embed func(ctx context.Context, texts []string) ([][]float32, error)
}

// Policy is how strictly things are judged. The zero value allows no duplicates and no contamination.
type Policy struct {
	MaxDuplicates    float64                  // share of the examples that may be copies of others before that is critical
	MaxContamination float64                  // share of the tests that may stand in the training data before that is critical
	MinExamples      int                      // fewest examples to train on; 0 means 10
	Severities       map[string]diag.Severity // by rule, in place of the rule's own
}

// DefaultPolicy returns what holds where a manifest says nothing: 5 % of each, 10 examples.
func DefaultPolicy() Policy {
	return Policy{MaxDuplicates: .05, MaxContamination: .05, MinExamples: minExamples}
}

// minExamples is the fewest that OpenAI's supervised fine-tuning takes.
const minExamples = 10

// Result is what an audit saw.
type Result struct {
	Totals       Totals      // over all files
	Files        []FileStats // training data first, then validation if there is any
	Findings     []diag.Finding
	Contaminated []string // ids of the tests that stand in the training data, as they are or nearly, in the suite's order
	Lengths      Lengths  // of the training examples
	Histogram    []Bin    // of their lengths: ascending, without gaps
	Labels       []Label  // answers of the training examples that repeat, most frequent first; nil if they hardly do
	verbatim     []int32  // lines of the training data that hold the very prompt of a test
}

// Totals counts. Rows are the lines that are not blank; messages and tokens are those of the rows without problems.
// Tokens are of message contents alone.
type Totals struct {
	Rows, Messages int
	Tokens         int64
}

// FileStats is what one file holds. Examples are the rows without problems: what is trained on.
type FileStats struct {
	File string
	Totals
	Examples       int
	TrainingTokens int64   // by the chat rule, one pass; see dataset.Row.Tokens
	PerExample     []int32 // training tokens of each example in file order; zeros without an encoding
}

// Lengths are those of the training examples: training tokens, or bytes of content where tokens are not counted.
// Percentiles are nearest-rank.
type Lengths struct {
	Unit                    string // "tokens" or "bytes"
	Min, P50, P90, P99, Max int
}

// Label is an answer that several examples share.
type Label struct {
	Answer string
	Count  int
}

// Run audits. The error is a failure to read (wrapped), a damaged archive (diag.Mistakes) or the context's; what is
// wrong with the data is in the findings, sorted by place.
func Run(ctx context.Context, in Input, p Policy) (Result, error) {
	return run(ctx, in, p, runtime.GOMAXPROCS(0))
}

func run(ctx context.Context, in Input, p Policy, workers int) (Result, error) {
	if p.MinExamples == 0 {
		p.MinExamples = minExamples
	}
	rules := rulesOf(in.Deep)
	var res Result
	tests := newTestIndex(in.Tests)
	reads := []*dataset.File{in.Train}
	if in.Validation != nil {
		reads = append(reads, in.Validation)
	}
	if in.Deep {
		reads = append(reads, in.Train)
	}
	progress := in.Progress
	in.Progress = part(progress, reads, 0)
	train, err := pass(ctx, in, in.Train, rules, tests, workers)
	if err != nil {
		return Result{}, err
	}
	sets := []*set{train}
	if in.Validation != nil {
		in.Progress = part(progress, reads, 1)
		valid, err := pass(ctx, in, in.Validation, rules, nil, workers)
		if err != nil {
			return Result{}, err
		}
		sets = append(sets, valid)
	}
	train.policy, train.tests = p, in.Tests
	in.Progress = part(progress, reads, len(reads)-1)
	deep := study{ctx: ctx, in: in, tests: in.Tests, train: train, workers: workers}
	if err := deep.deepen(rules); err != nil {
		return Result{}, err
	}
	for _, s := range sets {
		res.Files = append(res.Files, s.stats)
		res.Totals.Rows += s.stats.Rows
		res.Totals.Messages += s.stats.Messages
		res.Totals.Tokens += s.stats.Tokens
		for _, rule := range rules {
			if rule.Check.File != nil {
				rule.Check.File(s, s.report(rule.Name))
			}
			if rule.Check.Set != nil && s == train {
				rule.Check.Set(s, s.report(rule.Name))
			}
		}
		res.Findings = append(res.Findings, s.found.folded()...)
	}
	for _, h := range train.hits {
		res.verbatim = append(res.verbatim, h.line)
	}
	for i, t := range in.Tests.Tests {
		if train.contaminated[i] || train.resembled[i] {
			res.Contaminated = append(res.Contaminated, t.ID)
		}
	}
	res.Lengths, res.Histogram, res.Labels = train.lengths(), binned(train.sorted()), train.labelSet()
	grade(res.Findings, rules, p, train)
	res.Findings = append(res.Findings, scanTests(in.Tests, rules, p)...)
	diag.Sort(res.Findings)
	return res, nil
}

// part returns what the i-th of several reads tells its own progress.
func part(progress func(done, total int64), reads []*dataset.File, i int) func(done, total int64) {
	if progress == nil {
		return func(int64, int64) {}
	}
	var before, total int64
	for k, f := range reads {
		if total += f.Size(); k < i {
			before += f.Size()
		}
	}
	return func(done, _ int64) { progress(before+done, total) }
}

// grade gives each finding its severity: the policy's, else the rule's; critical where a share is above what the policy allows,
// less what does not count towards that share: such a finding has a severity already.
func grade(fs []diag.Finding, rules []Rule, p Policy, train *set) {
	severity := make(map[string]diag.Severity, len(rules))
	for _, r := range rules {
		severity[r.Name] = r.Severity
		if s := p.Severities[r.Name]; s != 0 {
			severity[r.Name] = s
		}
	}
	raised := map[string]bool{
		"exact-duplicate": train.duplicateShare() > p.MaxDuplicates,
		"contamination":   train.contaminatedShare() > p.MaxContamination,
	}
	for i := range fs {
		f := &fs[i]
		counts := f.Severity == 0
		if f.Severity = severity[f.Rule]; counts && raised[f.Rule] {
			f.Severity = diag.Critical
		}
	}
}
