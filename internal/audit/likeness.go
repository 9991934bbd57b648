package audit

import (
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/zeebo/xxh3"
)

// likeness is what the rules about almost equal text share: a sketch of each request in the training data and of each
// test, taken in one reading. A request is all that stands ahead of the last answer that is trained on, less system
// texts and templates.
//
// Requests of up to longest words are held whole, as numbers of words in a vocabulary; of longer ones, band keys are
// held, and those that may be alike are read again (verify). Memory: about 100 bytes a request, at most 300, and what
// verify holds.
type likeness struct {
	study     *study
	alphabet  *alphabet
	polite    politeness
	templates *templates
	tests     *overlap // nil without tests

	requests []request // tests first, then rows in file order
	verbatim hashSet   // of requests word for word: copies and contradictions are other rules'
	wordbook
	arena    []uint32 // words of short requests
	bands    []uint32 // of long requests, bandCount each
	systems  map[uint32]int32
	leaks    []leak // rows that hold runs of a test's words
	finished bool
	alike    []likest // by index: the closest earlier row
	gifts    []leak   // rows that are nearly a test's request
}

// request is one text to compare.
type request struct {
	line   int32   // of the row, or of the test in its file
	answer uint32  // hash
	system uint32  // hash of the system texts, 0 for none
	start  uint32  // of its words in the arena
	words  uint16  // how many, 0 for a long request
	long   int32   // index among the long ones, -1 for none
	weight float32 // of its words
}

// likest is the earlier request that one is closest to.
type likest struct {
	to   int32   // index
	much float32 // 0 for none
}

const (
	longest   = 48      // words of a request that is held whole
	short     = 32      // words up to which a request is not compared by bands
	maxRows   = 1 << 28 // requests that are compared; later rows are not
	mostText  = 1 << 20 // bytes of a message that are compared
	manyWords = 1 << 17 // of a row, after which no further message is
)

// likenessEye is the eye of likeness.
type likenessEye struct {
	l      *likeness
	words  []uint64
	keep   []bool
	texts  []string
	spans  [][2]int
	kept   []uint64
	sketch bandSketch
	match  overlapMatcher
	calls  dataset.CallForm
	local  map[uint64]uint32 // word to its index in the block
	out    *looked
}

// looked is what the eye made of a block.
type looked struct {
	requests []request
	verbatim []uint64 // by request
	hashes   []uint64 // of the block's words
	texts    []string
	arena    []uint32 // indices of words
	bands    []uint32
	leaks    []leak
}

func newLikeness(s *study) (*likeness, error) {
	a := newAlphabet()
	l := &likeness{study: s, alphabet: a, polite: newPoliteness(a), systems: map[uint32]int32{}}
	l.wordbook.ids = map[uint64]uint32{}
	var err error
	if l.templates, err = sampleTemplates(s.ctx, s.in.Train, s.workers, l.alphabet); err != nil {
		return nil, err
	}
	if len(s.tests.Tests) > 0 {
		l.tests = newOverlap(s.tests, l.alphabet, l.templates)
		e := l.eye().(*likenessEye)
		for i, t := range s.tests.Tests {
			e.texts, e.words = e.texts[:0], e.words[:0]
			for _, m := range t.Input {
				if !isSystem(m.Role) {
					e.texts = append(e.texts, clipped(m.Content))
					e.words = l.alphabet.most(e.words, m.Content)
				}
			}
			e.keep = l.templates.mask(e.keep[:0], e.words)
			l.tests.own.unmask(e.keep, e.words)
			e.request(request{line: int32(t.Line)}, uint64(i)<<32|1)
			if n := len(e.out.requests); n <= i {
				e.out.requests = append(e.out.requests, request{line: int32(t.Line), long: -1})
				e.out.verbatim = append(e.out.verbatim, uint64(i)<<32|1)
			}
		}
		l.take(e.done())
	}
	return l, nil
}

func (l *likeness) eye() eye {
	e := &likenessEye{l: l, local: map[uint64]uint32{}, out: new(looked)}
	e.match.overlap = l.tests
	return e
}

// promptWords appends the words of what is asked, and says which message answers it. Where nothing but a system text
// stands ahead of the answer, that is what is asked; where nothing does, the answer is.
func promptWords(dst []uint64, a *alphabet, row *dataset.Row) (words []uint64, answer int) {
	answer = lastTrained(row)
	start := len(dst)
	for i := range row.Messages[:answer] {
		if m := &row.Messages[i]; !isSystem(m.Role) {
			dst = a.most(dst, m.Content)
		}
	}
	if len(dst) == start {
		for i := range row.Messages[:answer+1] {
			dst = a.most(dst, row.Messages[i].Content)
		}
	}
	return dst, answer
}

// most appends the words of as much of the text as there is room for.
func (a *alphabet) most(dst []uint64, text string) []uint64 {
	if len(dst) > manyWords {
		return dst
	}
	return a.words(dst, clipped(text))
}

func clipped(text string) string { return text[:min(len(text), mostText)] }

// lastTrained returns the index of the last message that is trained on, 0 if there is none.
func lastTrained(row *dataset.Row) int {
	i := len(row.Messages) - 1
	for i > 0 && !row.Messages[i].Trained() {
		i--
	}
	return i
}

