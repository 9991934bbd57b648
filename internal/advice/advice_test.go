package advice

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/suite"
)

// train writes rows of a request and its answer; row i stands on line i+1.
func train(t *testing.T, rows ...[2]string) *dataset.File {
	t.Helper()
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&b, `{"messages":[{"role":"system","content":"Route the request."},{"role":"user","content":%q},{"role":"assistant","content":%q}]}`+"\n", r[0], r[1])
	}
	path := filepath.Join(t.TempDir(), "train.jsonl")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := dataset.Open(path, "train.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func outcome(id, input, ideal, answer string) Outcome {
	o := Outcome{Test: suite.Test{ID: id, Input: []suite.Message{{Role: "system", Content: "Route the request."}, {Role: "user", Content: input}}, Ideal: []string{ideal}}, Answer: answer}
	if answer == ideal {
		o.Tuned = 1
	}
	return o
}

// won fills a suite with tests that need no advice.
func won(label string, n int) []Outcome {
	var out []Outcome
	for i := range n {
		out = append(out, outcome(fmt.Sprintf("won-%s-%d", label, i), "a request for "+label, label, label))
	}
	return out
}

func rank(t *testing.T, in Input) []Step {
	t.Helper()
	steps, err := Rank(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return steps
}

// find returns the first step whose sentence holds the words.
func find(t *testing.T, steps []Step, words string) Step {
	t.Helper()
	i := slices.IndexFunc(steps, func(s Step) bool { return strings.Contains(s.Do, words) })
	if i < 0 {
		t.Fatalf("no step with %q in %+v", words, steps)
	}
	return steps[i]
}

var routed = [][2]string{
	{"the printer on floor two is jammed", "printer"},
	{"toner is empty in the big printer", "printer"},
	{"please water the plants near the lift", "cleaning"},
	{"coffee spilled on the carpet in room nine", "cleaning"},
	{"the radiator in room four stays cold", "lighting"}, // wrong on purpose
	{"lamp above my desk flickers all morning", "lighting"},
	{"my key card does not open the garage", "keys"},
}

func TestMislabelledExamplesAreNamedByLine(t *testing.T) {
	in := Input{Train: train(t, routed...), Outcomes: append(won("printer", 4),
		outcome("h1", "radiator in room four is cold", "heating", "lighting"),
		outcome("h2", "the radiator stays cold", "heating", "lighting"),
	)}
	s := find(t, rank(t, in), `"lighting"`)
	if !slices.Contains(s.Lines, 5) || s.File != "train.jsonl" {
		t.Errorf("the mislabelled line 5 of train.jsonl is not named: %+v", s)
	}
	if !reflect.DeepEqual(s.Tests, []string{"h1", "h2"}) || !strings.Contains(s.Effect, "2 of 6 tests") {
		t.Errorf("got tests %v, effect %q", s.Tests, s.Effect)
	}
}

func TestRequestsThatNothingResembles(t *testing.T) {
	in := Input{Train: train(t, routed...), Outcomes: append(won("printer", 3),
		outcome("p1", "where may visitors leave bicycles overnight", "parking", "keys"))}
	s := find(t, rank(t, in), "nothing in the training data resembles")
	if !reflect.DeepEqual(s.Tests, []string{"p1"}) || len(s.Examples) != 1 || !strings.Contains(s.Examples[0], "bicycles") {
		t.Errorf("got %+v", s)
	}
}

func TestAnswersThatDifferInFormOnly(t *testing.T) {
	in := Input{Outcomes: append(won("printer", 3), outcome("f1", "toner is empty", "printer", "Printer."), outcome("f2", "paper jam", "printer", "The answer is: printer"))}
	s := find(t, rank(t, in), "form of the training answers")
	if !reflect.DeepEqual(s.Tests, []string{"f1", "f2"}) {
		t.Errorf("got %+v", s)
	}
	// A longer text that happens to hold the word is another answer.
	in.Outcomes = append(won("printer", 3), outcome("x", "q", "printer", "This has nothing to do with the printer, so please ask the people at the front desk about it"))
	for _, s := range rank(t, in) {
		if strings.Contains(s.Do, "form") {
			t.Errorf("a wrong answer is taken for a matter of form: %+v", s)
		}
	}
}

func TestALabelWithoutExamples(t *testing.T) {
	rows := append(slices.Clone(routed), [2]string{"guest arrives for parking at noon tomorrow", "parking"})
	in := Input{Train: train(t, rows...), Outcomes: append(won("printer", 6),
		outcome("k1", "my key card does not open the garage", "keys", "printer"))}
	s := find(t, rank(t, in), `add examples for "keys"`)
	if !reflect.DeepEqual(s.Lines, []int{7}) || !strings.Contains(s.Why, "1 of 1 test") {
		t.Errorf("got %+v", s)
	}
}

// What stops the launch comes first; of the rest, what more lost tests lie beside.
func TestRankByWhatIsLost(t *testing.T) {
	find := func(rule string, severity diag.Severity, lines ...int) (fs []diag.Finding) {
		for _, l := range lines {
			fs = append(fs, diag.Finding{Rule: rule, Severity: severity, File: "train.jsonl", Line: l, Message: "m", Hint: "h"})
		}
		return fs
	}
	in := Input{
		Train:    train(t, routed...),
		Outcomes: append(won("printer", 4), outcome("h1", "radiator in room four is cold", "heating", "lighting"), outcome("h2", "the radiator stays cold", "heating", "lighting")),
		Findings: slices.Concat(find("near-duplicate", diag.Warning, 1, 2), find("contradiction", diag.Warning, 5), find("bad-weight", diag.Critical, 3)),
	}
	steps := rank(t, in)
	var order []string
	for _, s := range steps {
		if s.Rule != "" {
			order = append(order, s.Rule)
		}
	}
	if want := []string{"bad-weight", "contradiction", "near-duplicate"}; !reflect.DeepEqual(order, want) {
		t.Errorf("got %v, want %v", order, want)
	}
	if !reflect.DeepEqual(steps[1].Tests, []string{"h1", "h2"}) {
		t.Errorf("the lost tests beside the contradiction are not named: %+v", steps[1])
	}
	slices.Reverse(in.Outcomes)
	slices.Reverse(in.Findings)
	if again := rank(t, in); !reflect.DeepEqual(again, steps) {
		t.Errorf("another order of the input gave other advice:\n%+v\n%+v", again, steps)
	}
}

func TestNothingToAdvise(t *testing.T) {
	if steps := rank(t, Input{Train: train(t, routed...), Outcomes: won("printer", 5)}); len(steps) != 0 {
		t.Errorf("got %+v", steps)
	}
	if steps := rank(t, Input{}); len(steps) != 0 {
		t.Errorf("got %+v", steps)
	}
}

// A training row with a secret in it is named by its line, and not quoted.
func TestSecretsAreNotQuoted(t *testing.T) {
	rows := append(slices.Clone(routed), [2]string{"my heater token hunter2hunter2 stays cold in room seven", "hunter2hunter2"})
	in := Input{
		Train:    train(t, rows...),
		Outcomes: append(won("printer", 4), outcome("h1", "heater in room seven stays cold", "heating", "lighting")),
		Findings: []diag.Finding{{Rule: "secret-openai", Severity: diag.Critical, File: "train.jsonl", Line: 8, Message: "what looks like a key: hun…", Hint: "revoke it"}},
	}
	steps := rank(t, in)
	if text := fmt.Sprintf("%+v", steps); strings.Contains(text, "hunter2hunter2") || !slices.Contains(steps[0].Tests, "h1") {
		t.Errorf("the secret is quoted, or the test beside it not named: %s", text)
	}
}
