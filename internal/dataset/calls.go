package dataset

// CallForm writes calls of tools by what they ask for, without what is spelt freely: the id of a call is its place in the row,
// and arguments that are JSON are canonical. Two rows that differ in neither say the same. The normal form keeps both as
// they are, since it is what is sent.
//
// The zero value is ready. It is for one goroutine and one row at a time; Reset starts the next.
type CallForm struct {
	calls  int            // of the row so far
	places map[string]int // of each id, as a canonical string
	nested
}

// Reset forgets the calls of the row before, and must be called while that row is still good or not used again.
func (c *CallForm) Reset() {
	c.calls = 0
	clear(c.places)
}

// AppendCalls appends the form of a message's ToolCalls.
func (c *CallForm) AppendCalls(dst []byte, calls string) []byte {
	eachElement(calls, func(call string) {
		dst = append(dst, '{')
		eachMember(call, func(key, value string) {
			switch key {
			case `"id"`:
				if c.places == nil {
					c.places = map[string]int{}
				}
				c.places[value] = c.calls
			case `"function"`:
				dst = c.AppendFunction(append(append(dst, key...), ':'), value)
			default:
				dst = append(append(append(dst, key...), ':'), value...)
			}
		})
		dst = append(dst, '}')
		c.calls++
	})
	return dst
}

// AppendFunction appends the form of a message's FunctionCall.
func (c *CallForm) AppendFunction(dst []byte, function string) []byte {
	dst = append(dst, '{')
	eachMember(function, func(key, value string) {
		dst = append(append(dst, key...), ':')
		if key == `"arguments"` {
			if canon, ok := c.arguments(value); ok {
				dst = append(dst, canon...)
				return
			}
		}
		dst = append(dst, value...)
	})
	return append(dst, '}')
}

// Answered returns the place of the call that a tool's message answers, the latest of this id; -1 if no call has it.
func (c *CallForm) Answered(id string) int {
	if place, ok := c.places[string(appendString(c.outer.tmp[:0], id))]; ok {
		return place
	}
	return -1
}

// arguments returns what a canonical string holds as canonical JSON, if it is strict.
func (c *CallForm) arguments(quoted string) ([]byte, bool) {
	ok := c.parse(quoted) && len(c.inner.problems) == 0 && c.inner.canon[0] != '"' // a string that holds one stays what it is
	return c.inner.canon, ok
}

// nested reads JSON that stands in a string of JSON.
type nested struct{ outer, inner scanner }

// parse reports whether a canonical string holds JSON, and leaves its canonical form, and what is not strict in it, in inner.
func (n *nested) parse(quoted string) bool {
	n.inner.reset([]byte(n.outer.plain(quoted)))
	return n.inner.value() && n.inner.space() == 0 && n.inner.i == len(n.inner.b)
}

// plain returns the text of a canonical string, until the next call.
func (s *scanner) plain(quoted string) string {
	s.reset([]byte(quoted))
	text, _ := s.str()
	return text
}
