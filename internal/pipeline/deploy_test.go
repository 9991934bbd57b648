package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/localtune"
	"github.com/tunegate/tunegate/internal/localtune/wiretest"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/openaiapi/nebiustest"
	"github.com/tunegate/tunegate/internal/report"
	"github.com/tunegate/tunegate/internal/train"
)

// nebius is a service whose tuned models must be deployed, and a manifest with n agents on it.
func nebius(t *testing.T, n int) (*nebiustest.Service, *manifest.Manifest) {
	t.Helper()
	e, err := localtune.Open(t.TempDir(), localtune.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	m := load(t, "http://127.0.0.1/v1", n, "")
	m.Providers["served"] = manifest.Provider{Kind: manifest.KindOpenAI, BaseURL: nebiustest.BaseURL}
	return nebiustest.New(t, wiretest.Check(t, e)), m
}

func startAt(t *testing.T, ctx context.Context, m *manifest.Manifest, through http.RoundTripper, notify func(Event)) report.Report {
	t.Helper()
	r, err := Run(ctx, m, Options{State: t.TempDir(), Wait: -1, Getenv: func(string) string { return "" }, Transport: through, Notify: notify})
	if err != nil && ctx.Err() == nil {
		t.Fatal(err)
	}
	return r
}

// A tuned model is deployed for its benchmark and taken down after it, in each run anew; the fine-tune is paid once.
func TestDeployForTheBenchmark(t *testing.T) {
	s, m := nebius(t, 2)
	for run := range 2 {
		r := startAt(t, t.Context(), m, s, nil)
		if verdicts(r) != "pass pass" || r.Launched != 2*(1-run) {
			t.Errorf("run %d: %s, %d launched; %q", run, verdicts(r), r.Launched, r.Legs[0].Reasons)
		}
		left, made := s.Deployed()
		if len(left) > 0 || made != 2*(run+1) {
			t.Errorf("run %d: %d deployed, left behind %q", run, made, left)
		}
		l := r.Legs[0]
		if model := l.Phases[0].Model; !strings.Contains(model, "-LoRa:agent-0-") || !slices.ContainsFunc(l.Next, func(s string) bool { return strings.Contains(s, model+" was taken down") }) {
			t.Errorf("the model is %q, next %q", model, l.Next)
		}
	}
}

// Whatever ends a benchmark, what was deployed for it is taken down.
func TestDeployedModelIsTakenDown(t *testing.T) {
	chat := func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/chat/completions") }
	for name, c := range map[string]struct {
		meddle func(s *nebiustest.Service, stop func()) func(http.ResponseWriter, *http.Request) bool
		want   gate.Verdict
		reason string
	}{
		"the benchmark fails": {func(*nebiustest.Service, func()) func(http.ResponseWriter, *http.Request) bool {
			return func(w http.ResponseWriter, r *http.Request) bool {
				if chat(r) {
					w.WriteHeader(http.StatusTeapot)
				}
				return chat(r)
			}
		}, gate.Error, "had no answer"},
		"the run is interrupted": {func(s *nebiustest.Service, stop func()) func(http.ResponseWriter, *http.Request) bool {
			return func(_ http.ResponseWriter, r *http.Request) bool {
				if _, made := s.Deployed(); chat(r) && made > 0 { // the base is asked before
					stop()
				}
				return false
			}
		}, gate.Pending, "interrupted in the benchmark"},
		"it cannot be deployed": {func(s *nebiustest.Service, _ func()) func(http.ResponseWriter, *http.Request) bool {
			s.Broken = true
			return nil
		}, gate.Error, "the adapter does not fit"},
	} {
		t.Run(name, func(t *testing.T) {
			s, m := nebius(t, 1)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			s.Meddle = c.meddle(s, stop)
			r := startAt(t, ctx, m, s, nil)
			if l := r.Legs[0]; l.Verdict != c.want || !strings.Contains(l.Reasons[0], c.reason) {
				t.Errorf("%s: %q, want %s: %s", l.Verdict, l.Reasons, c.want, c.reason)
			}
			if left, made := s.Deployed(); len(left) > 0 || made != 1 {
				t.Errorf("%d deployed, left behind %q", made, left)
			}
		})
	}
}

// A run that finds the model deployed asks it and leaves it there: the run that deployed it may still be asking.
func TestDeployedModelIsShared(t *testing.T) {
	s, m := nebius(t, 1)
	second := sync.OnceFunc(func() {
		r := startAt(t, t.Context(), m, s, nil)
		if l := r.Legs[0]; l.Verdict != gate.Pass || !slices.ContainsFunc(l.Next, func(s string) bool { return strings.Contains(s, "was deployed before this run") }) {
			t.Errorf("the second run: %s, %q, next %q", l.Verdict, l.Reasons, l.Next)
		}
		if left, made := s.Deployed(); len(left) != 1 || made != 1 {
			t.Errorf("after the second run: %d deployed, left %q", made, left)
		}
	})
	r := startAt(t, t.Context(), m, s, func(e Event) {
		if strings.Contains(e.Text, "deployed as") {
			second()
		}
	})
	if left, made := s.Deployed(); r.Verdict != gate.Pass || len(left) != 0 || made != 1 {
		t.Errorf("%s, %d deployed, left %q", r.Verdict, made, left)
	}
}

// What could not be taken down is named, and the verdict stands.
func TestDeployedModelThatStays(t *testing.T) {
	s, m := nebius(t, 1)
	s.Meddle = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodDelete {
			w.WriteHeader(http.StatusForbidden)
		}
		return r.Method == http.MethodDelete
	}
	r := startAt(t, t.Context(), m, s, nil)
	left, _ := s.Deployed()
	if l := r.Legs[0]; l.Verdict != gate.Pass || len(left) != 1 || !slices.ContainsFunc(l.Next, func(s string) bool { return strings.HasPrefix(s, "take down "+left[0]+" yourself") }) {
		t.Errorf("%s, left %q, next %q", l.Verdict, left, l.Next)
	}
}

