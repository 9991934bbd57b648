package audit

import "strings"

func digit(c byte) bool { return c-'0' < 10 }

// begins reports that a number may start at text[i], a digit: not within a word, an identifier, a path or a longer
// number.
func begins(text string, i int) bool {
	if i == 0 {
		return true
	}
	c, before := text[i-1], byte(' ')
	if i > 1 {
		before = text[i-2]
	}
	switch {
	case c >= 0x80: // behind a dash that parts a longer number, or anything else
		if i < 4 || !digit(text[i-4]) {
			return true
		}
		c, _ = separator(text, i-3)
		return c != '-'
	case c == ',':
		return !isWord(before) || letter(before) // a list: name,number
	case c == '.':
		if letter(before) {
			start, end := wordBefore(text, max(0, i-8), i)
			return end == i-1 && abbreviated(lowered(text[start:end]))
		}
		return !isWord(before)
	case c == '-':
		return !isWord(before)
	case c == '/':
		return before == '/'
	case c == '$' || c == '+':
		return false
	default:
		return !isWord(c)
	}
}

// ends reports that a number may end ahead of text[j].
func ends(text string, j int) bool {
	if j >= len(text) {
		return true
	}
	switch c, width := separator(text, j); c {
	case '-', '.', '/':
		return j+width >= len(text) || !isWord(text[j+width]) || width > 1 && !digit(text[j+width])
	case '%':
		return false
	default:
		return !isWord(c)
	}
}

// separator returns the byte at text[j] and how many bytes it takes, for spaces and hyphens beyond ASCII that stand
// within numbers as ' ' and '-': no-break, figure, thin and narrow no-break space, hyphens and dashes.
func separator(text string, j int) (c byte, width int) {
	c = text[j]
	switch {
	case c < 0x80:
	case c == 0xc2 && j+1 < len(text) && text[j+1] == 0xa0: // U+00A0
		return ' ', 2
	case c == 0xe2 && j+2 < len(text):
		switch last := text[j+2]; {
		case text[j+1] == 0x80 && (last == 0xaf || last == 0x87 || last == 0x89): // U+202F, U+2007, U+2009
			return ' ', 3
		case text[j+1] == 0x80 && last >= 0x90 && last <= 0x93, text[j+1] == 0x88 && last == 0x92: // U+2010 to U+2013, U+2212
			return '-', 3
		}
	}
	return c, 1
}

// number is a run of digits, perhaps in groups.
type number struct {
	digits [20]byte // as '0' to '9'
	n      int
	groups [8]uint8 // digits of each
	parts  [8]byte  // the one separator ahead of each, 0 where there are more
	of     int      // groups
	end    int      // in the text
	ends   [8]int   // of each group
}

// groups reads digits from text[i], a digit, on, in groups that the bytes of separators part, at most most digits.
// After a first group the separator stays the same unless loose; then it may be two, and three as in 030 / 123456.
func groups(text string, i int, separators string, most int, loose bool) (num number) {
	var part, next byte
	widened := false
	for {
		n := span(text[i:], digit, len(num.digits)+1)
		if num.n+n > min(most, len(num.digits)) || num.of == len(num.groups) {
			break
		}
		num.n += copy(num.digits[num.n:], text[i:i+n])
		num.groups[num.of], num.parts[num.of] = uint8(n), next
		num.of++
		i += n
		num.end, num.ends[num.of-1] = i, i
		j, wide := i, 0
		var seps [3]byte
		for j < len(text) && wide < len(seps) {
			c, width := separator(text, j)
			if !within(separators, c) {
				break
			}
			seps[wide] = c
			wide++
			j += width
		}
		if wide == 0 || j >= len(text) || !digit(text[j]) {
			break
		}
		if wide == 3 && (widened || num.of > 2 || seps[0] != ' ' || seps[2] != ' ' || seps[1] != '/' && seps[1] != '-') {
			break
		}
		widened = widened || wide == 3
		if !loose && (wide > 1 || part != 0 && seps[0] != part) {
			break
		}
		if num.of > 1 || !loose {
			part = seps[0]
		}
		next = 0
		if wide == 1 {
			next = seps[0]
		}
		i = j
	}
	return num
}

func within(set string, c byte) bool { return strings.IndexByte(set, c) >= 0 }

// shorten leaves out the last group.
func (num *number) shorten() { num.keep(num.of - 1) }

// keep leaves out the groups behind the first n.
func (num *number) keep(n int) {
	for num.of > n {
		num.of--
		num.n -= int(num.groups[num.of])
	}
	num.end = num.ends[n-1]
}

func (num *number) text() string { return string(num.digits[:num.n]) }

// sequence reports digits that nobody was given: all the same, or rising or falling by one.
func sequence(digits string) bool {
	same, up, down := true, true, true
	for i := 1; i < len(digits); i++ {
		a, b := digits[i-1]-'0', digits[i]-'0'
		same = same && a == b
		up = up && b == (a+1)%10
		down = down && a == (b+1)%10
	}
	return same || up || down
}
