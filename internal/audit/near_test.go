package audit

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/suite"
)

// nearOf audits deeply and returns the findings of one rule that stand at a line.
func nearOf(t testing.TB, rule string, in Input) (out []diag.Finding) {
	t.Helper()
	in.Deep = true
	for _, f := range audited(t, in, DefaultPolicy()).Findings {
		if f.Rule == rule && f.Line > 0 {
			out = append(out, f)
		}
	}
	return out
}

const essay = "The lighthouse keeper walked down to the harbour every morning before dawn, carrying a tin lantern and a bag of dry bread for the gulls. " +
	"He had lived on the rock for thirty years and knew each ship by the sound of its engine. When fog came in from the west he rang the bell by hand, " +
	"once a minute, until his arms were numb and the last boat had found its way home."

// TestNearDuplicates: what counts as nearly the same request, and what does not.
func TestNearDuplicates(t *testing.T) {
	edited := strings.NewReplacer("every morning", "each morning", "thirty", "forty", "numb", "tired").Replace(essay)
	for name, c := range map[string]struct {
		a, b string
		want bool
	}{
		"case and punctuation": {"where is the spare key for the green shed", "Where is the spare key for the green shed?!", true},
		"a word more":          {"where is the spare key for the green shed", "where is the spare key for the old green shed", true},
		"politeness":           {"reset my router", "hello, could you reset my router please, thanks in advance", false},
		"only politeness":      {"reset my router", "Hello! Please reset my router now, thanks in advance.", true},
		"a slip":               {"where is the spare key for the green shed", "where is the sapre key for the green shed", true},
		"another order":        {"i lost my umbrella. what do i do", "what do i do, i lost my umbrella", true},
		"another subject":      {"what is the weather like in lisbon", "what is the weather like in oslo", false},
		"another number":       {"book a table for 12 people", "book a table for 13 people", false},
		"long, three words":    {essay, edited, true},
		"long, another half":   {essay, essay[:200] + strings.Repeat("an entirely different tale of the mountains ", 4), false},
		"chinese":              {"请告诉我明天上海的天气怎么样", "请告诉我，明天上海的天气怎么样？", true},
		"chinese, other place": {"请告诉我明天上海的天气怎么样", "退款什么时候到我的银行卡", false},
		"nothing but signs":    {"?!?", "...", false},
	} {
		rows := append(different(30), chat(c.a, "one"), chat("quite another thing about ferries", "x"), chat(c.b, "one"))
		got := nearOf(t, "near-duplicate", Input{Train: data(t, rows...)})
		if c.want != (len(got) == 1 && got[0].Line == 33 && slices.Equal(got[0].Lines, []int{31, 33}) && got[0].Related[0].Line == 31) || !c.want && len(got) > 0 {
			t.Errorf("%s: %v, want found %v", name, got, c.want)
		}
	}
}

// TestNearAnswers: copies word for word are other rules'; another answer is named; other system texts keep requests apart.
func TestNearAnswers(t *testing.T) {
	system := func(text, row string) string {
		return strings.Replace(row, `[`, `[{"role":"system","content":`+quote(text)+`},`, 1)
	}
	rows := append(different(30),
		chat("where is the spare key for the green shed", "in the pot"),
		chat("where is the spare key for the green shed", "in the pot"),
		chat("where is the spare key for the green shed", "at the neighbour's"),
		chat("Where is the spare key for the green shed?", "lost"),
		system("The letter is about boilers.", chat("what does the second paragraph of it say", "boilers")),
		system("The letter is about kettles.", chat("what does the second paragraph of it say?", "kettles")))
	got := nearOf(t, "near-duplicate", Input{Train: data(t, rows...)})
	if len(got) != 1 || got[0].Line != 34 || got[0].Message != "nearly the same request as line 31, with another answer" {
		t.Errorf("%v", got)
	}
}