func (e *likenessEye) row(row *dataset.Row) {
	var answer int
	e.words, answer = promptWords(e.words[:0], e.l.alphabet, row)
	r := request{line: int32(row.Line), answer: answerHash(&e.calls, &row.Messages[answer])}
	verbatim := uint64(1)
	e.texts = e.texts[:0]
	system := uint64(0)
	for i := range row.Messages[:answer] {
		m := &row.Messages[i]
		h := xxh3.HashString(m.Content)
		if isSystem(m.Role) {
			system = system*hashMix + h
			continue
		}
		e.texts = append(e.texts, clipped(m.Content))
		verbatim = verbatim*hashMix + h
	}
	if len(e.texts) == 0 {
		for i := range row.Messages[:answer+1] {
			e.texts = append(e.texts, clipped(row.Messages[i].Content))
			verbatim = verbatim*hashMix + xxh3.HashString(row.Messages[i].Content)
		}
		system = 0
	}
	r.system = uint32(system ^ system>>32)
	asked := len(e.words)
	e.keep = e.l.templates.mask(e.keep[:0], e.words)
	if e.l.tests != nil {
		if len(row.Messages[:answer]) > 0 {
			for i := answer; i < len(row.Messages); i++ {
				e.words = e.l.alphabet.most(e.words, row.Messages[i].Content)
			}
		}
		e.out.leaks = e.match.row(e.out.leaks, int32(row.Line), e.words)
		e.words = e.words[:asked]
	}
	e.request(r, verbatim)
}

// request sketches the words at hand, of which keep says which count.
func (e *likenessEye) request(r request, verbatim uint64) {
	e.kept = e.kept[:0]
	for i, w := range e.words {
		if e.keep[i] {
			e.kept = append(e.kept, w)
		}
	}
	if len(e.kept) == 0 { // nothing but a template
		for i := range e.keep {
			e.keep[i] = true
		}
		e.kept = append(e.kept, e.words...)
	}
	if len(e.kept) == 0 {
		return
	}
	r.long = -1
	if len(e.kept) > short {
		r.long = int32(len(e.out.bands) / bandCount)
		e.out.bands = e.sketch.append(e.out.bands, e.kept)
	}
	if len(e.kept) <= longest {
		e.l.polite.unmask(e.keep, e.words)
		r.start = uint32(len(e.out.arena))
		at := 0 // index of the word
		for _, text := range e.texts {
			e.spans = e.l.alphabet.spans(e.spans[:0], text)
			for _, s := range e.spans {
				if at < len(e.keep) && e.keep[at] {
					e.out.arena = append(e.out.arena, e.word(e.words[at], text[s[0]:s[1]]))
				}
				at++
			}
		}
		r.words = uint16(len(e.out.arena) - int(r.start))
	}
	e.out.requests = append(e.out.requests, r)
	e.out.verbatim = append(e.out.verbatim, verbatim)
}

// word returns the index of a word in the block.
func (e *likenessEye) word(hash uint64, text string) uint32 {
	id, ok := e.local[hash]
	if !ok {
		id = uint32(len(e.out.hashes))
		e.local[hash] = id
		e.out.hashes = append(e.out.hashes, hash)
		if len(text) <= maxTypo {
			text = strings.ToLower(text)
		}
		if len(text) > maxTypo {
			text = ""
		}
		e.out.texts = append(e.out.texts, strings.Clone(text))
	}
	return id
}

func (e *likenessEye) done() any {
	out := e.out
	e.out = new(looked)
	clear(e.local)
	return out
}

func (l *likeness) take(seen any) {
	s := seen.(*looked)
	ids := make([]uint32, len(s.hashes))
	for i, h := range s.hashes {
		ids[i] = l.wordbook.id(h, s.texts[i])
	}
	for i, r := range s.requests {
		if !l.verbatim.add(s.verbatim[i]) || len(l.requests) >= maxRows {
			continue
		}
		l.systems[r.system]++
		words := s.arena[r.start : int(r.start)+int(r.words)]
		r.start = uint32(len(l.arena))
		for _, w := range words {
			l.arena = append(l.arena, ids[w])
		}
		held := l.arena[r.start:]
		slices.Sort(held)
		l.wordbook.count(held)
		if r.long >= 0 {
			bands := s.bands[int(r.long)*bandCount:][:bandCount]
			r.long = int32(len(l.bands) / bandCount)
			l.bands = append(l.bands, bands...)
		}
		l.requests = append(l.requests, r)
	}
	l.leaks = append(l.leaks, s.leaks...)
}

// comparable reports that two rows' system texts do not make them different: they are equal, or personas that other rows
// have as well, and not what is asked about.
func (l *likeness) comparable(a, b *request) bool {
	return a.system == b.system || l.systems[a.system] > 1 && l.systems[b.system] > 1
}

// answerHash hashes what a message answers, less what its calls of tools spell freely.
func answerHash(c *dataset.CallForm, m *dataset.Message) uint32 {
	h := xxh3.HashString(strings.TrimSpace(m.Content)) ^ xxh3.HashString(m.Refusal)*7
	if m.ToolCalls != "" || m.FunctionCall != "" {
		h ^= xxh3.Hash(c.AppendCalls(nil, m.ToolCalls))*3 ^ xxh3.Hash(c.AppendFunction(nil, m.FunctionCall))*5
		c.Reset()
	}
	return uint32(h)
}

// hashSet is a set of hashes by open addressing.
type hashSet struct {
	keys []uint64 // 0 is an empty slot
	n    int
}

// add reports whether the hash is new.
func (s *hashSet) add(h uint64) bool {
	if h == 0 {
		h = 1
	}
	if 4*s.n >= 3*len(s.keys) {
		old := s.keys
		s.keys, s.n = make([]uint64, max(1024, 2*len(old))), 0
		for _, k := range old {
			if k != 0 {
				s.add(k)
			}
		}
	}
	i := h * hashSpread >> 20
	for {
		at := i & uint64(len(s.keys)-1)
		if s.keys[at] == h {
			return false
		}
		if s.keys[at] == 0 {
			s.keys[at] = h
			s.n++
			return true
		}
		i++
	}
}
