package openaiapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"unicode"
	"unicode/utf8"

	"github.com/tunegate/tunegate/internal/bench"
	"github.com/tunegate/tunegate/internal/localtune/wiretest"
	"github.com/tunegate/tunegate/internal/openaiapi"
	"github.com/tunegate/tunegate/internal/suite"
	"github.com/tunegate/tunegate/internal/train"
)

// calls is one call of each kind: GETs, which are followed wherever they may go, a POST that can be replayed, and one
// that cannot.
var calls = map[string]func(context.Context, *openaiapi.Client) error{
	"poll":    func(ctx context.Context, c *openaiapi.Client) error { _, err := c.Poll(ctx, "j"); return err },
	"find":    func(ctx context.Context, c *openaiapi.Client) error { _, err := c.Find(ctx, "k"); return err },
	"metrics": func(ctx context.Context, c *openaiapi.Client) error { _, err := c.Metrics(ctx, "j", 0); return err },
	"chat":    func(ctx context.Context, c *openaiapi.Client) error { _, err := c.Complete(ctx, ask("m")); return err },
	"create": func(ctx context.Context, c *openaiapi.Client) error {
		_, err := c.Start(ctx, train.Spec{Method: "supervised"}, "f", "")
		return err
	},
}

// good is an answer that all of them take.
const good = `{"id":"j","status":"running","data":[],"choices":[{"message":{"role":"assistant","content":"it"}}]}`

func TestRedirectToAnotherHostIsRefused(t *testing.T) {
	var stolen atomic.Int32
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		stolen.Add(1)
		fmt.Fprint(w, good)
	}))
	defer thief.Close()
	for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect} {
		for name, call := range calls {
			var seen atomic.Int32
			c := client(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				seen.Add(1)
				http.Redirect(w, r, thief.URL+r.URL.Path, status)
			}))
			if err := call(t.Context(), c); err == nil || stolen.Load() > 0 || seen.Load() != 1 {
				t.Errorf("%s, %d: %v after %d requests, %d arrived elsewhere", name, status, err, seen.Load(), stolen.Load())
			}
		}
	}
}

func TestRedirectWithinTheHostIsFollowed(t *testing.T) {
	for name, call := range calls {
		if name == "create" {
			continue // its body is sent once
		}
		var keys []string
		c := unchecked(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasPrefix(r.URL.Path, "/moved") {
				http.Redirect(w, r, "/moved"+r.URL.Path, http.StatusTemporaryRedirect)
				return
			}
			keys = append(keys, r.Header.Get("Authorization"))
			fmt.Fprint(w, good)
		}))
		if err := call(t.Context(), c); err != nil || len(keys) == 0 || keys[0] != "Bearer sk-test" {
			t.Errorf("%s: %v, keys that arrived %q", name, err, keys)
		}
	}
}

func TestKeyIsNotSentInTheClear(t *testing.T) {
	for address, fine := range map[string]bool{
		"https://api.example.com/v1": true, "http://127.0.0.1:8080/v1": true, "http://127.9.9.9": true, "http://[::1]:80/v1/": true, "http://localhost/v1": true,
		"http://api.example.com/v1": false, "http://localhost.example.com": false, "http://192.168.0.1/v1": false, "http://127.0.0.1.example.com": false,
		"http://0.0.0.0/v1": false, "ftp://localhost": false, "api.example.com": false, "https:///v1": false, "": false, "http://[::1": false,
	} {
		if _, err := openaiapi.New(openaiapi.Config{BaseURL: address, Key: "sk-test"}); (err == nil) != fine {
			t.Errorf("%q gives %v", address, err)
		}
	}
}

