package github_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/github"
	"github.com/tunegate/tunegate/internal/github/githubtest"
)

func TestMayWrite(t *testing.T) {
	f := githubtest.New(t, githubtest.Options{})
	c := client(t, f, githubtest.ReadToken)
	for login, p := range map[string]githubtest.Collaborator{
		"owner": {Permission: "admin", Push: true}, "writer": {Permission: "write"}, "reader": {Permission: "read"}, "none": {Permission: "none"},
		"team-maintainer": {Permission: "write", Role: "maintain"}, "team-member": {Permission: "none", Role: "write"}, "triager": {Permission: "read", Role: "triage"},
		"custom": {Permission: "read", Role: "release-captain", Push: true}, "bot[bot]": {Permission: "write"},
	} {
		f.AddPerson(login, p)
	}
	for login, want := range map[string]bool{
		"owner": true, "writer": true, "reader": false, "none": false, "team-maintainer": true, "team-member": true, "triager": false, "custom": true,
		"outsider": false, "WRITER": true, "bot[bot]": true,
	} {
		if got, err := c.MayWrite(t.Context(), login); got != want || err != nil {
			t.Errorf("%s: %t, %v", login, got, err)
		}
	}
	for _, login := range []string{"", "a/../owner", "owner/permission?x=", "a b", "-x", strings.Repeat("a", 200)} {
		if got, err := c.MayWrite(t.Context(), login); got || err == nil {
			t.Errorf("%q may write: %t, %v", login, got, err)
		}
	}
	f.LimitSecondary(9, 500, 0)
	if got, err := client(t, f, "none").MayWrite(t.Context(), "owner"); got || err == nil {
		t.Errorf("%t, %v", got, err)
	}
}

func TestPull(t *testing.T) {
	f, c, p := stage(t)
	got, err := c.Pull(t.Context(), 7)
	want := github.Pull{Number: 7, State: "open", Author: "somebody", HeadSHA: p.HeadSHA, HeadRef: "feature", HeadRepository: "acme/models",
		BaseSHA: p.BaseSHA, BaseRef: "main", ChangedFiles: 1}
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	f.AddPull(githubtest.Pull{Number: 8, HeadRepository: "fork/models", HeadRef: "main", Draft: true, State: "closed"})
	if got, err := c.Pull(t.Context(), 8); err != nil || !got.Fork || !got.Draft || got.HeadRepository != "fork/models" || got.State != "closed" {
		t.Errorf("%+v, %v", got, err)
	}
	f.AddPull(githubtest.Pull{Number: 9, HeadRepository: githubtest.Gone})
	if got, err := c.Pull(t.Context(), 9); err != nil || !got.Fork || got.HeadRepository != "" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestFilesOfManyPages(t *testing.T) {
	f, c, _ := stage(t)
	for _, n := range []int{0, 1, 100, 101, 250, 2999, 3000, 3100} {
		var files []githubtest.File
		for i := range n {
			files = append(files, githubtest.File{Name: fmt.Sprintf("f%04d", i)})
		}
		f.AddPull(githubtest.Pull{Number: 8, Files: files})
		got, err := c.Files(t.Context(), 8)
		if err != nil || len(got.List) != min(n, 3000) || got.Cut != (n >= 3000) {
			t.Fatalf("of %d files %d, cut %t, %v", n, len(got.List), got.Cut, err)
		}
		if !slices.IsSortedFunc(got.List, func(a, b github.File) int { return strings.Compare(a.Name, b.Name) }) {
			t.Error("they are out of order")
		}
	}
}

func TestFilesAndComparison(t *testing.T) {
	f, c, _ := stage(t)
	files := []githubtest.File{
		{Name: "a.jsonl", Status: "added", Patch: "@@ -0,0 +1,2 @@\n+one\n+two"},
		{Name: "new name", Previous: "old", Status: "renamed"},
		{Name: "gone", Status: "removed", Patch: "@@ -1 +0,0 @@\n-one"},
	}
	want := []github.File{
		{Name: "a.jsonl", Status: "added", Added: []int{1, 2}, Patched: true},
		{Name: "new name", Previous: "old", Status: "renamed"},
		{Name: "gone", Status: "removed", Patched: true},
	}
	same := func(got []github.File) bool { return fmt.Sprintf("%+v", got) == fmt.Sprintf("%+v", want) }
	f.AddPull(githubtest.Pull{Number: 8, Files: files})
	if got, err := c.Files(t.Context(), 8); err != nil || !same(got.List) || got.Cut {
		t.Errorf("%+v, %v", got, err)
	}
	base, head := githubtest.SHA(1), githubtest.SHA(2)
	f.AddComparison(base, head, files)
	got, err := c.Compare(t.Context(), base, head)
	if err != nil || !same(got.Files.List) || got.Files.Cut || got.MergeBase != base || got.Ahead != 1 || got.Behind != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	f.AddComparison(base, head, slices.Repeat(files, 200))
	if got, err := c.Compare(t.Context(), base, head); err != nil || len(got.Files.List) != 300 || !got.Files.Cut {
		t.Errorf("%d files, cut %t, %v", len(got.Files.List), got.Files.Cut, err)
	}
	if _, err := c.Compare(t.Context(), base, "main"); !errors.Is(err, github.ErrNotFound) {
		t.Errorf("%v", err)
	}
}