// A job that succeeds without a model has nothing to ask.
func TestNoModelAtAll(t *testing.T) {
	base := service(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.URL.Path, "/fine_tuning/jobs/ftjob") || r.Method != http.MethodGet {
				next.ServeHTTP(w, r)
				return
			}
			_, after, _ := strings.Cut(r.URL.Path, "/fine_tuning/jobs/")
			id, _, _ := strings.Cut(after, "/")
			_, _ = fmt.Fprintf(w, `{"id":%q,"status":"succeeded","data":[]}`, id)
		})
	})
	if l := start(t, load(t, base, 1, "")).Legs[0]; l.Verdict != gate.Error || !strings.Contains(l.Reasons[0], "names no model") {
		t.Errorf("%s: %q", l.Verdict, l.Reasons)
	}
}

// asBase is a service that answers for its tuned models by the base model, as one does that drops an adapter.
func asBase(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/chat/completions") {
			var q map[string]any
			_ = json.NewDecoder(r.Body).Decode(&q)
			q["model"] = localtune.BaseModel
			body, _ := json.Marshal(q)
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		}
		next.ServeHTTP(w, r)
	})
}

// A fine-tune that does not answer is no fine-tune without effect.
func TestTunedModelThatIsTheBase(t *testing.T) {
	r := start(t, load(t, service(t, asBase), 1, "benchmark: {stop: never}\n"))
	l := r.Legs[0]
	if l.Verdict != gate.Error || !strings.Contains(l.Reasons[0], "answers like the base") || l.Phases[0].Decision == nil {
		t.Errorf("%s: %q", l.Verdict, l.Reasons)
	}
}

