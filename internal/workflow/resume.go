package workflow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tunegate/tunegate/internal/github"
)

// Resuming looks after what earlier runs left pending.
type Resuming struct {
	GitHub   *github.Client
	Event    github.Event
	Workflow string // file name of the workflow that this runs in
	// Ended asks the provider whether a job has ended, whatever became of it.
	Ended func(ctx context.Context, j Job) (bool, error)
	// MaxHours after its first launch a run goes on to say that it is late, whatever its jobs do; 0: never.
	MaxHours float64
	Now      time.Time
	Tell     func(string) // a plain sentence for the log
}

// Decide returns the order of the first run that can go on, and one to do nothing where none can. Records of what is settled are
// deleted. Where nothing is pending, the workflow is switched off; where a second run can go on, it is started once more.
func (r *Resuming) Decide(ctx context.Context) (Order, error) {
	pending, unknown, err := r.pending(ctx)
	if err != nil {
		return Order{Do: Nothing}, err
	}
	if len(pending)+unknown == 0 {
		r.Tell("nothing is pending")
		return Order{Do: Nothing}, ignoring(r.GitHub.DisableWorkflow(ctx, r.Workflow), github.ErrNotFound)
	}
	var ready []record
	for _, p := range pending {
		switch ok, err := r.ready(ctx, p); {
		case err != nil:
			r.Tell(fmt.Sprintf("%.7s: %v", p.SHA, err))
		case ok:
			ready = append(ready, p)
		default:
			r.Tell(fmt.Sprintf("%.7s: its fine-tunes go on", p.SHA))
		}
	}
	if len(ready) == 0 {
		return Order{Do: Nothing}, nil
	}
	order := ready[0].order()
	if order.Base, err = r.base(ctx, ready[0]); err != nil {
		return Order{Do: Nothing}, err
	}
	if len(ready) > 1 {
		repository, err := r.GitHub.Repository(ctx)
		if err == nil {
			err = r.GitHub.Dispatch(ctx, r.Workflow, repository.DefaultBranch, nil)
		}
		if err != nil {
			r.Tell(fmt.Sprintf("another run can go on, at the next time of the schedule: %v", err))
		}
	}
	return order, nil
}

// pending returns the records that stand, and how many there are of which that is not known.
func (r *Resuming) pending(ctx context.Context) (all []record, unknown int, err error) {
	const most = 100
	found, err := r.GitHub.TrustedArtifacts(ctx, pendingArtifact, most)
	if err != nil {
		return nil, 0, err
	}
	for _, a := range found {
		p, stands, err := r.stands(ctx, a)
		if err != nil {
			r.Tell(fmt.Sprintf("artifact %d: %v", a.ID, err))
		}
		if stands && err != nil {
			unknown++ // it may stand, and is looked at again; nothing is started for what is not known
			continue
		}
		again := slices.ContainsFunc(all, func(q record) bool { return q.SHA == p.SHA && q.Pull == p.Pull && q.Manifest == p.Manifest })
		if stands && !again { // the newest comes first
			all = append(all, p)
			continue
		}
		if err := r.GitHub.DeleteArtifact(ctx, a.ID); err != nil {
			r.Tell(err.Error())
		}
	}
	return all, unknown, nil
}

// stands reads a record and tells whether what it says is still so: the status of the commit is pending, by the run that wrote the
// record or one after it, and the pull request is open. Where its head has moved within this repository, the record is of the new head,
// for which nothing is launched: what was tuned for equal data is judged. With an error, nobody knows.
func (r *Resuming) stands(ctx context.Context, a github.Artifact) (p record, stands bool, err error) {
	files, err := r.GitHub.Download(ctx, a.ID, github.Limits{Packed: recordLimit, Files: 1, File: recordLimit, Total: recordLimit})
	switch {
	case errors.Is(err, github.ErrGone), errors.Is(err, github.ErrNotFound), errors.Is(err, github.ErrTooLarge):
		return p, false, nil
	case err != nil:
		return p, true, err
	}
	if p, err = readRecord(files[pendingFile]); err != nil {
		r.Tell(fmt.Sprintf("artifact %d: %v", a.ID, err))
		return p, false, nil
	}
	if p.Run != a.Run || r.Now.Sub(a.Created) > recordLife {
		return p, false, nil
	}
	if p.Pull > 0 {
		pull, err := r.GitHub.Pull(ctx, p.Pull)
		switch {
		case errors.Is(err, github.ErrNotFound):
			return p, false, nil
		case err != nil:
			return p, true, err
		case pull.State != "open", pull.HeadSHA != p.SHA && pull.Fork:
			return p, false, nil
		case pull.HeadSHA != p.SHA:
			p.SHA, p.Spends = pull.HeadSHA, false
		}
	}
	status, known, err := r.GitHub.CurrentStatus(ctx, p.SHA, StatusContext)
	switch {
	case errors.Is(err, github.ErrNotFound):
		return p, false, nil
	case err != nil:
		return p, true, err
	}
	return p, known && status.State == github.Pending && r.GitHub.RunOf(status.URL) >= p.Run, nil
}

// ready tells whether a run can go on: all of its jobs have ended, those that had no place yet aside; or it is late.
func (r *Resuming) ready(ctx context.Context, p record) (bool, error) {
	if r.MaxHours > 0 && r.Now.Sub(time.Unix(p.Since, 0)).Hours() > r.MaxHours {
		return true, nil
	}
	for _, j := range p.Jobs {
		if j.ID == "" {
			continue
		}
		if ended, err := r.Ended(ctx, j); err != nil || !ended {
			return false, err
		}
	}
	return true, nil
}

// base is the commit whose manifest is trusted now.
func (r *Resuming) base(ctx context.Context, p record) (string, error) {
	if !p.BaseRef {
		return "", nil
	}
	if p.Pull == 0 {
		repository, err := r.GitHub.Repository(ctx)
		if err != nil {
			return "", err
		}
		return r.GitHub.Commit(ctx, repository.DefaultBranch)
	}
	pull, err := r.GitHub.Pull(ctx, p.Pull)
	if err != nil {
		return "", err
	}
	return r.GitHub.Commit(ctx, pull.BaseRef)
}

// ignoring makes no error of one that matches.
func ignoring(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}
