// Package githubtest is a GitHub for tests: one repository in memory, with the calls of its REST API that tunegate makes and
// the artifact service of Actions. It enforces what engines that run workflows do not: what a token may, the sizes of texts,
// rate limits, whose comment may be edited; and it records what was done. It is for tests alone, and no part of it answers
// for what the real GitHub does beyond the API's description and documentation.
//
// A test that runs in one process takes New and Fake.Client, which needs no network and so works inside testing/synctest. One
// with processes of its own, such as workflows under an engine, takes Fake.Serve.
package githubtest

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The tokens that every fake knows.
const (
	WriteToken = "ghs_write" // of github-actions[bot], with every permission of GITHUB_TOKEN
	ReadToken  = "ghs_read"  // as a pull request from a fork gets it: nothing may be written
)

// Bot is whom GITHUB_TOKEN writes as.
const Bot = "github-actions[bot]"

// Options say which GitHub a fake is. The zero value will do.
type Options struct {
	Repository    string // "owner/name"; empty for acme/models
	DefaultBranch string // empty for main
	Private       bool
	CamelCase     bool // the artifact service names the fields of its replies theField instead of the_field
}

// Fake is a GitHub. Its methods may be called from several goroutines, also while it serves.
type Fake struct {
	Repository    string // "owner/name"
	RepositoryID  int64
	DefaultBranch string

	t         testing.TB
	private   bool
	camelCase bool
	api       http.Handler

	mu        sync.Mutex
	intercept func(http.ResponseWriter, *http.Request, http.Handler)
	lastID    int64
	tokens    map[string]Token
	repos     map[string]int64 // ids by name, this and its forks
	commits   map[string]bool
	branches  map[string]string // their heads
	contents  map[string][]byte // by ref and path
	people    map[string]Collaborator
	pulls     map[int]*Pull
	issues    map[int]*Issue
	comments  []*Comment
	reactions map[int64][]Reaction
	statuses  map[string][]Status
	checks    []*Check
	workflows map[string]*Workflow
	dispatch  []Dispatch
	runs      map[int64]*Run
	cancelled []int64
	artifacts []*Artifact
	compared  map[string][]File
	requests  []Request
	limits    limits
	service   service
}

// Token is what a secret may, and as whom. Permissions hold read or write by the names of a workflow's permissions: actions,
// checks, contents, issues, pull-requests, statuses. What is not there may not even be read.
type Token struct {
	Login       string
	Permissions map[string]string
}

// Request is an exchange with the API.
type Request struct {
	Method, Path string // with the query
	Login        string // of the token; empty for none that is known
	Status       int
}

// New returns a fake whose exchanges are checked against the API's description, where TUNEGATE_TESTDATA names one.
func New(t testing.TB, o Options) *Fake {
	t.Helper()
	if o.Repository == "" {
		o.Repository = "acme/models"
	}
	if o.DefaultBranch == "" {
		o.DefaultBranch = "main"
	}
	all := map[string]string{}
	read := map[string]string{}
	for _, p := range []string{"actions", "checks", "contents", "issues", "pull-requests", "statuses"} {
		all[p], read[p] = "write", "read"
	}
	f := &Fake{
		Repository: o.Repository, DefaultBranch: o.DefaultBranch, t: t, private: o.Private, camelCase: o.CamelCase, lastID: 1000,
		tokens: map[string]Token{WriteToken: {Bot, all}, ReadToken: {Bot, read}},
		repos:  map[string]int64{}, commits: map[string]bool{}, branches: map[string]string{}, contents: map[string][]byte{}, people: map[string]Collaborator{},
		pulls: map[int]*Pull{}, issues: map[int]*Issue{}, reactions: map[int64][]Reaction{}, statuses: map[string][]Status{},
		workflows: map[string]*Workflow{}, runs: map[int64]*Run{}, compared: map[string][]File{},
		limits: limits{primary: 1000},
	}
	f.service.init()
	f.RepositoryID = f.repoID(o.Repository)
	f.api = f.checked(f.routes())
	return f
}

// Handler serves the API at its root, the artifact service at /twirp, and the store of artifacts at /blobs.
func (f *Fake) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/twirp/"):
			f.serveService(w, r)
		case strings.HasPrefix(r.URL.Path, "/blobs/"):
			f.serveBlobs(w, r)
		default:
			f.mu.Lock()
			intercept := f.intercept
			f.mu.Unlock()
			if intercept != nil {
				intercept(w, r, f.api)
				return
			}
			f.api.ServeHTTP(w, r)
		}
	})
}

// Serve serves the fake on a loopback address for the length of the test and returns the API's base URL.
func (f *Fake) Serve() string {
	f.t.Helper()
	server := httptest.NewServer(f.Handler())
	f.t.Cleanup(server.Close)
	return server.URL
}

// Intercept has do stand before every call of the API: it may wait, look, answer itself, pass on to next, or break the
// exchange off by a panic with http.ErrAbortHandler, before or after it was carried out.
func (f *Fake) Intercept(do func(w http.ResponseWriter, r *http.Request, next http.Handler)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.intercept = do
}

// AddToken makes a token known.
func (f *Fake) AddToken(secret string, t Token) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tokens[secret] = Token{t.Login, maps.Clone(t.Permissions)}
}

// AddCommit makes commits known: statuses are set on known ones alone.
func (f *Fake) AddCommit(shas ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range shas {
		f.commits[s] = true
	}
}

// SetBranch moves the head of a branch.
func (f *Fake) SetBranch(name, sha string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.commits[sha], f.branches[name] = true, sha
}

// AddContent puts a file at a ref, which is a SHA, a branch or a tag.
func (f *Fake) AddContent(ref, path string, data []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.contents[ref+"\x00"+path] = slices.Clone(data)
}

// Requests returns the exchanges with the API, in the order in which they ended.
func (f *Fake) Requests() []Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests)
}

// Writes returns the exchanges with the API that were to change something.
func (f *Fake) Writes() []Request {
	return slices.DeleteFunc(f.Requests(), func(r Request) bool { return r.Method == http.MethodGet })
}

// next returns an id that nothing else has; f is locked.
func (f *Fake) next() int64 {
	f.lastID++
	return f.lastID
}

// repoID returns the id of a repository, making it known; f is locked.
func (f *Fake) repoID(name string) int64 {
	key := strings.ToLower(name)
	if f.repos[key] == 0 {
		f.repos[key] = f.next()
	}
	return f.repos[key]
}

// now is the time of the server, in whole seconds as GitHub has them.
func now() time.Time { return time.Now().UTC().Truncate(time.Second) }
