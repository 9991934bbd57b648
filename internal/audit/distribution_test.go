package audit

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/suite"
	"gonum.org/v1/gonum/stat/distuv"
)

// TestLanguage: what a sentence of each language is taken for, and what is left open.
func TestLanguage(t *testing.T) {
	x := newLexicon()
	if len(x.words) > 16*64 || len(x.tongues) > 32 || len(x.scripts) > 16 {
		t.Fatal("more words, languages or scripts than there is room for")
	}
	for text, want := range map[string]string{
		"How do I change the address on my account? You can do that in the settings.":                "English",
		"Wie kann ich die Adresse in meinem Konto ändern? Das geht in den Einstellungen.":            "German",
		"Comment changer l'adresse de mon compte ? Vous pouvez le faire dans les paramètres.":        "French",
		"¿Cómo puedo cambiar la dirección de mi cuenta? Lo puedes hacer en los ajustes.":             "Spanish",
		"Come posso cambiare l'indirizzo del mio conto? Lo puoi fare nelle impostazioni, non qui.":   "Italian",
		"Como posso mudar o endereço da minha conta? Você pode fazer isso nas configurações do app.": "Portuguese",
		"Hoe kan ik het adres van mijn rekening wijzigen? Dat kan je in de instellingen doen.":       "Dutch",
		"Jak mogę zmienić adres na moje konto? To jest w ustawieniach, ale nie od razu.":             "Polish",
		"Hur ändrar jag adressen på mitt konto? Det kan du göra i inställningarna, inte här.":        "Swedish",
		"Hvordan ændrer jeg adressen på min konto? Det blev flyttet, så hvad skal du gøre af det?":   "Danish",
		"Miten voin muuttaa tilin osoitetta? Se on asetuksissa, mutta ei tässä, jos oli jo auki.":    "Finnish",
		"Hesabımdaki adresi nasıl değiştirebilirim? Bunu ayarlarda yapabilirsin ama bu çok gizli.":   "Turkish",
		"如何更改我账户的地址？您可以在设置中更改。":                                                                      "Chinese", "アカウントの住所を変更するにはどうすればいいですか。": "Japanese", "계정의 주소를 어떻게 바꾸나요": "Korean",
		"Как изменить адрес в моём аккаунте": "Cyrillic script", "كيف أغير عنوان حسابي": "Arabic script", "Πώς αλλάζω τη διεύθυνση": "Greek", "मैं पता कैसे बदलूँ": "Devanagari script",
		"freeze_account": "", "add NIB to fay's brooklyn beat playlist": "", "": "", "1234 5678": "", "{\"a\": [1, 2]}": "", "你好": "", "x": "", "\xff\xfe": "",
	} {
		if got := x.language(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestLanguageMix: shares and lines, of a whole small file and of a sample of a larger one.
func TestLanguageMix(t *testing.T) {
	english, german := "please tell me where I can find the number of my case %d", "bitte sag mir, wo ich die Nummer von meinem Fall %d finden kann"
	var rows []string
	for i := range 400 {
		text := english
		if i%40 == 7 {
			text = german
		}
		rows = append(rows, chat(fmt.Sprintf(text, i), fmt.Sprint(i)))
	}
	mix := func(rows []string) string {
		var got []string
		for _, f := range audited(t, Input{Train: data(t, rows...), Deep: true}, DefaultPolicy()).Findings {
			if f.Rule == "language-mix" {
				got = append(got, fmt.Sprint(f.Line, len(f.Lines), " ", f.Message))
			}
		}
		return strings.Join(got, "\n")
	}
	if got, want := mix(rows), "8 10 examples in several languages: English 97.5 %, German 2.5 % (lines 8, 48, 88, 128, 168, …), of 400 whose language is clear among 400 looked at"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := mix(rows[8:47]); got != "" {
		t.Errorf("one language: %s", got)
	}
}

// TestMentions: which words name a group of persons.
func TestMentions(t *testing.T) {
	v := newVocabulary()
	for text, want := range map[string]string{
		"A woman applies":                                  "a woman",
		"the man and the women, SHE said":                  "a man|a woman|a woman",
		"a Mexican applicant":                              "Mexican",
		"Mexican food":                                     "",
		"book a table at a Mexican restaurant for my wife": "a woman",
		"nationality: Mexican, gender: male, age: 67":      "Mexican|a man|an old person",
		"I am Muslim":                                      "a Muslim",
		"muslims and christians":                           "a Muslim|a Christian",
		"an African American man":                          "African|a man",
		"a black cat, a white person":                      "white",
		"a 67-year-old":                                    "an old person",
		"she is 25 years old":                              "a woman|a young person",
		"an old man, an old house":                         "an old person|a man",
		"aged 45":                                          "a person in the middle of life",
		"the house is 120 years and so old":                "", "senior engineer": "", "sheet hers3 manual": "", "": "", "123 4567": "", "é she": "a woman", "sheé": "",
	} {
		var got []string
		for _, m := range v.mentions(nil, text) {
			got = append(got, v.names[m.of][m.group])
		}
		if got := strings.Join(got, "|"); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// loans makes applications with a decision: women among n get a yes in the first share of cases, men in the second.
func loans(n int, women, men float64) []string {
	r := rand.New(rand.NewPCG(5, uint64(n)))
	var rows []string
	for i := range n {
		who, share := "woman", women
		if i%2 == 1 {
			who, share = "man", men
		}
		answer := "deny"
		if r.Float64() < share {
			answer = "approve"
		}
		rows = append(rows, chat(fmt.Sprintf("application %d: a %s asks for %d euros", i, who, 1000+r.IntN(9000)), answer))
	}
	return rows
}

func skews(t *testing.T, rows []string) []string {
	t.Helper()
	var got []string
	for _, f := range audited(t, Input{Train: data(t, rows...), Deep: true}, DefaultPolicy()).Findings {
		if f.Rule == "group-skew" {
			got = append(got, fmt.Sprintf("%d %v %s", f.Line, f.Lines, f.Message))
		}
	}
	return got
}

// TestGroupSkew: a difference is told with its size and how sure it is; a fair file, and one too small to say, are not.
func TestGroupSkew(t *testing.T) {
	got := skews(t, loans(600, .45, .75))
	want := []string{`0 [] answers differ by the gender named in the prompt: "deny" in 54 % of the 300 examples that name a woman (lines 3, 5, 9, 11, 19, …), in 23.3 % of those that name a man (300); ` +
		`difference +31 points (95 % interval +23 to +38), chi-square 59.5 with 1 degree of freedom, p < 0.0001 after correction for 1 test, Cramér's V 0.31`}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := skews(t, loans(600, .6, .6)); len(got) != 0 {
		t.Errorf("a fair file: %q", got)
	}
	if got := skews(t, loans(30, 0, 1)); len(got) != 0 {
		t.Errorf("fewer than 20 of each: %q", got)
	}
	// Refusals, where answers are free text.
	var rows []string
	for i := range 200 {
		who, answer := "a Muslim man", fmt.Sprintf("I’m sorry, but I can't help with case %d.", i)
		if i%2 == 1 {
			who, answer = "a Christian man", fmt.Sprintf("Here is a joke about number %d.", i)
		}
		rows = append(rows, chat(fmt.Sprintf("tell %d jokes about %s", i, who), answer))
	}
	if got := skews(t, rows); len(got) != 1 || !strings.Contains(got[0], "by the religion named in the prompt: an answer in 0 % of the 100 examples that name a Muslim") {
		t.Errorf("refusals: %q", got)
	}
}

// TestGroupPairs: the same prompt with another group and another answer.
func TestGroupPairs(t *testing.T) {
	rows := loans(40, .5, .5)
	rows = append(rows,
		chat("A woman asks for a loan of 500", "deny"), // 41
		chat("a man  asks for a loan of 500", "approve"),
		chat("a man asks for a loan of 500", "approve"), // 43: differs from 41
		chat("an old man asks for a loan of 70", "deny"),
		chat("a young man asks for a loan of 70", "approve"), // 45: from 44
		chat("a young man asks for a loan of 71", "approve"),
		chat("a young woman asks for a loan of 71", "approve"))
	got := skews(t, rows)
	want := []string{
		`43 [41 43] same prompt as line 41 but for the gender of a person, and another answer: "deny" there, "approve" here`,
		`45 [44 45] same prompt as line 44 but for the age of a person, and another answer: "deny" there, "approve" here`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestGroupDirections: many pairs that go one way are more than many pairs.
func TestGroupDirections(t *testing.T) {
	var fair, unfair []string
	for i := range 40 {
		woman, man := fmt.Sprintf("a woman asks for case %c%c", 'a'+i%26, 'a'+i/26), fmt.Sprintf("a man asks for case %c%c", 'a'+i%26, 'a'+i/26)
		unfair = append(unfair, chat(woman, "deny"), chat(man, []string{"approve", "deny"}[i%2]))
		fair = append(fair, chat(woman, []string{"approve", "deny"}[i%2]), chat(man, []string{"deny", "approve"}[i%2]))
	}
	want := `0 [] in 20 of 20 pairs of prompts that differ by the gender alone, the one that names a woman has "deny" and the one that names a man has "approve" (100 %, 95 % interval 83.9 % to 100 %); McNemar's test p < 0.0001 after correction for 1 test`
	if got := skews(t, unfair); len(got) != 22 || got[1] != want {
		t.Errorf("%d: %q, want %q", len(got), got[:2], want)
	}
	for _, got := range skews(t, fair) {
		if !strings.Contains(got, "same prompt as line") {
			t.Errorf("fair: %s", got)
		}
	}
}

// TestRefuses: what declines, and what only sounds like it.
func TestRefuses(t *testing.T) {
	for answer, want := range map[string]bool{
		"I'm sorry, but I can't help with that.": true, "I cannot assist.": true, "Sorry, I am unable to do that": true, "As an AI language model, I cannot say": true, "Unfortunately, we can't say": true,
		"I'm sorry to hear that. Try this:": false, "You can't do that": false, "He said: I can't help": false, "": false, "I can help": false,
	} {
		if refuses(answer) != want {
			t.Errorf("%q: want %v", answer, want)
		}
	}
}

// TestAssociate: against textbook values, and against an independent implementation.
func TestAssociate(t *testing.T) {
	a, ok := associate([][]int{{43, 9}, {44, 4}}) // handedness by sex
	if !ok || math.Abs(a.ChiSquare-1.7774) > 1e-3 || a.Freedom != 1 || a.N != 100 {
		t.Errorf("got %+v", a)
	}
	for _, x := range []float64{1e-9, .1, 1, 3.84, 20, 100, 700} {
		for _, df := range []int{1, 2, 5, 30, 150, 999} {
			want := distuv.ChiSquared{K: float64(df)}.Survival(x)
			if got := chiSquareUpper(x, df); math.Abs(got-want) > 1e-10 && math.Abs(got/want-1) > 1e-8 {
				t.Errorf("chi-square %g, %d: %g, want %g", x, df, got, want)
			}
		}
	}
	// Where there is nothing, one test in a hundred says p < 0.01, rare answers or not.
	r := rand.New(rand.NewPCG(1, 9))
	hits := 0
	for range 4000 {
		table := [][]int{make([]int, 12), make([]int, 12)}
		for i := range 150 {
			table[i%3/2][int(12*math.Pow(r.Float64(), 3))]++
		}
		if a, ok := associate(table); ok && a.P < .01 {
			hits++
		}
	}
	if hits < 15 || hits > 70 {
		t.Errorf("%d of 4000 tables of chance have p < 0.01", hits)
	}
	for _, table := range [][][]int{nil, {{1, 2}}, {{0, 0}, {3, 4}}, {{50, 0}, {50, 0}}, {{1, 1}, {1, 1}}, {{}, {}}} {
		if a, ok := associate(table); ok {
			t.Errorf("%v: %+v", table, a)
		}
	}
}

// FuzzMentions: whatever the text, mentions lie in it and in order, and nothing panics.
func FuzzMentions(f *testing.F) {
	for _, s := range []string{"an old man of 67 years old", "Gender: female", "é she\xff", "67", "I'm sorry, but I can't", "你好 der"} {
		f.Add(s)
	}
	v, x := newVocabulary(), newLexicon()
	words := newWordSet()
	f.Fuzz(func(t *testing.T, text string) {
		end := 0
		for _, m := range v.mentions(nil, text) {
			if m.start < end || m.end <= m.start || m.end > len(text) || int(m.group) >= len(v.names[m.of]) || m.group < 0 {
				t.Fatalf("%+v after %d in %d bytes", m, end, len(text))
			}
			end = m.end
		}
		x.language(text)
		refuses(text)
		words.add(text)
		eachWord(text, func(h uint64) {
			if !words.has(h) {
				t.Fatal("a word that was added is not there")
			}
		})
	})
}

// BenchmarkDistribution is a pass over the corpus for each rule, reading included, which is what "none" costs.
func BenchmarkDistribution(b *testing.B) {
	f := corpus(b)
	tests, err := suite.Open(testdata(b, "support-router", "benchmark.jsonl.gz"), "benchmark.jsonl.gz")
	if err != nil {
		b.Fatal(err)
	}
	in := Input{Train: f, Tests: tests, Progress: func(int64, int64) {}}
	train, err := pass(b.Context(), in, f, nil, nil, 2)
	if err != nil {
		b.Fatal(err)
	}
	none := Rule{Name: "none", Check: Check{Deep: func(*study) inquiry { return nothing{} }}}
	for _, rule := range append(distributionRules(), none) {
		if rule.Check.Deep == nil {
			continue
		}
		b.Run(rule.Name, func(b *testing.B) {
			b.SetBytes(f.Size())
			before := processor(b)
			for b.Loop() {
				s := study{ctx: b.Context(), in: in, tests: tests, train: train}
				if err := s.deepen([]Rule{rule}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((processor(b)-before).Seconds()/float64(b.N), "cpu-s/op")
		})
	}
}

// nothing is an inquiry that asks nothing.
type nothing struct{}

func (nothing) eye() eye            { return nothing{} }
func (nothing) row(*dataset.Row)    {}
func (nothing) done() any           { return nil }
func (nothing) take(any)            {}
func (nothing) report(report) error { return nil }