// TestTemplates: a text that all rows share does not make them alike, and copies among such rows are found.
func TestTemplates(t *testing.T) {
	topics := strings.Fields("boilers kettles umbrellas bicycles lanterns ferries violins tractors saddles mirrors anvils compasses")
	for _, n := range []int{12, 600} {
		var rows []string
		for i := range n {
			rows = append(rows, chat(essay+fmt.Sprintf(" Now write about %s and number %d.", topics[i%len(topics)], i), fmt.Sprint("answer ", i)))
		}
		rows = append(rows, chat(essay+" Now write about boilers and number 0!", "answer 0"))
		got := nearOf(t, "near-duplicate", Input{Train: data(t, rows...)})
		if len(got) != 1 || got[0].Line != n+1 || got[0].Related[0].Line != 1 {
			t.Errorf("%d rows: %v", n, got)
		}
	}
}

// TestNearContamination: edited tests are found, named and left out; the quick audit's finds are not repeated.
func TestNearContamination(t *testing.T) {
	ask := func(id, text string) suite.Test {
		return suite.Test{ID: id, Line: len(id), Input: []suite.Message{{Role: "system", Content: "answer"}, {Role: "user", Content: text}}, Ideal: []string{"x"}}
	}
	tests := suite.Suite{File: "tests.jsonl", Tests: []suite.Test{
		ask("a", "which ferry goes to the northern island on sundays"), ask("bb", essay), ask("ccc", "how do i oil the violin"),
		ask("dddd", "my key is AKIAQ7B2MNVX4RTKW3YD and where do i put the garden lantern"), ask("eeeee", "when are tractors repaired in the valley"),
	}}
	rows := append(different(30),
		chat("Hi, which ferry goes to the northern island on sundays?", "the blue one"),
		chat("summarize what i paste", "go on", "Here it is. "+essay+" The end.", "A man on a rock."),
		chat("how do i oil the violin", "you do not"),
		chat("My key is AKIAQ7B2MNVX4RTKW3YD, and where do i put the garden lantern?", "outside"),
		chat("when are anvils made in the hills", "never"))
	in := Input{Train: data(t, rows...), Tests: tests}
	got := nearOf(t, "contamination", in)
	want := []string{
		`the prompt is nearly that of test a: "which ferry goes to the northern island on sundays"`,
		`the row holds 100 % of the words of test bb in long runs: "The lighthouse keeper walked down to the harbour every morning before dawn, carrying a tin lantern a…"`,
		`the prompt is that of test ccc`,
		`the prompt is nearly that of test dddd`,
	}
	for i, f := range got {
		if i >= len(want) || f.Message != want[i] || f.Line != 31+i || f.Related[0] != (diag.Place{File: "tests.jsonl", Line: 1 + i}) {
			t.Errorf("%v", f)
		}
	}
	in.Deep = true
	if res := audited(t, in, DefaultPolicy()); len(got) != 4 || !slices.Equal(res.Contaminated, []string{"a", "bb", "ccc", "dddd"}) {
		t.Errorf("%d findings, contaminated %v", len(got), res.Contaminated)
	}
	in.Deep = false
	if res := audited(t, in, DefaultPolicy()); !slices.Equal(res.Contaminated, []string{"ccc"}) {
		t.Errorf("quick: contaminated %v", res.Contaminated)
	}
}

