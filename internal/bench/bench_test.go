package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tunegate/tunegate/internal/grade"
	"github.com/tunegate/tunegate/internal/suite"
)

// answers is a model that is a function.
type answers func(ctx context.Context, r Request) (Response, error)

func (f answers) Complete(ctx context.Context, r Request) (Response, error) { return f(ctx, r) }

// newPlan asks n tests, "q0" and so on, whose right answers are "a0" and so on, of a base and a tuned model.
func newPlan(t testing.TB, n int, c Completer) Plan {
	t.Helper()
	grader, err := grade.New("exact", "")
	if err != nil {
		t.Fatal(err)
	}
	p := Plan{Arms: []Arm{{"base", "model-b", c}, {"tuned", "model-t", c}}, Grader: grader, Concurrency: 1}
	for i := range n {
		p.Tests = append(p.Tests, suite.Test{ID: fmt.Sprintf("t%d", i), Input: []suite.Message{{Role: "system", Content: "s"}, {Role: "user", Content: fmt.Sprintf("q%d", i)}}, Ideal: []string{fmt.Sprintf("a%d", i)}})
	}
	return p
}

// right answers what is wanted.
func right(_ context.Context, r Request) (Response, error) {
	return Response{Answer: strings.Replace(r.Messages[1].Content, "q", "a", 1), InputTokens: 7, OutputTokens: 2}, nil
}

// order is the samples as "test arm".
func order(samples []Sample) (all []string) {
	for _, s := range samples {
		all = append(all, s.Test+" "+s.Arm)
	}
	return all
}

// wanted is that order for n tests.
func wanted(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("t%d base", i), fmt.Sprintf("t%d tuned", i))
	}
	return all
}

func TestArmsAreInterleaved(t *testing.T) {
	var asked []string
	p := newPlan(t, 3, answers(func(ctx context.Context, r Request) (Response, error) {
		asked = append(asked, r.Messages[1].Content+" "+r.Model)
		return right(ctx, r)
	}))
	samples, err := Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"q0 model-b", "q0 model-t", "q1 model-b", "q1 model-t", "q2 model-b", "q2 model-t"}; !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
	for _, s := range samples {
		if s.Score != 1 || s.Error != "" || s.Answer != "a"+s.Test[1:] || s.InputTokens != 7 || s.OutputTokens != 2 {
			t.Errorf("got %+v", s)
		}
	}
}

// Samples come by test, then arm, whoever answers first: here the later a test, the faster its answer.
func TestOrderOfSamples(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 20
		p := newPlan(t, n, answers(func(ctx context.Context, r Request) (Response, error) {
			var i int
			fmt.Sscanf(r.Messages[1].Content, "q%d", &i)
			time.Sleep(time.Duration(n-i) * time.Second)
			return right(ctx, r)
		}))
		p.Concurrency, p.First, p.Batch = 8, 3, 7
		samples, err := Run(t.Context(), p)
		if err != nil || !slices.Equal(order(samples), wanted(n)) {
			t.Errorf("%v; order %q", err, order(samples))
		}
		for i, s := range samples {
			if want := time.Duration(n-i/2) * time.Second; s.Latency != want {
				t.Errorf("%s %s took %v, want %v", s.Test, s.Arm, s.Latency, want)
			}
		}
	})
}

func TestConcurrencyIsBoundedAndUsed(t *testing.T) {
	for concurrency, want := range map[int]int32{-1: 1, 0: 1, 1: 1, 5: 5, 16: 16, 100: 40} {
		synctest.Test(t, func(t *testing.T) {
			var now, most atomic.Int32
			p := newPlan(t, 20, answers(func(ctx context.Context, r Request) (Response, error) {
				if n := now.Add(1); n > most.Load() {
					most.Store(n)
				}
				time.Sleep(time.Second) // of the test's clock: all that may run at once do
				now.Add(-1)
				return right(ctx, r)
			}))
			p.Concurrency = concurrency
			if _, err := Run(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			if most.Load() != want {
				t.Errorf("concurrency %d: %d at once, want %d", concurrency, most.Load(), want)
			}
		})
	}
}

// A model that gives no answer has not given a wrong one.
func TestErrorsAreNoWrongAnswers(t *testing.T) {
	p := newPlan(t, 4, answers(func(ctx context.Context, r Request) (Response, error) {
		switch r.Messages[1].Content + r.Model {
		case "q1model-t":
			return Response{Answer: "a1", InputTokens: 3}, errors.New("overloaded")
		case "q2model-b":
			return Response{Answer: "wrong"}, nil
		}
		return right(ctx, r)
	}))
	p.MaxFailed = 1
	samples, err := Run(t.Context(), p)
	if err != nil || !slices.Equal(order(samples), wanted(4)) {
		t.Fatalf("%v; %q", err, order(samples))
	}
	for i, s := range samples {
		switch i {
		case 3:
			if s.Error != "overloaded" || s.Answer != "" || s.InputTokens != 0 {
				t.Errorf("without an answer: %+v", s)
			}
		case 4:
			if s.Error != "" || s.Score != 0 || s.Answer != "wrong" {
				t.Errorf("a wrong answer: %+v", s)
			}
		default:
			if s.Error != "" || s.Score != 1 {
				t.Errorf("a right answer: %+v", s)
			}
		}
	}
}

func TestDecideStops(t *testing.T) {
	for _, c := range []struct {
		name               string
		first, batch, stop int // stop: the number of samples that is enough
		asked              int
		looks              []int
	}{
		{"after the first batch", 5, 3, 10, 10, []int{10}},
		{"after a later one", 5, 3, 11, 16, []int{10, 16}},
		{"never", 5, 3, 1000, 20, []int{10, 16, 20}},
		{"all at once", 0, 3, 1, 20, []int{20}},
		{"the rest at once", 2, 0, 5, 20, []int{4, 20}},
		{"a first batch of more than there is", 50, 3, 1000, 20, []int{20}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked atomic.Int32
			p := newPlan(t, 10, answers(func(ctx context.Context, r Request) (Response, error) {
				asked.Add(1)
				return right(ctx, r)
			}))
			p.First, p.Batch, p.Concurrency = c.first, c.batch, 4
			var looks []int
			p.Decide = func(s []Sample) bool {
				looks = append(looks, len(s))
				return len(s) >= c.stop
			}
			samples, err := Run(t.Context(), p)
			if err != nil || len(samples) != c.asked || int(asked.Load()) != c.asked || !slices.Equal(looks, c.looks) {
				t.Errorf("%v; %d samples, %d asked, want %d; decided at %v, want %v", err, len(samples), asked.Load(), c.asked, looks, c.looks)
			}
			if !slices.Equal(order(samples), wanted(c.asked/2)) {
				t.Errorf("order %q", order(samples))
			}
		})
	}
}

