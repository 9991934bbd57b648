package github_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	"github.com/tunegate/tunegate/internal/github"
	"github.com/tunegate/tunegate/internal/github/githubtest"
)

func runPage(id int) string {
	return fmt.Sprintf("https://github.com/acme/models/actions/runs/%d", id)
}

func TestSetStatus(t *testing.T) {
	f, c, p := stage(t)
	ctx := t.Context()
	pending := github.Status{SHA: p.HeadSHA, Context: "tunegate/gate", State: github.Pending, Description: "tuning", URL: runPage(100)}
	set := func(s github.Status, want bool) {
		t.Helper()
		if wrote, err := c.SetStatus(ctx, s); err != nil || wrote != want {
			t.Errorf("%+v: wrote %t, %v", s, wrote, err)
		}
	}
	if _, found, err := c.CurrentStatus(ctx, p.HeadSHA, "tunegate/gate"); found || err != nil {
		t.Errorf("found %t, %v", found, err)
	}
	set(pending, true)
	set(pending, false) // an equal one
	with := func(change func(*github.Status)) github.Status { s := pending; change(&s); return s }
	set(with(func(s *github.Status) { s.State = github.Failure; s.URL = runPage(99) }), false)
	set(with(func(s *github.Status) { s.State = github.Success; s.URL = runPage(101) + "/attempts/2" }), true)
	set(with(func(s *github.Status) { s.State = github.Failure; s.URL = runPage(101) + "/attempts/1" }), false)
	set(with(func(s *github.Status) { s.State = github.Failure; s.URL = runPage(101) + "/attempts/2" }), true)
	set(with(func(s *github.Status) { s.Context = "another"; s.URL = runPage(1) }), true)
	if s, found, err := c.CurrentStatus(ctx, p.HeadSHA, "tunegate/gate"); err != nil || !found || s.State != github.Failure || s.URL != runPage(101)+"/attempts/2" || s.Description != "tuning" {
		t.Errorf("%+v, %v", s, err)
	}
	if n := len(f.Statuses(p.HeadSHA)); n != 4 {
		t.Errorf("%d statuses", n)
	}
	// What stands there with an address that is none of ours is overwritten.
	for _, url := range []string{"", "https://evil.test/actions/runs/999", "https://github.com/other/models/actions/runs/999999", "https://github.com/acme/models/actions/runs/9x"} {
		f.AddStatus(githubtest.Status{SHA: p.HeadSHA, Context: "tunegate/gate", State: "success", URL: url})
		set(with(func(s *github.Status) { s.URL = runPage(102) }), true)
	}
}

func TestStatusDescription(t *testing.T) {
	f, c, p := stage(t)
	for text, want := range map[string]string{
		"plain":                           "plain",
		"two\n  lines\t":                  "two lines",
		strings.Repeat("é", 140):          strings.Repeat("é", 140),
		strings.Repeat("é", 141):          strings.Repeat("é", 139) + "…",
		strings.Repeat("👩‍🚀", 100):        strings.Repeat("👩‍🚀", 46) + "👩…",
		"bad \xff byte":                   "bad \ufffd byte",
		strings.Repeat("a", 138) + " b c": strings.Repeat("a", 138) + "…",
	} {
		_, err := c.SetStatus(t.Context(), github.Status{SHA: p.HeadSHA, Context: "c", State: github.Success, Description: text})
		check(t, err)
		all := f.Statuses(p.HeadSHA)
		got := all[len(all)-1].Description
		if got != want && !(strings.HasPrefix(text, "👩") && utf8.RuneCountInString(got) <= 140) {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
		if !utf8.ValidString(got) {
			t.Errorf("%q is torn", got)
		}
	}
}

func TestStatusOfAnUnknownCommit(t *testing.T) {
	_, c, _ := stage(t)
	if _, err := c.SetStatus(t.Context(), github.Status{SHA: githubtest.SHA(404), Context: "c", State: github.Success}); !errors.Is(err, github.ErrNotFound) {
		t.Errorf("%v", err)
	}
	for _, sha := range []string{"", "main", "../x", githubtest.SHA(1)[:39]} {
		if _, err := c.SetStatus(t.Context(), github.Status{SHA: sha, Context: "c", State: github.Success}); err == nil {
			t.Errorf("%q was taken", sha)
		}
	}
}

func TestStatusAmongMany(t *testing.T) {
	f, c, p := stage(t)
	f.AddStatus(githubtest.Status{SHA: p.HeadSHA, Context: "the first", State: "success"})
	for i := range 250 {
		f.AddStatus(githubtest.Status{SHA: p.HeadSHA, Context: fmt.Sprint(i), State: "failure"})
	}
	if s, found, err := c.CurrentStatus(t.Context(), p.HeadSHA, "the first"); !found || err != nil || s.State != github.Success {
		t.Errorf("%+v, found %t, %v", s, found, err)
	}
}

func TestAFullStatus(t *testing.T) {
	f, c, p := stage(t)
	for range 1000 {
		f.AddStatus(githubtest.Status{SHA: p.HeadSHA, Context: "c", State: "failure"})
	}
	if _, err := c.SetStatus(t.Context(), github.Status{SHA: p.HeadSHA, Context: "c", State: github.Success}); !errors.Is(err, github.ErrUnprocessable) {
		t.Errorf("%v", err)
	}
}

// A status whose reply is lost is looked for, and set again only where it is not there.
func TestStatusWhoseReplyIsLost(t *testing.T) {
	for name, carriedOut := range map[string]bool{"carried out": true, "not carried out": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, c, p := stage(t)
				posts := 0
				f.Intercept(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
					if r.Method != http.MethodPost {
						next.ServeHTTP(w, r)
						return
					}
					if posts++; posts > 1 {
						next.ServeHTTP(w, r)
						return
					}
					if carriedOut {
						next.ServeHTTP(discard{}, r)
					}
					panic(http.ErrAbortHandler)
				})
				wrote, err := c.SetStatus(t.Context(), github.Status{SHA: p.HeadSHA, Context: "c", State: github.Success, URL: runPage(1)})
				if err != nil || !wrote || len(f.Statuses(p.HeadSHA)) != 1 {
					t.Errorf("wrote %t, %v; %d statuses", wrote, err, len(f.Statuses(p.HeadSHA)))
				}
			})
		})
	}
}
