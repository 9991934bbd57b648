package pipeline

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/tunegate/tunegate/internal/bench"
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

// notServed says that the model never answered, "" when it did.
func (f *fresh) notServed(model string) string {
	if !f.absent.Load() || f.served.Load() {
		return ""
	}
	return fmt.Sprintf("trained, but the service does not serve %s yet, %v after it was asked first", model, readyTime)
}
