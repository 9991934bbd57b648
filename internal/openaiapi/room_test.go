package openaiapi_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/tunegate/tunegate/internal/train"
)

// What a service says when it has no room now is told from what it says when it never will.
func TestNoRoomForAJob(t *testing.T) {
	for _, c := range []struct {
		status int
		code   string
		text   string
		busy   bool
	}{
		{429, "rate_limit_exceeded", "Too many requests.", true},
		{429, "daily_rate_limit_exceeded", "Your organization has reached the maximum of 8 fine-tuning requests per day for the model.", true},
		{400, "", "The maximum number of active jobs has been reached.", true},
		{403, "limit", "Too many concurrent fine-tuning jobs.", true},
		{429, "insufficient_quota", "You exceeded your current quota.", false},
		{400, "invalid_value", "n_epochs is beyond the limit of 50.", false},
		{403, "forbidden", "This organisation may not tune.", false},
		{404, "not_found", "No such File object.", false},
	} {
		cl := client(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(c.status)
			fmt.Fprintf(w, `{"error":{"message":%q,"type":"invalid_request_error","code":%q,"param":null}}`, c.text, c.code)
		}))
		_, err := cl.Start(t.Context(), train.Spec{Method: "supervised"}, "f", "")
		var busy *train.Busy
		if got := errors.As(err, &busy); got != c.busy || !errors.Is(err, train.ErrRefused) || got && busy.After != 30*time.Second {
			t.Errorf("%d %s: busy %t, %v", c.status, c.text, got, err)
		}
	}
}
