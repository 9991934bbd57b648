package github

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	gh "github.com/google/go-github/v60/github"
)

// State is the state of a commit status.
type State string

// The states. Only success lets a required status pass.
const (
	Pending State = "pending"
	Success State = "success"
	Failure State = "failure"
	Errored State = "error"
)

// Status is a commit status: what a required check is when it has to outlive the job that began it.
type Status struct {
	SHA         string // full
	Context     string // its name, such as tunegate/gate
	State       State
	Description string // what is longer than 140 characters is cut when it is set
	URL         string // page of the run that sets it, Event.RunURL; it also says which run is the newer one
}

const descriptionLimit = 140

// CurrentStatus returns the newest status of that context on a commit, and whether there is one.
func (c *Client) CurrentStatus(ctx context.Context, sha, name string) (Status, bool, error) {
	opt := &gh.ListOptions{PerPage: perPage}
	for {
		all, reply, err := c.api.Repositories.GetCombinedStatus(ctx, c.owner, c.name, sha, opt)
		if err != nil {
			return Status{}, false, wrap(err, "asking for the statuses of %s", short(clip(sha)))
		}
		for _, s := range all.Statuses {
			if s.GetContext() == name {
				return Status{sha, name, State(s.GetState()), s.GetDescription(), s.GetTargetURL()}, true, nil
			}
		}
		if reply.NextPage <= opt.Page || len(all.Statuses) == 0 {
			return Status{}, false, nil
		}
		opt.Page = reply.NextPage
	}
}

// SetStatus sets a status, unless an equal one stands there already or a newer run has set it, by the run in its URL: of
// one run the later attempt and the later call win, and an address that is no run's of this repository is older than all.
// It reports whether it wrote. Of two calls at one moment the later write stays: GitHub has no conditional write of
// statuses. It takes two requests, one where there is nothing to write.
func (c *Client) SetStatus(ctx context.Context, s Status) (bool, error) {
	if !shaForm.MatchString(s.SHA) {
		return false, fmt.Errorf("setting a status: %q is no SHA", clip(s.SHA))
	}
	s.Description = cut(strings.Join(strings.Fields(strings.ToValidUTF8(s.Description, "\ufffd")), " "), descriptionLimit)
	for try := 1; ; try++ {
		now, found, err := c.CurrentStatus(ctx, s.SHA, s.Context)
		if err != nil {
			return false, err
		}
		if found && (now == s || c.runOf(s.URL).less(c.runOf(now.URL))) {
			return try > 1 && now == s, nil
		}
		_, _, err = c.api.Repositories.CreateStatus(ctx, c.owner, c.name, s.SHA, &gh.RepoStatus{
			State: gh.String(string(s.State)), Description: gh.String(s.Description), TargetURL: gh.String(s.URL), Context: gh.String(s.Context),
		})
		err = wrap(err, "setting the status %s of %s", s.Context, short(s.SHA))
		// A lost reply is settled by looking. The same status once more would do no harm.
		if err == nil || settled(err) || try == 2 || ctx.Err() != nil {
			return err == nil, err
		}
	}
}

// run is which run wrote something, and where in the run.
type run struct {
	id           int64
	attempt, seq int
}

func (r run) less(s run) bool {
	if r.id != s.id {
		return r.id < s.id
	}
	if r.attempt != s.attempt {
		return r.attempt < s.attempt
	}
	return r.seq < s.seq
}

var runPage = regexp.MustCompile(`^https?://[^/?#]+/([^/?#]+/[^/?#]+)/actions/runs/([0-9]{1,18})(?:/attempts/([0-9]{1,9}))?/?$`)

// runOf reads the address of a run's page; zero when it is none of this repository.
func (c *Client) runOf(address string) run {
	m := runPage.FindStringSubmatch(address)
	if m == nil || !strings.EqualFold(m[1], c.owner+"/"+c.name) {
		return run{}
	}
	var r run
	r.id, _ = strconv.ParseInt(m[2], 10, 64) // digits that fit, by the pattern
	r.attempt, _ = strconv.Atoi(m[3])
	return r
}

// cut shortens a text to a number of characters, at a whole one.
func cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	r := []rune(s)[:most-1]
	return strings.TrimRight(string(r), " ") + "…"
}
