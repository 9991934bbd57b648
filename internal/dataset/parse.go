package dataset

import (
	"cmp"
	"slices"
	"strings"
)

// parser reads rows, one after the other, into buffers that it reuses. It belongs to one goroutine.
type parser struct {
	scanner
	row     Row
	unknown []unknownKey // at the level being read, for duplicates
	fields  [fieldCount]field
	ended   bool // the grammar broke: what follows is unknown
	foreign foreign
	blank   []int  // see Block.Blank
	within  nested // arguments of calls
}

// The texts of the formats other than chat.
const (
	prompt = iota
	completion
	instruction
	input
	output
	system
	fieldCount
)

// field is a value that has to be text.
type field struct {
	seen    bool
	kind    kind
	text    string
	at, end int // byte offsets in the line
}

// unknownKey is a key that is not known, at its byte offset.
type unknownKey struct {
	name string
	at   int
}

// foreign is a kind of row that is no example, by a key that only such rows have.
type foreign byte

const (
	preference foreign = iota + 1
	benchmark
)

func foreignKey(key string) foreign {
	switch key {
	case "preferred_output", "non_preferred_output", "chosen", "rejected":
		return preference
	case "ideal":
		return benchmark
	}
	return 0
}

// kind is the JSON type of a value.
type kind byte

const (
	absent kind = iota
	null
	text
	number
	boolean
	list
	object
)

func (k kind) String() string {
	return [...]string{"missing", "null", "text", "a number", "true or false", "a list", "an object"}[k]
}

func kindAt(c byte) kind {
	switch c {
	case 'n':
		return null
	case '"':
		return text
	case 't', 'f':
		return boolean
	case '[':
		return list
	case '{':
		return object
	}
	return number
}

// parse reads one line. The row is good until the next call.
func (p *parser) parse(raw []byte, line int) *Row {
	p.reset(raw)
	clear(p.row.Messages) // so that no row beyond the last one is held on to
	p.row = Row{Line: line, Raw: raw, Messages: p.row.Messages[:0], ParallelToolCalls: -1, Unknown: p.row.Unknown[:0]}
	p.unknown = emptied(p.unknown)
	p.fields = [fieldCount]field{}
	p.foreign = 0
	p.ended = !p.readRow()
	slices.SortStableFunc(p.problems, func(a, b Problem) int { return cmp.Compare(a.Col, b.Col) })
	p.row.Problems = p.problems
	return &p.row
}

func (p *parser) readRow() bool {
	if c := p.space(); c != '{' {
		at, k := p.i, kindAt(c)
		if !p.value() || !p.atEnd() {
			return false
		}
		hint := `write each example as {"messages": […]}`
		if k == list {
			hint = "write one example a line: jq -c '.[]' turns one large list into such lines"
		}
		p.note("not-an-object", at, hint, "the row is %s, not an object", k)
		return true
	}
	var messages, conversations kind
	var messagesAt int
	ok := p.members(func(key string, at int) bool {
		switch key {
		case "messages", "conversations":
			k := kindAt(p.space())
			if key == "messages" {
				messages = k
			} else if messages != absent {
				p.ignore(key, at)
				return p.skip()
			} else {
				conversations = k
			}
			if messagesAt = p.i; k != list {
				return p.skip()
			}
			clear(p.row.Messages)
			p.row.Messages = p.row.Messages[:0]
			return p.messages(key == "conversations")
		case "prompt":
			return p.field(prompt)
		case "completion":
			return p.field(completion)
		case "instruction":
			return p.field(instruction)
		case "input":
			return p.field(input)
		case "output":
			return p.field(output)
		case "system":
			return p.field(system)
		case "tools":
			return p.kept(&p.row.Tools, key, list)
		case "functions":
			return p.kept(&p.row.Functions, key, list)
		case "parallel_tool_calls":
			return p.flag(&p.row.ParallelToolCalls, key)
		}
		p.foreign = max(p.foreign, foreignKey(key))
		p.ignore(key, at)
		return p.skip()
	})
	if !ok || !p.atEnd() {
		return false
	}
	p.assemble(max(messages, conversations), messages == absent && conversations != absent, messagesAt)
	return true
}

