package github_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

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

// What may be repeated is, and nothing else.
func TestRepeats(t *testing.T) {
	lost := func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(discard{}, r)
		panic(http.ErrAbortHandler)
	}
	down := func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(http.StatusBadGateway) }
	for _, c := range []struct {
		name  string
		do    func(context.Context, *github.Client) error
		fault func(http.ResponseWriter, *http.Request, http.Handler)
		sent  int
		ok    bool
	}{
		{"a GET whose reply is lost", func(ctx context.Context, c *github.Client) error { _, err := c.Pull(ctx, 7); return err }, lost, 2, true},
		{"a GET that is answered by a gateway", func(ctx context.Context, c *github.Client) error { _, err := c.Pull(ctx, 7); return err }, down, 2, true},
		{"a PUT whose reply is lost", func(ctx context.Context, c *github.Client) error { return c.EnableWorkflow(ctx, "resume.yml") }, lost, 2, true},
		{"a comment whose reply is lost", func(ctx context.Context, c *github.Client) error { _, err := c.Reply(ctx, 7, "x"); return err }, lost, 1, false},
		{"a comment that is answered by a gateway", func(ctx context.Context, c *github.Client) error { _, err := c.Reply(ctx, 7, "x"); return err }, down, 1, false},
		{"a dispatch whose reply is lost", func(ctx context.Context, c *github.Client) error { return c.Dispatch(ctx, "resume.yml", "main", nil) }, lost, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, client, _ := stage(t)
				f.AddWorkflow(githubtest.Workflow{File: "resume.yml"})
				var once sync.Once
				f.Intercept(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
					hit := false
					once.Do(func() { hit = true })
					if hit {
						c.fault(w, r, next)
						return
					}
					next.ServeHTTP(w, r)
				})
				err := c.do(t.Context(), client)
				if (err == nil) != c.ok || client.Requests() != c.sent {
					t.Errorf("%v after %d requests, want %d", err, client.Requests(), c.sent)
				}
				if n := len(f.Comments(7)) + len(f.Dispatches()); n > 1 {
					t.Errorf("%d things were made", n)
				}
			})
		})
	}
}

type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

// A connection that was refused carried nothing.
func TestRefusedConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := githubtest.New(t, githubtest.Options{})
		f.AddPull(githubtest.Pull{Number: 7})
		n := 0
		c, err := github.New(github.Config{Token: githubtest.WriteToken, Repository: f.Repository, BaseURL: githubtest.APIURL, HTTP: &http.Client{
			Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				if n++; n < 3 {
					return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
				}
				return f.Client().Transport.RoundTrip(r)
			})}})
		check(t, err)
		if _, err := c.Reply(t.Context(), 7, "x"); err != nil || len(f.Comments(7)) != 1 {
			t.Errorf("%v", err)
		}
	})
}

func TestARequestThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c, _ := stage(t)
		n := 0
		f.Intercept(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if n++; n == 1 {
				<-r.Context().Done()
				return
			}
			next.ServeHTTP(w, r)
		})
		start := time.Now()
		if _, err := c.Pull(t.Context(), 7); err != nil || time.Since(start) != 31*time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}

func TestRateLimits(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*githubtest.Fake)
		wait time.Duration
		err  bool
	}{
		{"the primary limit", func(f *githubtest.Fake) { f.LimitRate(0, time.Now().Add(2*time.Minute)) }, 2*time.Minute + time.Second, false},
		{"the primary limit, too far off", func(f *githubtest.Fake) { f.LimitRate(0, time.Now().Add(40*time.Minute)) }, 0, true},
		{"a secondary limit with 403", func(f *githubtest.Fake) { f.LimitSecondary(2, 403, 20*time.Second) }, 40 * time.Second, false},
		{"a secondary limit with 429", func(f *githubtest.Fake) { f.LimitSecondary(1, 429, 20*time.Second) }, 20 * time.Second, false},
		{"a secondary limit that says no time", func(f *githubtest.Fake) { f.LimitSecondary(1, 403, 0) }, time.Minute, false},
		{"a secondary limit for ever", func(f *githubtest.Fake) { f.LimitSecondary(99, 429, time.Second) }, 3 * time.Second, true},
		{"a secondary limit for a day", func(f *githubtest.Fake) { f.LimitSecondary(1, 429, 24*time.Hour) }, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, client, _ := stage(t)
				c.set(f)
				start := time.Now()
				_, err := client.Reply(t.Context(), 7, "x") // a POST: what a limit refused was not carried out
				if took := time.Since(start); (err != nil) != c.err || took != c.wait || c.err && !errors.Is(err, github.ErrRateLimited) {
					t.Errorf("%v after %s, want %s", err, took, c.wait)
				}
				if want := 1; !c.err && len(f.Comments(7)) != want {
					t.Errorf("%d comments", len(f.Comments(7)))
				}
			})
		})
	}
}

// The last request of an hour is known to be the last: the next one waits without asking.
func TestTheLastRequestOfAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c, _ := stage(t)
		f.LimitRate(1, time.Now().Add(time.Minute))
		for range 2 {
			_, err := c.Pull(t.Context(), 7)
			check(t, err)
		}
		for _, r := range f.Requests() {
			if r.Status != http.StatusOK {
				t.Errorf("%+v", r)
			}
		}
	})
}

func TestCreationsAreSpaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c, _ := stage(t)
		start := time.Now()
		for i := range 10 {
			_, err := c.Reply(t.Context(), 7, fmt.Sprint(i))
			check(t, err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("ten took %s", took)
		}
		for i := range 11 {
			_, err := c.Reply(t.Context(), 7, fmt.Sprint(i))
			check(t, err)
		}
		if took := time.Since(start); took < 20*time.Second { // no more than 80 a minute
			t.Errorf("21 took %s", took)
		}
	})
}

