package audit

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/diag"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestBroken: broken files as people have them, each with several mistakes, all of them told in one pass.
func TestBroken(t *testing.T) {
	paths, err := filepath.Glob("testdata/broken/*.jsonl")
	if err != nil || len(paths) < 15 {
		t.Fatal(err, len(paths))
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".jsonl")
		t.Run(name, func(t *testing.T) {
			var got strings.Builder
			for _, f := range findings(t, path) {
				fmt.Fprintf(&got, "%s: %s\n", f.Severity, f)
				if f.Hint != "" {
					fmt.Fprintf(&got, "    %s\n", f.Hint)
				}
				for _, r := range f.Related {
					fmt.Fprintf(&got, "    see %s:%d\n", r.File, r.Line)
				}
			}
			golden(t, "testdata/broken/"+name+".out", got.String())
		})
	}
}

func findings(t *testing.T, path string) []diag.Finding {
	t.Helper()
	f, err := dataset.Open(path, filepath.Base(path))
	var res Result
	if err == nil {
		res, err = Run(t.Context(), Input{Train: f}, DefaultPolicy())
	}
	var m diag.Mistakes
	if errors.As(err, &m) {
		return m
	}
	if err != nil {
		t.Fatal(err)
	}
	return res.Findings
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is out of date; run with -update and look at the difference. Got:\n%s", path, got)
	}
}
