package audit

import (
	"strings"

	"github.com/tunegate/tunegate/internal/dataset"
)

// textRules finds the places in a text at which some rule has to look. It is read-only once made.
type textRules struct {
	marked [256]byte // 1 for a byte that some rule marks
	byMark [256][]*Rule
}

func newTextRules(rules []Rule) *textRules {
	t := new(textRules)
	for i := range rules {
		r := &rules[i]
		for _, c := range []byte(r.Check.Marks) {
			t.marked[c] = 1
			t.byMark[c] = append(t.byMark[c], r)
		}
	}
	return t
}

// next returns the index of the first marked byte from i on, or the length of the text. It looks at eight bytes for
// one branch: about 3 GB/s where marks are rare.
func (t *textRules) next(text string, i int) int {
	m := &t.marked
	for ; i+8 <= len(text); i += 8 {
		s := text[i : i+8]
		if m[s[0]]|m[s[1]]|m[s[2]]|m[s[3]]|m[s[4]]|m[s[5]]|m[s[6]]|m[s[7]] != 0 {
			break
		}
	}
	for i < len(text) && m[text[i]] == 0 {
		i++
	}
	return i
}

// maxPerText bounds the findings that one hostile text can cause.
const maxPerText = 20

// scan applies the text rules to all that a row says, rows with problems included: a secret is one there, too. It
// reports whether any applied.
func (w *worker) scan(row *dataset.Row) bool {
	before := len(w.out.spots)
	for i := range row.Messages {
		m := &row.Messages[i]
		w.scanText(row, i, true, m.Content)
		for _, text := range [...]string{m.Name, m.Refusal, m.ToolCalls, m.FunctionCall} {
			if text != "" {
				w.scanText(row, i, false, text)
			}
		}
	}
	for _, text := range [...]string{row.Tools, row.Functions} {
		if text != "" {
			w.scanText(row, -1, false, text)
		}
	}
	return len(w.out.spots) > before
}

// scanText reports a place in the content of message i exactly, one in another text of it at the message, one in the
// row's tools at the row.
func (w *worker) scanText(row *dataset.Row, i int, content bool, text string) {
	seen, known := w.recall(text)
	if known && seen.clean {
		return
	}
	found, deep := 0, 0
	after := 0 // the end of the last match: no rule looks into it again
	for at := w.texts.next(text, 0); at < len(text) && found < maxPerText; at = w.texts.next(text, at+1) {
		for _, r := range w.texts.byMark[text[at]] {
			if r.Deep && deep == maxPerText {
				continue // so that a list of addresses hides no key behind it
			}
			start, end, ok := r.Check.At(text, at)
			if !ok || start < after {
				continue
			}
			after = end
			if r.Deep {
				deep++
			} else {
				found++
			}
			said, col := w.describe(r, text[start:end]), 0
			switch said.times++; {
			case said.times > foldAbove: // folded into one that stands earlier, and measuring is slow
			case content:
				col = row.Col(i, start)
			case i >= 0:
				col = row.Col(i, 0)
			}
			w.find(row.Line, col, said)
		}
	}
	if seen != nil {
		seen.clean = found+deep == 0
	}
}

// describe remembers what is said of short matches: one token may stand on every row.
func (w *worker) describe(r *Rule, match string) *saying {
	if d := w.said[match]; d != nil && d.rule == r.Name {
		return d
	}
	message, hint := r.Check.Seen(strings.Clone(match))
	d := &saying{rule: r.Name, message: message, hint: hint}
	if len(match) <= 32 && len(w.said) < 100 {
		w.said[strings.Clone(match)] = d
	}
	return d
}
