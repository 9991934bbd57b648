package manifest

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"

	"github.com/tunegate/tunegate/internal/diag"
)

// pattern is a regular expression that is compiled when something is first held against it: most calls of the program read no
// manifest, and none has all that there may be.
type pattern struct {
	text     string
	compiled func() *regexp.Regexp
}

func expression(text string) *pattern {
	return &pattern{text, sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })}
}

func (p *pattern) matches(s string) bool { return p.compiled().MatchString(s) }

// form is what a text must look like: it matches pattern and not the other. want describes it to people. A veiled value
// is never repeated in a message, since a secret may stand there by mistake.
type form struct {
	pattern, not *pattern
	want, hint   string
	veiled       bool
}

func (f form) matches(s string) bool {
	return f.pattern.matches(s) && (f.not == nil || !f.not.matches(s))
}

// text is a string. One that is wrong is read as empty.
func text(to *string, f form) value {
	s := schema{"type": "string", "pattern": f.pattern.text}
	if f.not != nil {
		s["not"] = schema{"pattern": f.not.text}
	}
	return value{s, func(r *reader, n *yaml.Node, path string) {
		*to = ""
		isText := n.Kind == yaml.ScalarNode && (n.Tag == "!!str" || n.Tag == "!!timestamp") // a timestamp is one only to YAML 1.1
		switch {
		case isText && f.matches(n.Value):
			*to = n.Value
		case f.veiled:
			r.mistake("bad-value", posOf(n), path+" must be "+f.want, f.hint)
		case !isText && n.Kind == yaml.ScalarNode && n.Tag != "!!null":
			r.wrong(n, path, "text", "put it in quotes")
		default:
			r.wrong(n, path, f.want, f.hint)
		}
	}}
}

// choice is one of a few words.
func choice[T ~string](to *T, options ...T) value {
	words := make([]string, len(options))
	for i, o := range options {
		words[i] = string(o)
	}
	return value{schema{"enum": words}, func(r *reader, n *yaml.Node, path string) {
		if n.Kind == yaml.ScalarNode && n.Tag == "!!str" && slices.Contains(words, n.Value) {
			*to = T(n.Value)
			return
		}
		if meant := diag.Nearest(n.Value, words); meant != "" {
			*to = T(meant) // what depends on it can be told too
		}
		r.wrong(n, path, "one of "+strings.Join(words, ", "), strings.TrimSpace(didYouMean(n.Value, words)))
	}}
}

// limits bound a number. above: the least itself is not allowed. word, when not empty, may stand for 0.
type limits struct {
	least, most  float64
	above, whole bool
	word         string
}

func (l limits) String() string {
	kind, from := "a number", " from "
	if l.whole {
		kind = "a whole number"
	}
	if l.above {
		from = " above "
	}
	s := kind + from + decimal(l.least)
	if l.above {
		s += ", at most " + decimal(l.most)
	} else {
		s += " to " + decimal(l.most)
	}
	if l.least == l.most {
		s = decimal(l.most)
	}
	if l.word != "" {
		s = l.word + " or " + s
	}
	return s
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func (l limits) schema() schema {
	s := schema{"type": "number", "minimum": l.least, "maximum": l.most}
	if l.whole {
		s["type"] = "integer"
	}
	if l.above {
		delete(s, "minimum")
		s["exclusiveMinimum"] = l.least
	}
	if l.word != "" {
		s = schema{"anyOf": []schema{{"const": l.word}, s}}
	}
	return s
}

// jsonNumber is how numbers are written. YAML knows more ways (0x1F, 010, 1_000, .inf), which say different things to
// different readers.
var jsonNumber = regexp.MustCompile(`^[+-]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

func number(l limits, set func(float64)) value {
	return value{l.schema(), func(r *reader, n *yaml.Node, path string) {
		if l.word != "" && n.Kind == yaml.ScalarNode && n.Tag == "!!str" && n.Value == l.word {
			set(0)
			return
		}
		f, hint := plainNumber(n)
		if hint == "" && f >= l.least && f <= l.most && !(l.above && f == l.least) && !(l.whole && f != math.Trunc(f)) {
			set(f)
			return
		}
		r.wrong(n, path, l.String(), hint)
	}}
}

// plainNumber reads a number, or says how to write one.
func plainNumber(n *yaml.Node) (f float64, hint string) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return 0, "write a number"
	}
	switch plain := jsonNumber.MatchString(n.Value); {
	case plain && isQuoted(n):
		return 0, "leave the quotes out"
	case !plain:
		return 0, "write a plain decimal number, such as 3 or 0.25, without units"
	}
	f, _ = strconv.ParseFloat(n.Value, 64) // beyond float64 it is an infinity, which no limits allow
	return f, ""
}

func isQuoted(n *yaml.Node) bool {
	return n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0
}

func whole(to *int, least, most int, word string) value {
	return number(limits{least: float64(least), most: float64(most), whole: true, word: word}, func(f float64) { *to = int(f) })
}

func amount(to *float64, most float64) value {
	return number(limits{most: most}, func(f float64) { *to = f })
}

// share is a part of a whole: "10%" or 0.1. most, in percent, is a power of ten.
func share(to *float64, most int) value {
	percent := expression(fmt.Sprintf(`^(%d(\.0+)?|[0-9]{1,%d}(\.[0-9]+)?)%%$`, most, len(strconv.Itoa(most))-1))
	l := limits{most: 1}
	s := schema{"anyOf": []schema{l.schema(), {"type": "string", "pattern": percent.text}}}
	want := fmt.Sprintf("a share from 0%% to %d%%", most)
	return value{s, func(r *reader, n *yaml.Node, path string) {
		if n.Kind == yaml.ScalarNode && n.Tag == "!!str" && percent.matches(n.Value) {
			f, _ := strconv.ParseFloat(strings.TrimSuffix(n.Value, "%"), 64)
			*to = f / 100
			return
		}
		hint := "write it as 10% or as 0.1, without a space"
		switch f, problem := plainNumber(n); {
		case problem != "":
		case f >= 0 && f <= 1:
			*to = f
			return
		case percent.matches(n.Value + "%"):
			hint = fmt.Sprintf("did you mean %s%%? without the sign 1 is the whole, and %s means %s%%", n.Value, n.Value, decimal(f*100))
		}
		r.wrong(n, path, want, hint)
	}}
}

// then adds what is to be checked when the value has been read.
func (v value) then(check func(r *reader)) value {
	return value{v.schema, func(r *reader, n *yaml.Node, path string) {
		v.read(r, n, path)
		check(r)
	}}
}

// requires adds to a section's schema what holds between its keys; the parser checks that by itself.
func (v value) requires(more schema) value {
	s := maps.Clone(v.schema)
	maps.Copy(s, more)
	return value{s, v.read}
}
