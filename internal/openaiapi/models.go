package openaiapi

import (
	"context"
	"net/url"
	"time"
)

// Retires returns the day on which the service says that it will shut a model down, and its fine-tunes with it; the zero
// time when it says nothing. It asks once.
func (c *Client) Retires(ctx context.Context, model string) (time.Time, error) {
	var m struct {
		Shutdown *string `json:"shutdown_date"`
	}
	if err := c.once(ctx, "/models/"+url.PathEscape(model), nil, &m); err != nil || m.Shutdown == nil {
		return time.Time{}, err
	}
	return time.Parse(time.DateOnly, *m.Shutdown)
}
