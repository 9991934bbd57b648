package pipeline

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tunegate/tunegate/internal/bench"
	"github.com/tunegate/tunegate/internal/catalog"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/localtune"
	"github.com/tunegate/tunegate/internal/localtune/wiretest"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/report"
	"github.com/tunegate/tunegate/internal/suite"
)

// meets is what the n-th question meets on its way: it is answered in the model's place when that returns true or an error.
type meets func(n int, w http.ResponseWriter, model, question string) (bool, error)

// carrier carries requests to a handler in this process, on the test's clock. chat may be nil.
type carrier struct {
	to   http.Handler
	chat meets

	mu    sync.Mutex
	asked map[string]int // questions by model
	n     int
}

func (c *carrier) RoundTrip(q *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if strings.HasSuffix(q.URL.Path, "/chat/completions") {
		var body strings.Builder
		_, _ = io.Copy(&body, q.Body)
		var said struct {
			Model    string
			Messages []struct{ Content string }
		}
		if err := json.Unmarshal([]byte(body.String()), &said); err != nil {
			return nil, err
		}
		time.Sleep(10 * time.Millisecond)
		c.mu.Lock()
		if c.asked == nil {
			c.asked = map[string]int{}
		}
		c.asked[said.Model]++
		c.n++
		n := c.n
		c.mu.Unlock()
		if c.chat != nil {
			if done, err := c.chat(n, w, said.Model, said.Messages[len(said.Messages)-1].Content); err != nil {
				return nil, err
			} else if done {
				return w.Result(), nil
			}
		}
		q.Body = io.NopCloser(strings.NewReader(body.String()))
	} else if q.Body == nil {
		q.Body = http.NoBody
	}
	q.RequestURI = q.URL.RequestURI()
	c.to.ServeHTTP(w, q)
	return w.Result(), nil
}

