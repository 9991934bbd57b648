package engine

import (
	"fmt"
	"strings"
	"testing"
)

func TestZeroShot(t *testing.T) {
	for _, c := range []struct{ name, system, request, want string }{
		{"commas", "Route it. Intents: book_flight, lost_luggage, play_music.", "I want to book a flight", "book_flight"},
		{"a question mark in a name", "Topics: card_lost, reverted_payment?, top_up.", "my payment was reverted", "reverted_payment?"},
		{"bars", "Answer with one of: billing | outage | other", "there is an outage", "outage"},
		{"one of, with or", "Answer with one of bug, feature or question.", "is this a question", "question"},
		{"quotes", "Labels: \"spam\", \"ham\".", "ham and eggs", "ham"},
		{"bullets", "Choose a queue:\n- payments: refunds and invoices\n- network: slow or broken connections\nOnly the name.", "I have not got my refund", "payments"},
		{"numbered", "Teams\n1. frontend\n2. backend\n", "the backend is slow", "backend"},
		{"the longest list", "Be brief, kind, exact: yes, no. Labels: red, green, blue, grey.", "blue sky", "blue"},
		{"tools", `Answer with JSON only: {"name": tool, "arguments": {...}}. Tools: GetWeather, PlayMusic.`, "play some music", `{"name": "PlayMusic", "arguments": {}}`},
		{"tools with parameters", "Reply as {\"tool\": \"...\", \"args\": {}}\nTools: get_weather(city, date), play_song(title)", "a song", `{"tool": "play_song", "args": {}}`},
		{"tools in JSON", `Tools: [{"name": "get_weather", "parameters": {"city": "string"}}, {"name": "play_song"}]`, "a song please", `{"name": "play_song", "arguments": {}}`},
		{"nothing alike", "Labels: red, green.", "???", "red"},
		{"no list", "You are a helpful assistant.", "hello", noAnswer},
		{"no system message", "", "hello", noAnswer},
		{"broken JSON", `Use {"name": and {{{ "x`, "hello", noAnswer},
	} {
		got := new(Untrained).Answer([]Turn{{"system", c.system}, {"user", c.request}})
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if got := new(Untrained).Answer(nil); got != noAnswer {
		t.Errorf("no prompt: %q", got)
	}
}

func TestUntrainedForgets(t *testing.T) {
	var u Untrained
	for i := range 3 * maxMenus {
		want := fmt.Sprint("label", i)
		if got := u.Answer([]Turn{{"system", "Labels: nothing, " + want + "."}, {"user", want}}); got != want {
			t.Fatalf("%q, want %q", got, want)
		}
		if len(u.menus) > maxMenus {
			t.Fatalf("%d system messages remembered", len(u.menus))
		}
	}
}

func FuzzZeroShot(f *testing.F) {
	f.Add("Labels: a, b.", "b")
	f.Add("- a: x\n- b\n", "x")
	f.Add(`{"name": tool, "arguments": {...}} one of (a, b`, "b")
	f.Fuzz(func(t *testing.T, system, request string) {
		if new(Untrained).Answer([]Turn{{"system", system}, {"user", request}}) == "" && !strings.Contains(system, ":") {
			t.Error("no answer")
		}
	})
}
