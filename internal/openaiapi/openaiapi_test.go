package openaiapi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tunegate/tunegate/internal/bench"
	"github.com/tunegate/tunegate/internal/localtune"
	"github.com/tunegate/tunegate/internal/localtune/wiretest"
	"github.com/tunegate/tunegate/internal/openaiapi"
	"github.com/tunegate/tunegate/internal/suite"
	"github.com/tunegate/tunegate/internal/train"
	"github.com/tunegate/tunegate/internal/train/traintest"
)

// client is a client of h. What it sends is what the contract allows.
func client(t *testing.T, h http.Handler) *openaiapi.Client {
	t.Helper()
	return unchecked(t, wiretest.CheckRequests(t, h))
}

// unchecked is client for requests that the contract does not know.
func unchecked(t *testing.T, h http.Handler) *openaiapi.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := openaiapi.New(openaiapi.Config{BaseURL: s.URL + "/v1", Key: "sk-test"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func engine(t *testing.T, o localtune.Options) *localtune.Server {
	t.Helper()
	s, err := localtune.Open(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// The client and the embedded server are a provider as train means it, and every exchange is what the official
// description allows.
func TestConformance(t *testing.T) {
	e := engine(t, localtune.Options{Key: "sk-test", StepDelay: 10 * time.Millisecond})
	traintest.Suite{
		Provider: client(t, wiretest.Check(t, e)), Model: localtune.BaseModel,
		Hold: func() func() { return func() {} }, // the delay a step holds a job long enough to cancel it
	}.Run(t)
}

func ask(model string) bench.Request {
	return bench.Request{Model: model, Messages: []suite.Message{
		{Role: "system", Content: "Answer with one of: it, billing."}, {Role: "user", Content: "the it department, please"}}}
}

// go-openai leaves a temperature of 0 out, which services take for 1: the benchmark would measure chance.
func TestTemperatureZeroIsOnTheWire(t *testing.T) {
	e := engine(t, localtune.Options{})
	var bodies []string
	c := client(t, wiretest.Check(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		bodies = append(bodies, string(b))
		r.Body = io.NopCloser(bytes.NewReader(b))
		e.ServeHTTP(w, r)
	})))
	got, err := c.Complete(t.Context(), ask(localtune.BaseModel))
	if err != nil || got.Answer != "it" || got.InputTokens == 0 || got.OutputTokens == 0 {
		t.Errorf("answer %+v, %v", got, err)
	}
	if len(bodies) != 1 || strings.Count(bodies[0], `"temperature":0,`) != 1 {
		t.Errorf("sent %q, want one request at temperature 0", bodies)
	}
}

// Sampled answers are asked for at the temperature said, and tools are offered as the suite has them.
func TestWhatAQuestionSays(t *testing.T) {
	var body struct {
		Temperature *float64        `json:"temperature"`
		Tools       json.RawMessage `json:"tools"`
	}
	c := client(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		fmt.Fprint(w, `{"choices":[{"message":{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"temperature\":1}"}}]}}]}`)
	}))
	q := ask("m")
	q.Temperature, q.Tools = 0.7, `[{"type":"function","function":{"name":"f","description":"d","parameters":{"properties":{"temperature":{"type":"number"}},"type":"object"}}}]`
	got, err := c.Complete(t.Context(), q)
	if err != nil || got.Answer != `{"name":"f","arguments":{"temperature":1}}` || got.Took <= 0 {
		t.Errorf("%+v, %v", got, err)
	}
	var sent, want any
	if json.Unmarshal(body.Tools, &sent) != nil || json.Unmarshal([]byte(q.Tools), &want) != nil || !reflect.DeepEqual(sent, want) || body.Temperature == nil || *body.Temperature != 0.7 {
		t.Errorf("sent %s at %v", body.Tools, body.Temperature)
	}
	q.Tools = "{"
	if _, err := c.Complete(t.Context(), q); err == nil || !strings.Contains(err.Error(), "tools") {
		t.Errorf("broken tools: %v", err)
	}
}

