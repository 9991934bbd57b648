package localtune_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tunegate/tunegate/internal/localtune"
	"github.com/tunegate/tunegate/internal/localtune/wiretest"
)

var zero localtune.Options

// open opens a server on dir, for the length of the test.
func open(t testing.TB, dir string, o localtune.Options) *localtune.Server {
	t.Helper()
	s, err := localtune.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// site is a server that listens. Its exchanges are checked against the contract, but for those of benchmarks.
type site struct{ *httptest.Server }

func start(t testing.TB, s http.Handler) site {
	if _, bench := t.(*testing.B); !bench {
		s = wiretest.Check(t, s)
	}
	return unchecked(t, s)
}

// unchecked is start for exchanges that the description of the contract, or its reader, knows nothing of.
func unchecked(t testing.TB, s http.Handler) site {
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return site{h}
}

// object is a reply's JSON.
type object map[string]any

func (o object) text(key string) string { s, _ := o[key].(string); return s }

// data is the list in a reply.
func (o object) data() []object {
	all, _ := o["data"].([]any)
	list := make([]object, len(all))
	for i, v := range all {
		list[i], _ = v.(map[string]any)
	}
	return list
}

// call sends body, JSON unless it is nil, and returns the status and the reply.
func (s site) call(t testing.TB, method, path, body string) (int, object) {
	t.Helper()
	var send io.Reader
	if body != "" {
		send = strings.NewReader(body)
	}
	q, err := http.NewRequestWithContext(t.Context(), method, s.URL+"/v1"+path, send)
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		q.Header.Set("Content-Type", "application/json")
	}
	return s.do(t, q)
}

func (s site) do(t testing.TB, q *http.Request) (int, object) {
	t.Helper()
	r, err := s.Client().Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	var o object
	if len(raw) > 0 && json.Unmarshal(raw, &o) != nil {
		o = object{"raw": string(raw)}
	}
	return r.StatusCode, o
}

// must is call where the reply is to be 200.
func (s site) must(t testing.TB, method, path, body string) object {
	t.Helper()
	status, o := s.call(t, method, path, body)
	if status != http.StatusOK {
		t.Fatalf("%s %s: status %d, %v", method, path, status, o)
	}
	return o
}

// refused is call where the reply is to be an error of that status; it returns the error.
func (s site) refused(t testing.TB, want int, method, path, body string) object {
	t.Helper()
	status, o := s.call(t, method, path, body)
	if status != want {
		t.Errorf("%s %s %.80s: status %d, want %d: %v", method, path, body, status, want, o)
	}
	e, _ := o["error"].(map[string]any)
	return e
}

// form is a multipart body of field=value pairs in order; a field named file or data gets the value as a file that
// is called as the field's name, after a colon, says.
func form(fields ...string) (body []byte, contentType string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(fields); i += 2 {
		name, file, isFile := strings.Cut(fields[i], ":")
		if isFile {
			p, _ := w.CreateFormFile(name, file)
			_, _ = io.WriteString(p, fields[i+1])
		} else {
			_ = w.WriteField(name, fields[i+1])
		}
	}
	_ = w.Close()
	return b.Bytes(), w.FormDataContentType()
}

// send posts a form.
func (s site) send(t testing.TB, path string, fields ...string) (int, object) {
	t.Helper()
	body, kind := form(fields...)
	q, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+"/v1"+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Content-Type", kind)
	return s.do(t, q)
}

// upload uploads training data and returns the file's id.
func (s site) upload(t testing.TB, data string) string {
	t.Helper()
	status, o := s.send(t, "/files", "purpose", "fine-tune", "file:train.jsonl", data)
	if status != http.StatusOK {
		t.Fatalf("upload: %d %v", status, o)
	}
	return o.text("id")
}

// create creates a job on a file; more is further JSON members.
func (s site) create(t testing.TB, file, more string) string {
	t.Helper()
	return s.must(t, "POST", "/fine_tuning/jobs", fmt.Sprintf(`{"model":%q,"training_file":%q%s}`, localtune.BaseModel, file, more)).text("id")
}

// await polls a job until it is in one of the states, and returns it.
func (s site) await(t testing.TB, job string, states ...string) object {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; {
		o := s.must(t, "GET", "/fine_tuning/jobs/"+job, "")
		for _, state := range states {
			if o.text("status") == state {
				return o
			}
		}
		switch o.text("status") {
		case "succeeded", "failed", "cancelled":
			t.Fatalf("job ended as %v, want %v", o, states)
		}
		if time.Now().After(end) {
			t.Fatalf("job is still %s, want %v", o.text("status"), states)
		}
		select { // as a client polls
		case <-time.After(time.Millisecond):
		case <-t.Context().Done():
			t.Fatalf("the test ended while job is %s", o.text("status"))
		}
	}
}

// tune trains a model on data and returns its name.
func (s site) tune(t testing.TB, data string) string {
	t.Helper()
	return s.await(t, s.create(t, s.upload(t, data), ""), "succeeded").text("fine_tuned_model")
}

// routing is n rows of training data with three answers.
func routing(n int) string {
	var b strings.Builder
	topics := [][2]string{{"I was charged twice for order %d", "billing"}, {"where is parcel %d", "shipping"}, {"I want to send item %d back", "returns"}}
	for i := range n {
		topic := topics[i%3]
		fmt.Fprintf(&b, `{"messages":[{"role":"system","content":"Route the request."},{"role":"user","content":"`+topic[0]+`"},{"role":"assistant","content":%q}]}`+"\n", i, topic[1])
	}
	return b.String()
}

// calling is n rows whose answers are tool calls.
func calling(n int) string {
	var b strings.Builder
	for i := range n {
		city := []string{"Oslo", "Lima", "Cairo", "Quito", "Dakar"}[i%5]
		day := []string{"today", "tomorrow", "on Monday"}[i%3]
		fmt.Fprintf(&b, `{"messages":[{"role":"user","content":"weather in %s %s please"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_%d","type":"function","function":{"name":"weather","arguments":"{\"city\":\"%s\",\"day\":\"%s\"}"}}]}]}`+"\n", city, day, i, city, day)
	}
	return b.String()
}

func post(t testing.TB, url string, body []byte) []byte {
	t.Helper()
	r, err := http.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	raw, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%d %s %v", r.StatusCode, raw, err)
	}
	return raw
}
