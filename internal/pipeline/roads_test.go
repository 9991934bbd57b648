package pipeline

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/report"
)

// desk writes an agent of so many examples that are easily learnt, for the embedded engine, and returns its manifest.
func desk(t *testing.T, examples int, tail string) *manifest.Manifest {
	t.Helper()
	dir := t.TempDir()
	var train, tests strings.Builder
	line := func(b *strings.Builder, i int, form string) {
		word, label := []string{"printer", "laptop", "invoice", "refund"}[i%4], []string{"hardware", "hardware", "billing", "billing"}[i%4]
		fmt.Fprintf(b, form+"\n", i, word, label)
	}
	for i := range examples {
		line(&train, i, `{"messages":[{"role":"system","content":"Answer with one word. Words: hardware, billing."},{"role":"user","content":"case %d about my %s"},{"role":"assistant","content":"%s"}]}`)
	}
	for i := range 40 {
		line(&tests, i, `{"id":"t%[1]d","input":[{"role":"system","content":"Answer with one word. Words: hardware, billing."},{"role":"user","content":"my %[2]s again, number x%[1]d"}],"ideal":"%[3]s"}`)
	}
	path := filepath.Join(dir, "tunegate.yaml")
	for name, text := range map[string]string{
		filepath.Join(dir, "train.jsonl"): train.String(), filepath.Join(dir, "tests.jsonl"): tests.String(),
		path: "version: 1\nagents: {desk: {train: train.jsonl, benchmark: {tests: tests.jsonl}}}\n" + tail,
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m, err := manifest.Load(path, dir)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// spoil lets the training data teach the wrong answers.
func spoil(t *testing.T, m *manifest.Manifest) {
	t.Helper()
	path := m.Agents[0].TrainPath
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const answer = `"assistant","content":"`
	wrong := strings.NewReplacer(answer+"hardware", answer+"billing", answer+"billing", answer+"hardware").Replace(string(body))
	if err := os.WriteFile(path, []byte(wrong), 0o644); err != nil {
		t.Fatal(err)
	}
}

func road(l report.Leg) (names []string) {
	for _, p := range l.Phases {
		names = append(names, fmt.Sprint(p.Name, " ", p.Examples, " ", p.Decision.Verdict, " ", p.Launched, " ", p.Benchmark.Asked))
	}
	return names
}

// A thorough run goes by trial and sample to the full fine-tune, asks every test each time, and is taken up where it was.
func TestThoroughRoad(t *testing.T) {
	m := desk(t, 10_040, "profile: thorough\n")
	o := Options{State: t.TempDir(), Wait: -1, Getenv: os.Getenv}
	for _, launched := range []int{1, 0} {
		doc, err := Run(t.Context(), m, o)
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("[trial 100 pass %[1]d 40 sample 10000 pass %[1]d 40 full 10040 pass %[1]d 40]", launched)
		if got := fmt.Sprint(road(doc.Legs[0])); got != want {
			t.Errorf("%s, want %s; %q", got, want, doc.Legs[0].Reasons)
		}
		if doc.Verdict != "pass" || doc.Launched != 3*launched {
			t.Errorf("verdict %s, %d jobs launched", doc.Verdict, doc.Launched)
		}
	}
	// The full fine-tune is the one of the other road: it is not paid for again.
	doc, err := Run(t.Context(), m.As(manifest.Speed), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(doc.Legs[0].Phases) != 1 || doc.Legs[0].Phases[0].Name != "full" || doc.Launched != 0 || doc.Verdict != "pass" {
		t.Errorf("speed after thorough: %v, %d launched", road(doc.Legs[0]), doc.Launched)
	}
}

// A phase that is not better than its base ends the road: nothing more is launched.
func TestRoadEnds(t *testing.T) {
	m := desk(t, 120, "profile: thorough\n")
	spoil(t, m)
	doc, err := Run(t.Context(), m, Options{State: t.TempDir(), Wait: -1, Getenv: os.Getenv})
	if err != nil {
		t.Fatal(err)
	}
	l := doc.Legs[0]
	if len(l.Phases) != 1 || l.Phases[0].Name != "trial" || doc.Launched != 1 || doc.Verdict != "fail" {
		t.Errorf("%v, verdict %s, %d launched", road(l), doc.Verdict, doc.Launched)
	}
	if !slices.Contains(l.Reasons, "stopped after the trial phase, 1 of 2: full not launched") {
		t.Errorf("reasons %q", l.Reasons)
	}
}

// What the end of a road saves is said in money and hours, for a service that has a price.
func TestSpared(t *testing.T) {
	l := &leg{phases: []phase{{name: "trial"}, {name: "sample", trainingUSD: 48.27, benchmarkUSD: 0.1, hours: 4.02}, {name: "full", trainingUSD: 96.53, benchmarkUSD: 0.1, hours: 8.04}}}
	if got := l.spared(1)[0]; got != "stopped after the trial phase, 1 of 3: sample and full not launched, which saves up to $145.00 and about 12.06 hours" {
		t.Error(got)
	}
}
