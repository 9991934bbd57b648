package audit

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
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

// chat makes a row of turns: user, assistant, user, …
func chat(turns ...string) string {
	var b strings.Builder
	for i, text := range turns {
		quoted, _ := json.Marshal(text)
		fmt.Fprintf(&b, `,{"role":%q,"content":%s}`, []string{"user", "assistant"}[i%2], quoted)
	}
	return `{"messages":[` + strings.TrimPrefix(b.String(), ",") + `]}`
}

func data(t testing.TB, rows ...string) *dataset.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "train.jsonl")
	if err := os.WriteFile(path, []byte(strings.Join(rows, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return open(t, path)
}

// different returns n rows that have nothing in common.
func different(n int) []string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = chat(fmt.Sprintf("question number %d", i), fmt.Sprintf("answer number %d", i))
	}
	return rows
}

// spots lists rule and line of each finding.
func spots(fs []diag.Finding) []string {
	var out []string
	for _, f := range fs {
		out = append(out, fmt.Sprintf("%s %d", f.Rule, f.Line))
	}
	return out
}

func audited(t testing.TB, in Input, p Policy) Result {
	t.Helper()
	res, err := Run(t.Context(), in, p)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// random returns n characters that no placeholder has, the same for each seed.
func random(seed uint64, n int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	r := rand.New(rand.NewPCG(seed, 7))
	b := []byte("Q7b")
	for len(b) < n {
		c := letters[r.IntN(len(letters))]
		if r.IntN(2) == 0 && c >= 'A' {
			c |= 0x20
		}
		b = append(b, c)
	}
	return string(b[:n])
}

// TestTexts: which rule sees what in a text, at which column; and what only looks like it.
func TestTexts(t *testing.T) {
	key := strings.ToUpper(random(1, 16))
	for _, c := range []struct{ text, want string }{
		{"AKIA" + key, "secret-aws 1"},
		{"ASIA" + key, "secret-aws 1"},
		{"é\"key\"=AKIA" + key + ".", "secret-aws 10"},
		{"xAKIA" + key, ""}, {"AKIA" + key + "7", ""}, {"AKIA" + key[:15], ""}, {"AKIA" + strings.ToLower(key), ""},
		{"AKIAIOSFODNN7EXAMPLE", ""}, {"AKIAXXXXXXXXXXXXXXXX", ""}, {"AKIA...", ""}, {"ASIA", ""}, {"K", ""}, {"S", ""},
		{"AWS_SECRET_ACCESS_KEY=" + random(2, 40), "secret-aws 23"},
		{"aws_secret_access_key: '" + random(2, 40) + "'", "secret-aws 25"},
		{"aws_secret_access_key = " + random(2, 41), ""}, {"aws_secret_access_key", ""}, {"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""},
		{"ghp_" + random(3, 36), "secret-github 1"}, {"(ghs_" + random(3, 36) + ")", "secret-github 2"}, {"github_pat_" + random(4, 22) + "_" + random(5, 59), "secret-github 1"},
		{"ghx_" + random(3, 36), ""}, {"ghp_" + random(3, 35), ""}, {"ghp_" + strings.Repeat("x", 36), ""}, {"ghp_1234567890abcdefghijklmnopqrstuvwxyz", ""}, {"aghp_" + random(3, 36), ""}, {"_", ""},
		{"sk-" + random(6, 20) + "T3BlbkFJ" + random(7, 20), "secret-openai 1"}, {"sk-" + random(6, 48), "secret-openai 1"}, {"key: sk-proj-" + random(8, 64), "secret-openai 6"}, {"sk-svcacct-" + random(8, 64), "secret-openai 1"},
		{"task-proj-" + random(8, 64), ""}, {"sk-" + random(6, 47), ""}, {"sk-learn-is-a-library-for-machine-learning-in-python-3", ""}, {"sk-your-key-here", ""}, {"sk-", ""}, {"-", ""},
		{"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3NyJ9." + random(9, 43), "secret-jwt 1"}, {"Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3NyJ9." + random(9, 43), "secret-jwt 8"},
		{"eyJub3QiOiJhbGcifQ.eyJzdWIiOiI3NyJ9." + random(9, 43), ""}, {"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3NyJ9.", ""}, {"eyJhbGciOiJIUzI1NiJ9", ""}, {"J", ""}, {"eyJ", ""},
		{"-----BEGIN RSA PRIVATE KEY-----\n" + random(10, 64) + "\n-----END RSA PRIVATE KEY-----", "secret-private-key 1"},
		{`x -----BEGIN PRIVATE KEY-----\n` + random(10, 64), "secret-private-key 3"},
		{"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123\n\n" + random(10, 64), "secret-private-key 1"},
		{"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n" + random(11, 64), "secret-private-key 1"},
		{"-----BEGIN PUBLIC KEY-----\n" + random(10, 64), ""}, {"-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----", ""}, {"A file starts with -----BEGIN PRIVATE KEY-----", ""}, {"-----BEGIN CERTIFICATE-----\n" + random(10, 64), ""},
		{"<|endoftext|>", "special-token 1"}, {"a <|im_start|>user", "special-token 3"}, {"<|reserved_special_token_12|>", "special-token 1"}, {"<｜User｜>", "special-token 1"},
		{"[INST] q [/INST]", "special-token 1 special-token 10"}, {"<<SYS>>", "special-token 1"}, {"<start_of_turn>model", "special-token 1"}, {"yes</s>", "special-token 4"}, {"<s>yes", "special-token 1"}, {"<s>yes</s>", "special-token 1"},
		{"a < b and b > c", ""}, {"a <| b |> c", ""}, {"x <|> y", ""}, {"<||>", ""}, {"<|a b|>", ""}, {"was <s>10</s> 8", ""}, {"Vec<s> v", ""}, {"[inst]", ""}, {"<", ""}, {"[", ""}, {"<|", ""}, {"</", ""}, {"<<12+9=21>>", ""}, {"<|" + strings.Repeat("a", 70) + "|>", ""},
	} {
		res := audited(t, Input{Train: data(t, append(different(10), chat(c.text, "fine"), strings.Replace(chat("q", "X"), `"X"`, quote(c.text), 1))...)}, DefaultPolicy())
		var user, assistant []string
		offset := map[int]int{11: len(`{"messages":[{"role":"user","content":"`), 12: len(`{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"`)}
		for _, f := range res.Findings {
			place := fmt.Sprintf("%s %d", f.Rule, f.Col-offset[f.Line])
			if f.Line == 11 {
				user = append(user, place)
			} else {
				assistant = append(assistant, place)
			}
			if strings.HasPrefix(f.Rule, "secret-") && strings.Contains(fmt.Sprint(f), c.text[len(c.text)-12:]) {
				t.Errorf("%s shows the secret", f)
			}
		}
		if got := strings.Join(user, " "); got != c.want {
			t.Errorf("%q as a user's: %q, want %q", c.text, got, c.want)
		}
		if got := strings.Join(assistant, " "); got != c.want {
			t.Errorf("%q as an assistant's: %q, want %q", c.text, got, c.want)
		}
	}
}

func quote(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(s)
	return strings.TrimSpace(b.String())
}

// TestDuplicatesAndContradictions: pairs, their related places, and the shares from which they are critical.
func TestDuplicatesAndContradictions(t *testing.T) {
	rows := append(different(100),
		`{"messages": [ {"content":"question number 3","role":"user"}, {"content":"\u0061nswer number 3","role":"assistant","weight":1} ]}`, // 101
		`{"prompt":"question number 3","completion":"answer number 3"}`,                                                                     // 102
		chat("question number 5", "another answer"),                                                                                         // 103
		chat("question number 5", "answer number 5 "),                                                                                       // 104: only white space
		chat("question number 6", "answer number 6", "more", "answer"),                                                                      // 105: another prompt
		`{"messages":[{"role":"user","content":"question number 7"},{"role":"assistant","content":"other","weight":0}]}`,                    // 106: not trained on
	)
	in := Input{Train: data(t, rows...)}
	res := audited(t, in, DefaultPolicy())
	want := []string{"exact-duplicate 101", "exact-duplicate 102", "contradiction 103", "no-trainable-message 106"}
	if got := spots(res.Findings); !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	if f := res.Findings[1]; f.Severity != diag.Warning || !reflect.DeepEqual(f.Related, []diag.Place{{File: "train.jsonl", Line: 4}}) || !slices.Equal(f.Lines, []int{4, 102}) {
		t.Errorf("got %+v", f)
	}
	for _, c := range []struct {
		most float64
		want diag.Severity
	}{{.01, diag.Critical}, {.02, diag.Warning}, {0, diag.Critical}, {1, diag.Warning}} {
		p := DefaultPolicy()
		p.MaxDuplicates = c.most
		for _, f := range audited(t, in, p).Findings {
			if f.Rule == "exact-duplicate" && f.Severity != c.want {
				t.Errorf("at most %v: %s is %s, want %s", c.most, f, f.Severity, c.want)
			}
		}
	}
	p := DefaultPolicy()
	p.Severities = map[string]diag.Severity{"contradiction": diag.Critical, "exact-duplicate": diag.Info}
	if got := audited(t, in, p).Findings; got[0].Severity != diag.Info || got[2].Severity != diag.Critical {
		t.Errorf("changed severities: %v %v", got[0], got[2])
	}
}

// TestContamination: tests whose prompt stands ahead of an answer that is trained on.
func TestContamination(t *testing.T) {
	user := func(text string) []suite.Message {
		return []suite.Message{{Role: "system", Content: "another system text"}, {Role: "user", Content: text}}
	}
	tests := suite.Suite{File: "tests.jsonl", Tests: []suite.Test{
		{ID: "a", Line: 1, Input: user(" Question  NUMBER\n1 ")},
		{ID: "b", Line: 2, Input: user("question number 1?")},
		{ID: "c", Line: 3, Input: user("ÜBER question number 2")},
		{ID: "d", Line: 4, Input: []suite.Message{{Role: "user", Content: "first"}, {Role: "assistant", Content: "reply"}, {Role: "user", Content: "second"}}},
		{ID: "e", Line: 5, Input: []suite.Message{{Role: "user", Content: "first"}}},
		{ID: "f", Line: 6, Input: user("question number 1")},
		{ID: "g", Line: 7, Input: []suite.Message{{Role: "system", Content: "only this"}}},
	}}
	rows := append(different(20), chat("über  question number 2", "x"),
		`{"messages":[{"role":"system","content":"s"},{"role":"user","content":"First"},{"role":"assistant","content":"reply","weight":0},{"role":"user","content":"second"},{"role":"assistant","content":"z"}]}`,
		chat(strings.Repeat("first ", 12), "x"))
	res := audited(t, Input{Train: data(t, rows...), Tests: tests}, Policy{MaxContamination: .8, MaxDuplicates: 1})
	if want := []string{"contamination 2", "contamination 21", "contamination 22"}; !slices.Equal(spots(res.Findings), want) {
		t.Errorf("got %v, want %v", res.Findings, want)
	}
	if want := []string{"a", "c", "d", "f"}; !slices.Equal(res.Contaminated, want) {
		t.Errorf("contaminated %v, want %v", res.Contaminated, want)
	}
	if want := []diag.Place{{File: "tests.jsonl", Line: 1}, {File: "tests.jsonl", Line: 6}}; !reflect.DeepEqual(res.Findings[0].Related, want) {
		t.Errorf("related %v, want %v", res.Findings[0].Related, want)
	}
	if diag.Worst(res.Findings) != diag.Warning {
		t.Error("critical below the limit")
	}
	res = audited(t, Input{Train: data(t, rows...), Tests: tests}, DefaultPolicy())
	if f := res.Findings[0]; f.Line != 0 || f.Severity != diag.Critical || !strings.Contains(f.Message, "4 of 7") {
		t.Errorf("above the limit: %v", f)
	}
}

// TestCounts: totals, training tokens by the chat rule, lengths, labels and what is said of them.
func TestCounts(t *testing.T) {
	rows := []string{`{"messages":[{"role":"system","content":"hello world"},{"role":"user","content":"hello world","name":"hello"},{"role":"assistant","content":"hello world"}]}`, "{}", ""}
	res := audited(t, Input{Train: data(t, rows...), Validation: data(t, rows[0]), Encoding: encoding(t)}, Policy{MinExamples: 1})
	// "hello world" is 2 tokens, "hello" and each role 1: 3 + 3*(3+1+2) + 1+1.
	want := FileStats{File: "train.jsonl", Totals: Totals{Rows: 2, Messages: 3, Tokens: 6}, Examples: 1, TrainingTokens: 23, PerExample: []int32{23}}
	if !reflect.DeepEqual(res.Files[0], want) {
		t.Errorf("got %+v, want %+v", res.Files[0], want)
	}
	if want := (Totals{Rows: 3, Messages: 6, Tokens: 12}); res.Totals != want || len(res.Files) != 2 {
		t.Errorf("got %+v, want %+v", res.Totals, want)
	}
	if want := (Lengths{"tokens", 23, 23, 23, 23, 23}); res.Lengths != want {
		t.Errorf("got %+v, want %+v", res.Lengths, want)
	}

	res = audited(t, Input{Train: data(t, rows[0], rows[0]), Encoding: encoding(t), TrainingContext: 22}, Policy{MinExamples: 1, MaxDuplicates: 1})
	if want := []string{"too-long 1", "exact-duplicate 2", "too-long 2"}; !slices.Equal(spots(res.Findings), want) {
		t.Errorf("got %v, want %v", res.Findings, want)
	}

	rows = nil
	for i := range 200 {
		label := "common"
		switch {
		case i < 1:
			label = "typo"
		case i < 9:
			label = "rare"
		case i < 19:
			label = "seldom"
		}
		rows = append(rows, chat(fmt.Sprintf("please tell me about case number %d", i), label))
	}
	rows = append(rows, chat(strings.Repeat("very long ", 2000), "rare"))
	res = audited(t, Input{Train: data(t, rows...)}, DefaultPolicy())
	if want := []Label{{"common", 181}, {"seldom", 10}, {"rare", 9}}; !slices.Equal(res.Labels, want) {
		t.Errorf("labels %v, want %v", res.Labels, want)
	}
	if want := []string{"label-imbalance 0", "label-imbalance 0", "length-outliers 201"}; !slices.Equal(spots(res.Findings), want) {
		t.Errorf("got %v, want %v", res.Findings, want)
	}
	if res := audited(t, Input{Train: data(t, different(300)...)}, DefaultPolicy()); len(res.Findings) != 0 || res.Labels != nil {
		t.Errorf("different rows: %v %v", res.Findings, res.Labels)
	}
}

// TestWorkers: the result does not depend on the number of workers.
func TestWorkers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	rows := different(40000)
	for i := range rows {
		switch r.IntN(20) {
		case 0:
			rows[i] = rows[r.IntN(len(rows))]
		case 1:
			rows[i] = chat(fmt.Sprintf("question number %d", r.IntN(len(rows))), "yes")
		case 2:
			rows[i] = []string{"", "{", "[]", `{"messages":[]}`, `{"n":1}`}[r.IntN(5)]
		case 3:
			rows[i] = chat("<|x|> "+strings.Repeat("long ", r.IntN(400)), "no")
		}
	}
	in := Input{Train: data(t, rows...), Encoding: encoding(t), TrainingContext: 300,
		Tests: suite.Suite{File: "t", Tests: []suite.Test{{ID: "x", Line: 1, Input: []suite.Message{{Role: "user", Content: "question number 9"}}}}}}
	one, err := run(t.Context(), in, DefaultPolicy(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, workers := range []int{2, 3, 8} {
		many, err := run(t.Context(), in, DefaultPolicy(), workers)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(one, many) {
			t.Errorf("%d workers: another result", workers)
		}
	}
	total := 0
	for _, f := range one.Findings {
		total += standsFor(f)
	}
	if total < 3000 || len(one.Findings) >= total {
		t.Errorf("only %d findings in %d", total, len(one.Findings))
	}
}

// TestFold: one finding for people, with every line; nothing is lost, and alone stays alone.
func TestFold(t *testing.T) {
	place := []diag.Place{{File: "a", Line: 1}}
	in := []diag.Finding{
		{Rule: "x", File: "a", Message: "whole"},
		{Rule: "x", File: "a", Line: 1, Message: "first", Severity: diag.Info},
		{Rule: "y", File: "a", Line: 2, Message: "alone"},
		{Rule: "x", File: "a", Line: 5, Message: "second", Severity: diag.Info, Lines: []int{1, 5}, Related: place},
		{Rule: "x", File: "a", Line: 3, Message: "third", Severity: diag.Info},
		{Rule: "x", File: "a", Line: 3, Message: "worse", Severity: diag.Critical},
		{Rule: "x", File: "b", Line: 3, Message: "other", Severity: diag.Info},
	}
	want := []diag.Finding{
		in[0],
		{Rule: "x", File: "a", Line: 1, Message: "first (and 2 more like it)", Severity: diag.Info, Lines: []int{1, 3, 5}},
		in[2], in[5], in[6],
	}
	if got := Fold(in); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if in[1].Message != "first" || in[1].Lines != nil {
		t.Error("the findings folded were changed")
	}
}

// TestRuleTable: each rule is described and looks in one way.
func TestRuleTable(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rules() {
		ways := 0
		for _, way := range []bool{r.Check.Row != nil, r.Check.At != nil, r.Check.File != nil, r.Check.Set != nil} {
			if way {
				ways++
			}
		}
		if seen[r.Name] || len(r.Doc) < 20 || r.Severity == 0 || ways > 1 || (r.Check.At != nil) != (r.Check.Marks != "") || (r.Check.At != nil) != (r.Check.Seen != nil) {
			t.Errorf("rule %+v", r)
		}
		seen[r.Name] = true
	}
}

// FuzzTexts: no text makes a rule panic or match outside of it.
func FuzzTexts(f *testing.F) {
	for _, s := range []string{"AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key=", "github_pat_", "sk-proj-", "eyJhbGciOiJIUzI1NiJ9.eyJ.x", "-----BEGIN PRIVATE KEY-----\n", "<|im_end|></s><s>[INST]", "<｜a｜>"} {
		f.Add(s)
	}
	texts := newTextRules(Rules())
	f.Fuzz(func(t *testing.T, text string) {
		for i := range texts.marks.in(text) {
			for _, r := range texts.byMark[text[i]] {
				if start, end, ok := r.Check.At(text, i); ok {
					if start < 0 || end <= start || end > len(text) {
						t.Fatalf("%s: [%d, %d) of %d at %d", r.Name, start, end, len(text), i)
					}
					r.Check.Seen(text[start:end])
				}
			}
		}
	})
}
