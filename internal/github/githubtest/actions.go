package githubtest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Workflow is a workflow with a workflow_dispatch.
type Workflow struct {
	File   string   // such as resume.yml
	State  string   // empty for active; disabled_manually, disabled_inactivity
	Inputs []string // that it has
}

// Dispatch is a dispatch that was taken.
type Dispatch struct {
	File, Ref, Login string
	Inputs           map[string]string
}

// Run is a run of a workflow.
type Run struct {
	ID                 int64
	Attempt            int    // 0 for 1
	Event              string // empty for workflow_dispatch
	Status, Conclusion string // empty for in_progress, and for none
	Path               string // empty for .github/workflows/tunegate.yml
	HeadBranch         string // empty for the default branch
	HeadSHA            string
	HeadRepository     string // "owner/name"; empty for the repository itself
	Actor              string // login
}

// AddWorkflow makes a workflow known.
func (f *Fake) AddWorkflow(w Workflow) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w.State, w.Inputs = cmp.Or(w.State, "active"), slices.Clone(w.Inputs)
	f.workflows[w.File] = &w
}

// AddRun makes a run known and returns it with its id.
func (f *Fake) AddRun(r Run) Run {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.ID == 0 {
		r.ID = f.next()
	}
	r.Attempt, r.Event, r.Status = cmp.Or(r.Attempt, 1), cmp.Or(r.Event, "workflow_dispatch"), cmp.Or(r.Status, "in_progress")
	r.Path, r.HeadBranch = cmp.Or(r.Path, ".github/workflows/tunegate.yml"), cmp.Or(r.HeadBranch, f.DefaultBranch)
	r.HeadSHA, r.HeadRepository, r.Actor = cmp.Or(r.HeadSHA, SHA(0xba5e)), cmp.Or(r.HeadRepository, f.Repository), cmp.Or(r.Actor, "somebody")
	f.runs[r.ID] = &r
	f.commits[r.HeadSHA] = true
	return r
}

// Dispatches returns the dispatches that were taken, in order.
func (f *Fake) Dispatches() []Dispatch {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.dispatch)
}

// WorkflowState returns the state of a workflow; empty for one that is not known.
func (f *Fake) WorkflowState(file string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if w := f.workflows[file]; w != nil {
		return w.State
	}
	return ""
}

// Cancelled returns the runs that were to be cancelled, in order.
func (f *Fake) Cancelled() []int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.cancelled)
}

func (c *call) workflow() *Workflow {
	w := c.f.workflows[c.r.PathValue("file")]
	if w == nil {
		c.missing()
	}
	return w
}

func getWorkflow(c *call) {
	w := c.workflow()
	if w == nil {
		return
	}
	url := APIURL + "/repos/" + c.f.Repository + "/actions/workflows/1"
	c.answer(http.StatusOK, map[string]any{
		"id": 1, "node_id": node("W", 1), "name": w.File, "path": ".github/workflows/" + w.File, "state": w.State, "url": url, "html_url": url, "badge_url": url,
		"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
	})
}

func enableWorkflow(c *call) {
	if w := c.workflow(); w != nil {
		w.State = "active"
		c.answer(http.StatusNoContent, nil)
	}
}

func disableWorkflow(c *call) {
	if w := c.workflow(); w != nil {
		w.State = "disabled_manually"
		c.answer(http.StatusNoContent, nil)
	}
}

func dispatchWorkflow(c *call) {
	w := c.workflow()
	if w == nil {
		return
	}
	var in struct {
		Ref    string
		Inputs map[string]string
	}
	if !c.read(&in) {
		return
	}
	text, err := json.Marshal(in.Inputs)
	if err != nil {
		panic(err)
	}
	unknown := slices.DeleteFunc(slices.Sorted(maps.Keys(in.Inputs)), func(k string) bool { return slices.Contains(w.Inputs, k) })
	switch {
	case w.State != "active":
		c.refuse(http.StatusUnprocessableEntity, "Cannot trigger a 'workflow_dispatch' on a disabled workflow")
	case in.Ref == "":
		c.refuse(http.StatusUnprocessableEntity, `Invalid request. "ref" wasn't supplied.`)
	case len(in.Inputs) > 25:
		c.refuse(http.StatusUnprocessableEntity, "you may only define up to 25 `inputs` for a `workflow_dispatch` event")
	case len(text) > 65535:
		c.refuse(http.StatusUnprocessableEntity, "inputs are too large.")
	case len(unknown) > 0:
		c.refuse(http.StatusUnprocessableEntity, fmt.Sprintf("Unexpected inputs provided: %q", unknown))
	default:
		c.f.dispatch = append(c.f.dispatch, Dispatch{w.File, strings.TrimPrefix(in.Ref, "refs/heads/"), c.login, in.Inputs})
		c.answer(http.StatusNoContent, nil)
	}
}

func getRun(c *call) {
	r := c.f.runs[c.number("id")]
	if r == nil {
		c.missing()
		return
	}
	url := fmt.Sprintf("%s/repos/%s/actions/runs/%d", APIURL, c.f.Repository, r.ID)
	var conclusion any
	if r.Conclusion != "" {
		conclusion = r.Conclusion
	}
	m := map[string]any{
		"id": r.ID, "node_id": node("WR", r.ID), "name": "tunegate", "head_branch": r.HeadBranch, "head_sha": r.HeadSHA, "run_number": 1, "run_attempt": r.Attempt,
		"display_title": "tunegate", "event": r.Event, "status": r.Status, "conclusion": conclusion, "path": r.Path, "workflow_id": 1, "url": url,
		"html_url":   fmt.Sprintf("%s%s/actions/runs/%d", site, c.f.Repository, r.ID),
		"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "head_commit": nil, "pull_requests": []any{},
		"repository": c.f.repository(c.f.Repository), "head_repository": c.f.repository(r.HeadRepository), "actor": user(r.Actor),
	}
	for _, k := range []string{"jobs", "logs", "check_suite", "cancel", "rerun", "artifacts", "workflow"} {
		m[k+"_url"] = url
	}
	c.answer(http.StatusOK, m)
}

func cancelRun(c *call) {
	r := c.f.runs[c.number("id")]
	switch {
	case r == nil:
		c.missing()
	case r.Status == "completed":
		c.refuse(http.StatusConflict, "Cannot cancel a workflow run that is completed")
	default:
		r.Status, r.Conclusion = "completed", "cancelled"
		c.f.cancelled = append(c.f.cancelled, r.ID)
		c.answer(http.StatusAccepted, map[string]any{})
	}
}
