package github_test

import (
	"errors"
	"testing"

	"github.com/tunegate/tunegate/internal/github"
	"github.com/tunegate/tunegate/internal/github/githubtest"
)

func TestCommit(t *testing.T) {
	f, c, _ := stage(t)
	f.SetBranch("release/1", githubtest.SHA(77))
	for _, ref := range []string{"release/1", githubtest.SHA(77)} {
		if sha, err := c.Commit(t.Context(), ref); err != nil || sha != githubtest.SHA(77) {
			t.Errorf("%s: %q, %v", ref, sha, err)
		}
	}
	if _, err := c.Commit(t.Context(), "nowhere"); !errors.Is(err, github.ErrUnprocessable) {
		t.Errorf("a branch that is not there: %v", err)
	}
}

func TestDeleteArtifact(t *testing.T) {
	f, c, _ := stage(t)
	id := f.AddArtifact(githubtest.Artifact{Name: "tunegate-pending", Run: f.AddRun(githubtest.Run{}).ID, Archive: githubtest.Zip(nil)})
	for range 2 { // the second time it is gone already
		if err := c.DeleteArtifact(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
	if left := f.Artifacts(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestRunOf(t *testing.T) {
	_, c, _ := stage(t)
	for address, want := range map[string]int64{
		"https://github.com/acme/models/actions/runs/42": 42, "https://github.com/acme/models/actions/runs/42/attempts/3": 42,
		"https://github.com/evil/models/actions/runs/42": 0, "https://example.com/": 0, "": 0,
	} {
		if got := c.RunOf(address); got != want {
			t.Errorf("%q: %d, want %d", address, got, want)
		}
	}
}
