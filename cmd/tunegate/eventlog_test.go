package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/pipeline"
	"github.com/tunegate/tunegate/internal/train"
)

// said runs events through a log that looks at the clock every second, and returns its lines.
func said(verbose bool, seconds int, events []happened) []string {
	log := newEventLog(boardStart, []string{"ops", "longer-name"}, verbose)
	var lines []string
	for second := range seconds {
		for _, e := range events {
			if e.at >= float64(second) && e.at < float64(second+1) {
				lines = append(lines, log.event(after(e.at), e.Event)...)
			}
		}
		lines = append(lines, log.tick(after(float64(second+1)))...)
	}
	return lines
}

func trainingEvents() []happened {
	status := func(at float64, s train.Status) happened {
		return happened{at, pipeline.Event{Leg: "ops", Stage: pipeline.Training, Phase: "full", Text: "full: job ftjob-1 is " + string(s), Status: s}}
	}
	events := []happened{
		{0, pipeline.Event{Leg: "ops", Stage: pipeline.Auditing, Text: "reading a\x1b[2J\nb.jsonl"}},
		status(1, train.Validating), status(2, train.Queued), status(3, train.Running),
	}
	// Two bursts, as polling brings them.
	for i := range 10 {
		events = append(events, happened{6, pipeline.Event{Leg: "ops", Stage: pipeline.Training, Phase: "full", Step: i + 1, Steps: 20, Loss: 1}})
	}
	for i := range 10 {
		events = append(events, happened{11, pipeline.Event{Leg: "ops", Stage: pipeline.Training, Phase: "full", Step: i + 11, Steps: 20, Loss: 0.5}})
	}
	return append(events,
		status(13.5, train.Succeeded),
		happened{14, pipeline.Event{Leg: "ops", Stage: pipeline.Benchmarking, Phase: "full", Step: 3, Steps: 40}},
		happened{15, pipeline.Event{Leg: "ops", Stage: pipeline.Benchmarking, Phase: "full", Text: "full: better on 9 of 10 tests"}},
		happened{15, pipeline.Event{Leg: "ops", Stage: pipeline.Finished, Verdict: gate.Pass, Text: "pass: better on 9 of 10 tests"}},
	)
}

func TestEventLog(t *testing.T) {
	want := []string{
		"   0.0s  ops          audit      reading a�[2J b.jsonl",
		"   1.0s  ops          train      full: job ftjob-1 is validating",
		"   3.0s  ops          train      full: job ftjob-1 is running",
		"   8.0s  ops          train      full: step 10 of 20, loss 1.0000",
		"  13.0s  ops          train      full: step 20 of 20, loss 0.5000",
		"  13.5s  ops          train      full: job ftjob-1 is succeeded",
		"  15.0s  ops          benchmark  full: better on 9 of 10 tests",
		"  15.0s  ops          done       pass",
	}
	if got := said(false, 20, trainingEvents()); !slices.Equal(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Everything: each state, each metric, the time that each stage took.
func TestEventLogVerbose(t *testing.T) {
	got := strings.Join(said(true, 20, trainingEvents()), "\n")
	for _, want := range []string{"is validating", "is queued", "is running", "step 1 of 20", "step 10 of 20", "step 11 of 20", "done       took audit 1.0s, train 13.0s, benchmark 1.0s"} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%q is not said once in:\n%s", want, got)
		}
	}
}

// A reason that was not said before stands beside the verdict.
func TestEventLogReason(t *testing.T) {
	got := said(false, 1, []happened{{0, pipeline.Event{Leg: "ops", Stage: pipeline.Finished, Verdict: gate.Fail, Text: "fail: the audit found 1 critical problem"}}})
	if len(got) != 1 || !strings.HasSuffix(got[0], "done       fail: the audit found 1 critical problem") {
		t.Errorf("%q", got)
	}
}

// On a terminal a line ends at a word, and goes on below its text; without one it stays whole.
func TestBrokenLine(t *testing.T) {
	const line = "   0.1s  desk  done       fail: better on 5 of 66 tests, worse on 6; observed -1.8 %"
	for width, want := range map[int]string{
		0:  line,
		90: line,
		60: "   0.1s  desk  done       fail: better on 5 of 66 tests,\n                          worse on 6; observed -1.8 %",
		40: "   0.1s desk done fail: better on 5 of\n  66 tests, worse on 6; observed -1.8 %",
	} {
		if got := strings.Join(brokenLine(line, width), "\n"); got != want {
			t.Errorf("%d columns:\n%s\nwant\n%s", width, got, want)
		}
	}
	if got := brokenLine("stopping; Ctrl-C again exits at once", 20); len(got) != 2 {
		t.Errorf("%q", got)
	}
}
