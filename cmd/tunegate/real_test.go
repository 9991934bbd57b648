package main

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/gate"
)

// realAgents are the five of the test data with the least score that the tuned model must reach.
var realAgents = []struct {
	name, grader string
	least        float64
}{
	{"support-router", "exact", 0.89},
	{"bank-triage", "exact", 0.88},
	{"home-assistant", "exact", 0.86},
	{"commit-labeler", "exact", 0.68},
	{"voice-tools", "json-equal", 0.70},
}

// realManifest copies the five agents' data into a folder of its own, through change, and returns the manifest.
func realManifest(t *testing.T, tail string, change func(from, to string)) string {
	t.Helper()
	if testing.Short() {
		t.Skip("trains five models on 69,000 examples: skipped by -short")
	}
	from := os.Getenv("TUNEGATE_TESTDATA")
	if from == "" {
		t.Skip("TUNEGATE_TESTDATA is not set: the real agents are not tried")
	}
	dir := t.TempDir()
	var m strings.Builder
	m.WriteString("version: 1\nname: real\ndefaults: {provider: local, base_model: local-zero-shot, epochs: auto}\n" + tail + "agents:\n")
	for _, a := range realAgents {
		fmt.Fprintf(&m, "  %s:\n    train: %s/train.jsonl.gz\n    benchmark: {tests: %s/benchmark.jsonl.gz, grader: %s}\n", a.name, a.name, a.name, a.grader)
		if err := os.Mkdir(filepath.Join(dir, a.name), 0o755); err != nil {
			t.Fatal(err)
		}
		change(filepath.Join(from, "data", a.name, "train.jsonl.gz"), filepath.Join(dir, a.name, "train.jsonl.gz"))
		copyFile(t, filepath.Join(from, "data", a.name, "benchmark.jsonl.gz"), filepath.Join(dir, a.name, "benchmark.jsonl.gz"))
	}
	path := filepath.Join(dir, "tunegate.yaml")
	if err := os.WriteFile(path, []byte(m.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// All 69,000 examples, all tests: every agent passes, and the run repeated gives the same scores and launches nothing.
func TestRealAgents(t *testing.T) {
	manifest := realManifest(t, "benchmark: {full: all, stop: never}\n", func(from, to string) { copyFile(t, from, to) })
	dir := filepath.Dir(manifest)
	if out, err := process(t, dir, "run", manifest, "--quiet").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	first := readRun(t, dir)
	all := 0
	for i, a := range first.Agents {
		t.Logf("%-15s base %.3f tuned %.3f on %d tests, %s, %.1f s", a.Name, *a.Base, *a.Tuned, a.N, a.Verdict, a.Seconds)
		if want := realAgents[i]; a.Name != want.name || *a.Tuned < want.least || a.Verdict != gate.Pass {
			t.Errorf("%s scores %.3f, verdict %s; want at least %.2f and a pass", a.Name, *a.Tuned, a.Verdict, want.least)
		}
		b := first.Legs[i].Last().Benchmark
		named := len(first.Legs[i].Audit.Contaminated)
		for _, f := range first.Legs[i].Audit.Findings {
			if f.Rule == "duplicate-test" {
				named++
			}
		}
		if a.N != b.Available-b.LeftOut || b.LeftOut != named {
			t.Errorf("%s: %d of %d tests count, %d are left out and %d of these named", a.Name, a.N, b.Available, b.LeftOut, named)
		}
		all += b.Available
	}
	if all != 10_536 || first.Launched != 5 {
		t.Errorf("%d tests, %d jobs launched; want 10536 and 5", all, first.Launched)
	}
	t.Logf("%.1f s in all", first.Seconds)
	if out, err := process(t, dir, "run", manifest, "--quiet").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	second := readRun(t, dir)
	if second.Launched != 0 || scores(second) != scores(first) {
		t.Errorf("the second run launched %d jobs and scored\n%swant none and\n%s", second.Launched, scores(second), scores(first))
	}
}

// The same data with the answers shuffled teaches nothing: no agent may pass, and the report lists all five. A quarter of it will do:
// what is nothing takes longest to learn.
func TestShuffledAnswersDoNotPass(t *testing.T) {
	manifest := realManifest(t, "benchmark: {full: all}\naudit: {deep: never}\n", func(from, to string) { shuffleAnswers(t, from, to) })
	dir := filepath.Dir(manifest)
	err := process(t, dir, "run", manifest, "--quiet").Run()
	if err == nil || err.Error() != "exit status 1" {
		t.Errorf("the run ended with %v, want exit status 1", err)
	}
	r := readRun(t, dir)
	if len(r.Agents) != len(realAgents) {
		t.Errorf("the report lists %d agents", len(r.Agents))
	}
	for _, a := range r.Agents {
		if a.Verdict != gate.Fail && a.Verdict != gate.Inconclusive || a.N == 0 {
			t.Errorf("%s: verdict %q on %d tests", a.Name, a.Verdict, a.N)
		}
	}
}

// shuffleAnswers keeps every fourth example of a file and gives it another one's answer.
func shuffleAnswers(t *testing.T, from, to string) {
	t.Helper()
	type message struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	}
	type row struct {
		Messages []message `json:"messages"`
	}
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	z, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for i := 0; lines.Scan(); i++ {
		if i%4 > 0 {
			continue
		}
		var r row
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	if lines.Err() != nil || len(rows) == 0 {
		t.Fatalf("%d rows in %s, %v", len(rows), from, lines.Err())
	}
	answer := func(i int) *string { return &rows[i].Messages[len(rows[i].Messages)-1].Content }
	rand.New(rand.NewPCG(7, 7)).Shuffle(len(rows), func(i, j int) { *answer(i), *answer(j) = *answer(j), *answer(i) })
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	w, err := gzip.NewWriterLevel(out, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := json.NewEncoder(w).Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
