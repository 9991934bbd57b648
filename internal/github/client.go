// Package github is what tunegate says to GitHub and hears from it: the event that started a run, pull requests and their
// changed lines, permissions, statuses, comments, issues, workflows, and artifacts, those of other runs through the REST
// API and those of the running job through the Actions artifact service. It knows nothing of fine-tuning, nothing of what
// its texts say, and it is not the runner's protocol of inputs and outputs.
//
// Whatever GitHub or a person there sends is taken for hostile: bounded, checked, and quoted in errors as one short line.
// Limits and traps are those of GitHub's REST documentation, version 2022-11-28.
package github

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	gh "github.com/google/go-github/v60/github"
)

// Config says whom a Client speaks to, and as whom.
type Config struct {
	Token      string        // GITHUB_TOKEN or one like it, sent to the host of BaseURL alone
	Repository string        // "owner/name"
	BaseURL    string        // GITHUB_API_URL; empty for https://api.github.com
	HTTP       *http.Client  // lends its Transport; nil for the default one
	Patience   time.Duration // the most that one call waits for rate limits; 0 for five minutes
}

// Client speaks to the REST API about one repository. Its methods may be called from several goroutines. Each returns
// errors that begin with what was being done and match ErrForbidden, ErrNotFound, ErrUnprocessable, ErrGone or
// ErrRateLimited where one of these applies.
//
// GET, PUT, PATCH and DELETE are sent again after a lost reply or a status of 5xx, three times at most. A POST is sent
// again only when it was certainly not carried out: no connection was made, or the reply tells of a rate limit.
type Client struct {
	api         *gh.Client
	wire        *transport
	owner, name string

	mu   sync.Mutex
	repo *Repository // once it was asked for
}

// perPage is the largest page that GitHub serves.
const perPage = 100

var repositoryName = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9_-]{0,99})/([A-Za-z0-9._-]{1,100})$`)

// splitRepository takes "owner/name" apart.
func splitRepository(full string) (owner, name string, err error) {
	m := repositoryName.FindStringSubmatch(full)
	if m == nil || m[2] == "." || m[2] == ".." {
		return "", "", fmt.Errorf("%q is not a repository like owner/name", clip(full))
	}
	return m[1], m[2], nil
}

// New returns a client. It asks nothing yet; an error is a mistake in the configuration.
func New(c Config) (*Client, error) {
	owner, name, err := splitRepository(c.Repository)
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(cmp.Or(c.BaseURL, "https://api.github.com"))
	if err != nil || (base.Scheme != "https" && base.Scheme != "http") || base.Host == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("the address of the GitHub API (GITHUB_API_URL) is not one like https://api.github.com")
	}
	if !strings.HasSuffix(base.Path, "/") {
		base.Path += "/"
	}
	if strings.ContainsFunc(c.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the GitHub token holds characters that no token has")
	}
	wire := &transport{next: http.DefaultTransport, base: base, token: c.Token, patience: cmp.Or(c.Patience, 5*time.Minute)}
	if c.HTTP != nil && c.HTTP.Transport != nil {
		wire.next = c.HTTP.Transport
	}
	api := gh.NewClient(&http.Client{Transport: wire, CheckRedirect: wire.redirect})
	api.BaseURL, api.UserAgent = base, "tunegate"
	return &Client{api: api, wire: wire, owner: owner, name: name}, nil
}

// Requests returns how many requests were sent to the API so far, those that were sent again included.
func (c *Client) Requests() int {
	c.wire.mu.Lock()
	defer c.wire.mu.Unlock()
	return c.wire.sent
}

// path is a path of the repository, below the base URL; elements that come from outside are escaped by the caller.
func (c *Client) path(format string, args ...any) string {
	return "repos/" + c.owner + "/" + c.name + fmt.Sprintf(format, args...)
}
