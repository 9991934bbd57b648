package swebench

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/suite"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestMistakes reads each file of testdata/err and compares all that is said about it, hints included.
func TestMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/err/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, err := Open(file, filepath.Base(file))
			golden := strings.TrimSuffix(file, ".jsonl") + ".out"
			got := listed(t, err)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func listed(t *testing.T, err error) string {
	t.Helper()
	var mistakes diag.Mistakes
	if !errors.As(err, &mistakes) {
		t.Fatalf("got %v, want mistakes", err)
	}
	var got strings.Builder
	for _, m := range mistakes {
		fmt.Fprintf(&got, "%s\n    %s\n", m, m.Hint)
	}
	return got.String()
}

// two tasks, one in each form in which the tests are published, with columns that no one asked for.
const two = `{"repo": "astropy/astropy", "instance_id": "astropy__astropy-12907", "base_commit": "d16b", "patch": "--- a/x", "test_patch": "--- a/t", "problem_statement": "It fails.\n", ` +
	`"hints_text": "Change x.", "created_at": "2022-03-03", "version": "4.3", "FAIL_TO_PASS": "[\"t.py::a[1]\", \"t.py::b\"]", "PASS_TO_PASS": "[]"}

{"repo": "d/d", "instance_id": "d__d-1", "base_commit": "c1", "problem_statement": "Ünd", "hints_text": null, "FAIL_TO_PASS": ["t_c (m.T)"], "PASS_TO_PASS": ["x", "y"], ` +
	`"text": "You will be given code.\n<issue>\nÜnd\n</issue>", "image": "i", "eval_script": "s"}`

func TestParse(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write([]byte(two))
	z.Close()
	for name, text := range map[string]string{"plain": two, "CRLF and a mark": "\ufeff" + strings.ReplaceAll(two, "\n", "\r\n") + "\r\n", "gzip": zipped.String()} {
		s, err := Parse(strings.NewReader(text), "lite.jsonl")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		lines := strings.Split(two, "\n")
		want := Set{"lite.jsonl", []Instance{
			{ID: "astropy__astropy-12907", Line: 1, Repo: "astropy/astropy", BaseCommit: "d16b", Version: "4.3", Problem: "It fails.\n", Hints: "Change x.", Solution: "--- a/x",
				FailToPass: []string{"t.py::a[1]", "t.py::b"}, PassToPass: []string{}, row: []byte(lines[0])},
			{ID: "d__d-1", Line: 3, Repo: "d/d", BaseCommit: "c1", Problem: "Ünd", Text: "You will be given code.\n<issue>\nÜnd\n</issue>",
				FailToPass: []string{"t_c (m.T)"}, PassToPass: []string{"x", "y"}, row: []byte(lines[2]), prepared: true},
		}}
		if !reflect.DeepEqual(s, want) {
			t.Errorf("%s: got %+v\nwant %+v", name, s, want)
		}
	}
}

// A model sees the issue and the files, and neither the solution nor what was said below the issue.
func TestSuite(t *testing.T) {
	s, err := Parse(strings.NewReader(two), "lite.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	tests := s.Suite().Tests
	prompt := tests[0].Input[0].Content
	for _, want := range []string{"<issue>\nIt fails.\n</issue>", "astropy/astropy", "d16b", "<patch>"} {
		if !strings.Contains(prompt, want) {
			t.Errorf("%q is not in the prompt %q", want, prompt)
		}
	}
	if strings.Contains(prompt, "Change x") || strings.Contains(prompt, "--- a/") {
		t.Errorf("the prompt gives the solution away: %q", prompt)
	}
	want := suite.Test{ID: "d__d-1", Line: 3, Ideal: []string{"t_c (m.T)"},
		Input: []suite.Message{{Role: "system", Content: "You will be given code."}, {Role: "user", Content: "<issue>\nÜnd\n</issue>"}}}
	if !reflect.DeepEqual(tests[1], want) || tests[0].Ideal[0] != "--- a/x" || s.Suite().File != "lite.jsonl" {
		t.Errorf("got %+v", tests)
	}
}

func TestLimits(t *testing.T) {
	for _, x := range []struct {
		name, text, want string
		line             int
		file             int64
	}{
		{"long line", "{\"a\": 1}\n" + strings.Repeat("x", 1<<20+70_000) + "\n", "f:2: longer than 1 MiB [line-too-long]", 1 << 20, 4 << 20},
		{"large file", strings.Repeat("{\"a\": 1}     \n", 1<<17), "f: holds more than 1 MiB of tasks [too-large]", 1 << 20, 1 << 20},
		{"many mistakes", strings.Repeat("[]\n", 150), "50 more mistakes", 1 << 20, 1 << 20},
		{"torn gzip", "\x1f\x8b\x08\x00\x00\x00", "damaged-gzip", 1 << 20, 1 << 20},
		{"pointer", "version https://git-lfs.github.com/spec/v1\n", "lfs-pointer", 1 << 20, 1 << 20},
		{"empty", "\n \n", "empty-file", 1 << 20, 1 << 20},
	} {
		_, err := parse(strings.NewReader(x.text), "f", x.line, x.file)
		if got := listed(t, err); !strings.Contains(got, x.want) {
			t.Errorf("%s: got\n%s\nwant %s", x.name, got, x.want)
		}
	}
	if _, err := Open(t.TempDir(), "d"); !strings.Contains(listed(t, err), "not-a-file") {
		t.Error(err)
	}
	if _, err := Open("nowhere", "d"); !strings.Contains(listed(t, err), "missing-file") {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(two))
	files, _ := filepath.Glob("testdata/err/*.jsonl")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parse(bytes.NewReader(data), "f", 1<<16, 1<<20)
		var mistakes diag.Mistakes
		if err != nil {
			if !errors.As(err, &mistakes) || len(mistakes) == 0 || len(mistakes) > maxMistakes+1 {
				t.Fatalf("%T %v", err, err)
			}
			return
		}
		ids := map[string]bool{}
		for i, test := range s.Suite().Tests {
			x := s.Instances[i]
			if !isName(x.ID) || ids[x.ID] || x.Line < 1 || len(x.FailToPass) == 0 || strings.TrimSpace(x.Problem) == "" {
				t.Fatalf("task %+v", x)
			}
			ids[x.ID] = true
			blank := true
			for _, m := range test.Input {
				blank = blank && strings.TrimSpace(m.Content) == ""
			}
			if blank || strings.TrimSpace(test.Ideal[0]) == "" {
				t.Fatalf("test %+v", test)
			}
		}
	})
}
