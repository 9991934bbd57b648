// Package nebiustest is a service with the contract of Nebius Token Factory, as its API description 20260506 has it: jobs
// with flat hyperparameters and without metadata, and tuned models that answer only while they are deployed. Behind it
// is a server of the plain contract. It is for tests alone, and shows nothing of what the real service does beyond its
// description.
package nebiustest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// BaseURL is the real service's; Transport leads its requests here.
const BaseURL = "https://api.tokenfactory.nebius.com/v1"

// Service is the service. The fields are set before the first request.
type Service struct {
	// Never keeps deployed models from answering; Broken has their validation fail.
	Never, Broken bool
	// Meddle, if not nil, may answer a request itself, by returning true.
	Meddle func(http.ResponseWriter, *http.Request) bool

	next   http.Handler
	server *httptest.Server
	mu     sync.Mutex
	models map[string]*model
	made   int
}

type model struct {
	Name   string `json:"name"`
	Base   string `json:"base_model"`
	Source string `json:"source"`
	Status string `json:"status"`
	Reason string `json:"status_reason,omitempty"`
	Job    string `json:"job_id"`
	plain  string // the name by which the server behind knows it
	looks  int
}

// New returns a service before next, for the length of the test.
func New(t testing.TB, next http.Handler) *Service {
	s := &Service{next: next, models: map[string]*model{}}
	s.server = httptest.NewServer(s)
	t.Cleanup(s.server.Close)
	return s
}

// Deployed returns the names of the models that are deployed, and how many ever were.
func (s *Service) Deployed() (names []string, made int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.models)), s.made
}

// RoundTrip implements http.RoundTripper: whatever the host, the service answers.
func (s *Service) RoundTrip(q *http.Request) (*http.Response, error) {
	at, err := url.Parse(s.server.URL)
	if err != nil {
		return nil, err
	}
	q = q.Clone(q.Context())
	q.URL.Scheme, q.URL.Host = at.Scheme, at.Host
	return http.DefaultTransport.RoundTrip(q)
}

// ServeHTTP implements http.Handler.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.Meddle != nil && s.Meddle(w, r) {
		return
	}
	path := strings.Trim(r.URL.Path, "/")
	switch {
	case path == "v0/models" || strings.HasPrefix(path, "v0/models/"):
		s.custom(w, r, strings.TrimPrefix(strings.TrimPrefix(path, "v0/models"), "/"))
	case path == "v1/fine_tuning/jobs" && r.Method == http.MethodPost:
		s.create(w, r)
	case strings.HasPrefix(path, "v1/fine_tuning/jobs") && !strings.HasSuffix(path, "s/events") && !strings.HasSuffix(path, "checkpoints"):
		r.URL.RawQuery = plainQuery(r.URL.Query())
		s.rewritten(w, r)
	case path == "v1/chat/completions":
		s.chat(w, r)
	default:
		s.next.ServeHTTP(w, r)
	}
}

func plainQuery(q url.Values) string {
	maps.DeleteFunc(q, func(name string, _ []string) bool { return strings.HasPrefix(name, "metadata") }) // not a filter here
	return q.Encode()
}

func refuse(w http.ResponseWriter, status int, format string, args ...any) {
	answer(w, status, map[string]any{"error": map[string]any{"message": fmt.Sprintf(format, args...), "type": "invalid_request_error", "code": nil, "param": nil}})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// create takes a job in the older form alone.
func (s *Service) create(w http.ResponseWriter, r *http.Request) {
	var q map[string]any
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		refuse(w, http.StatusBadRequest, "%v", err)
		return
	}
	h, _ := q["hyperparameters"].(map[string]any)
	for name := range q {
		if !slices.Contains([]string{"model", "training_file", "validation_file", "hyperparameters", "seed", "suffix"}, name) {
			refuse(w, http.StatusUnprocessableEntity, "%s is not a parameter", name)
			return
		}
	}
	for name, v := range h {
		_, number := v.(float64)
		if name == "lora" && v == true || (name == "n_epochs" || name == "batch_size" || name == "learning_rate") && number {
			continue
		}
		refuse(w, http.StatusUnprocessableEntity, "%s is not a hyperparameter, or not %v", name, v)
		return
	}
	delete(h, "lora")
	body, _ := json.Marshal(q) // as it was decoded
	plain := r.Clone(r.Context())
	plain.Body, plain.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	s.rewritten(w, plain)
}

