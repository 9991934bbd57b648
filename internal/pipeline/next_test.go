package pipeline

import (
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/report"
)

// Each verdict but a lone error says what a person does now.
func TestNext(t *testing.T) {
	phase := report.Phase{Model: "ft:m", Status: "succeeded", Benchmark: &report.Benchmark{}, Decision: &gate.Decision{N: 12, NeededN: 230}}
	lost := phase
	lost.Benchmark = &report.Benchmark{Flips: []report.Flip{{Gain: 1}, {Gain: -1}}}
	failed := report.Phase{Status: "failed"}
	warning := report.Audit{Findings: []diag.Finding{{Severity: diag.Warning}, {Severity: diag.Info}}}
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
		{"fail with losses and warnings", report.Leg{Verdict: gate.Fail, Phases: []report.Phase{lost}, Audit: warning}, []string{"look at the tests that the tuned model lost", "go through the audit's 1 warning,", "add examples"}},
		{"not launched", report.Leg{Verdict: gate.Inconclusive}, nil},
		{"critical findings", report.Leg{Verdict: gate.Fail, Audit: dirty}, []string{"mend d.jsonl:3: bad [r]: mend it", "mend ", "mend ", "mend ", "mend "}},
		{"job failed", report.Leg{Verdict: gate.Error, Phases: []report.Phase{failed}}, []string{"mend the cause, then allow another attempt"}},
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
