package pipeline

import (
	"time"

	"github.com/tunegate/tunegate/internal/audit"
	"github.com/tunegate/tunegate/internal/report"
	"github.com/tunegate/tunegate/internal/train"
)

// Names of the stages that a report tells the time of.
const (
	inAudit     = "audit"
	inWait      = "wait"
	inLaunch    = "launch"
	inQueue     = "queue"
	inTraining  = "train"
	inDeploy    = "deploy"
	inBenchmark = "benchmark"
	inAdvice    = "advise"
)

// maxStages bounds what a leg's report tells: one that waits for a place for days enters a stage again and again.
const maxStages = 100

// enter begins a stage of the leg's way, of a phase or of none, and ends the one before. A stage in which it is already goes on.
func (l *leg) enter(stage, phase string) {
	if l.stage.Name == stage && l.stage.Phase == phase {
		return
	}
	l.leave()
	l.stage = report.Stage{Name: stage, Phase: phase, Began: time.Now().UTC()}
}

// leave ends the stage that the leg is in, if any.
func (l *leg) leave() {
	now, s := time.Now(), l.stage
	l.stage = report.Stage{}
	if took := now.Sub(s.Began); s.Name != "" && took >= time.Millisecond && len(l.out.Stages) < maxStages {
		s.Seconds = took.Seconds()
		l.out.Stages = append(l.out.Stages, s)
	}
}

// stageOf is where a job of this status keeps its leg, "" for one that tells nothing of that.
func stageOf(s train.Status) string {
	switch s {
	case train.Created, train.Validating, train.Queued:
		return inQueue
	case train.Running:
		return inTraining
	}
	return ""
}

// maxLosses is how many points of a curve a report keeps.
const maxLosses = 100

// curve gathers losses in bounded room: when it is full, every second one goes, and from then on every second one is not taken.
type curve struct {
	points []report.Loss
	every  int // of so many steps told one is taken
	told   int
	last   report.Loss
}

func (c *curve) add(m train.Metric) {
	if m.Step <= c.last.Step { // another attempt
		*c = curve{}
	}
	c.last = report.Loss{Step: m.Step, Train: m.TrainLoss}
	if m.ValidLoss != 0 {
		valid := m.ValidLoss
		c.last.Valid = &valid
	}
	c.every = max(c.every, 1)
	if c.told++; (c.told-1)%c.every != 0 {
		return
	}
	if len(c.points) == maxLosses-1 {
		kept := c.points[:0]
		for i, p := range c.points {
			if i%2 == 0 {
				kept = append(kept, p)
			}
		}
		c.points = kept
		c.every *= 2
		if (c.told-1)%c.every != 0 {
			return
		}
	}
	c.points = append(c.points, c.last)
}

// losses returns the points, with the last one that was told.
func (c *curve) losses() []report.Loss {
	if n := len(c.points); n > 0 && c.points[n-1].Step != c.last.Step {
		return append(c.points[:n:n], c.last)
	}
	return c.points
}

// maxAnswers is how many answers of the training examples a report lists.
const maxAnswers = 50

// spread enters in the report how the training examples are spread over lengths and answers.
func spread(out *report.Audit, res audit.Result) {
	n := res.Lengths
	out.Lengths, out.Answers = nil, nil
	if len(res.Histogram) > 0 {
		out.Lengths = &report.Lengths{Unit: n.Unit, Min: n.Min, P50: n.P50, P90: n.P90, P99: n.P99, Max: n.Max}
		for _, b := range res.Histogram {
			out.Lengths.Bins = append(out.Lengths.Bins, report.Bin(b))
		}
	}
	if len(res.Labels) > 0 {
		out.Answers = &report.Answers{Different: len(res.Labels)}
		for i, a := range res.Labels {
			out.Answers.Examples += a.Count
			if i < maxAnswers {
				out.Answers.Most = append(out.Answers.Most, report.Frequency{Answer: a.Answer, Examples: a.Count})
			}
		}
	}
}
