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

	"gopkg.in/yaml.v3"
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
// A text block is what the command before it prints, a yaml block a manifest that check accepts or a workflow.
func TestReadme(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "testdata"), os.DirFS(filepath.Join(root, "testdata"))); err != nil {
		t.Fatal(err)
	}
	commands, printed, yamls := 0, "", map[string]int{}
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
			yamls[readmeYAML(t, root, b)]++
		default:
			t.Errorf("README.md:%d: a block of kind %q is neither run nor checked", b.line, b.kind)
		}
	}
	if commands < 5 || yamls["manifest"] == 0 || yamls["workflow"] == 0 {
		t.Errorf("only %d commands were found, and of yaml %v", commands, yamls)
	}
}

// What the pages refer to by a link is there.
func TestLinks(t *testing.T) {
	root := filepath.Join("..", "..")
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatal("no pages", err)
	}
	for _, page := range append(pages, filepath.Join(root, "README.md")) {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`).FindAllStringSubmatch(string(data), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", page, m[1], err)
			}
		}
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

// readmeYAML checks a block and says what it is.
func readmeYAML(t *testing.T, root string, b block) string {
	t.Helper()
	if regexp.MustCompile(`(?m)^jobs:`).MatchString(b.text) {
		if ours := actionSteps(t, root, "README.md", b.text); ours != 1 {
			t.Errorf("README.md:%d: %d steps use the action, want 1", b.line, ours)
		}
		return "workflow"
	}
	readmeManifest(t, root, b)
	return "manifest"
}

// The workflow that runs the action of this commit names what there is, as the README's must.
func TestWorkflow(t *testing.T) {
	root := filepath.Join("..", "..")
	name := filepath.Join(root, ".github", "workflows", "container.yml")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if ours := actionSteps(t, root, name, string(text)); ours < 4 {
		t.Errorf("%s: %d steps use the action, want 4 or more", name, ours)
	}
}

// actionSteps holds the steps of a workflow that use the action against action.yml: the inputs that they are given, and the
// outputs of theirs that are asked for. It returns how many they are.
func actionSteps(t *testing.T, root, name, text string) (ours int) {
	t.Helper()
	var action struct {
		Inputs  map[string]struct{ Description string }
		Outputs map[string]any
	}
	data, err := os.ReadFile(filepath.Join(root, "action.yml"))
	if err := errors.Join(err, yaml.Unmarshal(data, &action)); err != nil {
		t.Fatal(err)
	}
	var flow struct {
		On   any `yaml:"on"`
		Jobs map[string]struct {
			RunsOn string `yaml:"runs-on"`
			Steps  []struct {
				Uses, ID, Run string
				With          map[string]string
			}
		}
	}
	if err := yaml.Unmarshal([]byte(text), &flow); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if flow.On == nil || len(flow.Jobs) == 0 {
		t.Errorf("%s: nothing starts it, or it does nothing", name)
	}
	var ids []string
	for job, j := range flow.Jobs {
		if j.RunsOn == "" {
			t.Errorf("%s: the job %s runs nowhere", name, job)
		}
		for _, s := range j.Steps {
			if s.Uses != "./" && !strings.HasPrefix(s.Uses, "tunegate/tunegate@") {
				if (s.Uses == "") == (s.Run == "") {
					t.Errorf("%s: a step of the job %s does nothing or two things", name, job)
				}
				continue
			}
			ours++
			ids = append(ids, s.ID)
			for input, value := range s.With {
				about, ok := action.Inputs[input]
				if !ok {
					t.Errorf("%s: the action has no input %q", name, input)
				}
				if input == "command" && !strings.Contains(about.Description, value+": ") {
					t.Errorf("%s: the action has no command %q", name, value)
				}
			}
		}
	}
	asked := regexp.MustCompile(`steps\.([\w-]+)\.outputs\.([\w-]+)`).FindAllStringSubmatch(text, -1)
	for _, m := range asked {
		if _, ok := action.Outputs[m[2]]; !slices.Contains(ids, m[1]) || !ok {
			t.Errorf("%s: no step of the action has the output %s", name, m[0])
		}
	}
	if len(asked) == 0 {
		t.Errorf("%s: no output is asked for", name)
	}
	return ours
}
