package pipeline

import (
	"fmt"
	"strings"

	"github.com/tunegate/tunegate/internal/cost"
	"github.com/tunegate/tunegate/internal/train"
)

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

// bill is what the attempts at a phase's fine-tune cost. Every attempt that has made a job counts against the budget once,
// whoever launched it and whatever came of it: what a service bills for a failed one is not known, so it is the estimate.
type bill struct {
	run     *run
	leg     *leg
	phase   phase
	kin     *kin
	attempt int     // that money was set aside for last, 0: none
	ours    bool    // and this leg has launched it
	spent   float64 // on earlier attempts of this leg, and on asking the base before a launch
}

// reserve sets money aside for an attempt, after what the ones before it have cost.
func (b *bill) reserve(attempt int) error {
	b.close()
	b.reuse(attempt-1, b.phase.trainingUSD)
	b.attempt = attempt
	return b.run.reserve(b.leg, b.phase.trainingUSD+b.phase.benchmarkUSD+b.phase.guardsUSD)
}

// asked books what the base was asked before the launch, out of what is set aside for the benchmark.
func (b *bill) asked(usd float64) {
	b.spent += usd
	b.run.settle(b.leg, usd, usd)
}

func (b *bill) launched(attempt int) {
	if attempt == b.attempt {
		b.ours = true
		b.kin.book(attempt)
	}
}

// close books an attempt that another one follows.
func (b *bill) close() {
	if b.ours {
		b.ours = false
		b.spent += b.phase.trainingUSD
		b.run.settle(b.leg, b.phase.trainingUSD, b.phase.trainingUSD)
	}
}

// found is called for the first job that is followed. Another run may have paid for it, but the budget is for the
// manifest's fine-tunes: the same ones are launched in every run.
func (b *bill) found(j train.Job) {
	if !b.ours {
		b.reuse(j.Attempt, b.leg.billed(b.phase, j))
	}
}

// reuse books the attempts up to one that are not booked yet; the last of them cost so much.
func (b *bill) reuse(attempt int, last float64) {
	if n := b.kin.book(attempt); n > 0 {
		b.run.ledger.Reuse(float64(n-1)*b.phase.trainingUSD + last)
	}
}

// end books what came of it, gives back what is left, and returns what this leg has spent.
func (b *bill) end(s train.State) float64 {
	if s.Job.Attempt > b.attempt {
		b.close() // another run has made another attempt after ours
	}
	spent, cost := 0.0, b.leg.billed(b.phase, s.Job)
	if b.ours {
		spent = cost
	}
	held := spent
	if s.Unsettled {
		held = b.phase.trainingUSD // there may be a job
	}
	b.run.settle(b.leg, b.phase.trainingUSD, held)
	if s.Job.ID != "" {
		b.reuse(s.Job.Attempt, cost)
	}
	return b.spent + spent
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
		usd += p.trainingUSD + p.benchmarkUSD + p.guardsUSD
		hours += p.hours
	}
	text := fmt.Sprintf("stopped after the %s phase, %d of %d: %s not launched", l.phases[done-1].name, done, len(l.phases), strings.Join(names, " and "))
	if usd > 0 {
		text += fmt.Sprintf(", which saves up to $%.2f and about %.2f hours", usd, hours)
	}
	return []string{text, "more examples might have passed where these did not; the profile speed goes straight to all of them"}
}
