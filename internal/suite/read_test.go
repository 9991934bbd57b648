package suite

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/unpack"
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
			var mistakes diag.Mistakes
			if !errors.As(err, &mistakes) {
				t.Fatalf("got %v, want mistakes", err)
			}
			var got strings.Builder
			for _, m := range mistakes {
				fmt.Fprintf(&got, "%s\n    %s\n", m, m.Hint)
			}
			golden := strings.TrimSuffix(file, ".jsonl") + ".out"
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got.String(), want)
			}
		})
	}
}

const three = `{"id": "t1", "input": "hi", "ideal": "x"}
{"ideal": ["y", "z"], "input": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "caf\u00e9", "name": "ann"}], "id": "t2", "more": {"a": [1]}}

{ "id": 3 , "input": " hi ", "ideal": "x" } `

func wantThree() []Test {
	return []Test{
		{ID: "t1", Line: 1, Input: []Message{{"user", "hi"}}, Ideal: []string{"x"}},
		{ID: "t2", Line: 2, Input: []Message{{"system", "Be short."}, {"user", "café"}}, Ideal: []string{"y", "z"}},
		{ID: "3", Line: 4, Input: []Message{{"user", " hi "}}, Ideal: []string{"x"}},
	}
}

func TestParse(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	io.WriteString(z, three)
	z.Close()
	var pressed bytes.Buffer
	w, err := unpack.NewWriter(&pressed, unpack.Zstandard)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, three)
	w.Close()
	for name, text := range map[string]string{
		"plain":           three,
		"line break last": three + "\n",
		"windows":         "\xef\xbb\xbf" + strings.ReplaceAll(three, "\n", "\r\n"),
		"gzip":            zipped.String(),
		"zstandard":       pressed.String(),
	} {
		s, err := Parse(strings.NewReader(text), "tests.jsonl")
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(s.Findings) != 1 || s.Findings[0].Rule != "unknown-key" {
			t.Errorf("%s: found %v", name, s.Findings)
		}
		s.Findings = nil
		if !reflect.DeepEqual(s, Suite{File: "tests.jsonl", Tests: wantThree()}) {
			t.Errorf("%s: got %+v", name, s)
		}
	}
}

