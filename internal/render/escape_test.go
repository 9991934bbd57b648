package render

import (
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// github is a Markdown parser with everything that GitHub's has.
func github() goldmark.Markdown {
	return goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote))
}

// skeleton is what a page is made of: every node but plain text, with the level of headings and the HTML as it stands.
func skeleton(page string) []string {
	source := []byte(page)
	var nodes []string
	depth := 0
	err := ast.Walk(github().Parser().Parse(text.NewReader(source)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			depth--
			return ast.WalkContinue, nil
		}
		depth++
		what := n.Kind().String()
		switch n := n.(type) {
		case *ast.Text, *ast.String:
			return ast.WalkContinue, nil
		case *ast.Heading:
			what += fmt.Sprint(n.Level)
		case *ast.HTMLBlock:
			what += " " + string(n.Lines().Value(source))
		case *ast.RawHTML:
			what += " " + string(n.Segments.Value(source))
		}
		nodes = append(nodes, fmt.Sprintf("%d %s", depth, what))
		return ast.WalkContinue, nil
	})
	if err != nil {
		panic(err) // the walker above returns none
	}
	return nodes
}

// reaching is what GitHub makes a mention, a reference or a link of, in text that is not code.
var reaching = regexp.MustCompile(`(?i)@[a-z0-9]|#[0-9]|\bgh-[0-9]|\b[0-9a-f]{7,40}\b|://|\bwww\.`)

// spoken is the text of a page outside of code, as a reader sees it, block by block; addresses of links are no part of it.
func spoken(page string) (all []string) {
	source := []byte(page)
	var b strings.Builder
	err := ast.Walk(github().Parser().Parse(text.NewReader(source)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.CodeSpan, *ast.FencedCodeBlock:
			if entering {
				b.WriteString(" ")
			}
			return ast.WalkSkipChildren, nil
		case *ast.Text:
			if entering {
				b.Write(n.Segment.Value(source))
			}
		default:
			if entering && n.Type() == ast.TypeBlock {
				all = append(all, html.UnescapeString(unescaped.ReplaceAllString(b.String(), "$1")))
				b.Reset()
			}
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		panic(err) // the walker above returns none
	}
	return append(all, html.UnescapeString(unescaped.ReplaceAllString(b.String(), "$1")))
}

var unescaped = regexp.MustCompile("\\\\([!-/:-@\\[-`{-~])")

// written are all pages that have s in every place for a stranger's text.
func written(s string) map[string]string {
	r, p := marked(s), markedPlan(s)
	return map[string]string{"results": Results(r), "audit": Audit(r), "next": Next(r), "comment": Comment(r, ours()), "summary": Summary(r, ours()), "estimate": Estimate(p, ours()), "plan": PlanPage(p)}
}

// plain are the skeletons of the pages that have s there, which does no harm.
func plain(s string) map[string][]string {
	all := map[string][]string{}
	for page, text := range written(s) {
		all[page] = skeleton(text)
	}
	return all
}

// staysInPlace checks that a text changes nothing about the pages but the text in its places; harmless is what they are made of else.
func staysInPlace(t *testing.T, s string, harmless map[string][]string) {
	t.Helper()
	if strings.TrimSpace(clean(s)) == "" {
		harmless = plain(s[:min(len(s), 1)]) // absent, or blank
	} else if strings.Contains(name(s), breakMark) {
		harmless = plain("harmless_but_wide") // a plan has such names in one piece too
	}
	r := marked(s)
	for page, got := range written(s) {
		a, b := skeleton(got), harmless[page]
		if !slices.Equal(a, b) {
			i := 0
			for i < min(len(a), len(b)) && a[i] == b[i] {
				i++
			}
			t.Errorf("%q changes %s at node %d: %q, want %q", s, page, i, a[min(i, len(a)):min(i+3, len(a))], b[min(i, len(b)):min(i+3, len(b))])
		}
		for _, text := range spoken(got) {
			if found := reaching.FindString(text); found != "" {
				t.Errorf("%q: in %s, GitHub would make a link or a mention of %q", s, page, found)
			}
		}
	}
	for _, width := range []int{0, 40} {
		for _, c := range render(t, r, Screen{Width: width}) {
			if c != '\n' && (unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c)) {
				t.Errorf("%q: the terminal is sent %q", s, c)
			}
		}
	}
}

// shownAsIs checks that a reader sees the text itself.
func shownAsIs(t *testing.T, s string) {
	t.Helper()
	want := clean(s)
	if strings.TrimSpace(want) == "" {
		want = blank
	}
	show := func(page, before, after string) string {
		var b strings.Builder
		if err := github().Convert([]byte(page), &b); err != nil {
			t.Fatal(err)
		}
		// The mark behind a text that runs from right to left stands outside of code.
		body, opens := strings.CutPrefix(strings.ReplaceAll(b.String(), "</code>"+leftToRight, "</code>"), before)
		body, closes := strings.CutSuffix(body, after)
		if !opens || !closes {
			t.Fatalf("%q is not in its place: %q", s, b.String())
		}
		return strings.TrimSuffix(strings.ReplaceAll(html.UnescapeString(body), joiner, ""), leftToRight)
	}
	if got, want := show("- "+inline(s)+"\n", "<ul>\n<li>", "</li>\n</ul>\n"), strings.TrimSpace(want); got != want {
		t.Errorf("inline shows %q for %q", got, want)
	}
	if want == blank {
		return
	}
	if got := show(code(s)+"\n", "<p><code>", "</code></p>\n"); got != want {
		t.Errorf("code shows %q for %q", got, want)
	}
	head, tail := "<table>\n<thead>\n<tr>\n<th>a</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td><code>", "</code></td>\n</tr>\n</tbody>\n</table>\n"
	if got, want := strings.ReplaceAll(show("| a |\n| --- |\n| "+cell(s)+" |\n", head, tail), breakMark, ""), strings.ReplaceAll(want, `\|`, `\ |`); got != want {
		t.Errorf("cell shows %q for %q", got, want)
	}
	head, tail = strings.TrimSuffix(head, "<code>"), strings.TrimPrefix(tail, "</code>")
	if got, want := strings.ReplaceAll(show("| a |\n| --- |\n| "+cellText(s)+" |\n", head, tail), breakMark, ""), strings.TrimSpace(want); got != want {
		t.Errorf("cellText shows %q for %q", got, want)
	}
}