// atEnd says that nothing but white space follows.
func (p *parser) atEnd() bool {
	if p.space() != 0 || p.i < len(p.b) {
		return p.bad("write one example a line", "something follows the example on the same line")
	}
	return true
}

// members reads the object at hand and calls read for each key, at its byte offset, ahead of the value. Keys that
// stand twice are noted; which keys are known is for read to say.
func (p *parser) members(read func(key string, at int) bool) bool {
	p.i++
	if p.space() == '}' {
		p.i++
		return true
	}
	base := len(p.unknown)
	for {
		p.space()
		at := p.i
		key, ok := p.key()
		if !ok {
			return false
		}
		if len(p.unknown) == maxKeys {
			return p.tooManyKeys(at)
		}
		p.unknown = append(p.unknown, unknownKey{key, at})
		if !read(key, at) {
			return false
		}
		more, ok := p.next('}')
		if !ok {
			return false
		}
		if !more {
			break
		}
	}
	p.twice(p.unknown[base:])
	p.unknown = p.unknown[:base]
	return true
}

// twice notes each key that stands a second time. Few keys are compared pairwise, many are sorted: a hostile row
// may have a million.
func (p *parser) twice(keys []unknownKey) {
	if len(keys) <= 16 {
		for i, k := range keys {
			for _, before := range keys[:i] {
				if before.name == k.name {
					p.duplicate(k.at, string(appendString(nil, k.name)))
					break
				}
			}
		}
		return
	}
	slices.SortFunc(keys, func(a, b unknownKey) int { return cmp.Or(strings.Compare(a.name, b.name), cmp.Compare(a.at, b.at)) })
	for i := 1; i < len(keys); i++ {
		if keys[i].name == keys[i-1].name {
			p.duplicate(keys[i].at, string(appendString(nil, keys[i].name)))
		}
	}
}

func (p *parser) ignore(key string, at int) {
	if len(p.row.Unknown) < maxProblems {
		p.row.Unknown = append(p.row.Unknown, Key{key, column(p.b, at)})
	}
}

// skip reads a value that is not kept.
func (p *parser) skip() bool {
	n := len(p.canon)
	ok := p.value()
	p.canon = p.canon[:n]
	return ok
}

// read reads a value of any kind, keeping it if it is text.
func (p *parser) read() (f field, ok bool) {
	f.seen, f.kind, f.at = true, kindAt(p.space()), p.i
	if f.kind == text {
		f.text, ok = p.str()
	} else {
		ok = p.skip()
	}
	f.end = p.i
	return f, ok
}

func (p *parser) field(n int) (ok bool) {
	p.fields[n], ok = p.read()
	return ok
}

// kept reads a value that is kept as canonical JSON; null is as good as absent, and so is an empty list.
func (p *parser) kept(dst *string, key string, want kind) bool {
	k, at, n := kindAt(p.space()), p.i, len(p.canon)
	if !p.value() {
		return false
	}
	switch {
	case k == want && !(k == list && len(p.canon) == n+2):
		*dst = view(p.canon[n:])
	case k != want && k != null:
		p.note("bad-tool-call", at, "see the provider's description of tools", "%s is %s, not %s", key, k, want)
	}
	return true
}

func (p *parser) flag(dst *int8, key string) bool {
	k, at := kindAt(p.space()), p.i
	if !p.skip() {
		return false
	}
	switch {
	case k == boolean && p.b[at] == 't':
		*dst = 1
	case k == boolean:
		*dst = 0
	case k != null:
		p.note("bad-tool-call", at, "write true or false", "%s is %s, not true or false", key, k)
	}
	return true
}
