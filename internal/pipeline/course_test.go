package pipeline

import (
	"testing"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/train"
)

// However long a fine-tune is, its curve is short, even and whole.
func TestCurveIsBounded(t *testing.T) {
	for _, steps := range []int{0, 1, 2, 99, 100, 101, 198, 199, 1000, 12345} {
		c := curve{}
		c.add(train.Metric{Step: 7, TrainLoss: 9}) // of an attempt that failed
		for step := 1; step <= steps; step++ {
			c.add(train.Metric{Step: step, TrainLoss: 1 / float64(step), ValidLoss: float64(step % 2)})
		}
		points := c.losses()
		if steps == 0 {
			if len(points) != 1 || points[0].Step != 7 {
				t.Errorf("got %v", points)
			}
			continue
		}
		n := len(points)
		if n > maxLosses || n < min(steps, maxLosses/2-1) || points[0].Step != 1 || points[n-1].Step != steps {
			t.Errorf("%d steps: %d points, from %d to %d", steps, n, points[0].Step, points[n-1].Step)
		}
		for i, p := range points {
			if p.Train != 1/float64(p.Step) || (p.Valid != nil) != (p.Step%2 == 1) {
				t.Errorf("%d steps: the point %+v", steps, p)
			}
			if i > 1 && i < n-1 && p.Step-points[i-1].Step != points[1].Step-points[0].Step {
				t.Errorf("%d steps: uneven at %d", steps, p.Step)
			}
		}
	}
}

// A run tells where its time went, and what its plots are made of.
func TestReportTellsTheCourse(t *testing.T) {
	doc := start(t, load(t, service(t, nil), 2, ""))
	if doc.Verdict != gate.Pass {
		t.Fatalf("the verdict is %s", doc.Verdict)
	}
	for _, l := range doc.Legs {
		seconds, seen := 0.0, map[string]bool{}
		for i, s := range l.Stages {
			seconds += s.Seconds
			seen[s.Name] = true
			if inPhase := s.Name != inAudit && s.Name != inWait && s.Name != inAdvice; inPhase != (s.Phase == "full") {
				t.Errorf("%s: the stage %+v", l.ID, s)
			}
			if i > 0 && s.Began.Before(l.Stages[i-1].Began) || s.Began.Before(doc.Started) {
				t.Errorf("%s: %s began at %v", l.ID, s.Name, s.Began)
			}
		}
		if seconds > l.Seconds+.001 || seconds < .8*l.Seconds-.05 {
			t.Errorf("%s: %.3f of %.3f seconds are told of", l.ID, seconds, l.Seconds)
		}
		if !seen[inAudit] || !seen[inTraining] && !seen[inLaunch] || !seen[inBenchmark] {
			t.Errorf("%s: %+v", l.ID, l.Stages)
		}
		p := l.Last()
		if n := len(p.Losses); n == 0 || p.FinalLoss == nil || p.Losses[n-1].Train != *p.FinalLoss {
			t.Errorf("%s: the losses are %v", l.ID, p.Losses)
		}
		examples := 0
		if l.Audit.Lengths == nil || l.Audit.Lengths.Unit != "tokens" || l.Audit.Answers == nil {
			t.Fatalf("%s: lengths %v, answers %v", l.ID, l.Audit.Lengths, l.Audit.Answers)
		}
		for _, b := range l.Audit.Lengths.Bins {
			examples += b.Examples
		}
		if examples != p.Examples || l.Audit.Answers.Examples > examples || len(l.Audit.Answers.Most) < 2 {
			t.Errorf("%s: lengths of %d examples, answers of %d", l.ID, examples, l.Audit.Answers.Examples)
		}
	}
}
