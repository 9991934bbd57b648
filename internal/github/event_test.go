package github

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const (
	sha1 = "1111111111111111111111111111111111111111"
	sha2 = "2222222222222222222222222222222222222222"
)

// environment is what a runner sets, with changes.
func environment(name string, more ...string) map[string]string {
	env := map[string]string{"GITHUB_EVENT_NAME": name, "GITHUB_REPOSITORY": "acme/models", "GITHUB_REPOSITORY_ID": "42", "GITHUB_SHA": sha2,
		"GITHUB_REF": "refs/heads/main", "GITHUB_RUN_ID": "900", "GITHUB_RUN_ATTEMPT": "3", "GITHUB_SERVER_URL": "https://github.com"}
	for i := 0; i < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	return env
}

const pullPayload = `{"action":"synchronize","number":7,"pull_request":{"number":7,"draft":true,
	"head":{"sha":"` + sha1 + `","ref":"feature/x","repo":{"id":HEADID,"full_name":"HEADNAME"}},
	"base":{"sha":"` + sha2 + `","ref":"main","repo":{"id":42,"full_name":"acme/models"}}},
	"repository":{"id":42,"full_name":"acme/models","default_branch":"main"},"sender":{"login":"somebody","type":"User"}}`

func pullEvent(id, name string) string {
	return strings.NewReplacer("HEADID", id, "HEADNAME", name).Replace(pullPayload)
}

const commentPayload = `{"action":"created","issue":{"number":7,"pull_request":{"url":"x"}},
	"comment":{"id":99,"body":"/finetune\nhttps://x","created_at":"2026-01-01T00:00:00Z","user":{"login":"somebody","type":"User"}},
	"repository":{"id":42,"full_name":"acme/models","default_branch":"main"},"sender":{"login":"somebody","type":"User"}}`

func TestReadEvent(t *testing.T) {
	// What all events have.
	base := Event{HeadSHA: sha2, HeadRef: "refs/heads/main", RunID: 900, RunAttempt: 3, RunURL: "https://github.com/acme/models/actions/runs/900",
		Repository: "acme/models", RepositoryID: 42}
	with := func(change func(*Event)) Event { e := base; change(&e); return e }
	pull := with(func(e *Event) {
		e.Name, e.Action, e.Pull, e.Draft, e.HeadSHA, e.HeadRef, e.BaseSHA, e.BaseRef = "pull_request", "synchronize", 7, true, sha1, "feature/x", sha2, "main"
		e.HeadRepository, e.DefaultBranch, e.Sender, e.SenderType = "acme/models", "main", "somebody", "User"
	})
	for _, c := range []struct {
		name, event, payload string
		want                 Event
	}{
		{"a pull request", "pull_request", pullEvent("42", "acme/models"), pull},
		{"a pull request whose repository is written otherwise", "pull_request", pullEvent("42", "Acme/Models"), func() Event { e := pull; e.HeadRepository = "Acme/Models"; return e }()},
		{"a pull request from a fork", "pull_request_target", pullEvent("43", "mallory/models"), func() Event {
			e := pull
			e.Name, e.HeadRepository, e.Fork = "pull_request_target", "mallory/models", true
			return e
		}()},
		{"a name that was taken over", "pull_request", pullEvent("43", "acme/models"), func() Event { e := pull; e.Fork = true; return e }()},
		{"a pull request whose fork is gone", "pull_request", strings.Replace(pullEvent("1", "x"), `{"id":1,"full_name":"x"}`, "null", 1), func() Event {
			e := pull
			e.HeadRepository, e.Fork = "", true
			return e
		}()},
		{"a comment", "issue_comment", commentPayload, with(func(e *Event) {
			e.Name, e.Action, e.Pull, e.DefaultBranch, e.Sender, e.SenderType = "issue_comment", "created", 7, "main", "somebody", "User"
			e.CommentID, e.CommentBody, e.CommentAuthor, e.CommentAuthorType, e.CommentCreated = 99, "/finetune\nhttps://x", "somebody", "User", "2026-01-01T00:00:00Z"
		})},
		{"a comment on an issue", "issue_comment", strings.Replace(commentPayload, `,"pull_request":{"url":"x"}`, "", 1), with(func(e *Event) {
			e.Name, e.Action, e.DefaultBranch, e.Sender, e.SenderType = "issue_comment", "created", "main", "somebody", "User"
			e.CommentID, e.CommentBody, e.CommentAuthor, e.CommentAuthorType, e.CommentCreated = 99, "/finetune\nhttps://x", "somebody", "User", "2026-01-01T00:00:00Z"
		})},
		{"a merge group", "merge_group", `{"action":"checks_requested","merge_group":{"head_sha":"` + sha1 + `","head_ref":"refs/heads/gh-readonly-queue/main/pr-7-x","base_sha":"` + sha2 + `","base_ref":"refs/heads/main"}}`,
			with(func(e *Event) {
				e.Name, e.Action, e.HeadSHA, e.HeadRef, e.BaseSHA, e.BaseRef = "merge_group", "checks_requested", sha1, "gh-readonly-queue/main/pr-7-x", sha2, "main"
			})},
		{"the button", "workflow_dispatch", `{"inputs":{"legs":"a b","dry-run":true,"n":3,"none":null},"ref":"refs/heads/main"}`, with(func(e *Event) {
			e.Name, e.Inputs = "workflow_dispatch", map[string]string{"legs": "a b", "dry-run": "true", "n": "3", "none": ""}
		})},
		{"the button without inputs", "workflow_dispatch", `{"inputs":null}`, with(func(e *Event) { e.Name, e.Inputs = "workflow_dispatch", map[string]string{} })},
		{"the nightly", "schedule", `{"schedule":"17 3 * * *"}`, with(func(e *Event) { e.Name = "schedule" })},
		{"a push", "push", `{"ref":"refs/heads/main","before":"` + sha2 + `","after":"` + sha1 + `"}`, with(func(e *Event) { e.Name, e.HeadSHA, e.BaseSHA = "push", sha1, sha2 })},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := environment(c.event, "GITHUB_EVENT_PATH", filepath.Join(t.TempDir(), "event.json"))
			if err := os.WriteFile(env["GITHUB_EVENT_PATH"], []byte(c.payload), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := ReadEvent(func(k string) string { return env[k] })
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v, %v\nwant %+v", got, err, c.want)
			}
		})
	}
}

