package engine

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxTokens bounds the part of a request that spans are copied from.
const maxTokens = 200

// token is a run of letters and digits, or one other character that is not a space.
type token struct {
	from, to                int    // bytes of the request
	word, head, tail, shape uint32 // hashes: in lower case, of its first 3 runes, of its last 3, of its kinds of runes
}

func tokenise(text string) []token {
	var out []token
	for i := 0; i < len(text) && len(out) < maxTokens; {
		r, size := utf8.DecodeRuneInString(text[i:])
		if unicode.IsSpace(r) {
			i += size
			continue
		}
		end := i + size
		if wordRune(r) {
			for end < len(text) {
				r, size := utf8.DecodeRuneInString(text[end:])
				if !wordRune(r) {
					break
				}
				end += size
			}
		}
		out = append(out, newToken(text, i, end))
		i = end
	}
	return out
}

func wordRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

func newToken(text string, from, to int) token {
	t := token{from: from, to: to, word: hashSeed, head: hashSeed, shape: hashSeed}
	var last [3]rune
	n := 0
	class := rune(0)
	for _, r := range text[from:to] {
		l := unicode.ToLower(r)
		c := 'x'
		switch {
		case unicode.IsDigit(r):
			c = '0'
		case l != r:
			c = 'X'
		case !unicode.IsLetter(r):
			c = r
		}
		if c != class || c == '0' { // runs of letters count once, digits each
			t.shape = step(t.shape, uint32(c))
		}
		class = c
		t.word = step(t.word, uint32(l))
		if n < 3 {
			t.head = step(t.head, uint32(l))
		}
		last[n%3] = l
		n++
	}
	t.tail = hash3(last[n%3], last[(n+1)%3], last[(n+2)%3])
	return t
}

// span is tokens from up to but not including to, copied into a slot. In a
// training example it also has the value that the answer gives, and whether as a number.
type span struct {
	slot, from, to int
	value          string
	number         bool
}

// find is where a value stands in a request, at the edges of tokens: to the
// letter if that is anywhere, else in other case; past after if that is anywhere,
// else before; never on a taken token.
func find(text string, tokens []token, value string, after int, taken []bool) (from, to int, ok bool) {
	words := tokenise(value)
	k := len(words)
	if k == 0 || k > len(tokens) {
		return 0, 0, false
	}
	best := 0
	for i := 0; i+k <= len(tokens); i++ {
		if tokens[i].word != words[0].word || slices.Contains(taken[i:i+k], true) {
			continue
		}
		there := text[tokens[i].from:tokens[i+k-1].to]
		rank := 0
		switch {
		case there == value:
			rank = 3
		case strings.EqualFold(there, value):
			rank = 1
		default:
			continue
		}
		if i >= after {
			rank++
		}
		if rank > best {
			best, from, to = rank, i, i+k
		}
	}
	return from, to, best > 0
}

// Bounds on a gazetteer.
const (
	maxPhrase  = 8       // tokens of a phrase
	maxPhrases = 200_000 // phrases
)

// phrase is the hash of tokens in a row, in lower case.
func phrase(tokens []token) uint32 {
	h := uint32(hashSeed)
	for _, t := range tokens {
		h = step(h, t.word)
	}
	return mix(nsPhrase, h)
}

// gazetteer knows the phrases that training examples copied, and into which slots.
type gazetteer map[uint32][]entry

type entry struct{ slot, count int }

func (g gazetteer) add(tokens []token, slot int) {
	if len(tokens) > maxPhrase {
		return
	}
	h := phrase(tokens)
	e := g[h]
	i := slices.IndexFunc(e, func(x entry) bool { return x.slot == slot })
	if i < 0 && len(g) >= maxPhrases {
		return
	}
	if i < 0 {
		g[h] = append(e, entry{slot, 1})
		return
	}
	e[i].count++
}

// marks lists, for each token, what the gazetteer says of it: for every slot
// that the longest known phrase over it has gone into, whether it begins the phrase or goes on
// with it. own are the spans of the example itself when training, which
// do not count: otherwise training would find every answer in the gazetteer.
func (g gazetteer) marks(tokens []token, own []span) [][]uint32 {
	out := make([][]uint32, len(tokens))
	for i := range tokens {
		h := uint32(hashSeed)
		var found []entry
		long := 0
		for j := i; j < len(tokens) && j < i+maxPhrase; j++ {
			h = step(h, tokens[j].word)
			for _, e := range g[mix(nsPhrase, h)] {
				n := e.count
				for _, s := range own {
					if s.slot == e.slot && s.to-s.from == j+1-i && phrase(tokens[s.from:s.to]) == mix(nsPhrase, h) {
						n--
					}
				}
				if n > 0 {
					if j+1-i > long {
						long, found = j+1-i, found[:0]
					}
					found = append(found, e)
				}
			}
		}
		for _, e := range found {
			for k := range long {
				m := uint32(e.slot)<<2 | uint32(min(k, 1))<<1
				if long > 1 {
					m |= 1
				}
				if !slices.Contains(out[i+k], m) {
					out[i+k] = append(out[i+k], m)
				}
			}
		}
	}
	return out
}

// tokenSet is the set of features of the token at i, for the tagger.
func tokenSet(tokens []token, marks [][]uint32, frame, i int, buf []uint32) []uint32 {
	at := func(j int) (t token) {
		switch {
		case j < 0:
			return token{word: 1}
		case j >= len(tokens):
			return token{word: 2}
		}
		return tokens[j]
	}
	n := uint32(nsToken1)
	buf = buf[:0]
	add := func(h uint32) {
		n++
		buf = append(buf, mix(n, h))
	}
	pair := func(a, b uint32) { add(a*0x9e3779b1 ^ b) }
	t, p, q, pp, qq := at(i), at(i-1), at(i+1), at(i-2), at(i+2)
	f := uint32(frame)
	add(0)
	add(f)
	add(t.word)
	add(t.head)
	add(t.tail)
	add(t.shape)
	add(p.word)
	add(q.word)
	add(pp.word)
	add(qq.word)
	pair(p.shape, t.shape)
	pair(t.shape, q.shape)
	pair(p.word, t.word)
	pair(t.word, q.word)
	pair(pp.word, p.word)
	pair(q.word, qq.word)
	pair(p.word, q.word)
	pair(f, t.word)
	pair(f, p.word)
	pair(f, q.word)
	add(uint32(min(i, 3)))
	add(uint32(min(len(tokens)-i, 4)))
	n++
	for _, m := range marks[i] {
		buf = append(buf, mix(n, m))
	}
	n++
	if i > 0 {
		for _, m := range marks[i-1] {
			buf = append(buf, mix(n, m))
		}
	}
	n++
	if i+1 < len(tokens) {
		for _, m := range marks[i+1] {
			buf = append(buf, mix(n, m))
		}
	}
	slices.Sort(buf)
	return slices.Compact(buf)
}
