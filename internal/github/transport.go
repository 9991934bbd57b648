package github

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// timeout bounds one request with the whole of its reply.
	timeout = 30 * time.Second
	// replyLimit bounds a reply of the API; the largest, a page of 100 files with their patches, stays below 10 MB.
	replyLimit = 32 << 20
	// attempts bounds how often one request is sent.
	attempts = 4
	// GitHub takes 80 creations a minute, and asks for a second between them. Those of a short run need not wait.
	burst       = 10
	burstPeriod = 10 * time.Second
	// secondaryPause is the least that GitHub wants after a secondary limit without a Retry-After.
	secondaryPause = time.Minute
)

// errLost marks a request that may or may not have been carried out.
var errLost = errors.New("the reply was lost")

// transport sends the requests of go-github: to the API's host alone, with the token, again where that is safe, and as
// slowly as GitHub asks for. It hides the rate limits from go-github, which would refuse requests instead of waiting.
type transport struct {
	next     http.RoundTripper
	base     *url.URL
	token    string
	patience time.Duration

	mu     sync.Mutex
	sent   int
	resume time.Time   // no request before
	writes []time.Time // when the last creations were sent, burst at most
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != t.base.Scheme || req.URL.Host != t.base.Host {
		return nil, errors.New("the address is not that of the API")
	}
	var body []byte
	if req.Body != nil {
		b, err := io.ReadAll(req.Body)
		req.Body.Close()
		if err != nil {
			return nil, err
		}
		body = b
	}
	ctx, began := req.Context(), time.Now()
	repeatable := req.Method != http.MethodPost
	for n := 1; ; n++ {
		if err := t.turn(ctx, req.Method, began); err != nil {
			return nil, err
		}
		reply, err := t.once(req, body)
		switch {
		case err != nil && errors.Is(err, ErrTooLarge):
			return nil, err
		case err != nil && ctx.Err() != nil:
			if !repeatable {
				return nil, fmt.Errorf("%w: %w", errLost, ctx.Err())
			}
			return nil, ctx.Err()
		case err != nil && unsent(err):
		case err != nil && !repeatable:
			return nil, fmt.Errorf("%w: %w", errLost, err)
		case err != nil:
		case t.limited(reply):
			if n < attempts {
				continue // turn waits
			}
			return nil, fmt.Errorf("%w by GitHub, again and again", ErrRateLimited)
		case reply.StatusCode >= 500 && repeatable:
		default:
			return reply, nil
		}
		if n == attempts {
			return reply, err
		}
		if err := pause(ctx, time.Second<<(n-1)); err != nil {
			return nil, err
		}
	}
}

// redirect lets only the API itself send a request elsewhere, unchanged.
func (t *transport) redirect(req *http.Request, via []*http.Request) error {
	switch {
	case req.URL.Scheme != t.base.Scheme || req.URL.Host != t.base.Host:
		return errors.New("a redirect to another host is not followed")
	case req.Method != via[0].Method:
		return errors.New("a redirect that drops what was sent is not followed")
	case len(via) > 5:
		return errors.New("too many redirects")
	}
	return nil
}

// turn waits until a request may be sent, no longer than patience from began on.
func (t *transport) turn(ctx context.Context, method string, began time.Time) error {
	for {
		t.mu.Lock()
		now := time.Now()
		until := t.resume
		if method != http.MethodGet && len(t.writes) == burst {
			if free := t.writes[0].Add(burstPeriod); free.After(until) {
				until = free
			}
		}
		if !until.After(now) {
			t.sent++
			if method != http.MethodGet {
				t.writes = append(t.writes, now)
				t.writes = t.writes[max(0, len(t.writes)-burst):]
			}
			t.mu.Unlock()
			return nil
		}
		t.mu.Unlock()
		if until.Sub(began) > t.patience {
			return fmt.Errorf("%w by GitHub for another %s, longer than is waited for", ErrRateLimited, until.Sub(now).Round(time.Second))
		}
		if err := pause(ctx, until.Sub(now)); err != nil {
			return err
		}
	}
}

// once sends a request and reads the whole reply.
func (t *transport) once(req *http.Request, body []byte) (*http.Response, error) {
	ctx, cancel := context.WithTimeoutCause(req.Context(), timeout, fmt.Errorf("no reply within %s", timeout))
	defer cancel()
	r := req.Clone(ctx)
	if body != nil {
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	if t.token != "" {
		r.Header.Set("Authorization", "Bearer "+t.token)
	}
	reply, err := t.next.RoundTrip(r)
	if err == nil {
		var text []byte
		text, err = io.ReadAll(io.LimitReader(reply.Body, replyLimit+1))
		reply.Body.Close()
		if len(text) > replyLimit {
			return nil, fmt.Errorf("the reply is %w: more than %d MiB", ErrTooLarge, replyLimit>>20)
		}
		reply.Body = io.NopCloser(bytes.NewReader(text))
	}
	if err != nil && ctx.Err() != nil && req.Context().Err() == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, err
	}
	return reply, nil
}

// limited notes what a reply says of rate limits, takes it out, and reports whether the request was refused for one.
func (t *transport) limited(reply *http.Response) bool {
	h := reply.Header
	now := time.Now()
	var wait time.Duration
	if h.Get("X-RateLimit-Remaining") == "0" {
		if reset, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64); err == nil {
			server, err := http.ParseTime(h.Get("Date")) // the clock that the reset goes by
			if err != nil {
				server = now
			}
			wait = max(0, time.Unix(reset, 0).Sub(server)) + time.Second
		}
	}
	refused := false
	if reply.StatusCode == http.StatusForbidden || reply.StatusCode == http.StatusTooManyRequests {
		after, err := strconv.Atoi(h.Get("Retry-After"))
		switch {
		case err == nil && after >= 0:
			wait, refused = max(time.Duration(min(after, 1<<30))*time.Second, time.Second), true
		case wait > 0:
			refused = true
		case reply.StatusCode == http.StatusTooManyRequests || secondary(reply):
			wait, refused = secondaryPause, true
		}
	}
	for k := range h {
		if strings.HasPrefix(k, "X-Ratelimit-") {
			delete(h, k)
		}
	}
	if wait > 0 {
		t.mu.Lock()
		if until := now.Add(wait); until.After(t.resume) {
			t.resume = until
		}
		t.mu.Unlock()
	}
	return refused
}

// secondary reports a refusal for a secondary limit, which 403 alone does not tell; the body stays to be read.
func secondary(reply *http.Response) bool {
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		return false
	}
	reply.Body = io.NopCloser(bytes.NewReader(text))
	var said struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(text, &said) != nil {
		return false
	}
	m := strings.ToLower(said.Message)
	return strings.Contains(m, "secondary rate limit") || strings.Contains(m, "abuse detection")
}

// unsent reports an error that came up before anything was sent.
func unsent(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	return errors.As(err, &dns) || errors.As(err, &op) && op.Op == "dial"
}

// pause waits for d.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
