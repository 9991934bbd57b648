package dataset

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf8"
	"unsafe"
)

const (
	maxDepth    = 128     // of nesting; a tool's JSON Schema stays far below
	maxKeys     = 100_000 // of the objects being read: each takes 32 bytes, and five of the line
	maxProblems = 32      // of one row, and unknown keys; bounds the work that a hostile row can ask for
)

// scanner reads one line as strict JSON (RFC 8259, and of the things that it leaves open: no duplicate keys, no
// lone surrogates, no byte-order mark). It is stricter than encoding/json, because providers are; and it knows the
// byte offset of all that it refuses.
//
// A defect of the grammar stops the row. Duplicate keys, bytes that are not UTF-8 and lone surrogates are noted,
// and reading goes on.
type scanner struct {
	b        []byte
	i        int
	depth    int
	text     []byte   // strings that had escapes, decoded
	canon    []byte   // canonical JSON of values kept as JSON
	tmp      []byte   // for putting members in order
	members  []member // stack of the objects being read
	problems []Problem
}

// member is one key and value in canon, [start, end), the key's text with quotes [start, key), read at off.
type member struct{ start, key, end, off int }

func (s *scanner) reset(line []byte) {
	s.b, s.i, s.depth = line, 0, 0
	// Views of what was there before a buffer grew stay good: they hold on to the old one.
	s.text, s.canon, s.tmp = emptied(s.text), emptied(s.canon), emptied(s.tmp)
	s.members = emptied(s.members)
	s.problems = s.problems[:0]
}

// emptied keeps a buffer for the next line, unless one enormous line has blown it up.
func emptied[T any](b []T) []T {
	if cap(b) > (4<<20)/int(unsafe.Sizeof(*new(T))) {
		return nil
	}
	return b[:0]
}

// note records a problem at byte offset off.
func (s *scanner) note(rule string, off int, hint, format string, args ...any) {
	if len(s.problems) < maxProblems {
		s.problems = append(s.problems, Problem{Rule: rule, Col: column(s.b, off), Message: fmt.Sprintf(format, args...), Hint: hint})
	}
}

// insist is note for what has to be said also where much else is wrong.
func (s *scanner) insist(rule string, off int, hint, format string, args ...any) {
	s.problems = s.problems[:min(len(s.problems), maxProblems-1)]
	s.note(rule, off, hint, format, args...)
}

// bad records a defect of the grammar at the present place and returns false.
func (s *scanner) bad(hint, format string, args ...any) bool {
	s.note("invalid-json", s.i, hint, format, args...)
	return false
}

// space skips white space and returns the next byte, 0 at the end of the line.
func (s *scanner) space() byte {
	for s.i < len(s.b) {
		c := s.b[s.i]
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c
		}
		s.i++
	}
	return 0
}

// unexpected is bad for the byte at hand where want was expected.
func (s *scanner) unexpected(want string) bool {
	if s.i >= len(s.b) {
		return s.bad("the line is cut short, or an example is spread over several lines: write one a line", "the line ends where %s is expected", want)
	}
	c := s.b[s.i]
	switch {
	case c == '\'':
		return s.bad("write strings in double quotes", "single quote where %s is expected", want)
	case c == '/' || c == '#':
		return s.bad("JSON has no comments", "comment where %s is expected", want)
	case c == ']' || c == '}':
		return s.bad("remove the comma ahead of it, or add what is missing", "%q where %s is expected", rune(c), want)
	case c == 'N' || c == 'I' || c == 'T' || c == 'F' || c == 'u':
		return s.bad("write null, true, false, a number or a string in double quotes", "%q where %s is expected", word(s.b[s.i:]), want)
	case c >= utf8.RuneSelf && bytes.HasPrefix(s.b[s.i:], []byte("\ufeff")):
		return s.bad("remove it: only the first line of a file may have one", "byte-order mark where %s is expected", want)
	}
	r, _ := utf8.DecodeRune(s.b[s.i:])
	hint := "see whether a comma, a quote or a bracket is missing ahead of it"
	if s.depth == 0 && len(bytes.TrimSpace(s.b[:s.i])) == 0 {
		hint = "this line is no JSON: write each example as one JSON object on a line of its own"
	}
	return s.bad(hint, "%q where %s is expected", r, want)
}

