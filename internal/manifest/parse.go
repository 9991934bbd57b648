package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"gopkg.in/yaml.v3"

	"github.com/tunegate/tunegate/internal/diag"
)

// maxSize bounds a manifest; real ones are of a few KiB.
const maxSize = 1 << 20

// Parse reads a manifest without looking at the file system; file is its name in the mistakes. With mistakes, which
// come in the order of the file, there is no manifest.
func Parse(data []byte, file string) (*Manifest, diag.Mistakes) {
	m, r := parse(data, file, nil)
	if ms := r.mistakes(); len(ms) > 0 {
		return nil, ms
	}
	return m, nil
}

// parse returns what could be read and the reader that holds the mistakes. Without a tree it looks at no file.
func parse(data []byte, file string, t *tree) (*Manifest, *reader) {
	m, r := blank(), &reader{file: file, tree: t, sites: map[string]site{}}
	m.File = file
	if root := r.document(data); root != nil {
		m = r.interpret(root, m)
	}
	return m, r
}

// interpret reads the manifest's root into m, and returns m with the defaults of its profile.
func (r *reader) interpret(root *yaml.Node, m *Manifest) *Manifest {
	r.enter(manifestKeys(m), root, root, "")
	m.unsaid, m.sites = r.unsaid(), r.sites
	m = m.As(m.Profile)
	r.checkBenchmark(m.Benchmark)
	if r.tree != nil {
		m.Audit.BaselinePath = r.checkFile(*r.tree, "audit.baseline", m.Audit.Baseline, "; an empty file accepts nothing yet")
	}
	return m
}

// document returns the one YAML document in data, nil when there is none to read. Of a text that is no YAML it reports
// what can be told.
func (r *reader) document(data []byte) *yaml.Node {
	const hint = "the smallest manifest has version: 1 and one agent; tunegate init writes one"
	if len(data) > maxSize {
		r.mistake("syntax", Pos{}, fmt.Sprintf("a manifest of more than %d bytes", maxSize), "data belong in files of their own, which the manifest names")
		return nil
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if r.checkText(data); len(r.found) > 0 {
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	err := decoder.Decode(&first)
	if errors.Is(err, io.EOF) || err == nil && first.Content[0].Tag == "!!null" {
		r.mistake("syntax", Pos{}, "the manifest is empty", hint)
		return nil
	}
	if err == nil {
		if err = decoder.Decode(&second); err == nil {
			r.mistake("syntax", posOf(&second), "a second document begins here", "a manifest is one document: take the --- out")
			return nil
		}
	}
	if !errors.Is(err, io.EOF) {
		r.rescue(data, err)
		return nil
	}
	return first.Content[0]
}
