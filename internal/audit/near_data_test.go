package audit

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"

	"github.com/tunegate/tunegate/internal/suite"
)

// TestPlantedNear: planted near-duplicates and edited tests are found at their lines, and clean rows seldom.
func TestPlantedNear(t *testing.T) {
	tests, err := suite.Open(testdata(t, "planted", "benchmark.jsonl"), "benchmark.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	res := audited(t, Input{Train: open(t, testdata(t, "planted", "train.jsonl")), Tests: tests, Deep: true}, DefaultPolicy())
	found := map[string]map[int]bool{"near-duplicate": {}, "contamination": {}}
	for _, f := range res.Findings {
		if at := found[f.Rule]; at != nil {
			for _, line := range append(f.Lines, f.Line) {
				at[line] = true
			}
		}
	}
	truth, err := os.Open(testdata(t, "planted", "truth.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer truth.Close()
	named, hits := map[int]bool{0: true}, map[string]int{}
	for in := bufio.NewScanner(truth); in.Scan(); {
		var d struct {
			Line, Of int
			Kind     string
		}
		if err := json.Unmarshal(in.Bytes(), &d); err != nil {
			t.Fatal(err)
		}
		named[d.Line], named[d.Of] = true, true
		if found[d.Kind][d.Line] {
			hits[d.Kind]++
		}
	}
	flagged, leaks := 0, 0
	for line := range found["near-duplicate"] {
		if !named[line] {
			flagged++
		}
	}
	for line := range found["contamination"] {
		if !named[line] {
			leaks++
		}
	}
	clean := res.Totals.Rows - len(named) + 1
	t.Logf("near-duplicates %d of 40, contamination %d of 30; of %d clean rows %d are near-duplicates, %d are like a test",
		hits["near-duplicate"], hits["contamination"], clean, flagged, leaks)
	if hits["near-duplicate"] < 39 || hits["contamination"] < 30 || flagged > clean*6/100 || leaks > clean/100 {
		t.Error("too little is found, or too much")
	}
}
