package grade

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tunegate/tunegate/internal/grade/sandbox"
)

func TestMain(m *testing.M) {
	sandbox.Main()
	os.Exit(m.Run())
}

func TestScore(t *testing.T) {
	for _, c := range []struct {
		grader, arg, answer string
		ideal               []string
		want                float64
		note                string // part of it
	}{
		{"exact", "", " tire_change\n", []string{"tire_change"}, 1, ""},
		{"exact", "", "Tire_change", []string{"tire_change"}, 0, ""},
		{"exact", "", "b", []string{"a", "b"}, 1, ""},
		{"exact", "", " \n", []string{"a"}, 0, "empty answer"},
		{"exact", "", "a", nil, 0, "no ideal"},
		{"exact", "", "", []string{""}, 0, "empty"},

		{"includes", "", "The answer is Paris.", []string{"Paris"}, 1, ""},
		{"includes", "", "The answer is paris.", []string{"Paris"}, 0, ""},
		{"includes", "", "anything", []string{""}, 0, "cannot be measured"},

		{"starts-with", "", " Paris, of course", []string{"Rome", "Paris"}, 1, ""},
		{"starts-with", "", "It is Paris", []string{"Paris"}, 0, ""},

		{"token-f1", "", "The cat sat.", []string{"a cat, sat"}, 1, ""},
		{"token-f1", "", "the cat sat on the mat", []string{"cat mat"}, 2 * 2.0 / 6, ""},
		{"token-f1", "", "dog", []string{"cat"}, 0, ""},
		{"token-f1", "", "the", []string{"an"}, 0, "cannot be measured"},

		{"json-schema", "", "```json\n{\"a\": 3}\n```", []string{`{"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}`}, 1, ""},
		{"json-schema", "", `{"a": "3"}`, []string{`{"properties": {"a": {"type": "integer"}}}`}, 0, "not valid at /a: type"},
		{"json-schema", "", `{}`, []string{`{"required": ["a"]}`}, 0, "not valid at /: required"},
		{"json-schema", "", `{"a": 1, "a": 2}`, []string{`{}`}, 0, "stands twice"},
		{"json-schema", "", `1`, []string{`{"type": 5}`}, 0, "no JSON Schema"},
		{"json-schema", "", `1`, []string{`{"$ref": "file:///etc/passwd"}`}, 0, "failing loading"},
		{"json-schema", "", `1`, []string{`{"$ref": "other.json"}`}, 0, "failing loading"},
		{"json-schema", "", `1`, []string{`{"$ref": "#"}`}, 0, "not valid"},
		{"json-schema", "", `[[1]]`, []string{`{"$defs": {"n": {"items": {"$ref": "#/$defs/n"}}}, "$ref": "#/$defs/n"}`}, 1, ""},

		{"regex", "", "order 123-45", []string{`\d{3}-\d{2}`}, 1, ""},
		{"regex", "", "order 12-45", []string{`^\d{3}-\d{2}$`}, 0, ""},
		{"regex", "", "x", []string{"(", "x"}, 1, ""},
		{"regex", "", "x", []string{"("}, 0, "cannot be measured"},
		{"regex", `Answer: (\w+)`, "Think.\nAnswer: B", []string{"B"}, 1, ""},
		{"regex", `Answer: (\w+)`, "Think.\nAnswer: B", []string{"C"}, 0, ""},
		{"regex", `[A-D]`, "I say B", []string{"B"}, 1, ""},
		{"regex", `Answer: (\w+)`, "B", []string{"B"}, 0, "matches nowhere"},

		{"numeric", "", "She makes 9 * 2 = $18 every day.\n#### 18", []string{"#### 18"}, 1, ""},
		{"numeric", "", "#### 18\nThat is 18 of 20", []string{"18"}, 0, "read 20"},
		{"numeric", "", "It costs $1,234.50.", []string{"1234.5"}, 1, ""},
		{"numeric", "", "12 %", []string{"12%"}, 1, ""},
		{"numeric", "", "1.8e1", []string{"18.00"}, 1, ""},
		{"numeric", "", "-$5", []string{"-5"}, 1, ""},
		{"numeric", "", "\u22125", []string{"-5"}, 1, ""},
		{"numeric", "", "10-20", []string{"20"}, 1, ""},
		{"numeric", "", ".5", []string{"0.50"}, 1, ""},
		{"numeric", "", "-0.0", []string{"0"}, 1, ""},
		{"numeric", "", "12345678901234567890", []string{"12345678901234567891"}, 0, "read 12345678901234567890"},
		{"numeric", "", "gpt4", []string{"4"}, 0, "no number"},
		{"numeric", "", "eighteen", []string{"18"}, 0, "no number"},
		{"numeric", "", "NaN", []string{"NaN"}, 0, "cannot be measured"},
		{"numeric", "", "1e999999999999", []string{"1"}, 0, "no number"},

		{"json-equal", "", `{"b": [1, 2.0], "a": "x"}`, []string{`{"a":"\u0078","b":[1.0,2]}`}, 1, ""},
		{"json-equal", "", `{"a": 1e2}`, []string{`{"a": 100}`}, 1, ""},
		{"json-equal", "", `{"a": 1}`, []string{`{"a": "1"}`}, 0, ""},
		{"json-equal", "", `{"a": 1, "b": null}`, []string{`{"a": 1}`}, 0, ""},
		{"json-equal", "", `[1, 2]`, []string{`[2, 1]`}, 0, ""},
		{"json-equal", "", `[]`, []string{`{}`}, 0, ""},
		{"json-equal", "", `null`, []string{`null`}, 1, ""},
		{"json-equal", "", "```json\n{\"a\": 1}\n```", []string{`{"a": 1}`}, 1, ""},
		{"json-equal", "", "```\n{\"a\": 1}```", []string{`{"a": 1}`}, 1, ""},
		{"json-equal", "", "Here you are:\n```json\n{\"a\": 1}\n```", []string{`{"a": 1}`}, 0, "not JSON"},
		{"json-equal", "", "```python\n{\"a\": 1}\n```", []string{`{"a": 1}`}, 0, "not JSON"},
		{"json-equal", "", `{"a": 1, "a": 1}`, []string{`{"a": 1}`}, 0, "stands twice"},
		{"json-equal", "", `{"a": 1} {"a": 1}`, []string{`{"a": 1}`}, 0, "not JSON"},
		{"json-equal", "", `{'a': 1}`, []string{`{"a": 1}`}, 0, "not JSON"},
		{"json-equal", "", `{"a": NaN}`, []string{`{"a": NaN}`}, 0, "cannot be measured"},
		{"json-equal", "", `9007199254740993`, []string{`9007199254740992`}, 0, ""},
		{"json-equal", "", "\"\xff\"", []string{`"\ufffd"`}, 0, "UTF-8"},
	} {
		g, err := New(c.grader, c.arg)
		if err != nil {
			t.Fatal(err)
		}
		got := g.Score(c.answer, c.ideal)
		if got.Value != c.want || !strings.Contains(got.Note, c.note) || c.note == "" && got.Note != "" && c.want == 1 {
			t.Errorf("%s %q: answer %q, ideal %q: got %+v, want %v %q", c.grader, c.arg, c.answer, c.ideal, got, c.want, c.note)
		}
	}
}

