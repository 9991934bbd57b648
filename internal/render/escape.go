package render

import "strings"

// inline writes a text as itself in Markdown: what could begin markup, a link, an HTML tag, a table cell or a
// mention is escaped, and the text stays on its line.
func inline(s string) string {
	return inlineEscapes.Replace(clean(s))
}

// A word joiner is shown as nothing; GitHub looks for mentions and references after entities are resolved, so that
// only a character in between keeps it from finding one. For links an entity is enough.
var inlineEscapes = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;",
	"@", "@\u2060", "#", "#\u2060", "GH-", "GH\u2060-",
	"://", ":&#47;&#47;", "www.", "www&#46;",
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "|", `\|`, "~", `\~`, "$", `\$`,
)

// code writes a text as a code span that it cannot leave, fit for a table cell. An empty text is a dash.
func code(s string) string {
	s = clean(s)
	if strings.TrimSpace(s) == "" {
		return "-"
	}
	longest, run := 0, 0
	for _, r := range s {
		if r == '`' {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	fence := strings.Repeat("`", longest+1)
	// In a table a pipe ends the cell even within code, unless it is escaped; a backslash before it must not
	// escape the escape.
	s = strings.ReplaceAll(strings.ReplaceAll(s, `\|`, `\ |`), "|", `\|`)
	if s[0] == '`' || s[len(s)-1] == '`' || s[0] == ' ' && s[len(s)-1] == ' ' {
		s = " " + s + " "
	}
	return fence + s + fence
}
