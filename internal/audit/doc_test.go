package audit

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocumented: docs/audit.md names every rule and every placeholder.
func TestDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "audit.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range Rules() {
		names := []string{r.Name}
		if p := placeholderOf(r.Name); p != "" {
			names = append(names, p)
		}
		for _, name := range names {
			if !strings.Contains(string(text), "`"+name+"`") {
				t.Errorf("docs/audit.md does not name %s", name)
			}
		}
	}
}

// TestExplained: whatever the rooms that an audit walks through may find, has an entry that explains it, and one alone.
func TestExplained(t *testing.T) {
	explained := map[string]bool{}
	for _, r := range append(Rules(), OutsideRules()...) {
		if explained[r.Name] || r.Doc == "" || r.Severity == 0 {
			t.Errorf("%s is explained twice, or not at all", r.Name)
		}
		explained[r.Name] = true
	}
	rule := regexp.MustCompile(`"([a-z]+(?:-[a-z_]+)+)"`)
	words := regexp.MustCompile(`p\.words\(line, fields, "([a-z_]+)"`) // of which suite says that they are missing or bad
	seen := 0
	for _, room := range []string{"dataset", "suite", "manifest"} {
		paths, err := filepath.Glob(filepath.Join("..", room, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, m := range rule.FindAllStringSubmatch(string(text), -1) {
				names = append(names, m[1])
			}
			for _, m := range words.FindAllStringSubmatch(string(text), -1) {
				names = append(names, "missing-"+m[1], "bad-"+m[1])
			}
			for _, name := range names {
				seen++
				if !explained[name] && name != "on-failure" { // a value of the manifest
					t.Errorf("%s: %s is not explained", path, name)
				}
			}
		}
	}
	for _, name := range []string{"syntax", "bad-ideal", "duplicate-test", "contradictory-test", "stale-baseline"} {
		if !explained[name] {
			t.Errorf("%s is not explained", name)
		}
	}
	if seen < 100 {
		t.Errorf("only %d names of rules were seen", seen)
	}
}
