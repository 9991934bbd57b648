package github

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	gh "github.com/google/go-github/v60/github"
)

// UpsertIssue makes title and body those of the one open issue that s means, opening it where there is none, and returns its
// number. It is found as a comment is, by author and marker; the same rules hold for newer runs and equal texts. Of several
// such issues the oldest is kept and the others are closed.
func (c *Client) UpsertIssue(ctx context.Context, s Sticky, title, body string) (int, error) {
	if err := s.check(body); err != nil {
		return 0, fmt.Errorf("the issue %q: %w", clip(title), err)
	}
	found, err := c.openIssues(ctx, s)
	if err != nil {
		return 0, err
	}
	whole := s.marker("issue") + body
	if len(found) == 0 {
		i, _, err := c.api.Issues.Create(ctx, c.owner, c.name, &gh.IssueRequest{Title: &title, Body: &whole})
		if err != nil {
			return 0, wrap(err, "opening the issue %q", clip(title))
		}
		return i.GetNumber(), nil
	}
	first, newest := found[0], slices.MaxFunc(found, compareRuns)
	want := written{title: title, text: body, body: whole, by: s.run()}
	if want.by.less(newest.by) {
		want = newest
	}
	if first.title != want.title || !same(first.text, want.text) {
		_, _, err := c.api.Issues.Edit(ctx, c.owner, c.name, int(first.id), &gh.IssueRequest{Title: &want.title, Body: &want.body})
		if err != nil {
			return 0, wrap(err, "editing issue %d", first.id)
		}
	}
	for _, w := range found[1:] {
		if err := c.closeIssue(ctx, int(w.id), "not_planned"); err != nil {
			return 0, err
		}
	}
	return int(first.id), nil
}

// CloseIssue closes the open issue that s means, as completed, and returns its number; 0 when none is open. It does not
// where a newer run than that of s wrote the issue.
func (c *Client) CloseIssue(ctx context.Context, s Sticky) (int, error) {
	found, err := c.openIssues(ctx, s)
	if err != nil || len(found) == 0 || s.run().less(slices.MaxFunc(found, compareRuns).by) {
		return 0, err
	}
	for _, w := range found {
		if err := c.closeIssue(ctx, int(w.id), "completed"); err != nil {
			return 0, err
		}
	}
	return int(found[0].id), nil
}

func (c *Client) closeIssue(ctx context.Context, number int, reason string) error {
	_, _, err := c.api.Issues.Edit(ctx, c.owner, c.name, number, &gh.IssueRequest{State: gh.String("closed"), StateReason: &reason})
	return wrap(err, "closing issue %d", number)
}

// openIssues returns the open issues that s means, the oldest first; their ids are numbers.
func (c *Client) openIssues(ctx context.Context, s Sticky) ([]written, error) {
	var found []written
	opt := &gh.IssueListByRepoOptions{State: "open", Creator: s.author(), ListOptions: gh.ListOptions{PerPage: perPage}}
	for range pageLimit {
		page, reply, err := c.api.Issues.ListByRepo(ctx, c.owner, c.name, opt)
		if err != nil {
			return nil, wrap(err, "listing the open issues of %s", s.author())
		}
		for _, i := range page {
			if w, ok := s.parse("issue", i.GetUser().GetLogin(), i.GetBody()); ok && !i.IsPullRequest() {
				w.id, w.title = int64(i.GetNumber()), i.GetTitle()
				found = append(found, w)
			}
		}
		if reply.NextPage <= opt.Page || len(page) == 0 {
			slices.SortFunc(found, func(a, b written) int { return cmp.Compare(a.id, b.id) })
			return found, nil
		}
		opt.Page = reply.NextPage
	}
	return nil, fmt.Errorf("listing the open issues of %s: %w: more than %d", s.author(), ErrTooLarge, pageLimit*perPage)
}
