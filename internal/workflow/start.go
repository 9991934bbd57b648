package workflow

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tunegate/tunegate/internal/github"
)

// Start decides what a run is for. It reads no file of a pull request.
type Start struct {
	GitHub *github.Client
	Event  github.Event
	Inputs []string // the files that the manifest of the base branch has a run read, see Inputs; and where a manifest may be
	Any    bool     // any file may be one of them: that manifest cannot be read
	// Of the workflow's inputs:
	Legs    []string
	Profile string
	OnPush  bool // launch on every push to a pull request of this repository
}

// Decide returns the order of the run, and tells those who wait for it: whoever wrote a comment is answered, and the commit's
// status says what is going on. An event that is not for us is an order to do nothing.
func (s *Start) Decide(ctx context.Context) (Order, error) {
	e := s.Event
	order := Order{Do: Nothing, Pull: e.Pull, SHA: e.HeadSHA, Base: e.BaseSHA, Legs: s.Legs, Profile: s.Profile}
	switch e.Name {
	case "pull_request":
		return s.pull(ctx, order)
	case "pull_request_target":
		return s.target(ctx, order)
	case "issue_comment":
		return s.comment(ctx, order)
	case "merge_group":
		return s.queue(ctx, order)
	case "schedule", "workflow_dispatch", "push":
		return s.branch(ctx, order)
	}
	return order, nil
}

// pull is a pull request that was opened or pushed to. One from a fork has no secret and cannot write: its data is audited, and target
// sets its status. So it is with those of Dependabot, whose token cannot write either.
func (s *Start) pull(ctx context.Context, o Order) (Order, error) {
	if s.Event.Fork || s.Event.Sender == "dependabot[bot]" {
		o.Do = Audit
		return o, nil
	}
	files, err := s.GitHub.Files(ctx, o.Pull)
	if err != nil {
		return o, err
	}
	if !s.touched(files) {
		return o, s.untouched(ctx, o)
	}
	if o.Base, err = s.GitHub.Commit(ctx, s.Event.BaseRef); err != nil { // the event's is as old as the event
		return o, err
	}
	o.Do = Reuse
	if s.OnPush {
		o.Do = Launch
	}
	return o, s.status(ctx, o, github.Pending, "auditing")
}

// target sets the status of a pull request with the base branch's rights, from a fork too. It starts nothing. What was judged stays
// when a title is edited; not when the pull request goes to another branch, which may have another manifest.
func (s *Start) target(ctx context.Context, o Order) (Order, error) {
	files, err := s.GitHub.Files(ctx, o.Pull)
	if err != nil {
		return o, err
	}
	switch {
	case !s.touched(files):
		err = s.untouched(ctx, o)
	case s.Event.Retargeted, s.Event.Fork && s.Event.Action != "edited":
		err = s.status(ctx, o, github.Pending, fmt.Sprintf("not tuned: whoever may write here can comment %s @%.7s", Command, o.SHA))
	}
	return o, err
}

// untouched lets a commit pass that has nothing to tune, unless its status says otherwise: a status belongs to the commit, which may be
// the head of another pull request too, to another branch, that has.
func (s *Start) untouched(ctx context.Context, o Order) error {
	now, known, err := s.GitHub.CurrentStatus(ctx, o.SHA, StatusContext)
	if err != nil || known && now.State != github.Success {
		return err
	}
	return s.status(ctx, o, github.Success, "nothing to tune: no input of the manifest is touched")
}

// queue is a group of pull requests that are to be merged together. It cannot wait for a fine-tune, which would hold the queue.
func (s *Start) queue(ctx context.Context, o Order) (Order, error) {
	change, err := s.GitHub.Compare(ctx, o.Base, o.SHA)
	if err != nil {
		return o, err
	}
	if !s.touched(change.Files) {
		return o, s.status(ctx, o, github.Success, "nothing to tune: no input of the manifest is touched")
	}
	o.Do = Reuse
	return o, s.status(ctx, o, github.Pending, "auditing")
}

