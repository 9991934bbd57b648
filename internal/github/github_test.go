package github_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/github"
	"github.com/tunegate/tunegate/internal/github/githubtest"
)

// client speaks to f with a token, without a network.
func client(t *testing.T, f *githubtest.Fake, token string) *github.Client {
	t.Helper()
	c, err := github.New(github.Config{Token: token, Repository: f.Repository, BaseURL: githubtest.APIURL, HTTP: f.Client()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// stage is a fake with pull request 7, and a client that may write.
func stage(t *testing.T) (*githubtest.Fake, *github.Client, githubtest.Pull) {
	t.Helper()
	f := githubtest.New(t, githubtest.Options{})
	p := f.AddPull(githubtest.Pull{Number: 7, Files: []githubtest.File{{Name: "data/a.jsonl", Patch: "@@ -1,2 +1,3 @@\n a\n+b\n c"}}})
	return f, client(t, f, githubtest.WriteToken), p
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []github.Config{
		{Repository: "no-slash"}, {Repository: "a/b/c"}, {Repository: "../x"}, {Repository: "a/.."}, {Repository: "a b/c"}, {},
		{Repository: "a/b", BaseURL: "ftp://x"}, {Repository: "a/b", BaseURL: "https://user:pass@x"}, {Repository: "a/b", BaseURL: ":"},
		{Repository: "a/b", BaseURL: "https://x/?q=1"}, {Repository: "a/b", Token: "two\nlines"},
	} {
		if _, err := github.New(c); err == nil {
			t.Errorf("%+v was taken", c)
		} else if strings.Contains(err.Error(), "pass") || strings.Contains(err.Error(), "two") {
			t.Errorf("a secret is told: %v", err)
		}
	}
}

// The API may stand below a path, and redirect within itself.
func TestServedBelowAPathWithARedirect(t *testing.T) {
	f := githubtest.New(t, githubtest.Options{})
	inner := f.Client()
	c, err := github.New(github.Config{Token: githubtest.WriteToken, Repository: "acme/models", BaseURL: "https://ghe.test/api/v3",
		HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if strings.Contains(r.URL.Path, "acme") {
				return answer(r, http.StatusMovedPermanently, "", "Location", "https://ghe.test/api/v3/repositories/1"), nil
			}
			if r.URL.Path != "/api/v3/repositories/1" || r.Header.Get("Authorization") == "" {
				t.Errorf("asked for %s", r.URL)
			}
			q := r.Clone(r.Context())
			q.URL.Path = "/repos/" + f.Repository
			return inner.Transport.RoundTrip(q)
		})}})
	check(t, err)
	repo, err := c.Repository(t.Context())
	if err != nil || repo != (github.Repository{ID: f.RepositoryID, FullName: "acme/models", DefaultBranch: "main"}) {
		t.Errorf("%+v, %v", repo, err)
	}
	if _, err := c.Repository(t.Context()); err != nil || c.Requests() != 2 {
		t.Errorf("%d requests, %v", c.Requests(), err)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(r *http.Request, status int, body string, header ...string) *http.Response {
	reply := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
	for i := 0; i < len(header); i += 2 {
		reply.Header.Set(header[i], header[i+1])
	}
	return reply
}

// The token goes to no other host, whatever the API says.
func TestTokenStaysWithTheAPI(t *testing.T) {
	for name, location := range map[string]string{"another host": "https://evil.test/x", "no encryption": "http://api.github.test/x", "a port": "https://api.github.test:444/x"} {
		t.Run(name, func(t *testing.T) {
			c, err := github.New(github.Config{Token: "secret", Repository: "acme/models", BaseURL: githubtest.APIURL,
				HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
					if r.URL.Scheme != "https" || r.URL.Host != "api.github.test" {
						t.Errorf("%s was asked, with the token %q", r.URL, r.Header.Get("Authorization"))
					}
					return answer(r, http.StatusTemporaryRedirect, "", "Location", location), nil
				})}})
			check(t, err)
			if _, err := c.Pull(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "redirect to another host") || strings.Contains(err.Error(), "secret") {
				t.Errorf("%v", err)
			}
			if _, err := c.Reply(t.Context(), 1, "text"); err == nil {
				t.Error("a POST was redirected")
			}
		})
	}
}

