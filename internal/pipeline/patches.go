package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"

	"github.com/tunegate/tunegate/internal/bench"
	"github.com/tunegate/tunegate/internal/grade"
	"github.com/tunegate/tunegate/internal/suite"
	"github.com/tunegate/tunegate/internal/swebench"
)

// patchGrader is the grader whose tests are tasks of SWE-bench. The harness judges all answers together when they are there, so
// that a benchmark of them cannot stop early.
const patchGrader = grade.Patches

// openTests opens the agent's tests.
func (l *leg) openTests() (suite.Suite, error) {
	tests, tasks, err := openTests(l.agent)
	l.tasks = tasks
	return tests, err
}

// harness is what judges the leg's patches. Each leg has a folder of its own, since legs may have an arm in common.
func (r *run) harness(l *leg) (swebench.Harness, error) {
	dir, err := filepath.Abs(filepath.Join(r.State, "swebench", l.out.ID))
	return swebench.Harness{AllowCommands: r.AllowCommands, Dir: dir}, err
}

// patchesReady reports why the leg's patches could not be judged here; nil too where it has none.
func (r *run) patchesReady(ctx context.Context, l *leg) error {
	if l.tasks == nil {
		return nil
	}
	h, err := r.harness(l)
	if err != nil {
		return err
	}
	r.tell(Event{Leg: l.out.ID, Stage: Estimating, Text: "looking for the SWE-bench harness"})
	return h.Ready(ctx, *l.tasks)
}

// judgePatches puts the harness's scores in the samples of a leg that has patches, unless more tests than most are without an answer: a
// verdict would then take none of them. What is left unjudged, by an error or because the harness failed on it, has
// no score but an error.
func (r *run) judgePatches(ctx context.Context, l *leg, p phase, samples []bench.Sample, most int) error {
	if l.tasks == nil {
		return nil
	}
	answered := make(map[string][]*bench.Sample) // by what is judged together: an arm's answers of one repeat
	var names []string
	failed, first := make(map[string]bool), ""
	for i := range samples {
		s := &samples[i]
		if s.Error != "" {
			failed[s.Test], first = true, cmp.Or(first, s.Error)
			continue
		}
		s.Score, s.Note, s.Error = 0, "", "its patch was not judged"
		name := s.Arm
		if s.Repeat > 0 {
			name = fmt.Sprintf("%s-%d", s.Arm, s.Repeat+1)
		}
		if answered[name] == nil {
			names = append(names, name)
		}
		answered[name] = append(answered[name], s)
	}
	if len(failed) > most {
		return fmt.Errorf("%s had no answer, the first because: %s", count(len(failed), "test"), first)
	}
	for _, name := range names {
		if err := r.judgeArm(ctx, l, p, name, answered[name]); err != nil {
			return err
		}
	}
	return nil
}

// toldPatches is after how many patches the harness's progress is told.
const toldPatches = 25

// judgeArm has the answers of one arm judged.
func (r *run) judgeArm(ctx context.Context, l *leg, p phase, name string, samples []*bench.Sample) error {
	tell := func(done, all int) {
		if done%toldPatches == 0 {
			r.tell(Event{Leg: l.out.ID, Stage: Benchmarking, Phase: p.name, Text: fmt.Sprintf("%s: %d of %d patches of %s judged", p.name, done, all, name)})
		}
	}
	h, err := r.harness(l)
	if err != nil {
		return err
	}
	h.Notify = tell
	patches := make(map[string]string, len(samples))
	for _, s := range samples {
		patches[s.Test] = swebench.Patch(s.Answer)
	}
	tell(0, len(patches))
	judged, err := h.Run(ctx, *l.tasks, name, patches)
	if err != nil {
		return err
	}
	scores := make(map[string]float64, len(judged.Scores))
	for _, s := range judged.Scores {
		scores[s.ID] = s.Value
	}
	for _, s := range samples {
		score, ok := scores[s.Test]
		if !ok {
			s.Error = "the SWE-bench harness could not try its patch"
			continue
		}
		s.Score, s.Error = score, ""
		if patches[s.Test] == "" {
			s.Note = "no patch in the answer"
		}
	}
	return nil
}