// rewritten passes a request on and takes out of the reply what this service does not say.
func (s *Service) rewritten(w http.ResponseWriter, r *http.Request) {
	reply := httptest.NewRecorder()
	s.next.ServeHTTP(reply, r)
	var v map[string]any
	if json.Unmarshal(reply.Body.Bytes(), &v) != nil {
		refuse(w, http.StatusInternalServerError, "no JSON")
		return
	}
	jobs, _ := v["data"].([]any)
	for _, j := range append(jobs, v) {
		if j, ok := j.(map[string]any); ok && j["object"] == "fine_tuning.job" {
			if suffix, ok := j["user_provided_suffix"]; ok {
				j["suffix"] = suffix
			}
			for _, name := range []string{"fine_tuned_model", "metadata", "method", "user_provided_suffix"} {
				delete(j, name)
			}
		}
	}
	answer(w, reply.Code, v)
}

// custom serves the deployed models.
func (s *Service) custom(w http.ResponseWriter, r *http.Request, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.models[name]
	switch {
	case name == "" && r.Method == http.MethodGet:
		all := []*model{}
		for _, name := range slices.Sorted(maps.Keys(s.models)) {
			all = append(all, s.models[name])
		}
		answer(w, http.StatusOK, map[string]any{"object": "list", "data": all})
	case name == "" && r.Method == http.MethodPost:
		s.deploy(w, r)
	case m == nil:
		refuse(w, http.StatusNotFound, "no model %q", name)
	case r.Method == http.MethodDelete:
		delete(s.models, name)
		m.Status = "deleted"
		answer(w, http.StatusOK, m)
	default:
		m.looks++
		switch {
		case s.Never:
		case s.Broken:
			m.Status, m.Reason = "error", "the adapter does not fit"
		case m.looks > 1:
			m.Status = "active"
		}
		answer(w, http.StatusOK, m)
	}
}

func (s *Service) deploy(w http.ResponseWriter, r *http.Request) {
	var m model
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil || m.Name == "" || m.Base == "" {
		refuse(w, http.StatusUnprocessableEntity, "name and base_model are needed")
		return
	}
	job, point, _ := strings.Cut(m.Source, ":")
	reply := httptest.NewRecorder()
	s.next.ServeHTTP(reply, inner(r, "/v1/fine_tuning/jobs/"+job))
	var j struct {
		Model *string `json:"fine_tuned_model"`
	}
	if json.Unmarshal(reply.Body.Bytes(), &j) != nil || j.Model == nil || point == "" {
		refuse(w, http.StatusBadRequest, "no checkpoint %q", m.Source)
		return
	}
	s.made++
	m.Name, m.Status, m.Job, m.plain = fmt.Sprintf("%s-LoRa:%s-r%d", m.Base, m.Name, s.made), "validating", job, *j.Model
	s.models[m.Name] = &m
	answer(w, http.StatusOK, m)
}

func inner(r *http.Request, path string) *http.Request {
	q, _ := http.NewRequestWithContext(r.Context(), http.MethodGet, path, http.NoBody) // of a path that is well formed
	q.Header.Set("Authorization", r.Header.Get("Authorization"))
	return q
}

// chat answers for the base model, and for a deployed one that is active.
func (s *Service) chat(w http.ResponseWriter, r *http.Request) {
	var q map[string]any
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		refuse(w, http.StatusBadRequest, "%v", err)
		return
	}
	name, _ := q["model"].(string)
	s.mu.Lock()
	m := s.models[name]
	if m != nil && m.Status == "active" {
		q["model"] = m.plain
	} else if strings.HasPrefix(name, "ft:") || m != nil {
		q["model"] = "not-deployed"
	}
	s.mu.Unlock()
	body, _ := json.Marshal(q)
	plain := r.Clone(r.Context())
	plain.Body, plain.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	s.next.ServeHTTP(w, plain)
}
