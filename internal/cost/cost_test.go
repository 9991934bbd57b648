package cost

import (
	"errors"
	"math"
	"sync"
	"testing"

	"github.com/tunegate/tunegate/internal/catalog"
)

// The reference case: five agents of 20,000 examples of 321.77 tokens at $3 a million.
func TestTrainingOfTheReferenceCase(t *testing.T) {
	p := catalog.Price{TrainPerMillion: 3}
	const tokens = 5 * 20_000 * 321.77
	for share, want := range map[float64]float64{1: 96.53, 0.5: 48.27, 0.005: 0.48} {
		if got := math.Round(Training(p, int64(tokens*share))*100) / 100; got != want {
			t.Errorf("%g of the data costs $%.2f, want $%.2f", share, got, want)
		}
	}
	if h := Hours("gpt-4o-mini", tokens/5); h > 10 {
		t.Errorf("one agent takes %.1f hours, want under 10", h)
	}
}

func TestInference(t *testing.T) {
	p := catalog.Price{InputPerMillion: 0.30, OutputPerMillion: 1.20}
	if got := Inference(p, 2_000_000, 500_000); math.Abs(got-1.2) > 1e-12 {
		t.Errorf("got $%g, want $1.20", got)
	}
}

func TestLedgerNeverPassesItsLimit(t *testing.T) {
	limit := 50.0
	l := NewLedger(&limit)
	var mu sync.Mutex
	var wg sync.WaitGroup
	granted := 0
	for range 5 {
		wg.Go(func() {
			err := l.Reserve(19.31)
			if err != nil && !errors.Is(err, ErrOverBudget) {
				t.Error(err)
			}
			if err == nil {
				mu.Lock()
				granted++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if granted != 2 {
		t.Fatalf("%d reservations were granted, want 2", granted)
	}
	l.Settle(19.31, 5)
	if err := l.Reserve(19.31); err != nil {
		t.Errorf("after a job cost less than reserved: %v", err)
	}
	if got := l.Spent(); got != 5 {
		t.Errorf("spent $%g, want $5", got)
	}
}

func TestNoLimit(t *testing.T) {
	if err := NewLedger(nil).Reserve(1e9); err != nil {
		t.Error(err)
	}
}

// The figures of a refusal add up, also where most of the money is another run's, and where what is asked for is less than a cent.
func TestRefusalSaysWhatCounts(t *testing.T) {
	limit := 0.05
	l := NewLedger(&limit)
	l.Reuse(0.125)
	err := l.Reserve(0.001)
	if want := "over the budget: < $0.01 more would make it $0.13 of $0.05; $0.12 of that is for reused jobs, which count at what they cost"; !errors.Is(err, ErrOverBudget) || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	l = NewLedger(&limit)
	l.Settle(0, 0.05)
	if err := l.Reserve(1); err == nil || err.Error() != "over the budget: $1.00 more would make it $1.05 of $0.05" {
		t.Errorf("without a reused job: %v", err)
	}
}
