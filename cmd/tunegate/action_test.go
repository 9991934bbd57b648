package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/localtune/wiretest"
)

// A service that is hostile to the log: what it says must reach the runner as text, and the key not at all, except to
// be masked before anything else is printed.
func TestActionKeepsKeysAndCommandsApart(t *testing.T) {
	const key = "a-key-that-nobody-may-see"
	s := httptest.NewServer(wiretest.CheckRequests(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":{"message":"no\n::add-mask::e\n##[error]forged\n::set-output name=verdict::pass","type":"x"}}`)
	})))
	defer s.Close()
	manifest := remote(t, s.URL+"/v1")
	text, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	keyed := strings.Replace(string(text), "{kind: openai, ", "{kind: openai, api_key_env: SERVED_KEY, ", 1)
	if err := os.WriteFile(manifest, []byte(keyed), 0o644); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(manifest)
	vars := map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": dir, "GITHUB_OUTPUT": filepath.Join(dir, "output"), "GITHUB_STEP_SUMMARY": filepath.Join(dir, "summary"),
		"INPUT_MANIFEST": manifest, "INPUT_OUT": dir, "INPUT_STATE": filepath.Join(dir, "state"), "INPUT_LEGS": "ops-tools", "SERVED_KEY": key,
		"INPUT_ALLOWED-HOSTS": strings.TrimPrefix(s.URL, "http://") + "=SERVED_KEY",
	}
	var printed, other bytes.Buffer
	code := run(t.Context(), []string{"action"}, func(k string) string { return vars[k] }, strings.NewReader(""), &printed, &other)
	if code != exitError {
		t.Errorf("exit code %d, want %d\n%s", code, exitError, printed.String())
	}
	if other.Len() > 0 {
		t.Errorf("a second stream was used: %q", other.String())
	}
	lines := strings.Split(printed.String(), "\n")
	if lines[0] != "::add-mask::"+key || strings.Count(printed.String(), key) != 1 {
		t.Errorf("the first line is %q; the key is printed %d times", lines[0], strings.Count(printed.String(), key))
	}
	token, ok := strings.CutPrefix(lines[1], "::stop-commands::")
	if !ok {
		t.Fatalf("the second line is %q", lines[1])
	}
	inside, after, _ := strings.Cut(strings.Join(lines[2:], "\n"), "\n::"+token+"::\n")
	if !strings.Contains(inside, "forged") {
		t.Errorf("what the service said is not in the log:\n%s", inside)
	}
	for line := range strings.Lines(after) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "::error title=tunegate") {
			t.Errorf("after the text of strangers came %q", line)
		}
	}
	outputs, err := os.ReadFile(vars["GITHUB_OUTPUT"])
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(outputs), "verdict<<_GitHubActionsFileCommandDelimeter_\nerror\n") || strings.Contains(string(outputs), "pass") {
		t.Errorf("outputs:\n%s", outputs)
	}
}

func TestFenced(t *testing.T) {
	for text, want := range map[string]string{
		"plain\n":      "```text\nplain\n```\n",
		"a\n```\n# b":  "````text\na\n```\n# b\n````\n",
		"a\n`````\n# ": "``````text\na\n`````\n# \n``````\n",
	} {
		if got := fenced(text); got != want {
			t.Errorf("fenced(%q) = %q, want %q", text, got, want)
		}
	}
}
