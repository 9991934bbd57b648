package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tunegate/tunegate/internal/cost"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/train"
)

// standing is what a fine-tune that is not there yet means for its leg. The verdict is empty when there is a model to
// benchmark.
type standing struct {
	verdict gate.Verdict
	reason  string
	todo    []string // what a person does now, ahead of the general advice
}

// standing judges what train returned.
func (r *run) standing(ctx context.Context, l *leg, s train.State, err error) standing {
	j := s.Job
	var busy *train.Busy
	switch {
	case errors.Is(err, train.ErrNotFound):
		return standing{gate.Error, "lost: " + err.Error(), []string{
			fmt.Sprintf("ask the service what became of the job, it may have been deleted there; tunegate retry --leg %s makes another one, which is paid again", l.out.ID)}}
	case errors.As(err, &busy):
		return standing{gate.Pending, fmt.Sprintf("not launched yet: %s has no room for another job: %v", l.out.Provider, busy.Err), nil}
	case errors.Is(err, errNoPlace):
		return standing{gate.Pending, fmt.Sprintf("not launched yet: %v", err), nil}
	case s.Unsettled && ctx.Err() != nil:
		return standing{gate.Pending, "interrupted while a job was being created; the next run finds out whether there is one", nil}
	case s.Unsettled:
		return standing{gate.Pending, fmt.Sprintf("a job was being created, and whether there is one is not known: %s; the next run finds out", r.fault(l, err).reason), nil}
	case s.Pending():
		return standing{gate.Pending, r.goesOn(ctx, l, j, err), nil}
	case ctx.Err() != nil && j.ID != "":
		return standing{gate.Pending, fmt.Sprintf("interrupted; job %s has %s", j.ID, j.Status), nil}
	case ctx.Err() != nil:
		return standing{gate.Pending, "interrupted before a job was launched", nil}
	case j.Status == train.Failed && (errors.Is(err, cost.ErrOverBudget) || errors.Is(err, errTooLate) || errors.Is(err, errFindOnly)):
		at := failure(j)
		at.reason += fmt.Sprintf("; not tried again: %v", err)
		return at
	case errors.Is(err, errFindOnly) && j.ID == "":
		return standing{gate.Pending, fmt.Sprintf("not tuned yet: %v", err), []string{"launch it: tunegate run and tune do without --no-launch, on GitHub the comment /finetune or the workflow's button does"}}
	case errors.Is(err, cost.ErrOverBudget), errors.Is(err, errTooLate), errors.Is(err, errOutOfReach):
		return standing{gate.Inconclusive, fmt.Sprintf("not launched: %v", err), nil}
	case err != nil:
		f := r.fault(l, err)
		l.request = f.request
		return standing{gate.Error, f.reason, f.todo}
	case j.Status == train.Failed:
		return failure(j)
	case j.Status == train.Cancelled:
		return standing{gate.Error, fmt.Sprintf("job %s was cancelled at %s", j.ID, l.out.Provider), nil}
	}
	return standing{}
}

// fail ends a leg with an error that its provider may be behind.
func (r *run) fail(l *leg, err error) {
	f := r.fault(l, err)
	l.request, l.out.Next = f.request, append(l.out.Next, f.todo...)
	r.end(l, gate.Error, f.reason)
}

// failure says why a job has failed, in the service's words, and what may help.
func failure(j train.Job) standing {
	why := "the service gave no reason"
	if j.Error != "" {
		why = j.Error
	}
	if j.Code != "" && !strings.Contains(j.Error, j.Code) {
		why += " (" + j.Code + ")"
	}
	said := strings.ToLower(j.Code + " " + j.Error)
	for _, word := range []string{"moderation", "usage polic", "content_policy", "content policy", "unsafe"} {
		if strings.Contains(said, word) {
			return standing{gate.Error, fmt.Sprintf("job %s has failed: the service will not train on this data: %s", j.ID, why), []string{
				"take out the examples that break the service's usage policy, or have it review its decision; the same data will be refused again"}}
		}
	}
	return standing{gate.Error, fmt.Sprintf("job %s has failed: %s", j.ID, why), nil}
}

// stuckAfter is how long a service may look at a file. It takes minutes; one that is stuck stays so for days.
const stuckAfter = 30 * time.Minute

// stuck says that a job does not get beyond the look at its files, "" when nothing is wrong. It compares two machines'
// clocks, which is good enough for a remark.
func stuck(j train.Job) string {
	since := time.Since(j.CreatedAt)
	if j.Status != train.Validating || j.CreatedAt.IsZero() || since < stuckAfter {
		return ""
	}
	return fmt.Sprintf("its files have been under validation for %v, which takes minutes: it may be stuck; tunegate cancel, then tunegate retry, starts anew", since.Round(time.Minute))
}

// goesOn says what becomes of a job that is not done when the run ends.
func (r *run) goesOn(ctx context.Context, l *leg, j train.Job, err error) string {
	where := "goes on at " + l.out.Provider
	if r.m.Providers[l.agent.Provider].Kind == manifest.KindLocal {
		where = "stops with this process; the next run trains it anew, under the same id"
	}
	why := "not done in time"
	switch {
	case ctx.Err() != nil:
		why = "interrupted"
	case err != nil:
		why = r.fault(l, err).reason
	case r.inTime() != nil:
		why = "not waited for any longer: " + r.overdue()
	}
	text := fmt.Sprintf("%s: job %s is %s and %s", why, j.ID, j.Status, where)
	if remark := stuck(j); remark != "" {
		text += "; " + remark
	}
	return text
}
