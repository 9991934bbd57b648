package workflow

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/github"
	"github.com/tunegate/tunegate/internal/render"
	"github.com/tunegate/tunegate/internal/report"
)

// Publisher tells GitHub what came of a run. Of the jobs of a run one does, so that legs never write over one another.
type Publisher struct {
	GitHub   *github.Client
	Jobs     *github.JobArtifacts // nil: no artifact can be left
	Event    github.Event
	Order    Order
	Manifest string // path, as the workflow's input says; empty: the default one
	Advisory bool   // the status never says failure
	Workflow string // file name of the workflow that resumes; empty: none
	Now      time.Time
	Tell     func(string) // a plain sentence for the log
}

// What is said of a run in turn; see github.Sticky.
const (
	saidEstimate = 1
	saidResult   = 2
)

// pipeline is the name by which comments and issues of this manifest are found again: the manifest's own could change with it.
func (p *Publisher) pipeline() string { return cmp.Or(p.Manifest, "tunegate.yaml") }

func (p *Publisher) sticky(said int) github.Sticky {
	return github.Sticky{Pipeline: p.pipeline(), Run: p.Event.RunID, Attempt: p.Event.RunAttempt, Seq: said}
}

// Place is where the pages point to.
func (p *Publisher) Place(artifact int64) render.Place {
	at := render.Place{Commit: p.Order.SHA, Run: p.Event.RunURL, Launching: p.Order.Do.Spends()}
	if artifact > 0 {
		at.Artifact = fmt.Sprintf("%s/artifacts/%d", p.Event.RunURL, artifact)
	}
	return at
}

// Announce puts a page on the pull request before money is spent, and answers the comment that asked for no more than that.
func (p *Publisher) Announce(ctx context.Context, page string) error {
	if p.Order.Pull == 0 {
		return nil
	}
	_, err := p.GitHub.Upsert(ctx, p.Order.Pull, p.sticky(saidEstimate), page)
	if p.Order.Do == Plan {
		err = errors.Join(err, p.react(ctx))
	}
	return err
}

// Answer replies to the comment that asked.
func (p *Publisher) Answer(ctx context.Context, page string) error {
	_, err := p.GitHub.Reply(ctx, p.Order.Pull, page)
	return errors.Join(err, p.react(ctx))
}

func (p *Publisher) react(ctx context.Context) error {
	if p.Order.Comment == 0 {
		return nil
	}
	return p.GitHub.React(ctx, p.Order.Comment, "rocket")
}

// Publish tells the verdict: first what explains it (the artifact of all files, the comment), then the status. What is pending is recorded
// for a later run before the status says so. A regression on the default branch opens an issue, and its end closes it. All of it is tried, whatever
// fails.
func (p *Publisher) Publish(ctx context.Context, doc report.Report, files map[string][]byte, page func(render.Place) string) error {
	var errs []error
	var artifact int64
	if p.Jobs != nil {
		var err error
		if artifact, err = p.Jobs.Upload(ctx, reportArtifact, files, 0); errors.Is(err, github.ErrExists) {
			artifact, err = p.Jobs.Upload(ctx, fmt.Sprintf("%s.%d", reportArtifact, p.Event.RunAttempt), files, 0)
		}
		errs = append(errs, err)
	}
	at := p.Place(artifact)
	if doc.Verdict == gate.Pending && p.Event.Name != "merge_group" {
		remembered, err := p.remember(ctx, doc)
		if remembered {
			at.Resumed = p.Workflow
		}
		errs = append(errs, err)
	}
	if p.Order.Pull > 0 {
		_, err := p.GitHub.Upsert(ctx, p.Order.Pull, p.sticky(saidResult), page(at))
		errs = append(errs, err)
	}
	state, text := p.state(doc)
	_, err := p.GitHub.SetStatus(ctx, github.Status{SHA: p.Order.SHA, Context: StatusContext, State: state, Description: text, URL: p.Event.RunURL})
	errs = append(errs, err, p.issue(ctx, doc, page(at)), p.react(ctx))
	if doc.Verdict != gate.Pending && p.Order.Since > 0 {
		errs = append(errs, p.forget(ctx))
	}
	return errors.Join(errs...)
}

