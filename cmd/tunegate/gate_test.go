package main

import (
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// The page on the verdict shows what the example in testdata/gate.txtar prints, and names every option.
func TestVerdictPage(t *testing.T) {
	b, err := os.ReadFile("../../docs/verdict.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	example, err := txtar.ParseFile("testdata/gate.txtar")
	if err != nil {
		t.Fatal(err)
	}
	shown := false
	for _, f := range example.Files {
		if f.Name == "want" {
			verdict, _, _ := strings.Cut(string(f.Data), "  - not counted")
			shown = verdict != "" && strings.Contains(page, "```text\n"+verdict+"```\n")
		}
	}
	if !shown {
		t.Error("the example in docs/verdict.md is not what testdata/gate.txtar has")
	}
	for _, line := range complete(env{getenv: os.Getenv}, []string{"gate", "-"}) {
		option, _, _ := strings.Cut(line, "\t")
		if option != "--help" && !strings.Contains(page, "| `"+option+"` |") {
			t.Errorf("docs/verdict.md has no line on %s", option)
		}
	}
}

func TestShare(t *testing.T) {
	for text, want := range map[string]float64{"10%": 0.1, "0.1": 0.1, " 2.5 % ": 0.025, "0": 0, "150%": 1.5, "1": 1} {
		var s share
		if err := s.Set(text); err != nil || float64(s) != want {
			t.Errorf("%q: %v, %v", text, float64(s), err)
		}
	}
	for _, text := range []string{"", "%", "ten", "10", "-5%", "NaN", "inf%"} {
		s := share(0.3)
		if err := s.Set(text); err == nil || s != 0.3 {
			t.Errorf("%q: %v, %v", text, float64(s), err)
		}
	}
	if s := share(0.125); s.String() != "12.5%" {
		t.Error(s.String())
	}
}

func TestSome(t *testing.T) {
	long := strings.Repeat("é", 100)
	for want, ids := range map[string][]string{
		"1 test (a)":                       {"a"},
		"2 tests (a, b)":                   {"a", "b"},
		"6 tests (a, b, c, d, e, …)":       {"a", "b", "c", "d", "e", "f"},
		"1 test (" + long[:60] + "…" + ")": {long},
	} {
		if got := some(ids); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
