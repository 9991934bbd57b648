package render

import (
	"html"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

func TestBreakable(t *testing.T) {
	for in, want := range map[string]string{
		"":                    "",
		"support-router":      "support-router",
		"inconclusive":        "inconclusive",
		"customer_ops":        "customer_ops",
		"customer_support":    "customer_|support",
		"customer-support_x":  "customer-support_x",
		"customers_-_support": "customers_-_|support", "the customer_support, and us": "the customer_|support, and us",
		"gpt-4o-mini-2024-07-18": "gpt-4o-mini-2024-07-18", "gpt-4.1-mini-2025-04-14": "gpt-4.1-mini-2025-04-14", "meta-llama/Llama-3.3-70B-Instruct": "meta-llama/Llama-3.3-70B-Instruct",
		"ft:gpt-4o-mini-2024-07-18:acme::9f1c": "ft:gpt-4o-mini-2024-07-18:|acme::|9f1c", "org/project/models/small": "org/|project/|models/|small",
		"thirteenchars": "thirtee|nchars", strings.Repeat("x", 40): "xxxxxxxxxx|xxxxxxxxxx|xxxxxxxxxx|xxxxxxxxxx", "twelvelettersx…": "twelvele|ttersx…", "twelveletter…": "twelvel|etter…", "a_twelveletter…": "a_|twelvel|etter…",
		strings.Repeat("e\u0301", 14):      strings.Repeat("e\u0301", 7) + "|" + strings.Repeat("e\u0301", 7),
		"客服路由与订单跟踪以及退货处理部门":                "客服路由与订单跟踪以及退货处理部门",
		"カスタマーサポートセンター":                    "カスタマーサポートセンター",
		"ฝ่ายบริการลูกค้าสัมพันธ์":         "ฝ่ายบริการลูกค้าสัมพันธ์",
		"תמיכה-בלקוחות":                    "תמיכה-בלקוחות",
		"مستشفياتهموالمدارس":               "مستشفياتهموا|لمدارس",
		"مستشفيهسبخبكبطب":                  "مستشفيهس|بخبكبطب",
		"क्षत्रियक्षत्रिय":                 "क्षत्रिय|क्षत्रिय",
		"🎉🎉🎉🎉🎉🎉🎉🎉":                         "🎉🎉🎉🎉🎉🎉🎉🎉",
		"👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦":            "👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦",
		"customers_👩🏽‍🚀_rockets":           "customers_|👩🏽‍🚀_|rockets",
		strings.Repeat("\ufffd", 13):       strings.Repeat("\ufffd", 7) + "|" + strings.Repeat("\ufffd", 6),
		"a\u200cbcdefghijklmnopqrstuvwxyz": "a\u200cbcdefghi|jklmnopqr|stuvwxyz",
	} {
		if got := strings.ReplaceAll(breakable(in), breakMark, "|"); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
	for _, s := range append(wideNames(), attacks()...) {
		s = clean(s)
		marked := breakable(s)
		if got := strings.ReplaceAll(marked, breakMark, ""); got != s {
			t.Errorf("%q becomes %q", s, got)
		}
		for _, after := range strings.Split(marked, breakMark)[1:] {
			if first := []rune(after)[0]; unicode.In(first, unicode.M, unicode.Cf) {
				t.Errorf("%q: a mark stands before %q", marked, first)
			}
		}
	}
}

var (
	tableCell = regexp.MustCompile(`(?s)<t[hd][^>]*>(.*?)</t[hd]>`)
	anyTag    = regexp.MustCompile(`<[^>]*>`)
	hyphened  = regexp.MustCompile(`([\pL\pN])-([\pL\pN])`)
	// lineEnds are where lines may end in every browser, but at hyphens.
	lineEnds = regexp.MustCompile(`[ \x{200b}ー\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\x{1f000}-\x{1faff}]`)
)

// A table scrolls sideways on a telephone when it has more than two columns, or words that are too wide for them and cannot be broken.
func TestTablesAreNarrow(t *testing.T) {
	pages := map[string]string{}
	all := cases()
	all["five"] = five()
	for name, r := range all {
		for kind, page := range map[string]string{"comment": Comment(r, ours()), "summary": Summary(r, ours()), "results": Results(r), "audit": Audit(r), "next": Next(r)} {
			pages[name+"."+kind] = page
		}
	}
	for name, p := range plans() {
		pages[name+".estimate"], pages[name+".plan"] = Estimate(p, ours()), PlanPage(p)
	}
	tables, cells := 0, 0
	for name, page := range pages {
		for line := range strings.Lines(page) {
			if !strings.HasPrefix(line, "| ---") {
				continue
			}
			if tables++; strings.Count(line, "---") > 2 {
				t.Errorf("%s has a table of more than two columns: %s", name, line)
			}
		}
		var b strings.Builder
		if err := github().Convert([]byte(page), &b); err != nil {
			t.Fatal(err)
		}
		for _, found := range tableCell.FindAllStringSubmatch(b.String(), -1) {
			cells++
			text := html.UnescapeString(anyTag.ReplaceAllString(found[1], ""))
			text = hyphened.ReplaceAllString(hyphened.ReplaceAllString(text, "$1- $2"), "$1- $2")
			for _, word := range lineEnds.Split(text, -1) {
				if n := Cells(strings.TrimRight(word, ",;")); n > maxRun {
					t.Errorf("%s: %q has %d columns and no place to break it, more than %d", name, word, n, maxRun)
				}
			}
		}
	}
	if tables == 0 || cells < 4*tables {
		t.Errorf("%d tables with %d cells", tables, cells)
	}
}

// What cannot be copied from a plan's table stands below it in one piece.
func TestPlanHasNamesInOnePiece(t *testing.T) {
	page := PlanPage(plans()["narrow"])
	if !strings.Contains(page, "`customer_support`") || !strings.Contains(page, "`customer_"+breakMark+"support`") {
		t.Error(page)
	}
	for _, l := range plans()["narrow"].Legs {
		for _, s := range []string{l.ID, l.BaseModel} {
			if _, line, _ := strings.Cut(page, "In one piece"); name(s) != code(s) && !strings.Contains(line, code(s)) && !strings.Contains(s, "|") {
				t.Errorf("%q does not stand in one piece", s)
			}
		}
	}
	if page := Estimate(plans()["ready"], ours()); strings.Contains(page, "In one piece") || strings.Contains(page, breakMark) {
		t.Error(page)
	}
}
