// Package openaiapi speaks the OpenAI wire contract over HTTP to any service that serves it: it is a
// train.Provider (files and fine-tuning jobs, by a small client of our own, since go-openai cannot list jobs and drops
// metadata, errors and event ids) and a bench.Completer (chat, by go-openai). What it promises and what services
// do differently is in the reference of each method; policy (when to launch, what to reuse) is not here.
package openaiapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	openai "github.com/sashabaranov/go-openai"
)

// Config says which service to talk to.
type Config struct {
	BaseURL string // with the version, such as https://api.example.com/v1
	Key     string // bearer token; "" sends none
	Agent   string // User-Agent
	// Transport is used for all requests; nil means a transport of the client's own, with time-outs, that honours
	// the proxy variables.
	Transport http.RoundTripper
}

// Client is safe for concurrent use.
type Client struct {
	base *url.URL
	conf Config
	http *http.Client
	chat *openai.Client
}

// New returns a client. The base URL must be https, or http to a loopback address.
func New(c Config) (*Client, error) {
	base, err := url.Parse(strings.TrimSuffix(c.BaseURL, "/"))
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		return nil, fmt.Errorf("the base URL %q is no http or https address", c.BaseURL)
	}
	if c.Transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConnsPerHost = 64
		t.ResponseHeaderTimeout = 2 * time.Minute
		c.Transport = t
	}
	cl := &Client{base: base, conf: c}
	cl.http = &http.Client{
		Transport: c.Transport,
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			// A redirect must not carry the key, or the data, to another host.
			if r.URL.Host != base.Host || r.URL.Scheme != base.Scheme || len(via) > 5 {
				return fmt.Errorf("refused a redirect to %s", r.URL.Host)
			}
			return nil
		},
	}
	cc := openai.DefaultConfig(c.Key)
	cc.BaseURL = base.String()
	cc.HTTPClient = chatDoer{cl}
	cl.chat = openai.NewClientWithConfig(cc)
	return cl, nil
}

// Error is a refusal by the service.
type Error struct {
	Status     int // HTTP status
	Type, Code string
	Param      string
	Message    string
	RequestID  string
	RetryAfter time.Duration
}

func (e *Error) Error() string {
	s := fmt.Sprintf("the service answered %d", e.Status)
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.Code != "" {
		s += " (" + e.Code + ")"
	}
	return s
}

// temporary reports whether the same request may succeed later. Being out of money or over a daily limit comes as
// 429 too, and does not pass in minutes.
func (e *Error) temporary() bool {
	switch e.Code {
	case "insufficient_quota", "daily_rate_limit_exceeded", "billing_hard_limit_reached":
		return false
	}
	return e.Status == http.StatusTooManyRequests || e.Status == http.StatusRequestTimeout || e.Status >= 500
}

// readError makes an Error of a reply. The body may be anything: its text is cut short and holds no key, since keys
// are only sent.
func readError(r *http.Response) *Error {
	e := &Error{Status: r.StatusCode, RequestID: r.Header.Get("X-Request-Id"), RetryAfter: retryAfter(r.Header)}
	body, _ := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	var reply struct {
		Error struct {
			Message json.RawMessage `json:"message"`
			Type    string          `json:"type"`
			Code    any             `json:"code"`
			Param   any             `json:"param"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &reply) == nil && len(reply.Error.Message) > 0 {
		e.Type = reply.Error.Type
		if reply.Error.Code != nil {
			e.Code = fmt.Sprint(reply.Error.Code)
		}
		if reply.Error.Param != nil {
			e.Param = fmt.Sprint(reply.Error.Param)
		}
		if json.Unmarshal(reply.Error.Message, &e.Message) != nil {
			e.Message = string(reply.Error.Message)
		}
	} else {
		e.Message = strings.Join(strings.Fields(string(body)), " ")
	}
	if len(e.Message) > 500 {
		e.Message = strings.ToValidUTF8(e.Message[:500], "") + "…"
	}
	return e
}

func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if s, err := strconv.ParseFloat(text, 64); err == nil && s >= 0 && s < 1e6 {
		return time.Duration(s * float64(time.Second))
	}
	if t, err := http.ParseTime(text); err == nil {
		return max(time.Until(t), 0)
	}
	return 0
}

// tries is how often an idempotent request is sent before its error counts; the waits between them add up to about
// half a minute, or to what the service asks for, up to maxWait each.
const (
	tries     = 7
	firstWait = 250 * time.Millisecond
	maxWait   = time.Minute
)

// local is a failure on this side of the wire, which sending again does not mend.
type local struct{ error }

func (l local) Unwrap() error { return l.error }

// persist calls send until it succeeds, fails for good, or tries are used up.
func persist(ctx context.Context, send func() error) error {
	wait := firstWait
	for try := 1; ; try++ {
		err := send()
		if err == nil || ctx.Err() != nil {
			return err
		}
		var e *Error
		if errors.As(err, &e) && !e.temporary() || errors.As(err, new(local)) || try == tries {
			return err
		}
		pause := wait/2 + rand.N(wait/2+1)
		if e != nil && e.RetryAfter > 0 {
			pause = min(e.RetryAfter, maxWait) + rand.N(wait/2+1)
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

// get fetches and decodes a resource, with retries.
func (c *Client) get(ctx context.Context, path string, query url.Values, into any) error {
	return persist(ctx, func() error { return c.send(ctx, http.MethodGet, path, query, nil, into) })
}

// maxReply bounds the body of a reply.
const maxReply = 64 << 20

// send sends one request, once, with body as JSON unless it is nil, and decodes the reply.
func (c *Client) send(ctx context.Context, method, path string, query url.Values, body, into any) error {
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encoding the request: %w", err)
		}
		// Hidden behind a plain reader, the body cannot be replayed: the transport then never sends a create
		// twice, not even on a connection that turns out to be dead.
		r = io.MultiReader(bytes.NewReader(b))
	}
	q, err := c.request(ctx, method, path, query, r)
	if err != nil {
		return err
	}
	if body != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	return c.do(q, into)
}

func (c *Client) request(ctx context.Context, method, path string, query url.Values, body io.Reader) (*http.Request, error) {
	u := *c.base
	u.Path += path
	u.RawQuery = query.Encode()
	q, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, err
	}
	c.sign(q)
	return q, nil
}

func (c *Client) sign(q *http.Request) {
	if c.conf.Key != "" {
		q.Header.Set("Authorization", "Bearer "+c.conf.Key)
	}
	if c.conf.Agent != "" {
		q.Header.Set("User-Agent", c.conf.Agent)
	}
	q.Header.Set("Accept", "application/json")
}

func (c *Client) do(q *http.Request, into any) error {
	r, err := c.http.Do(q)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if r.StatusCode/100 != 2 {
		return readError(r)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxReply+1))
	if err != nil {
		return fmt.Errorf("reading the reply to %s %s: %w", q.Method, q.URL.Path, err)
	}
	if len(body) > maxReply {
		return fmt.Errorf("the reply to %s %s is longer than %d bytes", q.Method, q.URL.Path, maxReply)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("the reply to %s %s is not what the contract says: %w", q.Method, q.URL.Path, err)
	}
	return nil
}
