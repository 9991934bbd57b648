package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/pipeline"
	"github.com/tunegate/tunegate/internal/report"
)

// ours is where the pages of tests stand.
func ours() Place {
	return Place{Commit: "0123456789abcdef0123456789abcdef01234567", Run: "https://github.example/acme/desk/actions/runs/77", Artifact: "https://github.example/acme/desk/actions/runs/77/artifacts/5"}
}

// TUNEGATE_PAGES names a folder that takes the pages of all cases, to be made into pictures.
func TestPagesForPictures(t *testing.T) {
	dir := os.Getenv("TUNEGATE_PAGES")
	if dir == "" {
		t.Skip("TUNEGATE_PAGES names no folder for the pages")
	}
	all := cases()
	all["five"] = five()
	for name, p := range plans() {
		for kind, page := range map[string]string{"estimate": Estimate(p, ours()), "plan": PlanPage(p)} {
			if err := os.WriteFile(filepath.Join(dir, name+"."+kind+".md"), []byte(page), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		r := all[name]
		for kind, page := range map[string]string{"comment": Comment(r, ours()), "summary": Summary(r, ours()), "results": Results(r), "audit": Audit(r), "next": Next(r)} {
			if err := os.WriteFile(filepath.Join(dir, name+"."+kind+".md"), []byte(page), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// five is a report that has a chart: every leg has an improvement, and none is below 0.
func five() report.Report {
	var legs []report.Leg
	for i, gain := range []float64{0.417, 0.031, 0.12, 0.9, 0} {
		d := better()
		d.Tuned, d.Improvement = d.Base*(1+gain), &gain
		v := gate.Pass
		if gain < 0.1 {
			v = gate.Fail
		}
		legs = append(legs, tuned([]string{"support-router", "bank-triage", "客服路由", "תמיכה-בלקוחות", `a"] ; %% ]` + "```"}[i], v, d))
	}
	return newReport(legs...)
}

// markedPlan is a plan with all there can be; s stands in every place that data or manifests fill.
func markedPlan(s string) pipeline.Plan {
	phase := func(name string) pipeline.PlanPhase {
		return pipeline.PlanPhase{Name: name, Examples: 10000, TrainingTokens: 6_435_400, TrainingUSD: 19.3062, Hours: 8.04}
	}
	leg := pipeline.PlanLeg{ID: s, Agent: s, BaseModel: s, Examples: 20000, Tests: 300, Phases: []pipeline.PlanPhase{phase("trial"), phase("full")}}
	return pipeline.Plan{
		Profile: s, Legs: []pipeline.PlanLeg{leg, leg, {ID: s, BaseModel: s, Phases: []pipeline.PlanPhase{}}}, Phases: []pipeline.PlanPhase{phase("trial"), phase("full")},
		TrainingUSD: 77.22, BenchmarkUSD: 1.5, CostUSD: 78.72, Hours: 8.04, Budget: number(100), MaxHours: number(10),
		Matrix: pipeline.Matrix{Include: []pipeline.MatrixLeg{{Leg: s}, {Leg: s}}}, Skips: []string{s, "skips " + s}, Notes: []string{s, "note: " + s}, Blocked: []string{s, "blocked: " + s},
		Changes:  marks(s),
		Findings: []diag.Finding{{Rule: s, Severity: diag.Critical, File: s, Line: 3, Message: s, Hint: s}, {Rule: "r", Severity: diag.Warning, File: s, Message: "about " + s}},
	}
}

// Whatever is in a report or a plan of 256 legs, the pages are within what GitHub takes and say the verdict first.
func TestPagesFit(t *testing.T) {
	long := strings.Repeat("a-very-long-name-", 20)
	for name, s := range map[string]string{
		"plain": "support-router", "long": long, "hostile": hostile(), "escapes": strings.Repeat("<", 2000), "wide": strings.Repeat("客服", 300),
		"marks": strings.Repeat("z\u0300\u0301\u0302\u0303", 320), "right to left": strings.Repeat("תמיכה ", 100), "no width": strings.Repeat("\u1160", 300), "joiners": strings.Repeat("\u200d", 300), "ampersands": strings.Repeat("&", 350),
	} {
		var legs []report.Leg
		for range 86 {
			legs = append(legs, marked(s).Legs...)
		}
		r := newReport(legs[:256]...)
		r.Name = s
		p := markedPlan(s)
		p.Legs = slices.Repeat(p.Legs, 86)[:256]
		p.Blocked, p.Notes, p.Skips, p.Findings = slices.Repeat(p.Blocked, 128), slices.Repeat(p.Notes, 128), slices.Repeat(p.Skips, 128), slices.Repeat(p.Findings, 500)
		r.Changes, p.Changes = slices.Repeat(marks(s), 60), slices.Repeat(marks(s), 60)
		for page, got := range map[string]struct {
			text  string
			size  func(string) int
			limit int
		}{
			"comment": {Comment(r, ours()), inCharacters, 64_000}, "estimate": {Estimate(p, ours()), inCharacters, 64_000},
			"summary": {Summary(r, ours()), inBytes, 1_024_000}, "plan": {PlanPage(p), inBytes, 1_024_000},
		} {
			if n := got.size(got.text); n > got.limit {
				t.Errorf("%s: the %s has %d, the limit is %d", name, page, n, got.limit)
			}
			if head, _, _ := strings.Cut(got.text, "\n"); page == "comment" && !strings.HasSuffix(head, ": ⚠️ error") {
				t.Errorf("%s: the %s begins with %q", name, page, head)
			}
			if !strings.Contains(got.text, "github.example") && page != "plan" {
				t.Errorf("%s: the %s does not say where the rest is", name, page)
			}
			opened, closed := 0, 0
			for _, node := range skeleton(got.text) {
				if _, html, ok := strings.Cut(node, "HTMLBlock <details"); ok && strings.HasSuffix(html, "</summary>\n") {
					opened++
				} else if strings.HasSuffix(node, "HTMLBlock </details>\n") {
					closed++
				}
			}
			if opened != closed {
				t.Errorf("%s: in the %s %d folds are opened and %d closed", name, page, opened, closed)
			}
		}
	}
}

// plans are what the pages of plans show.
func plans() map[string]pipeline.Plan {
	full := pipeline.PlanPhase{Name: "full", Examples: 20000, TrainingTokens: 6_435_400, TrainingUSD: 19.3062, Hours: 8.04}
	trial := pipeline.PlanPhase{Name: "trial", Examples: 100, TrainingTokens: 32_177, TrainingUSD: 0.0965, Hours: 0.04}
	plan := func(phases []pipeline.PlanPhase, ids ...string) pipeline.Plan {
		p := pipeline.Plan{Profile: "speed", Phases: phases, TrainingUSD: 19.3062 * pipeline.USD(len(ids)), BenchmarkUSD: 0.02, CostUSD: 19.3062*pipeline.USD(len(ids)) + 0.02, Hours: 8.04, Budget: number(100), MaxHours: number(10)}
		for _, id := range ids {
			p.Legs = append(p.Legs, pipeline.PlanLeg{ID: id, Agent: id, BaseModel: "gpt-4.1-mini-2025-04-14", Examples: 20000, Tests: 300, Phases: phases})
			p.Matrix.Include = append(p.Matrix.Include, pipeline.MatrixLeg{Leg: id})
		}
		p.Phases = slices.Clone(phases)
		for i := range p.Phases {
			p.Phases[i].TrainingTokens *= int64(len(ids))
		}
		return p
	}
	ready := plan([]pipeline.PlanPhase{full}, "support-router", "bank-triage", "home-assistant", "voice-tools", "commit-labeler")
	ready.Skips = []string{"the trial on 100 examples and its gate", "the deep audit of legs that pass"}
	ready.Findings = []diag.Finding{{Rule: "exact-duplicate", Severity: diag.Warning, File: "data/train.jsonl", Line: 9, Message: "the same example as in line 2", Hint: "keep one of them"}}
	thorough := plan([]pipeline.PlanPhase{trial, full}, "support-router", "客服路由")
	thorough.Profile, thorough.Notes = "thorough", []string{"the key in ACME_API_KEY is not set: run will need it"}
	thorough.Blocked = []string{"客服路由: may end before its last phase: $19.32 more would exceed the budget"}
	stopped := plan(nil, "support-router")
	stopped.Matrix.Include, stopped.Blocked = nil, []string{"support-router: the audit found 1 critical problem, so nothing was launched"}
	stopped.Findings = cases()["audit-stop"].Legs[0].Audit.Findings
	unknown := plan([]pipeline.PlanPhase{{Name: "full", Examples: 20000, TrainingTokens: 6_435_400, TrainingUSD: pipeline.USD(math.NaN()), Hours: 8.04}}, "support-router")
	unknown.TrainingUSD, unknown.CostUSD, unknown.Budget = pipeline.USD(math.NaN()), pipeline.USD(math.NaN()), nil
	unknown.Matrix.Include, unknown.Blocked = nil, []string{"support-router: the price of gpt-4.1-mini-2025-04-14 is unknown"}
	wide := plan([]pipeline.PlanPhase{trial, full}, wideNames()...)
	for i := range wide.Legs {
		wide.Legs[i].BaseModel = wide.Legs[i].ID
	}
	return map[string]pipeline.Plan{"narrow": wide, "ready": ready, "thorough": thorough, "stopped": stopped, "unknown": unknown, "hostile": markedPlan(hostile()), "nothing": {Profile: "speed"}}
}

func TestGoldenPages(t *testing.T) {
	all := cases()
	all["five"] = five()
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		r := all[name]
		golden(t, name+".comment.md", Comment(r, ours()))
		fmt.Fprintf(&lines, "%s\n\t%s\n", name, StatusLine(r))
		if characters := inCharacters(StatusLine(r)); characters > 140 || characters == 0 {
			t.Errorf("%s: the status line has %d characters", name, characters)
		}
	}
	golden(t, "status.txt", lines.String())
	golden(t, "dirty.summary.md", Summary(all["dirty"], Place{}))
	for name, p := range plans() {
		golden(t, "plan/"+name+".estimate.md", Estimate(p, ours()))
		golden(t, "plan/"+name+".page.md", PlanPage(p))
	}
	launching := ours()
	launching.Launching = true
	golden(t, "plan/launching.estimate.md", Estimate(plans()["ready"], launching))
}

// Every report that pages are tested with is one that the published schema allows.
func TestCasesAreValid(t *testing.T) {
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(report.JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("report.json", schema); err != nil {
		t.Fatal(err)
	}
	compiled := c.MustCompile("report.json")
	for name, r := range cases() {
		body, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiled.Validate(doc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An address that is none of ours is no link, and neither is what could end one.
func TestLinks(t *testing.T) {
	for address, want := range map[string]string{
		"https://github.example/a/b/actions/runs/7": "[run](https://github.example/a/b/actions/runs/7)", "http://ghe.example:8080/x?y=1#z": "[run](http://ghe.example:8080/x?y=1#z)",
		"": "run", "javascript:alert(1)": "run", "https://": "run", "https://x.example/a)b": "run", "https://x.example/a b": "run", "https://x.example/<b>": "run", "/relative": "run", "https://x.example/\n": "run",
	} {
		if got := link("run", address); got != want {
			t.Errorf("link to %q is %q, want %q", address, got, want)
		}
	}
}
