package train

import (
	"errors"
	"net"
	"sync"
	"time"
)

// How long errors in a row are outlasted; a job is not touched by them. A service to which no connection was ever made is
// more likely a wrong address than a passing fault.
const (
	patience      = 5 * time.Minute
	firstPatience = 30 * time.Second
)

// longestRest is the longest wait between two tries at a service that fails.
const longestRest = 30 * time.Second

// Reach is what is known of whether a provider answers. Launches at one provider share one: what the first of them has
// waited for, the others need not wait for again. The zero value knows nothing yet; it is safe for concurrent use.
type Reach struct {
	mu      sync.Mutex
	reached bool      // a connection was made, at any time
	since   time.Time // of the first failure after the last answer; zero: it answers
	last    time.Time // failure
	told    time.Time // until then a failure is no news
	gave    *Silence  // what whoever gave it up first ended with, until it answers
}

// Silence is the error of a provider that was given up, and what Launch.Waiting is told of one that may be soon.
type Silence struct {
	For time.Duration // since the first failure in a row, of any launch that shares the Reach
	Err error         // of the last try
}

// Error returns the text of the last try's error.
func (s *Silence) Error() string { return s.Err.Error() }

// Unwrap returns the last try's error.
func (s *Silence) Unwrap() error { return s.Err }

// Unreached reports whether no connection was made at all: refused, no such host, no way there.
func Unreached(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect")
}

// Down reports whether the last that was heard of the provider was a failure.
func (r *Reach) Down() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.since.IsZero()
}

// given returns the error of a provider that was given up before it was ever reached: it is not asked again. One that
// was there before is, once by everybody who wants something of it.
func (r *Reach) given() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gave != nil && !r.reached {
		return r.gave
	}
	return nil
}

func (r *Reach) answers() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reached, r.since, r.told, r.gave = true, time.Time{}, time.Time{}, nil
}

// fails takes note of a try, begun then, and returns how long it may go on like that.
func (r *Reach) fails(began time.Time, err error) (s *Silence, left time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.since.IsZero() || began.Sub(r.last) > patience { // where nobody asked meanwhile, it may have been back
		r.since, r.gave = began, nil
	}
	r.last = time.Now()
	s = &Silence{r.last.Sub(r.since), err}
	if !Unreached(err) {
		r.reached = true
	}
	if !r.reached {
		return s, firstPatience - s.For
	}
	return s, patience - s.For
}

// giveUp returns the error to end with: one silence is told alike by all.
func (r *Reach) giveUp(s *Silence) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gave == nil {
		r.gave = s
	}
	return r.gave
}

// news reports whether nobody has told of a failure just now; the next one will be told after the wait.
func (r *Reach) news(wait time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if now.Before(r.told) {
		return false
	}
	r.told = now.Add(wait)
	return true
}
