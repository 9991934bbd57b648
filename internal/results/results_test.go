package results

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/diag"
)

var update = flag.Bool("update", false, "write the golden file anew")

// files are what people hand over, the good and the broken, with what is asked of them.
func files() []struct {
	name, text string
	options    Options
} {
	sample := func(id int, filter, hash string, acc, norm float64) string {
		return fmt.Sprintf(`{"doc_id": %d, "doc": {"q": "?"}, "target": "A", "arguments": [["?"]], "resps": [[["A"]]], "filtered_resps": ["A"], `+
			`"filter": "%s", "metrics": ["acc", "acc_norm"], "doc_hash": "%s", "prompt_hash": "p", "target_hash": "t", "acc": %v, "acc_norm": %v}`+"\n", id, filter, hash, acc, norm)
	}
	two := sample(0, "none", "h0", 1, 0) + sample(1, "none", "h1", 0, 1)
	return []struct {
		name, text string
		options    Options
	}{
		{"lines", `{"id": "a", "score": 1}` + "\n\n" + `{"id": 7, "score": 0.25, "answer": "x"}` + "\r\n" + `{"id": "c", "score": true}`, Options{}},
		{"lines with a byte order mark", "\ufeff" + `{"id": "a", "score": false}`, Options{}},
		{"lines, another key", `{"id": "a", "score": 1, "f1": 0.5}`, Options{Metric: "f1"}},
		{"list", `[{"id": "a", "score": 1},` + "\n" + `{"id": "b", "score": 0}]`, Options{}},
		{"lm-eval, list", "[\n  {\n    \"doc_id\": 0,\n    \"acc\": 1.0\n  }\n]", Options{}},
		{"csv", "id,score\na,1\n\"b,\"\"c\",0.5\n", Options{}},
		{"csv, other columns", "\ufefftest, answer, acc\na,x,1\nb,\"two\nlines\",0\n", Options{Metric: "acc"}},
		{"csv, arms", "leg,test,arm,score\nx,a,base,0\nx,a,tuned,1\nx,b,base,0\n", Options{Arm: "base"}},
		{"lm-eval", two, Options{Metric: "acc_norm"}},
		{"lm-eval, filters", sample(0, "strict", "h0", 1, 0) + sample(0, "flexible", "h0", 0, 1), Options{Metric: "acc,strict"}},
		{"lm-eval, no list of metrics", `{"doc_id": 3, "doc": {}, "target": 1, "resps": [], "exact_match": 1.0}`, Options{}},
		{"swe-bench", `{
    "total_instances": 5, "submitted_instances": 4, "resolved_instances": 1,
    "completed_ids": ["d__d-1", "d__d-2"], "incomplete_ids": ["d__d-5"], "empty_patch_ids": ["d__d-3"],
    "submitted_ids": ["d__d-1", "d__d-2", "d__d-3", "d__d-4"], "resolved_ids": ["d__d-1"], "unresolved_ids": ["d__d-2"],
    "error_ids": [], "infra_failure_ids": ["d__d-4"], "schema_version": 2
}
`, Options{}},
		{"swe-bench, no list of what was tried", `{"resolved_ids": ["a"], "unresolved_ids": ["b"], "error_ids": ["c"]}`, Options{}},
		{"swe-bench, older", `{"no_generation": ["c"], "generated": ["a", "b"], "with_logs": ["a", "b"], "applied": ["a"], "resolved": ["a"]}`, Options{}},
		{"swe-bench, by repository", `{"x/y": {"none": ["c"], "generated": ["a", "b"], "resolved": ["b"]}, "x/z": {"none": [], "generated": ["d"], "resolved": []}}`, Options{}},
		{"swe-bench, by instance", `{"b": {"cost": 0.7, "resolved": true}, "a": {"resolved": false}}`, Options{}},

		{"empty", " \n", Options{}},
		{"prose", "It went well.\n", Options{}},
		{"binary", "\x1f\x8b\x08\x00", Options{}},
		{"no rows", "id,score\n", Options{}},
		{"list of other things", "\n[1, 2]", Options{}},
		{"list without an id", `[{"test": "a"}]`, Options{}},
		{"empty list", `[]`, Options{}},
		{"broken list", `[{"id": "a", "score": 1},` + "\n" + `{"id": "b"`, Options{}},
		{"list with a mistake", `[{"id": "a", "score": 1},` + "\n" + `{"id": "b"}]`, Options{}},
		{"rows without an id", `{"test": "a", "score": 1}` + "\n" + `{"test": "b", "score": 1}`, Options{}},
		{"another document", `{"name": "x", "version": 3}`, Options{}},
		{"our report", `{"schema": 1, "verdict": "pass", "legs": []}`, Options{}},
		{"leaderboard", `{"no_generation": [], "no_logs": [], "resolved": ["a"]}`, Options{}},
		{"twice", `{"id": "a", "score": 1}` + "\n" + `{"id": "a", "score": 0}`, Options{}},
		{"a key twice", `{"id": "a", "score": 0}` + "\n" + `{"id": "b", "score": 0, "score": 1}`, Options{}},
		{"no number", `{"id": "a", "score": 0}` + "\n" + `{"id": "b", "score": NaN}` + "\n" + `{"id": "c", "score": null}` + "\n" + `{"id": "d", "score": "1"}` + "\n" +
			`{"id": "e", "score": 1e999}` + "\n" + `{"id": "f"}` + "\n" + `{"id": null, "score": 1}` + "\n" + `{"id": " ", "score": 1}` + "\n" + `{"id": 1.5, "score": 1}`, Options{}},
		{"no number at once", `{"id": "a", "score": NaN}` + "\n" + `{"id": "b", "score": 1}`, Options{}},
		{"broken lines", `{"id": "a", "score": 1}` + "\n" + `{"id": "b", "sc` + "\n[1]\n" + `{"id": "c", "score": 1} {}` + "\n" + `{"id": "` + "\xff" + `", "score": 1}`, Options{}},
		{"broken document", "{\n  \"resolved_ids\": [\n    \"a\",\n  ]\n}", Options{}},
		{"csv, bad scores", "id,score\na,NaN\nb,\nc,0.5,x\n,1\nd,inf\nd,1\nd,1\n", Options{}},
		{"csv, open quote", "id,score\na,1\n\"b,1\nc,1\n", Options{}},
		{"csv, two columns of one name", "id,score,score\na,1,0\n", Options{}},
		{"csv, another metric", "id,score\na,1\n", Options{Metric: "f1"}},
		{"lm-eval, which metric", two, Options{}},
		{"lm-eval, which filter", sample(0, "strict", "h0", 1, 0) + sample(0, "flexible", "h0", 0, 1), Options{Metric: "acc"}},
		{"lm-eval, unknown metric", two, Options{Metric: "f1"}},
		{"lm-eval, metric of lists", `{"doc_id": 0, "metrics": ["bleu"], "filter": "none", "bleu": ["a", "b"]}`, Options{}},
		{"lm-eval, twice", sample(0, "none", "h0", 1, 0) + sample(0, "none", "h0", 1, 0), Options{Metric: "acc"}},
		{"swe-bench, resolved but not tried", `{"submitted_ids": ["a"], "resolved_ids": ["b"]}`, Options{}},
		{"swe-bench, no lists", `{"submitted_ids": 3, "resolved_ids": {"a": 1}}`, Options{}},
		{"swe-bench, twice", `{"submitted_ids": ["a", "a"], "resolved_ids": []}`, Options{}},
		{"many mistakes", strings.Repeat(`{"id": "a", "score": 1}`+"\n", 30), Options{}},
		{"long id", strings.Repeat(`{"id": "`+strings.Repeat("é", 500)+`", "score": 1}`+"\n", 2), Options{}},
	}
}

