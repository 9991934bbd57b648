package pipeline

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/report"
)

// guardedDesk is an agent with guards on two suites of so many tests: of the weather, which the base model can tell and a model
// that was tuned for a help desk has forgotten, and of more requests to the desk.
func guardedDesk(t *testing.T, n int, guards, tail string) *manifest.Manifest {
	t.Helper()
	m := desk(t, 200, "")
	dir := filepath.Dir(m.Agents[0].TrainPath)
	var weather, more strings.Builder
	for i := range n {
		word, label := []string{"printer", "laptop", "invoice", "refund"}[i%4], []string{"hardware", "hardware", "billing", "billing"}[i%4]
		sky := []string{"sunny", "rainy"}[i%2]
		fmt.Fprintf(&weather, `{"id":"w%[1]d","input":[{"role":"system","content":"Answer with one word. Words: sunny, rainy."},{"role":"user","content":"a %[2]s day, the %[1]d. of the year"}],"ideal":"%[2]s"}`+"\n", i, sky)
		fmt.Fprintf(&more, `{"id":"m%[1]d","input":[{"role":"system","content":"Answer with one word. Words: hardware, billing."},{"role":"user","content":"once more my %[2]s, no. y%[1]d"}],"ideal":"%[3]s"}`+"\n", i, word, label)
	}
	for name, text := range map[string]string{
		"weather.jsonl": weather.String(), "more.jsonl": more.String(),
		"tunegate.yaml": "version: 1\nagents: {desk: {train: train.jsonl, benchmark: {tests: tests.jsonl}}}\ngate: {guards: {" + guards + "}}\n" + tail,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m, err := manifest.Load(filepath.Join(dir, "tunegate.yaml"), dir)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A model that passes its own benchmark fails by a guard that it has got worse on, and passes by one that it has not.
func TestGuards(t *testing.T) {
	for _, c := range []struct {
		name, guards, tail string
		tests              int
		verdict            gate.Verdict
		guarded            string // each guard's verdict, how many were asked and how many shown
		reason, next       string
	}{
		{name: "forgotten", guards: "more: {tests: more.jsonl}, weather: {tests: weather.jsonl, max_loss: 5%}", tests: 160, verdict: gate.Fail,
			guarded: "more pass 160, weather fail 160", reason: "guard weather: better on 0 of 160 tests, worse on ", next: "the model has forgotten what the guard weather asks"},
		{name: "held", guards: "more: {tests: more.jsonl}", tests: 160, verdict: gate.Pass, guarded: "more pass 160", reason: "better on ", next: "A/B"},
		{name: "few tests", guards: "weather: {tests: weather.jsonl, grader: includes}", tests: 3, verdict: gate.Inconclusive,
			guarded: "weather inconclusive 3", reason: "guard weather: ", next: "add tests to the guard weather: about 226 would settle it, 3 were asked"},
		{name: "few tests, let through", guards: "weather: {tests: weather.jsonl, grader: includes}, more: {tests: more.jsonl}", tests: 3, verdict: gate.Pass,
			tail: "", guarded: "weather pass 3, more pass 3", reason: "better on ", next: "A/B"},
		{name: "no more than full", guards: "more: {tests: more.jsonl, max_loss: 10%}", tests: 160, tail: "benchmark: {full: 40}\n", verdict: gate.Pass, guarded: "more pass 40", reason: "better on ", next: "A/B"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := guardedDesk(t, c.tests, c.guards, c.tail)
			if c.name == "few tests, let through" {
				m.Agents[0].Gate.OnInconclusive = manifest.InconclusivePasses
			}
			r := start(t, m)
			l := r.Legs[0]
			var got []string
			for _, g := range l.Last().Guards {
				got = append(got, fmt.Sprint(g.Name, " ", g.Decision.Verdict, " ", g.Asked))
			}
			if l.Verdict != c.verdict || l.Last().Decision.Verdict != gate.Pass || strings.Join(got, ", ") != c.guarded ||
				!strings.HasPrefix(l.Reasons[0], c.reason) || !strings.Contains(strings.Join(l.Next, "\n"), c.next) {
				t.Errorf("%s; guards %q\nreasons %q\nnext %q", l.Verdict, got, l.Reasons, l.Next)
			}
			if g := l.Last().Guards[len(got)-1]; c.verdict == gate.Fail && (len(g.Flips) == 0 || g.Flips[0].Gain != -1) {
				t.Errorf("what was forgotten is not shown: %+v", g.Flips)
			}
		})
	}
}

// A guard is asked only of a model that passes its own benchmark.
func TestGuardOfAModelThatFails(t *testing.T) {
	m := guardedDesk(t, 10, "more: {tests: more.jsonl}", "")
	spoil(t, m)
	if l := start(t, m).Legs[0]; l.Verdict != gate.Fail || len(l.Last().Guards) > 0 {
		t.Errorf("%s, %d guards", l.Verdict, len(l.Last().Guards))
	}
}

// What is wrong with a guard is said before anything is launched: tests that cannot be graded, none at all, too few to show anything.
func TestGuardsBeforehand(t *testing.T) {
	warned := func(l report.Leg, rule string) bool {
		for _, f := range l.Audit.Findings {
			if f.Rule == rule {
				return true
			}
		}
		return false
	}
	for _, c := range []struct {
		guards  string
		tests   int
		verdict gate.Verdict
		reason  string
		rule    string
		phases  int
	}{
		{"weather: {tests: weather.jsonl, grader: numeric}", 5, gate.Fail, "critical problems", "bad-ideal", 0},
		{"weather: {tests: weather.jsonl, grader: {name: command, command: [grade]}}", 5, gate.Inconclusive, "the guard weather: not graded", "", 0},
		{"weather: {tests: weather.jsonl, grader: {name: judge, model: dear, rubric: r}}", 5, gate.Inconclusive, "the price of the judge dear is unknown", "", 0},
		{"weather: {tests: weather.jsonl}", 225, gate.Fail, "guard weather", "small-guard", 1},
		{"weather: {tests: weather.jsonl}", 226, gate.Fail, "guard weather", "", 1},
	} {
		l := start(t, guardedDesk(t, c.tests, c.guards, "")).Legs[0]
		if l.Verdict != c.verdict || len(l.Phases) != c.phases || !strings.Contains(l.Reasons[0], c.reason) || c.rule != "" && !warned(l, c.rule) || c.tests == 226 && warned(l, "small-guard") {
			t.Errorf("%s: %s, %d phases, %q, findings %v", c.guards, l.Verdict, len(l.Phases), l.Reasons, l.Audit.Findings)
		}
	}
}

// Guards are part of the estimate, of what is set aside and of what is booked.
func TestGuardsAreAccountedFor(t *testing.T) {
	cost := func(guards string) report.Report { return start(t, guardedDesk(t, 160, guards, paid)) }
	with, without := cost("more: {tests: more.jsonl, max_loss: 3%}"), cost("")
	if got := with.Estimate.BenchmarkUSD - without.Estimate.BenchmarkUSD; got <= 0 || with.ReservedUSD-without.ReservedUSD < got*0.99 {
		t.Errorf("the guard adds $%g to the estimate and $%g to what is set aside", got, with.ReservedUSD-without.ReservedUSD)
	}
	more, spent := with.CostUSD-without.CostUSD, with.Estimate.BenchmarkUSD-without.Estimate.BenchmarkUSD
	if more <= 0 || more > 1.5*spent {
		t.Errorf("the guard costs $%g, estimated were $%g", more, spent)
	}
	if !slices.ContainsFunc(with.Legs[0].Reasons, func(s string) bool { return strings.HasPrefix(s, "guard more: ") }) {
		t.Errorf("reasons %q", with.Legs[0].Reasons)
	}
}
