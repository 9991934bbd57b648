package github_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tunegate/tunegate/internal/github"
	"github.com/tunegate/tunegate/internal/github/githubtest"
)

// Of all artifacts with the right name only those of the default branch of the repository itself count.
func TestTrustedArtifacts(t *testing.T) {
	f, c, _ := stage(t)
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	var want []int64
	for i, r := range []struct {
		what    string
		run     githubtest.Run
		name    string
		expired bool
		trusted bool
	}{
		{what: "the nightly", name: "state", trusted: true},
		{what: "a fork whose branch has the same name", run: githubtest.Run{HeadRepository: "mallory/models", Event: "pull_request"}, name: "state"},
		{what: "another branch", run: githubtest.Run{HeadBranch: "feature", Event: "pull_request"}, name: "state"},
		{what: "a name that begins alike", name: "state-2"},
		{what: "a name in capitals", name: "STATE"},
		{what: "expired", name: "state", expired: true},
		{what: "a later run", name: "state", trusted: true},
	} {
		run := f.AddRun(r.run)
		id := f.AddArtifact(githubtest.Artifact{Name: r.name, Run: run.ID, Expired: r.expired, Created: day(i + 1), Archive: githubtest.Zip(nil)})
		if r.trusted {
			want = append([]int64{id}, want...)
		}
	}
	f.AddArtifact(githubtest.Artifact{Name: "state", Run: 404, Created: day(20)}) // its run is gone
	ids := func(limit int) (ids []int64) {
		t.Helper()
		got, err := c.TrustedArtifacts(t.Context(), "state", limit)
		check(t, err)
		for _, a := range got {
			ids = append(ids, a.ID)
		}
		return ids
	}
	if got := ids(10); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := ids(1); !slices.Equal(got, want[:1]) {
		t.Errorf("%v, want %v", got, want[:1])
	}
	// A fork floods the first pages.
	fork := f.AddRun(githubtest.Run{HeadRepository: "mallory/models"})
	for range 250 {
		f.AddArtifact(githubtest.Artifact{Name: "state", Run: fork.ID, Created: day(30)})
	}
	if got := ids(10); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestDownload(t *testing.T) {
	f, c, _ := stage(t)
	run := f.AddRun(githubtest.Run{})
	add := func(files map[string]string) int64 {
		return f.AddArtifact(githubtest.Artifact{Name: "x", Run: run.ID, Archive: githubtest.Zip(files)})
	}
	id := add(map[string]string{"reports/report.json": "{}", "a": "b"})
	files, err := c.Download(t.Context(), id, github.Limits{})
	if err != nil || len(files) != 2 || string(files["reports/report.json"]) != "{}" {
		t.Errorf("%q, %v", files, err)
	}
	if _, err := c.Download(t.Context(), id, github.Limits{Packed: 10}); !errors.Is(err, github.ErrTooLarge) {
		t.Errorf("%v", err)
	}
	if _, err := c.Download(t.Context(), id, github.Limits{Total: 2}); !errors.Is(err, github.ErrTooLarge) {
		t.Errorf("%v", err)
	}
	if _, err := c.Download(t.Context(), add(map[string]string{"../../x": "y"}), github.Limits{}); err == nil || !strings.Contains(err.Error(), `"../../x": not a path below a folder`) {
		t.Errorf("%v", err)
	}
	if _, err := c.Download(t.Context(), 404, github.Limits{}); !errors.Is(err, github.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if _, err := c.Download(t.Context(), f.AddArtifact(githubtest.Artifact{Name: "x", Expired: true}), github.Limits{}); !errors.Is(err, github.ErrGone) {
		t.Errorf("%v", err)
	}
	if leaks := f.Leaks(); len(leaks) > 0 {
		t.Errorf("the token went to %q", leaks)
	}
}

// A signed address never shows in an error, and no place is followed that is less safe than the API.
func TestDownloadKeepsSecrets(t *testing.T) {
	const secret = "sig=s3cr3t"
	for name, c := range map[string]struct {
		location string
		store    func(*http.Request) (*http.Response, error)
	}{
		"a store that refuses": {"https://blobs.test/x?" + secret, func(r *http.Request) (*http.Response, error) { return answer(r, 403, "no "+secret), nil }},
		"a store that is down": {"https://blobs.test/x?" + secret, func(r *http.Request) (*http.Response, error) { return nil, errors.New("down") }},
		"no encryption":        {"http://blobs.test/x?" + secret, nil},
		"a file":               {"file:///etc/passwd?" + secret, nil},
		"no address":           {"https://%zz?" + secret, nil},
		"a password":           {"https://user:s3cr3t@blobs.test/x", nil},
		"a redirect to a file": {"https://blobs.test/x?" + secret, func(r *http.Request) (*http.Response, error) {
			return answer(r, 302, "", "Location", "file:///x?"+secret), nil
		}},
		"a redirect in a circle": {"https://blobs.test/x?" + secret, func(r *http.Request) (*http.Response, error) {
			return answer(r, 302, "", "Location", r.URL.String()), nil
		}},
		"no archive": {"https://blobs.test/x?" + secret, func(r *http.Request) (*http.Response, error) { return answer(r, 200, "<html>"+secret), nil }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, err := github.New(github.Config{Token: "s3cr3t-token", Repository: "acme/models", BaseURL: githubtest.APIURL,
					HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
						if r.URL.Host == "api.github.test" {
							return answer(r, http.StatusFound, "", "Location", c.location), nil
						}
						if r.Header.Get("Authorization") != "" || strings.Contains(fmt.Sprint(r.Header), "s3cr3t") {
							t.Errorf("%s was sent %v", r.URL.Host, r.Header)
						}
						if c.store == nil {
							t.Errorf("%s was asked", r.URL)
							return nil, errors.New("no")
						}
						return c.store(r)
					})}})
				check(t, err)
				_, err = client.Download(t.Context(), 1, github.Limits{})
				if err == nil || strings.Contains(err.Error(), "s3cr3t") {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

// job returns the artifacts of a run as its job sees them.
func job(t *testing.T, f *githubtest.Fake, run int64) *github.JobArtifacts {
	t.Helper()
	env := f.JobEnvironment(run, "")
	a, err := github.NewJobArtifacts(func(k string) string { return env[k] }, f.Client())
	check(t, err)
	return a
}

func TestJobArtifacts(t *testing.T) {
	for _, camel := range []bool{false, true} {
		t.Run(fmt.Sprintf("camel case %t", camel), func(t *testing.T) {
			t.Parallel()
			f := githubtest.New(t, githubtest.Options{CamelCase: camel})
			run := f.AddRun(githubtest.Run{})
			a := job(t, f, run.ID)
			ctx := t.Context()
			large := make([]byte, 9<<20) // two blocks, whatever packs it
			_, _ = rand.Read(large)
			files := map[string][]byte{"models/router.json": []byte("{}"), "large": large}
			id, err := a.Upload(ctx, "tunegate router", files, 7)
			check(t, err)
			back, err := a.Download(ctx, "tunegate router", github.Limits{})
			if err != nil || len(back) != 2 || !bytes.Equal(back["large"], large) {
				t.Errorf("%d files, %v", len(back), err)
			}
			empty, err := a.Upload(ctx, "empty", nil, 0)
			check(t, err)
			list, err := a.List(ctx)
			if err != nil || len(list) != 2 || !slices.ContainsFunc(list, func(a github.Artifact) bool {
				return a.ID == id && a.Name == "tunegate router" && a.Size > 9<<20 && !a.Created.IsZero()
			}) {
				t.Errorf("%+v, %v", list, err)
			}
			// The same name once more.
			if _, err := a.Upload(ctx, "empty", nil, 0); !errors.Is(err, github.ErrExists) {
				t.Errorf("%v", err)
			}
			if _, err := a.Download(ctx, "absent", github.Limits{}); !errors.Is(err, github.ErrNotFound) {
				t.Errorf("%v", err)
			}
			// It is there for other runs, through the API; and a run sees its own alone.
			c := client(t, f, githubtest.WriteToken)
			trusted, err := c.TrustedArtifacts(ctx, "tunegate router", 1)
			if err != nil || len(trusted) != 1 || trusted[0].ID != id || trusted[0].Run != run.ID {
				t.Errorf("%+v, %v", trusted, err)
			}
			if back, err := c.Download(ctx, id, github.Limits{}); err != nil || string(back["models/router.json"]) != "{}" {
				t.Errorf("%v", err)
			}
			if list, err := job(t, f, f.AddRun(githubtest.Run{}).ID).List(ctx); err != nil || len(list) != 0 {
				t.Errorf("%+v, %v", list, err)
			}
			all := f.Artifacts()
			if d := all[0].Expires.Sub(all[0].Created).Round(time.Hour); d != 7*24*time.Hour || all[1].ID != empty {
				t.Errorf("it is kept for %s", d)
			}
			if leaks := f.Leaks(); len(leaks) > 0 {
				t.Errorf("the token went to %q", leaks)
			}
		})
	}
}

func TestJobArtifactsRefuse(t *testing.T) {
	f := githubtest.New(t, githubtest.Options{})
	a := job(t, f, f.AddRun(githubtest.Run{}).ID)
	for _, name := range []string{"", "a/b", `a\b`, "a\nb", "a:b", "a*", strings.Repeat("n", 256)} {
		if _, err := a.Upload(t.Context(), name, nil, 0); err == nil {
			t.Errorf("%q was taken", name)
		}
	}
	if _, err := a.Upload(t.Context(), "x", map[string][]byte{"../x": nil}, 0); err == nil {
		t.Error("a name that leads elsewhere was packed")
	}
	if len(f.Artifacts()) > 0 {
		t.Error("something was uploaded")
	}
}

func TestJobArtifactsOutsideOfAStep(t *testing.T) {
	f := githubtest.New(t, githubtest.Options{})
	good := f.JobEnvironment(1, "")
	for _, missing := range []string{"ACTIONS_RUNTIME_TOKEN", "ACTIONS_RESULTS_URL"} {
		_, err := github.NewJobArtifacts(func(k string) string {
			if k == missing {
				return ""
			}
			return good[k]
		}, nil)
		if !errors.Is(err, github.ErrNoArtifacts) {
			t.Errorf("%v", err)
		}
	}
	for key, bad := range map[string][]string{
		"ACTIONS_RUNTIME_TOKEN": {"x", "a.b.c", "a.e30.c", "a.bnVsbA.c", "a.eyJzY3AiOiJBY3Rpb25zLlJlc3VsdHM6MSJ9.c", "a.W10.c", good["ACTIONS_RUNTIME_TOKEN"] + "\n"},
		"ACTIONS_RESULTS_URL":   {"x", "ftp://x", "https://u:p@x", ":"},
	} {
		for _, v := range bad {
			_, err := github.NewJobArtifacts(func(k string) string {
				if k == key {
					return v
				}
				return good[k]
			}, nil)
			if err == nil || errors.Is(err, github.ErrNoArtifacts) || strings.Contains(err.Error(), v) && len(v) > 1 {
				t.Errorf("%q: %v", v, err)
			}
		}
	}
}

// The service falters, as the real one does: what it refuses for a moment is sent again.
func TestJobArtifactsOutlastTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := githubtest.New(t, githubtest.Options{})
		env := f.JobEnvironment(f.AddRun(githubtest.Run{}).ID, "")
		n := 0
		inner := f.Client().Transport
		a, err := github.NewJobArtifacts(func(k string) string { return env[k] }, &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			n++
			switch n % 3 {
			case 1:
				return answer(r, http.StatusServiceUnavailable, `{"code":"unavailable","msg":"at https://x/?sig=s3cr3t"}`), nil
			case 2:
				return nil, errors.New("reset")
			}
			return inner.RoundTrip(r)
		})})
		check(t, err)
		_, err = a.Upload(t.Context(), "x", map[string][]byte{"a": []byte("b")}, 0)
		check(t, err)
		if back, err := a.Download(t.Context(), "x", github.Limits{}); err != nil || string(back["a"]) != "b" {
			t.Errorf("%q, %v", back, err)
		}
		down, err := github.NewJobArtifacts(func(k string) string { return env[k] }, &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			return answer(r, http.StatusServiceUnavailable, `{"code":"unavailable","msg":"at https://x/?sig=s3cr3t"}`), nil
		})})
		check(t, err)
		start := time.Now()
		if _, err := down.List(t.Context()); err == nil || strings.Contains(err.Error(), "s3cr3t") || time.Since(start) > time.Minute {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}

