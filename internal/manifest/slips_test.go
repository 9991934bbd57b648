package manifest

import (
	"slices"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/diag"
)

// Common slips are found where they are, not where the parser gave up, and the hint fits.
func TestSlips(t *testing.T) {
	const head = "version: 1\nagents:\n  a:\n    train: t.jsonl\n" // four lines
	for _, c := range []struct{ name, text, want, hint string }{
		{"bracket in the last line", head + "    benchmark: {tests: x, grader: [a\n", "5:35: the bracket [ that begins here is not closed", "close it with ]"},
		{"no newline at the end", head + "    benchmark: {tests: x", "5:16: the bracket { that begins here is not closed", "close it with }"},
		{"bracket before other brackets", head + "    benchmark: {tests: x\n  b: {train: x, benchmark: {tests: y}}\n", "5:16: the bracket { that begins here is not closed", "close it"},
		{"brackets of two kinds", head + "    benchmark: {tests: x]\n", "5:16: the bracket { that begins here is not closed", "close it"},
		{"one bracket too many", head + "    benchmark: {tests: x}}\n", "5:26: nothing opens this }", "take it out"},
		{"no comma", head + "    benchmark: {tests: 'x' grader: y}\n", "5:28: no comma between two entries", "comma"},
		{"no comma, no quotes", head + "    benchmark: {tests: x grader: y}\n", "5:32: a second colon in one entry", "comma"},
		{"no comma over two lines", head + "    benchmark: {tests: x\n      grader: y}\n", "6:13: a second colon in one entry", "comma"},
		{"behind a bracket", head + "    benchmark: {tests: x}, gate: {}\n", "5:26: text behind the closing bracket", "a line of its own"},
		{"quote", "version: 1\nname: \"week\nagents: {}\n", "2:7: the quote \" that begins here is not closed", "close the quote"},
		{"quote and backslash", "version: 1\nname: \"week\\", "2:7: the quote \" that begins here is not closed", "close the quote"},
		{"quote before another one", "version: 1\nname: \"week\nagents: {a: {train: \"t.jsonl\"}}\n", "2:7: the quote that begins here ends in line 3, with more text behind it", "in its own line"},
		{"apostrophe", "version: 1\nname: 'it's'\n", "2:11: text behind the closing quote", "twice"},
		{"escape", "version: 1\nname: \"例\\d\"\n", "2:9: \\d is not an escape", "single quotes"},
		{"percent", "version: 1\nname: %x\n", "2:7: a plain text cannot begin with %", "quotes"},
		{"no space", head + "    seed:1\n    epochs: 2\n", "5:9: no space behind the colon", "write seed: and a space"},
		{"no space in the last line", head + "    epochs: 2\n    seed:1\n", "6:9: no space behind the colon", "write seed: "},
		{"no space in the first line", "version:1\nname: x\n", "1:8: no space behind the colon", "write version: "},
		{"no colon", "version: 1\nagents\nname: x\n", "2:1: a line without a key and a colon", "a key needs a colon"},
		{"two colons", "version: 1\nname: a: b\n", "2:8: a second colon in the line", "quotes"},
		{"too deep", head + "      seed: 1\n", "5:7: a key under another key that has a value already", "same column"},
		{"too shallow", head + "   seed: 1\n", "5:4: the indentation of this line fits none above it", "same column"},
		{"all but the first in column 1", " version: 1\nname: x\n", "2:1: the indentation of this line fits none above it", "in the first"},
		{"list item", "version: 1\n- a\n", "2:1: a list item where a key is expected", "same column"},
		{"list behind a key", "version: 1\nname: - x\n", "2:7: a list cannot begin behind its key", "a line of its own"},
		{"tab", head + "\tseed: 1\n", "5:1: a tab in the indentation", "spaces"},
		{"below a text of several lines", "version: 1\nname: |\n  a: [b: \"c\n\n  d]\n agents: 1\n", "6:2: the indentation", "same column"},
		{"below comments and quotes", "version: 1 # it's [\n\"name\": 'it''s [' # {\n'x': \"\\\"[\"\n? [a, {b: c}]\n: &d 'e' : [\n", "5:10: ", ""},
	} {
		_, all := Parse([]byte(c.text), "x")
		ms := slices.DeleteFunc(slices.Clone(all), func(f diag.Finding) bool { return f.Rule != "syntax" }) // TestRescue is about the others
		if len(ms) != 1 || !strings.HasPrefix(ms[0].String(), "x:"+c.want) || !strings.Contains(ms[0].Hint, c.hint) {
			t.Errorf("%s: %s\nwant %s, hint with %q", c.name, listing(ms), c.want, c.hint)
		}
	}
}
