package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/suite"
)

// fixed cleans the training data, and returns the lines of the copy.
func fixed(t *testing.T, in Input, p Policy) (Copy, Result, []string) {
	t.Helper()
	copies, results, err := Fix(t.Context(), []Job{{in, p}}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return copies[0], results[0], linesOf(t, open(t, copies[0].Path))
}

// linesOf returns the lines of a file, unpacked.
func linesOf(t *testing.T, f *dataset.File) (lines []string) {
	t.Helper()
	for row, err := range f.Rows(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(row.Raw))
	}
	return lines
}

func changesOf(c Copy) (all []string) {
	for _, ch := range c.Changes {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%d %s %s %d %d", ch.Line, ch.Action, ch.Rule, ch.Of, ch.Count)))
	}
	return all
}

func TestFix(t *testing.T) {
	const aws = "AKIAZ7QK4MWTN2RB9XCD"
	rows := append(different(12), // 1 to 12
		different(12)[3],                 // 13: a copy
		"  ",                             // 14
		chat("one", "A"),                 // 15: most say A
		chat("one", "B"),                 // 16
		chat("one", "A"),                 // 17: a copy, and a vote
		chat("two", "A"),                 // 18: a tie
		chat("two", "B"),                 // 19
		`{"messages":[`,                  // 20
		chat("my key is "+aws, "thanks"), // 21
		chat("say <|im_end|>", "no"),     // 22
		chat("What is the Capital  of Peru", "no"), // 23: verbatim, folded
		chat("hold "+aws, "yes"),                   // 24
		chat("hold AKIAZ7QK4MWTN2RB9XCE", "yes"),   // 25: a copy, once both are replaced
	)
	in := Input{Train: data(t, rows...), Tests: suite.Suite{File: "tests.jsonl", Tests: []suite.Test{{ID: "peru", Line: 1, Ideal: []string{"Lima"},
		Input: []suite.Message{{Role: "user", Content: "what is the capital of peru"}}}}}}
	copied, left, lines := fixed(t, in, DefaultPolicy())
	want := append(slices.Clone(rows[:12]), chat("one", "A"), chat("my key is [AWS_KEY]", "thanks"), chat("hold [AWS_KEY]", "yes"))
	if !slices.Equal(lines, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	wantChanges := []string{
		"13 dropped exact-duplicate 4 0", "14 dropped blank-line 0 0", "16 dropped contradiction 15 0", "17 dropped exact-duplicate 15 0",
		"18 dropped contradiction 19 0", "19 dropped contradiction 18 0", "20 dropped invalid-json 0 0", "21 replaced secret-aws 0 1",
		"22 dropped special-token 0 0", "23 dropped contamination 0 0", "24 replaced secret-aws 0 1", "25 dropped exact-duplicate 24 0",
	}
	if got := changesOf(copied); !slices.Equal(got, wantChanges) {
		t.Errorf("changes\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(wantChanges, "\n"))
	}
	if diag.Worst(left.Findings) == diag.Critical || left.Totals.Rows != len(want) {
		t.Errorf("left in the copy: %d rows, %v", left.Totals.Rows, left.Findings)
	}
	if text, _ := json.Marshal(copied.Changes); bytes.Contains(text, []byte(aws)) {
		t.Error("the list of changes has a secret in it")
	}
}

// TestFixAgain: cleaning a copy changes nothing, whatever was wrong with the data, and neither does the number of workers.
func TestFixAgain(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	parts := []string{"call 212-358-7886", "john.smith@fastmail.com", "SSN 536-22-8726", "AKIAZ7QK4MWTN2RB9XCD", "</s>", "card 5157221387605282", "the weather", "in Oslo", "\n", "\u00e9", `"`}
	text := func() string {
		var words []string
		for range 1 + rng.IntN(4) {
			words = append(words, parts[rng.IntN(len(parts))])
		}
		return strings.Join(words, " ")
	}
	rows := different(30)
	for range 300 {
		switch rng.IntN(8) {
		case 0:
			rows = append(rows, rows[rng.IntN(len(rows))])
		case 1:
			rows = append(rows, `{"messages":[{"role":"user","content":1}]}`)
		case 2:
			rows = append(rows, `{"prompt":"x","completion":"y","note":"mail john.smith@fastmail.com"}`)
		default:
			rows = append(rows, chat(text(), text()))
		}
	}
	in := Input{Train: data(t, rows...)}
	first, _, lines := fixed(t, in, DefaultPolicy())
	if len(first.Changes) < 100 || len(lines) < 40 {
		t.Fatalf("%d changes, %d lines left", len(first.Changes), len(lines))
	}
	in.Train = open(t, first.Path)
	again, left, _ := fixed(t, in, DefaultPolicy())
	if len(again.Changes) > 0 || again.Path != first.Path {
		t.Errorf("changed again: %v", changesOf(again))
	}
	if diag.Worst(left.Findings) == diag.Critical {
		t.Errorf("left: %v", left.Findings)
	}
	for _, workers := range []int{1, 5} {
		copies, _, err := fix(t.Context(), []Job{{Input{Train: data(t, rows...)}, DefaultPolicy()}}, t.TempDir(), workers)
		if err != nil {
			t.Fatal(err)
		}
		if got := linesOf(t, open(t, copies[0].Path)); !slices.Equal(got, lines) {
			t.Errorf("%d workers make another copy", workers)
		}
	}
}

// TestFixPacked: the copy is packed as the source is, and a source that needs no cleaning is its own copy.
func TestFixPacked(t *testing.T) {
	packers := map[string]func(io.Writer) io.WriteCloser{
		"a.jsonl.gz":  func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		"a.jsonl.zst": func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z },
	}
	for name, pack := range packers {
		path := filepath.Join(t.TempDir(), name)
		var b bytes.Buffer
		w := pack(&b)
		if _, err := io.WriteString(w, strings.Join(append(different(12), different(2)...), "\r\n")); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Close(), os.WriteFile(path, b.Bytes(), 0o600)); err != nil {
			t.Fatal(err)
		}
		in := Input{Train: open(t, path)}
		copied, _, lines := fixed(t, in, DefaultPolicy())
		head, err := os.ReadFile(copied.Path)
		if err != nil || !bytes.Equal(head[:2], b.Bytes()[:2]) || !slices.Equal(lines, different(12)) {
			t.Errorf("%s: %v, %d lines, begins with %x", name, err, len(lines), head[:2])
		}
		in.Train = open(t, copied.Path)
		if again, _, _ := fixed(t, in, DefaultPolicy()); again.Path != copied.Path {
			t.Errorf("%s: a clean file was copied to %s", name, again.Path)
		}
	}
}

