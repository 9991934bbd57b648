package github_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/github/githubtest"
)

func TestIssues(t *testing.T) {
	f, c, _ := stage(t)
	ctx := context.WithoutCancel(t.Context())
	if n, err := c.CloseIssue(ctx, sticky(1)); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	for i := range 120 {
		f.AddIssue(githubtest.Issue{Title: fmt.Sprint(i), Author: "somebody"})
	}
	number, err := c.UpsertIssue(ctx, sticky(1), "router got worse", "details")
	check(t, err)
	for i := range 120 {
		f.AddIssue(githubtest.Issue{Title: fmt.Sprint(i), Author: githubtest.Bot})
	}
	issue := func() githubtest.Issue {
		t.Helper()
		all := f.Issues()
		i := slices.IndexFunc(all, func(i githubtest.Issue) bool { return i.Number == number })
		return all[i]
	}
	body := issue().Body
	f.AddIssue(githubtest.Issue{Title: "forged", Author: "mallory", Body: body})
	f.AddIssue(githubtest.Issue{Title: "a pull request", Author: githubtest.Bot, Body: body, PullRequestInDisguise: true})
	total := len(f.Issues())
	upsert := func(run int64, title, body string) {
		t.Helper()
		if n, err := c.UpsertIssue(ctx, sticky(run), title, body); n != number || err != nil {
			t.Errorf("issue %d, %v", n, err)
		}
	}
	upsert(2, "router got worse", "details")
	if issue().Edits != 0 {
		t.Error("an unchanged issue was edited")
	}
	upsert(3, "router got much worse", "more")
	upsert(2, "an older run", "late")
	if i := issue(); i.Title != "router got much worse" || !strings.HasSuffix(i.Body, "\nmore") || i.Edits != 1 || len(f.Issues()) != total {
		t.Errorf("%+v", i)
	}
	// A second one, of a writer at the same moment, is closed.
	second := f.AddIssue(githubtest.Issue{Title: "router got worse", Author: githubtest.Bot, Body: body})
	upsert(4, "router got worse still", "most")
	if all := f.Issues(); all[len(all)-1].Number != second || all[len(all)-1].State != "closed" || all[len(all)-1].StateReason != "not_planned" {
		t.Errorf("%+v", all[len(all)-1])
	}
	if n, err := c.CloseIssue(ctx, sticky(3)); n != 0 || err != nil || issue().State != "open" {
		t.Errorf("an older run closed %d, %v", n, err)
	}
	if n, err := c.CloseIssue(ctx, sticky(5)); n != number || err != nil || issue().State != "closed" || issue().StateReason != "completed" {
		t.Errorf("%d, %v: %+v", n, err, issue())
	}
	again, err := c.UpsertIssue(ctx, sticky(6), "router got worse", "anew")
	if err != nil || again == number {
		t.Errorf("%d, %v", again, err)
	}
}
