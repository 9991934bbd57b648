package manifest

import (
	"fmt"
	"regexp"
	"strings"
)

// slip is something in a text that cannot be meant so, with what to do about it.
type slip struct {
	at            Pos
	message, hint string
}

// slips looks for brackets and quotes that do not pair up and for colons and tokens in the wrong place. The YAML parser
// says only in which line it gave up, or where the mapping around that line began. This is a rough reading of YAML that holds
// for what people write in manifests; it is asked only about texts that the parser refused.
type slips struct {
	text      []rune
	i         int
	line, col int

	open   []bracket
	keyed  bool // the block's line has a key already
	indent int  // of the line
	found  []slip
}

// bracket is one that has been opened. keyed: its entry has a colon already.
type bracket struct {
	sign  rune
	at    Pos
	keyed bool
}

// firstSlip returns the first one of a text.
func firstSlip(data []byte) (slip, bool) {
	s := &slips{text: []rune(string(data)), line: 1, col: 1}
	for s.i < len(s.text) && len(s.found) == 0 {
		if s.col == 1 {
			s.startLine()
		}
		s.token()
	}
	if n := len(s.open); n > 0 && len(s.found) == 0 {
		s.unclosed(s.open[n-1])
	}
	if len(s.found) == 0 {
		return slip{}, false
	}
	return s.found[0], true
}

func (s *slips) pos() Pos { return Pos{s.line, s.col} }

func (s *slips) add(at Pos, message, hint string) {
	s.found = append(s.found, slip{at, message, hint})
}

// peek returns the character n further on, a line's end where the text ends.
func (s *slips) peek(n int) rune {
	if s.i+n >= len(s.text) {
		return '\n'
	}
	return s.text[s.i+n]
}

func (s *slips) next() {
	if s.text[s.i] == '\n' {
		s.line, s.col = s.line+1, 0
	}
	s.i, s.col = s.i+1, s.col+1
}

func (s *slips) skip(while func(rune) bool) {
	for s.i < len(s.text) && while(s.text[s.i]) {
		s.next()
	}
}

func isBlank(c rune) bool   { return c == ' ' || c == '\t' || c == '\r' }
func isSpace(c rune) bool   { return isBlank(c) || c == '\n' }
func inLine(c rune) bool    { return c != '\n' }
func isSigil(c rune) bool   { return c == '&' || c == '*' || c == '!' }
func isBracket(c rune) bool { return c == '[' || c == ']' || c == '{' || c == '}' }

func (s *slips) startLine() {
	s.skip(isBlank)
	if len(s.open) == 0 && s.i < len(s.text) {
		s.indent, s.keyed = s.col-1, false
	}
}

// token reads one token, from where one may begin.
func (s *slips) token() {
	c := s.peek(0)
	switch {
	case s.i >= len(s.text):
	case isSpace(c):
		s.next()
	case c == '#' && (s.i == 0 || isSpace(s.text[s.i-1])):
		s.skip(inLine)
	case c == '"' || c == '\'':
		s.quoted(c)
	case c == '[' || c == '{':
		s.open = append(s.open, bracket{sign: c, at: s.pos()})
		s.next()
	case c == ']' || c == '}':
		s.closing(c)
	case c == ',' && len(s.open) > 0:
		s.open[len(s.open)-1].keyed = false
		s.next()
	case c == ':' && isSpace(s.peek(1)):
		s.colon(s.pos())
		s.next()
	case (c == '-' || c == '?') && isSpace(s.peek(1)):
		if c == '-' && s.keyed && len(s.open) == 0 {
			s.add(s.pos(), "a list cannot begin behind its key", "begin each item on a line of its own")
		}
		s.next()
	case isSigil(c):
		s.next()
		s.skip(func(c rune) bool { return !isSpace(c) && !(len(s.open) > 0 && (c == ',' || isBracket(c))) })
	case c == '@' || c == '`' || c == '%' && s.col > 1:
		s.add(s.pos(), fmt.Sprintf("a plain text cannot begin with %c", c), "put the value in quotes")
	case (c == '|' || c == '>') && len(s.open) == 0:
		s.block()
	default:
		s.plain()
	}
}

