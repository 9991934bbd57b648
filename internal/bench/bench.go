// Package bench asks models the tests of a suite and scores their answers: every arm the same tests, test by test
// side by side, so that what changes over time changes for all of them. It decides nothing.
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

// Request is one question. Models are asked at temperature 0.
type Request struct {
	Model    string
	Messages []suite.Message
}

// Response is a model's answer with what it used.
type Response struct {
	Answer       string
	InputTokens  int
	OutputTokens int
}

// Completer answers requests; it may be called by several goroutines at once. It retries what can be retried:
// an error is final and means that the model gave no answer, not a wrong one.
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
	Answer       string        `json:"answer"`
	Score        float64       `json:"score"` // 0 to 1; means nothing when Error is set
	Note         string        `json:"note,omitempty"`
	Error        string        `json:"error,omitempty"` // the model gave no answer
	Latency      time.Duration `json:"latency_ns"`
	InputTokens  int           `json:"input_tokens"`
	OutputTokens int           `json:"output_tokens"`
}

// Plan says how the tests are asked.
type Plan struct {
	Arms   []Arm
	Tests  []suite.Test // in the order to ask them
	Grader grade.Grader
	First  int // tests before the first decision; 0 asks all at once
	Batch  int // tests between decisions after that
	// Concurrency is how many requests are under way at once, at least 1.
	Concurrency int
	// Decide, if not nil, is shown all samples after each batch and ends the run by returning true.
	Decide func([]Sample) (stop bool)
	// Notify, if not nil, is told after each answer how many there are; it must be quick.
	Notify func(done, all int)
}

// Run asks the tests in batches until Decide stops it or none is left, and returns the samples ordered by test,
// then arm. An answer that failed is a sample with Error. The error of Run itself is the context's; the samples are
// then those that were answered, which cost money too.
func Run(ctx context.Context, p Plan) ([]Sample, error) {
	if len(p.Arms) == 0 {
		return nil, errors.New("no model to benchmark")
	}
	var samples []Sample
	for next, size := 0, p.First; next < len(p.Tests); size = p.Batch {
		end := len(p.Tests)
		if size > 0 {
			end = min(next+size, end)
		}
		batch, err := p.ask(ctx, p.Tests[next:end], next*len(p.Arms))
		samples = append(samples, batch...)
		if err != nil {
			return slices.DeleteFunc(samples, func(s Sample) bool { return s.Test == "" || s.Error != "" }), err
		}
		next = end
		if p.Decide != nil && p.Decide(samples) {
			break
		}
	}
	return samples, nil
}

// ask puts the tests to all arms. The questions of one test follow one another in the queue, so the arms meet the
// same conditions.
func (p Plan) ask(ctx context.Context, tests []suite.Test, before int) ([]Sample, error) {
	samples := make([]Sample, len(tests)*len(p.Arms))
	queue := make(chan int)
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := before
	for range max(p.Concurrency, 1) {
		wg.Go(func() {
			for i := range queue {
				samples[i] = p.sample(ctx, tests[i/len(p.Arms)], p.Arms[i%len(p.Arms)])
				if p.Notify != nil {
					mu.Lock()
					done++
					p.Notify(done, len(p.Tests)*len(p.Arms))
					mu.Unlock()
				}
			}
		})
	}
	for i := range samples {
		if ctx.Err() != nil {
			break
		}
		queue <- i
	}
	close(queue)
	wg.Wait()
	return samples, ctx.Err()
}

func (p Plan) sample(ctx context.Context, t suite.Test, arm Arm) Sample {
	s := Sample{Test: t.ID, Arm: arm.Name}
	began := time.Now()
	r, err := arm.Completer.Complete(ctx, Request{Model: arm.Model, Messages: t.Input})
	s.Latency = time.Since(began)
	if err != nil {
		s.Error = fmt.Sprint(err)
		return s
	}
	s.Answer, s.InputTokens, s.OutputTokens = r.Answer, r.InputTokens, r.OutputTokens
	score := p.Grader.Score(r.Answer, t.Ideal)
	s.Score, s.Note = score.Value, score.Note
	return s
}
