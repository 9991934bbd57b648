package pipeline

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/advice"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/report"
)

// Each verdict but a lone error says what a person does now.
func TestNext(t *testing.T) {
	phase := report.Phase{Model: "ft:m", Status: "succeeded", Benchmark: &report.Benchmark{}, Decision: &gate.Decision{N: 12, NeededN: 230}}
	var steps []advice.Step
	for i := range 4 {
		steps = append(steps, advice.Step{Do: fmt.Sprint("do ", i+1), Why: fmt.Sprint("why ", i+1)})
	}
	failed := report.Phase{Status: "failed"}
	dirty := report.Audit{}
	for range 8 {
		dirty.Findings = append(dirty.Findings, diag.Finding{Severity: diag.Critical, File: "d.jsonl", Line: 3, Message: "bad", Rule: "r", Hint: "mend it"})
	}
	for _, c := range []struct {
		name string
		leg  report.Leg
		want []string // beginnings
	}{
		{"pass", report.Leg{Verdict: gate.Pass, Phases: []report.Phase{phase}}, []string{"try ft:m on real traffic"}},
		{"pending", report.Leg{Verdict: gate.Pending}, []string{"run the same command again later"}},
		{"inconclusive", report.Leg{Verdict: gate.Inconclusive, Phases: []report.Phase{phase}}, []string{"add tests: about 230 would settle it, 12 were asked", "add examples"}},
		{"fail", report.Leg{Verdict: gate.Fail, Phases: []report.Phase{phase}}, []string{"add examples"}},
		{"fail with advice", report.Leg{Verdict: gate.Fail, Phases: []report.Phase{phase}, Advice: steps}, []string{"do 1 (why 1)", "do 2 (why 2)", "do 3 (why 3)", "reports/next_steps.md names the lines and the tests of 4 changes"}},
		{"not launched", report.Leg{Verdict: gate.Inconclusive}, nil},
		{"critical findings", report.Leg{Verdict: gate.Fail, Audit: dirty}, []string{"mend 8 × r in d.jsonl (line 3): mend it"}},
		{"job failed", report.Leg{Verdict: gate.Error, Phases: []report.Phase{failed}}, []string{"mend the cause, then tunegate retry"}},
		{"error before a job", report.Leg{Verdict: gate.Error}, nil},
	} {
		got := next(&c.leg)
		same := len(got) == len(c.want)
		for i := range min(len(got), len(c.want)) {
			same = same && strings.HasPrefix(got[i], c.want[i])
		}
		if !same {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// Critical findings of one rule in one file are one thing to do; where there are many kinds, the first ones are named.
func TestMend(t *testing.T) {
	finding := func(rule, file string, line int) diag.Finding {
		return diag.Finding{Rule: rule, Severity: diag.Critical, File: file, Line: line, Message: "not so", Hint: "mend it"}
	}
	lines := func(numbers ...int) (out []diag.Finding) {
		for _, n := range numbers {
			out = append(out, finding("r", "a", n))
		}
		return out
	}
	folded, hintless := finding("r", "a", 3), finding("r", "a", 3)
	folded.Lines, hintless.Hint = []int{3, 8, 20, 31, 40}, ""
	var kinds []diag.Finding
	for i := range 8 {
		kinds = append(kinds, finding("r", string(rune('a'+i)), 1), diag.Finding{Severity: diag.Warning, Rule: "w"})
	}
	for name, c := range map[string]struct {
		findings []diag.Finding
		want     string
	}{
		"none":           {nil, ""},
		"one":            {lines(3), "mend a:3: not so [r]: mend it"},
		"no hint":        {[]diag.Finding{hintless}, "mend a:3: not so [r]"},
		"two":            {lines(9, 3), "mend 2 × r in a (lines 3 and 9): mend it"},
		"three":          {lines(3, 9, 14), "mend 3 × r in a (lines 3, 9 and 14): mend it"},
		"twelve":         {lines(3, 9, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23), "mend 12 × r in a (lines 3, 9, 14 and 9 more): mend it"},
		"folded already": {[]diag.Finding{folded}, "mend 5 × r in a (lines 3, 8, 20 and 2 more): mend it"},
		"whole files":    {lines(0, 0), "mend 2 × r in a: mend it"},
		"rules, files":   {[]diag.Finding{finding("r", "a", 1), finding("s", "a", 2), finding("r", "b", 3)}, "mend a:1: not so [r]: mend it; mend a:2: not so [s]: mend it; mend b:3: not so [r]: mend it"},
		"many kinds": {kinds, "mend a:1: not so [r]: mend it; mend b:1: not so [r]: mend it; mend c:1: not so [r]: mend it; mend d:1: not so [r]: mend it; " +
			"mend e:1: not so [r]: mend it; mend the problems of 3 kinds more, which the audit lists"},
	} {
		if got := strings.Join(mend(c.findings), "; "); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}
