package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/tunegate/tunegate/internal/diag"
)

// maxMistakes bounds what a hostile or hopeless file makes us say; beyond it a reader mends the first ones anyway.
const maxMistakes = 100

// site is where a value stands: its key, and the value itself.
type site struct{ key, value Pos }

// reader walks the nodes of one manifest and gathers what is wrong with them.
type reader struct {
	file      string
	tree      *tree // nil: files are not looked at
	found     diag.Mistakes
	sites     map[string]site // by path: "gate.rule"
	doc       string          // of the key that is read
	modelless []string        // agents that have the provider, but no model, of the defaults
	merged    map[string]bool // sections with a merge key, by path
	partial   bool            // a part of the text could not be read: it may hold what is missing
	shift     map[int]int     // by line: the columns that the text was moved by before it was read
}

// value is a form that part of a manifest may take: how JSON Schema describes it, and how it is read from a node
// (never an alias) into the place that it was made for. Parser and schema agree because both come from here.
type value struct {
	schema schema
	read   func(r *reader, n *yaml.Node, path string)
}

// key is one key of a section.
type key struct {
	name, doc string
	value     value
	required  bool
}

func (r *reader) full() bool { return len(r.found) >= maxMistakes }

// mistake keeps a mistake, each once: aliases and what agents take from defaults lead to one place by several ways.
func (r *reader) mistake(rule string, at Pos, message, hint string) {
	at = r.unshifted(at)
	f := diag.Finding{Rule: rule, Severity: diag.Critical, File: r.file, Line: at.Line, Col: at.Col, Message: message, Hint: hint}
	if !r.full() && !slices.ContainsFunc(r.found, func(o diag.Finding) bool { return same(o, f) }) {
		r.found = append(r.found, f)
	}
}

func same(a, b diag.Finding) bool {
	return a.Line == b.Line && a.Col == b.Col && a.Rule == b.Rule && a.Message == b.Message
}

// mistakes returns what was found in the order of the file.
func (r *reader) mistakes() diag.Mistakes {
	ms := r.found
	diag.Sort(ms)
	if r.full() {
		ms = append(ms, diag.Finding{Rule: "too-many", Severity: diag.Critical, File: r.file,
			Message: fmt.Sprintf("more than %d mistakes: the others are not shown", maxMistakes-1), Hint: "mend these first"})
	}
	return ms
}

// wrong says that the value at path is not what is wanted.
func (r *reader) wrong(n *yaml.Node, path, want, hint string) {
	rule := "bad-value"
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || want == "a mapping" {
		rule = "wrong-type"
	}
	if n.Tag == "!!null" && r.partial {
		return // the value may be what could not be read
	}
	if n.Tag == "!!null" {
		r.mistake(rule, posOf(n), fmt.Sprintf("%s is empty: it must be %s", path, want), "fill it in, or leave the key out")
		return
	}
	if hint == "" {
		hint = r.doc
	}
	r.mistake(rule, posOf(n), fmt.Sprintf("%s must be %s, not %s", path, want, describe(n)), hint)
}

func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!str" && (isQuoted(n) || !jsonNumber.MatchString(n.Value)): // a number beyond all limits is text to the YAML parser
		return fmt.Sprintf("the text %q", clip(n.Value))
	}
	return clip(n.Value)
}

// clip keeps a message readable whatever the file holds.
func clip(s string) string {
	if runes := []rune(s[:min(len(s), 400)]); len(runes) > 60 {
		return string(runes[:60]) + "…"
	}
	return s
}

func posOf(n *yaml.Node) Pos { return Pos{n.Line, n.Column} }

// resolve follows an alias. Reading never goes deeper than the sections do, so aliases in aliases, a manifest's
// way of growing without end, are not expanded.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// in names the section at path as the end of a message; the whole manifest needs no name.
func in(path string) string {
	if path == "" {
		return ""
	}
	return " in " + path
}

// enter reads one value, wherever it stands.
func (r *reader) enter(v value, k, n *yaml.Node, path string) {
	n = resolve(n)
	if _, again := r.sites[path]; again {
		maps.DeleteFunc(r.sites, func(p string, _ site) bool { return strings.HasPrefix(p, path+".") })
	}
	r.sites[path] = site{key: posOf(k), value: posOf(n)}
	if n.Style&yaml.TaggedStyle != 0 {
		r.mistake("wrong-type", posOf(n), fmt.Sprintf("tags such as %q are not supported", clip(n.Tag)), "leave the tag out")
		if n.Kind != yaml.MappingNode {
			return
		}
	}
	v.read(r, n, path)
}

// pair is one entry of a mapping. again: its key has stood there before.
type pair struct {
	key, value *yaml.Node
	again      bool
}

