package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
)

func number(v float64) *float64 { return &v }

// leg is one that was judged.
func leg(id string, v gate.Verdict) Leg {
	return Leg{ID: id, Agent: id, Verdict: v, Seconds: 3, Phases: []Phase{
		{Name: "trial", Job: "j0", Model: "m0", Launched: 0, CostUSD: 0.25, Decision: &gate.Decision{Verdict: gate.Pass, N: 10, Base: 0.1, Tuned: 0.9, P: 0.01}},
		{Name: "full", Job: "j1", Model: "m1", Launched: 1, CostUSD: 1.5, Decision: &gate.Decision{Verdict: v, N: 20, Base: 0.5, Tuned: 0.75, Improvement: number(0.5), P: 0.02}},
	}}
}

func TestComplete(t *testing.T) {
	r := Report{Margin: 0.1, Rule: "significant", Launched: 99, CostUSD: 99, Verdict: gate.Pass, Agents: make([]Agent, 5), Legs: []Leg{leg("a", gate.Pass), {ID: "b", Agent: "b", Verdict: gate.Fail, Margin: 0.3, Measure: "errors", Rule: "strict"}}}
	r.Complete()
	if r.Verdict != gate.Fail || r.Launched != 1 || r.CostUSD != 1.75 || len(r.Agents) != 2 || r.Schema != Schema {
		t.Errorf("verdict %s, %d launched, %v USD, %d agents, schema %d", r.Verdict, r.Launched, r.CostUSD, len(r.Agents), r.Schema)
	}
	want := Agent{Name: "a", Verdict: gate.Pass, Base: number(0.5), Tuned: number(0.75), Improvement: number(0.5), N: 20, PValue: number(0.02), Model: "m1", Job: "j1", Launched: 1, CostUSD: 1.75, Seconds: 3}
	if !reflect.DeepEqual(r.Agents[0], want) {
		t.Errorf("agent %+v, want that of the last phase, %+v", r.Agents[0], want)
	}
	if b := r.Agents[1]; b.Base != nil || b.Tuned != nil || b.Improvement != nil || b.PValue != nil {
		t.Errorf("what was not measured has numbers: %+v", b)
	}
	if l := r.Legs[0]; l.Margin != 0.1 || l.Measure != "relative" || l.Rule != "significant" {
		t.Errorf("the leg a is judged by %v, %q, %q", l.Margin, l.Measure, l.Rule)
	}
	if l := r.Legs[1]; l.Margin != 0.3 || l.Measure != "errors" || l.Rule != "strict" {
		t.Errorf("the leg b lost its own gate: %v, %q, %q", l.Margin, l.Measure, l.Rule)
	}
	again := r
	again.Complete()
	if !reflect.DeepEqual(again, r) {
		t.Error("completing twice is not the same as once")
	}
}

// What nobody judged does not pass.
func TestCompleteWithoutVerdict(t *testing.T) {
	for name, legs := range map[string][]Leg{
		"no leg": nil, "no verdict": {leg("a", gate.Pass), leg("b", "")}, "a foreign one": {leg("a", "passed")}, "in capitals": {leg("a", "PASS")},
	} {
		r := Report{Verdict: gate.Pass, Legs: legs}
		r.Complete()
		if r.Verdict != gate.Error {
			t.Errorf("%s: the verdict is %s", name, r.Verdict)
		}
		for i, l := range r.Legs {
			if l.Verdict != r.Agents[i].Verdict || l.Verdict != gate.Pass && l.Verdict != gate.Error {
				t.Errorf("%s: leg %s, agent %s", name, l.Verdict, r.Agents[i].Verdict)
			}
		}
	}
}

// Readers of the JSON need not tell an absent list from an empty one.
func TestNoListIsNull(t *testing.T) {
	r := Report{Legs: []Leg{{ID: "a", Verdict: gate.Error, Phases: []Phase{{Benchmark: &Benchmark{}}}}, {ID: "b", Verdict: gate.Error}}}
	r.Complete()
	body, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := json.Unmarshal(body, &doc); err != nil {
		t.Fatal(err)
	}
	may := map[string]bool{"base": true, "tuned": true, "improvement": true, "p_value": true, "final_loss": true, "benchmark": true, "decision": true}
	var look func(path string, v any)
	look = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, inner := range v {
				if inner == nil && !may[k] {
					t.Errorf("%s.%s is null", path, k)
				}
				look(path+"."+k, inner)
			}
		case []any:
			for i, inner := range v {
				look(fmt.Sprintf("%s[%d]", path, i), inner)
			}
		}
	}
	look("", doc)
	empty := Report{}
	empty.Complete()
	if body, err = json.Marshal(empty); err != nil || !strings.Contains(string(body), `"legs":[],"agents":[]`) {
		t.Errorf("a report without legs: %s, %v", body, err)
	}
}