func TestMakeRefuses(t *testing.T) {
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Name: "exakt"}, `unknown grader "exakt", expected one of exact, includes, `},
		{Options{}, `unknown grader "", expected one of exact, includes, `},
		{Options{Name: "exact", Pattern: "x"}, "grader exact takes no pattern"},
		{Options{Name: "judge", Threshold: 1}, "grader judge takes no threshold"},
		{Options{Name: "judge", Model: "m"}, "grader judge needs a rubric"},
		{Options{Name: "command"}, "grader command needs a command"},
		{Options{Name: "judge-pair", Model: "m", Votes: 4}, "grader judge-pair: votes are an odd number"},
		{Options{Name: "token-f1", Threshold: 1.5}, "grader token-f1: the threshold is"},
		{Options{Name: "token-f1", Threshold: math.NaN()}, "grader token-f1: the threshold is"},
		{Options{Name: "code", Timeout: time.Hour}, "grader code: the timeout is at most 10 minutes"},
		{Options{Name: "regex", Pattern: "("}, "grader regex: error parsing regexp: missing closing ): `(`"},
	} {
		if _, err := Make(c.o); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want %s", c.o, err, c.want)
		}
	}
	for _, name := range Names() {
		if g, err := Make(whole(name)); err != nil || g.Name() != name {
			t.Errorf("%s: %v", name, err)
		}
		known, _ := Takes(name)
		for _, option := range known {
			if !slices.Contains(OptionNames(), option) {
				t.Errorf("%s takes %q, which no manifest can give", name, option)
			}
		}
	}
}

// whole is a grader with all that it needs.
func whole(name string) Options {
	o := Options{Name: name}
	_, needed := Takes(name)
	for _, option := range needed {
		switch option {
		case "model":
			o.Model = "m"
		case "rubric":
			o.Rubric = "It is right."
		case "command":
			o.Command = []string{"python3", "g.py"}
		}
	}
	return o
}

func TestZeroGraderPassesNothing(t *testing.T) {
	var g Grader
	if got := g.Score("x", []string{"x"}); got.Value != 0 || got.Note == "" {
		t.Errorf("got %+v", got)
	}
	if g.Check([]string{"x"}) == nil {
		t.Error("the zero grader accepts an ideal")
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		grader string
		ideal  []string
		want   string
	}{
		{"exact", []string{"a"}, ""},
		{"exact", nil, "no ideal"},
		{"numeric", []string{"18", "eighteen"}, `ideal "eighteen": holds no number`},
		{"json-equal", []string{"{"}, `ideal "{": not JSON: unexpected end of JSON input`},
		{"regex", []string{"a{2"}, ""},
		{"regex", []string{"*"}, "ideal \"*\": error parsing regexp: missing argument to repetition operator: `*`"},
	} {
		g, err := New(c.grader, "")
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := g.Check(c.ideal); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s %q: got %q, want %q", c.grader, c.ideal, got, c.want)
		}
	}
}