// state is the verdict as a status. Only a pass is success; where the run is advisory, every verdict is.
func (p *Publisher) state(doc report.Report) (github.State, string) {
	text := render.StatusLine(doc)
	state := github.Errored
	switch doc.Verdict {
	case gate.Pass:
		state = github.Success
	case gate.Fail, gate.Inconclusive:
		state = github.Failure
	case gate.Pending:
		state = github.Pending
		if p.Event.Name == "merge_group" { // it would hold the queue
			state, text = github.Failure, "not tuned in this combination: "+text
		}
	}
	if p.Advisory && state != github.Success && state != github.Pending {
		state, text = github.Success, "advisory, "+text
	}
	return state, text
}

// remember records what is pending, has it looked after, and reports whether it is. Where no job is under way and none may be launched, there is nothing to
// wait for.
func (p *Publisher) remember(ctx context.Context, doc report.Report) (bool, error) {
	jobs := jobsOf(doc)
	waits := p.Order.Do.Spends()
	for _, j := range jobs {
		waits = waits || j.ID != ""
	}
	if !waits {
		return false, nil
	}
	since := p.Order.Since
	if since == 0 {
		since = p.Now.Unix()
	}
	r := record{Schema: 1, Run: p.Event.RunID, Pull: p.Order.Pull, SHA: p.Order.SHA, BaseRef: p.Order.Base != "", Manifest: p.Manifest,
		Profile: p.Order.Profile, Legs: strings.Join(p.Order.Legs, ","), Spends: p.Order.Do.Spends(), Since: since, Jobs: jobs}
	body, err := json.Marshal(r)
	if err != nil {
		return false, err
	}
	if p.Jobs == nil || p.Workflow == "" {
		p.Tell("nothing looks after what is pending: run this again later")
		return false, nil
	}
	if _, err := p.Jobs.Upload(ctx, pendingArtifact, map[string][]byte{pendingFile: body}, int(recordLife/(24*time.Hour))); err != nil && !errors.Is(err, github.ErrExists) {
		return false, err
	}
	err = p.GitHub.EnableWorkflow(ctx, p.Workflow)
	if errors.Is(err, github.ErrNotFound) {
		p.Tell(fmt.Sprintf("there is no workflow %s to look after what is pending: tunegate init --workflows writes it, or run this again later", p.Workflow))
		return false, nil
	}
	return err == nil, err
}

// forget deletes the records of the commit that is settled now, and switches the workflow that resumes off when no other is left.
func (p *Publisher) forget(ctx context.Context) error {
	left := 0
	found, err := p.GitHub.TrustedArtifacts(ctx, pendingArtifact, 100)
	if err != nil {
		return err
	}
	for _, a := range found {
		files, err := p.GitHub.Download(ctx, a.ID, github.Limits{Packed: recordLimit, Files: 1, File: recordLimit, Total: recordLimit})
		var r record
		if err == nil {
			r, err = readRecord(files[pendingFile])
		}
		if err != nil || r.SHA != p.Order.SHA || r.Pull != p.Order.Pull {
			left++ // the next look sees to it
			continue
		}
		if err := p.GitHub.DeleteArtifact(ctx, a.ID); err != nil {
			return err
		}
	}
	if left > 0 || p.Workflow == "" {
		return nil
	}
	return ignoring(p.GitHub.DisableWorkflow(ctx, p.Workflow), github.ErrNotFound)
}

// issue keeps the one issue of a pipeline that does not pass on the default branch itself.
func (p *Publisher) issue(ctx context.Context, doc report.Report, page string) error {
	if p.Order.Pull > 0 || p.Order.Base != "" || doc.Verdict == gate.Pending {
		return nil
	}
	if doc.Verdict == gate.Pass {
		_, err := p.GitHub.CloseIssue(ctx, p.sticky(saidResult))
		return err
	}
	_, err := p.GitHub.UpsertIssue(ctx, p.sticky(saidResult), fmt.Sprintf("tunegate: %s does not pass on the default branch", render.Line(p.pipeline())), page)
	return err
}
