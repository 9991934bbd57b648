package train

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// service is a scripted provider: its jobs run for a while and then end as told.
type service struct {
	mu      sync.Mutex // of jobs
	jobs    []Job
	ends    Status        // of jobs that ran long enough; "" means Succeeded
	runs    time.Duration // how long a job takes
	lag     time.Duration // how long the list does not show a new job
	start   func() error  // called before a create takes place; its error is returned without one
	reply   func() error  // called after it; its error loses the reply
	creates int
	polls   int
	broken  func() error // error of Find and Poll
	upload  time.Duration
}

func (s *service) Upload(context.Context, File) (string, error) {
	time.Sleep(s.upload)
	return "file-1", nil
}

func (s *service) Start(ctx context.Context, spec Spec, _, _ string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if s.start != nil {
		if err := s.start(); err != nil {
			return "", err
		}
	}
	s.mu.Lock()
	s.creates++
	j := Job{ID: fmt.Sprintf("job-%d", len(s.jobs)+1), Key: spec.Key(), Attempt: spec.Attempt, Status: Running, CreatedAt: time.Now()}
	s.jobs = append(s.jobs, j)
	s.mu.Unlock()
	if s.reply != nil {
		if err := s.reply(); err != nil {
			return "", err
		}
	}
	return j.ID, nil
}

func (s *service) now(i int) Job {
	j := &s.jobs[i]
	if !j.Status.Final() && time.Since(j.CreatedAt) >= s.runs {
		if j.Status = s.ends; j.Status == "" {
			j.Status, j.Model = Succeeded, "ft:"+j.ID
		}
	}
	return *j
}

func (s *service) Find(ctx context.Context, _ Key) ([]Job, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.broken != nil {
		if err := s.broken(); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Job // of every key: the filter is ignored, as some services do
	for i := range s.jobs {
		if time.Since(s.jobs[i].CreatedAt) >= s.lag {
			out = append(out, s.now(i))
		}
	}
	return out, nil
}

func (s *service) Poll(_ context.Context, id string) (Job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.polls++
	if s.broken != nil {
		if err := s.broken(); err != nil {
			return Job{}, err
		}
	}
	for i := range s.jobs {
		if s.jobs[i].ID == id {
			return s.now(i), nil
		}
	}
	return Job{}, ErrNotFound
}

func (s *service) Cancel(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.jobs {
		if s.jobs[i].ID == id && !s.now(i).Status.Final() {
			s.jobs[i].Status = Cancelled
		}
	}
	return nil
}

var testSpec = Spec{Endpoint: "https://llm.example.com/v1", Model: "m", Method: "supervised", Epochs: 1, Seed: 1, Training: "abc", Agent: "router"}

// runner is one machine: a journal, and a launch that uses it.
type runner struct {
	journal []Event
	launch  Launch
}

func newRunner(p Provider) *runner {
	r := &runner{}
	r.launch = Launch{Provider: p, Spec: testSpec, Settle: 90 * time.Second,
		Training: File{Name: "train.jsonl", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("{}")), nil }},
		Record:   func(e Event) error { r.journal = append(r.journal, e); return nil }}
	return r
}

func (r *runner) advance(t *testing.T) (State, error) {
	t.Helper()
	r.launch.Past = slices.Clone(r.journal)
	return Advance(t.Context(), r.launch)
}

func (r *runner) kinds() string {
	var all []string
	for _, e := range r.journal {
		all = append(all, string(e.Kind))
	}
	return strings.Join(all, " ")
}
