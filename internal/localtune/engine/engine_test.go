package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"
)

func ask(text string) []Turn {
	return []Turn{{"system", "Choose."}, {"user", text}}
}

// tickets is a routing task with n examples.
func tickets(n int) []Example {
	subjects := map[string][]string{
		"billing": {"my invoice is wrong", "charged twice this month", "refund the last payment", "update the credit card"},
		"outage":  {"the site is down", "requests time out since noon", "getting error 503 everywhere", "nothing loads at all"},
		"account": {"reset my password", "change the email of my login", "cannot sign in", "delete my user"},
	}
	var out []Example
	for i := range n {
		label := []string{"billing", "outage", "account"}[i%3]
		s := subjects[label]
		out = append(out, Example{ask(fmt.Sprintf("hello, %s please, ticket %d", s[i/3%len(s)], i)), label})
	}
	return out
}

// calls is a tool-calling task with n examples: arguments copied from the
// request, a constant, a number, and a tool without arguments.
func calls(n int) []Example {
	cities := []string{"Oslo", "New York", "Rome", "São Paulo", "Kyoto", "Lima", "Cape Town"}
	songs := []string{"Blue Train", "Hey Jude", "Paranoid", "Clair de Lune", "One"}
	var out []Example
	for i := range n {
		city, song := cities[i%len(cities)], songs[i%len(songs)]
		switch i % 4 {
		case 0:
			out = append(out, Example{ask("what is the weather in " + city), fmt.Sprintf(`{"name": "weather", "arguments": {"unit": "celsius", "city": "%s"}}`, city)})
		case 1:
			out = append(out, Example{ask(fmt.Sprintf("weather for %s in %d days please", city, i%9+1)), fmt.Sprintf(`{"name": "weather", "arguments": {"unit": "celsius", "city": "%s", "days": %d}}`, city, i%9+1)})
		case 2:
			out = append(out, Example{ask("play " + song + " in the kitchen"), fmt.Sprintf(`{"name": "play", "arguments": {"song": "%s", "room": "kitchen"}}`, song)})
		case 3:
			out = append(out, Example{ask("stop the music"), `{"name": "stop", "arguments": {}}`})
		}
	}
	return out
}

// stories is a task without anything to choose from.
func stories(n int) []Example {
	var out []Example
	for i := range n {
		out = append(out, Example{ask(fmt.Sprintf("tell me about animal%d and plant%d", i, i*7)), fmt.Sprintf("Once there was animal number %d.", i)})
	}
	return out
}

var tasks = []struct {
	name string
	kind kind
	make func(n int) []Example
}{
	{"labels", labelKind, tickets},
	{"spans", spanKind, calls},
	{"nearest", nearestKind, stories},
}

func TestKindOf(t *testing.T) {
	object := func(format string) func(int) []Example {
		return func(n int) (out []Example) {
			for i := range n {
				out = append(out, Example{ask(fmt.Sprint("request ", i)), fmt.Sprintf(format, i%5)})
			}
			return out
		}
	}
	for _, c := range append(tasks, []struct {
		name string
		kind kind
		make func(n int) []Example
	}{
		{"a label in JSON", labelKind, object(`{"label":"l%d"}`)},
		{"numbers", labelKind, object("%d")},
	}...) {
		if got := kindOf(c.make(200)); got != c.kind {
			t.Errorf("%s: kind %d, want %d", c.name, got, c.kind)
		}
	}
}

func TestFitLearns(t *testing.T) {
	for _, c := range tasks {
		t.Run(c.name, func(t *testing.T) {
			train := c.make(160)
			for _, batch := range []int{0, 8, 10_000} {
				m := mustFit(t, train, Recipe{Epochs: 20, Seed: 3, BatchSize: batch})
				if got := accuracy(train, m.Answer); got < 0.99 {
					t.Errorf("batch %d: accuracy on the training data is %.2f", batch, got)
				}
			}
		})
	}
}

func TestFitIsRepeatable(t *testing.T) {
	for _, c := range tasks {
		t.Run(c.name, func(t *testing.T) {
			file := func(seed int64) []byte {
				var b bytes.Buffer
				if _, err := mustFit(t, c.make(120), Recipe{Epochs: 3, Seed: seed}).WriteTo(&b); err != nil {
					t.Fatal(err)
				}
				return b.Bytes()
			}
			first := file(1)
			for range 3 {
				if !bytes.Equal(first, file(1)) {
					t.Fatal("the same recipe gave another model")
				}
			}
			if c.kind != nearestKind && bytes.Equal(first, file(2)) {
				t.Error("another seed gave the same model")
			}
		})
	}
}

