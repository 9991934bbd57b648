package scaffold

import (
	"bytes"
	"compress/gzip"
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/tunegate/tunegate/internal/manifest"
)

var update = flag.Bool("update", false, "rewrite the golden parts of testdata")

const (
	chat    = `{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}` + "\n"
	oneTest = `{"id":"t1","input":"a","ideal":"b"}` + "\n"
)

// tree writes files below a new folder named repo.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "repo")
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func proposal(t *testing.T, dir string) Proposal {
	t.Helper()
	p, err := Look(t.Context(), dir, "")
	if err != nil {
		t.Fatal(err)
	}
	for i, note := range p.Notes {
		p.Notes[i] = strings.ReplaceAll(note, dir+string(filepath.Separator), "")
	}
	return p
}

// checked writes the manifest into dir and returns what is wrong with it, a line a mistake.
func checked(t *testing.T, dir string, p Proposal) string {
	t.Helper()
	path := filepath.Join(dir, "tunegate.yaml")
	if err := os.WriteFile(path, p.Manifest(), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := manifest.Load(path, dir); err != nil {
		return err.Error()
	}
	return ""
}

// Each archive is a repository, with the manifest and the notes that it gets.
func TestRepositories(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("no archives", err)
	}
	for _, path := range archives {
		t.Run(filepath.Base(path), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files, want := map[string]string{}, map[string]string{}
			var kept []txtar.File
			for _, f := range a.Files {
				if strings.HasPrefix(f.Name, "want ") {
					want[f.Name] = string(f.Data)
					continue
				}
				files[f.Name] = string(f.Data)
				kept = append(kept, f)
			}
			dir := tree(t, files)
			p := proposal(t, dir)
			if p.Live() == 0 {
				t.Fatal("no agent is complete, so there is no manifest")
			}
			_, agents, _ := strings.Cut(string(p.Manifest()), "\nagents:\n")
			agents, _, _ = strings.Cut(agents, "\ngate:\n")
			if mistakes := checked(t, dir, p); mistakes != "" {
				t.Errorf("check refuses the manifest:\n%s", mistakes)
			}
			got := []txtar.File{
				{Name: "want agents", Data: []byte(agents)},
				{Name: "want notes", Data: []byte(strings.Join(append(p.Notes, ""), "\n"))},
			}
			if *update {
				a.Files = append(kept, got...)
				if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			for _, f := range got {
				if w, ok := want[f.Name]; !ok || w != string(f.Data) {
					t.Errorf("%s: got\n%s\nwant\n%s", f.Name, f.Data, w)
				}
			}
		})
	}
}

// Comment signs that are taken off as the manifest says leave a sound manifest with all of the agents.
func TestCommentedOut(t *testing.T) {
	p := proposal(t, tree(t, map[string]string{
		"full/train.jsonl": chat, "full/tests.jsonl": oneTest, "untested/train.jsonl": chat, "untrained/tests.jsonl": oneTest,
		"chat/train.jsonl": chat, "chat/tests.jsonl": chat, "it's/train.jsonl": chat,
	}))
	var text strings.Builder
	off := false
	for line := range strings.Lines(string(p.Manifest())) {
		if off && strings.HasPrefix(line, "  # ") {
			line = "  " + line[4:]
		} else {
			off = strings.Contains(line, "take the comment signs off")
		}
		text.WriteString(line)
	}
	m, mistakes := manifest.Parse([]byte(text.String()), "tunegate.yaml")
	if len(mistakes) > 0 || len(m.Agents) != 5 || p.Live() != 1 {
		t.Errorf("%d agents, mistakes %v\n%s", len(m.Agents), mistakes, text.String())
	}
}

