package catalog

import (
	"math"
	"testing"
	"time"
)

func TestLookup(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"gpt-4o-mini", "gpt-4o-mini"},
		{"gpt-4o-mini-2024-07-18", "gpt-4o-mini"},
		{"gpt-4o-2024-08-06", "gpt-4o"},
		{"gpt-4.1", "gpt-4.1"},
		{"gpt-4.1-2025-04-14", "gpt-4.1"},
		{"gpt-3.5-turbo-0125", "gpt-3.5-turbo"},
		{"ft:gpt-4o-mini-2024-07-18:org::abc123", "gpt-4o-mini"},
		{"ft:gpt-4.1-nano-2025-04-14:org:suffix:abc:ckpt-step-80", "gpt-4.1-nano"},
		{"meta-llama/Llama-3.3-70B-Instruct-LoRa:support-Xy12", "meta-llama/Llama-3.3-70B-Instruct"},
		{"local-zero-shot", "local-zero-shot"},
		{"gpt-4o-realtime", ""},
		{"gpt-4o-", ""},
		{"gpt-4", ""},
		{"ft:", ""},
		{"", ""},
	} {
		m, ok := Lookup(c.name)
		if m.Name != c.want || ok != (c.want != "") {
			t.Errorf("Lookup(%q) = %q, %v, want %q", c.name, m.Name, ok, c.want)
		}
	}
}

func TestLookupGivesACopy(t *testing.T) {
	m, _ := Lookup("gpt-4o")
	m.Price.TrainPerMillion = 0
	if m, _ = Lookup("gpt-4o"); m.Price.TrainPerMillion != 25 {
		t.Errorf("a caller changed the catalog: %v", m.Price)
	}
}

// Every fact says where it comes from, and no price is a slip of the decimal point.
func TestModels(t *testing.T) {
	for _, m := range models {
		if _, err := time.Parse(time.DateOnly, m.AsOf); err != nil || m.Source == "" {
			t.Errorf("%s: source %q, as of %q", m.Name, m.Source, m.AsOf)
		}
		if p := m.Price; p != nil && m.Name != Local {
			if p.InputPerMillion <= 0 || p.OutputPerMillion < p.InputPerMillion || p.TrainPerMillion < p.InputPerMillion || p.TrainPerMillion > 25 {
				t.Errorf("%s: price %+v", m.Name, *p)
			}
		}
		if e := Encoding(m.Name); e != "o200k_base" && e != "cl100k_base" {
			t.Errorf("%s: encoding %q", m.Name, e)
		}
	}
	if m, _ := Lookup(Local); m.Price == nil || *m.Price != (Price{}) {
		t.Errorf("the embedded engine costs %v, want nothing", m.Price)
	}
	if m, _ := Lookup("o4-mini"); m.Price != nil {
		t.Errorf("o4-mini is paid by the hour, got %v", *m.Price)
	}
}

func TestEncoding(t *testing.T) {
	for name, want := range map[string]string{
		"ft:gpt-3.5-turbo-0125:org::x": "cl100k_base",
		"gpt-4.1-mini-2025-04-14":      "o200k_base",
		"local-zero-shot":              "o200k_base",
		"some-model":                   "o200k_base",
	} {
		if got := Encoding(name); got != want {
			t.Errorf("Encoding(%q) = %s, want %s", name, got, want)
		}
	}
}

func TestAutoEpochs(t *testing.T) {
	for _, c := range []struct{ examples, want int }{
		{-1, 25}, {0, 25}, {1, 25}, {4, 25}, {5, 20}, {10, 10}, {33, 3}, {34, 3}, {8_333, 3}, {8_334, 2}, {12_500, 2},
		{12_501, 1}, {20_000, 1}, {25_001, 1}, {math.MaxInt, 1},
	} {
		if got := AutoEpochs(c.examples); got != c.want {
			t.Errorf("AutoEpochs(%d) = %d, want %d", c.examples, got, c.want)
		}
	}
}