func TestFitReports(t *testing.T) {
	for _, c := range tasks {
		t.Run(c.name, func(t *testing.T) {
			var got []Progress
			_, err := Fit(context.Background(), c.make(400), c.make(40), Recipe{Epochs: 5}, func(p Progress) { got = append(got, p) })
			if err != nil {
				t.Fatal(err)
			}
			if len(got) < 40 || len(got) > 110 {
				t.Errorf("%d reports, want one per 1 to 2 %% of the steps", len(got))
			}
			for i, p := range got {
				if i > 0 && p.Step <= got[i-1].Step {
					t.Fatalf("step %d after %d", p.Step, got[i-1].Step)
				}
				if !(p.TrainLoss >= 0) || !(p.TrainAccuracy >= 0 && p.TrainAccuracy <= 1) {
					t.Fatalf("impossible progress: %+v", p)
				}
			}
			first, last := got[0], got[len(got)-1]
			if last.Step != last.TotalSteps || math.IsNaN(last.ValidLoss) || last.ValidAccuracy < 0 || last.ValidAccuracy > 1 {
				t.Errorf("last report: %+v", last)
			}
			if !math.IsNaN(first.ValidLoss) {
				t.Errorf("first report measured validation: %+v", first)
			}
			if c.kind != nearestKind && !(last.TrainLoss < first.TrainLoss/2 && last.ValidAccuracy > 0.9) {
				t.Errorf("loss from %.3f to %.3f, accuracy on validation %.2f", first.TrainLoss, last.TrainLoss, last.ValidAccuracy)
			}
		})
	}
}

func TestFitWithoutExamples(t *testing.T) {
	if _, err := Fit(context.Background(), nil, nil, Recipe{}, nil); err == nil {
		t.Error("no error")
	}
}

func TestFitStops(t *testing.T) {
	for _, c := range tasks {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			var stopped time.Time
			_, err := Fit(ctx, c.make(3000), nil, Recipe{Epochs: 1000}, func(Progress) {
				if stopped.IsZero() {
					stopped = time.Now()
					cancel()
				}
			})
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("error %v", err)
			}
			if d := time.Since(stopped); d > time.Second { // 50 ms, on an idle machine
				t.Errorf("went on for %v", d)
			}
		})
	}
}

// Odd data trains without a panic, and the model can be written, read and asked.
func TestFitOddData(t *testing.T) {
	long := strings.Repeat("many words in a row ", 5000)
	for name, train := range map[string][]Example{
		"one":               {{ask("a"), "b"}},
		"empty":             {{nil, ""}, {nil, ""}},
		"no user turn":      {{[]Turn{{"system", "s"}}, "x"}, {[]Turn{{"system", "t"}}, "x"}},
		"long":              {{ask(long), long}, {ask(long), "x"}},
		"broken text":       {{ask("\xff\xfe\x00"), "\xff"}, {ask("\xff"), "\xff"}},
		"empty object":      {{ask("a"), "{}"}, {ask("b"), "[]"}, {ask("c"), "[[]]"}},
		"mixed":             {{ask("go to Rome"), `{"city":"Rome"}`}, {ask("hi"), "hello"}, {ask("to Oslo"), `{"city":"Oslo"}`}},
		"duplicate keys":    {{ask("a b"), `{"x":"a","x":"b"}`}, {ask("a b"), `{"x":"a","x":"b"}`}},
		"deep":              {{ask("a"), strings.Repeat("[", 5000) + strings.Repeat("]", 5000)}, {ask("b"), "{}"}},
		"array of objects":  {{ask("a and b"), `[{"v":"a"},{"v":"b"}]`}, {ask("c and d"), `[{"v":"c"},{"v":"d"}]`}},
		"one path two ways": {{ask("a b"), `{"v":"a"}`}, {ask("c d"), `{"v":{"w":"d"}}`}, {ask("e"), `{"v":["e"]}`}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, rate := range []float64{0, 1e9, math.NaN()} {
				m := reread(t, mustFit(t, train, Recipe{Epochs: 50, LearningRate: rate}))
				m.Answer(nil)
				m.Answer(train[0].Prompt)
				m.Answer(ask(long))
			}
		})
	}
}

func TestAnswerIsSafeForConcurrentUse(t *testing.T) {
	for _, c := range tasks {
		train := c.make(80)
		m := mustFit(t, train, Recipe{Epochs: 5})
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				for _, e := range train {
					m.Answer(e.Prompt)
				}
			})
		}
		group.Wait()
	}
}

func TestAutoEpochs(t *testing.T) {
	for _, n := range []int{0, 1, 150, 2000, 20_000, 10_000_000} {
		if e := AutoEpochs(n); e < 4 || e > 30 {
			t.Errorf("%d examples: %d epochs", n, e)
		}
	}
}