// TestDeepOrder: the findings are the same however many workers there are.
func TestDeepOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	var rows []string
	tests := suite.Suite{File: "tests.jsonl"}
	var w []string
	for i := range 1500 {
		if i%4 == 0 {
			w = make([]string, 4+r.IntN(80))
			for k := range w {
				w[k] = fmt.Sprint("w", r.IntN(3000))
			}
		}
		again := slices.Clone(w)
		for range len(w) / 20 {
			again[r.IntN(len(w))] = fmt.Sprint("w", r.IntN(3000))
		}
		text := strings.Join(again, " ") + "!?"[:i%3]
		if i%52 == 0 {
			tests.Tests = append(tests.Tests, suite.Test{ID: fmt.Sprint(i), Line: i + 1, Input: []suite.Message{{Role: "user", Content: text}}, Ideal: []string{"x"}})
			continue
		}
		rows = append(rows, chat(text, fmt.Sprint(r.IntN(5))))
	}
	in := Input{Train: data(t, rows...), Tests: tests, Deep: true, Embed: func(_ context.Context, texts []string) ([][]float32, error) {
		out := make([][]float32, len(texts))
		for i, s := range texts {
			out[i] = []float32{float32(len(s) % 7), float32(len(s) % 11), 1}
		}
		return out, nil
	}}
	one, err := run(t.Context(), in, DefaultPolicy(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, workers := range []int{2, 5} {
		many, err := run(t.Context(), in, DefaultPolicy(), workers)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(one, many) {
			t.Errorf("%d workers find something else than one", workers)
		}
	}
	count := map[string]int{}
	for _, f := range one.Findings {
		count[f.Rule]++
	}
	if count["near-duplicate"] < 200 || count["contamination"] < 10 || count["semantic-duplicate"] < 100 {
		t.Errorf("too little found to compare: %v", count)
	}
}

// TestManyNear: rows beyond a bound are reported together, all of them.
func TestManyNear(t *testing.T) {
	rows := []string{chat("where is the spare key for the green shed", "x")}
	for i := range mostFindings + 20 {
		rows = append(rows, chat("Where is the spare key for the green shed"+strings.Repeat("!", 1+i%100)+strings.Repeat("?", 1+i/100), "x"))
	}
	got := nearOf(t, "near-duplicate", Input{Train: data(t, rows...)})
	last := got[len(got)-1]
	lines := map[int]bool{}
	for _, f := range got {
		for _, line := range append(f.Lines, f.Line) {
			lines[line] = true
		}
	}
	if len(lines) != len(rows) || len(last.Lines) != 20 || last.Message != "20 more requests are nearly the same as earlier ones" {
		t.Errorf("%d lines, the last finding %v", len(lines), last)
	}
}

// TestSemanticDuplicates: what an embedding model puts side by side is found, near-duplicates are not repeated, and what
// is wrong with the model's replies is an error.
func TestSemanticDuplicates(t *testing.T) {
	rows := append(different(30),
		chat("how do i mend a bicycle", "x"), chat("ways to repair a bike", "x"), chat("How do I mend a bicycle?", "x"), chat("ferries on sundays", "x"))
	embed := func(_ context.Context, texts []string) ([][]float32, error) {
		out := make([][]float32, len(texts))
		for i, s := range texts {
			v := make([]float32, 64)
			r := rand.New(rand.NewPCG(1, uint64(i)))
			for k := range v {
				v[k] = float32(r.NormFloat64())
			}
			if strings.Contains(s, "bi") {
				r = rand.New(rand.NewPCG(2, 2))
				for k := range v {
					v[k] = float32(r.NormFloat64()) + v[k]*.1
				}
			}
			out[i] = v
		}
		return out, nil
	}
	got := nearOf(t, "semantic-duplicate", Input{Train: data(t, rows...), Embed: embed})
	if len(got) != 1 || got[0].Line != 32 || got[0].Related[0].Line != 31 || got[0].Severity != diag.Info {
		t.Errorf("%v", got)
	}
	bad := errors.New("no such model")
	for name, embed := range map[string]func(context.Context, []string) ([][]float32, error){
		"fails":   func(context.Context, []string) ([][]float32, error) { return nil, bad },
		"too few": func(context.Context, []string) ([][]float32, error) { return [][]float32{{1}}, nil },
		"unequal length": func(_ context.Context, s []string) ([][]float32, error) {
			return append(make([][]float32, len(s)-1), []float32{1}), nil
		},
	} {
		_, err := Run(t.Context(), Input{Train: data(t, rows...), Deep: true, Embed: embed}, DefaultPolicy())
		if err == nil || !strings.Contains(err.Error(), "embedding requests") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzSpans: each word has its place in the text, and the words do not depend on case where characters have one of the same length.
func FuzzSpans(f *testing.F) {
	for _, s := range []string{"", "a", "Hello, World's end", "ÄÖ straße", "明天上海 ok", "\xff\xc3a\xe6", "x\u0301y", "ไทย", "1.5e3 A1"} {
		f.Add(s)
	}
	for n := range 2 * windowRoom { // words, and what is not ASCII, at and over the end of a window
		lead := strings.Repeat("x", n%9) + strings.Repeat(" ab", n/9)
		f.Add(lead + " Wörter1234567 naïve" + lead + " 世界ok" + lead)
		f.Add(strings.Repeat("Y", n) + " end " + strings.Repeat("z1", n) + lead)
	}
	a := newAlphabet()
	f.Fuzz(func(t *testing.T, text string) {
		words, spans := a.words(nil, text), a.spans(nil, text)
		if len(words) != len(spans) {
			t.Fatalf("%d words, %d places in %q", len(words), len(spans), text)
		}
		for i, s := range spans {
			if one := a.words(nil, text[s[0]:s[1]]); len(one) != 1 || one[0] != words[i] {
				t.Fatalf("word %d of %q is not %q", i, text, text[s[0]:s[1]])
			}
			small := strings.Map(func(r rune) rune {
				if r < utf8.RuneSelf {
					return unicode.ToLower(r)
				}
				return r
			}, text[s[0]:s[1]])
			if one := a.words(nil, small); utf8.ValidString(text) && (len(one) != 1 || one[0] != words[i]) {
				t.Fatalf("word %d of %q is not %q", i, text, small)
			}
		}
	})
}

// TestLongRequests: requests far longer than what is compared are compared by their beginnings, in little memory.
func TestLongRequests(t *testing.T) {
	var b strings.Builder
	r := rand.New(rand.NewPCG(9, 9))
	for b.Len() < 3<<20 {
		fmt.Fprintf(&b, "word%d ", r.IntN(1<<30))
	}
	rows := append(different(30), chat(b.String(), "x"), chat(b.String()+"and more", "x"), chat(strings.Repeat("a ", 2<<20), "x"), chat(strings.Repeat("İ", 24)+" b c d", "x"))
	if got := nearOf(t, "near-duplicate", Input{Train: data(t, rows...)}); len(got) != 1 || got[0].Line != 32 {
		t.Errorf("%v", got)
	}
}

// TestNearSeverity: above max_contamination, rows with the very prompt of a test are critical, and so is the file; those that
// only resemble one, which do not count, are not.
func TestNearSeverity(t *testing.T) {
	ask := func(text string) suite.Test {
		return suite.Test{ID: text, Line: 1, Ideal: []string{"x"}, Input: []suite.Message{{Role: "user", Content: text}}}
	}
	in := Input{Deep: true, Train: data(t, append(different(12),
		chat("where do I find the spare key of the green shed", "there"),
		chat("who repairs the broken window in the old kitchen", "nobody"),
		chat("hello, please, who repairs the broken window in the old kitchen", "nobody"))...),
		Tests: suite.Suite{File: "tests.jsonl", Tests: []suite.Test{
			ask("where do I find the spare key of the green shed"), ask("in the old kitchen, who repairs the broken window?"),
		}}}
	var got []string
	for _, f := range audited(t, in, DefaultPolicy()).Findings {
		if f.Rule == "contamination" {
			got = append(got, fmt.Sprintf("%d %s", f.Line, f.Severity))
		}
	}
	if want := []string{"0 critical", "13 critical", "14 warning", "15 warning"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	p := DefaultPolicy()
	p.Severities = map[string]diag.Severity{"contamination": diag.Info}
	for _, f := range audited(t, in, p).Findings {
		if f.Line == 14 && f.Rule == "contamination" && f.Severity != diag.Info {
			t.Errorf("the manifest's severity does not hold: %s", f)
		}
	}
}

// TestNumbersApart: short requests that differ in numbers alone are other requests.
func TestNumbersApart(t *testing.T) {
	for _, c := range []struct {
		a, b string
		near bool
	}{
		{"release the command line tools in version 12.4.1 to the public", "release the command line tools in version 12.5.0 to the public", false},
		{"build the docs site for v3 again", "build the docs site for v4 again", false},
		{"book a table for the spring dinner at the harbour", "book a table for the spring dinner at the harbour 7", false},
		{"book a table for the spring dinner at the harbour 7", "at the harbour book a table for the spring dinner 7", true},
		{"book a table for the spring dinner at the harbour 7", "book the table for spring dinner at the harbour 7", true},
	} {
		got := nearOf(t, "near-duplicate", Input{Train: data(t, append(different(40), chat(c.a, "x"), chat(c.b, "x"))...)})
		found := slices.ContainsFunc(got, func(f diag.Finding) bool { return f.Line == 42 })
		if found != c.near {
			t.Errorf("%q and %q: %v", c.a, c.b, found)
		}
	}
}
