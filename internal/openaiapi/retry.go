package openaiapi

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"github.com/tunegate/tunegate/internal/train"
)

// What one exchange may last, from the first byte sent to the last one received: a service that stalls must not hold a
// run for ever.
const (
	requestTime = time.Minute
	answerTime  = 5 * time.Minute // for a model's answer, which is sent when it is whole
)

// uploadTime is what sending a file may last, at 256 KiB a second or more.
func uploadTime(size int64) time.Duration {
	return requestTime + time.Duration(size>>18)*time.Second
}

// errSlow is wrapped by the error of an exchange that lasted too long.
var errSlow = errors.New("the service did not answer in full")

// within calls send with a context that ends after d at the latest.
func within(ctx context.Context, d time.Duration, send func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	err := send(limited)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return fmt.Errorf("%w within %v: %w", errSlow, d, err)
	}
	return err
}

// tries is how often an idempotent request is sent before its error counts; the waits between them add up to about
// a quarter of a minute, or to what the service asks for, up to maxWait each. An exchange that lasted too long has cost the most
// already and is tried only slowTries times.
const (
	tries     = 7
	slowTries = 2
	firstWait = 250 * time.Millisecond
	maxWait   = time.Minute
)

// What the waits between the tries may add up to. Whoever looks for something knows how long that may go on, and has to
// tell a person: a service that wants to be left alone for longer is no reason to be silent here.
const (
	lookWaits = 20 * time.Second
	anyWaits  = tries * 2 * maxWait // no bound but maxWait for each
)

// final is a failure that sending again does not mend, such as one on this side of the wire.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// persist calls send until it succeeds, fails for good, or tries are used up.
func persist(ctx context.Context, send func() error) error {
	return persistent(ctx, tries, anyWaits, send)
}

// lookTries is how often a service to which no connection is made is asked for a resource: whoever wants it knows how long
// that may go on, and has to tell a person.
const lookTries = 4

// persistent is persist with bounds of its own: on the tries that made no connection, of which one that timed out is not
// repeated, and on all waits together. A wait beyond them, or beyond the end of ctx, is not begun: the error is
// returned at once.
func persistent(ctx context.Context, unreached int, waits time.Duration, send func() error) error {
	wait, slow := firstWait, 0
	for try := 1; ; try++ {
		err := send()
		if err == nil || ctx.Err() != nil {
			return err
		}
		if errors.Is(err, errSlow) {
			slow++
		}
		var e *Error
		if errors.As(err, &e) && !e.temporary() || errors.As(err, new(final)) || try == tries || slow == slowTries {
			return err
		}
		if unreached < tries && train.Unreached(err) && (try >= unreached || timedOut(err)) {
			return err
		}
		pause := wait/2 + rand.N(wait/2+1)
		if e != nil && e.RetryAfter > 0 {
			pause = min(e.RetryAfter, maxWait) + rand.N(wait/2+1)
		}
		if waits -= pause; waits < 0 {
			return err
		}
		if end, ok := ctx.Deadline(); ok && time.Until(end) <= pause {
			return err
		}
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
			return err
		case <-t.C:
		}
		wait = min(2*wait, maxWait)
	}
}

func timedOut(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}
