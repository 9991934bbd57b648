package audit

import (
	"fmt"
	"strings"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/suite"
)

// scanTests applies the text rules of the quick audit to what tests send to a provider: their inputs and the functions that
// they offer. A control token is only a warning there: it is text that may be asked about, and nothing learns to write it.
func scanTests(s suite.Suite, rules []Rule, p Policy) []diag.Finding {
	var quick []Rule
	for _, r := range rules {
		if r.Check.At != nil && !r.Deep {
			quick = append(quick, r)
		}
	}
	texts := newTextRules(quick)
	var found foundings
	for _, t := range s.Tests {
		said := map[string]bool{} // by rule and message: one finding a test
		for i := range len(t.Input) + 1 {
			text := t.Tools
			if i < len(t.Input) {
				text = t.Input[i].Content
			}
			n := 0
			look := func(text string, from int) (saw bool) {
				after := 0
				for at := range texts.marks.in(text) {
					if n >= maxPerText {
						break
					}
					for _, r := range texts.byMark[text[at]] {
						start, end, ok := r.Check.At(text, at)
						if !ok || start < after || !liesBehind(text, start, end, from) {
							continue
						}
						after, saw = end, true
						n++
						message, _ := r.Check.Seen(strings.Clone(text[start:end]))
						if said[r.Name+message] {
							continue
						}
						said[r.Name+message] = true
						severity := r.Severity
						switch {
						case p.Severities[r.Name] != 0:
							severity = p.Severities[r.Name]
						case r.Name == "special-token":
							severity = diag.Warning
						}
						hint := "revoke it, and put a placeholder in its place: tests are sent to the provider"
						if r.Name == "special-token" {
							hint = "remove it, unless the test is about it: a service may refuse it, or take it for the end of a message"
						}
						found.add(diag.Finding{Rule: r.Name, Severity: severity, File: s.File, Line: t.Line, Message: fmt.Sprintf("%s, in a test", message), Hint: hint})
					}
				}
				return saw
			}
			look(text, 0)
			eachEscaped(text, 1, look)
		}
	}
	return found.folded()
}