// local is an embedded server to be talked to by carrier.
func local(t *testing.T) http.Handler {
	t.Helper()
	e, err := localtune.Open(t.TempDir(), localtune.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return wiretest.Check(t, e)
}

// scores runs a manifest and returns the report with the score of every answer.
func scores(t *testing.T, m *manifest.Manifest, c *carrier, state string) (report.Report, map[string]float64) {
	t.Helper()
	all := map[string]float64{}
	r, err := Run(t.Context(), m, Options{State: state, Wait: -1, Getenv: func(string) string { return "" }, Transport: wiretest.CheckSent(t, c), Samples: func(leg, _ string, samples []bench.Sample, _ bench.Reducer) {
		for _, s := range samples {
			all[fmt.Sprint(leg, " ", s.Test, " ", s.Arm, " ", s.Repeat, " ", s.Error)] = s.Score
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	return r, all
}

// bucket lets through five requests a second.
type bucket struct {
	mu     sync.Mutex
	tokens float64
	last   time.Time
}

func (b *bucket) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.tokens = min(5, b.tokens+5*now.Sub(b.last).Seconds())
	b.last = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// Whatever goes wrong on the way, the result is that of a calm day: no answer is lost, none is guessed.
func TestFaultsChangeNoResult(t *testing.T) {
	calm := map[string]float64{}
	var decision string
	refuse := func(status int, header string) meets {
		b := &bucket{}
		return func(_ int, w http.ResponseWriter, _, _ string) (bool, error) {
			if b.take() {
				return false, nil
			}
			if header != "" {
				w.Header().Set("Retry-After", header)
			}
			w.WriteHeader(status)
			return true, nil
		}
	}
	// third has one question in three meet a fault.
	third := func(fault func(http.ResponseWriter) error) meets {
		return func(n int, w http.ResponseWriter, _, _ string) (bool, error) {
			if n%3 != 0 {
				return false, nil
			}
			return true, fault(w)
		}
	}
	for _, c := range []struct {
		name string
		chat meets
		most time.Duration
	}{
		{"calm", nil, time.Second},
		{"one in three fails", third(func(w http.ResponseWriter) error { w.WriteHeader(http.StatusInternalServerError); return nil }), 20 * time.Second},
		{"one in three is dropped", third(func(http.ResponseWriter) error { return io.ErrUnexpectedEOF }), 20 * time.Second},
		{"one in three is garbage", third(func(w http.ResponseWriter) error {
			_, err := io.WriteString(w, `{"choices":[{"message":{"con`)
			return err
		}), 20 * time.Second},
		{"one in three has no choice", third(func(w http.ResponseWriter) error { _, err := io.WriteString(w, `{"choices":[]}`); return err }), 20 * time.Second},
		{"5 a second", refuse(http.StatusTooManyRequests, "1"), 40 * time.Second},
		{"5 a second, silent", refuse(http.StatusTooManyRequests, ""), 40 * time.Second},
		{"5 a second, unavailable", refuse(http.StatusServiceUnavailable, "1"), 40 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := load(t, "http://127.0.0.1:1/v1", 1, "benchmark: {stop: never}\n")
				r, all := scores(t, m, &carrier{to: local(t), chat: c.chat}, t.TempDir())
				if r.Verdict != gate.Pass {
					t.Fatalf("%s %q", r.Verdict, r.Legs[0].Reasons)
				}
				b := r.Legs[0].Last().Benchmark
				d, _ := json.Marshal(r.Legs[0].Last().Decision)
				if c.name == "calm" {
					calm, decision = all, string(d)
				}
				if fmt.Sprint(all) != fmt.Sprint(calm) || len(all) != 120 || string(d) != decision || b.Failed != 0 {
					t.Errorf("%d scores and %s, want %d and %s", len(all), d, len(calm), decision)
				}
				if took := time.Duration(b.Seconds * float64(time.Second)); took > c.most || strings.Contains(c.name, "second") != (b.Refused > 0) {
					t.Errorf("it took %v, %v at most was expected; %d refused", took, c.most, b.Refused)
				} else {
					t.Logf("%v, %d refused", took, b.Refused)
				}
			})
		})
	}
}

// A judge that contradicts itself when the order is swapped passes nothing; and its service may fail as any other.
func TestJudgeInARun(t *testing.T) {
	var calm map[string]float64
	for _, failing := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			m := load(t, "http://127.0.0.1:1/v1", 1, "benchmark: {stop: never}\n")
			m.Prices["judge"] = catalog.Price{InputPerMillion: 1e6}
			m.Agents[0].Grader = manifest.Grader{Name: "judge-pair", Model: "judge", Votes: 1}
			state := t.TempDir()
			c := &carrier{to: local(t), chat: func(n int, w http.ResponseWriter, model, question string) (bool, error) {
				if failing && n%3 == 0 {
					return true, io.ErrUnexpectedEOF
				}
				if model != "judge" {
					return false, nil
				}
				var about struct {
					Question []suite.Message
					A, B     string
				}
				if err := json.Unmarshal([]byte(question), &about); err != nil {
					t.Error(err)
				}
				asked := about.Question[1].Content
				right, verdict := "billing", "TIE"
				if strings.Contains(asked, "printer") || strings.Contains(asked, "laptop") {
					right = "hardware"
				}
				switch {
				case strings.HasSuffix(asked, "0"): // of these it prefers the first place
					verdict = "A"
				case about.A != right:
					verdict = "B"
				case about.B != right:
					verdict = "A"
				}
				_, err := fmt.Fprintf(w, `{"choices":[{"message":{"role":"assistant","content":"VERDICT: %s"}}],"usage":{"prompt_tokens":1}}`, verdict)
				return true, err
			}}
			r, all := scores(t, m, c, state)
			if calm == nil {
				calm = all
			}
			if e := r.Legs[0].Estimate.BenchmarkUSD; !failing && e < r.CostUSD {
				t.Errorf("estimated at $%v, and it cost $%v", e, r.CostUSD)
			}
			d := r.Legs[0].Last().Decision
			if r.Verdict != gate.Pass || fmt.Sprint(all) != fmt.Sprint(calm) || len(all) != 120 || d.Wins == 0 || d.Tuned != 54./60 {
				t.Errorf("%s %q; %d scores", r.Verdict, r.Legs[0].Reasons, len(all))
			}
			// What the judge was asked is paid for, once: it was told twice of each answer that there is.
			if want := 2. * 120; !failing && (float64(c.asked["judge"]) > want || math.Abs(r.CostUSD-float64(c.asked["judge"])) > 1e-9) {
				t.Errorf("it was asked %d times, for $%v", c.asked["judge"], r.CostUSD)
			}
			if again, _ := scores(t, m, c, state); again.CostUSD != 0 {
				t.Errorf("the same answers cost $%v again", again.CostUSD)
			}
		})
	}
}

