package openaiapi_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
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

// scripted answers requests in memory, so that time may be a test's own.
type scripted func(n int, q *http.Request) (status int, header http.Header, body string)

// transport counts requests; some bodies are read by nobody.
type transport struct {
	answer scripted
	sent   []string
}

func (s *transport) RoundTrip(q *http.Request) (*http.Response, error) {
	s.sent = append(s.sent, q.Method+" "+q.URL.Path)
	status, header, body := s.answer(len(s.sent), q)
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Request: q, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func scriptedClient(t *testing.T, answer scripted) (*openaiapi.Client, *transport) {
	t.Helper()
	s := &transport{answer: answer}
	c, err := openaiapi.New(openaiapi.Config{BaseURL: "http://localhost/v1", Transport: wiretest.CheckSent(t, s)})
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

// What proxies send with a status of success while the service behind them is away.
var nothings = map[string]string{
	"null": "null", "empty": "{}", "error": `{"error":{"message":"upstream\ntimeout"}}`, "no list": `{"object":"list","data":null,"has_more":false}`,
	"another job": `{"id":"other","status":"cancelled","data":[{"status":"running"}]}`, "no id": `{"id":"","status":"succeeded","data":[null]}`,
}

var lookups = map[string]struct {
	call func(context.Context, *openaiapi.Client) (string, error)
	good string
	want string
}{
	"poll": {func(ctx context.Context, c *openaiapi.Client) (string, error) {
		j, err := c.Poll(ctx, "j")
		return fmt.Sprint(j.ID, " ", j.Status), err
	}, `{"id":"j"}`, "j unknown"}, // nothing of a reply before is left
	"find": {func(ctx context.Context, c *openaiapi.Client) (string, error) {
		jobs, err := c.Find(ctx, "k")
		return fmt.Sprint(len(jobs)), err
	}, `{"data":[{"id":"j","metadata":{"tunegate_run_key":"k"}}]}`, "1"},
	"upload": {func(ctx context.Context, c *openaiapi.Client) (string, error) {
		return c.Upload(ctx, train.File{Name: "f", Size: 5, Open: func() (io.ReadCloser, error) { return nil, errors.New("sent anew") }})
	}, `{"data":[{"id":"file-1","filename":"f","bytes":5}]}`, "file-1"},
}

// A reply of success that does not hold what was asked for says nothing: it is no job, and no empty list. It may pass.
func TestRepliesWithoutWhatWasAskedFor(t *testing.T) {
	for what, nothing := range nothings {
		for name, look := range lookups {
			if name == "upload" && strings.Contains(nothing, `"data":[`) {
				continue // others' files may be odd
			}
			for _, passes := range []bool{true, false} {
				synctest.Test(t, func(t *testing.T) {
					c, s := scriptedClient(t, func(n int, _ *http.Request) (int, http.Header, string) {
						if passes && n > 2 {
							return 200, nil, look.good
						}
						return 200, nil, nothing
					})
					got, err := look.call(t.Context(), c)
					switch {
					case passes && (err != nil || got != look.want || len(s.sent) != 3):
						t.Errorf("%s, %s twice: %s, %v after %d requests", name, what, got, err, len(s.sent))
					case !passes && (err == nil || errors.Is(err, train.ErrNotFound) || isPermanent(err)):
						t.Errorf("%s, %s for ever: %s, %v", name, what, got, err)
					case !passes && what == "error" && !strings.Contains(err.Error(), "upstream timeout"):
						t.Errorf("%s: %v does not say what the service said", name, err)
					}
				})
			}
		}
	}
}

// isPermanent compares with an error that train is told not to outlast.
func isPermanent(err error) bool {
	return strings.HasPrefix(fmt.Sprintf("%T", err), "train.permanent")
}

// A cancel whose reply is not the job has not ended it; the job itself says whether it has.
func TestCancelBelievesOnlyTheJob(t *testing.T) {
	for what, nothing := range nothings {
		for status, fine := range map[string]bool{"running": false, "cancelled": true} {
			c, _ := scriptedClient(t, func(_ int, q *http.Request) (int, http.Header, string) {
				if q.Method == http.MethodPost {
					return 200, nil, nothing
				}
				return 200, nil, `{"id":"j","status":"` + status + `"}`
			})
			if err := c.Cancel(t.Context(), "j"); (err == nil) != fine || isPermanent(err) {
				t.Errorf("%s while the job is %s: %v", what, status, err)
			}
		}
	}
}

// Without a name the address of a job is that of the list, and one of dots that of something else.
func TestNoJobIsAskedForWithoutAName(t *testing.T) {
	c, s := scriptedClient(t, func(int, *http.Request) (int, http.Header, string) { return 200, nil, `{"data":[]}` })
	for _, id := range []string{"", ".", ".."} {
		_, poll := c.Poll(t.Context(), id)
		_, metrics := c.Metrics(t.Context(), id, 0)
		if poll == nil || metrics == nil || c.Cancel(t.Context(), id) == nil || !isPermanent(poll) {
			t.Errorf("%q: %v, %v", id, poll, metrics)
		}
	}
	if len(s.sent) > 0 {
		t.Errorf("sent %q", s.sent)
	}
}

// An answer may be sent compressed a thousandfold; what is read of it has a bound.
func TestAnswersHaveABound(t *testing.T) {
	for _, c := range []struct {
		name, head, tail string
		size             int
		fine             bool
		call             func(*openaiapi.Client) error
	}{
		{"chat", `{"choices":[{"message":{"role":"assistant","content":"`, `"}}]}`, 15 << 20, true, func(c *openaiapi.Client) error { return calls["chat"](t.Context(), c) }},
		{"chat", `{"choices":[{"message":{"role":"assistant","content":"`, `"}}]}`, 17 << 20, false, func(c *openaiapi.Client) error { return calls["chat"](t.Context(), c) }},
		{"embeddings", `{"data":[{"index":0,"embedding":[1]}],"model":"`, `"}`, 65 << 20, false, func(c *openaiapi.Client) error {
			_, err := c.Embed(t.Context(), "m", []string{"a"})
			return err
		}},
	} {
		if testing.Short() && c.size > 20<<20 {
			continue
		}
		seen := 0
		var packed bytes.Buffer
		g := gzip.NewWriter(&packed)
		_, _ = io.WriteString(g, c.head)
		chunk := strings.Repeat("a", 1<<20)
		for range c.size >> 20 {
			_, _ = io.WriteString(g, chunk)
		}
		_, _ = io.WriteString(g, c.tail)
		_ = g.Close()
		cl := client(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			seen++
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(packed.Bytes())
		}))
		err := c.call(cl)
		if c.fine && err != nil || !c.fine && (err == nil || !strings.Contains(err.Error(), "the reply is longer than")) || seen != 1 {
			t.Errorf("%s of %d MiB: %v after %d requests", c.name, c.size>>20, err, seen)
		}
	}
}

