package manifest

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/tunegate/tunegate/internal/diag"
)

// A text that the YAML parser refuses has other mistakes as often as one that it takes. They are looked for in the text
// as it probably was meant, and told only where they are mistakes whatever was meant.

// mostSlips bounds how often one text is mended, and mostMended, in bytes, which text is: mending reads it many times.
const (
	mostSlips  = 8
	mostMended = 32 << 10
)

// tabWidths are what a tab may have been meant for.
var tabWidths = [...]int{2, 4, 8}

// rescue reports what is wrong with data, which the parser refused with err, and with the rest of it.
func (r *reader) rescue(data []byte, err error) {
	if len(data) > mostMended {
		r.syntax(data, err)
		return
	}
	if len(r.tabs(data)) == 0 {
		r.mend(data, err)
		return
	}
	// Of the widths that make the text readable, that which makes the fewest mistakes was meant; and what all of the fewest
	// have in common stands.
	var best []diag.Finding
	found := false
	for _, width := range tabWidths {
		text, shift := untab(data, width)
		try := &reader{file: r.file, tree: r.tree, sites: map[string]site{}, shift: shift}
		if !try.reread(text) {
			continue
		}
		switch {
		case !found || len(try.found) < len(best):
			best, found = try.found, true
		case len(try.found) == len(best):
			best = slices.DeleteFunc(best, func(f diag.Finding) bool {
				return !slices.ContainsFunc(try.found, func(o diag.Finding) bool { return same(o, f) })
			})
		}
	}
	if !found {
		r.syntax(data, err)
	}
	r.adopt(best)
}

// reread reads a text without tabs, and mends it where a bracket or a quote is to blame. It is false where something
// else is, since that may be what another width of the tabs sets right.
func (r *reader) reread(text []byte) bool {
	root, err := decode(text)
	if err == nil {
		r.interpret(root, blank())
		return true
	}
	if _, ok := firstSlip(text); ok {
		r.mend(text, err)
		return true
	}
	return false
}

// mend reports why the parser refused text, and then what is wrong with the lines that are left without the value that it
// stumbled over: those around it, else those before it.
func (r *reader) mend(text []byte, err error) {
	mended := map[int]bool{}
	last := 0
	for range mostSlips {
		before := len(r.found)
		r.syntax(text, err)
		if len(r.found) == before || r.full() {
			return
		}
		line := r.found[len(r.found)-1].Line
		if line <= last {
			r.found = r.found[:before] // it follows from how the last one was mended
			return
		}
		last = line
		mended[line] = true
		start := lineStart(text, line)
		without, ok := withoutValue(text, start)
		root, again := (*yaml.Node)(nil), err
		if ok {
			root, again = decode(without)
		}
		if ok && again != nil {
			try := &reader{file: r.file}
			if try.syntax(without, again); len(try.found) == 0 || try.found[0].Line <= line {
				ok = false
			}
		}
		if !ok {
			without = text[:start]
			root, again = decode(without)
		}
		switch {
		case again == nil:
			rest := &reader{file: r.file, tree: r.tree, sites: map[string]site{}, shift: r.shift, partial: true}
			rest.interpret(root, blank())
			r.adopt(slices.DeleteFunc(rest.found, func(f diag.Finding) bool { return mended[f.Line] }))
			return
		case !ok:
			return
		}
		text, err = without, again
	}
}

// adopt takes over what another reader of the same file found.
func (r *reader) adopt(found []diag.Finding) {
	for _, f := range found {
		if !r.full() {
			r.found = append(r.found, f)
		}
	}
}

// decode returns the root of a text's one document.
func decode(text []byte) (*yaml.Node, error) {
	var n yaml.Node
	if err := yaml.Unmarshal(text, &n); err != nil {
		return nil, err
	}
	if len(n.Content) == 0 {
		return nil, errors.New("empty")
	}
	return n.Content[0], nil
}

// untab writes each tab of an indentation as so many spaces. shift is by how much that moved the text of a line.
func untab(data []byte, width int) (text []byte, shift map[int]int) {
	shift = map[int]int{}
	n := 0
	for line := range bytes.Lines(data) {
		n++
		rest := bytes.TrimLeft(line, " \t")
		indent := line[:len(line)-len(rest)]
		if tabs := bytes.Count(indent, []byte("\t")); tabs > 0 {
			shift[n] = tabs * (width - 1)
			indent = bytes.ReplaceAll(indent, []byte("\t"), []byte(strings.Repeat(" ", width)))
		}
		text = append(append(text, indent...), rest...)
	}
	return text, shift
}

// lineStart is where a line, counted from 1, begins.
func lineStart(text []byte, line int) int {
	at := 0
	for ; line > 1; line-- {
		next := bytes.IndexByte(text[at:], '\n')
		if next < 0 {
			return at
		}
		at += next + 1
	}
	return at
}

// keyed is a line that holds a plain key and a value.
var keyed = regexp.MustCompile(`^[ ]*[A-Za-z0-9_-]+:[ \t]+[^ \t\r]`)

// withoutValue returns text with the value of the line at start left empty, if it is one of the line alone: what ends in a
// comma or in an open bracket goes on.
func withoutValue(text []byte, start int) ([]byte, bool) {
	line, rest := text[start:], []byte(nil)
	if end := bytes.IndexByte(line, '\n'); end >= 0 {
		line, rest = line[:end], line[end:]
	}
	trimmed := bytes.TrimRight(line, " \t\r")
	head := keyed.Find(line)
	if head == nil || bytes.ContainsAny(trimmed[len(trimmed)-1:], ",{[") {
		return nil, false
	}
	return slices.Concat(text[:start], head[:len(head)-1], []byte("~"), rest), true
}

// unshifted is where a place in a text without tabs was before.
func (r *reader) unshifted(at Pos) Pos {
	if by := r.shift[at.Line]; by > 0 {
		at.Col = max(1, at.Col-by)
	}
	return at
}

// lacks tells whether what is not in the sections at paths is missing for sure: not where a part of the text could not be
// read, nor where a merge key takes entries from elsewhere.
func (r *reader) lacks(paths ...string) bool {
	return !r.partial && !slices.ContainsFunc(paths, func(p string) bool { return r.merged[p] })
}