// branch is the button, the night, or a push to a branch. On another branch than the default one, the default one's manifest is
// trusted: whoever may push to a branch may not thereby say what it is judged by.
func (s *Start) branch(ctx context.Context, o Order) (Order, error) {
	repository, err := s.GitHub.Repository(ctx)
	if err != nil {
		return o, err
	}
	o.Base = ""
	if s.Event.HeadRef != "refs/heads/"+repository.DefaultBranch {
		if o.Base, err = s.GitHub.Commit(ctx, repository.DefaultBranch); err != nil {
			return o, err
		}
	}
	o.Do = Launch
	if s.Event.Name == "push" && !s.OnPush {
		o.Do = Reuse
	}
	return o, s.status(ctx, o, github.Pending, "auditing")
}

// comment obeys a comment on a pull request, if it asks for something and its author may write here.
func (s *Start) comment(ctx context.Context, o Order) (Order, error) {
	e := s.Event
	ask, asked, wrong := ReadComment(e.CommentBody)
	o.SHA, o.Base, o.Comment = "", "", e.CommentID
	if !asked || e.Pull == 0 || e.CommentAuthorType == "Bot" {
		return o, nil
	}
	if allowed, err := s.GitHub.MayWrite(ctx, e.CommentAuthor); err != nil {
		return o, err
	} else if !allowed {
		return o, s.refuse(ctx, "only who may write to this repository can ask for that")
	}
	if wrong != nil {
		return o, s.refuse(ctx, wrong.Error()+"\n\n"+Usage)
	}
	if ask.Do == Nothing {
		_, err := s.GitHub.Reply(ctx, e.Pull, Usage)
		return o, errors.Join(err, s.GitHub.React(ctx, e.CommentID, "rocket"))
	}
	pull, err := s.GitHub.Pull(ctx, e.Pull)
	if err != nil {
		return o, err
	}
	spends := ask.Do.Spends()
	switch {
	case pull.State != "open":
		return o, s.refuse(ctx, "this pull request is "+pull.State)
	case ask.SHA != "" && !strings.HasPrefix(pull.HeadSHA, ask.SHA):
		return o, s.refuse(ctx, fmt.Sprintf("its head is %.7s now: look at it, and ask for `@%.7s`", pull.HeadSHA, pull.HeadSHA))
	case ask.SHA == "" && pull.Fork && spends:
		return o, s.refuse(ctx, fmt.Sprintf("it comes from a fork, whose owner can push at any time: look at its head, and name the commit that you have looked at: `%s @%.7s`", Command, pull.HeadSHA))
	}
	o.Do, o.SHA = ask.Do, pull.HeadSHA
	if o.Base, err = s.GitHub.Commit(ctx, pull.BaseRef); err != nil { // the pull request's own is as old as its last push
		return o, err
	}
	if len(ask.Legs) > 0 {
		o.Legs = ask.Legs
	}
	if ask.Profile != "" {
		o.Profile = ask.Profile
	}
	if err := s.GitHub.React(ctx, e.CommentID, "eyes"); err != nil {
		return o, err
	}
	if !spends {
		return o, nil
	}
	return o, s.status(ctx, o, github.Pending, "auditing")
}

func (s *Start) touched(files github.Files) bool { return s.Any || Touched(files, s.Inputs) }

// refuse answers a comment with the reason why nothing is done.
func (s *Start) refuse(ctx context.Context, why string) error {
	_, err := s.GitHub.Reply(ctx, s.Event.Pull, "Nothing was started: "+why+".")
	return errors.Join(err, s.GitHub.React(ctx, s.Event.CommentID, "confused"))
}

func (s *Start) status(ctx context.Context, o Order, state github.State, text string) error {
	_, err := s.GitHub.SetStatus(ctx, github.Status{SHA: o.SHA, Context: StatusContext, State: state, Description: text, URL: s.Event.RunURL})
	return err
}