// Against another implementation of the service, such as that of act, at the address that TUNEGATE_ACTIONS_RESULTS names.
// Where it wants a token, TUNEGATE_ACTIONS_TOKEN is it.
func TestJobArtifactsOfAnotherServer(t *testing.T) {
	address := os.Getenv("TUNEGATE_ACTIONS_RESULTS")
	if address == "" {
		t.Skip("TUNEGATE_ACTIONS_RESULTS is not set")
	}
	token := os.Getenv("TUNEGATE_ACTIONS_TOKEN")
	if token == "" {
		token = "e30.eyJzY3AiOiJBY3Rpb25zLlJlc3VsdHM6MToxIn0.x" // Actions.Results:1:1
	}
	env := map[string]string{"ACTIONS_RUNTIME_TOKEN": token, "ACTIONS_RESULTS_URL": address}
	a, err := github.NewJobArtifacts(func(k string) string { return env[k] }, nil)
	check(t, err)
	large := make([]byte, 20<<20)
	_, _ = rand.Read(large)
	files := map[string][]byte{"reports/report.json": []byte("{}"), "large": large}
	name := "tunegate-" + rand.Text()
	id, err := a.Upload(t.Context(), name, files, 1)
	check(t, err)
	back, err := a.Download(t.Context(), name, github.Limits{})
	if err != nil || len(back) != 2 || !bytes.Equal(back["large"], large) || string(back["reports/report.json"]) != "{}" {
		t.Errorf("%d files, %v", len(back), err)
	}
	list, err := a.List(t.Context())
	if err != nil || !slices.ContainsFunc(list, func(a github.Artifact) bool { return a.Name == name && a.ID == id }) {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := a.Download(t.Context(), name+"-absent", github.Limits{}); err == nil {
		t.Error("an artifact that is not there was downloaded")
	}
}