func TestDamagedGzip(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	io.WriteString(z, three)
	z.Close()
	whole := zipped.Bytes()
	for cut := 2; cut < len(whole); cut++ {
		_, err := Parse(bytes.NewReader(whole[:cut]), "tests.jsonl.gz")
		if !errors.As(err, new(diag.Mistakes)) {
			t.Fatalf("cut to %d bytes: got %v, want a mistake", cut, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for path, rule := range map[string]string{
		filepath.Join(t.TempDir(), "none.jsonl"): "missing-file",
		t.TempDir():                              "not-a-file",
		os.DevNull:                               "not-a-file",
	} {
		_, err := Open(path, "tests.jsonl")
		var m diag.Mistakes
		if !errors.As(err, &m) || m[0].Rule != rule || m[0].File != "tests.jsonl" || m[0].Hint == "" {
			t.Errorf("%s: got %v, want %s with a hint", path, err, rule)
		}
	}
}

// failing is a disk that breaks: no mistake of the person's.
type failing struct{ text io.Reader }

var errDisk = errors.New("disk on fire")

func (f failing) Read(b []byte) (int, error) {
	n, err := f.text.Read(b)
	if err == io.EOF {
		err = errDisk
	}
	return n, err
}

func TestReadError(t *testing.T) {
	for _, text := range []string{three, "\x1f\x8b", "\x28\xb5\x2f\xfd"} {
		_, err := Parse(failing{strings.NewReader(text)}, "tests.jsonl")
		if !errors.Is(err, errDisk) || errors.As(err, new(diag.Mistakes)) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

// TestLimits feeds what no file should hold, without holding it.
func TestLimits(t *testing.T) {
	long := io.MultiReader(strings.NewReader(`{"id": "t1", "input": "`), io.LimitReader(letters{}, 40<<20), strings.NewReader("\", \"ideal\": \"x\"}\n{\"id\": \"t2\"}\n"))
	_, err := Parse(long, "long.jsonl")
	want := "long.jsonl:1: longer than 16 MiB [line-too-long]\nlong.jsonl:2:1: not a format of tests that is read here, found id [unknown-format]"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}

	bad := strings.Repeat("{}\n", 1000)
	_, err = Parse(strings.NewReader(bad), "bad.jsonl")
	var m diag.Mistakes
	if !errors.As(err, &m) || len(m) != maxMistakes+1 || m[maxMistakes].Rule != "more-mistakes" || !strings.HasPrefix(m[maxMistakes].Message, "900 more") {
		t.Errorf("got %d mistakes, last %v", len(m), m[len(m)-1])
	}

	p := parser{name: "huge.jsonl", maxFile: 1000, firstLine: make(map[string]int)}
	if err = p.read(opened(t, strings.Repeat(" \n", 1000))); !errors.As(err, &m) || m[0].Rule != "too-large" {
		t.Errorf("got %v", err)
	}
}

func opened(t *testing.T, text string) *packed {
	t.Helper()
	p, err := open(strings.NewReader(text), "huge.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

type letters struct{}

func (letters) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'a'
	}
	return len(b), nil
}

// FuzzParse checks that any input gives tests that hold what Test promises, or mistakes with places, and that reading what was read,
// written out, changes nothing.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/err/*.jsonl")
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(three))
	for _, rows := range published {
		f.Add([]byte(rows))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Parse(bytes.NewReader(b), "f")
		lines := bytes.Count(b, []byte("\n")) + 1
		var mistakes diag.Mistakes
		switch {
		case err == nil && len(s.Tests) == 0:
			t.Fatal("no tests and no error")
		case errors.As(err, &mistakes):
			for _, m := range mistakes {
				if m.Rule == "" || m.Hint == "" || m.Severity != diag.Critical || m.Line > lines && !bytes.HasPrefix(b, []byte{0x1f, 0x8b}) || m.Col < 0 {
					t.Fatalf("%+v", m)
				}
			}
		case err != nil:
			t.Fatal(err)
		}
		ids := make(map[string]bool)
		isPlain := err == nil && !bytes.Contains(b, []byte("question")) && !bytes.Contains(b, []byte("task_id")) && !bytes.Contains(b, []byte(`\u`))
		if isPlain && !bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
			sameAsDecoder(t, b, s)
		}
		for _, test := range s.Tests {
			if test.ID == "" || ids[test.ID] || len(test.Input) == 0 || len(test.Ideal) == 0 || test.Line == 0 {
				t.Fatalf("%+v", test)
			}
			ids[test.ID] = true
		}
		if err == nil && s.Tests[0].Code == nil {
			again, err := Parse(bytes.NewReader(written(s)), "f")
			if err != nil || again.Digest() != s.Digest() {
				t.Fatalf("written and read again: %v\n%s", err, written(s))
			}
		}
	})
}

// sameAsDecoder compares what Parse made of each line with what the standard decoder makes of it.
func sameAsDecoder(t *testing.T, b []byte, s Suite) {
	lines := bytes.Split(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), []byte("\n"))
	for _, test := range s.Tests {
		var want map[string]any
		if err := json.Unmarshal(lines[test.Line-1], &want); err != nil {
			t.Fatalf("line %d was accepted: %v", test.Line, err)
		}
		ideal, isList := want["ideal"].([]any)
		if !isList {
			ideal = []any{want["ideal"]}
		}
		input, isList := want["input"].([]any)
		if !isList {
			input = []any{map[string]any{"role": "user", "content": want["input"]}}
		}
		if len(ideal) != len(test.Ideal) || len(input) != len(test.Input) {
			t.Fatalf("got %+v, want %v", test, want)
		}
		for i := range ideal {
			if ideal[i] != test.Ideal[i] {
				t.Fatalf("ideal %q, want %q", test.Ideal[i], ideal[i])
			}
		}
		for i := range input {
			m := input[i].(map[string]any)
			if m["role"] != test.Input[i].Role || m["content"] != test.Input[i].Content {
				t.Fatalf("message %+v, want %v", test.Input[i], m)
			}
		}
	}
}
