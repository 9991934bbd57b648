package suite

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/diag"
)

// published has two rows of each format as its makers write them, in our own words.
var published = map[string]string{
	"evals": `{"input": [{"role": "system", "content": "One word."}, {"role": "user", "content": "Capital of Peru?"}], "ideal": "Lima"}
{"input": "2 + 2?", "ideal": ["4", "four"]}`,
	"humaneval": `{"task_id": "p/0", "prompt": "def one():\n", "canonical_solution": "    return 1", "test": "def check(candidate):\n    assert candidate() == 1", "entry_point": "one"}
{"task_id": "p/1", "prompt": "def two():\n", "canonical_solution": "    return 2", "test": "def check(candidate):\n    assert candidate() == 2", "entry_point": "two"}`,
	"gsm8k": `{"question": "Two boxes of 6 eggs?", "answer": "2 * 6 = <<2*6=12>>12\n#### 12"}
{"question": "A car and its toll?", "answer": "#### 1,234"}`,
	"bfcl": `{"id": "s_0", "question": [[{"role": "user", "content": "Area, base 10, height 5?"}]], "function": [{"name": "area.triangle", "description": "d", "parameters": {"type": "dict", "properties": {"base": {"type": "float"}, "of": {"type": "tuple", "items": {"type": "any"}}}, "required": ["base"]}}], "ground_truth": [{"area.triangle": {"base": [10], "of": ["", [1]]}}]}
{"id": "s_1", "question": [[{"role": "user", "content": "5!"}]], "function": [{"name": "fact", "parameters": {"type": "dict", "properties": {}}}], "ground_truth": [{"fact": {}}]}`,
}

func TestPublishedFormats(t *testing.T) {
	const ask = "Complete the Python function below. Answer with the whole function, its imports included, and nothing else.\n\n"
	for name, want := range map[string][]Test{
		"evals": {
			{ID: "line-1", Line: 1, Input: []Message{{"system", "One word."}, {"user", "Capital of Peru?"}}, Ideal: []string{"Lima"}},
			{ID: "line-2", Line: 2, Input: []Message{{"user", "2 + 2?"}}, Ideal: []string{"4", "four"}},
		},
		"humaneval": {
			{ID: "p/0", Line: 1, Input: []Message{{"user", ask + "def one():\n"}}, Ideal: []string{"    return 1"}, Code: &Code{"def one():\n", "one", "def check(candidate):\n    assert candidate() == 1"}},
			{ID: "p/1", Line: 2, Input: []Message{{"user", ask + "def two():\n"}}, Ideal: []string{"    return 2"}, Code: &Code{"def two():\n", "two", "def check(candidate):\n    assert candidate() == 2"}},
		},
		"gsm8k": {
			{ID: "line-1", Line: 1, Input: []Message{{"user", "Two boxes of 6 eggs?"}}, Ideal: []string{"12"}},
			{ID: "line-2", Line: 2, Input: []Message{{"user", "A car and its toll?"}}, Ideal: []string{"1,234"}},
		},
		"bfcl": {
			{ID: "s_0", Line: 1, Input: []Message{{"user", "Area, base 10, height 5?"}}, Ideal: []string{`[{"area.triangle":{"base":[10],"of":["",[1]]}}]`},
				Tools: `[{"function":{"description":"d","name":"area_triangle","parameters":{"properties":{"base":{"type":"number"},"of":{"items":{},"type":"array"}},"required":["base"],"type":"object"}},"type":"function"}]`},
			{ID: "s_1", Line: 2, Input: []Message{{"user", "5!"}}, Ideal: []string{`[{"fact":{}}]`},
				Tools: `[{"function":{"name":"fact","parameters":{"properties":{},"type":"object"}},"type":"function"}]`},
		},
	} {
		s, err := Parse(strings.NewReader(published[name]), "tests.jsonl")
		if err != nil || !reflect.DeepEqual(s.Tests, want) {
			t.Errorf("%s: %v\ngot  %+v\nwant %+v", name, err, s.Tests, want)
		}
	}
}

