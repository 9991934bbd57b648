package render

import (
	"slices"
	"strings"
	"testing"
)

func TestCells(t *testing.T) {
	for s, want := range map[string]int{
		"": 0, "abc": 3, "é": 1, "e\u0301": 1, "客服": 4, "ｱ": 1, "Ａ": 2, "한글": 4, "\u1112\u1161\u11ab": 2, "🎉": 2, "שלום": 4, "…": 1, "✅": 2, "—": 1, "ไทย": 3, "เดี๋ยว": 4,
	} {
		if got := Cells(s); got != want {
			t.Errorf("Cells(%q) = %d, want %d", s, got, want)
		}
	}
}

func TestClip(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"support-router", 14, "support-router"}, {"support-router", 13, "support-rout…"}, {"support router", 9, "support…"}, {"客服路由", 8, "客服路由"}, {"客服路由", 7, "客服路…"}, {"客服路由", 6, "客服…"},
		{"e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301"}, {"e\u0301e\u0301e\u0301", 2, "e\u0301…"},
		{"客服", 2, "…"}, {"ab", 1, "…"}, {"ab", 0, ""}, {"ab", -3, ""}, {"", 0, ""},
	} {
		if got := Clip(c.in, c.limit); got != c.want {
			t.Errorf("Clip(%q, %d) = %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  []string
	}{
		{"as long as it needs to be, whatever that is", 0, []string{"as long as it needs to be, whatever that is"}},
		{"  one two three four five six", 20, []string{"  one two three four", ".five six"}},
		{"12345678901234567890123 x", 20, []string{"12345678901234567890", ".123 x"}},
		{"the margin of it is 10 % then", 20, []string{"the margin of it is", ".10 % then"}},
		{"could be chance (p = 0.3438)", 20, []string{"could be chance", ".(p = 0.3438)"}},
		{"客服路由客服路由客服路由", 21, []string{"客服路由客服路由客服", ".路由"}},
		{"a b", 1, []string{"a b"}},
	} {
		if got := Wrap(c.in, c.limit, "."); !slices.Equal(got, c.want) {
			t.Errorf("Wrap(%q, %d) = %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}

// Wrapping loses no letter and keeps the limit, whatever the text.
func FuzzWrap(f *testing.F) {
	f.Add("  one two 客服路由 three-four-five-six-seven-eight", 25)
	f.Add("% % = < 5 % s min", 20)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		s = clean(s)
		limit = max(minWidth, min(limit, 200))
		lines := Wrap(s, limit, "    ")
		for _, l := range lines {
			if Cells(l) > limit {
				t.Errorf("%d columns in %q, the limit is %d", Cells(l), l, limit)
			}
		}
		pure := func(s string) string { return strings.ReplaceAll(s, " ", "") }
		if got := pure(strings.Join(lines, "")); got != pure(s) {
			t.Errorf("%q became %q", s, got)
		}
	})
}
