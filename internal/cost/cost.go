// Package cost turns tokens into money and time before a run, keeps its spending within a budget, and settles what
// was estimated by what was billed. Prices come from the catalog or the manifest; none is invented here.
package cost

import (
	"errors"
	"fmt"
	"sync"

	"github.com/tunegate/tunegate/internal/catalog"
)

// Training returns the price in USD of training on so many tokens, epochs included.
func Training(p catalog.Price, tokens int64) float64 {
	return float64(tokens) / 1e6 * p.TrainPerMillion
}

// Inference returns the price in USD of asking with so many tokens and being answered with so many.
func Inference(p catalog.Price, input, output int64) float64 {
	return float64(input)/1e6*p.InputPerMillion + float64(output)/1e6*p.OutputPerMillion
}

// What is assumed of speed, in training tokens an hour and job, until a job has been measured. A service queues and
// trains at about 0.8 million: 20,000 examples of 320 tokens in eight hours. The embedded engine was measured at
// more than 2,000 million on one core.
const (
	hostedTokensPerHour = 0.8e6
	localTokensPerHour  = 2e9
)

// Hours estimates how long a job with so many tokens, epochs included, takes on the model's service.
func Hours(model string, tokens int64) float64 {
	if model == catalog.Local {
		return float64(tokens) / localTokensPerHour
	}
	return float64(tokens) / hostedTokensPerHour
}

// ErrOverBudget is wrapped by an error of Reserve.
var ErrOverBudget = errors.New("over the budget")

// Ledger keeps reserved plus spent money within a limit. Its methods are safe for concurrent use.
type Ledger struct {
	mu       sync.Mutex
	limit    *float64 // USD, nil for none
	reserved float64
	spent    float64
	reused   float64 // of what was spent: by earlier runs
	kept     float64 // for what is not in this ledger
}

// NewLedger returns a ledger with a limit in USD, nil for none.
func NewLedger(limit *float64) *Ledger { return &Ledger{limit: limit} }

// rounding is what sums of estimates may exceed the limit by: a budget of 96.53 pays for 96.530.
const rounding = 0.005

// Reserve sets usd aside, or refuses and changes nothing when reserved and spent money would pass the limit.
func (l *Ledger) Reserve(usd float64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.limit != nil && l.kept+l.spent+l.reserved+usd > *l.limit+rounding {
		text := fmt.Sprintf("%s more would make it %s of %s", dollars(usd), dollars(l.kept+l.spent+l.reserved+usd), dollars(*l.limit))
		if l.reused > 0 {
			text += fmt.Sprintf("; %s of that is for reused jobs, which count at what they cost", dollars(l.reused))
		}
		if l.kept > 0 {
			text += fmt.Sprintf("; %s of that is kept for the other legs", dollars(l.kept))
		}
		return fmt.Errorf("%w: %s", ErrOverBudget, text)
	}
	l.reserved += usd
	return nil
}

// Settle gives back what was reserved and books what was spent instead.
func (l *Ledger) Settle(reserved, spent float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reserved -= reserved
	l.spent += spent
}

// Reuse books what a job cost that an earlier run has paid for: a budget is for all fine-tunes of a manifest.
func (l *Ledger) Reuse(usd float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spent += usd
	l.reused += usd
}

// Keep takes usd out of what may be spent here: others will spend it, who have ledgers of their own.
func (l *Ledger) Keep(usd float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept += usd
}

// Spent returns what was booked so far, in USD.
func (l *Ledger) Spent() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.spent
}

func dollars(usd float64) string {
	if usd > 0 && usd < rounding {
		return "< $0.01"
	}
	return fmt.Sprintf("$%.2f", usd)
}