func TestReadEventRefuses(t *testing.T) {
	good := pullEvent("42", "acme/models")
	for _, c := range []struct {
		name, event, payload string
		env                  []string
		want                 string
	}{
		{"no JSON", "pull_request", "{", nil, "the payload: "},
		{"a list", "pull_request", "[]", nil, "the payload: "},
		{"no pull request", "pull_request", "{}", nil, "names no pull request"},
		{"a number of another type", "pull_request", strings.Replace(good, `{"number":7`, `{"number":"7"`, 1), nil, "the payload: "},
		{"a negative number", "pull_request", strings.Replace(good, `{"number":7`, `{"number":-7`, 1), nil, "names no pull request"},
		{"a head that is no SHA", "pull_request", strings.Replace(good, sha1, "$(id)", 1), nil, `the head SHA is "$(id)"`},
		{"no base", "pull_request", strings.Replace(good, sha2, "", 1), nil, `the base SHA is ""`},
		{"an option for a ref", "pull_request", strings.Replace(good, "feature/x", "--upload-pack=x", 1), nil, "the head ref is"},
		{"a ref of two lines", "pull_request", strings.Replace(good, "feature/x", `a\nb`, 1), nil, "the head ref is"},
		{"a repository with a path", "pull_request", pullEvent("43", "../../x"), nil, "not a repository"},
		{"the payload of another repository", "pull_request", strings.Replace(good, `"full_name":"acme/models","default_branch"`, `"full_name":"other/models","default_branch"`, 1), nil, "GITHUB_REPOSITORY is"},
		{"no repository", "pull_request", good, []string{"GITHUB_REPOSITORY", ""}, "GITHUB_REPOSITORY"},
		{"a run that is no number", "schedule", "{}", []string{"GITHUB_RUN_ID", "x\ny"}, `GITHUB_RUN_ID: "x y" is not a number`},
		{"a commit that is none", "schedule", "{}", []string{"GITHUB_SHA", "main"}, "the head SHA"},
		{"a comment of nobody", "issue_comment", strings.Replace(commentPayload, `{"login":"somebody","type":"User"}`, "null", 1), nil, "names no comment"},
		{"a comment by a name that is none", "issue_comment", strings.Replace(commentPayload, `"somebody"`, `"some/body"`, 1), nil, "the comment's author is"},
		{"an input that is a list", "workflow_dispatch", `{"inputs":{"x":[]}}`, nil, `the input "x" is no text`},
		{"inputs that are text", "workflow_dispatch", `{"inputs":"x"}`, nil, "the payload: "},
		{"no merge group", "merge_group", "{}", nil, "names no merge group"},
		{"a merge group of nothing", "merge_group", `{"merge_group":{}}`, nil, "the head SHA"},
		{"a push of nothing", "push", "{}", nil, "the base SHA"},
		{"deep", "schedule", strings.Repeat(`{"a":`, 20000), nil, "the payload: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := environment(c.event, c.env...)
			e, err := parseEvent(func(k string) string { return env[k] }, []byte(c.payload))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%+v, %v, want %q", e, err, c.want)
			}
		})
	}
}

