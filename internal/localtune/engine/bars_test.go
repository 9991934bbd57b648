package engine

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

// loadAgent reads one of the real agents: its training examples and its tests.
func loadAgent(t testing.TB, agent string) (train, tests []Example) {
	t.Helper()
	dir := os.Getenv("TUNEGATE_TESTDATA")
	if dir == "" {
		t.Skip("TUNEGATE_TESTDATA is not set: the real agents are not here")
	}
	eachLine(t, filepath.Join(dir, "data", agent, "train.jsonl.gz"), func(line []byte) error {
		var row struct{ Messages []Turn }
		err := json.Unmarshal(line, &row)
		n := len(row.Messages) - 1
		train = append(train, Example{row.Messages[:n], row.Messages[n].Content})
		return err
	})
	eachLine(t, filepath.Join(dir, "data", agent, "benchmark.jsonl.gz"), func(line []byte) error {
		var row struct {
			Input []Turn
			Ideal string
		}
		err := json.Unmarshal(line, &row)
		tests = append(tests, Example{row.Input, row.Ideal})
		return err
	})
	return train, tests
}

func eachLine(t testing.TB, path string, f func([]byte) error) {
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

// sameAnswer compares as the graders of the real agents do: JSON by value, all else by the letter.
func sameAnswer(a, b string) bool {
	var x, y any
	return a == b || json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}

func accuracy(tests []Example, Answer func([]Turn) string) float64 {
	right := 0
	for _, e := range tests {
		if sameAnswer(Answer(e.Prompt), e.Answer) {
			right++
		}
	}
	return float64(right) / float64(len(tests))
}

func mustFit(t testing.TB, train []Example, r Recipe) *Model {
	t.Helper()
	m, err := Fit(context.Background(), train, nil, r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The real agents, all tests: what tuning reaches, and what the untrained model does.
func TestRealAgents(t *testing.T) {
	if testing.Short() || underRace {
		t.Skip("trains for 10 s: not under -short or -race")
	}
	for _, agent := range []struct {
		name                     string
		baseLow, baseHigh, tuned float64
	}{
		{"support-router", 0.40, 0.55, 0.89},
		{"bank-triage", 0.40, 0.55, 0.88},
		{"home-assistant", 0.30, 0.45, 0.86},
		{"commit-labeler", 0.20, 0.30, 0.68},
		{"voice-tools", 0, 0.05, 0.80},
	} {
		t.Run(agent.name, func(t *testing.T) {
			train, tests := loadAgent(t, agent.name)
			var u Untrained
			base := accuracy(tests, u.Answer)
			start := time.Now()
			m := mustFit(t, train, Recipe{Epochs: AutoEpochs(len(train)), Seed: 1})
			took := time.Since(start)
			tuned := accuracy(tests, m.Answer)
			t.Logf("base %.4f, tuned %.4f, trained in %v", base, tuned, took.Round(time.Millisecond))
			if base < agent.baseLow || base > agent.baseHigh {
				t.Errorf("base %.4f is not within %.2f and %.2f", base, agent.baseLow, agent.baseHigh)
			}
			if tuned < agent.tuned {
				t.Errorf("tuned %.4f is below %.2f", tuned, agent.tuned)
			}
		})
	}
}

// With the answers dealt out at random there is nothing to learn, and the
// model must not know anything.
func TestShuffledAnswersTeachNothing(t *testing.T) {
	if testing.Short() || underRace {
		t.Skip("trains for 5 s: not under -short or -race")
	}
	for _, agent := range []string{"support-router", "voice-tools"} {
		t.Run(agent, func(t *testing.T) {
			train, tests := loadAgent(t, agent)
			r := rand.New(rand.NewPCG(1, 1))
			r.Shuffle(len(train), func(i, j int) { train[i].Answer, train[j].Answer = train[j].Answer, train[i].Answer })
			m := mustFit(t, train, Recipe{Epochs: 3, Seed: 1})
			if got := accuracy(tests, m.Answer); got >= 0.05 {
				t.Errorf("accuracy %.4f, want below 0.05", got)
			}
		})
	}
}
