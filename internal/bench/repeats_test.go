package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Each arm is asked each test so often, test by test, and the requests say which one they are.
func TestRepeats(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	p := newPlan(t, 2, answers(func(ctx context.Context, r Request) (Response, error) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, fmt.Sprintf("%s %s %d", r.Messages[1].Content, r.Model, r.Repeat))
		if r.Temperature != 0.7 {
			t.Errorf("asked at %v", r.Temperature)
		}
		return right(ctx, r)
	}))
	p.Repeats, p.Temperature, p.First, p.Batch = 3, 0.7, 1, 1
	p.Notify = func(_, all int) {
		if all != 12 {
			t.Errorf("%d in all", all)
		}
	}
	samples, err := Run(t.Context(), p)
	var want, got []string
	for _, test := range []string{"0", "1"} {
		for repeat := range 3 {
			for _, arm := range []string{"model-b", "model-t"} {
				want = append(want, fmt.Sprintf("q%s %s %d", test, arm, repeat))
			}
		}
	}
	for _, s := range samples {
		got = append(got, fmt.Sprintf("q%s model-%c %d", s.Test[1:], s.Arm[0], s.Repeat))
	}
	if err != nil || !slices.Equal(asked, want) || !slices.Equal(got, want) {
		t.Errorf("%v; asked %q, samples %q, want %q", err, asked, got, want)
	}
}

func TestReduce(t *testing.T) {
	for scores, want := range map[string][3]float64{ // mean, majority, any
		"1":           {1, 1, 1},
		"0 0":         {0, 0, 0},
		"1 0":         {0.5, 0, 1},
		"0 1 1":       {2.0 / 3, 1, 1},
		"0 1 0":       {1.0 / 3, 0, 1},
		"1 1 0 0":     {0.5, 0, 1},
		"0.5 1 0.75":  {0.75, 0.75, 1},
		"0 0 1 1 1 0": {0.5, 0, 1},
	} {
		var samples []Sample
		for i, text := range strings.Fields(scores) {
			var score float64
			fmt.Sscan(text, &score)
			for _, arm := range []string{"base", "tuned"} {
				samples = append(samples, Sample{Test: "t", Arm: arm, Repeat: i, Score: score, Answer: "scores " + text, Latency: time.Duration(i+1) * time.Second, InputTokens: 3, Refused: 1, Cached: i == 0})
			}
		}
		before := slices.Clone(samples)
		for i, r := range Reducers() {
			got := r.Reduce(samples)
			if len(got) != 2 || got[0].Arm != "base" || got[1].Arm != "tuned" || got[0].Test != "t" || got[0].Score-want[i] > 1e-12 || want[i]-got[0].Score > 1e-12 {
				t.Errorf("%s of %q: %+v, want %v", r, scores, got, want[i])
				continue
			}
			n := len(samples) / 2
			if s := got[1]; s.InputTokens != 3*n || s.Refused != n || s.Cached != (n == 1) || s.Latency.Round(time.Millisecond) != time.Duration(n+1)*time.Second/2 {
				t.Errorf("%s of %q: %+v", r, scores, s)
			}
			if s := got[0]; slices.Contains(strings.Fields(scores), fmt.Sprint(s.Score)) && s.Answer != fmt.Sprintf("scores %v", s.Score) {
				t.Errorf("%s of %q: %v is shown by the answer %q", r, scores, s.Score, s.Answer)
			}
		}
		if !slices.Equal(samples, before) {
			t.Errorf("%q: the samples were changed", scores)
		}
	}
	if got := Reducer("").Reduce([]Sample{{Test: "t", Score: 1}, {Test: "t", Repeat: 1}}); len(got) != 1 || got[0].Score != 0.5 {
		t.Errorf("the zero Reducer gives %+v", got)
	}
}

// One repeat without an answer leaves the test without one: the others do not stand for it.
func TestLostRepeats(t *testing.T) {
	p := newPlan(t, 3, answers(func(ctx context.Context, r Request) (Response, error) {
		if r.Messages[1].Content == "q1" && r.Model == "model-t" && r.Repeat == 2 {
			return Response{}, errors.New("broken")
		}
		return right(ctx, r)
	}))
	p.Repeats, p.MaxFailed = 4, 1
	samples, err := Run(t.Context(), p)
	if err != nil || len(samples) != 24 {
		t.Fatalf("%v, %d samples", err, len(samples))
	}
	for _, r := range Reducers() {
		for _, s := range r.Reduce(samples) {
			if lost := s.Test == "t1" && s.Arm == "tuned"; lost != (s.Error == "broken") || lost == (s.Score == 1) || lost != (s.Answer == "") {
				t.Errorf("%s: %+v", r, s)
			}
		}
	}
}
