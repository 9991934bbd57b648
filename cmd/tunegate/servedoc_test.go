package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tunegate/tunegate/internal/localtune/wiretest"
)

// TestServePage runs the blocks of docs/serve.md, each as it stands: the servers, curl and the Python client, which the
// environment tells where the server is. The Go program is one that .ci/run builds and runs.
func TestServePage(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(root, "docs", "serve.md")
	dir := t.TempDir()
	base := served(t)
	ran := map[string]bool{}
	for _, b := range blocks(t, page) {
		kind := b.kind
		switch {
		case kind == "sh" && strings.HasPrefix(b.text, "tunegate serve"):
			kind = "servers"
		case kind == "sh" && strings.HasPrefix(b.text, "export "):
			kind = "environment"
		case kind == "sh":
			kind = "curl"
		}
		ran[kind] = true
		t.Run(kind, func(t *testing.T) {
			switch kind {
			case "servers":
				for line := range strings.Lines(b.text) {
					command, _, _ := strings.Cut(line, "#")
					served(t, strings.Fields(command)[2:]...)
				}
			case "environment":
				if want := "export OPENAI_BASE_URL=http://127.0.0.1:4141/v1 OPENAI_API_KEY=any\n"; b.text != want {
					t.Errorf("serve.md:%d: %q, want %q, where a server listens that has no other address", b.line, b.text, want)
				}
			case "curl":
				curlBlock(t, dir, base, b)
			case "python":
				if err := exec.Command("python3", "-c", "import openai").Run(); err != nil {
					t.Skip("the Python client is not run here: there is no python3 with the package openai; .ci/run has one")
				}
				if _, err := os.Stat(filepath.Join(dir, "train.jsonl")); err != nil {
					t.Skip("the Python client is not run here, since what makes its train.jsonl was not:", err)
				}
				out := pageProgram(t, dir, base, b, "python3", "-")
				if !bytes.Contains(out, []byte("\nshipping\n256\n")) {
					t.Errorf("serve.md:%d: it prints\n%s", b.line, out)
				}
			case "go":
				program, err := os.ReadFile(filepath.Join(root, ".ci", "goclient", "main.go"))
				if err != nil || string(program) != b.text {
					t.Errorf("serve.md:%d: the program is not the one of .ci/goclient (%v)", b.line, err)
				}
			default:
				t.Errorf("serve.md:%d: a block of kind %q is neither run nor checked", b.line, kind)
			}
		})
	}
	for _, kind := range []string{"servers", "environment", "curl", "python", "go"} {
		if !ran[kind] {
			t.Errorf("serve.md has no block of kind %s", kind)
		}
	}
	script, err := os.ReadFile(filepath.Join(root, ".ci", "run"))
	for _, line := range []string{"block sh 'curl ' ", "block python openai ", "go build -C .ci/goclient "} {
		if err != nil || !strings.Contains(string(script), line) {
			t.Errorf(".ci/run does not run %q (%v)", line, err)
		}
	}
}

// TestOfficialPythonClient drives a server with the package that its users have, and checks what the two say to each other.
func TestOfficialPythonClient(t *testing.T) {
	if err := exec.Command("python3", "-c", "import openai").Run(); err != nil {
		t.Skip("there is no python3 with the package openai; .ci/run has one")
	}
	c := exec.CommandContext(t.Context(), "python3", filepath.Join("..", "..", ".ci", "openai_client.py"), served(t, "--step-delay", "2ms"))
	c.Env = append(os.Environ(), proxied(t)...)
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// proxied are the variables by which a program that is not ours goes through a wiretest.Proxy, also to this machine.
func proxied(t *testing.T) []string {
	t.Helper()
	return []string{"http_proxy=" + wiretest.Proxy(t), "no_proxy=", "HTTP_PROXY=", "NO_PROXY="}
}

// curlBlock runs the shell commands, and reads what the server said on each line.
func curlBlock(t *testing.T, dir, base string, b block) {
	for _, tool := range []string{"curl", "bash", "sed", "grep"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("the commands with curl are not run here:", err)
		}
	}
	out := pageProgram(t, dir, base, b, "bash", "-eu")
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 4 {
		t.Fatalf("serve.md:%d: it prints %d lines, want 4\n%s", b.line, len(lines), out)
	}
	for i, want := range []string{`"metadata":{"run":"first"}`, `"message":"The job has success`, `"content":"shipping"`, `"object":"embedding"`} {
		if !strings.Contains(lines[i], want) || !json.Valid([]byte(lines[i])) {
			t.Errorf("serve.md:%d: line %d lacks %s:\n%s", b.line, i+1, want, lines[i])
		}
	}
}

// pageProgram runs a block as the input of a command, in dir, as somebody who set the environment.
func pageProgram(t *testing.T, dir, base string, b block, name string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.Stdin = dir, strings.NewReader(b.text)
	c.WaitDelay = time.Second
	c.Env = append(append(os.Environ(), "OPENAI_BASE_URL="+base, "OPENAI_API_KEY=any"), proxied(t)...)
	var complaints bytes.Buffer
	c.Stderr = &complaints
	out, err := c.Output()
	if err != nil {
		t.Fatalf("serve.md:%d: %s: %v\n%s%s", b.line, name, err, out, complaints.Bytes())
	}
	return out
}
