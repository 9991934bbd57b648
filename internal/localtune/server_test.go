package localtune_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tunegate/tunegate/internal/localtune"
)

// What is not served is refused in the contract's form, with the methods that are.
func TestUnknownCalls(t *testing.T) {
	s := unchecked(t, open(t, t.TempDir(), zero))
	for call, want := range map[string]struct {
		status int
		allow  string
	}{
		"GET /v1/nothing":                        {404, ""},
		"GET /":                                  {404, ""},
		"GET /v1/files/":                         {404, ""},
		"GET /v1//files":                         {404, ""},
		"GET /v1/fine_tuning/../files":           {404, ""},
		"GET /v1/files/..%2F..%2Flocal.journal":  {404, ""},
		"GET /v1/files/%00":                      {404, ""},
		"PUT /v1/files":                          {405, "GET, POST"},
		"DELETE /v1/fine_tuning/jobs":            {405, "GET, POST"},
		"GET /v1/chat/completions":               {405, "POST"},
		"POST /v1/models/x":                      {405, "GET, DELETE"},
		"POST /v1/fine_tuning/jobs/ftjob-1/nope": {404, ""},
	} {
		method, path, _ := strings.Cut(call, " ")
		q, err := http.NewRequest(method, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.DefaultTransport.RoundTrip(q)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != want.status || r.Header.Get("Allow") != want.allow || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s: %s, %v", call, r.Status, r.Header)
		}
	}
}

func TestKey(t *testing.T) {
	s := unchecked(t, open(t, t.TempDir(), localtune.Options{Key: "sk-right"}))
	for header, want := range map[string]int{"Bearer sk-right": 200, "Bearer sk-wrong": 401, "sk-right": 200, "": 401, "Bearer ": 401, "Basic sk-right": 401} {
		q, _ := http.NewRequest("GET", s.URL+"/v1/models", nil)
		q.Header.Set("Authorization", header)
		if status, o := s.do(t, q); status != want || strings.Contains(fmt.Sprint(o), "sk-") {
			t.Errorf("%q: %d %v, want %d", header, status, o, want)
		}
	}
}

// A page that a browser shows must not train here.
func TestOtherOrigin(t *testing.T) {
	s := unchecked(t, open(t, t.TempDir(), zero))
	q, _ := http.NewRequest("POST", s.URL+"/v1/fine_tuning/jobs", strings.NewReader("{}"))
	q.Header.Set("Origin", "https://example.com")
	if status, o := s.do(t, q); status != 403 {
		t.Errorf("%d %v", status, o)
	}
}

// Delays end with what they delay.
func TestDelaysEnd(t *testing.T) {
	gone := make(chan struct{}, 1)
	var line string
	server := open(t, t.TempDir(), localtune.Options{Latency: time.Hour, Log: func(l string) { line = l; gone <- struct{}{} }})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	server.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/v1/models", nil).WithContext(ctx))
	<-gone
	if !strings.HasPrefix(line, "GET /v1/models 499 ") {
		t.Errorf("logged %q", line)
	}
}

// The log names each request and why it was refused, on one line that no terminal acts upon.
func TestLog(t *testing.T) {
	var mu sync.Mutex
	var lines []string
	server := open(t, t.TempDir(), localtune.Options{Log: func(line string) { mu.Lock(); lines = append(lines, line); mu.Unlock() }})
	for _, target := range []string{"/v1/models", "/v1/files/\u009b31m", "/v1/files?limit=a%0Ab"} {
		r := httptest.NewRequest("GET", "/", nil)
		u, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		r.URL = u
		server.ServeHTTP(httptest.NewRecorder(), r)
	}
	for i, want := range []string{"GET /v1/models 200 ", "No such File object: _31m", `limit "a\nb" is not`} {
		if !strings.Contains(lines[i], want) || strings.ContainsAny(lines[i], "\n\u009b") {
			t.Errorf("line %d is %q, want %q", i, lines[i], want)
		}
	}
}

