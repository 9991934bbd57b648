package render

import (
	"fmt"
	"strings"
	"time"

	"github.com/tunegate/tunegate/internal/gate"
)

// markup is HTML. Constants of ours are, and what the functions of this file and drawings return; another string does not compile
// where markup is asked for, so that none reaches the page unescaped by mistake.
type markup string

// htmlPage is HTML under construction.
type htmlPage struct{ b strings.Builder }

func (p *htmlPage) add(parts ...markup) {
	for _, s := range parts {
		p.b.WriteString(string(s))
	}
}

// escaped is a string as HTML, between tags or in the quotes of an attribute.
func escaped(s string) markup { return markup(escapes.Replace(s)) }

var escapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;", "\x00", "\ufffd")

// value is a number as HTML.
func value[T int | float64](v T) markup { return escaped(fmt.Sprint(v)) }

// noText stands for a text without a visible character.
const noText markup = `<span class="none">(blank)</span>`

// quoted is a text that is not ours: cleaned, escaped, and in a direction of its own.
func quoted(s string) markup {
	s = strings.TrimSpace(clean(s))
	if s == "" {
		return noText
	}
	return "<bdi>" + escaped(s) + "</bdi>"
}

// told is quoted for a sentence: percent signs stay beside their numbers.
func told(s string) markup { return markup(tightUnits(string(quoted(s)))) }

// figure is a text of ours with numbers: percent signs stay beside them.
func figure(s string) markup { return escaped(tightUnits(s)) }

// shortName is quoted for a name in a table.
func shortName(name string) markup { return quoted(Clip(clean(name), shownName)) }

// quotedLines keeps the lines of a text, for a place whose direction is its own.
func quotedLines(s string) markup {
	var kept []string
	n := 0
	for line := range strings.SplitSeq(strings.TrimSpace(s), "\n") {
		if n += len(line); len(kept) == 60 || n > 4*maxText {
			kept = append(kept, "…")
			break
		}
		kept = append(kept, clean(strings.TrimRight(line, "\r")))
	}
	if all := strings.Join(kept, "\n"); strings.TrimSpace(all) != "" {
		return escaped(all)
	}
	return noText
}

// names lists some names, and how many there are besides.
func names(all []string) markup {
	return listed(all, 5, shortName)
}

// listed is the first n of something, and how many there are besides.
func listed[T any](all []T, n int, write func(T) markup) markup {
	var p htmlPage
	for i, v := range all {
		if i == n {
			p.add(" and ", value(len(all)-n), " more")
			break
		}
		if i > 0 {
			p.add(", ")
		}
		p.add(write(v))
	}
	return markup(p.b.String())
}

// left says in the page what is left out of it.
func left(sentence string) markup { return `<p class="left">` + escaped(sentence) + `</p>` }

// clockTime is a moment.
func clockTime(t time.Time) markup {
	return `<time datetime="` + escaped(t.UTC().Format(time.RFC3339)) + `">` + escaped(moment(t)) + `</time>`
}

// verdictBadge is the word of a verdict with its sign.
func verdictBadge(v gate.Verdict) markup { return badge(v, string(v)) }

// badge is a word of ours for a verdict, with its sign.
func badge(v gate.Verdict, word string) markup {
	return `<span class="verdict v-` + escaped(class(v)) + `"><span class="sign" aria-hidden="true">` + escaped(sign(v)) + `</span>` + escaped(word) + `</span>`
}

// sign stands beside the word of a verdict, never for it.
func sign(v gate.Verdict) string {
	switch v {
	case gate.Pass:
		return "✓"
	case gate.Fail:
		return "✕"
	case gate.Inconclusive:
		return "?"
	case gate.Pending:
		return "…"
	}
	return "!"
}

// key is the name of a column in a cell, shown where the table has become cards.
func key(name markup) markup { return `<span class="k" aria-hidden="true">` + name + `</span>` }

// numberCell is a cell of a number, in a table that is not sorted.
func numberCell(name, v markup) markup {
	return `<td role="cell" class="n">` + key(name) + v + `</td>`
}

// rows writes a plot of rows: the picture, and the names and values that stand upon it.
func (p *htmlPage) rows(q *plot) {
	p.add(`<div class="rows`)
	if q.Kind != "" {
		p.add(` `, q.Kind)
	}
	p.add(`">`, q.Picture, "<ul>\n")
	for _, r := range q.Rows {
		who := shortName(r.Name)
		if r.Href != "" {
			who = `<a href="` + escaped(r.Href) + `">` + who + `</a>`
		}
		p.add(`<li><span class="who">`, who, `</span><span class="val">`, figure(r.Value), "</span></li>\n")
	}
	p.add(`</ul></div>`)
}