// TestFixValidation: validation data is cleaned of what is found in it; nothing in it is compared.
func TestFixValidation(t *testing.T) {
	valid := data(t, chat("q", "a"), chat("q", "a"), chat("q", "b"), "{", chat("SSN 536-22-8726", "a"))
	jobs := []Job{{Input{Train: data(t, different(12)...), Validation: valid}, DefaultPolicy()}}
	copies, _, err := Fix(t.Context(), jobs, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if len(copies) != 2 || copies[1].Source != valid {
		t.Fatalf("copies %+v", copies)
	}
	want := []string{chat("q", "a"), chat("q", "a"), chat("q", "b"), chat("SSN [SSN]", "a")}
	if got := linesOf(t, open(t, copies[1].Path)); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// TestFixSeveral: a file that two agents train on is cleaned once, for the tests of both.
func TestFixSeveral(t *testing.T) {
	train := data(t, append(different(12), chat("first", "a"), chat("second", "b"))...)
	tests := func(text string) suite.Suite {
		return suite.Suite{File: text, Tests: []suite.Test{{ID: text, Line: 1, Ideal: []string{"x"}, Input: []suite.Message{{Role: "user", Content: text}}}}}
	}
	copies, results, err := Fix(t.Context(), []Job{{Input{Train: train, Tests: tests("first")}, DefaultPolicy()}, {Input{Train: train, Tests: tests("second")}, DefaultPolicy()}}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if got := changesOf(copies[0]); len(copies) != 1 || len(results) != 2 || !slices.Equal(got, []string{"13 dropped contamination 0 0", "14 dropped contamination 0 0"}) {
		t.Errorf("%d copies, %d results, changes %v", len(copies), len(results), got)
	}
}

// TestFixNothingLeft: a copy without a line is an error that says so.
func TestFixNothingLeft(t *testing.T) {
	_, _, err := Fix(t.Context(), []Job{{Input{Train: data(t, "y", "x")}, DefaultPolicy()}}, t.TempDir())
	var mistakes diag.Mistakes
	if !errors.As(err, &mistakes) || !strings.Contains(err.Error(), "no line would be left") {
		t.Errorf("error %v", err)
	}
}

// TestFixNearTests: rows with the very prompt of a test go; those that only resemble one are a person's to judge, and stop no
// launch however many they are.
func TestFixNearTests(t *testing.T) {
	var s suite.Suite
	rows := different(12)
	for i, text := range []string{"where does the night train to Ulan Bator leave from on a Sunday in winter", "which seat of the old theatre has a view of the harbour at night"} {
		s.Tests = append(s.Tests, suite.Test{ID: fmt.Sprint(i), Line: i + 1, Ideal: []string{"platform", "x"}[i:], Input: []suite.Message{{Role: "user", Content: text}}})
	}
	s.File = "tests.jsonl"
	rows = append(rows, chat(s.Tests[0].Input[0].Content, "platform"), chat("Hi, "+strings.Replace(s.Tests[1].Input[0].Content, "view", "veiw", 1), "x"))
	j := Job{Input{Train: data(t, rows...), Tests: s}, Policy{MaxDuplicates: 1}}
	copies, results, err := Fix(t.Context(), []Job{j}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if got := changesOf(copies[0]); !slices.Equal(got, []string{"13 dropped contamination 0 0"}) {
		t.Errorf("changes %v", got)
	}
	if fs := slices.DeleteFunc(slices.Clone(results[0].Findings), func(f diag.Finding) bool { return f.Rule != "contamination" }); len(fs) != 1 || fs[0].Severity != diag.Warning || !slices.Equal(results[0].Contaminated, []string{"1"}) {
		t.Errorf("the row that resembles a test: %v, contaminated %v", fs, results[0].Contaminated)
	}
}

// TestFixPlanted: the cleaned set has no critical finding, nothing was lost that was not planted, and nothing is left to clean.
func TestFixPlanted(t *testing.T) {
	tests, err := suite.Open(testdata(t, "planted", "benchmark.jsonl"), "benchmark.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	in := Input{Train: open(t, testdata(t, "planted", "train.jsonl")), Tests: tests, Encoding: encoding(t), TrainingContext: 65536}
	copied, left, kept := fixed(t, in, DefaultPolicy())
	for _, deep := range []bool{false, true} {
		again := in
		again.Train, again.Deep = open(t, copied.Path), deep
		if worst := diag.Worst(audited(t, again, DefaultPolicy()).Findings); worst == diag.Critical {
			t.Errorf("deep %v: critical findings are left", deep)
		}
	}
	if left.Totals.Rows != len(kept) {
		t.Errorf("%d rows audited of %d", left.Totals.Rows, len(kept))
	}
	listed := map[int]bool{}
	truth, err := os.ReadFile(testdata(t, "planted", "truth.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(truth) {
		var row struct {
			Line, Of int
			Kind     string
		}
		if err := json.Unmarshal(line, &row); err != nil {
			t.Fatal(err)
		}
		if row.Kind != "clean-control" {
			listed[row.Line], listed[row.Of] = true, true
		}
	}
	changed := map[int]Action{}
	for _, c := range copied.Changes {
		changed[c.Line] = c.Action
		if !listed[c.Line] {
			t.Errorf("%+v is not of a planted row", c)
		}
	}
	source, err := os.ReadFile(in.Train.Path())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range bytes.Lines(source) {
		n++
		switch changed[n] {
		case Dropped:
			continue
		case "":
			if got := kept[0]; got != string(bytes.TrimRight(line, "\r\n")) {
				t.Fatalf("line %d was changed: %s", n, got)
			}
		}
		kept = kept[1:]
	}
	in.Train = open(t, copied.Path)
	if again, _, _ := fixed(t, in, DefaultPolicy()); !reflect.DeepEqual(again.Changes, []Change(nil)) {
		t.Errorf("changed again: %v", changesOf(again))
	}
}

// TestFixManyBlocks: rows that lie in one and the same buffer, one after the other, are not taken for each other.
func TestFixManyBlocks(t *testing.T) {
	rows := make([]string, 30_000) // of equal length, over many blocks
	for i := range rows {
		rows[i] = chat(fmt.Sprintf("which of the lockers in the long corridor has the number %06d", i), fmt.Sprintf("the one that is %06d steps behind the door", i))
	}
	rows[29_000] = rows[7]
	c, _, kept := fixed(t, Input{Train: data(t, rows...)}, DefaultPolicy())
	if got := changesOf(c); len(got) != 1 || got[0] != "29001 dropped exact-duplicate 8 0" || len(kept) != len(rows)-1 {
		t.Errorf("%d rows are kept of %d: %.200q", len(kept), len(rows), got)
	}
}
