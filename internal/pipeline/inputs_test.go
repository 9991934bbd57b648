package pipeline

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tunegate/tunegate/internal/catalog"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/localtune/wiretest"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/report"
)

// inputsOf are the digests of a plan, by leg. A plan needs no network, and says the same as a run.
func inputsOf(t *testing.T, m *manifest.Manifest) map[string]string {
	t.Helper()
	p, err := MakePlan(t.Context(), m, Options{Transport: echoing(nil)})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, l := range p.Legs {
		if len(l.Inputs) != 64 {
			t.Fatalf("%s has the inputs %q: %q", l.ID, l.Inputs, p.Blocked)
		}
		all[l.ID] = l.Inputs
	}
	return all
}

// Whatever determines a result changes the digest of its inputs, and nothing else does.
func TestInputs(t *testing.T) {
	head, base := checkouts(t, nil)
	before := inputsOf(t, base)
	if before["agent-0"] == before["agent-1"] {
		t.Error("two agents with other data have the same inputs")
	}
	if got := inputsOf(t, head); got["agent-0"] != before["agent-0"] {
		t.Error("another checkout is another input")
	}
	yaml := func(old, with string) func(string) { return swap(t, "tunegate.yaml", old, with) }
	for name, edit := range map[string]func(string){
		"a training row":     swap(t, "train0.jsonl", "case 1 ", "case one "),
		"order of training":  reorder(t, "train0.jsonl"),
		"a question":         swap(t, "tests0.jsonl", "my printer again, number 1000", "my good printer again, number 1000"),
		"an ideal":           swap(t, "tests0.jsonl", `"ideal":"hardware"`, `"ideal":"billing"`),
		"an id":              swap(t, "tests0.jsonl", `"id":"t0"`, `"id":"zero"`),
		"order of tests":     reorder(t, "tests0.jsonl"),
		"a test less":        func(dir string) { cut(t, dir, "tests0.jsonl", 59) },
		"a contaminated one": swap(t, "train0.jsonl", "case 0 about my printer", "my printer again, number 1000"),
		"validation": func(dir string) {
			put(t, dir, "valid.jsonl", validRow)
			yaml("train: train0.jsonl,", "train: train0.jsonl, validation: valid.jsonl,")(dir)
		},
		"grader":             yaml("tests: tests0.jsonl", "tests: tests0.jsonl, grader: includes"),
		"an option of it":    yaml("tests: tests0.jsonl", "tests: tests0.jsonl, grader: {name: token-f1, threshold: 0.5}"),
		"base model":         yaml("agent-0: {", "agent-0: {base_model: other-model, "),
		"epochs":             yaml("agent-0: {", "agent-0: {epochs: 7, "),
		"batch size":         yaml("agent-0: {", "agent-0: {batch_size: 7, "),
		"learning rate":      yaml("agent-0: {", "agent-0: {learning_rate_multiplier: 2, "),
		"seed":               yaml("agent-0: {", "agent-0: {seed: 7, "),
		"provider's address": yaml("llm.example.com", "other.example.com"),
		"margin":             yaml("agent-0: {", "agent-0: {gate: {min_improvement: 9%}, "),
		"measure":            yaml("agent-0: {", "agent-0: {gate: {measure: errors}, "),
		"rule":               yaml("agent-0: {", "agent-0: {gate: {rule: point}, "),
		"on_inconclusive":    yaml("agent-0: {", "agent-0: {gate: {on_inconclusive: pass}, "),
		"quick":              yaml("budget:", "benchmark: {quick: 11}\nbudget:"),
		"full":               yaml("budget:", "benchmark: {full: 299}\nbudget:"),
		"stop":               yaml("budget:", "benchmark: {stop: never}\nbudget:"),
		"repeats":            yaml("budget:", "benchmark: {repeats: 3}\nbudget:"),
		"reduce":             yaml("budget:", "benchmark: {reduce: any}\nbudget:"),
		"temperature":        yaml("budget:", "benchmark: {temperature: 0.5}\nbudget:"),
		"profile":            yaml("version: 1", "version: 1\nprofile: thorough"),
	} {
		m, _ := checkouts(t, edit)
		m.Prices["other-model"] = catalog.Price{}
		if got := inputsOf(t, m); got["agent-0"] == before["agent-0"] {
			t.Errorf("%s does not change the inputs", name)
		}
	}
	for name, edit := range map[string]func(string){
		"prices":     yaml("train_per_million: 1000", "train_per_million: 7"),
		"budget":     yaml("max_cost_usd: 50", "max_cost_usd: 51"),
		"hours":      yaml("max_cost_usd: 50", "max_cost_usd: 50, max_hours: 99"),
		"execution":  yaml("version: 1", "version: 1\nexecution: sequential"),
		"name":       yaml("version: 1", "version: 1\nname: other"),
		"provider":   func(dir string) { yaml("{acme:", "{renamed:")(dir); yaml("provider: acme", "provider: renamed")(dir) },
		"key":        yaml("ACME_API_KEY", "OTHER_KEY"),
		"parallel":   yaml("api_key_env: ACME_API_KEY", "api_key_env: ACME_API_KEY, max_parallel: 1"),
		"severities": yaml("audit: {", "audit: {severities: {too-long: info}, "),
		"another agent": func(dir string) {
			swap(t, "train1.jsonl", "case 1 ", "case one ")(dir)
			yaml("agent-1: {", "agent-1: {seed: 7, gate: {rule: point}, ")(dir)
		},
		"agents' order": func(dir string) {
			text := "  agent-0: {train: train0.jsonl, benchmark: {tests: tests0.jsonl}}\n"
			yaml(text, "")(dir)
			yaml("audit:", text+"audit:")(dir)
		},
		"files' names": func(dir string) {
			for _, name := range []string{"train0.jsonl", "tests0.jsonl"} {
				if err := os.Rename(filepath.Join(dir, name), filepath.Join(dir, "new-"+name)); err != nil {
					t.Fatal(err)
				}
				yaml(name, "new-"+name)(dir)
			}
		},
		"layout of the data": swap(t, "train0.jsonl", `{"messages":[`, `{ "messages" : [`),
	} {
		m, _ := checkouts(t, edit)
		if got := inputsOf(t, m); got["agent-0"] != before["agent-0"] {
			t.Errorf("%s changes the inputs", name)
		}
	}
	renamed, _ := checkouts(t, yaml("agent-0:", "first:"))
	if got := inputsOf(t, renamed); got["first"] != before["agent-0"] {
		t.Error("the agent's name changes the inputs")
	}
}

