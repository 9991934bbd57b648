package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// parseValue reads any JSON value.
func parseValue(s string) *node {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	budget := maxNodes
	return readNode(d, 0, &budget)
}

// node is a JSON value with its keys in the order of the text.
type node struct {
	kind byte     // '{', '[', '"' for a string, '0' for any other scalar
	keys []string // of an object
	kids []*node  // of an object or array
	text string   // of a scalar: the string itself, or the JSON text
}

// Bounds on an answer that is taken apart.
const (
	maxDepth = 24
	maxNodes = 2000
)

// parseNode reads an answer that is one JSON object or array. One that is
// larger than the bounds, or has a key twice or with a zero byte in it, is taken as plain text.
func parseNode(s string) (*node, bool) {
	s = strings.TrimSpace(s)
	if s == "" || s[0] != '{' && s[0] != '[' {
		return nil, false
	}
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	budget := maxNodes
	n := readNode(d, 0, &budget)
	if n == nil {
		return nil, false
	}
	_, err := d.Token()
	return n, err == io.EOF
}

// readNode is nil where the text is not a node.
func readNode(d *json.Decoder, depth int, budget *int) *node {
	t, err := d.Token()
	*budget--
	if err != nil || depth > maxDepth || *budget < 0 {
		return nil
	}
	switch t := t.(type) {
	case json.Delim:
		n := &node{kind: byte(t)}
		for d.More() {
			if n.kind == '{' {
				key, err := d.Token()
				k, ok := key.(string)
				if err != nil || !ok || slices.Contains(n.keys, k) || strings.IndexByte(k, 0) >= 0 {
					return nil
				}
				n.keys = append(n.keys, k)
			}
			kid := readNode(d, depth+1, budget)
			if kid == nil {
				return nil
			}
			n.kids = append(n.kids, kid)
		}
		if _, err := d.Token(); err != nil {
			return nil
		}
		return n
	case string:
		return &node{kind: '"', text: t}
	case json.Number:
		return &node{kind: '0', text: t.String()}
	case bool:
		return &node{kind: '0', text: strconv.FormatBool(t)}
	}
	return &node{kind: '0', text: "null"}
}

func (n *node) scalar() bool { return n.kind == '"' || n.kind == '0' }

// scalars says whether n is an array of scalars only, and of one at least.
func (n *node) scalars() bool {
	return n.kind == '[' && len(n.kids) > 0 && !slices.ContainsFunc(n.kids, func(k *node) bool { return !k.scalar() })
}

func (n *node) clone() *node {
	c := *n
	c.keys = slices.Clone(n.keys)
	c.kids = make([]*node, len(n.kids))
	for i, k := range n.kids {
		c.kids[i] = k.clone()
	}
	return &c
}

// style is how the training answers write their JSON.
type style struct {
	spaced bool // a space after commas and colons
	ascii  bool // other characters as \u escapes
}

func (s style) render(n *node) string {
	var b bytes.Buffer
	s.write(&b, n)
	return b.String()
}

func (s style) write(b *bytes.Buffer, n *node) {
	comma, colon := ",", ":"
	if s.spaced {
		comma, colon = ", ", ": "
	}
	switch n.kind {
	case '"':
		s.quote(b, n.text)
	case '0':
		b.WriteString(n.text)
	default:
		b.WriteByte(n.kind)
		for i, k := range n.kids {
			if i > 0 {
				b.WriteString(comma)
			}
			if n.kind == '{' {
				s.quote(b, n.keys[i])
				b.WriteString(colon)
			}
			s.write(b, k)
		}
		b.WriteByte(n.kind + 2) // the closing one, in ASCII
	}
}

func (s style) quote(b *bytes.Buffer, text string) {
	const hex = "0123456789abcdef"
	escape := func(u uint16) {
		b.WriteString(`\u`)
		for shift := 12; shift >= 0; shift -= 4 {
			b.WriteByte(hex[u>>shift&15])
		}
	}
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteByte(byte(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ':
			escape(uint16(r))
		case r < utf8.RuneSelf || !s.ascii:
			b.WriteRune(r)
		case r > 0xffff:
			escape(uint16(0xd800 + (r-0x10000)>>10))
			escape(uint16(0xdc00 + (r-0x10000)&0x3ff))
		default:
			escape(uint16(r))
		}
	}
	b.WriteByte('"')
}

// styleOf is the style that reproduces most answers, the plainest of equals.
func styleOf(answers []string, nodes []*node) style {
	best, most := style{}, 0
	for _, s := range []style{{}, {spaced: true}, {ascii: true}, {spaced: true, ascii: true}} {
		n := 0
		for i, root := range nodes {
			if i == 2000 {
				break
			}
			if root != nil && s.render(root) == strings.TrimSpace(answers[i]) {
				n++
			}
		}
		if n > most {
			best, most = s, n
		}
	}
	return best
}

// A path leads from the root of an answer to a value: for each step a zero
// byte, then '.' and the key of an object, '#' and the place in an array, or '*'
// for any place in an array of scalars.

// place is a value in an answer.
type place struct {
	path string
	leaf *node
}

// leaves lists the scalars of a node and its arrays of scalars, one by one if
// split says so for the path of their elements, else as a whole. container receives
// every object and array as its path and the first byte of a step into it.
func leaves(n *node, path string, split func(path string) bool, out []place, container func(path string)) []place {
	switch {
	case n.scalar():
		return append(out, place{path, n})
	case n.scalars():
		if each := path + "\x00*"; split(each) {
			container(path + "\x00*")
			for _, k := range n.kids {
				out = append(out, place{each, k})
			}
			return out
		}
		return append(out, place{path, n})
	}
	if n.kind == '{' {
		container(path + "\x00.")
	} else {
		container(path + "\x00#")
	}
	for i, k := range n.kids {
		step := fmt.Sprintf("\x00#%03d", i) // so that places sort
		if n.kind == '{' {
			step = "\x00." + n.keys[i]
		}
		out = leaves(k, path+step, split, out, container)
	}
	return out
}

// put sets the value at a path below root, making what is missing on the way
// there; a nil leaf makes only the way, up to the container that the last step leads out of. A step that does not fit what is there is dropped.
func put(root *node, path string, leaf *node) {
	steps := strings.Split(path, "\x00")[1:]
	at := root
	for i, s := range steps {
		next := leaf
		if i < len(steps)-1 {
			next = &node{kind: containerOf(steps[i+1])}
		} else if leaf == nil {
			return
		}
		switch {
		case s == "*" && at.kind == '[':
			at.kids = append(at.kids, next)
		case s != "" && s[0] == '#' && at.kind == '[':
			if k, err := strconv.Atoi(s[1:]); err == nil && k >= 0 && k < len(at.kids) {
				next = at.kids[k]
			} else {
				at.kids = append(at.kids, next)
			}
		case s != "" && s[0] == '.' && at.kind == '{':
			if k := slices.Index(at.keys, s[1:]); k >= 0 {
				next = at.kids[k]
			} else {
				at.keys, at.kids = append(at.keys, s[1:]), append(at.kids, next)
			}
		default:
			return
		}
		at = next
	}
}

// containerOf is the kind of node that a step leads out of.
func containerOf(step string) byte {
	if step != "" && step[0] == '.' {
		return '{'
	}
	return '['
}
