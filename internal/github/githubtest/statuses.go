package githubtest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Status is a commit status as it was set.
type Status struct {
	ID                                         int64
	SHA, Context, State, Description, URL, Set string // Set is the login of who set it
}

// Check is a check run.
type Check struct {
	ID                              int64
	SHA, Name, Status, Conclusion   string
	Title, Summary, Text, CreatedBy string
	Annotations                     []map[string]any
}

// AddStatus sets a status as somebody else does.
func (f *Fake) AddStatus(s Status) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s.ID = f.next()
	f.commits[s.SHA] = true
	f.statuses[s.SHA] = append(f.statuses[s.SHA], s)
}

// Statuses returns all that was ever set on a commit, in order; of one context the last counts.
func (f *Fake) Statuses(sha string) []Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.statuses[sha])
}

// Checks returns the check runs, in order.
func (f *Fake) Checks() []Check {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []Check
	for _, k := range f.checks {
		list = append(list, *k)
	}
	return list
}

func (f *Fake) status(s Status, whole bool) map[string]any {
	m := map[string]any{
		"id": s.ID, "node_id": node("S", s.ID), "url": APIURL + "/repos/" + f.Repository + "/statuses/" + s.SHA, "avatar_url": "https://avatars.github.test/in/1",
		"state": s.State, "description": s.Description, "target_url": s.URL, "context": s.Context, "created_at": stamp(now()), "updated_at": stamp(now()),
	}
	if whole {
		m["creator"] = user(s.Set)
	}
	return m
}

// statusLimit is how many statuses a commit takes for one context.
const statusLimit = 1000

func createStatus(c *call) {
	var in struct {
		State       string
		Context     string
		Description string
		TargetURL   string `json:"target_url"`
	}
	if !c.read(&in) {
		return
	}
	if in.Context == "" {
		in.Context = "default"
	}
	sha := c.r.PathValue("sha")
	count := 0
	for _, s := range c.f.statuses[sha] {
		if strings.EqualFold(s.Context, in.Context) {
			count++
		}
	}
	target, err := url.Parse(in.TargetURL)
	switch {
	case !c.f.commits[sha]:
		c.refuse(http.StatusUnprocessableEntity, "No commit found for SHA: "+sha)
	case !slices.Contains([]string{"error", "failure", "pending", "success"}, in.State):
		c.invalid("Status", "state", "is not included in the list")
	case tooLong(in.Description, 140):
		c.invalid("Status", "description", "is too long (maximum is 140 characters)")
	case in.TargetURL != "" && (err != nil || target.Scheme != "http" && target.Scheme != "https"):
		c.invalid("Status", "target_url", "must use http(s) scheme")
	case count >= statusLimit:
		c.refuse(http.StatusUnprocessableEntity, "This SHA and context has reached the maximum number of statuses.")
	default:
		s := Status{c.f.next(), sha, in.Context, in.State, in.Description, in.TargetURL, c.login}
		c.f.statuses[sha] = append(c.f.statuses[sha], s)
		c.answer(http.StatusCreated, c.f.status(s, true))
	}
}

func combinedStatus(c *call) {
	sha := c.r.PathValue("ref")
	if !c.f.commits[sha] {
		c.refuse(http.StatusNotFound, "No commit found for SHA: "+sha)
		return
	}
	var newest []Status // of each context, the newest first
	for _, s := range slices.Backward(c.f.statuses[sha]) {
		if !slices.ContainsFunc(newest, func(n Status) bool { return strings.EqualFold(n.Context, s.Context) }) {
			newest = append(newest, s)
		}
	}
	list, state := []any{}, "success"
	for _, s := range newest {
		if s.State != "success" && state != "failure" {
			state = map[bool]string{true: "pending", false: "failure"}[s.State == "pending"]
		}
	}
	if len(newest) == 0 {
		state = "pending"
	}
	for _, s := range page(c, newest) {
		list = append(list, c.f.status(s, false))
	}
	base := APIURL + "/repos/" + c.f.Repository + "/commits/" + sha
	c.answer(http.StatusOK, map[string]any{
		"state": state, "sha": sha, "total_count": len(newest), "statuses": list, "repository": c.f.repository(c.f.Repository),
		"commit_url": base, "url": base + "/status",
	})
}

type checkInput struct {
	Name       string
	HeadSHA    string `json:"head_sha"`
	Status     string
	Conclusion string
	Output     *struct {
		Title, Summary, Text string
		Annotations          []map[string]any
	}
}

// apply takes over what a request says of a check run, and answers.
func (k *Check) apply(c *call, in checkInput, status int) bool {
	if o := in.Output; o != nil {
		switch {
		case len(o.Annotations) > 50:
			c.invalid("CheckRun", "annotations", "No more than 50 annotations may be sent at a time")
			return false
		case tooLong(o.Summary, 65535) || tooLong(o.Text, 65535):
			c.invalid("CheckRun", "output", "is too long (maximum is 65535 characters)")
			return false
		}
		k.Title, k.Summary, k.Text = o.Title, o.Summary, o.Text
		k.Annotations = append(k.Annotations, o.Annotations...)
	}
	if in.Status != "" {
		k.Status = in.Status
	}
	if in.Conclusion != "" {
		k.Status, k.Conclusion = "completed", in.Conclusion
	}
	var conclusion, completed any
	if k.Conclusion != "" {
		conclusion, completed = k.Conclusion, stamp(now())
	}
	url := fmt.Sprintf("%s/repos/%s/check-runs/%d", APIURL, c.f.Repository, k.ID)
	c.answer(status, map[string]any{
		"id": k.ID, "node_id": node("CR", k.ID), "head_sha": k.SHA, "name": k.Name, "url": url, "html_url": url, "details_url": url, "external_id": "",
		"status": k.Status, "conclusion": conclusion, "started_at": stamp(now()), "completed_at": completed, "check_suite": map[string]any{"id": 1}, "app": nil,
		"pull_requests": []any{}, "output": map[string]any{"title": k.Title, "summary": k.Summary, "text": k.Text,
			"annotations_count": len(k.Annotations), "annotations_url": url + "/annotations"},
	})
	return true
}

func createCheck(c *call) {
	var in checkInput
	if !c.read(&in) {
		return
	}
	if !c.f.commits[in.HeadSHA] {
		c.refuse(http.StatusUnprocessableEntity, "No commit found for SHA: "+in.HeadSHA)
		return
	}
	k := &Check{ID: c.f.next(), SHA: in.HeadSHA, Name: in.Name, Status: "queued", CreatedBy: c.login}
	if k.apply(c, in, http.StatusCreated) {
		c.f.checks = append(c.f.checks, k)
	}
}

func updateCheck(c *call) {
	var in checkInput
	if !c.read(&in) {
		return
	}
	id := c.number("id")
	i := slices.IndexFunc(c.f.checks, func(k *Check) bool { return k.ID == id })
	if i < 0 {
		c.missing()
		return
	}
	c.f.checks[i].apply(c, in, http.StatusOK)
}