// TestOwnTools reads functions that stand beside a test of the project's own format.
func TestOwnTools(t *testing.T) {
	const tools = `[{"function":{"name":"go.to","parameters":{"type":"object"}},"type":"function"}]`
	s, err := Parse(strings.NewReader(`{"id": "a", "input": "hi", "ideal": "{}", "tools": `+tools+`}`), "tests.jsonl")
	if err != nil || s.Tests[0].Tools != tools {
		t.Errorf("got %+v, %v", s.Tests, err)
	}
}

// TestPossibleAnswers joins questions with the answers that the leaderboard keeps in another folder.
func TestPossibleAnswers(t *testing.T) {
	const questions = `{"id": "a", "question": [[{"role": "user", "content": "hi"}]], "function": [{"name": "f"}]}
{"id": "b", "question": [[{"role": "user", "content": "ho"}]], "function": [{"name": "g"}]}`
	write := func(answers string) string {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "q.json"), []byte(questions), 0o666); err != nil {
			t.Fatal(err)
		}
		if answers != "" {
			os.Mkdir(filepath.Join(dir, "possible_answer"), 0o777)
			if err := os.WriteFile(filepath.Join(dir, "possible_answer", "q.json"), []byte(answers), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		return filepath.Join(dir, "q.json")
	}
	const first = `{"id": "a", "ground_truth": [{"f": {"x": [1, ""]}}]}` + "\n"
	s, err := Open(write(first+`{"id": "b", "ground_truth": [{"g": {}}]}`), "bench/q.json")
	if err != nil || len(s.Tests) != 2 || s.Tests[0].Ideal[0] != `[{"f":{"x":[1,""]}}]` || s.Answers != "bench/possible_answer/q.json" {
		t.Errorf("got %+v, %v", s, err)
	}
	for answers, want := range map[string]string{
		"":                            "bench/q.json:1: no possible answer to \"a\" [missing-ideal]\nbench/q.json:2: no possible answer to \"b\" [missing-ideal]",
		first:                         "bench/q.json:2: no possible answer to \"b\" [missing-ideal]",
		first + first:                 `bench/possible_answer/q.json:2:8: id "a" was used on line 1 already [duplicate-id]`,
		`{"id": "a"}`:                 `bench/possible_answer/q.json:1: no "ground_truth", found id [missing-ideal]`,
		`{"id": "a"`:                  `bench/possible_answer/q.json:1:10: not valid JSON: unexpected end of JSON input [invalid-json]`,
		"version https://git-lfs.x/1": "bench/possible_answer/q.json: is a Git LFS pointer, the tests themselves are not here [lfs-pointer]",
	} {
		if _, err := Open(write(answers), "bench/q.json"); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", answers, err, want)
		}
	}
	linked := write("")
	if err := os.Symlink(filepath.Dir(write(first)), filepath.Join(filepath.Dir(linked), "possible_answer")); err != nil {
		t.Skip("no links here:", err)
	}
	if _, err := Open(linked, "q.json"); !errors.As(err, new(diag.Mistakes)) || !strings.Contains(err.Error(), "link") {
		t.Errorf("a link was followed: %v", err)
	}
}

// TestRealFormats reads whole published benchmarks.
func TestRealFormats(t *testing.T) {
	dir := os.Getenv("TUNEGATE_TESTDATA")
	if dir == "" {
		t.Skip("TUNEGATE_TESTDATA is not set: HumanEval, GSM8K and the function-calling questions are not read")
	}
	for file, n := range map[string]int{"humaneval/HumanEval.jsonl.gz": 164, "humaneval/example_problem.jsonl": 1, "gsm8k/test.jsonl.gz": 1319, "bfcl/BFCL_v4_simple_python.json": 400} {
		s, err := Open(filepath.Join(dir, "data", file), file)
		if err != nil || len(s.Tests) != n {
			t.Errorf("%s: %d tests, want %d: %v", file, len(s.Tests), n, err)
		}
	}
}
