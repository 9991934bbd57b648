package gate

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tunegate/tunegate/internal/grade"
	"github.com/tunegate/tunegate/internal/localtune/engine"
)

// TestRealAgentsStopEarly trains the five real agents once, asks both arms every test, and lets runs in 200 orders stop as soon as they
// may: each must decide as all tests do, and do so early.
func TestRealAgentsStopEarly(t *testing.T) {
	data := os.Getenv("TUNEGATE_TESTDATA")
	if data == "" {
		t.Skip("TUNEGATE_TESTDATA is not set: the real agents are not tried")
	}
	if testing.Short() {
		t.Skip("trains five models on 69,000 examples: skipped by -short")
	}
	const shuffles, most = 200, 30
	for name, grader := range map[string]string{
		"support-router": "exact", "bank-triage": "exact", "home-assistant": "exact", "commit-labeler": "exact", "voice-tools": "json-equal",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pairs := realPairs(t, filepath.Join(data, "data", name), grader)
			for _, rule := range []Rule{Significant, Strict} {
				p := Policy{Margin: 0.1, Rule: rule, Total: len(pairs)}
				want := Decide(pairs, p)
				early := p
				early.Sequential = true
				rng := rand.New(rand.NewPCG(1, 1))
				order := slices.Clone(pairs)
				var asked []int
				for range shuffles {
					rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
					n := 10
					for n < len(order) && !Settled(order[:n], early) {
						n = min(n+10, len(order))
					}
					asked = append(asked, n)
					end := early
					end.Exhausted = n == len(order)
					if got := Decide(order[:n], end); got.Verdict != want.Verdict {
						t.Errorf("%s after %d tests in one order, %s on all %d:\n%q", got.Verdict, n, want.Verdict, len(pairs), got.Reasons)
					}
				}
				slices.Sort(asked)
				median := asked[shuffles/2]
				t.Logf("%-11s base %.3f tuned %.3f, %s on all %d tests; decided after %d (median), %d (9 in 10), %d (most): %.1f %% of the calls saved",
					rule, want.Base, want.Tuned, want.Verdict, len(pairs), median, asked[shuffles*9/10], asked[shuffles-1], 100*(1-float64(median)/float64(len(pairs))))
				if median > most {
					t.Errorf("%s: decided after %d tests in the median, want %d at most", rule, median, most)
				}
			}
		})
	}
}

// realPairs trains an agent on its examples and scores both arms on its tests.
func realPairs(t *testing.T, dir, grader string) []Pair {
	t.Helper()
	g, err := grade.New(grader, "")
	if err != nil {
		t.Fatal(err)
	}
	var train []engine.Example
	eachLine(t, filepath.Join(dir, "train.jsonl.gz"), func(line []byte) error {
		var row struct{ Messages []engine.Turn }
		if err := json.Unmarshal(line, &row); err != nil || len(row.Messages) == 0 {
			return fmt.Errorf("%d messages: %w", len(row.Messages), err)
		}
		last := len(row.Messages) - 1
		train = append(train, engine.Example{Prompt: row.Messages[:last], Answer: row.Messages[last].Content})
		return nil
	})
	tuned, err := engine.Fit(t.Context(), train, nil, engine.Recipe{Epochs: engine.AutoEpochs(len(train))}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var base engine.Untrained
	var pairs []Pair
	eachLine(t, filepath.Join(dir, "benchmark.jsonl.gz"), func(line []byte) error {
		var row struct {
			ID    string
			Input []engine.Turn
			Ideal string
		}
		if err := json.Unmarshal(line, &row); err != nil {
			return err
		}
		score := func(answer string) float64 { return g.Score(answer, []string{row.Ideal}).Value }
		pairs = append(pairs, Pair{row.ID, score(base.Answer(row.Input)), score(tuned.Answer(row.Input))})
		return nil
	})
	return pairs
}

func eachLine(t *testing.T, path string, f func(line []byte) error) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if err := f(lines.Bytes()); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