const validRow = `{"messages":[{"role":"user","content":"another case about my refund"},{"role":"assistant","content":"billing"}]}` + "\n"

// reorder is an edit that turns the lines of a file around.
func reorder(t *testing.T, name string) func(string) {
	return func(dir string) {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitAfter(strings.TrimSpace(string(text))+"\n", "\n")
		slices.Reverse(lines)
		put(t, dir, name, strings.Join(lines, ""))
	}
}

// cut leaves the first lines of a file.
func cut(t *testing.T, dir, name string, lines int) {
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, name, strings.Join(strings.SplitAfter(string(text), "\n")[:lines], ""))
}

// The file that a grader's command names counts by what it holds, and its result is never taken over, since nobody knows what else it reads.
func TestInputsOfACommand(t *testing.T) {
	digest := func(script string) string {
		m, _ := checkouts(t, func(dir string) {
			swap(t, "tunegate.yaml", "tests: tests0.jsonl", "tests: tests0.jsonl, grader: {name: command, command: [python3, grade.py]}")(dir)
			put(t, dir, "grade.py", script)
		})
		r, l := &run{m: m, head: m, known: map[string]report.Leg{}}, newLeg(m, m.Agents[0])
		r.locate(t.Context(), l)
		if l.out.Inputs == "" {
			t.Fatalf("no inputs: %q", l.out.Reasons)
		}
		r.known[l.out.Inputs] = report.Leg{Inputs: l.out.Inputs, Verdict: gate.Pass, Phases: []report.Phase{{Benchmark: &report.Benchmark{}, Decision: &gate.Decision{Verdict: gate.Pass}}}}
		if _, ok := r.stands(l); ok {
			t.Error("a result of a program is taken over")
		}
		return l.out.Inputs
	}
	one, again, other := digest("print(1)"), digest("print(1)"), digest("print(0)")
	if one == other {
		t.Error("another program is the same input")
	}
	if one != again {
		t.Error("the same program is another input")
	}
}