// part is a report without legs of a run that has the given ones.
func part(expected ...string) Report {
	return Report{Name: "n", Margin: 0.1, Rule: "significant", Expected: expected}
}

// with is a report of one leg of such a run.
func with(l Leg, expected ...string) Report {
	r := part(expected...)
	r.Legs = []Leg{l}
	return r
}

func TestMerge(t *testing.T) {
	early := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	a, b, c := part("a", "b", "c", "d"), part("a", "b", "c", "d"), part("a", "b", "c", "d")
	a.Started, a.Seconds, a.Legs, a.Estimate = early.Add(time.Minute), 10, []Leg{leg("c", gate.Pass)}, &Money{1, 2}
	b.Started, b.Seconds, b.Legs, b.Estimate = early, 30, []Leg{leg("d", gate.Inconclusive), leg("a", gate.Pass)}, &Money{10, 20}
	b.Legs[0].Rule, b.Legs[0].Margin = "strict", 0.2
	policy := diag.Finding{Rule: "policy-change", File: "tunegate.yaml", Line: 3, Message: "gate.rule"}
	a.Changes, b.Changes = []diag.Finding{policy}, []diag.Finding{{Rule: "benchmark-change", File: "tunegate.yaml", Line: 2}, policy}
	c.Started, c.Seconds, c.Legs = early.Add(time.Hour), 20, []Leg{leg("b", gate.Pending)}
	all, err := Merge(a, b, c)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for i, l := range all.Legs {
		ids = append(ids, l.ID)
		if all.Agents[i].Name != l.ID {
			t.Errorf("agent %d is %s, its leg %s", i, all.Agents[i].Name, l.ID)
		}
	}
	if got := strings.Join(ids, ""); got != "abcd" || all.Verdict != gate.Inconclusive || all.Launched != 4 || all.CostUSD != 7 || all.Seconds != 30 || !all.Started.Equal(early) {
		t.Errorf("legs %s, verdict %s, %d launched, %v USD, %v s, started %v", got, all.Verdict, all.Launched, all.CostUSD, all.Seconds, all.Started)
	}
	if *all.Estimate != (Money{11, 22}) || *a.Estimate != (Money{1, 2}) {
		t.Errorf("estimate %v, that of the first part %v", *all.Estimate, *a.Estimate)
	}
	if all.Legs[0].Rule != "significant" || all.Legs[3].Rule != "strict" || all.Legs[3].Margin != 0.2 {
		t.Error("a leg lost its own gate")
	}
	if len(all.Changes) != 2 || all.Changes[0].Line != 2 || all.Changes[1].Message != policy.Message || len(a.Changes) != 1 {
		t.Errorf("changes %v", all.Changes)
	}
	if a.Agents != nil || a.Legs[0].Rule != "" || a.Legs[0].Phases[0].Extra != nil {
		t.Error("merging changed a part")
	}
}

func TestMergeOneBadLeg(t *testing.T) {
	for v, want := range map[gate.Verdict]gate.Verdict{gate.Fail: gate.Fail, gate.Error: gate.Error, "": gate.Error, "ok": gate.Error, gate.Pending: gate.Pending} {
		all, err := Merge(with(leg("a", gate.Pass), "a", "b", "c"), with(leg("b", v), "a", "b", "c"), with(leg("c", gate.Pass), "a", "b", "c"))
		if err != nil || all.Verdict != want {
			t.Errorf("with a leg of verdict %q: %s, %v; want %s", v, all.Verdict, err, want)
		}
	}
}

// A job that was killed leaves no report; its leg is not forgotten, and what is there is still shown.
func TestMergeMissesALeg(t *testing.T) {
	all, err := Merge(with(leg("b", gate.Pass), "a", "b", "c"), part("a", "b", "c"))
	if err != nil {
		t.Fatal(err)
	}
	if all.Verdict != gate.Error || len(all.Legs) != 3 || all.Legs[1].Verdict != gate.Pass || all.Launched != 1 {
		t.Errorf("verdict %s, legs %+v", all.Verdict, all.Legs)
	}
	for _, i := range []int{0, 2} {
		if l := all.Legs[i]; l.ID != all.Expected[i] || l.Verdict != gate.Error || l.Reasons[0] != "no report of this leg" || all.Agents[i].Name != l.ID {
			t.Errorf("leg %d is %+v", i, l)
		}
	}
}

