package manifest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/diag"
)

// write makes files of a repository; a name that ends in / is a folder, a text that begins with "-> " a link.
func write(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(root, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if target, ok := strings.CutPrefix(text, "-> "); ok && err == nil {
			err = os.Symlink(target, path)
		} else if strings.HasSuffix(name, "/") && err == nil {
			err = os.MkdirAll(path, 0o755)
		} else if err == nil {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestLoad(t *testing.T) {
	base := realPath(t.TempDir())
	root := filepath.Join(base, "repo")
	write(t, base, map[string]string{
		"outside.jsonl":         "{}\n",
		"repo/linked.jsonl":     "-> data/train.jsonl",
		"repo/data/train.jsonl": "{}\n",
		"repo/data/tests.jsonl": "{}\n",
		"repo/known.json":       "[]\n",
		"repo/team/tunegate.yaml": "version: 1\naudit: {baseline: ../known.json}\nagents:\n" +
			"  a: {train: ../data/train.jsonl, benchmark: {tests: ../data/tests.jsonl}}\n" +
			"  b: {train: ../linked.jsonl, validation: ../data/x/../tests.jsonl, benchmark: {tests: ../data/tests.jsonl}}\n",
	})
	m, err := Load(filepath.Join(root, "team", "tunegate.yaml"), root)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, "root", m.Root, root)
	wants(t, "train", m.Agents[0].TrainPath, filepath.Join(root, "data", "train.jsonl"))
	wants(t, "tests", m.Agents[0].TestsPath, filepath.Join(root, "data", "tests.jsonl"))
	wants(t, "baseline", m.Audit.BaselinePath, filepath.Join(root, "known.json"))
	wants(t, "no validation", m.Agents[0].ValidationPath, "")
	wants(t, "a link keeps its name", m.Agents[1].TrainPath, filepath.Join(root, "linked.jsonl"))
	wants(t, "validation", m.Agents[1].ValidationPath, filepath.Join(root, "data", "tests.jsonl"))

	// The same through a link to the repository, as temporary folders on some systems are.
	write(t, base, map[string]string{"link": "-> repo"})
	m, err = Load(filepath.Join(base, "link", "team", "tunegate.yaml"), filepath.Join(base, "link"))
	if err != nil {
		t.Fatal(err)
	}
	wants(t, "train through a link", m.Agents[0].TrainPath, filepath.Join(root, "data", "train.jsonl"))
}

func TestLoadMistakes(t *testing.T) {
	base := realPath(t.TempDir())
	root := filepath.Join(base, "repo")
	write(t, base, map[string]string{
		"outside.jsonl":             "{}\n",
		"elsewhere/tests.jsonl":     "{}\n",
		"repo/data/train.jsonl":     "{}\n",
		"repo/data/tests.jsonl":     "{}\n",
		"repo/data/known.json":      "[]\n",
		"repo/data/folder.jsonl/":   "",
		"repo/data/hop.jsonl":       "-> ../../outside.jsonl",
		"repo/data/absolute.jsonl":  "-> " + filepath.Join(base, "outside.jsonl"),
		"repo/data/away":            "-> ../../elsewhere",
		"repo/data/dangling.jsonl":  "-> nothing.jsonl",
		"repo/data/circle.jsonl":    "-> circle.jsonl",
		"repo/data/nul.jsonl":       "-> /dev/null",
		"repo/data/tr\x1b[31m.json": "{}\n",
		"repo/tunegate.yaml": `version: 1
profile: fast
audit: {baseline: data/knwon.json, severities: {too-long: warning}}
agents:
  missing: {train: data/trian.jsonl, benchmark: {tests: no/such/folder.jsonl}}
  folder: {train: data/folder.jsonl, benchmark: {tests: data}}
  dots: {train: ../outside.jsonl, validation: data/../../outside.jsonl, benchmark: {tests: ../repo/data/tests.jsonl}}
  links: {train: data/hop.jsonl, validation: data/absolute.jsonl, benchmark: {tests: data/away/tests.jsonl}}
  odd: {train: data/dangling.jsonl, validation: data/circle.jsonl, benchmark: {tests: data/train.jsonl/x}}
  device: {train: data/nul.jsonl, benchmark: {tests: "data/tr\x1b[32m.json"}}
  control: {train: "data/tr[31m.json", benchmark: {tests: data/tests.jsonl}, epoch: 3}
`,
	})
	m, err := Load(filepath.Join(root, "tunegate.yaml"), root)
	var ms diag.Mistakes
	if m != nil || !errors.As(err, &ms) {
		t.Fatalf("got %v, %v", m, err)
	}
	got := strings.ReplaceAll(listing(ms), base, "BASE")
	golden := filepath.Join("testdata", "load.out")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(golden); err != nil || got != string(want) {
		t.Errorf("mistakes differ from %s (%v); got:\n%s", golden, err, got)
	}
}

func TestLoadManifestItself(t *testing.T) {
	base := realPath(t.TempDir())
	write(t, base, map[string]string{
		"secret.yaml":        "password: 1\n",
		"repo/tunegate.yaml": "-> ../secret.yaml",
		"repo/large.yaml":    strings.Repeat("#", maxSize+1),
		"repo/folder.yaml/":  "",
		"repo/endless.yaml":  "-> /dev/zero",
	})
	load := func(name string) error {
		_, err := Load(filepath.Join(base, "repo", name), filepath.Join(base, "repo"))
		return err
	}
	var ms diag.Mistakes
	if err := load("tunegate.yaml"); !errors.As(err, &ms) || strings.Contains(err.Error(), "password") {
		t.Errorf("a manifest outside the repository: %v", err)
	}
	if err := load("large.yaml"); !errors.As(err, &ms) {
		t.Errorf("a manifest too large: %v", err)
	}
	if err := load("none.yaml"); !errors.Is(err, fs.ErrNotExist) || errors.As(err, &ms) {
		t.Errorf("no manifest: %v", err)
	}
	for _, name := range []string{"folder.yaml", "endless.yaml"} {
		if err := load(name); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRoot(t *testing.T) {
	base := realPath(t.TempDir())
	write(t, base, map[string]string{
		"repo/.git/HEAD":       "ref: refs/heads/main\n",
		"repo/team/a/":         "",
		"worktree/.git":        "gitdir: ../repo/.git/worktrees/x\n",
		"worktree/team/":       "",
		"repo/workspace/team/": "",
		"link":                 "-> repo/team",
	})
	for _, c := range []struct{ workspace, dir, want string }{
		{"", "repo/team/a", "repo"},
		{"", "repo", "repo"},
		{"", "worktree/team", "worktree"},
		{"", "link", "repo"},
		{"repo/workspace", "repo/workspace/team", "repo/workspace"},
		{"repo/workspace", "repo/workspace", "repo/workspace"},
		{"repo/workspace", "repo/team", "repo"}, // a manifest outside the workspace has its own repository
	} {
		getenv := func(name string) string {
			if name == "GITHUB_WORKSPACE" && c.workspace != "" {
				return filepath.Join(base, c.workspace)
			}
			return ""
		}
		wants(t, c.workspace+" "+c.dir, Root(getenv, filepath.Join(base, c.dir)), filepath.Join(base, c.want))
	}
	// Without a repository it is the folder itself, unless the machine keeps its temporary folder in one.
	write(t, base, map[string]string{"plain/.github/": ""})
	for dir, want := range map[string]string{base: base, filepath.Join(base, "plain", ".github"): filepath.Join(base, "plain")} {
		if got := Root(func(string) string { return "" }, dir); got != want {
			if _, err := os.Lstat(filepath.Join(got, ".git")); err != nil {
				t.Errorf("no repository: root of %s is %s", dir, got)
			}
		}
	}
}