// A call of a tool is the answer, also where the model says something beside it.
func TestCallsBesideText(t *testing.T) {
	c := client(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"choices":[{"message":{"role":"assistant","content":"Let me look.","tool_calls":[`+
			`{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"2","type":"function","function":{"name":"g","arguments":"{}"}}]}}]}`)
	}))
	got, err := c.Complete(t.Context(), ask("m"))
	if want := `[{"name":"f","arguments":{}},{"name":"g","arguments":{}}]`; err != nil || got.Answer != want {
		t.Errorf("got %s, %v; want %s", got.Answer, err, want)
	}
}

// flaky answers the first n requests with a status.
func flaky(n int32, status int, header http.Header, next http.Handler) (http.Handler, *atomic.Int32) {
	var seen atomic.Int32
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if seen.Add(1) <= n {
			for k, v := range header {
				w.Header()[k] = v
			}
			w.WriteHeader(status)
			fmt.Fprint(w, `{"error":{"message":"try later","type":"server_error","code":null,"param":null}}`)
			return
		}
		next.ServeHTTP(w, r)
	}), &seen
}

func TestIdempotentCallsAreRetried(t *testing.T) {
	e := engine(t, localtune.Options{})
	for _, status := range []int{429, 500, 503} {
		h, seen := flaky(2, status, http.Header{"Retry-After": {"0.01"}}, e)
		// A refusal is left to whoever knows of the other requests.
		if _, err := new(bench.Pace).Over(client(t, h)).Complete(t.Context(), ask(localtune.BaseModel)); err != nil || seen.Load() != 3 {
			t.Errorf("chat, %d twice: %v after %d requests", status, err, seen.Load())
		}
		h, seen = flaky(2, status, http.Header{"Retry-After": {"0.01"}}, e)
		if _, err := client(t, h).Find(t.Context(), "k"); err != nil || seen.Load() != 4 { // an empty list is asked for once more without the filter
			t.Errorf("list, %d twice: %v after %d requests", status, err, seen.Load())
		}
	}
}

func TestRefusalsAreNotRetried(t *testing.T) {
	for status, body := range map[int]string{
		400: `{"error":{"message":"bad","type":"invalid_request_error","code":"x","param":"model"}}`,
		401: `{"detail":"not the contract's form"}`,
		429: `{"error":{"message":"You exceeded your quota","type":"insufficient_quota","code":"insufficient_quota","param":null}}`,
	} {
		seen := 0
		c := client(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen++
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}))
		_, err := c.Complete(t.Context(), ask("m"))
		var e *openaiapi.Error
		if !errors.As(err, &e) || e.Status != status || seen != 1 {
			t.Errorf("%d: error %v after %d requests", status, err, seen)
		}
		if err != nil && strings.Contains(err.Error(), "sk-test") {
			t.Errorf("%d: the error holds the key: %v", status, err)
		}
	}
}

// A create is sent once, whatever becomes of it; only a clear refusal says that there is no job.
func TestCreateIsSentOnce(t *testing.T) {
	spec := train.Spec{Model: "m", Method: "supervised", Agent: "a", Attempt: 1}
	for name, answer := range map[string]func(http.ResponseWriter){
		"500":     func(w http.ResponseWriter) { w.WriteHeader(500) },
		"408":     func(w http.ResponseWriter) { w.WriteHeader(408) },
		"garbage": func(w http.ResponseWriter) { fmt.Fprint(w, "<html>") },
		"empty":   func(w http.ResponseWriter) { fmt.Fprint(w, "{}") },
		"cut": func(w http.ResponseWriter) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			conn.Close()
		},
		"429": func(w http.ResponseWriter) { w.WriteHeader(429) },
		"403": func(w http.ResponseWriter) { w.WriteHeader(403) },
	} {
		var posts atomic.Int32
		c := client(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet { // leaves an idle connection behind, which the transport may retry on
				fmt.Fprint(w, `{"data":[],"has_more":false}`)
				return
			}
			posts.Add(1)
			_, _ = io.Copy(io.Discard, r.Body)
			if r.Header.Get("Idempotency-Key") != "" {
				t.Error("the create bears an Idempotency-Key, which lets the transport send it again")
			}
			if r.ContentLength <= 0 || len(r.TransferEncoding) > 0 {
				t.Errorf("the create goes out %v, length %d", r.TransferEncoding, r.ContentLength)
			}
			answer(w)
		}))
		if _, err := c.Find(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		_, err := c.Start(t.Context(), spec, "file-1", "")
		refused := name == "429" || name == "403"
		if posts.Load() != 1 || err == nil || errors.Is(err, train.ErrRefused) != refused {
			t.Errorf("%s: %d creates, error %v", name, posts.Load(), err)
		}
	}
}

// Live services send an error of null, {}, an object of nulls, and states that nobody has documented.
func TestOddJobs(t *testing.T) {
	for body, want := range map[string]train.Job{
		`{"id":"j","status":"succeeded","error":{},"fine_tuned_model":"ft:m","trained_tokens":12}`:      {ID: "j", Status: train.Succeeded, Model: "ft:m", TrainedTokens: 12},
		`{"id":"j","status":"pausing","error":{"code":null,"message":null,"param":null}}`:               {ID: "j", Status: train.Unknown},
		`{"id":"j","status":"failed","error":{"code":"exceeded","message":"too long"},"metadata":null}`: {ID: "j", Status: train.Failed, Code: "exceeded", Error: "too long"},
		`{"id":"j","status":"running","error":null,"estimated_finish":0,"finished_at":null}`:            {ID: "j", Status: train.Running},
		`{"id":"j","status":"failed","error":{"message":"no\n::error::\u001b[31mred"}}`:                 {ID: "j", Status: train.Failed, Error: "no ::error::\ufffd[31mred"},
		`{"id":"j","status":"running","metadata":{"tunegate_run_key":"k","tunegate_attempt":"2"}}`:      {ID: "j", Status: train.Running, Key: "k", Attempt: 2},
	} {
		c := client(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }))
		got, err := c.Poll(t.Context(), "j")
		want.CreatedAt = time.Unix(0, 0)
		if err != nil || got != want {
			t.Errorf("%s\ngives %+v, %v", body, got, err)
		}
	}
}

// New events push the list on while it is read, and a training that begins anew reports its steps twice: each step is
// told once.
func TestRepeatedEvents(t *testing.T) {
	event := func(id, step int, loss float64) string {
		return fmt.Sprintf(`{"id":"e%d","type":"metrics","data":{"step":%d,"total_steps":9,"train_loss":%g}}`, id, step, loss)
	}
	c := client(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("after") {
		case "":
			fmt.Fprintf(w, `{"data":[%s,{"id":"m","type":"message","message":"hello","data":null},%s],"has_more":true}`, event(9, 3, 0.1), event(8, 2, 0.2))
		case "e8":
			fmt.Fprintf(w, `{"data":[%s,%s,%s],"has_more":false}`, event(8, 2, 0.2), event(7, 2, 0.9), event(6, 1, 0.8))
		}
	}))
	for after, want := range []string{"[{1 9 0.8 0} {2 9 0.2 0} {3 9 0.1 0}]", "[{2 9 0.2 0} {3 9 0.1 0}]", "[{3 9 0.1 0}]", "[]"} {
		if got, err := c.Metrics(t.Context(), "j", after); err != nil || fmt.Sprint(got) != want {
			t.Errorf("after %d: %v, %v, want %s", after, got, err, want)
		}
	}
}

func TestEmbed(t *testing.T) {
	c := client(t, wiretest.Check(t, engine(t, localtune.Options{})))
	texts := make([]string, 2049) // one more than a request takes
	for i := range texts {
		texts[i] = fmt.Sprintf("invoice number %d", i)
	}
	texts[2048] = texts[0]
	got, err := c.Embed(t.Context(), "local-embedding", texts)
	if err != nil || len(got) != len(texts) || !slices.Equal(got[0], got[2048]) || slices.Equal(got[0], got[1]) {
		t.Fatalf("%d vectors, %v; want one a text, equal for equal texts", len(got), err)
	}
	if _, err := c.Embed(t.Context(), "no-such-model", texts[:1]); err == nil {
		t.Error("an unknown model embeds")
	}
	broken := client(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"object":"list","model":"m","data":[{"object":"embedding","index":0,"embedding":[1,2]}],"usage":{"prompt_tokens":1,"total_tokens":1}}`)
	}))
	if _, err := broken.Embed(t.Context(), "m", texts[:2]); err == nil {
		t.Error("a missing vector goes unnoticed")
	}
}