// A leg alone is judged alone: only Merge looks for the others.
func TestALegAloneHasItsOwnVerdict(t *testing.T) {
	r := with(leg("a", gate.Pass), "a", "b")
	r.Complete()
	if r.Verdict != gate.Pass || len(r.Legs) != 1 {
		t.Errorf("verdict %s, %d legs", r.Verdict, len(r.Legs))
	}
}

// A pass rests on the decision of the last phase.
func TestPassWithoutADecision(t *testing.T) {
	undecided, trialOnly := leg("a", gate.Pass), leg("a", gate.Pass)
	undecided.Phases[1].Decision = nil
	trialOnly.Phases[1].Decision = &gate.Decision{Verdict: gate.Fail}
	for name, l := range map[string]Leg{"no phase": {ID: "a", Verdict: gate.Pass}, "not decided": undecided, "decided otherwise": trialOnly} {
		r := with(l, "a")
		r.Complete()
		if r.Verdict != gate.Error || r.Agents[0].Verdict != gate.Error || len(r.Legs[0].Reasons) != 1 {
			t.Errorf("%s: the verdict is %s, because of %q", name, r.Verdict, r.Legs[0].Reasons)
		}
	}
}

func TestMergeRefuses(t *testing.T) {
	one := with(leg("a", gate.Pass), "a", "b")
	other := func(change func(*Report)) []Report {
		r := with(leg("b", gate.Pass), "a", "b")
		change(&r)
		return []Report{one, r}
	}
	for want, parts := range map[string][]Report{
		"no report to merge":                                                                                           nil,
		"the leg a is in two of the reports":                                                                           {one, with(leg("b", gate.Pass), "a", "b"), one},
		"the leg z is none of those that the reports expect":                                                           other(func(r *Report) { r.Legs[0].ID = "z" }),
		"the leg a is none of those that the reports expect":                                                           {with(leg("a", gate.Pass))},
		"the reports are of two runs, \"n\" and \"m\"":                                                                 other(func(r *Report) { r.Name = "m" }),
		"the reports are of manifests with different legs":                                                             other(func(r *Report) { r.Expected = []string{"b"} }),
		"the reports were judged differently: by the measure relative, and by errors":                                  other(func(r *Report) { r.Measure = "errors" }),
		"the reports were judged differently: by the rule significant with a margin of 0.1, and by point with 0.1":     other(func(r *Report) { r.Rule = "point" }),
		"the reports were judged differently: by the rule significant with a margin of 0.1, and by significant with 0": other(func(r *Report) { r.Margin = 0 }),
	} {
		if _, err := Merge(parts...); err == nil || err.Error() != want {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if all, err := Merge(Report{}, Report{}); err != nil || all.Verdict != gate.Error || len(all.Legs) != 0 {
		t.Errorf("reports without legs: %s, %v", all.Verdict, err)
	}
}

func TestReadWhatWasWritten(t *testing.T) {
	r := Report{Name: "n", Profile: "speed", Margin: 0.1, Rule: "significant", Expected: []string{"a", "b", "c"}, Started: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC), Legs: []Leg{leg("a", gate.Pass), leg("b", gate.Fail)}, Seconds: 2, Estimate: &Money{1, 2}, Budget: number(100)}
	r.Complete()
	body, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Read(strings.NewReader(string(body)))
	if err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("%v; read %+v, want %+v", err, got, r)
	}
}