// colon is the end of a key, of which a line and an entry in brackets have one.
func (s *slips) colon(at Pos) {
	keyed := &s.keyed
	if n := len(s.open); n > 0 {
		keyed = &s.open[n-1].keyed
	}
	switch {
	case *keyed && len(s.open) > 0 && !s.closes():
		s.unclosed(s.open[len(s.open)-1])
	case *keyed && len(s.open) > 0:
		s.add(at, "a second colon in one entry", "put a comma between the entries, or the text in quotes")
	case *keyed:
		s.add(at, "a second colon in the line", "a value with a colon and a space in it needs quotes")
	}
	*keyed = true
}

// closes tells whether the innermost bracket is closed further on.
func (s *slips) closes() bool {
	depth := 1
	for _, c := range s.text[s.i:] {
		switch c {
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return true
			}
		}
	}
	return false
}

// plain reads a text without quotes, to where it ends in its line.
func (s *slips) plain() {
	for s.i < len(s.text) {
		switch c := s.peek(0); {
		case c == '\n', c == ':' && isSpace(s.peek(1)), c == '#' && isSpace(s.text[max(s.i-1, 0)]):
			return
		case len(s.open) > 0 && (c == ',' || isBracket(c)):
			return
		}
		s.next()
	}
}

// block passes over the lines of a text that is set off by its indentation.
func (s *slips) block() {
	s.skip(inLine)
	for s.i < len(s.text) {
		end := s.i + 1
		for end < len(s.text) && s.text[end] == ' ' {
			end++
		}
		if end < len(s.text) && s.text[end] != '\n' && end-s.i-1 <= s.indent {
			return
		}
		s.next()
		s.skip(inLine)
	}
}

func (s *slips) quoted(sign rune) {
	at := s.pos()
	for s.next(); ; s.next() {
		switch c := s.peek(0); {
		case s.i >= len(s.text):
			s.add(at, fmt.Sprintf("the quote %c that begins here is not closed", sign), "close the quote")
			return
		case c == '\\' && sign == '"':
			if !strings.ContainsRune("0abt\tnvfre \"/\\N_LPxuU\n\r", s.peek(1)) {
				s.add(s.pos(), fmt.Sprintf(`\%c is not an escape`, s.peek(1)), "in double quotes a backslash begins an escape: write two, or use single quotes")
				return
			}
			if s.i+1 < len(s.text) {
				s.next()
			}
		case c == sign && sign == '\'' && s.peek(1) == sign:
			s.next()
		case c == sign:
			s.next()
			s.behind(at, "quote")
			return
		}
	}
}

func (s *slips) closing(c rune) {
	n := len(s.open)
	if n == 0 {
		s.add(s.pos(), fmt.Sprintf("nothing opens this %c", c), "take it out, or open it; a text that begins so needs quotes")
		return
	}
	b := s.open[n-1]
	if closer(b.sign) != c {
		s.unclosed(b)
		return
	}
	s.open = s.open[:n-1]
	s.next()
	s.behind(b.at, "bracket")
}

func closer(sign rune) rune {
	if sign == '[' {
		return ']'
	}
	return '}'
}

func (s *slips) unclosed(b bracket) {
	s.add(b.at, fmt.Sprintf("the bracket %c that begins here is not closed", b.sign), fmt.Sprintf("close it with %c, behind its last entry", closer(b.sign)))
}

// behind looks at what follows a quote or bracket that began at from: a colon, an end, or in brackets a comma.
func (s *slips) behind(from Pos, what string) {
	ended := s.pos()
	s.skip(isBlank)
	c := s.peek(0)
	switch {
	case c == '\n', c == ':', c == '#' && isBlank(s.text[s.i-1]):
	case len(s.open) > 0 && (c == ',' || isBracket(c)):
	case ended.Line > from.Line && what == "quote":
		s.add(from, fmt.Sprintf("the quote that begins here ends in line %d, with more text behind it", ended.Line), "close the quote in its own line")
	case len(s.open) > 0:
		s.add(s.pos(), "no comma between two entries", "put a comma between the entries")
	case (c == ']' || c == '}') && what == "bracket":
		s.closing(c)
	default:
		s.add(s.pos(), "text behind the closing "+what, "begin the next key on a line of its own; in single quotes a quote is written twice")
	}
}

// gluedKey is a line that looks as if it lacked the space behind its colon.
var gluedKey = regexp.MustCompile(`^[ \t]*(?:- +)?([A-Za-z0-9_-]+):[^ \t\r/]`)

// loneKey is a line without a colon at all.
var loneKey = regexp.MustCompile(`^([ \t]*)[A-Za-z0-9_-]+[ \t]*(?:=.*)?$`)
