// Package bench asks models the tests of a suite and scores their answers: every arm the same tests, test by test
// side by side, so that what changes over time changes for all of them. It decides nothing.
//
// A Completer may be wrapped: by a Pace, which keeps to what a service lets through, and by a Cache, which asks a model that
// does not change no question twice.
package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tunegate/tunegate/internal/grade"
	"github.com/tunegate/tunegate/internal/suite"
)

// Request is one question.
type Request struct {
	Model       string          `json:"model"`
	Messages    []suite.Message `json:"messages"`
	Tools       string          `json:"tools,omitempty"` // functions offered, as suite.Test has them
	Temperature float64         `json:"temperature"`     // 0: the likeliest answer
	// Repeat counts from 0 how often this was asked before in the same benchmark. It is not sent; it keeps sampled answers apart.
	Repeat int `json:"repeat"`
}

// Response is a model's answer with what it used.
type Response struct {
	Answer       string
	InputTokens  int
	OutputTokens int
	// Took is how long the exchange lasted that brought the answer, without those before it that failed; 0: not known.
	Took    time.Duration
	Refused int  // how often the service put the request off before it answered, as far as a Pace saw it
	Cached  bool // not asked now, but before
}

// Completer answers requests; it may be called by several goroutines at once. It retries what can be retried: an error is
// final and means that the model gave no answer, not a wrong one. Only a Refusal may be tried again, by a Pace.
type Completer interface {
	Complete(ctx context.Context, r Request) (Response, error)
}

// Arm is a model under test.
type Arm struct {
	Name      string // "base" or "tuned"
	Model     string
	Completer Completer
}

// Sample is one answer with its score.
type Sample struct {
	Test         string        `json:"test"`
	Arm          string        `json:"arm"`
	Repeat       int           `json:"repeat"` // from 0
	Answer       string        `json:"answer"`
	Score        float64       `json:"score"` // 0 to 1; means nothing when Error is set
	Note         string        `json:"note,omitempty"`
	Error        string        `json:"error,omitempty"` // the model gave no answer, or the grader no score
	Latency      time.Duration `json:"latency_ns"`      // of the exchange that brought the answer
	InputTokens  int           `json:"input_tokens"`
	OutputTokens int           `json:"output_tokens"`
	Refused      int           `json:"refused"` // how often the service put it off
	Cached       bool          `json:"cached"`  // answered before, and graded now
}

// Plan says how the tests are asked.
type Plan struct {
	Arms        []Arm
	Tests       []suite.Test // in the order to ask them
	Grader      grade.Grader
	Temperature float64
	Repeats     int // how often each arm is asked each test; 0 means 1
	First       int // tests before the first decision; 0 asks all at once
	Batch       int // tests between decisions after that, until a tenth of those asked is more; 0 asks the rest at once
	// Concurrency is how many requests are under way at once, at least 1.
	Concurrency int
	// MaxFailed is how many tests may stay without a graded answer from all arms; the run ends as soon as there are more.
	MaxFailed int
	// Decide, if not nil, is shown all samples after each batch and ends the run by returning true.
	Decide func([]Sample) (stop bool)
	// Notify, if not nil, is told after each answer how many there are; it must be quick.
	Notify func(done, all int)
}

// Run asks the tests in batches until Decide stops it, too many stay without an answer, or none is left. It returns the
// samples of the tests that were asked, ordered by test, repeat, arm. An answer that failed is a sample with Error. The
// error of Run itself is the context's; the samples are then those of the tests of which an arm answered, which cost
// money too.
func Run(ctx context.Context, p Plan) ([]Sample, error) {
	if len(p.Arms) == 0 {
		return nil, errors.New("no model to benchmark")
	}
	p.Repeats = max(p.Repeats, 1)
	r := &asking{Plan: p, failed: make(map[string]bool)}
	var samples []Sample
	for next, size := 0, p.First; next < len(p.Tests) && !r.hopeless(); size = r.batch(next) {
		end := len(p.Tests)
		if size > 0 {
			end = min(next+size, end)
		}
		batch, err := r.ask(ctx, p.Tests[next:end])
		samples = append(samples, batch...)
		if err != nil {
			return samples, err
		}
		next = end
		if p.Decide != nil && p.Decide(samples) {
			break
		}
	}
	return samples, nil
}

