package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"

	gh "github.com/google/go-github/v60/github"
)

// What GitHub takes for a dispatch.
const (
	inputsLimit       = 25
	inputsLengthLimit = 65535
)

// workflowFile is the name of a file in .github/workflows, as the API takes it in the place of an id.
var workflowFile = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*\.ya?ml$`)

func checkWorkflow(file string) error {
	if !workflowFile.MatchString(file) {
		return fmt.Errorf("%q is not the name of a workflow's file, such as resume.yml", clip(file))
	}
	return nil
}

// Dispatch starts a workflow (resume.yml) at a branch or tag. At most 25 inputs, 65,535 characters in all, else ErrTooLarge.
// ErrUnprocessable stands for a workflow that is disabled, has no workflow_dispatch or no such input. It is never sent twice:
// after a lost reply the run may have started or not.
func (c *Client) Dispatch(ctx context.Context, file, ref string, inputs map[string]string) error {
	doing := "starting the workflow " + clip(file)
	if err := checkWorkflow(file); err != nil {
		return fmt.Errorf("starting a workflow: %w", err)
	}
	text, err := json.Marshal(inputs)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if len(inputs) > inputsLimit || len(text) > inputsLengthLimit {
		return fmt.Errorf("%s: its inputs are %w: %d of %d characters; %d and %d may be", doing, ErrTooLarge, len(inputs), len(text), inputsLimit, inputsLengthLimit)
	}
	body := gh.CreateWorkflowDispatchEventRequest{Ref: ref, Inputs: map[string]any{}}
	for k, v := range inputs {
		body.Inputs[k] = v
	}
	_, err = c.api.Actions.CreateWorkflowDispatchEventByFileName(ctx, c.owner, c.name, file, body)
	return wrap(err, "%s", doing)
}

// EnableWorkflow lets a workflow be started, by its schedule too. It changes nothing where that is so already.
func (c *Client) EnableWorkflow(ctx context.Context, file string) error {
	return c.switchWorkflow(ctx, "enable", "enabling", file)
}

// DisableWorkflow keeps a workflow from being started, by its schedule or a dispatch. Runs under way go on.
func (c *Client) DisableWorkflow(ctx context.Context, file string) error {
	return c.switchWorkflow(ctx, "disable", "disabling", file)
}

func (c *Client) switchWorkflow(ctx context.Context, to, doing, file string) error {
	if err := checkWorkflow(file); err != nil {
		return fmt.Errorf("%s a workflow: %w", doing, err)
	}
	req, err := c.api.NewRequest(http.MethodPut, c.path("/actions/workflows/%s/%s", url.PathEscape(file), to), nil)
	if err == nil {
		_, err = c.api.Do(ctx, req, nil)
	}
	return wrap(err, "%s the workflow %s", doing, file)
}

// WorkflowState returns active, disabled_manually, disabled_inactivity, disabled_fork or deleted.
func (c *Client) WorkflowState(ctx context.Context, file string) (string, error) {
	if err := checkWorkflow(file); err != nil {
		return "", fmt.Errorf("asking for a workflow: %w", err)
	}
	w, _, err := c.api.Actions.GetWorkflowByFileName(ctx, c.owner, c.name, file)
	if err != nil {
		return "", wrap(err, "asking for the workflow %s", file)
	}
	return w.GetState(), nil
}

// Run is a run of a workflow.
type Run struct {
	ID               int64
	Attempt          int
	Event            string // what started it
	Status           string // queued, in_progress, completed, waiting, …
	Conclusion       string // success, failure, cancelled, …; empty while it goes on
	Path             string // of the workflow's file
	HeadBranch       string
	HeadSHA          string
	HeadRepositoryID int64 // 0 when it is gone
	RepositoryID     int64
	Actor            string // login of who caused it
}

// Run asks for a run.
func (c *Client) Run(ctx context.Context, id int64) (Run, error) {
	// go-github's type has no path.
	var r struct {
		gh.WorkflowRun
		Path string `json:"path"`
	}
	req, err := c.api.NewRequest(http.MethodGet, c.path("/actions/runs/%d", id), nil)
	if err == nil {
		_, err = c.api.Do(ctx, req, &r)
	}
	if err != nil {
		return Run{}, wrap(err, "asking for run %d", id)
	}
	if r.GetID() != id {
		return Run{}, fmt.Errorf("asking for run %d: the reply is of %d", id, r.GetID())
	}
	return Run{id, r.GetRunAttempt(), r.GetEvent(), r.GetStatus(), r.GetConclusion(), r.Path, r.GetHeadBranch(), r.GetHeadSHA(),
		r.GetHeadRepository().GetID(), r.GetRepository().GetID(), r.GetActor().GetLogin()}, nil
}

// CancelRun ends a run. One that is over already stays as it is, without an error.
func (c *Client) CancelRun(ctx context.Context, id int64) error {
	_, err := c.api.Actions.CancelWorkflowRunByID(ctx, c.owner, c.name, id)
	err = wrap(err, "cancelling run %d", id)
	var refused *Error
	if errors.As(err, &refused) && refused.Status == http.StatusConflict {
		return nil
	}
	return err
}
