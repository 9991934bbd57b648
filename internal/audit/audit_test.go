package audit

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/suite"
	"github.com/tunegate/tunegate/internal/tokens"
)

// testdata returns the path of a file of the large test data, which is not part of the repository.
func testdata(t testing.TB, parts ...string) string {
	t.Helper()
	root := os.Getenv("TUNEGATE_TESTDATA")
	if root == "" {
		t.Skip("TUNEGATE_TESTDATA is not set: the large test data is not part of the repository")
	}
	path := filepath.Join(append([]string{root, "data"}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t testing.TB, path string) *dataset.File {
	t.Helper()
	f, err := dataset.Open(path, filepath.Base(path))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func encoding(t testing.TB) *tokens.Encoding {
	t.Helper()
	e, err := tokens.Load("o200k_base")
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// quick are the rules that the planted set has defects of.
func quick(kind string) bool {
	for _, r := range Rules() {
		if r.Name == kind && !r.Deep {
			return true
		}
	}
	return false
}

// TestPlanted: every planted defect of a quick rule is found under its rule at its line, and nothing of the kind that
// a clean row only looks like.
func TestPlanted(t *testing.T) {
	tests, err := suite.Open(testdata(t, "planted", "benchmark.jsonl"), "benchmark.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	res, err := Run(t.Context(), Input{
		Train: open(t, testdata(t, "planted", "train.jsonl")), Tests: tests, Encoding: encoding(t), TrainingContext: 65536,
	}, DefaultPolicy())
	if err != nil {
		t.Fatal(err)
	}
	type spot struct {
		rule string
		line int
	}
	found := map[spot]bool{}
	byLine := map[int][]diag.Finding{}
	for _, f := range res.Findings {
		for _, line := range append(f.Lines, f.Line) {
			found[spot{f.Rule, line}] = true
			byLine[line] = append(byLine[line], f)
		}
	}
	truth, err := os.Open(testdata(t, "planted", "truth.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer truth.Close()
	data, err := os.ReadFile(testdata(t, "planted", "train.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(string(data), "\n")
	named := map[int]bool{}
	contaminated := map[string]bool{}
	checked := 0
	for in := bufio.NewScanner(truth); in.Scan(); {
		var d struct {
			Line, Of   int
			Kind, Test string
			LooksLike  string `json:"looks_like"`
		}
		if err := json.Unmarshal(in.Bytes(), &d); err != nil {
			t.Fatal(err)
		}
		named[d.Line], named[d.Of] = true, true
		switch {
		case d.Kind == "clean-control":
			for _, f := range byLine[d.Line] {
				if f.Severity == diag.Critical {
					t.Errorf("line %d only looks like %s: %s", d.Line, d.LooksLike, f)
				}
			}
		case d.Kind == "contamination" && !verbatim(rows[d.Line-1], tests, d.Test):
			// An edited copy is for the deep audit.
		case quick(d.Kind):
			checked++
			if !found[spot{d.Kind, d.Line}] {
				t.Errorf("line %d: %s not found; found %v", d.Line, d.Kind, byLine[d.Line])
			}
			contaminated[d.Test] = true
		}
	}
	if checked < 150 {
		t.Errorf("only %d planted defects were checked", checked)
	}
	for _, f := range res.Findings {
		if f.Line > 0 && !named[f.Line] && f.Severity == diag.Critical {
			t.Errorf("clean row: %s", f)
		}
	}
	for id := range contaminated {
		if id != "" && !slices.Contains(res.Contaminated, id) {
			t.Errorf("test %s is not listed as contaminated", id)
		}
	}
}

// verbatim reports that the user's text of the row is the test's, white space and case aside.
func verbatim(row string, tests suite.Suite, id string) bool {
	var r struct{ Messages []suite.Message }
	if json.Unmarshal([]byte(row), &r) != nil {
		return false
	}
	fold := func(ms []suite.Message) string {
		for _, m := range ms {
			if m.Role == "user" {
				return strings.ToLower(strings.Join(strings.Fields(m.Content), " "))
			}
		}
		return ""
	}
	for _, t := range tests.Tests {
		if t.ID == id {
			return fold(r.Messages) == fold(t.Input)
		}
	}
	return false
}

// TestRealAgents: real data has nothing that stops a launch.
func TestRealAgents(t *testing.T) {
	for _, agent := range []string{"support-router", "bank-triage", "home-assistant", "voice-tools", "commit-labeler"} {
		t.Run(agent, func(t *testing.T) {
			tests, err := suite.Open(testdata(t, agent, "benchmark.jsonl.gz"), "benchmark.jsonl.gz")
			if err != nil {
				t.Fatal(err)
			}
			res, err := Run(t.Context(), Input{Train: open(t, testdata(t, agent, "train.jsonl.gz")), Tests: tests, Encoding: encoding(t)}, DefaultPolicy())
			if err != nil {
				t.Fatal(err)
			}
			if diag.Worst(res.Findings) == diag.Critical {
				t.Error("critical findings in real data: ", Fold(res.Findings))
			}
		})
	}
}