// What must start nothing is told apart from what is broken.
func TestOtherEvents(t *testing.T) {
	for _, c := range []struct{ event, payload string }{
		{"issue_comment", strings.Replace(commentPayload, "created", "edited", 1)},
		{"issue_comment", strings.Replace(commentPayload, "created", "deleted", 1)},
		{"issue_comment", `{}`},
		{"workflow_run", "{}"}, {"check_run", "{}"}, {"pull_request_review_comment", "{}"}, {"PULL_REQUEST", "{}"},
	} {
		env := environment(c.event)
		if _, err := parseEvent(func(k string) string { return env[k] }, []byte(c.payload)); !errors.Is(err, ErrOtherEvent) {
			t.Errorf("%s: %v", c.event, err)
		}
	}
}

func TestReadEventWithoutAFile(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, eventLimit+1); err != nil {
		t.Fatal(err)
	}
	for _, env := range []map[string]string{{}, environment("push"), environment("push", "GITHUB_EVENT_PATH", filepath.Join(dir, "absent")),
		environment("push", "GITHUB_EVENT_PATH", dir), environment("push", "GITHUB_EVENT_PATH", large)} {
		if e, err := ReadEvent(func(k string) string { return env[k] }); err == nil || !reflect.DeepEqual(e, Event{}) {
			t.Errorf("%+v, %v", e, err)
		}
	}
}

// Whatever the payload: no panic, and an event that is taken names nothing that could be mistaken for an option, a path or a
// second line.
func FuzzEvent(f *testing.F) {
	for _, p := range []string{pullEvent("42", "acme/models"), commentPayload, `{"inputs":{"a":"b"}}`, "null", `{"before":"` + sha1 + `"}`,
		`{"merge_group":{"head_sha":"` + sha1 + `","head_ref":"refs/heads/x","base_sha":"` + sha2 + `","base_ref":"refs/heads/main"}}`} {
		for _, name := range []string{"pull_request", "issue_comment", "merge_group", "workflow_dispatch", "push"} {
			f.Add(name, p)
		}
	}
	f.Fuzz(func(t *testing.T, name, payload string) {
		env := environment(name)
		e, err := parseEvent(func(k string) string { return env[k] }, []byte(payload))
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\x1b") || len(err.Error()) > 8<<10 {
				t.Errorf("%q", err)
			}
			return
		}
		for _, sha := range []string{e.HeadSHA, e.BaseSHA} {
			if sha != "" && !shaForm.MatchString(sha) {
				t.Errorf("%q", sha)
			}
		}
		for _, s := range []string{e.HeadRef, e.BaseRef, e.CommentAuthor, e.Sender, e.HeadRepository, e.DefaultBranch} {
			if strings.HasPrefix(s, "-") || strings.ContainsAny(s, "\n\r\x00 ") {
				t.Errorf("%q", s)
			}
		}
	})
}