// A judge of unknown price may cost anything.
func TestJudgeWithoutAPrice(t *testing.T) {
	m := load(t, "http://127.0.0.1:1/v1", 1, "")
	m.Agents[0].Grader = manifest.Grader{Name: "judge", Model: "judge", Rubric: "be kind"}
	c := &carrier{to: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.Errorf("%s %s was sent", r.Method, r.URL) })}
	r, _ := scores(t, m, c, t.TempDir())
	if l := r.Legs[0]; l.Verdict != gate.Inconclusive || !strings.Contains(l.Reasons[0], "the price of the judge judge is unknown") {
		t.Errorf("%s %q", l.Verdict, l.Reasons)
	}
}

// A second run asks the tuned model alone, and pays for that alone; another model, or another month, asks the base again.
func TestBaseAnswersAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state, server := t.TempDir(), local(t)
		m := load(t, "http://127.0.0.1:1/v1", 1, paid+"benchmark: {stop: never}\n")
		var first map[string]float64
		for i, change := range []func(){func() {}, func() {}, func() { m.Agents[0].Seed++ }, func() { time.Sleep(31 * 24 * time.Hour) }} {
			change()
			c := &carrier{to: server}
			r, all := scores(t, m, c, state)
			b, known := r.Legs[0].Last().Benchmark, i == 1 || i == 2
			if i == 0 {
				first = all
			}
			if r.Verdict != gate.Pass || c.asked["local-zero-shot"] != map[bool]int{false: 60}[known] || c.asked[r.Agents[0].Model] != 60 {
				t.Errorf("run %d: %s, asked %v", i, r.Verdict, c.asked)
			}
			if b.Cached != map[bool]int{true: 60}[known] || b.BaseLatency <= 0 || b.BaseLatency > 1 || b.TunedLatency <= 0 || fmt.Sprint(all) != fmt.Sprint(first) {
				t.Errorf("run %d: %d answers from before, latency %v and %v", i, b.Cached, b.BaseLatency, b.TunedLatency)
			}
			said := strings.Contains(fmt.Sprint(r.Legs[0].Reasons), "60 of 60 answers of the base are from an earlier benchmark, graded anew")
			if cost := float64(b.InputTokens+b.OutputTokens) / 1e6; said != known || r.Launched == 0 && math.Abs(r.CostUSD-cost) > 1e-9 {
				t.Errorf("run %d: cost $%v, want $%v; %q", i, r.CostUSD, cost, r.Legs[0].Reasons)
			}
		}
	})
}

// The phases of one run share the base's answers.
func TestPhasesAskTheBaseOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := load(t, "http://127.0.0.1:1/v1", 1, "profile: thorough\n")
		body, err := os.ReadFile(m.Agents[0].TrainPath)
		if err != nil {
			t.Fatal(err)
		}
		var more strings.Builder
		for i := range 3 {
			more.WriteString(strings.ReplaceAll(string(body), "case ", fmt.Sprintf("case %d", i+1)))
		}
		if err := os.WriteFile(m.Agents[0].TrainPath, []byte(more.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		c := &carrier{to: local(t)}
		r, _ := scores(t, m, c, t.TempDir())
		if r.Verdict != gate.Pass || len(r.Legs[0].Phases) != 2 || c.asked["local-zero-shot"] != 60 || r.Legs[0].Phases[1].Benchmark.Cached != 60 {
			t.Errorf("%s, %d phases, asked %v", r.Verdict, len(r.Legs[0].Phases), c.asked)
		}
	})
}