// An account holds jobs and files of other tools: whatever is odd about them, ours are found. Ours must be what the contract
// says, since a bill and a launch hang on it.
func TestOddEntriesOfOthers(t *testing.T) {
	label := "router-" + string(wanted[:12])
	for _, odd := range []string{
		`"metadata":{"n":5}`, `"metadata":[]`, `"metadata":"x"`, `"created_at":1700000000.5`, `"created_at":"2026-01-01T00:00:00Z"`, `"trained_tokens":"12"`,
		`"estimated_finish":1.5`, `"fine_tuned_model":{}`, `"suffix":7`, `"status":1`, `"filename":5`, `"bytes":1.5`, `"bytes":"12"`, `"error":5`,
	} {
		c, _ := scriptedClient(t, func(_ int, q *http.Request) (int, http.Header, string) {
			if strings.HasSuffix(q.URL.Path, "/files") {
				return 200, nil, `{"data":[{"id":"x",` + odd + `},{"id":"file-1","filename":"f","bytes":5e0,"status":null}]}`
			}
			return 200, nil, `{"data":[{"id":"x",` + odd + `},{"id":"ours","suffix":"` + label + `"}]}`
		})
		jobs, err := c.Find(t.Context(), wanted)
		if err != nil || len(jobs) != 1 || jobs[0].ID != "ours" {
			t.Errorf("%s: found %+v, %v", odd, jobs, err)
		}
		if got, err := lookups["upload"].call(t.Context(), c); err != nil || got != "file-1" {
			t.Errorf("%s: file %s, %v", odd, got, err)
		}
	}
	for own, fine := range map[string]bool{
		`"created_at":1700000000.5,"trained_tokens":1.2e1,"finished_at":1e300,"metadata":{"tunegate_run_key":"` + string(wanted) + `","n":5}`: true,
		`"suffix":"` + label + `","trained_tokens":"12"`: false, `"suffix":"` + label + `","status":1`: false,
	} {
		c, _ := scriptedClient(t, func(int, *http.Request) (int, http.Header, string) {
			return 200, nil, `{"data":[{"id":"ours",` + own + `}]}`
		})
		jobs, err := c.Find(t.Context(), wanted)
		if (err == nil) != fine || isPermanent(err) || fine && (len(jobs) != 1 || jobs[0].CreatedAt != time.Unix(1700000000, 0) || jobs[0].TrainedTokens != 12 || jobs[0].FinishedAt.UTC().Year() != 9999) {
			t.Errorf("ours with %s: %+v, %v", own, jobs, err)
		}
	}
}