func TestRefusalsAreToldApart(t *testing.T) {
	f, _, p := stage(t)
	reader := client(t, f, githubtest.ReadToken)
	stranger := client(t, f, "ghs_unknown")
	ctx := t.Context()
	_, unknown := stranger.Pull(ctx, 7)
	_, forbidden := reader.Reply(ctx, 7, "hello")
	_, missing := reader.Pull(ctx, 8)
	_, status := client(t, f, githubtest.WriteToken).SetStatus(ctx, github.Status{SHA: p.HeadSHA, Context: "c", State: "green"})
	for _, c := range []struct {
		err    error
		is     error
		status int
		text   string
	}{
		{unknown, github.ErrForbidden, 401, "asking for pull request 7: 401 Unauthorized: Bad credentials"},
		{forbidden, github.ErrForbidden, 403, "commenting on 7: 403 Forbidden: Resource not accessible by integration"},
		{missing, github.ErrNotFound, 404, "asking for pull request 8: 404 Not Found: Not Found"},
		{status, github.ErrUnprocessable, 422, "setting the status c of 0000000: 422 Unprocessable Entity: Validation Failed; state is not included in the list"},
	} {
		var e *github.Error
		if !errors.Is(c.err, c.is) || !errors.As(c.err, &e) || e.Status != c.status || c.err.Error() != c.text {
			t.Errorf("%v, want %s", c.err, c.text)
		}
		for _, other := range []error{github.ErrForbidden, github.ErrNotFound, github.ErrUnprocessable, github.ErrRateLimited, github.ErrGone} {
			if other != c.is && errors.Is(c.err, other) {
				t.Errorf("%v is %v too", c.err, other)
			}
		}
	}
}

// What stands in a refusal is one short line, without control characters or signatures.
func TestHostileRefusals(t *testing.T) {
	c, err := github.New(github.Config{Repository: "acme/models", BaseURL: githubtest.APIURL, HTTP: &http.Client{Transport: roundTrip(
		func(r *http.Request) (*http.Response, error) {
			return answer(r, http.StatusTeapot, `{"message":"a\n::error::\u001b[31mred sig=SECRET&x `+strings.Repeat("long ", 1000)+`"}`), nil
		})}})
	check(t, err)
	_, err = c.Pull(t.Context(), 1)
	if s := err.Error(); strings.ContainsAny(s, "\n\x1b") || strings.Contains(s, "SECRET") || len(s) > 400 {
		t.Errorf("%q", s)
	}
}

func TestStrangeReplies(t *testing.T) {
	for _, body := range []string{"", "null", "[]", "{", `{"number":"x"}`, "\xff", `{"number":7,"head":{"sha":"../../x"},"base":{}}`, `{"number":8}`, strings.Repeat("[", 100000)} {
		c, err := github.New(github.Config{Repository: "acme/models", BaseURL: githubtest.APIURL, HTTP: &http.Client{Transport: roundTrip(
			func(r *http.Request) (*http.Response, error) { return answer(r, http.StatusOK, body), nil })}})
		check(t, err)
		if p, err := c.Pull(t.Context(), 7); err == nil {
			t.Errorf("%.40q became %+v", body, p)
		}
		_, err1 := c.Repository(t.Context())
		_, err2 := c.Run(t.Context(), 7)
		if err1 == nil || err2 == nil {
			t.Errorf("%.40q was taken for a repository or a run", body)
		}
		if may, _ := c.MayWrite(t.Context(), "somebody"); may {
			t.Errorf("%.40q lets somebody write", body)
		}
	}
}

func TestAReplyThatNeverEnds(t *testing.T) {
	asked := 0
	c, err := github.New(github.Config{Repository: "acme/models", BaseURL: githubtest.APIURL, HTTP: &http.Client{Transport: roundTrip(
		func(r *http.Request) (*http.Response, error) {
			asked++
			reply := answer(r, http.StatusOK, "")
			reply.Body = io.NopCloser(zeros{})
			return reply, nil
		})}})
	check(t, err)
	if _, err := c.Pull(t.Context(), 7); !errors.Is(err, github.ErrTooLarge) || asked != 1 {
		t.Errorf("%v, after %d requests", err, asked)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }
