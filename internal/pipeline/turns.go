package pipeline

import (
	"context"
	"sync"
)

// turns is the order in which legs commit money: in the manifest's order, and where the budget is too small for
// everything a phase of all legs before the next one of any. So it pays for the same fine-tunes in every run, whichever
// goroutine comes first.
type turns struct {
	tight bool // the budget does not pay for everything, so later phases take turns too
	queue bool // legs run one after the other: none waits for a phase of a later one

	mu      sync.Mutex
	passed  [][]bool // by phase, by leg
	changed chan struct{}
}

func newTurns(phases, legs int, tight, sequential bool) *turns {
	t := &turns{tight: tight, queue: sequential, passed: make([][]bool, phases), changed: make(chan struct{})}
	for i := range t.passed {
		t.passed[i] = make([]bool, legs)
	}
	return t
}

// turn is one leg's place among the others.
type turn struct {
	of  *turns
	leg int
}

// wait returns when it is the leg's turn to commit money to a phase, or ctx ends.
func (t turn) wait(ctx context.Context, phase int) {
	for {
		ready, changed := t.ready(phase)
		if ready {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

func (t turn) ready(phase int) (bool, <-chan struct{}) {
	o := t.of
	o.mu.Lock()
	defer o.mu.Unlock()
	if phase > 0 && !o.tight {
		return true, nil
	}
	ready := all(o.passed[phase][:t.leg])
	if phase > 0 && !o.queue {
		ready = ready && all(o.passed[phase-1])
	}
	return ready, o.changed
}

func all(passed []bool) bool {
	for _, p := range passed {
		if !p {
			return false
		}
	}
	return true
}

// pass lets others go on with a phase; it may be called more than once.
func (t turn) pass(phase int) {
	t.of.mu.Lock()
	defer t.of.mu.Unlock()
	if !t.of.passed[phase][t.leg] {
		t.of.passed[phase][t.leg] = true
		close(t.of.changed)
		t.of.changed = make(chan struct{})
	}
}

// leave passes all phases: the leg has ended.
func (t turn) leave() {
	for phase := range t.of.passed {
		t.pass(phase)
	}
}
