package pipeline

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/tunegate/tunegate/internal/bench"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/openaiapi"
)

// readyTime is how long a service may take from the end of a training until it serves the model; some take minutes.
const readyTime = 10 * time.Minute

// fresh asks a model that was just trained: as long as the service does not know it yet, it is asked again.
type fresh struct {
	bench.Completer
	until  time.Time
	served atomic.Bool // it has answered
	absent atomic.Bool // it had not when the time was over
}

// Complete implements bench.Completer.
func (f *fresh) Complete(ctx context.Context, q bench.Request) (bench.Response, error) {
	for wait := time.Second; ; wait = min(2*wait, 20*time.Second) {
		answer, err := f.Completer.Complete(ctx, q)
		var e *openaiapi.Error
		if err == nil || f.served.Load() || !errors.As(err, &e) || e.Status != http.StatusNotFound {
			f.served.Store(f.served.Load() || err == nil)
			return answer, err
		}
		if left := time.Until(f.until); left <= 0 {
			f.absent.Store(true)
			return answer, err
		} else if wait > left {
			wait = left
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return answer, err
		case <-t.C:
		}
	}
}

// goneAfter is how long after the end of a job no service takes any more to serve its model.
const goneAfter = 24 * time.Hour

// notServed says that the model of a job never answered; the verdict is empty when it did. A job that has long been done
// has lost its model; what the service's clock may be wrong by is much less.
func (f *fresh) notServed(l *leg, model string, done time.Time) standing {
	if !f.absent.Load() || f.served.Load() {
		return standing{}
	}
	if !done.IsZero() && time.Since(done) > goneAfter {
		return standing{gate.Error, fmt.Sprintf("the service does not serve %s any more, whose job ended on %s: it may have been deleted there", model, done.UTC().Format(time.DateOnly)), []string{
			fmt.Sprintf("ask the service for the model; another seed for the agent %s in the manifest trains it anew, which is paid again", l.agent.Name)}}
	}
	return standing{gate.Pending, fmt.Sprintf("trained, but the service does not serve %s yet, %v after it was asked first", model, readyTime), nil}
}
