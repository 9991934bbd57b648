package main

import (
	"fmt"
	"io"
	"time"

	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/pipeline"
)

// progress prints what happens to the legs, a line an event. It is called by one goroutine at a time.
type progress struct {
	w     io.Writer
	began time.Time
	width int                  // of the longest leg id
	said  map[string]time.Time // when a leg's counters were last printed
}

func newProgress(w io.Writer, agents []manifest.Agent) *progress {
	p := &progress{w: w, began: time.Now(), said: map[string]time.Time{}}
	for _, a := range agents {
		p.width = max(p.width, len(a.Name))
	}
	return p
}

// countersEvery is how often the counters of a leg are worth a line.
const countersEvery = 5 * time.Second

func (p *progress) event(e pipeline.Event) {
	text := e.Text
	if text == "" {
		last, spoke := p.said[e.Leg]
		if !spoke {
			p.said[e.Leg] = time.Now()
			return
		}
		if time.Since(last) < countersEvery {
			return
		}
		switch e.Stage {
		case pipeline.Training:
			text = fmt.Sprintf("%s: step %d of %d, loss %.4f", e.Phase, e.Step, e.Steps, e.Loss)
		case pipeline.Benchmarking:
			text = fmt.Sprintf("%s: %d of at most %d answers", e.Phase, e.Step, e.Steps)
		default:
			return
		}
	}
	p.said[e.Leg] = time.Now()
	fmt.Fprintf(p.w, "%6.1fs  %-*s  %-9s  %s\n", time.Since(p.began).Seconds(), p.width, e.Leg, e.Stage, text)
}
