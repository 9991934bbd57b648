package githubtest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/tunegate/tunegate/internal/contract"
)

// noted is a test whose errors are kept.
type noted struct {
	testing.TB
	mu     sync.Mutex
	errors []string
}

func (n *noted) Errorf(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.errors = append(n.errors, fmt.Sprintf(format, args...))
}

// ask asks the fake with a token and returns the status and the body.
func ask(t *testing.T, f *Fake, token, method, path, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, APIURL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	reply, err := f.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply.StatusCode, string(text)
}

// Each planted breach of the contract is reported.
func TestExchangesAreChecked(t *testing.T) {
	if !contract.AtHand() {
		t.Skip(contract.Unchecked)
	}
	for _, c := range []struct{ name, method, path, body, want string }{
		{"an exchange", "GET", "/repos/acme/models/pulls/7", "", ""},
		{"a refusal", "GET", "/repos/acme/models/pulls/8", "", ""},
		{"a call that is not there", "GET", "/repos/acme/models/nothing", "", "is not part of the contract"},
		{"a method that is not there", "POST", "/repos/acme/models/pulls/7", "{}", "is not part of the contract"},
		{"a page that is no number", "GET", "/repos/acme/models/pulls/7/files?per_page=all", "", "was accepted, but the request breaks the contract"},
		{"a reason that is none", "PATCH", "/repos/acme/models/issues/ISSUE", `{"state":"closed","state_reason":"bored"}`, "was accepted, but the request breaks the contract"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := &noted{TB: t}
			f := New(n, Options{})
			f.AddPull(Pull{Number: 7})
			issue := f.AddIssue(Issue{Title: "x", Author: "somebody"})
			ask(t, f, WriteToken, c.method, strings.Replace(c.path, "ISSUE", fmt.Sprint(issue), 1), c.body)
			switch {
			case c.want == "" && len(n.errors) > 0:
				t.Errorf("reported: %q", n.errors)
			case c.want != "" && (len(n.errors) == 0 || !strings.Contains(n.errors[0], c.want)):
				t.Errorf("reported %q, want one with %q", n.errors, c.want)
			}
		})
	}
}

