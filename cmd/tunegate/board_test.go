package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/pipeline"
	"github.com/tunegate/tunegate/internal/render"
	"github.com/tunegate/tunegate/internal/train"
)

var updateBoards = flag.Bool("update", false, "write the golden files of this package")

var boardStart = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func after(seconds float64) time.Time {
	return boardStart.Add(time.Duration(seconds * float64(time.Second)))
}

// happened is an event with its time in seconds.
type happened struct {
	at float64
	pipeline.Event
}

// way is a leg's way as far as the named stage.
func way(id string, until pipeline.Stage) []happened {
	all := []happened{
		{0, pipeline.Event{Leg: id, Stage: pipeline.Auditing, Text: "reading data/" + id + "/train.jsonl"}},
		{1, pipeline.Event{Leg: id, Stage: pipeline.Estimating, Text: "about $1.20"}},
		{2, pipeline.Event{Leg: id, Stage: pipeline.Training, Phase: "full", Text: "full: job ftjob-1 is running", Status: train.Running}},
		{10, pipeline.Event{Leg: id, Stage: pipeline.Training, Phase: "full", Step: 20, Steps: 300, Loss: 2.5}},
		{20, pipeline.Event{Leg: id, Stage: pipeline.Training, Phase: "full", Step: 120, Steps: 300, Loss: 0.4312}},
		{21, pipeline.Event{Leg: id, Stage: pipeline.Benchmarking, Phase: "full", Step: 40, Steps: 150}},
		{60, pipeline.Event{Leg: id, Stage: pipeline.Finished, Verdict: gate.Pass, Text: "pass: better on 10 of 10 tests, worse on 0; observed +900.0 %"}},
	}
	for i, h := range all {
		if h.Stage == until && (i+1 == len(all) || all[i+1].Stage != until) {
			return all[:i+1]
		}
	}
	return nil
}

func boardOf(legs []string, events ...[]happened) *board {
	b := newBoard(boardStart, legs)
	for _, es := range events {
		for _, e := range es {
			b.event(after(e.at), e.Event)
		}
	}
	return b
}

// boards are the cases of the golden files, as they stand 62 seconds after their start.
func boards() map[string]*board {
	mixed := boardOf([]string{"ticket-router", "log-triage", "ops-tools", "review-sorter", "release-notes"},
		way("ticket-router", pipeline.Training), way("log-triage", pipeline.Benchmarking), way("ops-tools", pipeline.Finished), way("review-sorter", pipeline.Estimating))
	stopping := boardOf([]string{"a", "b"}, way("a", pipeline.Training))
	stopping.stopping = true
	var ids []string
	for i := range 40 {
		ids = append(ids, fmt.Sprintf("agent-%02d", i))
	}
	forty := boardOf(ids)
	for i, id := range ids {
		stage := []pipeline.Stage{pipeline.Finished, pipeline.Training, pipeline.Estimating, pipeline.Finished, pipeline.Benchmarking}[i%5]
		for _, e := range way(id, stage) {
			forty.event(after(e.at), e.Event)
		}
	}
	forty.event(after(61), pipeline.Event{Leg: "agent-33", Stage: pipeline.Finished, Verdict: gate.Fail, Text: "fail: +2.0 % falls short of the margin of 10 %"})
	hostile := boardOf([]string{"data-in-日本語-の名前", strings.Repeat("long-name-", 6), "e\u0301te\u0301-\x1b[31m\u202ered"}, []happened{
		{1, pipeline.Event{Leg: "data-in-日本語-の名前", Stage: pipeline.Auditing, Text: "reading データ/訓練.jsonl"}},
		{2, pipeline.Event{Leg: strings.Repeat("long-name-", 6), Stage: pipeline.Training, Phase: "trial", Step: 3, Steps: 10, Loss: 123456789}},
		{3, pipeline.Event{Leg: "e\u0301te\u0301-\x1b[31m\u202ered", Stage: pipeline.Finished, Verdict: gate.Error, Text: "error: the service said:\n\x1b[2J\x1b]0;title\a👩‍🔬"}},
	})
	unknown := boardOf([]string{"no-total", "told"}, []happened{
		{1, pipeline.Event{Leg: "no-total", Stage: pipeline.Training, Phase: "full", Step: 7, Loss: 1}},
		{1, pipeline.Event{Leg: "told", Stage: pipeline.Training, Phase: "sample", Text: "sample: job ftjob-2 is queued", Status: train.Queued, Finish: after(62 + 3725)}},
	})
	return map[string]*board{"mixed": mixed, "stopping": stopping, "forty": forty, "hostile": hostile, "unknown": unknown, "empty": newBoard(boardStart, nil)}
}