// Where the base leaves too little to improve on, no fine-tune is paid for; one that is there already is judged. It takes all tests to be
// certain, and no more than the first where the base is not that good.
func TestNothingIsLaunchedOverAPerfectBase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state, server := t.TempDir(), local(t)
		m := load(t, "http://127.0.0.1:1/v1", 1, "benchmark: {stop: never}\n")
		perfect := func(_ int, w http.ResponseWriter, model, question string) (bool, error) {
			if model != "local-zero-shot" {
				return false, nil
			}
			label := "billing"
			if strings.Contains(question, "printer") || strings.Contains(question, "laptop") {
				label = "hardware"
			}
			fmt.Fprintf(w, `{"choices":[{"message":{"role":"assistant","content":%q}}],"usage":{"prompt_tokens":1,"completion_tokens":1}}`, label)
			return true, nil
		}
		// good is a base that knows most answers: the first ones, as the tests are asked.
		good := func(n int, w http.ResponseWriter, model, question string) (bool, error) {
			if n > 57 {
				return false, nil
			}
			return perfect(n, w, model, question)
		}
		const none = "not launched: no fine-tune could pass: the base scores "
		for i, c := range []struct {
			base     meets
			verdict  gate.Verdict
			launched int
			asked    int // of the base
			reason   string
		}{
			{perfect, gate.Inconclusive, 0, 60, none + "1.000 on every test: there is nothing to improve"},
			{perfect, gate.Inconclusive, 0, 0, none + "1.000 on every test: there is nothing to improve"},
			{nil, gate.Pass, 1, 60, "shown to be better"},
			{perfect, gate.Fail, 0, 60, "fall short of the margin"},
			{good, gate.Inconclusive, 0, 60, none},
		} {
			switch i {
			case 2, 3:
				state = t.TempDir()
			case 4:
				state = t.TempDir()
				m.Agents[0].Seed++ // another fine-tune
			}
			on := &carrier{to: server, chat: c.base}
			r, _ := scores(t, m, on, state)
			if r.Verdict != c.verdict || r.Launched != c.launched || on.asked["local-zero-shot"] != c.asked || !strings.Contains(fmt.Sprint(r.Legs[0].Reasons), c.reason) {
				t.Errorf("run %d: %s, %d launched, asked %v, %q", i, r.Verdict, r.Launched, on.asked, r.Legs[0].Reasons)
			}
		}
	})
}

// Each test is asked as often as the manifest says, and is one test all the same.
func TestRepeatsInARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := load(t, "http://127.0.0.1:1/v1", 1, "benchmark: {stop: never, repeats: 3, reduce: majority, temperature: 0.5}\n")
		c := &carrier{to: local(t)}
		r, all := scores(t, m, c, t.TempDir())
		l := r.Legs[0]
		if r.Verdict != gate.Pass || len(all) != 360 || c.asked["local-zero-shot"] != 180 || l.Last().Decision.N != 60 || l.Last().Benchmark.Asked != 60 || l.Last().Benchmark.Repeats != 3 {
			t.Errorf("%s %q; %d answers, asked %v, %+v", r.Verdict, l.Reasons, len(all), c.asked, l.Last().Benchmark)
		}
	})
}

// What cannot be graded here is not launched, and does not pass.
func TestUngradableIsInconclusive(t *testing.T) {
	m := load(t, "http://127.0.0.1:1/v1", 1, "gate: {on_inconclusive: pass}\n")
	m.Agents[0].Grader = manifest.Grader{Name: "code"}
	var tests strings.Builder
	for i := range 10 {
		fmt.Fprintf(&tests, `{"task_id":"T/%d","prompt":"def f%d(x):\n","entry_point":"f%d","canonical_solution":"    return x\n","test":"def check(f):\n    assert f(%d) == %d\n"}`+"\n", i, i, i, i, i)
	}
	if err := os.WriteFile(m.Agents[0].TestsPath, []byte(tests.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	c := &carrier{to: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.Errorf("%s %s was sent", r.Method, r.URL) })}
	r, _ := scores(t, m, c, t.TempDir())
	if l := r.Legs[0]; l.Verdict != gate.Inconclusive || len(l.Phases) != 0 || !strings.Contains(l.Reasons[0], "not allowed here, so nothing was launched") {
		t.Errorf("%s %q, findings %v", l.Verdict, l.Reasons, l.Audit.Findings)
	}
}
