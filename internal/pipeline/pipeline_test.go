package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/localtune"
	"github.com/tunegate/tunegate/internal/localtune/wiretest"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/report"
)

// service is the embedded server behind a handler that may meddle with requests.
func service(t *testing.T, meddle func(next http.Handler) http.Handler) string {
	t.Helper()
	e, err := localtune.Open(t.TempDir(), localtune.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	h := wiretest.Check(t, e)
	if meddle != nil {
		h = wiretest.CheckRequests(t, meddle(h))
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL + "/v1"
}

// load writes a manifest with n agents on the service and loads it. Each has data of its own; tail is added at the end.
func load(t *testing.T, base string, n int, tail string) *manifest.Manifest {
	t.Helper()
	dir := t.TempDir()
	var m strings.Builder
	fmt.Fprintf(&m, "version: 1\nproviders:\n  served: {kind: openai, base_url: '%s'}\ndefaults: {provider: served, base_model: local-zero-shot}\nagents:\n", base)
	for a := range n {
		var train, tests strings.Builder
		for i := range 60 {
			word, label := []string{"printer", "laptop", "invoice", "refund"}[i%4], []string{"hardware", "hardware", "billing", "billing"}[i%4]
			system := fmt.Sprintf(`{"role":"system","content":"Desk %d. Answer with one word. Words: hardware, billing."}`, a)
			fmt.Fprintf(&train, `{"messages":[%s,{"role":"user","content":"case %d about my %s"},{"role":"assistant","content":"%s"}]}`+"\n", system, i, word, label)
			fmt.Fprintf(&tests, `{"id":"t%d","input":[%s,{"role":"user","content":"my %s again, number %d"}],"ideal":"%s"}`+"\n", i, system, word, 1000+i, label)
		}
		for name, text := range map[string]string{"train": train.String(), "tests": tests.String()} {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s%d.jsonl", name, a)), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		fmt.Fprintf(&m, "  agent-%d: {train: train%d.jsonl, benchmark: {tests: tests%d.jsonl, grader: exact}}\n", a, a, a)
	}
	m.WriteString(tail)
	path := filepath.Join(dir, "tunegate.yaml")
	if err := os.WriteFile(path, []byte(m.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := manifest.Load(path, dir)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func start(t *testing.T, m *manifest.Manifest) report.Report {
	t.Helper()
	r, err := Run(t.Context(), m, Options{State: t.TempDir(), Wait: -1, Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func verdicts(r report.Report) string {
	var all []string
	for _, a := range r.Agents {
		all = append(all, string(a.Verdict))
	}
	return strings.Join(all, " ")
}

const paid = "prices:\n  local-zero-shot: {train_per_million: 1000, input_per_million: 1, output_per_million: 1}\n"

// A budget for two of five pays for the first two, whatever goroutine comes first, and never more.
func TestBudgetPaysForTheFirstLegs(t *testing.T) {
	base := service(t, nil)
	whole := load(t, base, 5, paid)
	plan, err := MakePlan(t.Context(), whole, Options{})
	if err != nil || plan.TrainingUSD <= 0 || plan.BenchmarkUSD <= 0 {
		t.Fatalf("plan %+v, %v", plan, err)
	}
	budget := float64(plan.CostUSD) * 2.5 / 5
	for range 3 {
		m := load(t, base, 5, paid+fmt.Sprintf("budget: {max_cost_usd: %.4f}\n", budget))
		m.Agents[0].Seed += 1000 // another fine-tune each time
		for i := range m.Agents {
			m.Agents[i].Seed = m.Agents[0].Seed
		}
		r := start(t, m)
		if want := "pass pass inconclusive inconclusive inconclusive"; verdicts(r) != want || r.Launched != 2 || r.CostUSD > budget {
			t.Errorf("verdicts %q, %d launched for $%.4f of $%.4f; want %q", verdicts(r), r.Launched, r.CostUSD, budget, want)
		}
		if reason := r.Legs[2].Reasons[0]; !strings.Contains(reason, "over the budget") {
			t.Errorf("the third leg says %q", reason)
		}
		base = service(t, nil) // a new account: nothing to reuse
	}
}

// What was billed is reported, not what was estimated, and what is reused costs nothing.
func TestActualCost(t *testing.T) {
	m := load(t, service(t, nil), 1, paid+"benchmark: {stop: never, full: all}\n")
	r := start(t, m)
	p := r.Legs[0].Phases[0]
	training := float64(p.TrainedTokens) / 1e6 * 1000
	asked := float64(p.Benchmark.InputTokens+p.Benchmark.OutputTokens) / 1e6
	if p.TrainedTokens == 0 || r.CostUSD < training+asked-1e-9 || r.CostUSD > training+asked+1e-9 {
		t.Errorf("cost $%g, want $%g of training and $%g of benchmark", r.CostUSD, training, asked)
	}
	if got := r.Legs[0].Estimate.TrainingUSD; got < training-1e-9 || got > training+1e-9 {
		t.Errorf("estimated $%g, billed $%g", got, training)
	}
	again := start(t, m)
	if again.Launched != 0 || again.CostUSD < asked-1e-9 || again.CostUSD > asked+1e-9 {
		t.Errorf("the repeat launched %d and cost $%g, want the benchmark's $%g", again.Launched, again.CostUSD, asked)
	}
}

// What the plan says of the embedded engine is what it then trains.
func TestPlannedTokensOfTheEmbeddedEngine(t *testing.T) {
	m := load(t, "http://127.0.0.1:1/v1", 1, "")
	m.Agents[0].Provider = manifest.LocalProvider
	r := start(t, m)
	if p := r.Legs[0].Phases[0]; r.Verdict != gate.Pass || p.TrainedTokens == 0 || p.TrainingTokens != p.TrainedTokens {
		t.Errorf("verdict %s, %d tokens planned, %d trained", r.Verdict, p.TrainingTokens, p.TrainedTokens)
	}
}

// Nothing reaches a service before every leg is sound, priced and within its hours.
func TestNothingIsLaunched(t *testing.T) {
	untouched := func(t *testing.T) string {
		return service(t, func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.Errorf("%s %s was sent", r.Method, r.URL) })
		})
	}
	t.Run("unknown price", func(t *testing.T) {
		m := load(t, untouched(t), 2, "")
		m.Agents[1].BaseModel = "somebody-elses-model"
		r := start(t, m)
		if want := "inconclusive inconclusive"; verdicts(r) != want || !strings.Contains(r.Legs[1].Reasons[0], "price of somebody-elses-model is unknown") {
			t.Errorf("verdicts %q, reasons %q", verdicts(r), r.Legs[1].Reasons)
		}
	})
	t.Run("too many hours", func(t *testing.T) {
		hours := 1e-12
		m := load(t, untouched(t), 1, "")
		m.Budget.MaxHours = &hours
		if r := start(t, m); verdicts(r) != "inconclusive" || !strings.Contains(r.Legs[0].Reasons[0], "max_hours") {
			t.Errorf("verdicts %q, reasons %q", verdicts(r), r.Legs[0].Reasons)
		}
	})
	t.Run("missing key", func(t *testing.T) {
		m := load(t, untouched(t), 1, "")
		p := m.Providers["served"]
		p.APIKeyEnv = "NO_SUCH_KEY"
		m.Providers["served"] = p
		r, err := Run(t.Context(), m, Options{State: t.TempDir(), Wait: -1, Getenv: func(string) string { return "" }})
		var mistakes diag.Mistakes
		if !errors.As(err, &mistakes) || !strings.Contains(err.Error(), "NO_SUCH_KEY") || verdicts(r) != "error" {
			t.Errorf("error %v, verdicts %q", err, verdicts(r))
		}
	})
	t.Run("a test that nothing can pass", func(t *testing.T) {
		m := load(t, untouched(t), 1, "")
		m.Agents[0].Grader.Name = "numeric"
		if r := start(t, m); verdicts(r) != "fail" || r.Legs[0].Audit.Findings[0].Rule != "bad-ideal" {
			t.Errorf("verdicts %q, findings %v", verdicts(r), r.Legs[0].Audit.Findings)
		}
	})
}

// Two agents with the same data are one fine-tune, launched once.
func TestEqualDataIsLaunchedOnce(t *testing.T) {
	for range 3 {
		m := load(t, service(t, nil), 4, "")
		for i := range m.Agents {
			m.Agents[i].TrainPath = m.Agents[0].TrainPath
		}
		r := start(t, m)
		if r.Launched != 1 || r.Agents[3].Model != r.Agents[0].Model {
			t.Errorf("%d jobs launched, models %s and %s", r.Launched, r.Agents[0].Model, r.Agents[3].Model)
		}
	}
}

// What the first run would not pay for, the same command does not pay for the second time.
func TestBudgetHoldsOverRuns(t *testing.T) {
	base := service(t, nil)
	plan, err := MakePlan(t.Context(), load(t, base, 3, paid), Options{})
	if err != nil {
		t.Fatal(err)
	}
	m := load(t, base, 3, paid+fmt.Sprintf("budget: {max_cost_usd: %.4f}\n", plan.CostUSD*1.5/3))
	for i, launched := range []int{1, 0, 0} {
		if r := start(t, m); r.Launched != launched || verdicts(r) != "pass inconclusive inconclusive" {
			t.Errorf("run %d: %d launched, verdicts %q", i+1, r.Launched, verdicts(r))
		}
	}
}

// Ten ids do not make one question ten.
func TestRepeatedTestsCountOnce(t *testing.T) {
	m := load(t, service(t, nil), 1, "")
	line := `{"id":"%d","input":[{"role":"system","content":"Words: hardware, billing."},{"role":"user","content":"my printer"}],"ideal":"hardware"}`
	var tests strings.Builder
	for i := range 10 {
		fmt.Fprintf(&tests, line+"\n", i)
	}
	if err := os.WriteFile(m.Agents[0].TestsPath, []byte(tests.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	r := start(t, m)
	if verdicts(r) != "inconclusive" || r.Launched != 0 || !strings.Contains(r.Legs[0].Reasons[0], "1 test cannot show anything") || len(r.Legs[0].Audit.Findings) != 9 {
		t.Errorf("verdict %q, %d launched, reasons %q, %d findings", verdicts(r), r.Launched, r.Legs[0].Reasons, len(r.Legs[0].Audit.Findings))
	}
}

// A service that fails is no wrong answer: a few lost tests do not count, many leave no verdict.
func TestLostAnswers(t *testing.T) {
	for every, want := range map[int]gate.Verdict{30: gate.Pass, 3: gate.Error} {
		base := service(t, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/chat/completions") {
					body, _ := io.ReadAll(r.Body)
					r.Body = io.NopCloser(bytes.NewReader(body))
					var q struct{ Messages []struct{ Content string } }
					_ = json.Unmarshal(body, &q)
					var n int
					_, _ = fmt.Sscanf(q.Messages[1].Content[strings.LastIndex(q.Messages[1].Content, " ")+1:], "%d", &n)
					if n%every == 0 {
						http.Error(w, "no", http.StatusBadRequest)
						return
					}
				}
				next.ServeHTTP(w, r)
			})
		})
		m := load(t, base, 1, "benchmark: {stop: never}\n")
		m.Execution = manifest.Sequential
		r := start(t, m)
		b := r.Legs[0].Phases[0].Benchmark
		if r.Verdict != want || b.Failed < min(60/every, 4) {
			t.Errorf("every %dth test lost: verdict %s, %d failed; want %s", every, r.Verdict, b.Failed, want)
		}
		if d := r.Legs[0].Phases[0].Decision; want == gate.Pass && (d.N != 58 || d.Losses != 0) {
			t.Errorf("%d tests count and %d were lost, want 58 and none", d.N, d.Losses)
		}
	}
}

func TestFailedJob(t *testing.T) {
	refuse := true
	base := service(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if refuse && r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/jobs") {
				w.WriteHeader(http.StatusForbidden)
				fmt.Fprint(w, `{"error":{"message":"this organisation may not tune","type":"invalid_request_error","code":"forbidden","param":null}}`)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	m := load(t, base, 1, "")
	r := start(t, m)
	if r.Verdict != gate.Error || !strings.Contains(r.Legs[0].Reasons[0], "this organisation may not tune") || r.Launched != 0 {
		t.Errorf("verdict %s, reasons %q", r.Verdict, r.Legs[0].Reasons)
	}
	refuse = false
	if r := start(t, m); r.Verdict != gate.Pass {
		t.Errorf("after the cause was mended: %s %q", r.Verdict, r.Legs[0].Reasons)
	}
}

// A file that changes between the audit and the upload is not trained on.
func TestChangedFileIsNotUploaded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "train.jsonl")
	row := `{"messages":[{"role":"user","content":"%s"},{"role":"assistant","content":"yes"}]}` + "\n"
	for _, later := range []string{"b", "bb", ""} {
		if err := os.WriteFile(path, fmt.Appendf(nil, row+row, "a", "a"), 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := dataset.Open(path, "train.jsonl")
		if err != nil {
			t.Fatal(err)
		}
		d, err := f.Digest(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		up := upload(f, 0, d)
		read := func() ([]byte, error) {
			r, err := up.Open()
			if err != nil {
				return nil, err
			}
			defer r.Close()
			return io.ReadAll(r)
		}
		if b, err := read(); err != nil || int64(len(b)) != d.Bytes {
			t.Fatalf("unchanged: %d bytes, %v", len(b), err)
		}
		if err := os.WriteFile(path, fmt.Appendf(nil, row+row, "a", later), 0o644); err != nil {
			t.Fatal(err)
		}
		if b, err := read(); err == nil || int64(len(b)) >= d.Bytes {
			t.Errorf("changed to %q: %d of %d bytes were handed out, error %v", later, len(b), d.Bytes, err)
		}
	}
}
