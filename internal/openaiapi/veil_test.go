package openaiapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/tunegate/tunegate/internal/localtune/wiretest"
	"github.com/tunegate/tunegate/internal/openaiapi"
	"github.com/tunegate/tunegate/internal/train"
)

// allCalls are calls and what else the client sends: files in one piece and in parts, embeddings, cancelling, deploying, the end of a model.
func allCalls() map[string]func(context.Context, *openaiapi.Client) error {
	all := maps.Clone(calls)
	file := train.File{Name: "f.jsonl", Size: 8, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("{}\n{}\n{}")), nil }}
	all["upload"] = func(ctx context.Context, c *openaiapi.Client) error { _, err := c.Upload(ctx, file); return err }
	all["upload in parts"] = func(ctx context.Context, c *openaiapi.Client) error {
		c.Split(4, 4)
		_, err := c.Upload(ctx, file)
		return err
	}
	all["embed"] = func(ctx context.Context, c *openaiapi.Client) error {
		_, err := c.Embed(ctx, "m", []string{"text"})
		return err
	}
	all["cancel"] = func(ctx context.Context, c *openaiapi.Client) error { return c.Cancel(ctx, "j") }
	all["retires"] = func(ctx context.Context, c *openaiapi.Client) error { _, err := c.Retires(ctx, "m"); return err }
	return all
}

// No call follows a redirect to another host, port or scheme: neither the key nor the data arrives there. The first requests of an upload
// succeed, so that its later ones are tried too.
func TestNothingIsSentElsewhere(t *testing.T) {
	for _, status := range []int{302, 307, 308} {
		for name, call := range allCalls() {
			for _, first := range []int32{1, 2, 3} { // the request that is redirected
				if first > 1 && !strings.HasPrefix(name, "upload") {
					continue
				}
				synctest.Test(t, func(t *testing.T) {
					var seen, stolen atomic.Int32
					c := clientOf(t, "sk-test", func(w http.ResponseWriter, r *http.Request) {
						switch {
						case r.Host != "127.0.0.1:1":
							stolen.Add(1)
						case seen.Add(1) >= first:
							http.Redirect(w, r, "http://127.0.0.1:2"+r.URL.Path, status)
						case strings.HasSuffix(r.URL.Path, "/uploads"), strings.HasSuffix(r.URL.Path, "/parts"):
							fmt.Fprint(w, `{"id":"u"}`)
						default:
							fmt.Fprint(w, `{"data":[]}`)
						}
					})
					err := call(t.Context(), c)
					if stolen.Load() > 0 || seen.Load() >= first && err == nil {
						t.Errorf("%s, redirected %d at request %d: %v, %d arrived elsewhere", name, status, first, err, stolen.Load())
					}
				})
			}
		}
	}
	for _, to := range []string{"https://127.0.0.1:1/v1", "http://localhost:1/v1", "//127.0.0.1/v1", "http://127.0.0.1:1@example.com/", "ftp://127.0.0.1:1/"} {
		var elsewhere atomic.Bool
		c := clientOf(t, "sk-test", func(w http.ResponseWriter, r *http.Request) {
			elsewhere.Store(elsewhere.Load() || r.Host != "127.0.0.1:1")
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
		})
		if _, err := c.Poll(t.Context(), "j"); err == nil || elsewhere.Load() {
			t.Errorf("a redirect to %s was followed", to)
		}
	}
}

