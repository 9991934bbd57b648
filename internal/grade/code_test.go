package grade

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tunegate/tunegate/internal/suite"
)

// allowed is a grader that may run programs. Where none can be contained the test is skipped, except where that is known to be
// possible.
func allowed(t *testing.T, o Options, dir string) Grader {
	t.Helper()
	g, err := Make(o)
	if err != nil {
		t.Fatal(err)
	}
	g = g.With(Means{AllowCommands: true, Dir: dir})
	if err := g.Ready(t.Context()); err != nil {
		if os.Getenv("TUNEGATE_SANDBOX") == "required" || !errors.As(err, new(*Skipped)) {
			t.Fatal(err)
		}
		t.Skip("SKIPPED, so no program is graded: ", err)
	}
	return g
}

var doubling = suite.Test{ID: "d", Ideal: []string{"    return 2 * n"}, Code: &suite.Code{
	Prompt: "import math\n\ndef double(n):\n    \"\"\"Twice n.\"\"\"\n", Entry: "double",
	Test: "def check(candidate):\n    assert candidate(2) == 4\n    assert candidate(-1) == -2\n",
}}

func TestCode(t *testing.T) {
	g := allowed(t, Options{Name: "code"}, "")
	for _, c := range []struct {
		name, answer string
		want         float64
		note         string
	}{
		{"continues", "    return 2 * n", 1, ""},
		{"whole", "def double(n):\n    return int(math.fsum([n, n]))\n", 1, ""},
		{"fenced", "Here it is:\n\n```python\ndef double(n):\n    return n + n\n```\nIt adds.", 1, ""},
		{"fenced second", "```sh\necho\n```\n```python\ndef double(n):\n    return n + n\n```", 1, ""},
		{"prints", "    print('twice')\n    return 2 * n", 1, ""},
		{"prints no line end", "    print('twice', end='')\n    return 2 * n", 1, ""},
		{"wrong", "    return n", 0, "AssertionError"},
		{"syntax", "    return (", 0, "SyntaxError"},
		{"prose", "Just add it to itself!", 0, "SyntaxError"},
		{"exits", "    return 2 * n\nimport os\nos._exit(0)", 0, "ended before its test did"},
		{"exits with 0", "    return 2 * n\nraise SystemExit(0)", 0, "ended before its test did"},
		{"reads input", "    return input()", 0, "EOFError"},
	} {
		if got, err := g.Grade(t.Context(), doubling, c.answer); err != nil || got.Value != c.want || !strings.Contains(got.Note, c.note) || c.want == 1 && got.Note != "" {
			t.Errorf("%s: got %+v, %v, want %v %q", c.name, got, err, c.want, c.note)
		}
	}
	if _, err := g.Grade(t.Context(), suite.Test{Ideal: []string{"x"}}, "x"); err != nil {
		t.Errorf("a test without code: %v", err)
	}
	if err := g.CheckTest(suite.Test{Ideal: []string{"x"}}); err == nil {
		t.Error("a test without code was found fit")
	}
}

// spun is what a program does that never ends; which of its two limits is the first depends on how busy the machine is.
const spun = "computed longer than 1s|ran longer than 2s"

// says reports whether the text holds one of the parts.
func says(text, parts string) bool {
	return slices.ContainsFunc(strings.Split(parts, "|"), func(part string) bool { return strings.Contains(text, part) })
}

