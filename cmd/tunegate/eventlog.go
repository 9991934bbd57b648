package main

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/tunegate/tunegate/internal/pipeline"
	"github.com/tunegate/tunegate/internal/render"
	"github.com/tunegate/tunegate/internal/train"
)

// eventLog turns what happens to the legs into lines:
//
//	seconds  leg  stage  what happened
//
// Counters that move are worth a line a leg every countersEvery, the newest ones. It is not safe for concurrent use.
type eventLog struct {
	began   time.Time
	width   int // of the longest leg id
	verbose bool
	legs    map[string]*logged
	order   []string // of the legs, as they were heard of
}

// logged is what the log knows of a leg.
type logged struct {
	at      time.Time      // of its last line
	text    string         // which said this
	named   bool           // a line has named the job of the phase
	counter pipeline.Event // the newest that no line has told; zero: none
	stages  []stageStart
}

type stageStart struct {
	stage pipeline.Stage
	at    time.Time
}

const countersEvery = 5 * time.Second

func newEventLog(now time.Time, legs []string, verbose bool) *eventLog {
	l := &eventLog{began: now, verbose: verbose, legs: map[string]*logged{}}
	for _, id := range legs {
		l.width = max(l.width, render.Cells(render.Line(id)))
	}
	return l
}

// event returns the lines that an event is worth: none or one, and when all is to be told one more at the end of a leg.
func (l *eventLog) event(now time.Time, e pipeline.Event) []string {
	leg := l.legs[e.Leg]
	if leg == nil {
		leg = &logged{at: now}
		l.legs[e.Leg] = leg
		l.order = append(l.order, e.Leg)
	}
	if n := len(leg.stages); n == 0 || leg.stages[n-1].stage != e.Stage {
		leg.stages = append(leg.stages, stageStart{e.Stage, now})
	}
	if e.Text == "" {
		leg.counter = e
		if l.verbose && e.Stage == pipeline.Training {
			return l.count(now, leg)
		}
		return nil
	}
	leg.counter = pipeline.Event{}
	if !l.verbose && passing(e.Status) && leg.named {
		return nil
	}
	leg.named = e.Status != ""
	text := e.Text
	if e.Stage == pipeline.Finished {
		// The reason of a verdict may be what the benchmark has just said.
		if reason := strings.TrimPrefix(text, string(e.Verdict)+": "); strings.HasSuffix(leg.text, ": "+reason) {
			text = string(e.Verdict)
		}
	}
	leg.text = e.Text
	lines := []string{l.line(now, leg, e.Leg, e.Stage, text)}
	if l.verbose && e.Stage == pipeline.Finished {
		lines = append(lines, l.line(now, leg, e.Leg, e.Stage, leg.timing(now)))
	}
	return lines
}

// passing tells the states that a job goes through on its way to running.
func passing(s train.Status) bool {
	return s == train.Created || s == train.Validating || s == train.Queued
}

// tick returns the counters that are due.
func (l *eventLog) tick(now time.Time) (lines []string) {
	for _, id := range l.order {
		if leg := l.legs[id]; leg.counter.Leg != "" && now.Sub(leg.at) >= countersEvery {
			lines = append(lines, l.count(now, leg)...)
		}
	}
	return lines
}

// count is the line of a leg's counters.
func (l *eventLog) count(now time.Time, leg *logged) []string {
	e := leg.counter
	leg.counter = pipeline.Event{}
	switch e.Stage {
	case pipeline.Training:
		of := ""
		if e.Steps > 0 {
			of = fmt.Sprintf(" of %d", e.Steps)
		}
		return []string{l.line(now, leg, e.Leg, e.Stage, fmt.Sprintf("%s: step %d%s, loss %.4f", e.Phase, e.Step, of, e.Loss))}
	case pipeline.Benchmarking:
		return []string{l.line(now, leg, e.Leg, e.Stage, fmt.Sprintf("%s: %d of at most %d answers", e.Phase, e.Step, e.Steps))}
	}
	return nil
}

func (l *eventLog) line(now time.Time, leg *logged, id string, stage pipeline.Stage, text string) string {
	leg.at = now
	return fmt.Sprintf("%6.1fs  %s  %-9s  %s", now.Sub(l.began).Seconds(), pad(render.Line(id), max(l.width, render.Cells(render.Line(id)))), stage, render.Line(text))
}

// front is what stands before the text of a line.
var front = regexp.MustCompile(`^ *[0-9.]+s +[^ ]+ +[^ ]+ +`)

// brokenLine breaks a line at its words for a terminal of so many columns, the text below the text; for none (0) it stays whole.
func brokenLine(line string, width int) []string {
	if width == 0 || render.Cells(line) <= width {
		return []string{line}
	}
	head := front.FindString(line)
	room := width - render.Cells(head)
	if room < 20 { // as little as lines are ever broken to
		return render.Wrap(line, width, "  ")
	}
	parts := render.Wrap(line[len(head):], room, "")
	for i := range parts {
		parts[i] = head + parts[i]
		head = strings.Repeat(" ", render.Cells(head))
	}
	return parts
}

// timing says how long each stage took, the same stage of all phases together.
func (g *logged) timing(now time.Time) string {
	took := map[pipeline.Stage]time.Duration{}
	var order []pipeline.Stage
	for i, s := range g.stages {
		end := now
		if i+1 < len(g.stages) {
			end = g.stages[i+1].at
		}
		if s.stage == pipeline.Finished {
			continue
		}
		if _, seen := took[s.stage]; !seen {
			order = append(order, s.stage)
		}
		took[s.stage] += end.Sub(s.at)
	}
	parts := make([]string, len(order))
	for i, s := range order {
		parts[i] = fmt.Sprintf("%s %.1fs", s, took[s].Seconds())
	}
	return "took " + strings.Join(parts, ", ")
}
