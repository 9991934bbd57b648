package manifest

import (
	"testing"
	"time"
)

func TestGraders(t *testing.T) {
	for written, want := range map[string]Grader{
		"tool-call":                               {Name: "tool-call"},
		"code":                                    {Name: "code"},
		"{name: code, timeout: 2.5}":              {Name: "code", Timeout: 2500 * time.Millisecond},
		"{name: token-f1, threshold: 0.8}":        {Name: "token-f1", Threshold: 0.8},
		"{name: embedding, model: m/e-1}":         {Name: "embedding", Model: "m/e-1"},
		"{name: judge-pair, model: m, votes: 15}": {Name: "judge-pair", Model: "m", Votes: 15},
		"{name: judge, model: m, rubric: \"It is right.\\nIt is short.\", votes: 1}": {Name: "judge", Model: "m", Rubric: "It is right.\nIt is short.", Votes: 1},
		"{name: command, command: [python3, grade.py, '']}":                          {},
		"{name: command, command: [python3, grade.py, --strict], timeout: 600}":      {Name: "command", Command: []string{"python3", "grade.py", "--strict"}, Timeout: 10 * time.Minute},
	} {
		m, mistakes := Parse([]byte("version: 1\nagents: {a: {train: t.jsonl, benchmark: {tests: b.jsonl, grader: "+written+"}}}"), "x.yaml")
		if want.Name == "" {
			if len(mistakes) == 0 {
				t.Errorf("%s was accepted", written)
			}
			continue
		}
		if len(mistakes) > 0 {
			t.Errorf("%s: %v", written, mistakes)
			continue
		}
		wants(t, written, m.Agents[0].Grader, want)
	}
}
