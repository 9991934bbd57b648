package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// The same examples in every format and container are the same fine-tune: equal tokens, an equal run key, and so the one
// model that was trained on plain chat JSONL.
func TestFormatsAreOneFineTune(t *testing.T) {
	source := filepath.Join(filepath.Dir(example(t, "five-agents")), "data", "ticket-router")
	plain, err := os.ReadFile(filepath.Join(source, "train.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	type message struct{ Role, Content string }
	var rows [][]message
	for line := range strings.Lines(string(plain)) {
		var row struct{ Messages []message }
		if err := json.Unmarshal([]byte(line), &row); err != nil || len(row.Messages) != 3 {
			t.Fatalf("the example has a row that this test does not know: %v\n%s", err, line)
		}
		rows = append(rows, row.Messages)
	}
	quote := func(s string) string {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	escaped := func(s string) string { // every character as \uXXXX, where that is possible
		var b strings.Builder
		for _, r := range s {
			if r < 0x10000 {
				fmt.Fprintf(&b, `\u%04x`, r)
			} else {
				b.WriteRune(r)
			}
		}
		return `"` + b.String() + `"`
	}
	each := func(end string, line func(system, user, assistant string) string) []byte {
		var b strings.Builder
		for _, r := range rows {
			b.WriteString(line(r[0].Content, r[1].Content, r[2].Content) + end)
		}
		return []byte(b.String())
	}
	var zipped, zstandard bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, err = z.Write(plain)
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	zs, err := zstd.NewWriter(&zstandard)
	if err != nil {
		t.Fatal(err)
	}
	_, err = zs.Write(plain)
	if err := errors.Join(err, zs.Close()); err != nil {
		t.Fatal(err)
	}
	variants := map[string][]byte{
		"plain.jsonl":      plain,
		"packed.jsonl.gz":  zipped.Bytes(),
		"packed.jsonl.zst": zstandard.Bytes(),
		"crlf.jsonl":       bytes.ReplaceAll(plain, []byte("\n"), []byte("\r\n")),
		"bom.jsonl":        append([]byte("\xef\xbb\xbf"), plain...),
		"no-end.jsonl":     bytes.TrimSuffix(plain, []byte("\n")),
		"blank.jsonl":      bytes.Replace(plain, []byte("\n"), []byte("\n\n"), 3),
		"keys.jsonl": each("\n", func(s, u, a string) string {
			return fmt.Sprintf(`{ "messages" : [ {"content":%s, "role":"system"},	{"content":%s,"role":"user"},{"weight":1,"content":%s,"role":"assistant"} ] }`, quote(s), escaped(u), quote(a))
		}),
		"completion.jsonl": each("\n", func(s, u, a string) string {
			return fmt.Sprintf(`{"system":%s,"prompt":%s,"completion":%s}`, quote(s), quote(u), quote(a))
		}),
		"sharegpt.jsonl": each("\n", func(s, u, a string) string {
			return fmt.Sprintf(`{"conversations":[{"from":"system","value":%s},{"from":"human","value":%s},{"from":"gpt","value":%s}]}`, quote(s), quote(u), quote(a))
		}),
		"alpaca.jsonl": each("\n", func(s, u, a string) string {
			return fmt.Sprintf(`{"instruction":%s,"input":"","output":%s,"system":%s}`, quote(u), quote(a), quote(s))
		}),
	}
	dir := t.TempDir()
	tests, err := os.ReadFile(filepath.Join(source, "benchmark.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("tests.jsonl", tests)
	var model, tokens string
	tune := func(name string) {
		write(name, variants[name])
		var out, said bytes.Buffer
		path := filepath.Join(dir, name)
		if code := run(t.Context(), []string{"tokens", path, "--format", "json"}, func(string) string { return "" }, nil, &out, &said); code != exitPass {
			t.Fatalf("%s: exit %d\n%s", name, code, said.String())
		}
		counted := strings.Replace(out.String(), path, "", 1)
		write("tunegate.yaml", []byte("version: 1\nagents:\n  router: {train: "+name+", benchmark: {tests: tests.jsonl, grader: exact}}\n"))
		if out, err := process(t, dir, "run", "--quiet").CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		r := readRun(t, dir)
		if model == "" {
			model, tokens = r.Agents[0].Model, counted
			return
		}
		if r.Launched != 0 || r.Agents[0].Model != model {
			t.Errorf("%s is another fine-tune than plain.jsonl: %d jobs launched, model %s", name, r.Launched, r.Agents[0].Model)
		}
		if counted != tokens {
			t.Errorf("%s counts\n%swant\n%s", name, counted, tokens)
		}
	}
	tune("plain.jsonl")
	for name := range variants {
		if name != "plain.jsonl" {
			tune(name)
		}
	}
}

// Every broken file of the parsers' own tests, through the program: the right exit code, and words instead of a stack.
func TestBrokenFilesThroughTheProgram(t *testing.T) {
	for folder, want := range map[string]struct {
		command string
		exit    int
		least   int
	}{
		"../../internal/manifest/testdata/err": {"check", exitUsage, 15},
		"../../internal/audit/testdata/broken": {"audit", exitFail, 15},
	} {
		files, err := filepath.Glob(folder + "/*")
		if err != nil {
			t.Fatal(err)
		}
		tried := 0
		for _, path := range files {
			if ext := filepath.Ext(path); ext != ".yaml" && ext != ".jsonl" {
				continue
			}
			tried++
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), []string{want.command, path}, func(string) string { return "" }, nil, &stdout, &stderr)
			said := stdout.String() + stderr.String()
			if code != want.exit || !strings.Contains(said, filepath.Base(path)) || !strings.Contains(said, "hint: ") || strings.Contains(said, "goroutine") {
				t.Errorf("%s %s: exit %d, want %d\n%s", want.command, path, code, want.exit, said)
			}
		}
		if tried < want.least {
			t.Errorf("%s holds %d broken files, want at least %d", folder, tried, want.least)
		}
	}
}
