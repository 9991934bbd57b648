package dataset

import "strings"

// checkToolCalls checks a canonical list of calls, read at byte offset at: what providers refuse after the upload.
func (p *parser) checkToolCalls(canon string, at int) {
	const hint = `write {"id": …, "type": "function", "function": {"name": …, "arguments": "{…}"}}`
	n := 0
	eachElement(canon, func(call string) {
		n++
		id, kind, function := "", "", ""
		eachMember(call, func(key, value string) {
			switch key {
			case `"id"`:
				id = value
			case `"type"`:
				kind = value
			case `"function"`:
				function = value
			}
		})
		switch {
		case call[0] != '{':
			p.note("bad-tool-call", at, hint, "tool call %d is not an object", n)
		case len(id) < 3 || id[0] != '"':
			p.note("bad-tool-call", at, hint, "tool call %d has no id", n)
		case kind != `"function"`:
			p.note("bad-tool-call", at, hint, `the type of tool call %d is not "function"`, n)
		case function == "":
			p.note("bad-tool-call", at, hint, "tool call %d has no function", n)
		default:
			p.checkFunction(function, "tool call's function", at)
		}
	})
}

// checkFunction checks a canonical {"name", "arguments"}.
func (p *parser) checkFunction(canon, what string, at int) {
	name, arguments := "", ""
	eachMember(canon, func(key, value string) {
		switch key {
		case `"name"`:
			name = value
		case `"arguments"`:
			arguments = value
		}
	})
	switch {
	case len(name) < 3 || name[0] != '"':
		p.note("bad-tool-call", at, "name the function", "%s without a name", what)
	case arguments == "" || arguments[0] != '"':
		p.note("bad-tool-call", at, `write the arguments as a JSON object inside a string: "{\"city\":\"Oslo\"}"`, "%s without arguments as text", what)
	case len(arguments) > 2 && !p.within.parse(arguments):
		p.note("bad-tool-call", at, `write the arguments as a JSON object inside a string: "{\"city\":\"Oslo\"}"`, "the arguments of %s are no JSON", clip(p.within.outer.plain(name)))
	}
}

// eachElement calls f for each element of a canonical list. Other values have none.
func eachElement(canon string, f func(value string)) {
	if canon == "" || canon[0] != '[' {
		return
	}
	for rest := canon[1:]; rest != "" && rest[0] != ']'; rest = strings.TrimPrefix(rest, ",") {
		n := valueLen(rest)
		f(rest[:n])
		rest = rest[n:]
	}
}

// eachMember calls f for each key (in quotes) and value of a canonical object. Other values have none.
func eachMember(canon string, f func(key, value string)) {
	if canon == "" || canon[0] != '{' {
		return
	}
	for rest := canon[1:]; rest != "" && rest[0] != '}'; rest = strings.TrimPrefix(rest, ",") {
		n := valueLen(rest)
		key := rest[:n]
		rest = rest[n+1:]
		n = valueLen(rest)
		f(key, rest[:n])
		rest = rest[n:]
	}
}

// valueLen returns the length of the canonical value that s starts with.
func valueLen(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			for i++; s[i] != '"'; i++ {
				if s[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
	return len(s)
}