// attacks are texts that try to leave their place, one way each.
func attacks() []string {
	return []string{
		hostile(), "", " ", "\n\n# heading\n\n", "- list", "+ list", "1. list", "1) list", "    indented code", "\tindented code", "> quote", "---", "===", "***", "```", "~~~", "| a | b |",
		"<b>", "</details>", "<details open>", "<!--", "-->", "<?x", "<![CDATA[", "&lt;", "&#60;script>", "[a](b)", "![a](b)", "[a]: http://x.example", "[^1]", "[^1]: note", "[ ] task", "[x] task",
		"http://x.example", "HTTPS://x.example", "ftp://x.example/a", "www.x.example", "WWW.x.example", "a@x.example", "mailto:a@x.example", "xmpp:a@x.example", "<a@x.example>",
		"@someone", "0123456789abcdef", "fix in deadbee.", "#12", "GH-12", "gh-12", "owner/name#12", "*a*", "**a**", "_a_", "__a__", "~a~", "~~a~~", "`a`", "``a`", "`", "```````", "` a `", " a ", "a`", "`a", `\`, `\\`, `\|`, `\\|`, `a\`, "|", "||", `|\`, "`|`", "`\\|`",
		"a\\\nb", "a  \nb", "a\r\nb", "a\u2028b", "a\x00b", "\xff\xfe", "\x1b[2J", "\x9b31m", "\u202egnp.exe", "\u2066a\u2069", "\u200b", "\ufeffa", "\u0300\u0300\u0300\u0300\u0300\u0300", "\U000e0041\U000e0042",
		strings.Repeat("x", 5000), strings.Repeat("`", 5000), strings.Repeat("|", 5000), strings.Repeat("<details>", 500), "שלום (12)", "客服", "$a$", "$$a$$", ":tada:",
	}
}

func TestHostileTextStaysInPlace(t *testing.T) {
	harmless := plain("harmless")
	for _, s := range attacks() {
		staysInPlace(t, s, harmless)
		shownAsIs(t, s)
	}
}

// No page holds a link, an image or HTML other than its own, whatever is in the report.
func TestPagesHoldNoLinks(t *testing.T) {
	for name, r := range cases() {
		for _, page := range []string{Results(r), Audit(r), Next(r), Comment(r, Place{}), Summary(r, Place{})} {
			for _, node := range skeleton(page) {
				_, what, _ := strings.Cut(node, " ")
				kind, html, _ := strings.Cut(what, " ")
				switch kind {
				case "Link", "AutoLink", "Image", "RawHTML", "FencedCodeBlock", "CodeBlock", "Blockquote", "Strikethrough", "ThematicBreak", "TaskCheckBox", "FootnoteLink":
					t.Errorf("%s: there is a %s", name, what)
				case "HTMLBlock":
					if html != "</details>\n" && !((strings.HasPrefix(html, "<details><summary>") || strings.HasPrefix(html, "<details open><summary>")) && strings.HasSuffix(html, "</summary>\n") && strings.Count(html, "<") == 3) {
						t.Errorf("%s: foreign HTML %q", name, html)
					}
				}
			}
		}
	}
}

func FuzzHostileText(f *testing.F) {
	for _, s := range attacks() {
		f.Add(s)
	}
	harmless := plain("harmless")
	f.Fuzz(func(t *testing.T, s string) {
		staysInPlace(t, s, harmless)
		shownAsIs(t, s)
	})
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"a\nb\tc\r\nd":                    "a b c  d",
		"a\u2028b\u2029c\u0085d":          "a b c d",
		"\x1b[31mred\x1b[0m":              "\ufffd[31mred\ufffd[0m",
		"\u202egnp.exe\u202c":             "\ufffdgnp.exe\ufffd",
		"zero\u200bwidth":                 "zero\ufffdwidth",
		"bad\xffbyte":                     "bad\ufffdbyte",
		"👩\u200d💻":                        "👩\u200d💻",
		"می\u200cخواهم":                   "می\u200cخواهم",
		"\u0301x":                         "◌\u0301x",
		"z" + strings.Repeat("\u0300", 9): "z\u0300\u0300", "שָּׁ֔": "שָּׁ֔", "z\u0300\u0323\u0300\u0323\u0300": "z\u0300\u0323\u0300\u0323",
		strings.Repeat("é", maxText):   strings.Repeat("é", maxText),
		strings.Repeat("é", maxText+1): strings.Repeat("é", maxText) + "…",
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

// No line of a terminal's text is a command to a runner that reads it in a log.
func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"::error::x": ": :error::x", "  ::add-mask::a": "  : :add-mask::a", "\n::x": " : :x", "a ::x": "a ::x", ":x": ":x", "##[error]x": "# #[error]x", "say ##[x": "say # #[x", "": "",
	} {
		if got := Line(in); got != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
	}
	for _, s := range []string{"::error::x", "\n ::error::x", "a ##[error]b"} {
		for line := range strings.Lines(render(t, marked(s), Screen{})) {
			if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") {
				t.Errorf("%q is a command to a runner", line)
			}
		}
	}
}
