package audit

import (
	"context"

	"github.com/tunegate/tunegate/internal/dataset"
)

// templates knows the runs of gramSize words that many rows share: instructions, prefixes, boilerplate. They do not make
// two rows alike. It is made from a sample: the first 1024 rows and the first 64 of each block of about a MiB.
//
// Runs are counted in a table of hashes without chains: 2^20 slots for at most some 2 million runs, so that a rare run
// shares the slot of a frequent one in few cases of a thousand.
type templates struct {
	rows   int
	counts []uint16
	words  []uint16 // rows that have a word, by the low bits of its hash
	frozen []uint64 // bits: slots of templates
}

const (
	gramSlots   = 1 << 20
	wordSlots   = 1 << 18
	sampleFirst = 1024
	sampleEach  = 64
	sampleWords = 2000 // of a row
)

func newTemplates() *templates {
	return &templates{counts: make([]uint16, gramSlots), words: make([]uint16, wordSlots)}
}

func gramSlot(gram uint64) uint32 { return uint32((gram ^ gram>>32) * hashSpread >> 44) }
func wordSlot(word uint64) uint32 { return uint32(word * hashSpread >> 46) }

// sampled is what a block has: of each row, once each.
type sampled struct {
	rows         int
	grams, words []uint32
}

// sampler takes down rows.
type sampler struct {
	alphabet         *alphabet
	buf              []uint64
	gramRow, wordRow []int32 // the row that last had the slot
	row              int32
	out              *sampled
}

func newSampler(a *alphabet) *sampler {
	return &sampler{alphabet: a, gramRow: make([]int32, gramSlots), wordRow: make([]int32, wordSlots), out: new(sampled)}
}

// add takes down one row's words.
func (s *sampler) add(words []uint64) {
	s.row++
	s.out.rows++
	var gram, oldest uint64
	for i, w := range words[:min(len(words), sampleWords)] {
		if at := wordSlot(w); s.wordRow[at] != s.row {
			s.wordRow[at] = s.row
			s.out.words = append(s.out.words, at)
		}
		if i >= gramSize {
			oldest = words[i-gramSize]
		}
		gram = roll(gram, oldest, w)
		if at := gramSlot(gram); i >= gramSize-1 && s.gramRow[at] != s.row {
			s.gramRow[at] = s.row
			s.out.grams = append(s.out.grams, at)
		}
	}
}

func (t *templates) take(s *sampled) {
	t.rows += s.rows
	for _, at := range s.grams {
		if t.counts[at] < 1<<16-1 {
			t.counts[at]++
		}
	}
	for _, at := range s.words {
		if t.words[at] < 1<<16-1 {
			t.words[at]++
		}
	}
}

// freeze decides what is a template: what stands in 20 sampled rows and in one of 500; of fewer than 40 rows, in half.
func (t *templates) freeze() {
	least := uint16(min(max(3, min(20, t.rows/2), t.rows/500), 1<<16-1))
	t.frozen = make([]uint64, gramSlots/64)
	for i, n := range t.counts {
		if n >= least {
			t.frozen[i/64] |= 1 << (i % 64)
		}
	}
	t.counts = nil
}

func (t *templates) has(gram uint64) bool {
	at := gramSlot(gram)
	return t.frozen[at/64]>>(at%64)&1 != 0
}

// mask appends for each word whether it is not part of a template.
func (t *templates) mask(dst []bool, words []uint64) []bool {
	start := len(dst)
	var gram, oldest uint64
	for i, w := range words {
		if i >= gramSize {
			oldest = words[i-gramSize]
		}
		gram = roll(gram, oldest, w)
		dst = append(dst, true)
		if i >= gramSize-1 && t.has(gram) {
			clear(dst[start+i-gramSize+1:])
		}
	}
	return dst
}

// unmask clears what is part of a template in a mask made by another.
func (t *templates) unmask(keep []bool, words []uint64) {
	var gram, oldest uint64
	for i, w := range words {
		if i >= gramSize {
			oldest = words[i-gramSize]
		}
		gram = roll(gram, oldest, w)
		if i >= gramSize-1 && t.has(gram) {
			clear(keep[i-gramSize+1 : i+1])
		}
	}
}

// sampleTemplates reads the sample of a file.
func sampleTemplates(ctx context.Context, f *dataset.File, workers int, a *alphabet) (*templates, error) {
	t := newTemplates()
	for s, err := range dataset.Map(ctx, f, workers, func() func(*dataset.Block) *sampled {
		s := newSampler(a)
		return func(b *dataset.Block) *sampled {
			s.out = new(sampled)
			most := sampleEach
			for row := range b.Rows() {
				if row.Line == 1 {
					most = sampleFirst
				}
				if len(row.Problems) == 0 {
					s.buf, _ = promptWords(s.buf[:0], a, row)
					s.add(s.buf)
				}
				if most--; most == 0 {
					break
				}
			}
			return s.out
		}
	}) {
		if err != nil {
			return nil, err
		}
		t.take(s)
	}
	t.freeze()
	return t, nil
}
