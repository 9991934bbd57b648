package tokens

import (
	"unicode/utf8"
)

// splitter cuts valid UTF-8 into the pieces that the pattern of an encoding finds. The patterns, from tiktoken's
// openai_public.py, with (?i) over Unicode, where U+017F is an s; o200k_base (cased):
//
//	[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?
//	[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?
//	\p{N}{1,3} | ?[^\s\p{L}\p{N}]+[\r\n/]* | \s*[\r\n]+ | \s+(?!\S) | \s+
//
// and cl100k_base:
//
//	'(?i:[sdmt]|ll|ve|re) | [^\r\n\p{L}\p{N}]?+\p{L}++ | \p{N}{1,3}+
//	 ?[^\s\p{L}\p{N}]++[\r\n]*+ | \s++$ | \s*[\r\n] | \s+(?!\S) | \s
//
// The splitter leaves out \s++$: no cl100k token continues a line break with anything but line breaks, so cutting
// white space at the end of the text after its last line break, too, changes no count.
//
// No text makes it look at a byte more than a few times.
type splitter struct {
	cased    bool
	class    []class
	caseless uint64 // all ones if capitals are like other letters
	apart    uint64 // all ones if the apostrophe is no symbol to a window
}

func newSplitter(cased bool) *splitter {
	s := &splitter{cased: cased, class: classes()}
	if !cased {
		s.caseless, s.apart = 1<<64-1, 1<<64-1
	}
	return s
}

// end returns where the piece that starts at i < len(text) ends.
func (s *splitter) end(text []byte, i int) int {
	is, size := s.at(text, i)
	if end := s.wordEnd(text, i, is, size); end > i {
		return end
	}
	if is&number != 0 {
		end := i + size
		for range 2 {
			if is, size = s.at(text, end); is&number == 0 {
				break
			}
			end += size
		}
		return end
	}
	if end := s.symbolsEnd(text, i); end > i {
		return end
	}
	return s.spaceEnd(text, i)
}

// at returns the class and the size of the code point at i; 0, 0 at the end of the text.
func (s *splitter) at(text []byte, i int) (class, int) {
	if i >= len(text) {
		return 0, 0
	}
	if b := text[i]; b < utf8.RuneSelf {
		return s.class[b], 1
	}
	r, size := utf8.DecodeRune(text[i:])
	return s.class[r], size
}

// wordEnd returns where the word at i ends, or i if there is none. is and size belong to the code point at i.
func (s *splitter) wordEnd(text []byte, i int, is class, size int) int {
	if !s.cased && text[i] == '\'' {
		if end := contraction(text, i); end > i {
			return end
		}
	}
	start := i
	if is&(newline|letter|number) == 0 {
		start += size
	}
	if s.cased {
		return s.casedEnd(text, i, start, is)
	}
	end := start
	for {
		is, size := s.at(text, end)
		if is&letter == 0 {
			break
		}
		end += size
	}
	if end == start {
		return i
	}
	return end
}

// casedEnd returns where the o200k word ends whose letters begin at start, or i if there is none.
func (s *splitter) casedEnd(text []byte, i, start int, is class) int {
	small, end := s.casedRun(text, start)
	if small == start && is&head != 0 && start > i {
		// A mark may itself be the only small letter of the word: then it is not the prefix.
		small, end = s.casedRun(text, i)
	}
	switch {
	case small > start || (small > i && is&head != 0):
		return contraction(text, small)
	case end > start:
		return contraction(text, end)
	}
	return i
}

// casedRun matches head* tail+ at start, giving back what it must, and returns the end of the match as small, or
// start if there is none. Then end is where head* alone ends.
func (s *splitter) casedRun(text []byte, start int) (small, end int) {
	small, end = start, start
	for {
		is, size := s.at(text, end)
		if is&head == 0 {
			if is&tail == 0 {
				return small, end
			}
			break
		}
		end += size
		if is&tail != 0 {
			small = end
		}
	}
	for {
		is, size := s.at(text, end)
		if is&tail == 0 {
			return end, end
		}
		end += size
	}
}

// contraction returns the end of the contraction at i ('s 't 're 've 'm 'll 'd, in any case), or i if there is none.
func contraction(text []byte, i int) int {
	if i+1 >= len(text) || text[i] != '\'' {
		return i
	}
	switch first := text[i+1] | 0x20; first {
	case 's', 'd', 'm', 't':
		return i + 2
	case 'l', 'v', 'r':
		second := byte('e')
		if first == 'l' {
			second = 'l'
		}
		if i+2 < len(text) && text[i+2]|0x20 == second {
			return i + 3
		}
	}
	if i+2 < len(text) && text[i+1] == 0xc5 && text[i+2] == 0xbf { // U+017F, long s
		return i + 3
	}
	return i
}

// symbolsEnd returns where the run of symbols at i ends, with a space before and line breaks after it, or i.
func (s *splitter) symbolsEnd(text []byte, i int) int {
	start := i
	if text[i] == ' ' {
		start++
	}
	end := start
	for {
		is, size := s.at(text, end)
		if size == 0 || is&(space|letter|number) != 0 {
			break
		}
		end += size
	}
	if end == start {
		return i
	}
	for end < len(text) && (text[end] == '\n' || text[end] == '\r' || s.cased && text[end] == '/') {
		end++
	}
	return end
}

// spaceEnd returns where the piece of white space at i ends: after the last line break of the run, or else before its
// last code point, which goes with what follows, unless that is all there is or the text ends.
func (s *splitter) spaceEnd(text []byte, i int) int {
	end, last, afterBreak := i, i, i
	for {
		is, size := s.at(text, end)
		if is&space == 0 {
			break
		}
		last = end
		end += size
		if is&newline != 0 {
			afterBreak = end
		}
	}
	switch {
	case afterBreak > i:
		return afterBreak
	case end == len(text) || last == i:
		return end
	}
	return last
}
