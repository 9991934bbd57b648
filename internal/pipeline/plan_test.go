package pipeline

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/manifest"
)

// exampleOf returns the i-th chat example, unlike all others, of so many training tokens. Its words are one token each.
func exampleOf(i, tokens int) string {
	words := []string{" one", " two", " red", " dog", " sun", " car", " sea", " map", " ice", " oak"}
	var b strings.Builder
	n := 0
	for ; n < 5; n++ {
		b.WriteString(words[i%10])
		i /= 10
	}
	const besides = 3 + 2*3 + 2 + 1 // the example, its messages, their roles, the answer
	b.WriteString(strings.Repeat(" a", tokens-n-besides))
	return fmt.Sprintf(`{"messages":[{"role":"user","content":"%s"},{"role":"assistant","content":"yes"}]}`+"\n", b.String())
}

// reference writes agents that share examples of 321.77 training tokens on average, and returns a manifest of them at
// $3 a million.
func reference(t *testing.T, agents, examples int, epochs, tail string) *manifest.Manifest {
	t.Helper()
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "train.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	for i := range examples {
		tokens := 321
		if i%100 < 77 {
			tokens = 322
		}
		w.WriteString(exampleOf(i, tokens))
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	var tests, m bytes.Buffer
	for i := range 20 {
		fmt.Fprintf(&tests, `{"id":"t%d","input":"question %d","ideal":"yes"}`+"\n", i, i)
	}
	m.WriteString("version: 1\nproviders: {acme: {kind: openai, base_url: 'https://llm.example.com/v1', api_key_env: ACME_API_KEY}}\n" +
		"prices: {some-model: {train_per_million: 3, input_per_million: 0.3, output_per_million: 1.2}}\n" +
		"defaults: {provider: acme, base_model: some-model, epochs: " + epochs + "}\nagents:\n")
	for a := range agents {
		fmt.Fprintf(&m, "  agent-%d: {train: train.jsonl, benchmark: {tests: tests.jsonl}}\n", a)
	}
	m.WriteString(tail)
	path := filepath.Join(dir, "tunegate.yaml")
	for name, content := range map[string][]byte{path: m.Bytes(), filepath.Join(dir, "tests.jsonl"): tests.Bytes()} {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	loaded, err := manifest.Load(path, dir)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

type planned struct {
	name     string
	examples int
	tokens   int64
	usd      string
	hours    string
}

func phasesOf(p Plan) (out []planned) {
	for _, f := range p.Phases {
		out = append(out, planned{f.Name, f.Examples, f.TrainingTokens, fmt.Sprintf("%.2f", float64(f.TrainingUSD)), fmt.Sprintf("%.2f", f.Hours)})
	}
	return out
}

// The reference case: what each phase of five agents with 20,000 examples costs, and when they are done.
func TestReference(t *testing.T) {
	if testing.Short() {
		t.Skip("counts the tokens of 120,000 rows: skipped by -short")
	}
	trial, sample, full := planned{"trial", 500, 160_885, "0.48", "0.04"}, planned{"sample", 50_000, 16_088_500, "48.27", "4.02"}, planned{"full", 100_000, 32_177_000, "96.53", "8.04"}
	c, err := Compare(t.Context(), reference(t, 5, 20_000, "auto", ""), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Blocked) > 0 || len(c.Compare) != 2 || c.Profile != "speed" {
		t.Fatalf("%+v", c)
	}
	speed, thorough := c.Compare[0], c.Compare[1]
	if got := phasesOf(speed); !slices.Equal(got, []planned{full}) {
		t.Errorf("speed: %v", got)
	}
	if got := phasesOf(thorough); !slices.Equal(got, []planned{trial, sample, full}) {
		t.Errorf("thorough: %v", got)
	}
	if got := fmt.Sprintf("%.2f", float64(thorough.Phases[1].TrainingUSD+thorough.Phases[2].TrainingUSD)); got != "144.80" {
		t.Errorf("sample and full cost $%s, want $144.80", got)
	}
	if got := fmt.Sprintf("%.2f %.2f", float64(thorough.TrainingUSD), thorough.Hours); got != "145.28 12.11" {
		t.Errorf("all of thorough: %s", got)
	}
	if math.Abs(float64(thorough.BenchmarkUSD-3*speed.BenchmarkUSD)) > 1e-9 || speed.BenchmarkUSD <= 0 {
		t.Errorf("the benchmark of one phase is $%v, of three $%v", speed.BenchmarkUSD, thorough.BenchmarkUSD)
	}
	if got := strings.Join(thorough.Skips, "; "); got != "sample and full wherever the trial does not pass, $144.80 of training if it does nowhere; full wherever the sample does not pass, $96.53 of training if it does nowhere" {
		t.Errorf("thorough skips %q", got)
	}
	if got := strings.Join(speed.Skips, "; "); got != "the trial on 100 examples and its gate; the sample of 10,000 examples and its gate; the deep audit of legs that pass; the tests that are left when the outcome is plain" {
		t.Errorf("speed skips %q", got)
	}

	// So many examples are passed over once, also when nobody says so.
	once, err := MakePlan(t.Context(), reference(t, 1, 20_000, "1", "profile: thorough\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := once.Legs[0].Phases; len(once.Legs) != 1 || !slices.Equal(got, thorough.Legs[0].Phases) {
		t.Errorf("one epoch: %v, want %v", got, thorough.Legs[0].Phases)
	}
}

// What limits the legs limits the hours, and a budget is held leg by leg.
func TestPlanWithinLimits(t *testing.T) {
	base := reference(t, 5, 1000, "20", "budget: {max_cost_usd: 40}\n") // 20 times over: the tokens of 20,000 examples
	plan := func(change func(*manifest.Manifest)) Plan {
		t.Helper()
		m := *base
		if change != nil {
			change(&m)
		}
		p, err := MakePlan(t.Context(), &m, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := plan(nil)
	if len(p.Blocked) != 3 || len(p.Matrix.Include) != 2 || !strings.HasPrefix(p.Blocked[0], "agent-2: would not be launched: over the budget: $19.3") {
		t.Errorf("of $40, $19.31 each: blocked %q, matrix %v", p.Blocked, p.Matrix)
	}
	for want, change := range map[string]func(*manifest.Manifest){
		"8.04":  nil,
		"40.22": func(m *manifest.Manifest) { m.Execution = manifest.Sequential },
		"20.11": func(m *manifest.Manifest) {
			m.Providers = map[string]manifest.Provider{"acme": {Kind: manifest.KindOpenAI, MaxParallel: 2}}
		},
		"24.13": func(m *manifest.Manifest) { // three and two in turn, since services limit each base model on its own
			m.Providers = map[string]manifest.Provider{"acme": {Kind: manifest.KindOpenAI, MaxParallel: 1}}
			m.Agents = slices.Clone(m.Agents)
			m.Agents[1].BaseModel, m.Agents[3].BaseModel = "other-model", "other-model"
		},
	} {
		if got := fmt.Sprintf("%.2f", plan(change).Hours); got != want {
			t.Errorf("%s hours, want %s", got, want)
		}
	}
}

// The keys of the JSON are what workflows read.
func TestPlanJSON(t *testing.T) {
	m := load(t, "http://127.0.0.1:1/v1", 2, "")
	c, err := Compare(t.Context(), m, Options{})
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Legs []struct {
			ID, Agent string
			BaseModel string `json:"base_model"`
			Examples  int
			Phases    []map[string]any
		}
		Agents []struct {
			Name           string
			TrainingTokens int64 `json:"training_tokens"`
		}
		Training  *float64 `json:"training_usd"`
		Benchmark *float64 `json:"benchmark_usd"`
		Cost      *float64 `json:"cost_usd"`
		Hours     *float64
		Matrix    struct{ Include []struct{ Leg string } }
		Compare   []struct {
			Profile string
			Phases  []struct{ Name string }
			Skips   []string
		}
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Legs) != 2 || doc.Legs[1].ID != "agent-1" || doc.Legs[1].Agent != "agent-1" || doc.Legs[1].BaseModel != "local-zero-shot" || doc.Legs[1].Examples != 60 {
		t.Errorf("legs %+v", doc.Legs)
	}
	for _, key := range []string{"name", "examples", "training_tokens", "training_usd", "hours"} {
		if _, ok := doc.Legs[0].Phases[0][key]; !ok {
			t.Errorf("a phase has no %s", key)
		}
	}
	if len(doc.Agents) != 2 || doc.Agents[0].Name != "agent-0" || doc.Agents[0].TrainingTokens == 0 {
		t.Errorf("agents %+v", doc.Agents)
	}
	if doc.Training == nil || doc.Benchmark == nil || doc.Cost == nil || doc.Hours == nil || len(doc.Matrix.Include) != 2 || doc.Matrix.Include[0].Leg != "agent-0" {
		t.Errorf("sums or matrix are missing: %s", body)
	}
	if len(doc.Compare) != 2 || doc.Compare[0].Profile != "speed" || doc.Compare[1].Profile != "thorough" || len(doc.Compare[1].Phases) != 1 {
		t.Errorf("compare %+v", doc.Compare)
	}
}

// What nobody knows the price of is not free: it is unknown, with all that it is part of. What is priced stays so.
func TestPlanOfUnknownPrice(t *testing.T) {
	m := reference(t, 5, 200, "1", "profile: thorough\n")
	m.Agents[1].BaseModel = "odd-model"
	c, err := Compare(t.Context(), m, Options{Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Matrix.Include) != 4 || len(c.Blocked) != 1 || !strings.HasPrefix(c.Blocked[0], "agent-1: the price of odd-model is unknown") {
		t.Errorf("matrix %v, blocked %q", c.Matrix, c.Blocked)
	}
	if want := []string{"the key in ACME_API_KEY is not set: run will need it"}; !slices.Equal(c.Notes, want) {
		t.Errorf("notes %q", c.Notes)
	}
	if got := c.Skips; slices.ContainsFunc(got, func(s string) bool { return strings.ContainsAny(s, "$") || strings.Contains(s, "NaN") }) {
		t.Errorf("skips %q", got)
	}
	body, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	type phase struct {
		USD *float64 `json:"training_usd"`
	}
	type plan struct {
		phase
		Benchmark *float64 `json:"benchmark_usd"`
		Cost      *float64 `json:"cost_usd"`
		Phases    []phase
		Legs      []struct{ Phases []phase }
	}
	var doc struct {
		plan
		Compare []plan
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		t.Fatal(err)
	}
	for _, p := range append(doc.Compare, doc.plan) {
		if p.USD != nil || p.Benchmark != nil || p.Cost != nil || p.Phases[0].USD != nil || p.Legs[1].Phases[0].USD != nil {
			t.Errorf("an unknown price has a value: %+v", p)
		}
		if usd := p.Legs[0].Phases[0].USD; usd == nil || *usd <= 0 {
			t.Errorf("a known price has none: %+v", p)
		}
	}
	if !strings.Contains(string(body), `"training_usd":null`) {
		t.Errorf("no null in %s", body)
	}

	// With the key there is nothing to note, and a profile without the deep audit says so.
	m.Audit.Deep = manifest.DeepNever
	p, err := MakePlan(t.Context(), m, Options{Getenv: func(string) string { return "x" }})
	if err != nil || len(p.Notes) > 0 || !slices.Contains(p.Skips, "the deep audit") {
		t.Errorf("%v, notes %q, skips %q", err, p.Notes, p.Skips)
	}
}
