package pipeline

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tunegate/tunegate/internal/cost"
	"github.com/tunegate/tunegate/internal/train"
)

// errTooLate is wrapped when budget.max_hours is over before a fine-tune was launched.
var errTooLate = errors.New("past the deadline")

// inTime refuses when the run has lasted longer than its budget allows.
func (r *run) inTime() error {
	if r.deadline.IsZero() || time.Now().Before(r.deadline) {
		return nil
	}
	return fmt.Errorf("%w: this run began more than budget.max_hours, %g, ago", errTooLate, *r.m.Budget.MaxHours)
}

// reserve sets money aside for a leg. What is held from before counts towards it.
func (r *run) reserve(l *leg, usd float64) error {
	more := max(usd-l.held, 0)
	if err := r.ledger.Reserve(more); err != nil {
		return err
	}
	l.held += more
	l.out.ReservedUSD += more
	return nil
}

// settle books what a part of a leg cost and gives back what was held for it.
func (r *run) settle(l *leg, reserved, spent float64) {
	reserved = min(reserved, l.held)
	l.held -= reserved
	r.ledger.Settle(reserved, spent)
}

// billed is what a phase's job costs: by its tokens once they are known, else as estimated.
func (l *leg) billed(p phase, j train.Job) float64 {
	if j.Status == train.Succeeded && j.TrainedTokens > 0 {
		return cost.Training(*l.price, j.TrainedTokens)
	}
	return p.trainingUSD
}

// spared says what was not spent on a leg that ended after so many phases, and that this is what the profile is for.
func (l *leg) spared(done int) []string {
	var names []string
	usd, hours := 0.0, 0.0
	for _, p := range l.phases[done:] {
		names = append(names, p.name)
		usd += p.trainingUSD + p.benchmarkUSD
		hours += p.hours
	}
	text := fmt.Sprintf("stopped after the %s phase, %d of %d: %s not launched", l.phases[done-1].name, done, len(l.phases), strings.Join(names, " and "))
	if usd > 0 {
		text += fmt.Sprintf(", which saves up to $%.2f and about %.2f hours", usd, hours)
	}
	return []string{text, "more examples might have passed where these did not; the profile speed goes straight to all of them"}
}