// pairs returns the entries of a mapping. Those that stand there again are read too, for what else is wrong with them.
func (r *reader) pairs(n *yaml.Node, path, hint string) []pair {
	if n.Kind != yaml.MappingNode {
		what := path
		if what == "" {
			what = "the manifest"
		}
		if glued := unglue(n.Value); glued != "" {
			hint = glued
		}
		r.wrong(n, what, "a mapping", hint)
		return nil
	}
	var all []pair
	first := map[string]Pos{}
	for i := 0; i+1 < len(n.Content) && !r.full(); i += 2 {
		k := resolve(n.Content[i])
		at, twice := first[k.Value]
		switch {
		case k.Kind != yaml.ScalarNode || k.Style&yaml.TaggedStyle != 0:
			r.mistake("wrong-type", posOf(n.Content[i]), "a key must be plain text", "")
		case k.Tag == "!!merge":
			r.mistake("merge-key", posOf(k), "merge keys (<<) are not supported", mergeHint)
			if r.merged == nil {
				r.merged = map[string]bool{}
			}
			r.merged[path] = true
		case twice:
			at = r.unshifted(at)
			r.mistake("duplicate-key", posOf(n.Content[i]), fmt.Sprintf("key %q stands twice%s, first at line %d, column %d", clip(k.Value), in(path), at.Line, at.Col), "keep one of the two")
			if !r.full() {
				r.found[len(r.found)-1].Related = []diag.Place{{File: r.file, Line: at.Line}}
			}
			all = append(all, pair{n.Content[i], n.Content[i+1], true})
		default:
			first[k.Value] = posOf(n.Content[i])
			all = append(all, pair{n.Content[i], n.Content[i+1], false})
		}
	}
	return all
}

const mergeHint = "write the keys out: a value may be an alias, such as train: *train; provider, model, epochs and the like may stand once under defaults"

// unglue is the hint for a text that looks as if it lacked the space behind its colon, empty for any other.
func unglue(text string) string {
	if m := gluedKey.FindStringSubmatch(text); m != nil {
		return "write " + clip(m[1]) + ": and a space before the value"
	}
	return ""
}

// section is a mapping with known keys. They are read in the order of the table, not of the file, so that what one
// key takes from another (agents from defaults) is there.
func section(keys ...key) value {
	properties, required, names := schema{}, []string{}, []string{}
	for _, k := range keys {
		s := maps.Clone(k.value.schema)
		s["description"] = k.doc
		properties[k.name] = s
		names = append(names, k.name)
		if k.required {
			required = append(required, k.name)
		}
	}
	s := schema{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	accepted := "accepted here: " + strings.Join(names, ", ")
	return value{s, func(r *reader, n *yaml.Node, path string) {
		given := map[string][]pair{}
		for _, p := range r.pairs(n, path, accepted) {
			name := resolve(p.key).Value
			if slices.Contains(names, name) {
				given[name] = append(given[name], p)
				continue
			}
			hint := didYouMean(name, names)
			if before, _, _ := strings.Cut(name, ":"); slices.Contains(names, before) {
				hint = unglue(name)
			} else if hint == "" || len(names) <= 12 { // a long list would bury the name that is meant
				hint += accepted
			}
			r.mistake("unknown-key", posOf(p.key), fmt.Sprintf("unknown key %q%s", clip(name), in(path)), strings.TrimSpace(hint))
		}
		for _, k := range keys {
			for _, p := range slices.Backward(given[k.name]) { // the first one, which counts, comes last
				r.doc = k.doc
				r.enter(k.value, p.key, p.value, join(path, k.name))
			}
			if len(given[k.name]) > 0 {
				continue
			}
			if k.required && n.Kind == yaml.MappingNode && r.lacks(path) {
				at := Pos{1, 1}
				if path != "" {
					at = r.sites[path].key
				}
				r.mistake("missing-key", at, fmt.Sprintf("%s is missing", join(path, k.name)), k.doc)
			}
		}
	}}
}

// names is what the keys of an open mapping may be, and how many there may be.
type names struct {
	form        form
	least, most int
}

// named is a mapping with keys of the file's own choosing. entry returns the form of one entry and what keeps it when it
// has been read; its name is the key, in quotes where it cannot be one, and the entry is read all the same. It is also called with
// a nil key, for the schema.
func named(n names, entry func(r *reader, k *yaml.Node, name string) (form value, keep func())) value {
	form, _ := entry(nil, nil, "")
	s := schema{"type": "object", "additionalProperties": form.schema, "propertyNames": schema{"pattern": n.form.pattern.text}, "maxProperties": n.most}
	if n.least > 0 {
		s["minProperties"] = n.least
	}
	return value{s, func(r *reader, node *yaml.Node, path string) {
		all := r.pairs(node, path, "each entry has a key of its own: "+n.form.want)
		if node.Kind == yaml.MappingNode && (len(node.Content) < 2*n.least || len(all) > n.most) {
			r.mistake("bad-value", posOf(node), fmt.Sprintf("%s must have %d to %d entries, not %d", path, n.least, n.most, len(all)), "each entry has a key of its own: "+n.form.want)
			return
		}
		for _, p := range all {
			name := resolve(p.key).Value
			if !n.form.pattern.matches(name) {
				name = fmt.Sprintf("%q", clip(name))
				r.mistake("bad-name", posOf(p.key), fmt.Sprintf("%s cannot be a key of %s: it must be %s", name, path, n.form.want), n.form.hint)
			}
			form, keep := entry(r, p.key, name)
			r.enter(form, p.key, p.value, join(path, name))
			keep()
		}
	}}
}
