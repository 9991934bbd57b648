package manifest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/bench"
	"github.com/tunegate/tunegate/internal/catalog"
	"github.com/tunegate/tunegate/internal/diag"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// cases returns the manifests of a folder by base name.
func cases(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", dir, "*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no manifests in testdata/%s: %v", dir, err)
	}
	all := map[string][]byte{}
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(p)] = data
	}
	return all
}

// listing is what a person is shown.
func listing(ms diag.Mistakes) string {
	var b strings.Builder
	for _, m := range ms {
		fmt.Fprintln(&b, m)
		if m.Hint != "" {
			fmt.Fprintf(&b, "    hint: %s\n", m.Hint)
		}
	}
	return b.String()
}

// Every mistake of a manifest is told in one go, in the order of the file.
func TestMistakes(t *testing.T) {
	for name, data := range cases(t, "err") {
		t.Run(name, func(t *testing.T) {
			m, ms := Parse(data, name)
			if m != nil || len(ms) == 0 {
				t.Fatalf("accepted: %+v", m)
			}
			got, golden := listing(ms), filepath.Join("testdata/err", strings.TrimSuffix(name, ".yaml")+".out")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want, err := os.ReadFile(golden); err != nil || got != string(want) {
				t.Errorf("mistakes differ from %s (%v); got:\n%s", golden, err, got)
			}
			if strings.Contains(got, "sk-abc") || strings.Contains(got, "me:secret") {
				t.Errorf("a secret is repeated:\n%s", got)
			}
			for _, m := range ms {
				if m.Severity != diag.Critical || m.Rule == "" || m.File != name {
					t.Errorf("incomplete: %+v", m)
				}
			}
		})
	}
}

func TestOK(t *testing.T) {
	for name, data := range cases(t, "ok") {
		if _, ms := Parse(data, name); len(ms) > 0 {
			t.Errorf("%s is refused:\n%s", name, listing(ms))
		}
	}
}

func parseOK(t *testing.T, name string) *Manifest {
	t.Helper()
	m, ms := Parse(cases(t, "ok")[name], name)
	if len(ms) > 0 {
		t.Fatal(ms)
	}
	m.sites = nil // where all that stands is what the findings' tests look at
	return m
}