func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c, _ := stage(t)
		f.LimitRate(0, time.Now().Add(time.Minute))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := c.Pull(ctx, 7); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}

func TestMayWrite(t *testing.T) {
	f := githubtest.New(t, githubtest.Options{})
	c := client(t, f, githubtest.ReadToken)
	for login, p := range map[string]githubtest.Collaborator{
		"owner": {Permission: "admin", Push: true}, "writer": {Permission: "write"}, "reader": {Permission: "read"}, "none": {Permission: "none"},
		"team-maintainer": {Permission: "write", Role: "maintain"}, "team-member": {Permission: "none", Role: "write"}, "triager": {Permission: "read", Role: "triage"},
		"custom": {Permission: "read", Role: "release-captain", Push: true}, "bot[bot]": {Permission: "write"},
	} {
		f.AddPerson(login, p)
	}
	for login, want := range map[string]bool{
		"owner": true, "writer": true, "reader": false, "none": false, "team-maintainer": true, "team-member": true, "triager": false, "custom": true,
		"outsider": false, "WRITER": true, "bot[bot]": true,
	} {
		if got, err := c.MayWrite(t.Context(), login); got != want || err != nil {
			t.Errorf("%s: %t, %v", login, got, err)
		}
	}
	for _, login := range []string{"", "a/../owner", "owner/permission?x=", "a b", "-x", strings.Repeat("a", 200)} {
		if got, err := c.MayWrite(t.Context(), login); got || err == nil {
			t.Errorf("%q may write: %t, %v", login, got, err)
		}
	}
	f.LimitSecondary(9, 500, 0)
	if got, err := client(t, f, "none").MayWrite(t.Context(), "owner"); got || err == nil {
		t.Errorf("%t, %v", got, err)
	}
}

func TestPull(t *testing.T) {
	f, c, p := stage(t)
	got, err := c.Pull(t.Context(), 7)
	want := github.Pull{Number: 7, State: "open", Author: "somebody", HeadSHA: p.HeadSHA, HeadRef: "feature", HeadRepository: "acme/models",
		BaseSHA: p.BaseSHA, BaseRef: "main", ChangedFiles: 1}
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	f.AddPull(githubtest.Pull{Number: 8, HeadRepository: "fork/models", HeadRef: "main", Draft: true, State: "closed"})
	if got, err := c.Pull(t.Context(), 8); err != nil || !got.Fork || !got.Draft || got.HeadRepository != "fork/models" || got.State != "closed" {
		t.Errorf("%+v, %v", got, err)
	}
	f.AddPull(githubtest.Pull{Number: 9, HeadRepository: githubtest.Gone})
	if got, err := c.Pull(t.Context(), 9); err != nil || !got.Fork || got.HeadRepository != "" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestFilesOfManyPages(t *testing.T) {
	f, c, _ := stage(t)
	for _, n := range []int{0, 1, 100, 101, 250, 2999, 3000, 3100} {
		var files []githubtest.File
		for i := range n {
			files = append(files, githubtest.File{Name: fmt.Sprintf("f%04d", i)})
		}
		f.AddPull(githubtest.Pull{Number: 8, Files: files})
		got, err := c.Files(t.Context(), 8)
		if err != nil || len(got.List) != min(n, 3000) || got.Cut != (n >= 3000) {
			t.Fatalf("of %d files %d, cut %t, %v", n, len(got.List), got.Cut, err)
		}
		if !slices.IsSortedFunc(got.List, func(a, b github.File) int { return strings.Compare(a.Name, b.Name) }) {
			t.Error("they are out of order")
		}
	}
}

func TestFilesAndComparison(t *testing.T) {
	f, c, _ := stage(t)
	files := []githubtest.File{
		{Name: "a.jsonl", Status: "added", Patch: "@@ -0,0 +1,2 @@\n+one\n+two"},
		{Name: "new name", Previous: "old", Status: "renamed"},
		{Name: "gone", Status: "removed", Patch: "@@ -1 +0,0 @@\n-one"},
	}
	want := []github.File{
		{Name: "a.jsonl", Status: "added", Added: []int{1, 2}, Patched: true},
		{Name: "new name", Previous: "old", Status: "renamed"},
		{Name: "gone", Status: "removed", Patched: true},
	}
	same := func(got []github.File) bool { return fmt.Sprintf("%+v", got) == fmt.Sprintf("%+v", want) }
	f.AddPull(githubtest.Pull{Number: 8, Files: files})
	if got, err := c.Files(t.Context(), 8); err != nil || !same(got.List) || got.Cut {
		t.Errorf("%+v, %v", got, err)
	}
	base, head := githubtest.SHA(1), githubtest.SHA(2)
	f.AddComparison(base, head, files)
	got, err := c.Compare(t.Context(), base, head)
	if err != nil || !same(got.Files.List) || got.Files.Cut || got.MergeBase != base || got.Ahead != 1 || got.Behind != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	f.AddComparison(base, head, slices.Repeat(files, 200))
	if got, err := c.Compare(t.Context(), base, head); err != nil || len(got.Files.List) != 300 || !got.Files.Cut {
		t.Errorf("%d files, cut %t, %v", len(got.Files.List), got.Files.Cut, err)
	}
	if _, err := c.Compare(t.Context(), base, "main"); !errors.Is(err, github.ErrNotFound) {
		t.Errorf("%v", err)
	}
}
