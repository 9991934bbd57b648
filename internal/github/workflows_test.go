package github_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/github"
	"github.com/tunegate/tunegate/internal/github/githubtest"
)

func TestWorkflows(t *testing.T) {
	f, c, _ := stage(t)
	ctx := t.Context()
	f.AddWorkflow(githubtest.Workflow{File: "resume.yml", State: "disabled_inactivity", Inputs: []string{"resume"}})
	state := func(want string) {
		t.Helper()
		if got, err := c.WorkflowState(ctx, "resume.yml"); got != want || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
	in := map[string]string{"resume": `{"a":"<&>"}`}
	state("disabled_inactivity")
	if err := c.Dispatch(ctx, "resume.yml", "main", in); !errors.Is(err, github.ErrUnprocessable) || !strings.Contains(err.Error(), "disabled") {
		t.Errorf("%v", err)
	}
	check(t, c.EnableWorkflow(ctx, "resume.yml"))
	state("active")
	check(t, c.Dispatch(ctx, "resume.yml", "main", in))
	check(t, c.DisableWorkflow(ctx, "resume.yml"))
	state("disabled_manually")
	got := f.Dispatches()
	if len(got) != 1 || got[0].File != "resume.yml" || got[0].Ref != "main" || got[0].Login != githubtest.Bot || !maps.Equal(got[0].Inputs, in) {
		t.Errorf("%+v", got)
	}
	check(t, c.EnableWorkflow(ctx, "resume.yml"))
	if err := c.Dispatch(ctx, "resume.yml", "main", map[string]string{"other": "x"}); !errors.Is(err, github.ErrUnprocessable) {
		t.Errorf("%v", err)
	}
	if err := client(t, f, githubtest.ReadToken).EnableWorkflow(ctx, "resume.yml"); !errors.Is(err, github.ErrForbidden) {
		t.Errorf("%v", err)
	}
	if err := c.Dispatch(ctx, "absent.yml", "main", nil); !errors.Is(err, github.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

func TestDispatchIsBounded(t *testing.T) {
	f, c, _ := stage(t)
	many := map[string]string{}
	for i := range 26 {
		many[fmt.Sprint("i", i)] = ""
	}
	for _, in := range []map[string]string{many, {"resume": strings.Repeat("x", 65536)}, {"resume": strings.Repeat("\n", 33000)}} {
		if err := c.Dispatch(t.Context(), "resume.yml", "main", in); !errors.Is(err, github.ErrTooLarge) {
			t.Errorf("%v", err)
		}
	}
	for _, file := range []string{"", "../x.yml", "a/b.yml", "x.sh", "x.yml?y", ".yml", "a b.yml"} {
		_, err := c.WorkflowState(t.Context(), file)
		for _, err := range []error{err, c.Dispatch(t.Context(), file, "main", nil), c.EnableWorkflow(t.Context(), file), c.DisableWorkflow(t.Context(), file)} {
			if err == nil {
				t.Errorf("%q was taken", file)
			}
		}
	}
	if n := len(f.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestRuns(t *testing.T) {
	f, c, _ := stage(t)
	r := f.AddRun(githubtest.Run{ID: 12345678901, Attempt: 2, Event: "pull_request", HeadBranch: "feature", HeadSHA: githubtest.SHA(9), HeadRepository: "fork/models",
		Path: ".github/workflows/x.yml", Actor: "mallory"})
	got, err := c.Run(t.Context(), r.ID)
	check(t, err)
	if got.HeadRepositoryID == 0 || got.HeadRepositoryID == f.RepositoryID {
		t.Errorf("the fork has the id %d", got.HeadRepositoryID)
	}
	want := github.Run{ID: r.ID, Attempt: 2, Event: "pull_request", Status: "in_progress", Path: ".github/workflows/x.yml", HeadBranch: "feature",
		HeadSHA: githubtest.SHA(9), HeadRepositoryID: got.HeadRepositoryID, RepositoryID: f.RepositoryID, Actor: "mallory"}
	if got != want {
		t.Errorf("%+v", got)
	}
	check(t, c.CancelRun(t.Context(), r.ID))
	check(t, c.CancelRun(t.Context(), r.ID)) // it is over
	if got, err := c.Run(t.Context(), r.ID); err != nil || got.Status != "completed" || got.Conclusion != "cancelled" {
		t.Errorf("%+v, %v", got, err)
	}
	if n := len(f.Cancelled()); n != 1 {
		t.Errorf("cancelled %d times", n)
	}
	_, err = c.Run(t.Context(), 404)
	for _, err := range []error{err, c.CancelRun(t.Context(), 404)} {
		if !errors.Is(err, github.ErrNotFound) {
			t.Errorf("%v", err)
		}
	}
}
