package githubtest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Comment is a comment on a pull request or an issue.
type Comment struct {
	ID      int64
	Number  int    // of the pull request or issue
	Author  string // login
	Body    string
	Edits   int // how often the body was changed
	Created time.Time
}

// Reaction is a reaction to a comment.
type Reaction struct {
	ID             int64
	Login, Content string
}

// AddComment adds somebody's comment and returns its id.
func (f *Fake) AddComment(number int, author, body string) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.addComment(number, author, body).ID
}

func (f *Fake) addComment(number int, author, body string) *Comment {
	m := &Comment{ID: f.next(), Number: number, Author: author, Body: body, Created: now()}
	f.comments = append(f.comments, m)
	return m
}

// Comments returns the comments on a pull request or an issue, the oldest first.
func (f *Fake) Comments(number int) []Comment {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []Comment
	for _, m := range f.comments {
		if m.Number == number {
			list = append(list, *m)
		}
	}
	return list
}

// Reactions returns what was reacted to a comment with, in order.
func (f *Fake) Reactions(comment int64) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []string
	for _, r := range f.reactions[comment] {
		list = append(list, r.Content)
	}
	return list
}

func (f *Fake) comment(m *Comment) map[string]any {
	url := fmt.Sprintf("%s/repos/%s/issues/comments/%d", APIURL, f.Repository, m.ID)
	return map[string]any{
		"id": m.ID, "node_id": node("IC", m.ID), "url": url, "html_url": fmt.Sprintf("%s%s/issues/%d#issuecomment-%d", site, f.Repository, m.Number, m.ID),
		"issue_url": fmt.Sprintf("%s/repos/%s/issues/%d", APIURL, f.Repository, m.Number), "user": user(m.Author), "body": m.Body,
		"created_at": stamp(m.Created), "updated_at": stamp(m.Created), "author_association": "NONE",
	}
}

// commentable reports a number that may be commented on, and answers 404 where it may not.
func (c *call) commentable() (int, bool) {
	n := int(c.number("number"))
	if c.f.pulls[n] == nil && c.f.issues[n] == nil {
		c.missing()
		return 0, false
	}
	return n, true
}

func listComments(c *call) {
	n, ok := c.commentable()
	if !ok {
		return
	}
	var some []*Comment
	for _, m := range c.f.comments {
		if m.Number == n {
			some = append(some, m)
		}
	}
	list := []any{}
	for _, m := range page(c, some) {
		list = append(list, c.f.comment(m))
	}
	c.answer(http.StatusOK, list)
}

// body reads the text of a comment.
func (c *call) body(resource string) (string, bool) {
	var in struct{ Body string }
	if !c.read(&in) {
		return "", false
	}
	switch {
	case strings.TrimSpace(in.Body) == "":
		c.invalid(resource, "body", "Body cannot be blank")
	case tooLong(in.Body, maxBody):
		c.invalid(resource, "body", "Body is too long (maximum is 65536 characters)")
	default:
		return in.Body, true
	}
	return "", false
}

func createComment(c *call) {
	n, ok := c.commentable()
	if !ok {
		return
	}
	if body, ok := c.body("IssueComment"); ok {
		c.answer(http.StatusCreated, c.f.comment(c.f.addComment(n, c.login, body)))
	}
}

// own finds the comment that a call is about; a bot may change its own alone.
func (c *call) own(change bool) *Comment {
	id := c.number("id")
	i := slices.IndexFunc(c.f.comments, func(m *Comment) bool { return m.ID == id })
	switch {
	case i < 0:
		c.missing()
	case change && !strings.EqualFold(c.f.comments[i].Author, c.login):
		c.refuse(http.StatusForbidden, "Resource not accessible by integration")
	default:
		return c.f.comments[i]
	}
	return nil
}

// getComments answers for issues/comments/ID and issues/NUMBER/comments, which look alike to a router.
func getComments(c *call) {
	switch {
	case c.r.PathValue("number") == "comments":
		getComment(c)
	case c.r.PathValue("id") == "comments":
		listComments(c)
	default:
		c.missing()
	}
}

func getComment(c *call) {
	if m := c.own(false); m != nil {
		c.answer(http.StatusOK, c.f.comment(m))
	}
}

func editComment(c *call) {
	m := c.own(true)
	if m == nil {
		return
	}
	if body, ok := c.body("IssueComment"); ok {
		m.Body = body
		m.Edits++
		c.answer(http.StatusOK, c.f.comment(m))
	}
}

func deleteComment(c *call) {
	if m := c.own(true); m != nil {
		c.f.comments = slices.DeleteFunc(c.f.comments, func(o *Comment) bool { return o == m })
		c.answer(http.StatusNoContent, nil)
	}
}

func react(c *call) {
	m := c.own(false)
	if m == nil {
		return
	}
	var in struct{ Content string }
	if !c.read(&in) {
		return
	}
	if !slices.Contains([]string{"+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"}, in.Content) {
		c.invalid("Reaction", "content", "is not a reaction")
		return
	}
	status := http.StatusOK // it is there already
	i := slices.IndexFunc(c.f.reactions[m.ID], func(r Reaction) bool { return r.Login == c.login && r.Content == in.Content })
	if i < 0 {
		status, i = http.StatusCreated, len(c.f.reactions[m.ID])
		c.f.reactions[m.ID] = append(c.f.reactions[m.ID], Reaction{c.f.next(), c.login, in.Content})
	}
	r := c.f.reactions[m.ID][i]
	c.answer(status, map[string]any{"id": r.ID, "node_id": node("RE", r.ID), "user": user(r.Login), "content": r.Content, "created_at": stamp(now())})
}