// word returns the letters at the start of b, for a message.
func word(b []byte) string {
	n := 0
	for n < len(b) && n < 20 && (b[n]|0x20 >= 'a' && b[n]|0x20 <= 'z') {
		n++
	}
	return string(b[:n])
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// str reads the string that starts at the present quote and returns its text: a view of the line where it has no
// escapes, else of s.text. Eight bytes are looked at together, for a quote, a backslash or a control character; sixteen where plain
// does, once the string is not a short one.
func (s *scanner) str() (string, bool) {
	b, i := s.b, s.i+1
	from, kept := i, -1 // kept: where the text starts in s.text, once there was an escape
	var high uint64
	for {
		for k := 0; i+8 <= len(b); k++ {
			if k == 2 {
				n, other := plain(b[i:])
				i, high = i+n, high|other
				continue
			}
			w := binary.LittleEndian.Uint64(b[i:])
			hit := ((w - 0x20*ones) | ((w ^ '"'*ones) - ones) | ((w ^ '\\'*ones) - ones)) &^ w & highs
			if hit != 0 {
				n := bits.TrailingZeros64(hit) >> 3
				high |= w & (1<<(8*n) - 1)
				i += n
				break
			}
			high |= w
			i += 8
		}
		for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= 0x20 {
			high |= uint64(b[i])
			i++
		}
		if i >= len(b) {
			s.i = i
			return "", s.bad("the line is cut short, or a line break inside the text is not written as \\n", "the line ends inside a string")
		}
		part := b[from:i]
		if high&highs != 0 && !utf8.Valid(part) {
			s.badUTF8(from, part)
			if kept < 0 {
				kept = len(s.text)
			}
			part = bytes.ToValidUTF8(part, []byte("?")) // the row is refused: any text will do, a longer one would not
		}
		switch c := b[i]; {
		case c == '"':
			s.i = i + 1
			if kept < 0 {
				return view(part), true
			}
			s.text = append(s.text, part...)
			return view(s.text[kept:]), true
		case c < 0x20:
			s.i = i
			return "", s.bad("write it as an escape, such as \\n or \\t", "raw control character U+%04X inside a string", c)
		}
		if kept < 0 {
			kept = len(s.text)
		}
		s.text = append(s.text, part...)
		s.i = i
		if !s.escape() {
			return "", false
		}
		i = s.i
		from, high = i, 0
	}
}

func (s *scanner) badUTF8(off int, part []byte) {
	for i := 0; i < len(part); {
		r, n := utf8.DecodeRune(part[i:])
		if r == utf8.RuneError && n == 1 {
			s.note("invalid-utf8", off+i, "save the file as UTF-8", "byte 0x%02X is not UTF-8", part[i])
			return
		}
		i += n
	}
}

// escape reads the escape at the present backslash into s.text.
func (s *scanner) escape() bool {
	b, i := s.b, s.i
	if i+1 >= len(b) {
		s.i = len(b)
		return s.bad("the line is cut short", "the line ends inside a string")
	}
	c := byte(0)
	switch b[i+1] {
	case '"', '\\', '/':
		c = b[i+1]
	case 'n':
		c = '\n'
	case 't':
		c = '\t'
	case 'r':
		c = '\r'
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'u':
		return s.unicode()
	default:
		r, _ := utf8.DecodeRune(b[i+1:])
		return s.bad("write a backslash itself as \\\\", "bad escape \\%c", r)
	}
	s.text = append(s.text, c)
	s.i = i + 2
	return true
}

func (s *scanner) unicode() bool {
	at := s.i
	r, ok := hex4(s.b[at+2:])
	if !ok {
		return s.bad("\\u takes four hexadecimal digits; write a backslash itself as \\\\", "bad escape \\u")
	}
	s.i = at + 6
	if r >= 0xd800 && r < 0xe000 {
		low := rune(0)
		if r < 0xdc00 && bytes.HasPrefix(s.b[s.i:], []byte(`\u`)) {
			low, _ = hex4(s.b[s.i+2:])
		}
		if low < 0xdc00 || low >= 0xe000 {
			s.note("lone-surrogate", at, "half of a character was cut off: write the whole character, or remove the half",
				"\\u%04x is half of a surrogate pair", r)
			s.text = append(s.text, '?')
			return true
		}
		s.i += 6
		r = 0x10000 + (r-0xd800)<<10 + (low - 0xdc00)
	}
	s.text = utf8.AppendRune(s.text, r)
	return true
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// number skips a number.
func (s *scanner) number() bool {
	b := s.b
	digits := func() bool {
		n := s.i
		for s.i < len(b) && b[s.i] >= '0' && b[s.i] <= '9' {
			s.i++
		}
		return s.i > n
	}
	if b[s.i] == '-' {
		s.i++
	}
	start := s.i
	if !digits() {
		return s.unexpected("a digit")
	}
	if b[start] == '0' && s.i > start+1 {
		s.i = start
		return s.bad("remove the zeros, or make it a string", "number with a leading zero")
	}
	if s.i < len(b) && b[s.i] == '.' {
		s.i++
		if !digits() {
			return s.unexpected("a digit")
		}
	}
	if s.i < len(b) && b[s.i]|0x20 == 'e' {
		s.i++
		if s.i < len(b) && (b[s.i] == '+' || b[s.i] == '-') {
			s.i++
		}
		if !digits() {
			return s.unexpected("a digit")
		}
	}
	return true
}

// literal skips null, true or false.
func (s *scanner) literal() bool {
	for _, w := range []string{"null", "true", "false"} {
		if len(s.b)-s.i >= len(w) && string(s.b[s.i:s.i+len(w)]) == w {
			s.i += len(w)
			return true
		}
	}
	return s.unexpected("a value")
}

// view returns b as a string without copying it. It holds as long as b is left alone.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
