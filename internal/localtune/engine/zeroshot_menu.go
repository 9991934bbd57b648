package engine

import (
	"regexp"
	"slices"
	"strings"
)

// Bounds on what counts as a list of names.
const (
	maxSystem   = 128 << 10 // bytes of the system message that are read
	maxColons   = 500       // colons that a list is looked for after
	maxNames    = 2000
	maxNameLen  = 64 // bytes
	maxNameSize = 6  // words
)

// listedNames finds the longest list of names in a system message: after a
// colon, separated by commas, bars or semicolons; or one to a line with a
// bullet or a number before it. glosses holds, per name, what is said about it after a colon, a dash
// or in brackets.
func listedNames(system string) (names, glosses []string) {
	keep := func(n, g []string) {
		if len(n) >= 2 && len(n) > len(names) {
			names, glosses = n, g
		}
	}
	var n, g []string
	colons := 0
	for line := range strings.Lines(withoutObjects(system)) {
		line = strings.TrimSpace(line)
		if item, ok := bullet(line); ok && len(n) < maxNames {
			if name, gloss := splitName(item); name != "" {
				n, g = append(n, name), append(g, gloss)
				continue
			}
		}
		if line != "" {
			keep(n, g)
			n, g = nil, nil
		}
		for rest := line; ; {
			i := strings.IndexByte(rest, ':')
			if colons++; i < 0 || colons > maxColons {
				break
			}
			rest = rest[i+1:]
			keep(inlineNames(rest))
		}
		if i := strings.Index(strings.ToLower(line), "one of "); i >= 0 && i+7 <= len(line) {
			keep(inlineNames(line[i+7:]))
		}
	}
	keep(n, g)
	return names, glosses
}

// withoutObjects leaves out what stands in braces: a template or a schema, not a list.
func withoutObjects(text string) string {
	var b strings.Builder
	depth := 0
	for i := range len(text) {
		switch {
		case text[i] == '{':
			depth++
		case text[i] == '}' && depth > 0:
			depth--
		case depth == 0:
			b.WriteByte(text[i])
		}
	}
	return b.String()
}

// schemaNames finds the names of tools that are described in JSON.
func schemaNames(system string) (names []string) {
	for _, m := range regexp.MustCompile(`"name"\s*:\s*"([^"\\]{1,64})"`).FindAllStringSubmatch(system, maxNames) {
		if !slices.Contains(names, m[1]) {
			names = append(names, m[1])
		}
	}
	return names
}

// bullet takes the mark off a line of a list.
func bullet(line string) (item string, ok bool) {
	for _, mark := range []string{"- ", "* ", "• "} {
		if rest, ok := strings.CutPrefix(line, mark); ok {
			return strings.TrimSpace(rest), true
		}
	}
	rest := strings.TrimLeft(line, "0123456789")
	if len(rest) < len(line) && (strings.HasPrefix(rest, ". ") || strings.HasPrefix(rest, ") ")) {
		return strings.TrimSpace(rest[2:]), true
	}
	return "", false
}

// inlineNames reads a list that starts at once and ends with its sentence.
func inlineNames(text string) (names, glosses []string) {
	depth, start := 0, 0
	separator := byte(',')
	if i := strings.IndexAny(text, ",|;"); i >= 0 {
		separator = text[i]
	}
	item := func(s string) bool {
		s = strings.TrimSpace(s)
		s = strings.TrimPrefix(strings.TrimPrefix(s, "or "), "and ")
		name, gloss := splitName(s)
		if name != "" {
			names, glosses = append(names, name), append(glosses, gloss)
		}
		return name != "" && len(names) < maxNames
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			depth--
		case depth > 0:
		case c == separator:
			if !item(text[start:i]) {
				return names, glosses
			}
			start = i + 1
		case c == '.' && (i+1 == len(text) || text[i+1] == ' '):
			last := text[start:i]
			for _, word := range []string{" or ", " and "} {
				if a, b, ok := strings.Cut(last, word); ok && item(a) {
					last = b
				}
			}
			item(last)
			return names, glosses
		}
	}
	last := text[start:]
	if a, b, ok := strings.Cut(last, " or "); ok && item(a) {
		last = b
	}
	item(last)
	return names, glosses
}

// splitName takes a name apart from what is said about it. An empty name
// means that this is prose.
func splitName(s string) (name, gloss string) {
	cut := len(s)
	for _, mark := range []string{": ", " - ", " – ", " — ", "(", " ="} {
		if i := strings.Index(s, mark); i > 0 && i < cut {
			cut = i
		}
	}
	name = strings.Trim(strings.TrimSpace(s[:cut]), "`'\"*“”<>")
	gloss = s[cut:]
	if len(name) > maxNameLen || len(strings.Fields(name)) > maxNameSize {
		return "", ""
	}
	return name, gloss
}

// template finds the JSON object that a system message asks to be answered
// with, as in {"name": tool, "arguments": {...}}. It returns what stands before and
// after the name: the first value that is not an object takes the name, objects are
// empty, other values too. Without one both are empty.
func template(system string) (before, after string) {
	start := strings.Index(system, `{"`)
	if start < 0 {
		return "", ""
	}
	var out [2]strings.Builder
	at, depth := 0, 0
	text := system[start:]
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '{':
			depth++
			out[at].WriteByte('{')
			i++
			if depth > 1 { // what is in an inner object is for training to learn
				for depth > 1 && i < len(text) {
					switch text[i] {
					case '{':
						depth++
					case '}':
						depth--
					}
					i++
				}
				out[at].WriteByte('}')
			}
		case c == '}':
			out[at].WriteByte('}')
			if at == 0 {
				return "", ""
			}
			return out[0].String(), out[1].String()
		case c == '"':
			end := strings.IndexByte(text[i+1:], '"')
			if end < 0 {
				return "", ""
			}
			token := text[i : i+end+2]
			i += len(token)
			rest := strings.TrimLeft(text[i:], " ")
			if strings.HasPrefix(rest, ":") { // a key
				out[at].WriteString(token + ": ")
				i = len(text) - len(rest) + 1
				rest = strings.TrimLeft(rest[1:], " ")
				if rest != "" && rest[0] != '{' {
					if at == 0 {
						out[0].WriteByte('"')
						at = 1
						out[1].WriteByte('"')
					} else {
						out[at].WriteString(`""`)
					}
					if skip := strings.IndexAny(rest, ",}"); skip >= 0 {
						i = len(text) - len(rest) + skip
					}
				}
			}
		case c == ',':
			out[at].WriteString(", ")
			i++
		default:
			i++
		}
	}
	return "", ""
}
