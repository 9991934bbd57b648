package openaiapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tunegate/tunegate/internal/localtune"
	"github.com/tunegate/tunegate/internal/localtune/wiretest"
	"github.com/tunegate/tunegate/internal/openaiapi"
	"github.com/tunegate/tunegate/internal/openaiapi/nebiustest"
	"github.com/tunegate/tunegate/internal/train"
	"github.com/tunegate/tunegate/internal/train/traintest"
)

// deploying is a client of a service whose tuned models must be deployed.
func deploying(t *testing.T) (*openaiapi.Client, *nebiustest.Service) {
	t.Helper()
	s := nebiustest.New(t, wiretest.Check(t, engine(t, localtune.Options{Key: "sk-test"})))
	c, err := openaiapi.New(openaiapi.Config{BaseURL: nebiustest.BaseURL, Key: "sk-test", Transport: s})
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

// tuned trains a model there.
func tuned(t *testing.T, c *openaiapi.Client, s train.Spec) train.Job {
	t.Helper()
	file, err := c.Upload(t.Context(), traintest.Examples("deploy.jsonl", 24))
	if err != nil {
		t.Fatal(err)
	}
	id, err := c.Start(t.Context(), s, file, "")
	if err != nil {
		t.Fatal(err)
	}
	for {
		j, err := c.Poll(t.Context(), id)
		if err != nil || t.Context().Err() != nil {
			t.Fatal(err)
		}
		if j.Status.Final() {
			return j
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-t.Context().Done():
		}
	}
}

var desk = train.Spec{Endpoint: "test", Model: localtune.BaseModel, Method: "supervised", Epochs: 2, Seed: 7, Agent: "desk", Attempt: 1}

// From the job, which bears no metadata and has no model, to an answer, and to nothing left behind.
func TestDeploy(t *testing.T) {
	c, s := deploying(t)
	j := tuned(t, c, desk)
	found, err := c.Find(t.Context(), desk.Key())
	if err != nil || len(found) != 1 || found[0].ID != j.ID || j.Status != train.Succeeded || j.Model != "" {
		t.Fatalf("found %+v, %v; the job is %+v", found, err, j)
	}
	model, remove, err := c.Deploy(t.Context(), j, desk.Model, desk.Label())
	if err != nil || !strings.HasPrefix(model, localtune.BaseModel+"-LoRa:"+desk.Label()+"-") {
		t.Fatalf("deployed as %q, %v", model, err)
	}
	if got, err := c.Complete(t.Context(), ask(model)); err != nil || got.Answer != "it" {
		t.Errorf("the deployed model says %q, %v", got.Answer, err)
	}
	// A second run on the same fine-tune shares what is there, and leaves it to the first to take it down.
	again, theirs, err := c.Deploy(t.Context(), j, desk.Model, desk.Label())
	if _, made := s.Deployed(); err != nil || again != model || made != 1 || theirs != nil {
		t.Errorf("deployed again as %q, %v, %d made", again, err, made)
	}
	for range 2 { // what is gone is no error
		if err := remove(); err != nil {
			t.Error(err)
		}
	}
	if left, _ := s.Deployed(); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	if _, err := c.Complete(t.Context(), ask(model)); err == nil {
		t.Error("it still answers")
	}
}

// Whatever goes wrong, nothing stays deployed, and no second model is made.
func TestDeployFails(t *testing.T) {
	post := func(r *http.Request) bool {
		return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/v0/models")
	}
	for name, c := range map[string]struct {
		set     func(*nebiustest.Service, context.CancelFunc)
		want    string // of the error; "": it succeeds
		made    int
		stopped bool
	}{
		"it does not fit": {func(s *nebiustest.Service, _ context.CancelFunc) { s.Broken = true }, "the adapter does not fit", 1, false},
		"the run is stopped": {func(s *nebiustest.Service, stop context.CancelFunc) {
			s.Never = true
			s.Meddle = func(_ http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "-LoRa:") {
					stop()
				}
				return false
			}
		}, "context canceled", 1, true},
		"the reply is lost": {func(s *nebiustest.Service, _ context.CancelFunc) {
			s.Meddle = func(w http.ResponseWriter, r *http.Request) bool {
				if !post(r) {
					return false
				}
				s.Meddle = nil
				s.ServeHTTP(httptest.NewRecorder(), r)
				cut(w)
				return true
			}
		}, "", 1, false},
		"its name cannot be shown": {func(s *nebiustest.Service, _ context.CancelFunc) {
			s.Meddle = func(w http.ResponseWriter, r *http.Request) bool {
				if post(r) {
					fmt.Fprint(w, `{"name":"b-LoRa:x\n::error::"}`)
				}
				return post(r)
			}
		}, "cannot be shown", 0, false},
		"it is refused": {func(s *nebiustest.Service, _ context.CancelFunc) {
			s.Meddle = func(w http.ResponseWriter, r *http.Request) bool {
				if post(r) {
					w.WriteHeader(http.StatusForbidden)
					fmt.Fprint(w, `{"error":{"message":"too many adapters"}}`)
				}
				return post(r)
			}
		}, "too many adapters", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			cl, s := deploying(t)
			j := tuned(t, cl, desk)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			c.set(s, stop)
			model, remove, err := cl.Deploy(ctx, j, desk.Model, desk.Label())
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want == "":
				stop()
				if err := remove(); err != nil { // also when the run has ended
					t.Error(err)
				}
			case err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, context.Canceled) != c.stopped:
				t.Errorf("deployed as %q, %v", model, err)
			}
			if left, made := s.Deployed(); len(left) > 0 || made != c.made {
				t.Errorf("%d made, left behind: %q", made, left)
			}
		})
	}
}