// What GitHub enforces and engines do not.
func TestEnforces(t *testing.T) {
	f := New(t, Options{})
	p := f.AddPull(Pull{Number: 7})
	theirs := f.AddComment(7, "somebody", "text")
	f.AddWorkflow(Workflow{File: "off.yml", State: "disabled_manually"})
	f.AddToken("narrow", Token{Login: Bot, Permissions: map[string]string{"statuses": "write"}})
	text := func(n int) string { return strings.Repeat("é", n) }
	body := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	type object = map[string]any
	comments, statuses := "/repos/acme/models/issues/7/comments", "/repos/acme/models/statuses/"
	annotations := func(n int) object {
		list := []object{}
		for range n {
			list = append(list, object{"path": "a", "start_line": 1, "end_line": 1, "annotation_level": "warning", "message": "m"})
		}
		return object{"name": "n", "head_sha": p.HeadSHA, "conclusion": "success", "output": object{"title": "t", "summary": "s", "annotations": list}}
	}
	for _, c := range []struct {
		name, token, method, path, body string
		want                            int
	}{
		{"an unknown token", "ghs_none", "GET", "/repos/acme/models/pulls/7", "", 401},
		{"another repository", WriteToken, "GET", "/repos/acme/other/pulls/7", "", 404},
		{"a token that may only read", ReadToken, "POST", comments, body(object{"body": "x"}), 403},
		{"a token without that permission", "narrow", "GET", comments, "", 403},
		{"a token with it", "narrow", "POST", statuses + p.HeadSHA, body(object{"state": "success"}), 201},
		{"a comment", WriteToken, "POST", comments, body(object{"body": text(65536)}), 201},
		{"a long comment", WriteToken, "POST", comments, body(object{"body": text(65537)}), 422},
		{"an empty comment", WriteToken, "POST", comments, body(object{"body": " "}), 422},
		{"a comment on nothing", WriteToken, "POST", "/repos/acme/models/issues/8/comments", body(object{"body": "x"}), 404},
		{"editing another's comment", WriteToken, "PATCH", fmt.Sprintf("/repos/acme/models/issues/comments/%d", theirs), body(object{"body": "x"}), 403},
		{"deleting another's comment", WriteToken, "DELETE", fmt.Sprintf("/repos/acme/models/issues/comments/%d", theirs), "", 403},
		{"reading it", WriteToken, "GET", fmt.Sprintf("/repos/acme/models/issues/comments/%d", theirs), "", 200},
		{"a status", WriteToken, "POST", statuses + p.HeadSHA, body(object{"state": "success", "description": text(140)}), 201},
		{"a long status", WriteToken, "POST", statuses + p.HeadSHA, body(object{"state": "success", "description": text(141)}), 422},
		{"a status of no commit", WriteToken, "POST", statuses + SHA(404), body(object{"state": "success"}), 422},
		{"a status with a script for a link", WriteToken, "POST", statuses + p.HeadSHA, body(object{"state": "success", "target_url": "javascript:x"}), 422},
		{"50 annotations", WriteToken, "POST", "/repos/acme/models/check-runs", body(annotations(50)), 201},
		{"51 annotations", WriteToken, "POST", "/repos/acme/models/check-runs", body(annotations(51)), 422},
		{"a disabled workflow", WriteToken, "POST", "/repos/acme/models/actions/workflows/off.yml/dispatches", body(object{"ref": "main"}), 422},
		{"no JSON", WriteToken, "POST", comments, "{", 400},
		{"an issue without a title", WriteToken, "POST", "/repos/acme/models/issues", body(object{"body": "x"}), 422},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, text := ask(t, f, c.token, c.method, c.path, c.body); got != c.want {
				t.Errorf("%d %s, want %d", got, text, c.want)
			}
		})
	}
	if got := f.Checks(); len(got) != 1 || len(got[0].Annotations) != 50 || got[0].Conclusion != "success" {
		t.Errorf("%+v", got)
	}
	if _, text := ask(t, f, WriteToken, "PATCH", fmt.Sprintf("/repos/acme/models/check-runs/%d", f.Checks()[0].ID), body(annotations(3))); len(f.Checks()[0].Annotations) != 53 {
		t.Errorf("annotations were not added: %s", text)
	}
}

func TestContents(t *testing.T) {
	f := New(t, Options{})
	f.AddContent("main", "a/b.yaml", []byte("version: 1\n"))
	if status, text := ask(t, f, ReadToken, "GET", "/repos/acme/models/contents/a/b.yaml?ref=main", ""); status != 200 || !strings.Contains(text, "dmVyc2lvbjogMQo=") {
		t.Errorf("%d %s", status, text)
	}
	if status, _ := ask(t, f, ReadToken, "GET", "/repos/acme/models/contents/a/b.yaml?ref=other", ""); status != 404 {
		t.Errorf("%d", status)
	}
}

// Under an address the store of artifacts has another host than the API.
func TestServe(t *testing.T) {
	f := New(t, Options{})
	base := f.Serve()
	run := f.AddRun(Run{})
	id := f.AddArtifact(Artifact{Name: "x", Run: run.ID, Archive: Zip(map[string]string{"a": "b"})})
	r, err := http.NewRequestWithContext(t.Context(), "GET", fmt.Sprintf("%s/repos/acme/models/actions/artifacts/%d/zip", base, id), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+ReadToken)
	reply, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	reply.Body.Close()
	place, err := reply.Location()
	if err != nil || place.Host == r.URL.Host {
		t.Fatalf("%v, %v", place, err)
	}
	for token, want := range map[string]int{"": 200, "Bearer " + ReadToken: 400} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", place.String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			r.Header.Set("Authorization", token)
		}
		reply, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		reply.Body.Close()
		if reply.StatusCode != want {
			t.Errorf("with the token %q: %s", token, reply.Status)
		}
	}
	if len(f.Leaks()) != 1 {
		t.Errorf("%q", f.Leaks())
	}
}