func wants(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// The defaults are those of the manual.
func TestSmallest(t *testing.T) {
	gate := Gate{MinImprovement: 0.10, Measure: MeasureRelative, Rule: RuleSignificant, OnInconclusive: InconclusiveFails}
	wants(t, "smallest.yaml", parseOK(t, "smallest.yaml"), &Manifest{
		File: "smallest.yaml", Profile: Speed, Execution: Parallel,
		Providers: map[string]Provider{"local": {Kind: KindLocal}},
		Prices:    map[string]catalog.Price{},
		Agents: []Agent{{Name: "a", Pos: Pos{3, 3}, Train: "train.jsonl", Tests: "tests.jsonl", Grader: Grader{Name: "exact"},
			Provider: "local", BaseModel: "local-zero-shot", Seed: 1, Gate: gate}},
		Audit:     Audit{MaxDuplicates: 0.05, MaxContamination: 0.05, Deep: DeepOnFailure, Severities: map[string]diag.Severity{}},
		Benchmark: Benchmark{Quick: 10, Full: 300, Stop: StopEarly},
		Gate:      gate,
		unsaid:    unsaid{true, true, true},
	})
}

// What a file leaves open follows the profile, its own or another; what it says stays.
func TestProfile(t *testing.T) {
	parse := func(text string) *Manifest {
		t.Helper()
		m, ms := Parse([]byte("version: 1\nagents: {a: {train: a, benchmark: {tests: b}}}\n"+text), "x.yaml")
		if len(ms) > 0 {
			t.Fatal(ms)
		}
		return m
	}
	thorough := parse("profile: thorough")
	wants(t, "thorough", thorough.Benchmark, Benchmark{Quick: 10, Full: 0, Stop: StopNever})
	wants(t, "thorough", thorough.Audit.Deep, DeepAlways)
	wants(t, "speed as thorough", parse("").As(Thorough).Benchmark, thorough.Benchmark)
	wants(t, "thorough as speed", thorough.As(Speed), parse("profile: speed"))
	said := parse("profile: thorough\nbenchmark: {full: 50, stop: early}\naudit: {deep: never}")
	for _, m := range []*Manifest{said, said.As(Speed)} {
		wants(t, "said", m.Benchmark, Benchmark{Quick: 10, Full: 50, Stop: StopEarly})
		wants(t, "said", m.Audit.Deep, DeepNever)
	}
}

func TestFull(t *testing.T) {
	cost, hours := 96.53, 10.0
	gate := Gate{MinImprovement: 0.2, Measure: MeasureErrors, Rule: RuleStrict, OnInconclusive: InconclusivePasses, Guards: []Guard{
		{Name: "arithmetic", Tests: "../sums.jsonl", Grader: Grader{Name: "exact"}, MaxLoss: 0.02},
		{Name: "manners", Tests: "data/manners.jsonl", Grader: Grader{Name: "includes"}, MaxLoss: 0.05}}}
	wants(t, "full.yaml", parseOK(t, "full.yaml"), &Manifest{
		File: "full.yaml", Name: "week-2", Profile: Thorough, Execution: Sequential,
		Providers: map[string]Provider{
			"local": {Kind: KindLocal},
			"acme":  {Kind: KindOpenAI, BaseURL: "https://llm.example.com/v1", APIKeyEnv: "ACME_API_KEY", KeyPos: Pos{7, 76}, MaxParallel: 3},
			"lab":   {Kind: KindOpenAI, BaseURL: "http://[::1]:8080/v1"},
			"bench": {Kind: KindLocal, MaxParallel: 2},
		},
		Prices: map[string]catalog.Price{
			"some-model":                        {TrainPerMillion: 3, InputPerMillion: 0.3, OutputPerMillion: 1.2},
			"meta-llama/Llama-3.3-70B-Instruct": {},
		},
		Agents: []Agent{
			{Name: "support-router", Pos: Pos{21, 3}, Train: "data/support-router/train.jsonl", Validation: "data/support-router/validation.jsonl.gz",
				Tests: "data/support-router/benchmark.jsonl", Grader: Grader{Name: "includes"}, Provider: "acme", BaseModel: "some-model",
				Epochs: 3, LearningRateMultiplier: 0.15, Seed: 42, Gate: Gate{0.025, MeasurePoints, RuleStrict, InconclusivePasses,
					[]Guard{{Name: "smalltalk", Tests: "data/smalltalk.jsonl", Grader: Grader{Name: "token-f1", Threshold: 0.5}, MaxLoss: 0.015}}}},
			{Name: "order_ids", Pos: Pos{26, 3}, Train: "../orders/train.jsonl", Tests: "../orders/tests.jsonl",
				Grader: Grader{Name: "regex", Pattern: `\b([A-Z]{2}-\d+)\b`}, Provider: "bench", BaseModel: "local-zero-shot",
				BatchSize: 16, Seed: 0, Gate: gate},
		},
		Audit: Audit{MaxDuplicates: 1, MaxContamination: 0.025, Deep: DeepAlways,
			Severities: map[string]diag.Severity{"exact-duplicate": diag.Critical, "too-long": diag.Info}, Baseline: "data/known.json"},
		Benchmark: Benchmark{Quick: 20, Full: 0, Stop: StopNever, Repeats: 4, Reduce: bench.Majority, Temperature: 0.7},
		Gate:      gate,
		Budget:    Budget{MaxCostUSD: &cost, MaxHours: &hours},
	})
}

// What an agent takes from defaults and gate does not hang on which stands first in the file.
func TestOrder(t *testing.T) {
	m := parseOK(t, "order.yaml")
	wants(t, "agent", m.Agents, []Agent{{Name: "007", Pos: Pos{3, 3}, Train: "a/../x.jsonl", Tests: "t.jsonl", Grader: Grader{Name: "numeric"},
		Provider: "far", BaseModel: "ft:gpt-4o-mini-2024-07-18:org::id", Epochs: 3, Seed: 1, Gate: Gate{MinImprovement: 0.3, Measure: MeasureRelative, Rule: RulePoint, OnInconclusive: InconclusivePasses}}})
	wants(t, "gate", m.Gate, Gate{MinImprovement: 0.3, Measure: MeasureRelative, Rule: RuleStrict, OnInconclusive: InconclusiveFails})
	wants(t, "budget", *m.Budget.MaxCostUSD, 0.0) // nothing may be spent, which is not the same as no cap
}

func TestAliases(t *testing.T) {
	agents := parseOK(t, "aliases.yaml").Agents
	second := agents[0]
	second.Name, second.Pos = "second", Pos{6, 3}
	wants(t, "alias of an agent", agents[1], second)
	wants(t, "alias of a grader", agents[2].Grader, Grader{Name: "json-equal"})
}

func TestPrice(t *testing.T) {
	m := parseOK(t, "full.yaml")
	for name, want := range map[string]*catalog.Price{
		"some-model":                        {TrainPerMillion: 3, InputPerMillion: 0.3, OutputPerMillion: 1.2},
		"meta-llama/Llama-3.3-70B-Instruct": {}, // the manifest goes before the catalog
		"gpt-4o-mini":                       {TrainPerMillion: 3, InputPerMillion: 0.3, OutputPerMillion: 1.2},
		"local-zero-shot":                   {},
		"other-model":                       nil,
	} {
		wants(t, name, m.Price(name), want)
	}
}

// A role that is left out is no file, so it is not the same file as another.
func TestDistinct(t *testing.T) {
	if _, ms := Parse([]byte("version: 1\nagents: {a: {train: ., benchmark: {tests: b}}}"), "x.yaml"); len(ms) > 0 {
		t.Error(ms)
	}
}

// Hostile files are refused in bounded time and with a bounded number of mistakes.
func TestHostile(t *testing.T) {
	const most = maxSize / 4 // enough to show what grows too fast, and quick under the race detector
	fill := func(piece string) string { return strings.Repeat(piece, most/len(piece)) }
	var many, wide strings.Builder
	for i := range 15_000 {
		fmt.Fprintf(&many, "unknown%d: 1\n", i)
	}
	wide.WriteString("a: &a\n")
	for i := range 10_000 {
		fmt.Fprintf(&wide, "  k%d: 1\n", i)
	}
	wide.WriteString("agents:\n")
	for i := range 256 {
		fmt.Fprintf(&wide, "  a%d: *a\n", i)
	}
	for name, text := range map[string]string{
		"too large":             strings.Repeat("#", maxSize+1),
		"nested brackets":       fill("["),
		"nested braces":         fill("{a: "),
		"nested lists":          fill("- "),
		"nested keys":           fill("? "),
		"many tabs":             "a: [\n" + fill("\tx\n"),
		"many colons":           fill(": "),
		"many anchors":          fill("- &a x\n"),
		"many comments":         "version: 1\n" + fill("# x\n") + "\n  agents: }",
		"long key":              fill("x") + ": 1",
		"long quote":            "name: \"" + fill("x"),
		"long name":             "version: 1\nname: " + fill("x"),
		"many unknown keys":     many.String(),
		"wide aliases":          wide.String(),
		"alias of itself":       "agents: &a {a: *a, b: {benchmark: *a}}",
		"broken in the last":    "version: 1\n" + strings.Repeat("agents:\n  a: 1\n", 15_000) + "   b: 1\n",
		"control characters":    fill("\x01\n"),
		"a carriage return":     "version: 1\rname: x",
		"list of lists as keys": fill("? [a]\n: 1\n"),
	} {
		t.Run(name, func(t *testing.T) {
			m, ms := Parse([]byte(text), "x.yaml")
			if m != nil || len(ms) == 0 || len(ms) > maxMistakes+1 {
				t.Fatalf("%d mistakes, manifest %v", len(ms), m != nil)
			}
			for _, m := range ms {
				if len(m.String())+len(m.Hint) > 2000 {
					t.Errorf("a mistake of %d bytes: %.200s", len(m.String()), m)
				}
			}
		})
	}
}
