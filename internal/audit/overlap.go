package audit

import (
	"math"
	"slices"

	"github.com/tunegate/tunegate/internal/suite"
)

// overlap finds the rows that hold a test's words in runs of gramSize or more, wherever they stand in the row and
// whatever was put before, between and after them. Read-only once made.
type overlap struct {
	own    *templates          // runs that many of the tests share
	filter []uint64            // bits: runs that may be a test's
	grams  map[uint64][]testAt // by run
	tests  []testWords
}

type testAt struct{ test, at int32 }

// testWords are the words of a test that count, and what each says.
type testWords struct {
	weights []float32
	total   float32
}

// leak is a row that gives a test away.
type leak struct {
	line, test int32
	share      float32
	run        bool // found by runs of words
}

const (
	filterBits = 22
	sameGram   = 64  // tests that may share a run
	heldShare  = .9  // of the weight of a test's words, the share that has to stand in a row in runs
	heldLong   = .75 // the same for tests of longWords or more, of which no more than heldGap words in a row are missing
	longWords  = 40
	heldGap    = 4
)

func newOverlap(s suite.Suite, a *alphabet, train *templates) *overlap {
	o := &overlap{own: newTemplates(), filter: make([]uint64, 1<<filterBits/64), grams: map[uint64][]testAt{}}
	texts := make([][]uint64, len(s.Tests))
	sample := newSampler(a)
	for i, t := range s.Tests {
		for _, m := range t.Input {
			if !isSystem(m.Role) {
				texts[i] = a.most(texts[i], m.Content)
			}
		}
		sample.add(texts[i])
	}
	o.own.take(sample.out)
	o.own.freeze()
	o.tests = make([]testWords, len(s.Tests))
	var keep []bool
	rows := float64(train.rows + o.own.rows)
	for i, words := range texts {
		keep = train.mask(keep[:0], words)
		o.own.unmask(keep, words)
		w := testWords{weights: make([]float32, len(words))}
		for k, word := range words {
			if keep[k] {
				at := wordSlot(word)
				w.weights[k] = float32(math.Log(1 + rows/float64(max(1, int(train.words[at])+int(o.own.words[at])))))
				w.total += w.weights[k]
			}
		}
		o.tests[i] = w
		var gram, oldest uint64
		for k, word := range words {
			if k >= gramSize {
				oldest = words[k-gramSize]
			}
			gram = roll(gram, oldest, word)
			if k < gramSize-1 || !slices.Contains(keep[k-gramSize+1:k+1], true) {
				continue
			}
			if at := o.grams[gram]; len(at) < sameGram {
				o.grams[gram] = append(at, testAt{int32(i), int32(k - gramSize + 1)})
			}
			slot := filterSlot(gram)
			o.filter[slot/64] |= 1 << (slot % 64)
		}
	}
	return o
}

func filterSlot(gram uint64) uint64 { return (gram ^ gram>>32) * hashSpread >> (64 - filterBits) }

// overlapMatcher is the state of one goroutine.
type overlapMatcher struct {
	*overlap
	held  map[int32][]bool // of each test met in a row: which words stand in it
	order []int32
}

// row appends the tests that the words give away.
func (m *overlapMatcher) row(dst []leak, line int32, words []uint64) []leak {
	var gram, oldest uint64
	m.order = m.order[:0]
	for i, w := range words {
		if i >= gramSize {
			oldest = words[i-gramSize]
		}
		gram = roll(gram, oldest, w)
		slot := filterSlot(gram)
		if m.filter[slot/64]>>(slot%64)&1 == 0 || i < gramSize-1 {
			continue
		}
		for _, at := range m.grams[gram] {
			held := m.held[at.test]
			if held == nil {
				if m.held == nil {
					m.held = map[int32][]bool{}
				}
				held = make([]bool, len(m.tests[at.test].weights))
				m.held[at.test] = held
				m.order = append(m.order, at.test)
			}
			for k := range gramSize {
				held[int(at.at)+k] = true
			}
		}
	}
	if len(m.order) == 0 {
		return dst
	}
	for _, test := range m.order {
		t := &m.tests[test]
		var have float32
		gap, widest := 0, 0
		for k, ok := range m.held[test] {
			switch {
			case ok:
				have += t.weights[k]
				gap = 0
			case t.weights[k] > 0:
				gap++
				widest = max(widest, gap)
			}
		}
		if have >= heldShare*t.total || have >= heldLong*t.total && len(t.weights) >= longWords && widest <= heldGap {
			dst = append(dst, leak{line, test, have / t.total, true})
		}
	}
	clear(m.held)
	return dst
}