func TestLikeBase(t *testing.T) {
	for name, c := range map[string]struct {
		n, differ, right int
		want             bool
	}{
		"all the same":             {100, 0, 50, true},
		"all but one of a 100":     {100, 1, 50, true},
		"all but two of a 100":     {100, 2, 50, false},
		"twenty":                   {20, 0, 10, true},
		"too few to tell":          {19, 0, 0, false},
		"a base that is perfect":   {100, 0, 100, false},
		"a base right nearly so":   {100, 0, 90, false},
		"a base with some to go":   {100, 0, 89, true},
		"half of them":             {100, 50, 50, false},
		"nothing was right":        {100, 0, 0, true},
		"nothing was asked at all": {0, 0, 0, false},
	} {
		samples := both("failed", 0, 0)
		samples[0].Error = "no answer"
		for i := range c.n {
			pair := both("t", 0, 0)
			if i >= c.differ {
				pair[1].Answer = pair[0].Answer
			}
			if i < c.right {
				pair[0].Score = 1
			}
			samples = append(samples, pair...)
		}
		if got := likeBase(samples); (got > 0) != c.want {
			t.Errorf("%s: %d the same", name, got)
		}
	}
}

// A base model that ends soon is a warning of the plan, with its place in the manifest.
func TestModelThatEnds(t *testing.T) {
	m := load(t, "http://127.0.0.1/v1", 1, "")
	m.Agents[0].BaseModel = "gpt-4o-mini-2024-07-18"
	a, err := Audit(t.Context(), m, m.Agents[0], AuditOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if f := a.Findings[0]; f.Rule != "model-ends" || f.Line != m.Agents[0].Pos.Line || !strings.Contains(f.Message, "2027-01-14") {
		t.Errorf("found %+v", a.Findings)
	}
}

// What only the service knows is said before anything is launched.
func TestModelThatTheServiceEnds(t *testing.T) {
	for day, warned := range map[string]bool{time.Now().AddDate(0, 0, 30).Format(time.DateOnly): true, time.Now().AddDate(2, 0, 0).Format(time.DateOnly): false, "soon": false} {
		base := service(t, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/models/local-zero-shot") {
					_ = json.NewEncoder(w).Encode(map[string]any{"id": "local-zero-shot", "shutdown_date": day})
					return
				}
				next.ServeHTTP(w, r)
			})
		})
		var mu sync.Mutex
		var told []string
		r := startAt(t, t.Context(), load(t, base, 1, ""), nil, func(e Event) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, e.Text)
		})
		text := "local-zero-shot is shut down on " + day
		at := slices.IndexFunc(told, func(s string) bool { return strings.Contains(s, text) })
		launch := slices.IndexFunc(told, func(s string) bool { return strings.Contains(s, "launching") })
		if said := slices.ContainsFunc(r.Legs[0].Next, func(s string) bool { return strings.Contains(s, text) }); said != warned || (at >= 0) != warned || at > launch {
			t.Errorf("%s: said %t, told at %d of %q", day, said, at, told)
		}
	}
}

// A large file on a slow line says how far it is.
func TestShowUpload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		r := &run{Options: Options{Notify: func(e Event) { told = append(told, e.Text) }}}
		f := train.File{Size: 64 << 20, Open: func() (io.ReadCloser, error) { return io.NopCloser(slowly{}), nil }}
		data, err := r.showUpload(&leg{}, phase{name: "full"}, f).Open()
		if err != nil {
			t.Fatal(err)
		}
		for range 64 {
			if _, err := io.CopyN(io.Discard, data, 1<<20); err != nil {
				t.Fatal(err)
			}
		}
		if len(told) != 6 || told[0] != "full: uploading, 10 of 64 MB" || told[5] != "full: uploading, 60 of 64 MB" {
			t.Errorf("told %q", told)
		}
		small := train.File{Size: 1 << 20, Open: f.Open}
		if data, err := r.showUpload(&leg{}, phase{}, small).Open(); err != nil || data != io.NopCloser(slowly{}) {
			t.Errorf("a small file is %T, %v", data, err)
		}
	})
}

// slowly yields 1 MB a second.
type slowly struct{}

func (slowly) Read(p []byte) (int, error) {
	n := min(len(p), 1<<15)
	time.Sleep(time.Second * time.Duration(n) / (1 << 20))
	return n, nil
}
