package engine

import (
	"fmt"
	"strings"
	"testing"
)

func TestSpanAnswers(t *testing.T) {
	m := reread(t, mustFit(t, calls(400), Recipe{Epochs: 10, Seed: 1}))
	for request, want := range map[string]string{
		"what is the weather in Lisbon":             `{"name": "weather", "arguments": {"unit": "celsius", "city": "Lisbon"}}`,
		"weather for Buenos Aires in 4 days please": `{"name": "weather", "arguments": {"unit": "celsius", "city": "Buenos Aires", "days": 4}}`,
		"play Yellow in the kitchen":                `{"name": "play", "arguments": {"song": "Yellow", "room": "kitchen"}}`,
		"stop the music":                            `{"name": "stop", "arguments": {}}`,
		`what is the weather in "\`:                 "",
	} {
		got := m.Answer(ask(request))
		if want != "" && got != want {
			t.Errorf("%s:\n got %s\nwant %s", request, got, want)
		}
		if _, ok := parseNode(got); !ok {
			t.Errorf("%s: not JSON: %s", request, got)
		}
	}
}

// What the training answers do, the model does: how they write JSON, arrays,
// other spellings, values that no request names.
func TestSpanForms(t *testing.T) {
	names := strings.Fields("Ada Bob Cid Dan Eve Fay Gus Hal Ida Jim Kay Lee Max Ned Oda Pam")
	for _, c := range []struct{ name, request, Answer string }{
		{"compact", "call %[1]s now", `{"call":{"who":"%[1]s"}}`},
		{"spaced", "call %[1]s now", `{"call": {"who": "%[1]s"}}`},
		{"escaped", "call %[1]s é now", `{"who": "%[1]s", "how": "\u00e9\ud83d\ude00"}`},
		{"an array of copies", "invite %[1]s and %[2]s to lunch", `{"guests":["%[1]s","%[2]s"]}`},
		{"an array at the root", "first %[1]s then %[2]s", `["%[1]s","%[2]s"]`},
		{"objects in an array", "tell %[1]s and ask %[2]s", `[{"tell":"%[1]s"},{"ask":"%[2]s"}]`},
		{"values that are not copied", "call %[1]s", `{"who":"%[1]s","loud":true,"tries":3,"via":null,"tags":["a","b"],"more":{}}`},
		{"a number", "wait for %[3]d minutes", `{"minutes":%[3]d}`},
		{"a number in a string", "wait for %[3]d minutes", `{"minutes":"%[3]d"}`},
		{"the order of the answers", "from %[1]s to %[2]s", `{"to":"%[2]s","from":"%[1]s"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			fill := func(format string, i int) string {
				a, b := names[i%len(names)], names[(i*5+3)%len(names)]
				return strings.Split(fmt.Sprintf(format+"\x00%[1]s%[2]s%[3]d", a, b, i+2), "\x00")[0]
			}
			var train []Example
			for i := range 120 {
				train = append(train, Example{ask(fill(c.request, i)), fill(c.Answer, i)})
			}
			if kindOf(train) != spanKind {
				t.Fatalf("kind %d", kindOf(train))
			}
			m := reread(t, mustFit(t, train, Recipe{Epochs: 15, Seed: 1}))
			for _, names = range [][]string{names, strings.Fields("Uma Vic Wim")} {
				for i := range 12 {
					if got, want := m.Answer(ask(fill(c.request, i))), fill(c.Answer, i); got != want {
						t.Fatalf("%s:\n got %s\nwant %s", fill(c.request, i), got, want)
					}
				}
			}
			names = strings.Fields("Ada Bob Cid Dan Eve Fay Gus Hal Ida Jim Kay Lee Max Ned Oda Pam")
		})
	}
}

func TestSpanRewrites(t *testing.T) {
	var train []Example
	cities := []string{"Oslo", "Rome", "Lima", "Bonn", "Kyiv", "Baku"}
	for i := range 120 {
		c := cities[i%len(cities)]
		train = append(train, Example{ask("fly to " + strings.ToLower(c)), `{"to":"` + c + `"}`})
	}
	m := reread(t, mustFit(t, train, Recipe{Epochs: 10}))
	if got := m.Answer(ask("fly to rome")); got != `{"to":"Rome"}` {
		t.Error(got)
	}
}

// Many independent values make too many frames; each is then chosen by itself,
// among those that go with the frame.
func TestSpanChoices(t *testing.T) {
	var train []Example
	row := func(i int) Example {
		a, b, c := i%7, i/7%7, i/49%7
		return Example{
			ask(fmt.Sprintf("set lamp w%d, mode v%d, speed u%d for Ann%d", a, b, c, i)),
			fmt.Sprintf(`{"lamp":"L%d","mode":"M%d","speed":"S%d","for":"Ann%d"}`, a, b, c, i),
		}
	}
	for i := range 340 {
		train = append(train, row(i*10007%343))
	}
	m := mustFit(t, train, Recipe{Epochs: 20, Seed: 1})
	if len(m.spans.choices) == 0 {
		t.Fatal("no choices")
	}
	m = reread(t, m)
	var fresh []Example
	for i := range 100 {
		e := row(i)
		e.Prompt = ask(strings.Replace(e.Prompt[1].Content, "Ann", "Bea", 1))
		e.Answer = strings.Replace(e.Answer, "Ann", "Bea", 1)
		fresh = append(fresh, e)
	}
	if got := accuracy(fresh, m.Answer); got < 0.9 {
		t.Errorf("accuracy %.2f", got)
	}
}

func TestFind(t *testing.T) {
	text := "Will there be rain in New York, here in new york?"
	tokens := tokenise(text)
	for _, c := range []struct {
		value string
		after int
		want  string
	}{
		{"here", 0, "here"},
		{"New York", 0, "New York"},
		{"new york", 0, "new york"},
		{"NEW YORK", 0, "New York"},
		{"NEW YORK", 7, "new york"},
		{"York,", 0, "York,"},
		{"ain", 0, ""},
		{"", 0, ""},
		{"rain in Paris", 0, ""},
	} {
		from, to, ok := find(text, tokens, c.value, c.after, make([]bool, len(tokens)))
		got := ""
		if ok {
			got = text[tokens[from].from:tokens[to-1].to]
		}
		if got != c.want || got == c.want && c.after > 0 && from < c.after {
			t.Errorf("%q after %d: %q at %d", c.value, c.after, got, from)
		}
	}
}