// A model that is never ready ends the wait, and what could not be taken down is named.
func TestDeployEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deleted := 0
		c, err := openaiapi.New(openaiapi.Config{BaseURL: nebiustest.BaseURL, Transport: roundTrip(func(r *http.Request) *http.Response {
			reply := httptest.NewRecorder()
			switch {
			case r.Method == http.MethodDelete:
				deleted++
				reply.WriteHeader(http.StatusInternalServerError)
			case strings.HasSuffix(r.URL.Path, "checkpoints"):
				fmt.Fprint(reply, `{"data":[{"id":"c1","step_number":5},{"id":"c0","step_number":1}]}`)
			case strings.HasSuffix(r.URL.Path, "/models") && r.Method == http.MethodGet:
				fmt.Fprint(reply, `{"data":[{"name":"b-LoRa:desk-1-other-x","status":"active"},{"name":"b-LoRa:desk-1-x","status":"error"},{"name":"b-LoRa:desk-1-y","status":"active","job_id":"another"}]}`)
			default:
				fmt.Fprint(reply, `{"name":"v/b-LoRa:desk-1-z","status":"thinking"}`)
			}
			return reply.Result()
		})})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, _, err = c.Deploy(t.Context(), train.Job{ID: "j"}, "v/b", "desk-1")
		if took := time.Since(began); err == nil || !strings.Contains(err.Error(), "thinking") || !strings.Contains(err.Error(), "v/b-LoRa:desk-1-z is still deployed") || took < 20*time.Minute || took > 21*time.Minute || deleted < 2 {
			t.Errorf("%v after %v, %d deletes", err, took, deleted)
		}
	})
}

type roundTrip func(*http.Request) *http.Response

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

// On any other service a model answers by itself.
func TestNothingToDeploy(t *testing.T) {
	c := client(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s %s", r.Method, r.URL) }))
	model, remove, err := c.Deploy(t.Context(), train.Job{ID: "j", Model: "ft:m"}, "m", "l")
	if err != nil || model != "ft:m" || remove() != nil {
		t.Errorf("%q, %v", model, err)
	}
}

// Azure wants the key under another name, for its own calls and for those of the chat library.
func TestKeyHeader(t *testing.T) {
	for base, want := range map[string]string{
		"https://acme.openai.azure.com/openai/v1": "|sk-test", "https://llm.example.com/v1": "Bearer sk-test|",
	} {
		var got []string
		c, err := openaiapi.New(openaiapi.Config{BaseURL: base, Key: "sk-test", Transport: roundTrip(func(r *http.Request) *http.Response {
			got = append(got, r.Header.Get("Authorization")+"|"+r.Header.Get("Api-Key"))
			reply := httptest.NewRecorder()
			fmt.Fprint(reply, good)
			return reply.Result()
		})})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"poll", "chat"} {
			if err := calls[name](t.Context(), c); err != nil {
				t.Error(err)
			}
		}
		if len(got) != 2 || got[0] != want || got[1] != want {
			t.Errorf("%s is sent %q, want %q each time", base, got, want)
		}
	}
}

// A name with a slash is one part of the path, wherever it stands.
func TestNamesInPaths(t *testing.T) {
	var path string
	c := client(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.EscapedPath()
		fmt.Fprint(w, `{"shutdown_date":"2027-01-14"}`)
	}))
	ends, err := c.Retires(t.Context(), "meta/llama 3%")
	if err != nil || ends.Format(time.DateOnly) != "2027-01-14" || path != "/v1/models/meta%2Fllama%203%25" {
		t.Errorf("%v, %v from %s", ends, err, path)
	}
}

func TestRetires(t *testing.T) {
	for body, want := range map[string]string{
		`{"id":"m","shutdown_date":"2027-01-14"}`: "2027-01-14", `{"id":"m","shutdown_date":null}`: "0001-01-01", `{"id":"m"}`: "0001-01-01",
		`{"shutdown_date":"soon"}`: "error", `{"shutdown_date":7}`: "error", `[]`: "error",
	} {
		c := client(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }))
		ends, err := c.Retires(t.Context(), "m")
		if got := ends.Format(time.DateOnly); err != nil != (want == "error") || err == nil && got != want {
			t.Errorf("%s gives %s, %v", body, got, err)
		}
	}
}
