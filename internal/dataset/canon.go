package dataset

import (
	"bytes"
	"cmp"
	"slices"
)

// value reads any JSON value and appends it to s.canon in canonical form: no white space, keys of objects in byte
// order, strings with the fewest escapes, numbers as written.
func (s *scanner) value() bool {
	switch c := s.space(); {
	case c == '"':
		t, ok := s.str()
		s.canon = appendString(s.canon, t)
		return ok
	case c == '{':
		return s.nested(s.object)
	case c == '[':
		return s.nested(s.array)
	case c == '-' || c >= '0' && c <= '9':
		from := s.i
		ok := s.number()
		s.canon = append(s.canon, s.b[from:s.i]...)
		return ok
	case c == 'n' || c == 't' || c == 'f':
		from := s.i
		ok := s.literal()
		s.canon = append(s.canon, s.b[from:s.i]...)
		return ok
	}
	return s.unexpected("a value")
}

func (s *scanner) nested(read func() bool) bool {
	if s.depth++; s.depth > maxDepth {
		return s.bad("flatten the data", "more than %d levels of nesting", maxDepth)
	}
	ok := read()
	s.depth--
	return ok
}

func (s *scanner) array() bool {
	s.i++
	s.canon = append(s.canon, '[')
	if s.space() == ']' {
		s.i++
		s.canon = append(s.canon, ']')
		return true
	}
	for {
		if !s.value() {
			return false
		}
		more, ok := s.next(']')
		if !ok {
			return false
		}
		if !more {
			s.canon = append(s.canon, ']')
			return true
		}
		s.canon = append(s.canon, ',')
	}
}

func (s *scanner) object() bool {
	base := len(s.members)
	s.i++
	s.canon = append(s.canon, '{')
	if s.space() == '}' {
		s.i++
		s.canon = append(s.canon, '}')
		return true
	}
	for {
		m := member{start: len(s.canon), off: s.i}
		key, ok := s.key()
		if !ok {
			return false
		}
		if len(s.members) == maxKeys {
			return s.tooManyKeys(m.off)
		}
		s.canon = appendString(s.canon, key)
		m.key = len(s.canon)
		s.canon = append(s.canon, ':')
		if !s.value() {
			return false
		}
		m.end = len(s.canon)
		s.members = append(s.members, m)
		more, ok := s.next('}')
		if !ok {
			return false
		}
		if !more {
			break
		}
		s.canon = append(s.canon, ',')
		s.space()
	}
	s.order(s.members[base:])
	s.members = s.members[:base]
	s.canon = append(s.canon, '}')
	return true
}

// order sorts the members of the object that s.canon ends with, and notes duplicate keys.
func (s *scanner) order(ms []member) {
	key := func(m member) []byte { return s.canon[m.start:m.key] }
	byKey := func(a, b member) int { return cmp.Or(bytes.Compare(key(a), key(b)), cmp.Compare(a.off, b.off)) }
	start, sorted := ms[0].start, slices.IsSortedFunc(ms, byKey)
	if !sorted {
		slices.SortFunc(ms, byKey)
	}
	for i := 1; i < len(ms); i++ {
		if bytes.Equal(key(ms[i-1]), key(ms[i])) {
			s.duplicate(ms[i].off, string(key(ms[i])))
		}
	}
	if sorted {
		return
	}
	s.tmp = s.tmp[:0]
	for i, m := range ms {
		if i > 0 {
			s.tmp = append(s.tmp, ',')
		}
		s.tmp = append(s.tmp, s.canon[m.start:m.end]...)
	}
	copy(s.canon[start:], s.tmp)
}

func (s *scanner) duplicate(off int, quoted string) {
	s.note("duplicate-key", off, "keep one of them: readers differ in which they take", "key %s stands twice in one object", clip(quoted))
}

func (s *scanner) tooManyKeys(off int) bool {
	s.insist("invalid-json", off, "an example has a handful; is this data of another kind?", "more than %d keys in an object", maxKeys)
	return false
}

// key reads a member's key and the colon after it.
func (s *scanner) key() (string, bool) {
	if s.space() != '"' {
		return "", s.unexpected("a key in double quotes")
	}
	key, ok := s.str()
	if !ok {
		return "", false
	}
	if s.space() != ':' {
		return "", s.unexpected("a colon")
	}
	s.i++
	return key, true
}

// next reads a comma (more) or the closing byte.
func (s *scanner) next(closing byte) (more, ok bool) {
	switch s.space() {
	case ',':
		s.i++
		return true, true
	case closing:
		s.i++
		return false, true
	}
	return false, s.unexpected("a comma or " + string(closing))
}

// appendString appends text as a JSON string with the fewest escapes: the quote, the backslash and control
// characters, in their short form where there is one.
func appendString(dst []byte, text string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, text[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		default:
			const hex = "0123456789abcdef"
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(dst, text[from:]...), '"')
}