// What a job tells besides its metrics may be anything.
func TestOddEvents(t *testing.T) {
	c, _ := scriptedClient(t, func(int, *http.Request) (int, http.Header, string) {
		return 200, nil, `{"data":[null,7,{"id":5},{"id":"a","data":[]},{"id":"b","data":{"step":"2"}},{"id":"c","data":{"step":-3}},{"id":"d","data":{"step":1e300}},
			{"id":"e","data":{"step":3.0,"total_steps":9,"train_loss":"NaN","valid_loss":null}}]}`
	})
	got, err := c.Metrics(t.Context(), "j", 0)
	if err != nil || len(got) != 2 || got[0] != (train.Metric{Step: 3, TotalSteps: 9}) {
		t.Errorf("%v, %v", got, err)
	}
}

// A service that wants to be left alone for long is told to whoever asks, at once; for less it is waited for, but not
// beyond the caller's own end.
func TestRefusedLookupsComeBack(t *testing.T) {
	for name, look := range lookups {
		for _, c := range []struct {
			after  string
			limit  time.Duration // of the caller; 0: none
			within time.Duration
			sent   int
		}{
			{"60", 0, 0, 1},
			{"360", 0, 0, 1},
			{"21", 0, 0, 1},
			{"8", 0, 17 * time.Second, 3}, // two waits and no third
			{"8", 10 * time.Second, 9 * time.Second, 2},
			{"8", 5 * time.Second, 0, 1},
			{"", time.Second, time.Second, 0},
			{"", 0, 20 * time.Second, 7},
		} {
			synctest.Test(t, func(t *testing.T) {
				cl, s := scriptedClient(t, func(int, *http.Request) (int, http.Header, string) {
					return 429, http.Header{"Retry-After": {c.after}}, `{"error":{"message":"slow down"}}`
				})
				ctx := t.Context()
				if c.limit > 0 {
					var stop context.CancelFunc
					ctx, stop = context.WithTimeout(ctx, c.limit)
					defer stop()
				}
				began := time.Now()
				_, err := look.call(ctx, cl)
				var e *openaiapi.Error
				if took := time.Since(began); !errors.As(err, &e) || e.Status != 429 || isPermanent(err) || took > c.within || c.sent > 0 && len(s.sent) != c.sent {
					t.Errorf("%s, Retry-After %q, limit %v: %v in %v after %d requests", name, c.after, c.limit, err, took, len(s.sent))
				}
			})
		}
	}
}
