// Package openaiapi speaks the OpenAI wire contract over HTTP to any service that serves it: it is a
// train.Provider (files and fine-tuning jobs, by a small client of our own, since go-openai cannot list jobs and drops
// metadata, errors and event ids) and a bench.Completer (chat, by go-openai). What it promises and what services
// do differently is in the reference of each method; policy (when to launch, what to reuse) is not here.
package openaiapi

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	openai "github.com/sashabaranov/go-openai"
)

// Config says which service to talk to.
type Config struct {
	BaseURL string // with the version, such as https://api.example.com/v1
	Key     string // bearer token; "" sends none
	Agent   string // User-Agent
	// Transport is used for all requests; nil means a transport of the client's own that honours the proxy variables.
	Transport http.RoundTripper
}

// Client is safe for concurrent use.
type Client struct {
	base         *url.URL
	conf         Config
	service      service // what this one does differently
	single, part int64   // bytes of the largest file that one request takes, and of a part of a larger one
	http         *http.Client
	chat         *openai.Client
}

// New returns a client. The base URL must be https, or http to a loopback address, and not one of a service that is known
// to have another contract for fine-tunes.
func New(c Config) (*Client, error) {
	base, err := url.Parse(strings.TrimSuffix(c.BaseURL, "/"))
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		return nil, fmt.Errorf("the base URL %q is no http or https address", c.BaseURL)
	}
	if base.Scheme == "http" && !loopback(base.Hostname()) {
		return nil, fmt.Errorf("the base URL %q must be https: over http anyone on the way could read the key", base.Redacted())
	}
	service := serviceOf(base.Hostname())
	if service.foreign != "" {
		return nil, fmt.Errorf("%s (%s) has a contract of its own for fine-tunes (%s), which is not spoken here", service.name, base.Hostname(), service.foreign)
	}
	if c.Transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConnsPerHost = 64
		c.Transport = t
	}
	cl := &Client{base: base, conf: c, service: service, single: service.largest(), part: partSize}
	cl.http = &http.Client{
		Transport: c.Transport,
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			// A redirect must not carry the key, or the data, to another host.
			if r.URL.Host != base.Host || r.URL.Scheme != base.Scheme || len(via) > 5 {
				return final{fmt.Errorf("refused a redirect to %q", r.URL.Host)}
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

// loopback reports whether the host is this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// What the body of a reply may be at most, once it is decompressed.
const (
	maxReply  = 64 << 20
	maxAnswer = 16 << 20 // of a model
)

// get fetches and decodes a resource, with retries.
func (c *Client) get(ctx context.Context, path string, query url.Values, into any) error {
	return persistent(ctx, lookTries, lookWaits, func() error { return c.once(ctx, path, query, into) })
}

// outlast is get for who can do nothing else meanwhile: it waits as long as the service asks.
func (c *Client) outlast(ctx context.Context, path string, query url.Values, into any) error {
	return persistent(ctx, lookTries, anyWaits, func() error { return c.once(ctx, path, query, into) })
}

// send sends one request, once, with body as JSON unless it is nil, and decodes the reply unless into is nil.
func (c *Client) send(ctx context.Context, method, path string, query url.Values, body, into any) error {
	var r io.Reader
	var length int64
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encoding the request: %w", err)
		}
		// Hidden behind a plain reader, the body cannot be replayed: the transport then never sends a create
		// twice, not even on a connection that turns out to be dead.
		r, length = io.MultiReader(bytes.NewReader(b)), int64(len(b))
	}
	return within(ctx, requestTime, func(ctx context.Context) error {
		q, err := c.request(ctx, method, path, query, r)
		if err != nil {
			return err
		}
		if body != nil {
			// Said, since a plain reader does not show it and some services refuse a request without a length.
			q.ContentLength = length
			q.Header.Set("Content-Type", "application/json")
		}
		return c.do(q, into)
	})
}

// request makes a request; what the path is put together of is escaped.
func (c *Client) request(ctx context.Context, method, path string, query url.Values, body io.Reader) (*http.Request, error) {
	u := *c.base
	u.RawPath = c.base.EscapedPath() + path
	var err error
	if u.Path, err = url.PathUnescape(u.RawPath); err != nil {
		return nil, err
	}
	u.RawQuery = query.Encode()
	q, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, err
	}
	c.sign(q)
	return q, nil
}

func (c *Client) sign(q *http.Request) {
	switch header := c.service.keyHeader; {
	case c.conf.Key == "":
	case header != "":
		q.Header.Del("Authorization") // which the chat library sets
		q.Header.Set(header, c.conf.Key)
	default:
		q.Header.Set("Authorization", "Bearer "+c.conf.Key)
	}
	if c.conf.Agent != "" {
		q.Header.Set("User-Agent", c.conf.Agent)
	}
	q.Header.Set("Accept", "application/json")
}

// exchange sends a request and returns a reply of success, whose body is the caller's to close; any other is an *Error. Neither
// has the key in it.
func (c *Client) exchange(q *http.Request) (*http.Response, error) {
	r, err := c.http.Do(q)
	if err != nil {
		err = c.veilError(err)
	}
	if errors.As(err, new(*tls.CertificateVerificationError)) {
		return nil, final{fmt.Errorf("%w; the variable SSL_CERT_FILE names the certificate of a company's own authority", err)}
	}
	if err != nil {
		return nil, err
	}
	r.Body = c.veilBody(r.Body)
	if r.StatusCode/100 != 2 {
		defer r.Body.Close()
		return nil, readError(r, c.veil)
	}
	return r, nil
}

func (c *Client) do(q *http.Request, into any) error {
	r, err := c.exchange(q)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(io.LimitReader(r.Body, maxReply+1))
	if err != nil {
		return fmt.Errorf("reading the reply to %s %s: %w", q.Method, q.URL.Path, err)
	}
	if len(body) > maxReply {
		return fmt.Errorf("the reply to %s %s is longer than %d bytes", q.Method, q.URL.Path, maxReply)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("the reply to %s %s is not what the contract says: %w", q.Method, q.URL.Path, err)
	}
	return nil
}