// TestHostileAnswers grades answers made to exhaust the stack, the memory or the clock.
func TestHostileAnswers(t *testing.T) {
	g, err := New("json-equal", "")
	if err != nil {
		t.Fatal(err)
	}
	deep := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	if got := g.Score(deep(1_000_000), []string{"1"}); got.Value != 0 || got.Note == "" {
		t.Errorf("a million objects deep: %+v", got)
	}
	if got := g.Score(deep(5_000), []string{deep(5_000)}); got.Value != 1 {
		t.Errorf("five thousand objects deep: %+v", got)
	}
	if got := g.Score("1e1000000000", []string{"1e999999999"}); got.Value != 0 {
		t.Errorf("huge exponents: %+v", got)
	}
	backtracking, err := New("regex", "(a*)*b")
	if err != nil {
		t.Fatal(err)
	}
	if got := backtracking.Score(strings.Repeat("a", 100_000), []string{"b"}); got.Value != 0 {
		t.Errorf("a pattern that backtracking engines never finish: %+v", got)
	}
}

// TestWorkedSolutions grades the solutions of GSM8K against their own final numbers, and against their neighbour's.
func TestWorkedSolutions(t *testing.T) {
	dir := os.Getenv("TUNEGATE_TESTDATA")
	if dir == "" {
		t.Skip("TUNEGATE_TESTDATA is not set: the solutions of GSM8K are not graded")
	}
	f, err := os.Open(filepath.Join(dir, "data", "gsm8k", "test.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	g, err := New("numeric", "")
	if err != nil {
		t.Fatal(err)
	}
	var n, foreign int
	before := "none"
	lines := bufio.NewScanner(z)
	for lines.Scan() {
		var row struct{ Answer string }
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		_, final, _ := strings.Cut(row.Answer, "####")
		final = strings.TrimSpace(final)
		if got := g.Score(row.Answer, []string{final}); got.Value != 1 {
			t.Errorf("%q is not found right: %+v", row.Answer, got)
		}
		if before != final {
			foreign += int(g.Score(row.Answer, []string{before}).Value)
		}
		before = final
		n++
	}
	if n != 1319 || foreign != 0 {
		t.Errorf("%d solutions, want 1319; %d match another's number", n, foreign)
	}
}

// FuzzScore checks what holds for any answer: no panic, a score from 0 to 1, and the ideal itself is right.
func FuzzScore(f *testing.F) {
	f.Add("```json\n{\"a\": 1}\n```", `{"a": 1.0}`)
	f.Add("#### 1,234.50 %", "-$1234.5e0")
	f.Add("Answer: B", `Answer: (\w)`)
	f.Fuzz(func(t *testing.T, answer, ideal string) {
		for _, name := range Names() {
			g, err := Make(whole(name))
			if err != nil {
				t.Fatal(err)
			}
			if method, _ := methodOf(name); method.score == nil {
				continue
			}
			score := g.Score(answer, []string{ideal})
			if score.Value != 0 && score.Value != 1 && (name != "token-f1" || !(score.Value > 0 && score.Value < 1)) {
				t.Fatalf("%s: %+v", name, score)
			}
			fits := g.Check([]string{ideal}) == nil
			if !fits && score.Value != 0 {
				t.Fatalf("%s: ideal %q is refused and matched", name, ideal)
			}
			if fits && name != "regex" && name != "json-schema" && name != "tool-call" && g.Score(ideal, []string{ideal}).Value != 1 {
				t.Fatalf("%s: ideal %q is no right answer to itself", name, ideal)
			}
		}
	})
}

// FuzzDecimal checks that numbers are equal exactly when they are the same number, against floats, where those are exact.
func FuzzDecimal(f *testing.F) {
	f.Add(int32(100), uint8(2))
	f.Add(int32(-7), uint8(0))
	f.Fuzz(func(t *testing.T, n int32, shift uint8) {
		value := json.Number(strings.TrimSpace(jsonOf(t, n)))
		a, _ := parseDecimal(value.String())
		b, ok := parseDecimal(value.String() + strings.Repeat("0", int(shift)) + "e-" + jsonOf(t, shift))
		if !ok || a != b {
			t.Fatalf("%s moved by %d places: %+v and %+v", value, shift, a, b)
		}
		if c, _ := parseDecimal(jsonOf(t, int64(n)+1)); c == a {
			t.Fatalf("%d equals %d", n, int64(n)+1)
		}
		if d, ok := parseDecimal(a.String()); !ok || d != a {
			t.Fatalf("%+v is written %s and read %+v", a, a, d)
		}
	})
}

func jsonOf(t *testing.T, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func BenchmarkJSONEqual(b *testing.B) {
	g, err := New("json-equal", "")
	if err != nil {
		b.Fatal(err)
	}
	ideal := []string{`{"name": "SearchScreeningEvent", "arguments": {"movie_type": "films", "spatial_relation": "close by"}}`}
	for b.Loop() {
		g.Score(ideal[0], ideal)
	}
}