// asking is a run under way.
type asking struct {
	Plan
	mu     sync.Mutex
	done   int
	failed map[string]bool // tests that an arm did not answer
}

// each is how many questions a test is.
func (r *asking) each() int { return r.Repeats * len(r.Arms) }

// batch is how many tests come after the first so many. At the end of a batch there is nothing to do for most of the workers, so
// later ones are as long as costs little where it would have stopped before, and fill the workers' last round.
func (r *asking) batch(asked int) int {
	tenth := asked / 10
	if r.Batch == 0 || tenth <= r.Batch {
		return r.Batch
	}
	for tenth*r.each()%max(r.Concurrency, 1) != 0 {
		tenth++
	}
	return tenth
}

// hopeless reports whether too many tests stay without an answer.
func (r *asking) hopeless() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.failed) > r.MaxFailed
}

// ask puts the tests to all arms. The questions of one test follow one another in the queue, so the arms meet the
// same conditions.
func (r *asking) ask(ctx context.Context, tests []suite.Test) ([]Sample, error) {
	each := r.each()
	samples := make([]Sample, len(tests)*each)
	queue := make(chan int)
	var wg sync.WaitGroup
	for range max(r.Concurrency, 1) {
		wg.Go(func() {
			for i := range queue {
				samples[i] = r.sample(ctx, tests[i/each], i%each/len(r.Arms), r.Arms[i%len(r.Arms)])
				r.count(samples[i])
			}
		})
	}
	for i := range samples {
		// A test that was begun is asked to its end, unless nobody waits for it any more.
		if ctx.Err() != nil || i%each == 0 && r.hopeless() {
			break
		}
		queue <- i
	}
	close(queue)
	wg.Wait()
	return r.whole(samples, ctx.Err()), ctx.Err()
}

// whole leaves out the tests that nobody answered because the asking ended, and nothing of any other: what compares the arms
// finds the samples of each test together.
func (r *asking) whole(samples []Sample, end error) []Sample {
	kept := samples[:0]
	for test := range slices.Chunk(samples, r.each()) {
		asked := func(s Sample) bool { return s.Test != "" && (end == nil || s.Error == "") }
		if !slices.ContainsFunc(test, asked) {
			continue
		}
		for i := range test {
			if test[i].Test == "" { // the first sample was asked: a test's questions are queued in order
				test[i] = Sample{Test: test[0].Test, Arm: r.Arms[i%len(r.Arms)].Name, Repeat: i / len(r.Arms), Error: fmt.Sprint(end)}
			}
		}
		kept = append(kept, test...)
	}
	return kept
}

func (r *asking) count(s Sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.Error != "" {
		r.failed[s.Test] = true
	}
	r.done++
	if r.Notify != nil {
		r.Notify(r.done, len(r.Tests)*r.each())
	}
}

func (r *asking) sample(ctx context.Context, t suite.Test, repeat int, arm Arm) Sample {
	s := Sample{Test: t.ID, Arm: arm.Name, Repeat: repeat}
	began := time.Now()
	answer, err := arm.Completer.Complete(ctx, Request{Model: arm.Model, Messages: t.Input, Tools: t.Tools, Temperature: r.Temperature, Repeat: repeat})
	s.Latency, s.Refused = time.Since(began), answer.Refused
	if err != nil {
		s.Error = fmt.Sprint(err)
		return s
	}
	if answer.Took > 0 {
		s.Latency = answer.Took
	}
	s.Answer, s.InputTokens, s.OutputTokens, s.Cached = answer.Answer, answer.InputTokens, answer.OutputTokens, answer.Cached
	score, err := r.Grader.Grade(ctx, t, answer.Answer)
	if err != nil {
		s.Error = fmt.Sprintf("the answer could not be graded: %v", err)
	}
	s.Score, s.Note = score.Value, score.Note
	return s
}
