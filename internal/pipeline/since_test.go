package pipeline

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/manifest"
)

// added compares the checkouts and writes what of a finding of each kind stays.
func added(t *testing.T, head, base *manifest.Manifest, fs ...diag.Finding) string {
	t.Helper()
	a, err := Since(t.Context(), head, base)
	if err != nil {
		t.Fatal(err)
	}
	rows, tests := a.Rows()
	text := fmt.Sprintf("%d rows, %d tests:", rows, tests)
	for _, f := range a.Keep(fs) {
		text += fmt.Sprintf(" %s:%d", f.File, f.Line)
	}
	return text
}

func at(file string, line int, related ...diag.Place) diag.Finding {
	return diag.Finding{Rule: "x", File: file, Line: line, Related: related}
}

// Of what the audit finds, that stays which is about rows and tests that the pull request brought.
func TestSince(t *testing.T) {
	all := []diag.Finding{at("train0.jsonl", 1), at("train0.jsonl", 61), at("train1.jsonl", 2), at("tests0.jsonl", 1), at("tests0.jsonl", 2), at("tests1.jsonl", 3), at("tunegate.yaml", 4),
		at("train0.jsonl", 5, diag.Place{File: "tests0.jsonl", Line: 2}), at("train0.jsonl", 6, diag.Place{File: "tests0.jsonl", Line: 1})}
	same, base := checkouts(t, nil)
	if got := added(t, same, base, all...); got != "0 rows, 0 tests: tunegate.yaml:4" {
		t.Errorf("nothing new: %s", got)
	}
	head, base := checkouts(t, func(dir string) {
		text, _ := os.ReadFile(filepath.Join(dir, "train0.jsonl"))
		put(t, dir, "train0.jsonl", strings.Replace(string(text), `{"messages":[`, `{ "messages": [`, 1)+validRow)
		swap(t, "tests0.jsonl", "number 1001", "number 7")(dir)
	})
	if got := added(t, head, base, all...); got != "1 rows, 1 tests: train0.jsonl:61 tests0.jsonl:2 tunegate.yaml:4 train0.jsonl:5" {
		t.Errorf("a row and a test: %s", got)
	}
	if got := added(t, head, nil, all...); got != "121 rows, 120 tests: train0.jsonl:1 train0.jsonl:61 train1.jsonl:2 tests0.jsonl:1 tests0.jsonl:2 tests1.jsonl:3 tunegate.yaml:4 train0.jsonl:5 train0.jsonl:6" {
		t.Errorf("without a base: %s", got)
	}
	// What is not there, or leads elsewhere, or cannot be read on the base branch: all of it is new.
	for name, text := range map[string]string{"gone": "", "a link": "-> ../head/train0.jsonl", "broken": "\xff\xfe\x00", "a folder": "/"} {
		path := filepath.Join(base.Root, "train0.jsonl")
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		var err error
		switch target, link := strings.CutPrefix(text, "-> "); {
		case link:
			err = os.Symlink(target, path)
		case text == "/":
			err = os.Mkdir(path, 0o755)
		case text != "":
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := added(t, head, base); got != "61 rows, 1 tests:" {
			t.Errorf("%s: %s", name, got)
		}
	}
	// What cannot be read in the pull request is a finding of its audit, which stays.
	put(t, head.Root, "train1.jsonl", "no row\n")
	put(t, head.Root, "tests1.jsonl", "no test\n")
	if got := added(t, head, base, at("train1.jsonl", 1), at("tests1.jsonl", 1)); !strings.HasSuffix(got, "train1.jsonl:1 tests1.jsonl:1") {
		t.Errorf("broken in head: %s", got)
	}
}
