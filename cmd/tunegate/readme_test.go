package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// block is a fenced block of a Markdown page.
type block struct {
	kind string // the word after the fence
	text string
	line int
}

func blocks(t *testing.T, page string) []block {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var all []block
	open := false
	for i, line := range strings.SplitAfter(string(data), "\n") {
		if kind, fence := strings.CutPrefix(strings.TrimRight(line, "\n"), "```"); fence {
			if open = !open; open {
				all = append(all, block{kind: kind, line: i + 2})
			}
			continue
		}
		if open {
			all[len(all)-1].text += line
		}
	}
	return all
}

// TestReadme runs every command of the README, in order, in a copy of what they need. A line may end with "# exit N".
// A text block is what the command before it prints, a yaml block a manifest that check accepts.
func TestReadme(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "testdata"), os.DirFS(filepath.Join(root, "testdata"))); err != nil {
		t.Fatal(err)
	}
	commands, printed := 0, ""
	for _, b := range blocks(t, filepath.Join(root, "README.md")) {
		switch b.kind {
		case "sh":
			for line := range strings.Lines(b.text) {
				printed = readmeCommand(t, root, dir, strings.TrimSpace(line), b.line)
				commands++
			}
		case "text":
			if got, want := timeless(printed), timeless(b.text); got != want {
				t.Errorf("README.md:%d shows\n%s\nand the command prints\n%s", b.line, want, got)
			}
		case "yaml":
			readmeManifest(t, root, b)
		default:
			t.Errorf("README.md:%d: a block of kind %q is neither run nor checked", b.line, b.kind)
		}
	}
	if commands < 5 {
		t.Errorf("only %d commands were found", commands)
	}
}

func readmeCommand(t *testing.T, root, dir, line string, at int) (stdout string) {
	t.Helper()
	command, want, _ := strings.Cut(line, "# exit ")
	args := strings.Fields(command)
	var c *exec.Cmd
	switch {
	case command == "go test ./...":
		// This very test is part of it; that the checks run it is what can be asserted here.
		script, err := os.ReadFile(filepath.Join(root, ".ci", "run"))
		if err != nil || !slices.Contains(strings.Split(string(script), "\n"), command) {
			t.Errorf("README.md:%d: the checks do not run %q (%v)", at, command, err)
		}
		return ""
	case strings.HasPrefix(command, "go run ./cmd/tunegate "):
		c = process(t, dir, args[3:]...)
	case args[0] == "tunegate":
		c = process(t, dir, args[1:]...)
	case args[0] == "go" && args[1] == "install":
		c = exec.Command("go", "vet", args[len(args)-1]) // that it compiles, without the time of linking
		c.Dir = root
	default:
		t.Fatalf("README.md:%d: nobody knows how to run %q here", at, line)
	}
	out, err := c.Output()
	code := "0"
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = strings.TrimPrefix(exit.String(), "exit status ")
	} else if err != nil {
		t.Fatalf("README.md:%d: %s: %v", at, line, err)
	}
	if want == "" {
		want = "0"
	}
	if code != want {
		t.Errorf("README.md:%d: %s: exit %s, want %s\n%s", at, command, code, want, out)
	}
	return string(out)
}

// timeless leaves out what differs from run to run: times and the width of their column.
func timeless(s string) string {
	s = regexp.MustCompile(`\d+(\.\d+)? ?(ms|s|min)\b`).ReplaceAllString(s, "TIME")
	s = regexp.MustCompile(` +`).ReplaceAllString(s, " ")
	return regexp.MustCompile(` ?\n`).ReplaceAllString(s, "\n")
}

// readmeManifest checks a manifest whose files are made to be there.
func readmeManifest(t *testing.T, root string, b block) {
	t.Helper()
	dir := t.TempDir()
	for _, m := range regexp.MustCompile(`[\w/.-]+\.jsonl`).FindAllString(b.text, -1) {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(m)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, m), []byte("{}\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "tunegate.yaml")
	if err := os.WriteFile(path, []byte(b.text), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := process(t, dir, "check", path).CombinedOutput(); err != nil {
		t.Errorf("README.md:%d: the manifest is not accepted: %v\n%s", b.line, err, out)
	}
}