// A cancelled run ends at once, asks nothing more, and returns what was answered.
func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var mu sync.Mutex
		asked := 0
		p := newPlan(t, 100, answers(func(ctx context.Context, r Request) (Response, error) {
			mu.Lock()
			asked++
			last := asked == 30
			mu.Unlock()
			if last {
				cancel()
			}
			select {
			case <-ctx.Done():
				return Response{}, ctx.Err()
			case <-time.After(time.Minute):
				return right(ctx, r)
			}
		}))
		p.First, p.Batch, p.Concurrency = 10, 40, 4
		p.Decide = func([]Sample) bool { return false }
		began := time.Now()
		samples, err := Run(ctx, p)
		if !errors.Is(err, context.Canceled) || !slices.Equal(order(samples), wanted(14)) {
			t.Errorf("%v; %d samples", err, len(samples))
		}
		// 20 questions of the first batch, 8 of the second before the two that saw the end begin, 4 at a time.
		if took := time.Since(began); took != 7*time.Minute || asked > 33 {
			t.Errorf("it took %v and asked %d", took, asked)
		}
	})
}

func TestCancelledBeforehandAsksNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := newPlan(t, 5, answers(func(context.Context, Request) (Response, error) {
		t.Error("a question was asked")
		return Response{}, nil
	}))
	p.Decide = func([]Sample) bool {
		t.Error("something was decided")
		return true
	}
	if samples, err := Run(ctx, p); !errors.Is(err, context.Canceled) || len(samples) != 0 {
		t.Errorf("%v; %d samples", err, len(samples))
	}
}

// Notify counts every answer once, in order, over all batches, against the most there can be.
func TestNotify(t *testing.T) {
	p := newPlan(t, 10, answers(right))
	p.First, p.Batch, p.Concurrency = 3, 2, 8
	p.Decide = func(s []Sample) bool { return len(s) >= 10 }
	var counts []int
	p.Notify = func(done, all int) {
		if all != 20 {
			t.Errorf("of %d answers, want 20", all)
		}
		counts = append(counts, done)
	}
	if _, err := Run(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if want := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}; !slices.Equal(counts, want) {
		t.Errorf("counted %v, want %v", counts, want)
	}
}

func TestNothingToAsk(t *testing.T) {
	if _, err := Run(t.Context(), Plan{Tests: make([]suite.Test, 1)}); err == nil || err.Error() != "no model to benchmark" {
		t.Errorf("without a model: %v", err)
	}
	p := newPlan(t, 0, answers(right))
	p.Decide = func([]Sample) bool {
		t.Error("something was decided")
		return true
	}
	if samples, err := Run(t.Context(), p); err != nil || len(samples) != 0 {
		t.Errorf("without a test: %v, %d samples", err, len(samples))
	}
}

// What Run itself costs an answer: it must be little beside the model's.
func BenchmarkRun(b *testing.B) {
	p := newPlan(b, 1000, answers(right))
	p.Concurrency = 16
	for b.Loop() {
		if _, err := Run(b.Context(), p); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*2000), "ns/answer")
}

// The latency is that of the exchange that brought the answer, where the Completer knows it: waits and failures before it are not the model's.
func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlan(t, 1, answers(func(ctx context.Context, r Request) (Response, error) {
			time.Sleep(10 * time.Second)
			answer, err := right(ctx, r)
			if r.Model == "model-t" {
				answer.Took = time.Second
			}
			return answer, err
		}))
		samples, err := Run(t.Context(), p)
		if err != nil || samples[0].Latency != 10*time.Second || samples[1].Latency != time.Second {
			t.Errorf("%v, %+v", err, samples)
		}
	})
}
