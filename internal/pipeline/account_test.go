package pipeline

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tunegate/tunegate/internal/catalog"
	"github.com/tunegate/tunegate/internal/manifest"
)

// account is somebody's account at a service, in this process and on the test's clock: jobs take their time, list and
// state are what they are, a tuned model answers rightly and the base model never.
type account struct {
	length  time.Duration // of a job
	latency time.Duration // of a request
	places  int           // jobs of one base model at a time; 0: any number
	warming time.Duration // from the end of a job until its model is served
	tokens  int64         // that every job is billed for
	fails   string        // the error of every job, as JSON; "" for none
	state   string        // of a job that is under way; "" for running

	mu       sync.Mutex
	files    int
	made     int // jobs, those that are gone from the list included
	jobs     []*accountJob
	requests int
	refused  int
	most     map[string]int // jobs of a base model that were ever under way together
	down     bool           // the caller's machine has lost its power
}

type accountJob struct {
	id, agent, model string
	metadata         map[string]string
	created          time.Time
	cancelled        bool
}

const hosted = "hosted-model"

// hostedManifest is a manifest of n agents on the account.
func hostedManifest(t *testing.T, n int, tail string) *manifest.Manifest {
	m := load(t, "http://127.0.0.1:1/v1", n, tail)
	m.Prices = map[string]catalog.Price{hosted: {}}
	for i := range m.Agents {
		m.Agents[i].BaseModel = hosted
	}
	return m
}

func (a *account) RoundTrip(q *http.Request) (*http.Response, error) {
	var body []byte
	if q.Body != nil {
		body, _ = io.ReadAll(q.Body)
		q.Body.Close()
	}
	select {
	case <-time.After(a.latency):
	case <-q.Context().Done():
		return nil, q.Context().Err()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.down {
		return nil, fmt.Errorf("the machine is off")
	}
	a.requests++
	status, reply := a.answer(q, body)
	text, err := json.Marshal(reply)
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(text)), Request: q}, err
}

func (a *account) answer(q *http.Request, body []byte) (int, any) {
	list := func(of []any) (int, any) { return 200, map[string]any{"object": "list", "data": of, "has_more": false} }
	path := strings.TrimPrefix(q.URL.Path, "/v1")
	id, call, _ := strings.Cut(strings.TrimPrefix(path, "/fine_tuning/jobs/"), "/")
	switch {
	case path == "/files" && q.Method == "GET":
		return list([]any{})
	case path == "/files":
		a.files++
		return 200, map[string]any{"id": fmt.Sprintf("file-%d", a.files)}
	case path == "/fine_tuning/jobs" && q.Method == "GET":
		found := []any{}
		for _, j := range a.jobs {
			if want := q.URL.Query().Get("metadata[tunegate_run_key]"); want == "" || want == j.metadata["tunegate_run_key"] {
				found = append(found, a.object(j))
			}
		}
		return list(found)
	case path == "/fine_tuning/jobs":
		return a.create(body)
	case path == "/chat/completions":
		return a.chat(body)
	case call == "events":
		return list([]any{})
	}
	for _, j := range a.jobs {
		if j.id == id {
			j.cancelled = j.cancelled || call == "cancel" && a.live(j)
			return 200, a.object(j)
		}
	}
	return refusal(404, "not_found", "there is no such thing")
}

func refusal(status int, code, message string) (int, any) {
	return status, map[string]any{"error": map[string]any{"message": message, "type": "invalid_request_error", "code": code}}
}

func (a *account) create(body []byte) (int, any) {
	var spec struct {
		Model    string            `json:"model"`
		Metadata map[string]string `json:"metadata"`
	}
	if err := json.Unmarshal(body, &spec); err != nil {
		return refusal(400, "", err.Error())
	}
	live := 0
	for _, j := range a.jobs {
		if j.model == spec.Model && a.live(j) {
			live++
		}
	}
	if a.places > 0 && live >= a.places {
		a.refused++
		return refusal(429, "rate_limit_exceeded", "You have reached the maximum number of active fine-tuning jobs.")
	}
	if a.most == nil {
		a.most = map[string]int{}
	}
	a.most[spec.Model] = max(a.most[spec.Model], live+1)
	a.made++
	j := &accountJob{id: fmt.Sprintf("ftjob-%d", a.made), agent: spec.Metadata["tunegate_agent"], model: spec.Model, metadata: spec.Metadata, created: time.Now()}
	a.jobs = append(a.jobs, j)
	return 200, a.object(j)
}

func (a *account) status(j *accountJob) string {
	switch {
	case j.cancelled:
		return "cancelled"
	case time.Since(j.created) < a.length:
		return cmp.Or(a.state, "running")
	case a.fails != "":
		return "failed"
	}
	return "succeeded"
}

func (a *account) live(j *accountJob) bool { return !j.cancelled && time.Since(j.created) < a.length }

func (a *account) object(j *accountJob) map[string]any {
	o := map[string]any{"id": j.id, "object": "fine_tuning.job", "status": a.status(j), "created_at": j.created.Unix(), "metadata": j.metadata, "estimated_finish": j.created.Add(a.length).Unix()}
	switch o["status"] {
	case "succeeded":
		o["fine_tuned_model"], o["trained_tokens"] = "ft:"+j.id, a.tokens
	case "failed":
		o["error"] = json.RawMessage(a.fails)
	}
	return o
}

func (a *account) chat(body []byte) (int, any) {
	var q struct {
		Model    string
		Messages []struct{ Content string }
	}
	if err := json.Unmarshal(body, &q); err != nil {
		return refusal(400, "", err.Error())
	}
	answer := "cannot say"
	if id, tuned := strings.CutPrefix(q.Model, "ft:"); tuned {
		for _, j := range a.jobs {
			if j.id == id && time.Since(j.created) < a.length+a.warming {
				return refusal(404, "model_not_found", "The model does not exist.")
			}
		}
		answer = "billing"
		if last := q.Messages[len(q.Messages)-1].Content; strings.Contains(last, "printer") || strings.Contains(last, "laptop") {
			answer = "hardware"
		}
	}
	return 200, map[string]any{"choices": []any{map[string]any{"message": map[string]any{"role": "assistant", "content": answer}}}, "usage": map[string]any{"prompt_tokens": 20, "completion_tokens": 1}}
}

// perAgent counts the jobs that trained to the end, by agent.
func (a *account) perAgent() map[string]int {
	n := map[string]int{}
	for _, j := range a.jobs {
		if a.status(j) == "succeeded" {
			n[j.agent]++
		}
	}
	return n
}
