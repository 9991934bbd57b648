package audit

// The detectors of personal data see numbers, and most numbers are none of anybody's. What a number is called decides
// where its form does not.

// ahead weighs the words that stand ahead of text[i]: the nearest one of which weigh says something, above or below
// zero, decides. It looks back over six words and 64 bytes at most. Words come as runs of letters in lower case.
func ahead(text string, i int, weigh func(word string) int) int {
	var lower [24]byte
	stop := max(0, i-64)
	for range 6 {
		for i > stop && !letter(text[i-1]) {
			i--
		}
		end := i
		for i > stop && letter(text[i-1]) {
			i--
		}
		if i == end {
			break
		}
		if end-i > len(lower) {
			continue
		}
		n := copy(lower[:], text[i:end])
		for k, c := range lower[:n] {
			if c >= 'A' && c <= 'Z' {
				lower[k] = c | 0x20
			}
		}
		if w := weigh(string(lower[:n])); w != 0 {
			return w
		}
	}
	return 0
}

// letter reports a letter of ASCII, or a byte of a character beyond it.
func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80 }

func digit(c byte) bool { return c-'0' < 10 }

// begins reports that a number may start at text[i], a digit: not within a word, an identifier, a path or a longer
// number.
func begins(text string, i int) bool {
	if i == 0 {
		return true
	}
	switch c := text[i-1]; {
	case c == '-' || c == '.' || c == ',' || c == '/':
		return i > 1 && text[i-2] == '/' || c != '/' && (i < 2 || !isWord(text[i-2]))
	case c == '#' || c == '$' || c == '+':
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
	switch c := text[j]; {
	case c == '-' || c == '.' || c == '/':
		return j+1 >= len(text) || !isWord(text[j+1])
	case c == '%':
		return false
	default:
		return !isWord(c)
	}
}

// number is a run of digits, perhaps in groups.
type number struct {
	digits [20]byte // as '0' to '9'
	n      int
	groups [8]uint8 // digits of each
	of     int      // groups
	end    int      // in the text
	ends   [8]int   // of each group
}

// groups reads digits from text[i], a digit, on, in groups that the bytes of separators part, at most most digits.
// After a first group the separator stays the same unless loose.
func groups(text string, i int, separators string, most int, loose bool) (num number) {
	var part byte
	for {
		n := span(text[i:], digit, len(num.digits)+1)
		if num.n+n > min(most, len(num.digits)) || num.of == len(num.groups) {
			break
		}
		num.n += copy(num.digits[num.n:], text[i:i+n])
		num.groups[num.of] = uint8(n)
		num.of++
		i += n
		num.end, num.ends[num.of-1] = i, i
		j := i
		for j < len(text) && j < i+2 && within(separators, text[j]) {
			j++
		}
		if j == i || j >= len(text) || !digit(text[j]) {
			break
		}
		if !loose && (j > i+1 || part != 0 && text[i] != part) {
			break
		}
		if num.of > 1 || !loose {
			part = text[i]
		}
		i = j
	}
	return num
}

func within(set string, c byte) bool {
	for k := range len(set) {
		if set[k] == c {
			return true
		}
	}
	return false
}

// shorten leaves out the last group.
func (num *number) shorten() {
	num.of--
	num.n -= int(num.groups[num.of])
	num.end = num.ends[num.of-1]
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