// Everything at once, for the race detector: each client sees its own files and jobs whole.
func TestManyClients(t *testing.T) {
	s := start(t, open(t, t.TempDir(), zero))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			file := s.upload(t, routing(30+i))
			id := s.create(t, file, fmt.Sprintf(`,"metadata":{"client":"%d"}`, i))
			s.must(t, "GET", "/fine_tuning/jobs?limit=100", "")
			model := s.await(t, id, "succeeded").text("fine_tuned_model")
			if got := fmt.Sprint(saidBy(s.chat(t, model, parcel, ""))); got != "[shipping stop]" {
				t.Errorf("client %d: %s", i, got)
			}
			if got := s.must(t, "GET", fmt.Sprintf("/fine_tuning/jobs?metadata[client]=%d", i), "").data(); len(got) != 1 || got[0].text("id") != id {
				t.Errorf("client %d: jobs %v", i, got)
			}
			s.must(t, "DELETE", "/files/"+file, "")
			s.must(t, "DELETE", "/models/"+model, "")
		})
	}
	wg.Wait()
	if got := s.must(t, "GET", "/files", "").data(); len(got) != 0 {
		t.Errorf("files left: %v", got)
	}
}

// Whatever is asked, the server neither panics nor blames itself, and refuses in the contract's form.
func FuzzServer(f *testing.F) {
	server, err := localtune.Open(f.TempDir(), localtune.Options{Parallel: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = server.Close() })
	s := unchecked(f, server)
	file := s.upload(f, routing(12))
	model := s.tune(f, routing(12))
	body, kind := form("purpose", "fine-tune", "file:a.jsonl", "{}\n")
	for _, seed := range []struct{ method, target, kind, body string }{
		{"POST", "/v1/files", kind, string(body)},
		{"GET", "/v1/files?limit=2&after=" + file + "&order=asc", "", ""},
		{"GET", "/v1/files/" + file + "/content", "", ""},
		{"POST", "/v1/uploads", "", `{"filename":"a","purpose":"fine-tune","bytes":3,"mime_type":"x","expires_after":{"anchor":"created_at","seconds":3600}}`},
		{"POST", "/v1/uploads/upload-1/complete", "", `{"part_ids":["part-1"],"md5":"x"}`},
		{"POST", "/v1/fine_tuning/jobs", "", fmt.Sprintf(`{"model":%q,"training_file":%q,"suffix":"x","seed":1,"metadata":{"a":"b"},"method":{"type":"supervised","supervised":{"hyperparameters":{"n_epochs":1,"batch_size":"auto","learning_rate_multiplier":1e300}}}}`, localtune.BaseModel, file)},
		{"GET", "/v1/fine_tuning/jobs?metadata[a]=b&limit=1", "", ""},
		{"POST", "/v1/chat/completions", "", fmt.Sprintf(`{"model":%q,"messages":%s,"stream":true,"n":2,"stream_options":{"include_usage":true}}`, model, parcel)},
		{"POST", "/v1/chat/completions", "", fmt.Sprintf(`{"model":%q,"messages":%s%s,"tool_choice":"auto"}`, localtune.BaseModel, parcel, twoTools)},
		{"POST", "/v1/embeddings", "", `{"model":"local-embedding","input":["x"],"encoding_format":"base64","dimensions":3}`},
		{"DELETE", "/v1/models/ft:x", "", ""},
		{"OPTIONS", "/v1/../x", "", ""},
	} {
		f.Add(seed.method, seed.target, seed.kind, seed.body)
	}
	f.Fuzz(func(t *testing.T, method, target, kind, body string) {
		r, err := http.NewRequest(method, "http://127.0.0.1", strings.NewReader(body))
		if err != nil {
			return
		}
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		r.URL, r.RequestURI = u, target
		r.Header.Set("Content-Type", kind)
		reply := httptest.NewRecorder()
		server.ServeHTTP(reply, r)
		if reply.Code >= 500 {
			t.Errorf("status %d: %s", reply.Code, reply.Body)
		}
		if reply.Code >= 400 && !bytes.HasPrefix(reply.Body.Bytes(), []byte(`{"error":{"code":`)) {
			t.Errorf("status %d: %s", reply.Code, reply.Body)
		}
	})
}