// TestParse shows what is read of each file, or what is said of it; the golden file holds every word.
func TestParse(t *testing.T) {
	var got strings.Builder
	for _, c := range files() {
		fmt.Fprintf(&got, "%s\n", c.name)
		f, err := Parse(strings.NewReader(c.text), "f", c.options)
		var mistakes diag.Mistakes
		switch {
		case errors.As(err, &mistakes):
			for _, m := range mistakes {
				fmt.Fprintf(&got, "  %s\n", m)
				if m.Hint != "" {
					fmt.Fprintf(&got, "    hint: %s\n", m.Hint)
				}
			}
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		default:
			fmt.Fprintf(&got, "  %s, %s\n", f.Format, f.Metric)
			for _, s := range f.Scores {
				fmt.Fprintf(&got, "  %q %v line %d %s\n", s.ID, s.Value, s.Line, s.Asked)
			}
			if len(f.Failed) > 0 {
				fmt.Fprintf(&got, "  failed: %q\n", f.Failed)
			}
		}
	}
	if *update {
		if err := os.WriteFile("testdata/files.out", []byte(got.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/files.out")
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("got\n%s", got.String())
	}
}

func TestOpen(t *testing.T) {
	if _, err := Open("testdata/nowhere", "nowhere", Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := Open("testdata", "testdata", Options{}); err == nil {
		t.Error("a folder was read")
	}
}

// endless is a reader without end.
type endless struct{ read int64 }

func (e *endless) Read(b []byte) (int, error) {
	e.read += int64(len(b))
	return len(b), nil
}

func TestParseStopsAtTheLimit(t *testing.T) {
	e := &endless{}
	_, err := parse(e, "endless", Options{}, 1<<20)
	var mistakes diag.Mistakes
	if !errors.As(err, &mistakes) || !strings.Contains(err.Error(), "larger than 1 MiB") || e.read > 4<<20 {
		t.Errorf("%v after %d bytes", err, e.read)
	}
}

func TestMatch(t *testing.T) {
	base := File{Name: "b", Scores: []Score{{ID: "a", Value: 1, Asked: "x"}, {ID: "b", Value: 0}, {ID: "c", Value: 1, Asked: "y"}}}
	tuned := File{Name: "t", Scores: []Score{{ID: "d", Value: 1}, {ID: "c", Value: 0.5, Asked: "y"}, {ID: "a", Value: 0}}}
	pairs, onlyBase, onlyTuned, err := Match(base, tuned)
	if got := fmt.Sprint(pairs, onlyBase, onlyTuned, err); got != "[[{a 1 0 x} {a 0 0 }] [{c 1 0 y} {c 0.5 0 y}]] [b] [d] <nil>" {
		t.Error(got)
	}
	tuned.Scores[1].Asked, tuned.Scores[1].Line = "z", 9
	var mistakes diag.Mistakes
	if _, _, _, err := Match(base, tuned); !errors.As(err, &mistakes) || mistakes[0].Line != 9 || !strings.Contains(err.Error(), `"c" is not the one that b has`) {
		t.Errorf("another test under the same id: %v", err)
	}
}

// FuzzParse gives the reader anything: what it takes has finite scores and ids that stand once, what it refuses says where.
func FuzzParse(f *testing.F) {
	for _, c := range files() {
		f.Add(c.text, c.options.Metric)
	}
	f.Fuzz(func(t *testing.T, text, metric string) {
		file, err := Parse(strings.NewReader(text), "f", Options{Metric: metric, Arm: "base"})
		var mistakes diag.Mistakes
		if err != nil {
			if !errors.As(err, &mistakes) || len(mistakes) == 0 || len(mistakes) > maxMistakes {
				t.Fatalf("%v", err)
			}
			return
		}
		seen := make(map[string]bool)
		for _, s := range file.Scores {
			if math.IsNaN(s.Value) || math.IsInf(s.Value, 0) || strings.TrimSpace(s.ID) == "" || seen[s.ID] {
				t.Fatalf("%+v", s)
			}
			seen[s.ID] = true
		}
		if len(file.Scores) == 0 || file.Format == "" {
			t.Fatalf("%+v", file)
		}
		if pairs, b, tt, err := Match(file, file); err != nil || len(pairs) != len(file.Scores) || len(b)+len(tt) > 0 {
			t.Fatalf("a file does not match itself: %v", err)
		}
	})
}

// A file as a large evaluation leaves it, with the prompts in it.
func BenchmarkSamples(b *testing.B) {
	var text strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, `{"doc_id": %d, "doc": {"question": "%s"}, "filter": "none", "metrics": ["acc"], "doc_hash": "%d", "target_hash": "t", "acc": %d}`+"\n", i, strings.Repeat("word ", 400), i, i%2)
	}
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		if _, err := Parse(strings.NewReader(text.String()), "f", Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