// The manifest as a whole, as a person gets it.
func TestManifest(t *testing.T) {
	p := proposal(t, tree(t, map[string]string{"data/greeter/train.jsonl": chat, "data/greeter/validation.jsonl": chat, "data/greeter/benchmark.jsonl": oneTest}))
	golden := filepath.Join("testdata", "one-agent.yaml")
	if *update {
		if err := os.WriteFile(golden, p.Manifest(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(golden); err != nil || !bytes.Equal(want, p.Manifest()) {
		t.Errorf("differs from %s (%v):\n%s", golden, err, p.Manifest())
	}
}

// Where nothing is complete, what is said to be missing makes it so, wherever the other file lies.
func TestWhatIsMissing(t *testing.T) {
	for _, have := range []string{"train.jsonl", "tickets.jsonl", "data/router/train.jsonl.gz", "data/router-train.jsonl", "train/router.jsonl", "évals/ünïcode.jsonl"} {
		for line, missing := range map[string]func(Agent) string{
			ExampleLine: func(a Agent) string { _, tests := a.Paths(); return tests },
			TestLine:    func(a Agent) string { train, _ := a.Paths(); return train },
		} {
			files := map[string]string{have: line + "\n"}
			p := proposal(t, tree(t, files))
			if len(p.Agents) != 1 || p.Live() != 0 {
				t.Errorf("%s alone: %+v", have, p)
				continue
			}
			other := map[string]string{ExampleLine: TestLine, TestLine: ExampleLine}[line]
			files[missing(p.Agents[0])] = other + "\n"
			dir := tree(t, files)
			if p = proposal(t, dir); len(files) != 2 || len(p.Agents) != 1 || p.Live() != 1 {
				t.Errorf("%q: %+v", files, p)
			} else if mistakes := checked(t, dir, p); mistakes != "" {
				t.Errorf("%q: %s", files, mistakes)
			}
		}
	}
	if p := proposal(t, tree(t, map[string]string{"README.md": "hello\n", "x.jsonl.txt": chat})); len(p.Agents) > 0 || len(p.Notes) > 0 {
		t.Errorf("nothing at all: %+v", p)
	}
}

// A name is what the folder or file is called, as near as a manifest allows; one that cannot be spelled is no name.
func TestAgentName(t *testing.T) {
	for want, subjects := range map[string][][]string{
		"unicode":        {{"ünïcode"}, {"u\u0308ni\u0308code"}, {"data", "ÜNÏCODE"}},
		"strassen-oefen": {{"Straßen_œfen"}},
		"tieng-viet":     {{"tiếng việt"}},
		"router":         {{"客服-router"}, {"router", "客服"}, {"-router-"}},
		"agent":          {{"客服"}, {""}, {"客服router"}, {"--"}, nil},
		"tickets-2024":   {{"tickets.2024"}},
	} {
		for _, subject := range subjects {
			if got := agentName(subject...); got != want || !manifest.IsName(got) {
				t.Errorf("%q: %s, want %s", subject, got, want)
			}
		}
	}
	for _, r := range "ijkæß" { // what one letter becomes is cut where a name ends, too
		if got := agentName(strings.Repeat(string(r), 100)); !manifest.IsName(got) {
			t.Errorf("%q is no name", got)
		}
	}
}

// Folders whose names cannot be spelled are agents of their own, and their files stay together.
func TestOtherScripts(t *testing.T) {
	dir := tree(t, map[string]string{"客服/train.jsonl": chat, "客服/tests.jsonl": oneTest, "天気/train.jsonl": chat, "天気/tests.jsonl": oneTest, "train/音楽.jsonl": chat, "tests/地図.jsonl": oneTest})
	p := proposal(t, dir)
	got := map[string]string{}
	for _, a := range p.Agents[:p.Live()] {
		got[a.Name] = a.Train + " " + a.Tests
	}
	want := map[string]string{"agent": "天気/train.jsonl 天気/tests.jsonl", "agent-2": "客服/train.jsonl 客服/tests.jsonl"}
	if !maps.Equal(got, want) {
		t.Errorf("agents %q, want %q", got, want)
	}
	if mistakes := checked(t, dir, p); mistakes != "" {
		t.Error(mistakes)
	}
}

func TestSite(t *testing.T) {
	for name, want := range map[string]string{
		"train.jsonl":                        "1 ",
		"data/support-router/train.jsonl.gz": "1 support-router",
		"data/support_router-train.jsonl":    "1 support-router",
		"data/train/support-router.jsonl":    "1 support-router",
		"evals/support-router.jsonl":         "3 support-router",
		"data/support-router/test_set.JSONL": "3 support-router",
		"training_data.jsonl":                "1 ",
		"train-tickets-benchmark.ndjson":     "3 train-tickets",
		"a/b/val.jsonl.zst":                  "2 a/b",
		"a/b/examples.jsonl":                 "0 a/b",
		"Data/Über-Uns/TRAIN.jsonl":          "1 über-uns",
		"data/tickets.2024-05.train.jsonl":   "1 tickets-2024-05",
		"test/fixtures/tickets/valid.jsonl":  "2 fixtures/tickets",
	} {
		s := siteOf(name)
		if got := fmt.Sprint(int(s.role), " ", strings.Join(s.subject, "/")); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestGrader(t *testing.T) {
	for want, sets := range map[string][][]string{
		"json-equal": {{`{"a":1}`, ` {"b": [2]} `}},
		"numeric":    {{"1"}, {"0", "-3.5", "1,234.50", "+7", "12345"}},
		"exact":      {nil, {"yes"}, {"1", "two"}, {"007"}, {`{"a":1}`, "none"}, {`{"a":1,"a":2}`}, {"[1]"}, {"12,34"}, {"1e3"}},
	} {
		for _, ideals := range sets {
			if got := graderFor(ideals); got != want {
				t.Errorf("%q: %s, want %s", ideals, got, want)
			}
		}
	}
}

// Names that are hard to write, or to print, come out of the manifest as they went in, or are told apart.
func TestHostileNames(t *testing.T) {
	names := []string{"- a: b # c", "it's {x}, [y]", `"quoted"`, "&anchor *alias", "tr\u00fcb", "100%", "true", "@x `y`", "trailing "}
	files := map[string]string{"evil\x1b[31m.jsonl": chat, "evil\n- x: y.jsonl": chat, "evil\u202e.jsonl": chat, `back\slash.jsonl`: chat}
	for _, name := range names {
		files[name+"/train.jsonl"], files[name+"/tests.jsonl"] = chat, oneTest
	}
	dir := tree(t, files)
	p := proposal(t, dir)
	if mistakes := checked(t, dir, p); mistakes != "" {
		t.Errorf("check refuses it:\n%s\n%s", mistakes, p.Manifest())
	}
	m, _ := manifest.Parse(p.Manifest(), "tunegate.yaml")
	var trained []string
	for _, a := range m.Agents {
		trained = append(trained, strings.TrimSuffix(a.Train, "/train.jsonl"))
	}
	slices.Sort(trained)
	slices.Sort(names)
	if !slices.Equal(trained, names) {
		t.Errorf("agents of %q, want %q", trained, names)
	}
	if len(p.Notes) != 4 {
		t.Errorf("notes %q, want the four names that no manifest can hold", p.Notes)
	}
	for _, text := range append(p.Notes, string(p.Manifest())) {
		if strings.ContainsAny(text, "\x1b\u202e") {
			t.Errorf("a control character is handed on: %q", text)
		}
	}
}

// What is bounded is bounded, and said.
func TestBounds(t *testing.T) {
	many := map[string]string{}
	for i := range mostFiles + 5 {
		many[fmt.Sprintf("logs/%03d.jsonl", i)] = "{}\n"
	}
	p := proposal(t, tree(t, many))
	if len(p.Agents) > 0 || len(p.Notes) != mostFiles+1 || !slices.Contains(p.Notes, fmt.Sprintf("only the first %d data files were looked at", mostFiles)) {
		t.Errorf("%d agents, %d notes", len(p.Agents), len(p.Notes))
	}
	deep := strings.Repeat("d/", mostDepth+1)
	p = proposal(t, tree(t, map[string]string{deep + "train.jsonl": chat}))
	if len(p.Agents) > 0 || len(p.Notes) != 1 || !strings.Contains(p.Notes[0], "deep") {
		t.Errorf("too deep: %+v", p)
	}
	p = proposal(t, tree(t, map[string]string{deep[2:] + "train.jsonl": chat}))
	if len(p.Agents) != 1 || len(p.Notes) != 0 {
		t.Errorf("just not too deep: %+v", p)
	}
	p = proposal(t, tree(t, map[string]string{"train.jsonl": `{"messages":[{"role":"user","content":"` + strings.Repeat("a", 3*firstBytes) + `"},{"role":"assistant","content":"b"}]}`, "test.jsonl": oneTest}))
	if len(p.Agents) != 1 || !p.Agents[0].Complete() {
		t.Errorf("a long line: %+v", p)
	}
}

// Links to folders are not followed: one to a folder above would lead round in circles, one to elsewhere out of the
// repository. Of links to files, those count that lead to a file of the repository.
func TestLinks(t *testing.T) {
	dir := tree(t, map[string]string{"data/train.jsonl": chat, "data/test.jsonl": oneTest, "other/v1.jsonl": chat, "other/test.jsonl": oneTest, ".hidden/x.jsonl": chat, "sub/linked/test.jsonl": oneTest})
	outside := tree(t, map[string]string{"secret/train.jsonl": chat, "secret/test.jsonl": oneTest})
	for name, to := range map[string]string{"loop": dir, "out": outside, "one.jsonl": filepath.Join(outside, "secret/train.jsonl"),
		"other/train.jsonl": "v1.jsonl", "sub/linked/train.jsonl": "../../.hidden/x.jsonl", "self.jsonl": "self.jsonl", "gone.jsonl": "none", "folder.jsonl": "data"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Skip("no links here:", err)
		}
	}
	p := proposal(t, dir)
	var got []string
	for _, a := range p.Agents {
		got = append(got, a.Train+" "+a.Tests)
	}
	want := []string{"data/train.jsonl data/test.jsonl", "other/train.jsonl other/test.jsonl", "sub/linked/train.jsonl sub/linked/test.jsonl"}
	if !slices.Equal(got, want) {
		t.Errorf("agents of %q, want %q", got, want)
	}
	notes := []string{"folder.jsonl is not a regular file", "gone.jsonl is a link that leads to nothing", "one.jsonl is a link that leads out of the repository", "self.jsonl is a link that leads to itself"}
	if !slices.Equal(p.Notes, notes) {
		t.Errorf("notes %q, want %q", p.Notes, notes)
	}
	if wrong := checked(t, dir, p); wrong != "" {
		t.Error(wrong)
	}

	// The repository may be larger than the folder.
	sub := filepath.Join(dir, "sub")
	if p, err := Look(t.Context(), sub, dir); err != nil || p.Live() != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err := Look(t.Context(), sub, ""); err != nil || p.Live() != 0 || p.Agents[0].Trouble != (Trouble{Path: "linked/train.jsonl", Why: "is a link that leads out of the repository"}) {
		t.Errorf("%+v, %v", p, err)
	}
}

// Where a file stands in the place of the missing one, what is the matter with it is said, not that another should be written
// over it.
func TestTrouble(t *testing.T) {
	dpo := `{"prompt":"q","chosen":"a","rejected":"b"}` + "\n"
	pointer := "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
	for _, c := range []struct {
		files map[string]string
		want  Trouble
		says  string
	}{
		{map[string]string{"train.jsonl": dpo, "tests.jsonl": oneTest}, Trouble{Path: "train.jsonl", Why: "holds preference data (DPO: a preferred and a rejected answer), which is not read"}, "train: train.jsonl"},
		{map[string]string{"training.jsonl": dpo, "tests.jsonl": oneTest}, Trouble{Path: "training.jsonl", Why: "holds preference data (DPO: a preferred and a rejected answer), which is not read"}, "train: training.jsonl"},
		{map[string]string{"train.jsonl": chat, "benchmark.jsonl": pointer}, Trouble{Path: "benchmark.jsonl", Why: "is a Git LFS pointer, not the data; run `git lfs pull`, or set `lfs: true` on the checkout step"}, "tests: benchmark.jsonl"},
		{map[string]string{"train.jsonl": oneTest, "tests.jsonl": chat}, Trouble{"train.jsonl", "holds tests and tests.jsonl training examples: the two look swapped", "tests.jsonl"}, "train: train.jsonl"},
		{map[string]string{"train.jsonl": chat, "logs/app.jsonl": "{}\n"}, Trouble{}, "write them as tests to\n  # benchmark.jsonl"},
	} {
		p := proposal(t, tree(t, c.files))
		if len(p.Agents) != 1 || p.Agents[0].Trouble.Path != c.want.Path || !strings.HasPrefix(p.Agents[0].Trouble.Why, c.want.Why) || p.Agents[0].Trouble.Swapped != c.want.Swapped {
			t.Errorf("%v: %+v", c.files, p)
			continue
		}
		text := string(p.Manifest())
		if !strings.Contains(text, c.says) || c.want.Path != "" && (strings.Contains(text, "write") || !strings.Contains(text, "# "+c.want.Path+" "+c.want.Why)) {
			t.Errorf("%v:\n%s", c.files, text)
		}
		if c.want.Swapped != "" && !slices.Contains(p.Notes, "train.jsonl holds tests and tests.jsonl training examples: the two look swapped") {
			t.Errorf("notes %q", p.Notes)
		}
	}
}

func TestCompressed(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	fmt.Fprint(z, oneTest)
	z.Close()
	p := proposal(t, tree(t, map[string]string{"train.jsonl": chat, "test.jsonl.gz": zipped.String(), "bad/test.jsonl.gz": "\x1f\x8b not gzip"}))
	if len(p.Agents) != 1 || p.Agents[0].Tests != "test.jsonl.gz" || p.Agents[0].Count != 1 || len(p.Notes) != 1 || !strings.Contains(p.Notes[0], "bad/test.jsonl.gz") {
		t.Errorf("%+v", p)
	}
}

func TestLookFails(t *testing.T) {
	if _, err := Look(t.Context(), filepath.Join(t.TempDir(), "none"), ""); err == nil {
		t.Error("no folder, and no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Look(ctx, t.TempDir(), ""); err == nil {
		t.Error("interrupted, and no error")
	}
}

// Five real agents and what lies about them.
func TestRealData(t *testing.T) {
	root := os.Getenv("TUNEGATE_TESTDATA")
	if root == "" {
		t.Skip("TUNEGATE_TESTDATA does not name the folder of large test data")
	}
	p := proposal(t, filepath.Join(root, "data"))
	got := map[string]string{}
	for _, a := range p.Agents {
		if a.Complete() {
			got[a.Name] = fmt.Sprint(a.Count, " ", a.Grader, " ", a.Validation)
		}
	}
	for name, want := range map[string]string{
		"support-router": "4500 exact support-router/validation.jsonl.gz", "bank-triage": "3080 exact ", "home-assistant": "1076 exact ",
		"voice-tools": "700 json-equal ", "commit-labeler": "1180 exact ", "planted": "300 exact ",
	} {
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
	if len(got) != 6 {
		t.Errorf("agents %v", got)
	}
}
