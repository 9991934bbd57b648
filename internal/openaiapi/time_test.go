package openaiapi_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tunegate/tunegate/internal/localtune/wiretest"
	"github.com/tunegate/tunegate/internal/openaiapi"
	"github.com/tunegate/tunegate/internal/train"
)

// stall is a service that sends its headers, and then nothing more. It lists no files, so that one is sent.
type stall struct{ sent []string }

func (s *stall) RoundTrip(r *http.Request) (*http.Response, error) {
	s.sent = append(s.sent, r.Method)
	reply := &http.Response{StatusCode: 200, Header: http.Header{}, Request: r, Body: io.NopCloser(body{r.Context()})}
	if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/files") {
		reply.Body = io.NopCloser(strings.NewReader(`{"data":[]}`))
	}
	return reply, nil
}

type body struct{ ctx context.Context }

func (b body) Read([]byte) (int, error) {
	<-b.ctx.Done()
	return 0, b.ctx.Err()
}

func stalled(t *testing.T) (*openaiapi.Client, *stall) {
	s := &stall{}
	c, err := openaiapi.New(openaiapi.Config{BaseURL: "http://localhost/v1", Transport: wiretest.CheckSent(t, s)})
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

func upload(ctx context.Context, c *openaiapi.Client) error {
	const size = 256<<20 + 1
	_, err := c.Upload(ctx, train.File{Name: "f", Size: size, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(make([]byte, 10))), nil
	}})
	return err
}

func cancelJob(ctx context.Context, c *openaiapi.Client) error { return c.Cancel(ctx, "j") }

// A service that goes silent in the middle of a reply ends each exchange in its time.
func TestStalledReplies(t *testing.T) {
	for _, c := range []struct {
		name string
		call func(context.Context, *openaiapi.Client) error
		sent string
		last time.Duration
	}{
		{"poll", calls["poll"], "GET GET", 2 * time.Minute},
		{"find", calls["find"], "GET GET", 2 * time.Minute},
		{"metrics", calls["metrics"], "GET", time.Minute},
		{"chat", calls["chat"], "POST POST", 10 * time.Minute},
		{"create", calls["create"], "POST", time.Minute},
		{"cancel", cancelJob, "POST GET GET", 3 * time.Minute},
		{"upload", upload, "GET POST GET POST", 2 * (time.Minute + 1024*time.Second)},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cl, s := stalled(t)
				began := time.Now()
				err := c.call(t.Context(), cl)
				took := time.Since(began)
				if err == nil || errors.Is(err, train.ErrRefused) || !strings.Contains(err.Error(), "did not answer in full within") {
					t.Errorf("error %v", err)
				}
				// Between two tries there is a wait of a second at most.
				if got := strings.Join(s.sent, " "); got != c.sent || took < c.last || took > c.last+time.Second {
					t.Errorf("sent %s in %v; want %s in %v", got, took, c.sent, c.last)
				}
			})
		})
	}
}

// The caller's own end comes first, and nothing is sent after it.
func TestTheCallerEndsAStalledCall(t *testing.T) {
	all := map[string]func(context.Context, *openaiapi.Client) error{"upload": upload, "cancel": cancelJob}
	for name, call := range calls {
		all[name] = call
	}
	for name, call := range all {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for _, want := range []error{context.Canceled, context.DeadlineExceeded} {
					ctx, stop := context.WithTimeout(t.Context(), 2*time.Second)
					defer stop()
					if want == context.Canceled {
						time.AfterFunc(2*time.Second-1, stop)
					}
					cl, _ := stalled(t)
					began := time.Now()
					err := call(ctx, cl)
					if took := time.Since(began); !errors.Is(err, want) || took > 2*time.Second || strings.Contains(err.Error(), "in full") {
						t.Errorf("%v after %v, want %v after 2 s", err, took, want)
					}
				}
			})
		})
	}
}