// What a service says ends up on a terminal or in a CI log, where a line of its own may be a command.
func TestErrorsAreOnePrintableLine(t *testing.T) {
	hostile := "no\r\n::error::pwned\n\x1b[31m\x00\u202e\u0085\u2028" + strings.Repeat("é", 400)
	text, _ := json.Marshal(hostile)
	for _, body := range []string{
		fmt.Sprintf(`{"error":{"message":%[1]s,"type":%[1]s,"code":%[1]s,"param":%[1]s}}`, text),
		fmt.Sprintf(`{"error":{"message":{"detail":%s},"code":["a\n"]}}`, text),
		fmt.Sprintf(`{"error":{"message":[%s]}}`, text), hostile, "x" + hostile, "\xff\xfe\n",
	} {
		c := client(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, body)
		}))
		for name, call := range calls {
			err := call(t.Context(), c)
			var e *openaiapi.Error
			if !errors.As(err, &e) || e.Status != http.StatusBadRequest || e.Message == "" {
				t.Errorf("%s: %q gives %v", name, body, err)
				continue
			}
			for _, s := range []string{err.Error(), e.Message, e.Type, e.Code, e.Param} {
				if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) || !utf8.ValidString(s) || len(s) > 1200 {
					t.Errorf("%s: the error says %q", name, s)
				}
			}
		}
	}
}

// Neither a service that ignores the cursor nor one that always has another page holds a run.
func TestListsEnd(t *testing.T) {
	entries := map[string]string{"find": `{"id":"%s","status":"running"}`, "metrics": `{"id":"%s","data":{"step":7}}`, "upload": `{"id":"%s","filename":"x"}`}
	for what, next := range map[string]func(n int32) string{
		"the same page":   func(int32) string { return "same" },
		"two in turn":     func(n int32) string { return fmt.Sprint("turn-", n%2) },
		"ever new":        func(n int32) string { return fmt.Sprint("new-", n) },
		"without any ids": func(int32) string { return "" },
	} {
		for name, call := range map[string]func(*openaiapi.Client) error{
			"find":    func(c *openaiapi.Client) error { _, err := c.Find(t.Context(), "k"); return err },
			"metrics": func(c *openaiapi.Client) error { _, err := c.Metrics(t.Context(), "j", 0); return err },
			"upload":  func(c *openaiapi.Client) error { _, err := c.Upload(t.Context(), train.File{Name: "f"}); return err },
		} {
			if what == "without any ids" && name == "find" {
				continue // no list at all: TestRepliesWithoutWhatWasAskedFor
			}
			var seen atomic.Int32
			c := client(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"data":[`+entries[name]+`],"has_more":true}`, next(seen.Add(1)))
			}))
			most := int32(3)
			if what == "ever new" {
				most = 200
			}
			if err := call(c); err == nil || !strings.Contains(err.Error(), "does not end") || seen.Load() > most {
				t.Errorf("%s, %s: %v after %d requests", name, what, err, seen.Load())
			}
		}
	}
}

// TestNoAnswerIsNoWrongAnswer: what a service sends with status 200 in place of an answer is a failure, not an empty answer.
func TestNoAnswerIsNoWrongAnswer(t *testing.T) {
	for body, want := range map[string]string{
		`{"choices":[{}]}`: "the reply has no answer",
		`{"choices":[{"message":null,"finish_reason":"error"}]}`:                                 "the reply has no answer",
		`{"choices":[{"message":{"content":""},"finish_reason":"length"}]}`:                      "cut off before it began",
		`{"choices":[{"message":{"content":"I"},"finish_reason":"content_filter"}]}`:             "filtered",
		`{"choices":[{"message":{"role":"assistant","content":""},"finish_reason":"stop"}]}`:     "",
		`{"choices":[{"message":{"role":"assistant","content":"yes"},"finish_reason":null}]}`:    "",
		`{"choices":[{"message":{"role":"assistant","content":"ye"},"finish_reason":"length"}]}`: "",
	} {
		synctest.Test(t, func(t *testing.T) {
			c, err := openaiapi.New(openaiapi.Config{BaseURL: "http://127.0.0.1:1/v1", Transport: wiretest.CheckSent(t, reply(body))})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Complete(t.Context(), bench.Request{Model: "m", Messages: []suite.Message{{Role: "user", Content: "q"}}})
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want %q", body, err, want)
			}
		})
	}
}

// reply answers every request with a body.
type reply string

func (r reply) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(string(r)))}, nil
}
