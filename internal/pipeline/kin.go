package pipeline

import (
	"errors"
	"path/filepath"
	"slices"
	"sync"

	"github.com/tunegate/tunegate/internal/journal"
	"github.com/tunegate/tunegate/internal/train"
)

// kin is what legs of one run share whose fine-tunes have the same run key: two with equal data are one fine-tune. Their
// journals are separate files, and the provider's list may lag, so they tell each other.
type kin struct {
	creating chan struct{} // full while a leg creates a job, until it has seen it

	mu     sync.Mutex
	past   []told // from before this run
	told   []told
	booked int // attempts whose cost is in the ledger, or set aside there
}

type told struct {
	leg   string
	event train.Event
}

// errElsewhere ends a launch when another leg has just created the job: it is looked for again.
var errElsewhere = errors.New("another leg launches it")

func (r *run) kin(key string) *kin {
	k, _ := r.kins.LoadOrStore(key, &kin{creating: make(chan struct{}, 1)})
	return k.(*kin)
}

// tell is called for every event that a leg records.
func (k *kin) tell(leg string, e train.Event) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.told = append(k.told, told{leg, e})
}

// news returns what other legs have recorded in this run after the first n events, and how many there are now.
func (k *kin) news(leg string, n int) ([]train.Event, int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return others(leg, k.told[n:]), len(k.told)
}

// before returns what other legs had recorded before this run.
func (k *kin) before(leg string) []train.Event {
	k.mu.Lock()
	defer k.mu.Unlock()
	return others(leg, k.past)
}

func others(leg string, all []told) (events []train.Event) {
	for _, t := range all {
		if t.leg != leg {
			events = append(events, t.event)
		}
	}
	return events
}

// book takes note that the attempts up to one are paid for, and returns how many of them were not known to be.
func (k *kin) book(attempt int) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := max(attempt-k.booked, 0)
	k.booked += n
	return n
}

// acquaint reads the journals of the legs, without holding them, where several have the same run key, and takes the places
// of jobs that are under way: they count before another leg is launched.
func (r *run) acquaint(legs []*leg, live func(l *leg, p phase, past []train.Event) bool) {
	r.each(len(legs), func(i int) {
		l := legs[i]
		if l.out.Verdict != "" {
			return
		}
		events, _ := r.remembered(l) // one that cannot be read is an error when the leg opens it
		for _, p := range l.phases {
			key := l.launch(p, r.places.byName[l.agent.Provider]).Spec.Key()
			k := r.kin(string(key))
			k.mu.Lock()
			for _, e := range events {
				if e.Key == key {
					k.past = append(k.past, told{l.out.ID, e})
				}
			}
			k.mu.Unlock()
			if at := r.seats[l.queue()]; at != nil && live(l, p, events) {
				l.seat(p, at).keep()
			}
		}
	})
}

// remembered is what a leg's journal says, also while another run holds it.
func (r *run) remembered(l *leg) ([]train.Event, error) {
	records, err := journal.Read(filepath.Join(r.State, "legs", l.out.ID+".journal"))
	if err != nil {
		return nil, err
	}
	return past(records, l.out.ID)
}

// merge adds to a leg's journal what other legs have recorded of the same fine-tune.
func merge(book *journal.Journal, events []train.Event) error {
	for _, e := range events {
		if slices.Contains([]train.Kind{train.Intent, train.Launched, train.Adopted, train.Refusal, train.Unseen}, e.Kind) {
			if err := book.Append(e); err != nil {
				return err
			}
		}
	}
	return nil
}