func TestBoard(t *testing.T) {
	sizes := [][2]int{{120, 24}, {80, 24}, {60, 12}, {40, 24}, {20, 8}}
	for name, b := range boards() {
		t.Run(name, func(t *testing.T) {
			var got strings.Builder
			for _, s := range sizes {
				fmt.Fprintf(&got, "%d columns, %d rows\n", s[0], s[1])
				for _, l := range b.lines(s[0], s[1], after(62), false) {
					got.WriteString(l + "|\n")
				}
			}
			path := filepath.Join("testdata", "board", name+".txt")
			if *updateBoards {
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got.String(), want)
			}
		})
	}
}

// Whatever the size, no line reaches the last column, there is room for the cursor below, and colours change no letter.
func TestBoardFits(t *testing.T) {
	for name, b := range boards() {
		for width := 1; width <= 200; width++ {
			for _, height := range []int{1, 2, 3, 4, 5, 6, 10, 24, 100} {
				lines := b.lines(width, height, after(62), false)
				if len(lines) > max(height-1, 1) {
					t.Fatalf("%s: %d lines at height %d", name, len(lines), height)
				}
				for _, l := range lines {
					if n := render.Cells(l); n > max(width-1, 1) {
						t.Fatalf("%s at %d columns: %d in %q", name, width, n, l)
					}
					if strings.ContainsAny(l, "\x1b\n\r\a") {
						t.Fatalf("%s at %d columns: %q", name, width, l)
					}
				}
				for i, l := range b.lines(width, height, after(62), true) {
					if colourless(l) != lines[i] && colourless(l) != lines[i]+strings.Repeat(" ", len(colourless(l))-len(lines[i])) {
						t.Fatalf("coloured %q, plain %q", l, lines[i])
					}
				}
			}
		}
		if got := len(b.lines(80, 0, after(62), false)); len(b.legs) > 0 && got != len(b.legs)+2 {
			t.Errorf("%s: %d lines without a limit, want %d", name, got, len(b.legs)+2)
		}
	}
}

// The first report of an adopted job holds what was done before; it says nothing of the pace.
func TestPace(t *testing.T) {
	var p pace
	p.at(after(0), 100)
	p.at(after(0.1), 200)
	if d, ok := p.left(after(1), 400); ok {
		t.Errorf("after one burst %v are left", d)
	}
	p.at(after(10), 300)
	for now, want := range map[float64]time.Duration{10: 10 * time.Second, 15: 5 * time.Second, 25: 0} {
		if d, ok := p.left(after(now), 400); !ok || d != want {
			t.Errorf("at %v s: %v, %v, want %v", now, d, ok, want)
		}
	}
	if _, ok := p.left(after(10), 0); ok {
		t.Error("something is left of an unknown number of steps")
	}
}

func TestClock(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 59*time.Second + 999*time.Millisecond: "59s", time.Minute: "1m00s", 62 * time.Second: "1m02s",
		time.Hour: "1h00m", 99*time.Hour + 59*time.Minute: "99h59m", 100 * time.Hour: "4d04h",
	} {
		if got := clock(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

// colourless takes out what paint has put in.
func colourless(s string) string {
	return strings.NewReplacer("\x1b[31m", "", "\x1b[32m", "", "\x1b[33m", "", "\x1b[m", "").Replace(s)
}

// Each frame is one write that goes back over the last one; where the terminal became narrower it starts on a clear screen.
func TestScreen(t *testing.T) {
	var frames frameWriter
	s := screen{w: &frames}
	for _, f := range []struct {
		width        int
		above, lines []string
		want         string
	}{
		{80, nil, []string{"a", "b"}, "\r\x1b[?7l\x1b[2Ka\r\n\x1b[2Kb\r\n"},
		{90, []string{"said"}, []string{"c"}, "\r\x1b[2A\x1b[Jsaid\r\n\x1b[?7l\x1b[2Kc\r\n"},
		{60, nil, []string{"d"}, "\x1b[3;1H\n\n\n\x1b[H\x1b[?7l\x1b[2Kd\r\n"},
		{60, nil, nil, "\r\x1b[1A\x1b[?7l"},
		{60, nil, []string{"e", "f", "g"}, "\r\x1b[?7l\x1b[2Ke\r\n\x1b[2Kf\r\n\x1b[2Kg\r\n"},
		{60, nil, nil, "\x1b[3;1H\n\n\n\x1b[H\x1b[?7l"},
	} {
		frames = nil
		if err := s.draw(f.width, 3, f.above, f.lines); err != nil {
			t.Fatal(err)
		}
		if want := "\x1b[?25l" + f.want + "\x1b[J\x1b[?7h\x1b[?25h"; len(frames) != 1 || frames[0] != want {
			t.Errorf("%q, want %q", frames, want)
		}
	}
}

type frameWriter []string

func (w *frameWriter) Write(p []byte) (int, error) {
	*w = append(*w, string(p))
	return len(p), nil
}
