package github

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	gh "github.com/google/go-github/v60/github"
)

// React adds a reaction to a comment: eyes, rocket, confused, +1, -1, laugh, heart or hooray. A second one of the same kind
// changes nothing.
func (c *Client) React(ctx context.Context, comment int64, reaction string) error {
	_, _, err := c.api.Reactions.CreateIssueCommentReaction(ctx, c.owner, c.name, comment, reaction)
	return wrap(err, "reacting to comment %d", comment)
}

// Reply adds a comment to a pull request or an issue and returns its id. ErrTooLarge stands for more than 65,536 characters.
func (c *Client) Reply(ctx context.Context, number int, body string) (int64, error) {
	if utf8.RuneCountInString(body) > bodyLimit {
		return 0, fmt.Errorf("commenting on %d: the body is %w: more than %d characters", number, ErrTooLarge, bodyLimit)
	}
	r, _, err := c.api.Issues.CreateComment(ctx, c.owner, c.name, number, &gh.IssueComment{Body: &body})
	if err != nil {
		return 0, wrap(err, "commenting on %d", number)
	}
	return r.GetID(), nil
}

const (
	// settling is how long Upsert lets go by between a write and the look at what came of it. A writer that looked before the
	// write has written by then.
	settling = 500 * time.Millisecond
	// rounds bounds how often Upsert writes.
	rounds = 5
	// pageLimit bounds a list that never ends; GitHub takes 2,500 comments on an issue.
	pageLimit = 100
)

// Upsert makes body the text of the one comment of a pull request that s means, and returns the comment's id. The comment
// is found by its author and its marker, among all comments. Nothing is written where the text stands there already, or
// where a newer run wrote. Where several comments bear the marker, as two writers at one moment leave them, the oldest
// takes the newest text and the others are deleted: whoever comes last sees to it. After a write it looks again, half a
// second later, until what it sees is as it should be. So writers at one moment end with the newest text as long as none
// takes longer than that from its look to its write: GitHub has no conditional write of comments.
// It takes three requests where there are up to a hundred comments, one where there is nothing to write.
func (c *Client) Upsert(ctx context.Context, pull int, s Sticky, body string) (int64, error) {
	id, err := c.upsert(ctx, pull, s, body)
	if err != nil {
		return 0, fmt.Errorf("the comment on pull request %d: %w", pull, err)
	}
	return id, nil
}

func (c *Client) upsert(ctx context.Context, pull int, s Sticky, body string) (int64, error) {
	if err := s.check(body); err != nil {
		return 0, err
	}
	ours := written{text: body, by: s.run(), body: s.marker("comment") + body}
	for round := 1; ; round++ {
		found, err := c.stickies(ctx, pull, s)
		if err != nil {
			return 0, err
		}
		if len(found) == 0 {
			if ours.id != 0 { // lists may lag behind what was created
				return ours.id, nil
			}
			ours.id, err = c.Reply(ctx, pull, ours.body)
			if err != nil && settled(err) {
				return 0, err
			}
			// A lost reply is settled by looking for the comment.
			if err := pause(ctx, settling); err != nil {
				return ours.id, err
			}
			if err != nil {
				if found, look := c.stickies(ctx, pull, s); look != nil || len(found) == 0 {
					return 0, err
				}
			}
			continue
		}
		wrote, err := c.merge(ctx, found, ours)
		if err != nil {
			return 0, err
		}
		if !wrote {
			return found[0].id, nil
		}
		if round == rounds {
			return 0, errors.New("others write it at the same time, again and again")
		}
		if err := pause(ctx, settling); err != nil {
			return 0, err
		}
	}
}

// merge brings the newest text into the first comment and deletes the others; it reports whether there was anything to do.
func (c *Client) merge(ctx context.Context, found []written, ours written) (wrote bool, err error) {
	first := found[0]
	newest := slices.MaxFunc(found, compareRuns)
	if !ours.by.less(newest.by) && !(ours.by == newest.by && same(ours.text, newest.text)) {
		newest = ours
	}
	if !same(newest.text, first.text) {
		_, _, err := c.api.Issues.EditComment(ctx, c.owner, c.name, first.id, &gh.IssueComment{Body: &newest.body})
		if err := wrap(err, "editing comment %d", first.id); err != nil {
			if !errors.Is(err, ErrNotFound) { // it was deleted just now
				return true, err
			}
			return true, nil
		}
		wrote = true
	}
	for _, w := range found[1:] {
		_, err := c.api.Issues.DeleteComment(ctx, c.owner, c.name, w.id)
		if err := wrap(err, "deleting comment %d", w.id); err != nil && !errors.Is(err, ErrNotFound) {
			return true, err
		}
		wrote = true
	}
	return wrote, nil
}

func compareRuns(a, b written) int {
	switch {
	case a.by.less(b.by):
		return -1
	case b.by.less(a.by):
		return 1
	}
	return 0
}

// stickies returns the comments that s means, the oldest first.
func (c *Client) stickies(ctx context.Context, pull int, s Sticky) ([]written, error) {
	var found []written
	opt := &gh.IssueListCommentsOptions{ListOptions: gh.ListOptions{PerPage: perPage}}
	for range pageLimit {
		page, reply, err := c.api.Issues.ListComments(ctx, c.owner, c.name, pull, opt)
		if err != nil {
			return nil, wrap(err, "listing the comments")
		}
		for _, m := range page {
			if w, ok := s.parse("comment", m.GetUser().GetLogin(), m.GetBody()); ok {
				w.id = m.GetID()
				found = append(found, w)
			}
		}
		if reply.NextPage <= opt.Page || len(page) == 0 {
			slices.SortFunc(found, func(a, b written) int { return cmp.Compare(a.id, b.id) })
			return found, nil
		}
		opt.Page = reply.NextPage
	}
	return nil, fmt.Errorf("listing the comments: %w: more than %d", ErrTooLarge, pageLimit*perPage)
}
