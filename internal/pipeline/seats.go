package pipeline

import (
	"context"
	"sync"
	"time"

	"github.com/tunegate/tunegate/internal/manifest"
)

// queue is what legs stand in for a seat: services limit the jobs of a base model, each on its own.
type queue struct{ provider, baseModel string }

func (l *leg) queue() queue { return queue{l.agent.Provider, l.agent.BaseModel} }

// seats are the jobs of one queue that may be under way at a time, by max_parallel.
type seats struct {
	limit int
	mu    sync.Mutex
	taken int // by jobs that were there already it may be more than the limit
	freed chan struct{}
}

// seatsOf returns those of each queue that has a limit.
func seatsOf(m *manifest.Manifest) map[queue]*seats {
	all := map[queue]*seats{}
	for _, a := range m.Agents {
		if limit := m.Providers[a.Provider].MaxParallel; limit > 0 {
			all[queue{a.Provider, a.BaseModel}] = &seats{limit: limit, freed: make(chan struct{})}
		}
	}
	return all
}

// seat is one phase's among those of a queue. Without a limit there is always one.
type seat struct {
	of   *seats // nil: no limit
	held bool
}

// seat returns the phase's own, which stays the same.
func (l *leg) seat(p phase, of *seats) *seat {
	if l.seats == nil {
		l.seats = map[string]*seat{}
	}
	if l.seats[p.name] == nil {
		l.seats[p.name] = &seat{of: of}
	}
	return l.seats[p.name]
}

// take takes a seat if there is one.
func (s *seat) take() bool {
	if s.of == nil || s.held {
		return true
	}
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	if s.held = s.of.taken < s.of.limit; s.held {
		s.of.taken++
	}
	return s.held
}

// keep counts a job that is under way, whatever the limit.
func (s *seat) keep() {
	if s.of == nil || s.held {
		return
	}
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	s.held = true
	s.of.taken++
}

// wait takes a seat as soon as there is one, before until; the zero time waits for as long as it takes.
func (s *seat) wait(ctx context.Context, until time.Time) error {
	var over <-chan time.Time
	if !until.IsZero() {
		t := time.NewTimer(time.Until(until))
		defer t.Stop()
		over = t.C
	}
	for {
		s.of.mu.Lock()
		freed := s.of.freed
		s.of.mu.Unlock()
		if s.take() {
			return nil
		}
		select {
		case <-freed:
		case <-over:
			return errNoPlace
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *seat) leave() {
	if !s.held {
		return
	}
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	s.held = false
	s.of.taken--
	close(s.of.freed)
	s.of.freed = make(chan struct{})
}