// A document that claims more than its legs show is not believed.
func TestReadTrustsOnlyTheLegs(t *testing.T) {
	got, err := Read(strings.NewReader(`{"schema":1,"rule":"point","verdict":"pass","launched":7,"cost_usd":-5,"agents":[{"name":"x","verdict":"pass"},{"name":"y"}],
		"legs":[{"id":"a","agent":"a","verdict":"fail","launched":3,"cost_usd":9}],"added_later":{"x":[1]}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got.Verdict != gate.Fail || got.Launched != 0 || got.CostUSD != 0 || len(got.Agents) != 1 || got.Agents[0].Name != "a" {
		t.Errorf("got %+v", got)
	}
}

func TestReadRefuses(t *testing.T) {
	for body, want := range map[string]string{
		"":                              "reading the report: unexpected end of JSON input",
		"<html>":                        "reading the report: invalid character '<'",
		"[]":                            "reading the report: json: cannot unmarshal array",
		"{}":                            "the report has schema 0, this program reads 1",
		`{"schema":2,"legs":{"a":"b"}}`: "the report has schema 2, this program reads 1",
		`{"schema":"1"}`:                "reading the report: json: cannot unmarshal string",
		`{"schema":1,"legs":"none"}`:    "reading the report: json: cannot unmarshal string",
		`{"schema":1} {"schema":1}`:     "reading the report: invalid character '{' after top-level value",
		`{"schema":1,"legs":[{"id":"a"`: "reading the report: unexpected end of JSON input",
		`{"schema":1,"legs":` + strings.Repeat("[", 100_000): "reading the report: ",
		`{"schema":1}`:                                                                                                           `reading the report: there is no rule ""`,
		`{"schema":1,"rule":"\n\n<img src=x>"}`:                                                                                  `reading the report: there is no rule "\n\n<img src=x>"`,
		`{"schema":1,"rule":"point","expected":["a","../x"]}`:                                                                    `reading the report: expected holds "../x"`,
		`{"schema":1,"rule":"point","expected":["a","a"]}`:                                                                       `reading the report: expected holds "a"`,
		`{"schema":1,"rule":"point","measure":"<b>"}`:                                                                            `reading the report: there is no measure "<b>"`,
		`{"schema":1,"rule":"point","legs":[{"id":"a","verdict":"fail","measure":"<b>"}]}`:                                       `reading the report: leg a: there is no measure "<b>"`,
		`{"schema":1,"rule":"point","legs":[{"verdict":"fail"}]}`:                                                                `reading the report: "" cannot be the id of a leg`,
		`{"schema":1,"rule":"point","legs":[{"id":"../../x","verdict":"fail"}]}`:                                                 `reading the report: "../../x" cannot be the id of a leg`,
		`{"schema":1,"rule":"point","legs":[{"id":"a"}]}`:                                                                        `reading the report: leg a: there is no verdict ""`,
		`{"schema":1,"rule":"point","legs":[{"id":"a","verdict":"passed"}]}`:                                                     `reading the report: leg a: there is no verdict "passed"`,
		`{"schema":1,"rule":"point","legs":[{"id":"a","verdict":"pass","inputs":"../x"}]}`:                                       `reading the report: leg a: "../x" is no digest of its inputs`,
		`{"schema":1,"rule":"point","legs":[{"id":"a","verdict":"fail","rule":"<b>"}]}`:                                          `reading the report: leg a: there is no rule "<b>"`,
		`{"schema":1,"rule":"point","legs":[{"id":"a","verdict":"fail","phases":[{"name":"# x"}]}]}`:                             `reading the report: leg a: there is no phase "# x"`,
		`{"schema":1,"rule":"point","legs":[{"id":"a","verdict":"fail","phases":[{"name":"full","decision":{"verdict":"?"}}]}]}`: `reading the report: leg a: there is no verdict "?"`,
	} {
		if _, err := Read(strings.NewReader(body)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.40q: got %v, want %q", body, err, want)
		}
	}
	broken := errors.New("disk on fire")
	if _, err := Read(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

// The size is refused before the document is parsed, and without reading on.
func TestReadIsBounded(t *testing.T) {
	const limit = 1 << 20
	body := `{"schema":1,"rule":"point","name":"` + strings.Repeat("x", limit) + `"}`
	r := strings.NewReader(body + body)
	if _, err := read(r, limit); err == nil || err.Error() != "the report is larger than 1 MiB" {
		t.Errorf("got %v", err)
	}
	if left := r.Len(); left < len(body)-64 {
		t.Errorf("%d bytes were read", 2*len(body)-left)
	}
	if _, err := read(strings.NewReader(body), int64(len(body))); err != nil {
		t.Errorf("a document of just the limit: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`{"schema":1,"rule":"point","expected":["a"],"legs":[{"id":"a","verdict":"pass","phases":[{"name":"full","benchmark":{},"decision":{"verdict":"pass","n":3,"interval":[null,1]}}]}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		r, err := Read(strings.NewReader(body))
		if err != nil {
			return
		}
		for _, l := range r.Legs {
			if r.Verdict == gate.Pass && l.Verdict != gate.Pass {
				t.Errorf("passes with a leg of verdict %q", l.Verdict)
			}
		}
		if r.Verdict == gate.Pass && !slices.ContainsFunc(r.Legs, func(l Leg) bool { return l.Last() != nil && l.Last().Decision != nil }) {
			t.Error("passes without a decision")
		}
		if len(r.Agents) != len(r.Legs) || len(r.Legs) == 0 && r.Verdict != gate.Error {
			t.Errorf("%d agents, %d legs, verdict %s", len(r.Agents), len(r.Legs), r.Verdict)
		}
	})
}
