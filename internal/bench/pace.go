package bench

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// Refusal is the error of a Completer whose service does not take the request now: it sends too many. The request was not
// worked on; sent later, it is answered as if it had come then.
type Refusal interface {
	error
	// Refused reports whether this is such an error, and how long the service asks to wait; 0: it does not say.
	Refused() (wait time.Duration, refused bool)
}

// How a Pace keeps on trying.
const (
	firstPause = 500 * time.Millisecond // after a refusal that names no time; doubled with each that follows
	longPause  = time.Minute            // no refusal makes it wait longer, whatever it names
	patience   = 10 * time.Minute       // as long as this without a single answer, refusals are final
	triedAgain = 16                     // as many rounds of answers before the number is tried at which it was refused
	refusals   = 50                     // so many of one request are final while others are answered: it is too large for the limit, say
)

// Pace keeps the requests to one service within what it lets through, which no contract says beforehand: the number under way
// is halved when the service refuses, and grows by one with each round of answers (AIMD, as TCP does: Chiu and Jain 1989).
// A refusal holds back everybody's requests for as long as it asks, and refused requests are sent again. All that ask
// one service share one Pace. The zero Pace knows no limit yet. Safe for concurrent use.
type Pace struct {
	mu       sync.Mutex
	limit    int // requests at once; 0: none was met
	tooMany  int // how many were under way when the service last refused
	underway int
	grown    int           // answers since the limit last moved
	cuts     int           // how often it was halved
	until    time.Time     // nothing is sent before
	pause    time.Duration // after the next refusal that names no time
	dry      time.Time     // of the first refusal since the last answer; zero: none
	free     chan struct{} // closed when there may be room; nil: nobody waits
}

// Over returns a Completer that asks c at this pace.
func (p *Pace) Over(c Completer) Completer { return paced{p, c} }

type paced struct {
	pace *Pace
	of   Completer
}

// Complete implements Completer.
func (p paced) Complete(ctx context.Context, r Request) (Response, error) {
	for refused := 0; ; refused++ {
		cuts, err := p.pace.enter(ctx)
		if err != nil {
			return Response{Refused: refused}, err
		}
		answer, err := p.of.Complete(ctx, r)
		wait, no := refusal(err)
		if no {
			no = p.pace.refuse(cuts, wait)
		} else {
			p.pace.leave(cuts, err == nil)
		}
		if !no || refused == refusals {
			answer.Refused = refused
			return answer, err
		}
	}
}

func refusal(err error) (wait time.Duration, refused bool) {
	var r Refusal
	if err == nil || !errors.As(err, &r) {
		return 0, false
	}
	return r.Refused()
}

// enter waits until a request may be sent. It returns how often the limit was halved before, which the end of the request is
// told with.
func (p *Pace) enter(ctx context.Context) (cuts int, err error) {
	for ctx.Err() == nil {
		p.mu.Lock()
		wait := time.Until(p.until)
		if wait <= 0 && (p.limit == 0 || p.underway < p.limit) {
			defer p.mu.Unlock()
			p.underway++
			return p.cuts, nil
		}
		var over <-chan time.Time
		var free chan struct{}
		if wait > 0 {
			over = time.After(wait)
		} else {
			if p.free == nil {
				p.free = make(chan struct{})
			}
			free = p.free
		}
		p.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-over:
		case <-free:
		}
	}
	return 0, ctx.Err()
}

// leave ends a request that was not refused. Growth takes answers to requests that were sent at the present limit, and
// all of it in use.
func (p *Pace) leave(cuts int, answered bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if answered {
		p.pause, p.dry = 0, time.Time{}
		if p.limit > 0 && cuts == p.cuts && p.underway >= p.limit {
			rounds := 1
			if p.limit+1 == p.tooMany {
				rounds = triedAgain
			}
			if p.grown++; p.grown >= rounds*p.limit {
				p.limit, p.grown = p.limit+1, 0
			}
		}
	}
	p.end()
}

// refuse ends a request that was refused, and reports whether it is to be sent again. Of the requests that were under way together, which are
// all refused for the same reason, one halves the limit.
func (p *Pace) refuse(cuts int, wait time.Duration) (again bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.end()
	now := time.Now()
	if p.dry.IsZero() {
		p.dry = now
	}
	if now.Sub(p.dry) > patience {
		return false // nor is anybody held back: all there is to ask ends with what the service says
	}
	if cuts == p.cuts {
		p.cuts, p.tooMany, p.limit, p.grown = p.cuts+1, p.underway, max(1, p.underway/2), 0
		p.pause = min(max(2*p.pause, firstPause), longPause)
	}
	if wait <= 0 {
		wait = p.pause
	}
	// A little later than asked: others, on other machines, wait for the same moment.
	wait = min(wait, longPause)
	if until := now.Add(wait + rand.N(wait/8+1)); until.After(p.until) {
		p.until = until
	}
	return true
}

func (p *Pace) end() {
	p.underway--
	if p.free != nil {
		close(p.free)
		p.free = nil
	}
}