// clientOf is a client whose requests a handler answers, wherever they go.
func clientOf(t *testing.T, key string, h http.HandlerFunc) *openaiapi.Client {
	t.Helper()
	c, err := openaiapi.New(openaiapi.Config{BaseURL: "http://127.0.0.1:1/v1", Key: key, Transport: wiretest.CheckSent(t, handled(h))})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

type handled http.HandlerFunc

func (h handled) RoundTrip(q *http.Request) (*http.Response, error) {
	if q.Body == nil {
		q.Body = http.NoBody
	}
	_, _ = io.Copy(io.Discard, q.Body)
	q.Body.Close()
	w := httptest.NewRecorder()
	served := q.Clone(q.Context())
	if served.Host == "" {
		served.Host = q.URL.Host
	}
	h(w, served)
	r := w.Result()
	r.Request = q
	return r, nil
}

// canary is a key as services have them. It has characters that JSON may escape.
const canary = "sk-CANARY/4f0b+9c2e=="

// Whatever a service sends back of the key, no error, job or answer holds it.
func TestNoReplyBringsTheKeyBack(t *testing.T) {
	text := func(v any) string { b, _ := json.Marshal(v); return string(b) }
	long := strings.Repeat("x", 490) // so that the text is cut where the key stands
	replies := map[string]http.HandlerFunc{
		"error": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(401)
			fmt.Fprintf(w, `{"error":{"message":%s,"type":%[1]s,"code":%[1]s,"param":%[1]s}}`, text("wrong: "+r.Header.Get("Authorization")))
		},
		"escaped": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(400)
			fmt.Fprintf(w, `{"error":{"message":"%s"}}`, strings.ReplaceAll(r.Header.Get("Authorization"), "/", `\/`))
		},
		"page": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(403)
			fmt.Fprintf(w, "<html>%s%s", long, r.Header.Get("Authorization"))
		},
		"header": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Request-Id", canary)
			w.WriteHeader(400)
		},
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "https://elsewhere.example.com/"+canary)
			w.WriteHeader(307)
		},
		"bad redirect": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "https://[::1/"+canary)
			w.WriteHeader(307)
		},
		"list": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"id":"j","status":"failed","metadata":{"tunegate_run_key":"k"},"error":{"message":%s,"code":%[1]s},"data":[{"id":"j","status":"failed","metadata":{"tunegate_run_key":"k"},"error":{"message":%[1]s,"code":%[1]s}}],"choices":[{"message":{"role":"assistant","content":%[1]s},"finish_reason":"stop"}]}`, strings.ReplaceAll(text(long+canary), `\u002b`, "+"))
		},
		"other": func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, `{"id":%s`, text(canary)) },
	}
	for reply, h := range replies {
		for name, call := range allCalls() {
			if name == "upload in parts" && reply == "list" || name == "metrics" {
				continue // they would ask on and on
			}
			synctest.Test(t, func(t *testing.T) {
				err := call(t.Context(), clientOf(t, canary, h))
				if said := fmt.Sprint(err); strings.Contains(said, canary[3:9]) {
					t.Errorf("%s, %s: the error says %s", name, reply, said)
				}
				if reply != "list" && err == nil {
					t.Errorf("%s, %s: no error", name, reply)
				}
			})
		}
	}
	c := clientOf(t, canary, replies["list"])
	j, err := c.Poll(t.Context(), "j")
	js, err2 := c.Find(t.Context(), "k")
	a, err3 := c.Complete(t.Context(), ask("m"))
	if err != nil || err2 != nil || err3 != nil || len(js) != 1 || !strings.Contains(a.Answer, "***") {
		t.Fatalf("%v, %v, %v, %+v, %+v", err, err2, err3, js, a)
	}
	if said := fmt.Sprintf("%+v %+v %+v", j, js, a); strings.Contains(said, canary[3:9]) {
		t.Errorf("the replies say %s", said)
	}
}

// The key is found wherever a reply is cut into pieces, and nothing else of it changes.
func TestTheKeyIsFoundAcrossReads(t *testing.T) {
	for _, body := range []string{canary, canary + canary, "a" + canary + "b", canary[:len(canary)-1], strings.Repeat(canary[:7], 5000) + canary, strings.Repeat("é ", 9000) + canary + "…", ""} {
		want := strings.ReplaceAll(body, canary, "***")
		for name, cut := range map[string]func(io.Reader) io.Reader{"whole": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader, "halves": iotest.HalfReader, "end with data": iotest.DataErrReader} {
			got, err := openaiapi.Veiled(cut(strings.NewReader(body)), canary)
			if err != nil || got != want {
				t.Errorf("%s, %.30q: %v, %d bytes of %d", name, body, err, len(got), len(want))
			}
		}
	}
	if got, err := openaiapi.Veiled(iotest.ErrReader(io.ErrUnexpectedEOF), canary); err != io.ErrUnexpectedEOF || got != "" {
		t.Errorf("a failing read gives %q, %v", got, err)
	}
	// A word that serves as the key of a local server stays in answers.
	if got, _ := openaiapi.Veiled(strings.NewReader("ask ollama"), "ollama"); got != "ask ollama" {
		t.Errorf("got %q", got)
	}
}
