package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/pipeline"
)

// A budget of $50 for five agents of $19.31: two are launched, three refused, nothing is overspent, the exit code is that of
// a verdict which is no pass, and the pages have the money side by side.
func TestBudgetOfFifty(t *testing.T) {
	dir := t.TempDir()
	small(t, dir, "http://127.0.0.1:1/v1", 0) // for its data
	write := func(perMillion float64) string {
		var m strings.Builder
		fmt.Fprintf(&m, "version: 1\nprices: {local-zero-shot: {train_per_million: %.6f, input_per_million: 0, output_per_million: 0}}\nbudget: {max_cost_usd: 50}\nagents:\n", perMillion)
		for i := range 5 {
			fmt.Fprintf(&m, "  desk-%d: {train: train.jsonl, seed: %d, benchmark: {tests: tests.jsonl}}\n", i, i+1)
		}
		path := filepath.Join(dir, "tunegate.yaml")
		if err := os.WriteFile(path, []byte(m.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	m, err := manifest.Load(write(1), dir)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := pipeline.MakePlan(t.Context(), m, pipeline.Options{})
	if err != nil {
		t.Fatal(err)
	}
	path := write(19.31 / float64(plan.TrainingUSD) * 5)
	var out, complaints bytes.Buffer
	args := []string{"run", path, "--quiet", "--out", dir, "--state", filepath.Join(dir, "state")}
	if code := run(t.Context(), args, func(string) string { return "" }, nil, &out, &complaints); code != exitFail {
		t.Errorf("exit code %d, want %d\n%s%s", code, exitFail, out.String(), complaints.String())
	}
	r := readRun(t, dir)
	if r.Launched != 2 || math.Abs(r.Estimate.Total()-96.55) > 0.005 || math.Abs(r.ReservedUSD-38.62) > 0.005 || math.Abs(r.CostUSD-38.62) > 0.005 {
		t.Errorf("%d launched; estimated $%.2f, reserved $%.2f, spent $%.2f", r.Launched, r.Estimate.Total(), r.ReservedUSD, r.CostUSD)
	}
	page, err := os.ReadFile(filepath.Join(dir, "reports", "finetuning_results.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"**Cost** $38.62 of a budget of $50.00 · **Estimate** $96.55 of training", "**Set aside** $38.62", `not launched: over the budget: \$19.31 more would make it \$57.93 of \$50.00`} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page does not say %q:\n%s", want, page)
		}
	}
}
