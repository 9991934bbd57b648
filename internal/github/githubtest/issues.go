package githubtest

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Issue is an issue of the repository.
type Issue struct {
	Number                int
	Title, Body, Author   string
	State, StateReason    string // open or closed; completed, not_planned
	Edits                 int    // of title or body
	PullRequestInDisguise bool   // GitHub lists pull requests among the issues
}

// AddIssue opens an issue as somebody else does and returns its number.
func (f *Fake) AddIssue(i Issue) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.addIssue(i).Number
}

func (f *Fake) addIssue(i Issue) *Issue {
	i.Number = int(f.next())
	i.State = cmp.Or(i.State, "open")
	f.issues[i.Number] = &i
	return &i
}

// Issues returns the issues, the oldest first.
func (f *Fake) Issues() []Issue {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []Issue
	for _, n := range slices.Sorted(maps.Keys(f.issues)) {
		list = append(list, *f.issues[n])
	}
	return list
}

func (f *Fake) issue(i *Issue) map[string]any {
	url := fmt.Sprintf("%s/repos/%s/issues/%d", APIURL, f.Repository, i.Number)
	page := fmt.Sprintf("%s%s/issues/%d", site, f.Repository, i.Number)
	var reason, closed any
	if i.State == "closed" {
		reason, closed = i.StateReason, stamp(now())
	}
	m := map[string]any{
		"id": i.Number, "node_id": node("I", int64(i.Number)), "number": i.Number, "title": i.Title, "body": i.Body, "user": user(i.Author), "state": i.State,
		"state_reason": reason, "labels": []any{}, "assignee": nil, "milestone": nil, "locked": false, "comments": 0, "closed_at": closed,
		"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "url": url, "html_url": page, "repository_url": APIURL + "/repos/" + f.Repository,
		"author_association": "NONE",
	}
	for _, k := range []string{"comments", "events", "labels"} {
		m[k+"_url"] = url + "/" + k
	}
	if i.PullRequestInDisguise {
		m["pull_request"] = map[string]any{"url": url, "html_url": page, "diff_url": page, "patch_url": page}
	}
	return m
}

func listIssues(c *call) {
	q := c.r.URL.Query()
	state, creator := cmp.Or(q.Get("state"), "open"), q.Get("creator")
	var some []*Issue
	for _, n := range slices.Backward(slices.Sorted(maps.Keys(c.f.issues))) {
		i := c.f.issues[n]
		if (state == "all" || state == i.State) && (creator == "" || strings.EqualFold(creator, i.Author)) {
			some = append(some, i)
		}
	}
	list := []any{}
	for _, i := range page(c, some) {
		list = append(list, c.f.issue(i))
	}
	c.answer(http.StatusOK, list)
}

type issueInput struct {
	Title, Body, State *string
	StateReason        *string `json:"state_reason"`
}

// check refuses texts that are too long, and a title of nothing.
func (in issueInput) check(c *call) bool {
	switch {
	case in.Title != nil && strings.TrimSpace(*in.Title) == "":
		c.invalid("Issue", "title", "can't be blank")
	case in.Title != nil && tooLong(*in.Title, 256):
		c.invalid("Issue", "title", "is too long (maximum is 256 characters)")
	case in.Body != nil && tooLong(*in.Body, maxBody):
		c.invalid("Issue", "body", "is too long (maximum is 65536 characters)")
	default:
		return true
	}
	return false
}

func createIssue(c *call) {
	var in issueInput
	if !c.read(&in) || !in.check(c) {
		return
	}
	if in.Title == nil {
		c.invalid("Issue", "title", "can't be blank")
		return
	}
	i := Issue{Title: *in.Title, Author: c.login}
	if in.Body != nil {
		i.Body = *in.Body
	}
	c.answer(http.StatusCreated, c.f.issue(c.f.addIssue(i)))
}

func editIssue(c *call) {
	var in issueInput
	if !c.read(&in) || !in.check(c) {
		return
	}
	i := c.f.issues[int(c.number("number"))]
	if i == nil {
		c.missing()
		return
	}
	if in.Title != nil || in.Body != nil {
		i.Edits++
	}
	for field, value := range map[*string]*string{&i.Title: in.Title, &i.Body: in.Body, &i.State: in.State, &i.StateReason: in.StateReason} {
		if value != nil {
			*field = *value
		}
	}
	c.answer(http.StatusOK, c.f.issue(i))
}