// A second night asks and launches nothing, and comes to the same verdicts; what has changed is judged anew.
func TestKnownResultsStand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, m := checkouts(t, nil)
		w := &watched{account: account{length: time.Hour, latency: time.Millisecond}}
		o := Options{Wait: -1, Getenv: keys, Transport: wiretest.CheckSent(t, w), Trust: &Trust{Base: m, Hosts: bound(t, "llm.example.com=ACME_API_KEY")}}
		night := func(m *manifest.Manifest, known []report.Leg) report.Report {
			t.Helper()
			w.sent, w.kind = nil, nil
			o := o
			o.State = t.TempDir()
			o.Trust = &Trust{Base: m, Hosts: o.Trust.Hosts}
			byInputs := map[string]report.Leg{}
			for _, l := range known {
				byInputs[l.Inputs] = l
			}
			o.Known = recalls(byInputs)
			doc, err := Run(t.Context(), m, o)
			if err != nil {
				t.Fatal(err)
			}
			return doc
		}
		first := night(m, nil)
		if verdicts(first) != "pass pass" || first.Launched != 2 || first.Legs[0].Carried || first.Legs[0].Inputs != inputsOf(t, m)["agent-0"] {
			t.Fatalf("first: %s\n%s", verdicts(first), wording(first))
		}
		second := night(m, first.Legs)
		if verdicts(second) != "pass pass" || second.Launched != 0 || second.CostUSD != 0 || second.ReservedUSD != 0 || len(w.sent) > 0 {
			t.Errorf("second: %s, %d launched, $%g, requests %v", verdicts(second), second.Launched, second.CostUSD, w.kind)
		}
		for i, l := range second.Legs {
			if !l.Carried || !reflect.DeepEqual(l.Phases[0].Decision, first.Legs[i].Phases[0].Decision) || l.Phases[0].Model != first.Legs[i].Phases[0].Model || !strings.Contains(strings.Join(l.Reasons, " "), "judged before") {
				t.Errorf("%+v", l)
			}
		}
		third := night(m, second.Legs) // what was taken over may be taken over again
		if verdicts(third) != "pass pass" || len(w.sent) > 0 || len(third.Legs[0].Reasons) != len(second.Legs[0].Reasons) {
			t.Errorf("third: %s\n%s", verdicts(third), wording(third))
		}
		changed, _ := checkouts(t, swap(t, "train0.jsonl", "case 1 ", "case one "))
		fourth := night(changed, first.Legs)
		if fourth.Launched != 1 || fourth.Legs[0].Carried || !fourth.Legs[1].Carried || verdicts(fourth) != "pass pass" {
			t.Errorf("a change: %d launched\n%s", fourth.Launched, wording(fourth))
		}
		p, err := MakePlan(t.Context(), m, Options{Known: recalls(map[string]report.Leg{first.Legs[1].Inputs: first.Legs[1]})})
		if err != nil || p.Legs[0].Known || !p.Legs[1].Known {
			t.Errorf("the plan knows %+v, %v", p.Legs, err)
		}
	})
}

// Only what was judged to the end stands: nothing pending, in error, said without a judgement, or filed under inputs that are not its own.
func TestWhatDoesNotStand(t *testing.T) {
	_, m := checkouts(t, nil)
	r, l := &run{m: m, head: m}, newLeg(m, m.Agents[0])
	r.locate(t.Context(), l)
	judged := func(v, decided gate.Verdict, asked, failed int) report.Leg {
		return report.Leg{Inputs: l.out.Inputs, Verdict: v, Phases: []report.Phase{{Name: "full", Benchmark: &report.Benchmark{Asked: asked, Failed: failed}, Decision: &gate.Decision{Verdict: decided}}}}
	}
	other := judged(gate.Pass, gate.Pass, 60, 0)
	other.Inputs = strings.Repeat("0", 64)
	for name, c := range map[string]struct {
		leg    report.Leg
		stands bool
	}{
		"pass":                       {judged(gate.Pass, gate.Pass, 20, 1), true},
		"fail":                       {judged(gate.Fail, gate.Fail, 20, 0), true},
		"inconclusive":               {judged(gate.Inconclusive, gate.Inconclusive, 60, 0), true},
		"inconclusive after some":    {judged(gate.Inconclusive, gate.Inconclusive, 59, 0), false},
		"inconclusive without some":  {judged(gate.Inconclusive, gate.Inconclusive, 60, 1), false},
		"pending":                    {judged(gate.Pending, gate.Pending, 60, 0), false},
		"error":                      {judged(gate.Error, gate.Error, 60, 0), false},
		"no verdict":                 {judged("", "", 60, 0), false},
		"pass that was not decided":  {judged(gate.Pass, gate.Fail, 60, 0), false},
		"error after a decision":     {judged(gate.Error, gate.Pass, 60, 0), false},
		"fail of the audit":          {report.Leg{Inputs: l.out.Inputs, Verdict: gate.Fail}, false},
		"pass without a benchmark":   {report.Leg{Inputs: l.out.Inputs, Verdict: gate.Pass, Phases: []report.Phase{{Decision: &gate.Decision{Verdict: gate.Pass}}}}, false},
		"result of some other input": {other, false},
	} {
		r.known = map[string]report.Leg{l.out.Inputs: c.leg}
		if _, ok := r.stands(l); ok != c.stands {
			t.Errorf("%s stands: %v", name, ok)
		}
	}
	r.known = map[string]report.Leg{"": {Verdict: gate.Pass}}
	l.out.Inputs = ""
	if _, ok := r.stands(l); ok {
		t.Error("a leg without inputs has a result")
	}
}

// recalls is for Options.Known.
func recalls(known map[string]report.Leg) func(context.Context, []string) map[string]report.Leg {
	return func(context.Context, []string) map[string]report.Leg { return known }
}