// TestHostileCode has answers attack. Each is contained, scores 0, and the note names what it did.
func TestHostileCode(t *testing.T) {
	g := allowed(t, Options{Name: "code", Timeout: time.Second}, "")
	t.Setenv("TUNEGATE_TEST_SECRET", "hunter2")
	outside := t.TempDir()
	os.Chmod(outside, 0o777)
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("hunter2"), 0o666); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, c := range []struct{ name, body, note string }{
		{"fork bomb", "import os\nwhile True: os.fork()", "BlockingIOError"},
		{"fork bomb, quiet", "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", spun},
		{"threads", "import threading\nwhile True: threading.Thread(target=lambda: None).start()", "can't start new thread"},
		{"endless loop", "while True: pass", spun},
		{"sleep", "import time\ntime.sleep(1000)", "ran longer than 2s"},
		{"ten gigabytes", "x = bytearray(10 << 30)", "wanted more than 512 MiB of memory"},
		{"ten gigabytes, bit by bit", "x = []\nwhile True: x.append(bytearray(1 << 24))", "wanted more than 512 MiB of memory|ran longer than 2s"},
		{"shared memory", "import mmap\nx = [mmap.mmap(-1, 1 << 26) for _ in range(100)]\nfor m in x: m.write(b'x' * (1 << 26))", "OSError: [Errno 12]"},
		{"memory as a file", "import os\nos.memfd_create('x')", "PermissionError"},
		{"full disk", "with open('f', 'wb') as f:\n    while True: f.write(bytes(1 << 20))", "OSError"},
		{"many files", "i = 0\nwhile True:\n    open(str(i), 'w').close()\n    i += 1", "No space left"},
		{"write outside", fmt.Sprintf("open(%q, 'w').write('x')", secret), "No such file"},
		{"write to the system", "open('/usr/lib/x', 'w')", "Read-only file system"},
		{"write to the root", "open('/x', 'w')", "Read-only file system"},
		{"delete", "import shutil\nshutil.rmtree('/usr/share')", "Read-only file system"},
		{"read a file", fmt.Sprintf("print(open(%q).read())", secret), "No such file"},
		{"environment", "import os\nprint(os.environ['TUNEGATE_TEST_SECRET'])", "KeyError"},
		{"environment of others", "print(open('/proc/1/environ').read())", "No such file"},
		{"socket", fmt.Sprintf("import socket\nsocket.create_connection(('127.0.0.1', %d))", l.Addr().(*net.TCPAddr).Port), "PermissionError"},
		{"kill", "import os\nfor p in range(2, 40000):\n    try: os.kill(p, 9)\n    except ProcessLookupError: pass\nraise ValueError('nobody there')", "nobody there"},
		{"privileges", "import ctypes, os\nif ctypes.CDLL(None, use_errno=True).unshare(0x10000000) != 0: raise OSError(ctypes.get_errno(), 'unshare')", "Errno 1"},
		{"crash", "import ctypes\nctypes.string_at(0)", "segmentation fault"},
	} {
		t.Run(c.name, func(t *testing.T) {
			began := time.Now()
			got, err := g.Grade(t.Context(), doubling, c.body+"\ndef double(n): return 2 * n\n")
			if err != nil || got.Value != 0 || !says(got.Note, c.note) {
				t.Errorf("got %+v, %v, want 0 %q", got, err, c.note)
			}
			if strings.Contains(got.Note, "hunter2") {
				t.Error("the note gives the secret away")
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
	if left, _ := os.ReadFile(secret); string(left) != "hunter2" {
		t.Errorf("the file outside holds %q", left)
	}
}

// TestHumanEvalExample grades the six samples that HumanEval brings along, of which its own scorer finds half right, and the
// first 20 solutions of the whole, which pass; another problem's solution does not.
func TestHumanEvalExample(t *testing.T) {
	dir := os.Getenv("TUNEGATE_TESTDATA")
	if dir == "" {
		t.Skip("TUNEGATE_TESTDATA is not set: HumanEval is not graded")
	}
	g := allowed(t, Options{Name: "code", Timeout: time.Second}, "")
	dir = filepath.Join(dir, "data", "humaneval")
	s, err := suite.Open(filepath.Join(dir, "example_problem.jsonl"), "example_problem.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "example_samples.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n, right, lines := 0, 0, bufio.NewScanner(f)
	for lines.Scan() {
		var sample struct {
			Completion string
			ID         string `json:"task_id"`
		}
		if err := json.Unmarshal(lines.Bytes(), &sample); err != nil || sample.ID != s.Tests[0].ID {
			t.Fatal(err, sample.ID)
		}
		got, err := g.Grade(t.Context(), s.Tests[0], sample.Completion)
		if err != nil {
			t.Fatal(err)
		}
		n++
		right += int(got.Value)
	}
	if pass, err := PassAtK(n, right, 1); err != nil || pass != 0.5 {
		t.Errorf("pass@1 is %v (%d of %d), %v; HumanEval's own scorer says 0.5", pass, right, n, err)
	}

	all, err := suite.Open(filepath.Join(dir, "HumanEval.jsonl.gz"), "HumanEval.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	for i, test := range all.Tests[:20] {
		if got, err := g.Grade(t.Context(), test, test.Ideal[0]); err != nil || got.Value != 1 {
			t.Errorf("%s: its solution: %+v, %v", test.ID, got, err)
		}
		if got, err := g.Grade(t.Context(), test, all.Tests[i+1].Ideal[0]); err != nil || got.Value != 0 {
			t.Errorf("%s: another's solution: %+v, %v", test.ID, got, err)
		}
	}
}

func TestPassAtK(t *testing.T) {
	for _, c := range []struct {
		n, right, k int
		want        float64 // by counting the choices
	}{
		{6, 3, 1, 0.5}, {6, 3, 2, 1 - 3.0/15}, {6, 3, 4, 1}, {10, 0, 5, 0}, {10, 10, 1, 1}, {5, 1, 3, 1 - 4.0/10}, {200, 1, 100, 0.5},
	} {
		if got, err := PassAtK(c.n, c.right, c.k); err != nil || math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%+v: got %v, %v", c, got, err)
		}
	}
	for _, c := range [][3]int{{5, 1, 6}, {5, 6, 1}, {5, -1, 1}, {5, 1, 0}} {
		if _, err := PassAtK(c[0], c[1], c[2]); err == nil {
			t.Errorf("%v: no error", c)
		}
	}
}

func TestCommand(t *testing.T) {
	dir := t.TempDir()
	os.Chmod(dir, 0o755)
	script := `import json, sys
row = json.load(sys.stdin)
assert row["id"] == "t1" and row["input"][0]["role"] == "user"
answer = row["answer"]
if answer == "half": print(json.dumps({"score": 0.5, "note": "half of " + row["ideal"][0]}))
elif answer.startswith("say "): print(answer[4:])
elif answer == "fail": raise ValueError("no such thing")
elif answer == "hang":
    while True: pass
elif answer == "git": print(open(".git/config").read())
else: print(1 if answer == row["ideal"][0] else 0)
`
	os.Mkdir(filepath.Join(dir, ".git"), 0o755)
	for name, text := range map[string]string{"grade.py": script, ".git/config": "1"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	g := allowed(t, Options{Name: "command", Command: []string{"python3", "grade.py"}, Timeout: time.Second}, dir)
	for _, c := range []struct {
		answer  string
		want    Score
		failure string
	}{
		{"Hello, Ann!", Score{Value: 1}, ""},
		{"Hi", Score{}, ""},
		{"half", Score{0.5, "half of Hello, Ann!"}, ""},
		{"say 0.25", Score{Value: 0.25}, ""},
		{"say 2", Score{}, "a score from 0 to 1"},
		{"say NaN", Score{}, "not JSON"},
		{"say null", Score{}, "a score from 0 to 1"},
		{"say {}", Score{}, "a score from 0 to 1"},
		{"fail", Score{}, "no such thing"},
		{"hang", Score{}, spun},
		{"git", Score{}, "No such file"},
	} {
		got, err := g.Grade(t.Context(), greeting, c.answer)
		if got != c.want || (err != nil) != (c.failure != "") || err != nil && !says(err.Error(), c.failure) {
			t.Errorf("%q: got %+v, %v", c.answer, got, err)
		}
	}
}
