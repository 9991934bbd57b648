package openaiapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/train"
)

// Find implements train.Provider. The service is asked for the jobs with the key in their metadata, and what it sends is
// checked again, since some ignore the filter. A service that keeps no metadata may answer with nothing; so nothing is
// believed only once its newest jobs, asked for without the filter, do not bear the key in their suffix either.
func (c *Client) Find(ctx context.Context, key train.Key) ([]train.Job, error) {
	var jobs []train.Job
	var listed int
	var err error
	if !c.service.noMetadata {
		jobs, listed, err = c.findJobs(ctx, key, url.Values{"limit": {"100"}, "metadata[" + metaKey + "]": {string(key)}}, 0)
	}
	if err == nil && listed == 0 {
		jobs, _, err = c.findJobs(ctx, key, url.Values{"limit": {"100"}}, newestPages)
	}
	return jobs, marked(err)
}

// newestPages is how many pages are looked at without the filter. An account may hold any number of jobs, and Find is
// called often.
const newestPages = 20

// entry is a job in a list: what tells whose it is, and all of it as it came. An account may hold many that are not ours,
// made by any tool: only our own have to be what the contract says.
type entry struct {
	whose job
	sent  json.RawMessage
}

// UnmarshalJSON wants an id: without one an entry may be a job of ours as well as none at all.
func (e *entry) UnmarshalJSON(b []byte) error {
	l := loosely(b)
	tuned := l.text("fine_tuned_model")
	e.whose = job{ID: l.text("id"), UserSuffix: l.text("user_provided_suffix"), Suffix: l.text("suffix"), Tuned: &tuned, Metadata: l.object("metadata").texts()}
	e.sent = bytes.Clone(b)
	if e.whose.ID == "" {
		return errors.New("a job in the list has no id")
	}
	return nil
}

// findJobs returns the key's jobs in a list, or in its first pages if most is above 0, and how many jobs were listed.
func (c *Client) findJobs(ctx context.Context, key train.Key, query url.Values, most int) (jobs []train.Job, listed int, err error) {
	looked := 0
	for page, err := range pages(ctx, c.get, "/fine_tuning/jobs", query, func(e entry) string { return e.whose.ID }) {
		if err != nil {
			return nil, 0, err
		}
		for _, e := range page {
			if !e.whose.bears(key) {
				continue
			}
			var j job
			if err := json.Unmarshal(e.sent, &j); err != nil {
				return nil, 0, fmt.Errorf("job %s is not what the contract says: %w", printable(e.whose.ID), err)
			}
			found := j.state()
			found.Key = key
			jobs = append(jobs, found)
		}
		listed += len(page)
		if looked++; looked == most {
			break
		}
	}
	// A suffix does not say which attempt a job is: the second job of a key is the second attempt.
	slices.SortFunc(jobs, func(a, b train.Job) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	for i := range jobs {
		if jobs[i].Attempt == 0 {
			jobs[i].Attempt = i + 1
		}
	}
	return jobs, listed, nil
}

// bears reports whether the job is of the key: its metadata says so, or it has none of ours and a suffix ends as a
// label of the key does. The agent's name in the label is no matter: agents of equal keys share a job.
func (j job) bears(key train.Key) bool {
	if have := j.Metadata[metaKey]; have != "" {
		return have == string(key)
	}
	const digits = 12
	if len(key) < digits {
		return false
	}
	suffixes := []string{j.UserSuffix, j.Suffix}
	if j.Tuned != nil { // ft:base:organisation:suffix:id
		if parts := strings.Split(*j.Tuned, ":"); len(parts) >= 5 && parts[0] == "ft" {
			suffixes = append(suffixes, parts[3])
		}
	}
	return slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(s, "-"+string(key[:digits])) })
}
