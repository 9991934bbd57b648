package audit

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/stats"
)

const (
	driftTests   = 30   // fewest tests from which anything is told
	driftText    = 2000 // bytes of a prompt whose words are looked at
	driftWords   = 200  // fewest words in the tests
	driftP       = .001 // of the tests of lengths and of answers
	driftShare   = .1   // total variation between the answers' shares, beyond that of chance, from which it is told
	driftLengths = .25  // Kolmogorov-Smirnov distance between lengths
	driftUnseen  = .05  // share of unseen words above the one expected
)

// drift compares the prompts and answers of the training data with those of the tests: a benchmark that asks for something
// else measures something else.
type drift struct {
	study *study
	eyes  []*driftEye
}

// newDrift returns nil where there are hardly any tests.
func newDrift(s *study) inquiry {
	if len(s.tests.Tests) < driftTests {
		return nil
	}
	return &drift{study: s}
}

// driftEye keeps what it saw until the end of the pass: that all eyes together saw a word, and how often a length, does
// not depend on who saw it when.
type driftEye struct {
	words   wordSet
	lengths histogram
}

func (q *drift) eye() eye {
	e := &driftEye{words: newWordSet()}
	q.eyes = append(q.eyes, e)
	return e
}

func (e *driftEye) row(row *dataset.Row) {
	size, looked := 0, 0
	for i := range row.Messages {
		if m := &row.Messages[i]; m.Role == "user" {
			size += len(m.Content)
			if text := m.Content[:min(len(m.Content), driftText-looked)]; text != "" {
				looked += len(text)
				e.words.add(text)
			}
		}
	}
	e.lengths.add(size)
}

func (e *driftEye) done() any { return nil }
func (q *drift) take(any)     {}

func (q *drift) report(report report) error {
	seen := q.eyes[0]
	for _, e := range q.eyes[1:] {
		seen.words.join(&e.words)
		seen.lengths.join(&e.lengths)
	}
	q.eyes = nil
	q.answers(report)
	q.lengths(&seen.lengths, report)
	q.unseen(&seen.words, report)
	return nil
}

// answers compares how often each label stands in both.
func (q *drift) answers(report report) {
	set := q.study.train
	labels := set.labelSet()
	if labels == nil {
		return
	}
	index := make(map[string]int, len(labels))
	table := [][]int{make([]int, len(labels)), make([]int, len(labels))}
	for i, l := range labels {
		index[l.Answer] = i
		table[0][i] = l.Count
	}
	n := 0
	for _, t := range q.study.tests.Tests {
		if i, ok := index[strings.TrimSpace(t.Ideal[0])]; ok && len(t.Ideal) == 1 {
			table[1][i]++
			n++
		}
	}
	if 2*n < len(q.study.tests.Tests) {
		return // not a suite of labels
	}
	a, ok := associate(table)
	if !ok {
		return
	}
	rows := [2]float64{float64(a.N - n), float64(n)}
	variation, byChance := 0.0, 0.0
	for j := range labels {
		variation += math.Abs(float64(table[0][j])/rows[0]-float64(table[1][j])/rows[1]) / 2
		p := float64(table[0][j]+table[1][j]) / float64(a.N)
		byChance += math.Sqrt(2/math.Pi*p*(1-p)*(1/rows[0]+1/rows[1])) / 2
	}
	if a.P >= driftP || variation < byChance+driftShare {
		return
	}
	share := [2]float64{float64(table[0][a.Col]) / rows[0], float64(table[1][a.Col]) / rows[1]}
	lo, hi := stats.Wilson(table[1][a.Col], n, .95)
	report(diag.Finding{
		Message: fmt.Sprintf("the tests want answers in other shares than the training data has them: %s %s of the %d examples, %s of the %d tests (95 %% interval %s to %s); "+
			"total variation %.2f, where chance would give %.2f; chi-square %.3g with %s, %s",
			quoted(labels[a.Col].Answer), percent(share[0]), int(rows[0]), percent(share[1]), n, percent(lo), percent(hi),
			variation, byChance, a.ChiSquare, plural(a.Freedom, "degree of freedom", "degrees of freedom"), chance(a.P)),
		Hint: "see which of the two is what the model will be asked in use",
	})
}

// lengths compares how long prompts are, by the two-sample test of Kolmogorov and Smirnov.
func (q *drift) lengths(train *histogram, report report) {
	var tests histogram
	for _, t := range q.study.tests.Tests {
		size := 0
		for _, m := range t.Input {
			if m.Role == "user" {
				size += len(m.Content)
			}
		}
		tests.add(size)
	}
	distance, p := kolmogorovSmirnov(train, &tests)
	if p >= driftP || distance < driftLengths {
		return
	}
	report(diag.Finding{
		Message: fmt.Sprintf("prompts of the tests are of other lengths than those of the training data: half have at most about %d bytes, there %d; Kolmogorov-Smirnov distance %.2f over %d tests and %d examples, %s",
			tests.median(), train.median(), distance, tests.n, train.n, chance(p)),
		Hint: "train on prompts as long as those that will come",
	})
}

// unseen compares the share of the tests' words that no training prompt has with the share to be expected of more prompts
// of the same kind: that of the words seen once (Good, Biometrika 40, 1953).
func (q *drift) unseen(train *wordSet, report report) {
	tests := q.study.tests
	missing, words := make([]float64, len(tests.Tests)), make([]float64, len(tests.Tests))
	var all, none float64
	for i, t := range tests.Tests {
		looked := 0
		for _, m := range t.Input {
			if m.Role == "user" {
				text := m.Content[:min(len(m.Content), driftText-looked)]
				looked += len(text)
				eachWord(text, func(h uint64) {
					words[i]++
					if !train.has(h) {
						missing[i]++
					}
				})
			}
		}
		all += words[i]
		none += missing[i]
	}
	if all < driftWords || train.n < driftWords {
		return
	}
	lo, hi := stats.Ratio(missing, words, .025)
	expected := train.once()
	if lo < expected+driftUnseen || lo < 2*expected {
		return
	}
	worst := make([]int, len(missing))
	for i := range worst {
		worst[i] = i
	}
	slices.SortStableFunc(worst, func(a, b int) int { return cmp.Compare(missing[b], missing[a]) })
	var related []diag.Place
	for _, i := range worst[:5] {
		related = append(related, diag.Place{File: tests.File, Line: tests.Tests[i].Line})
	}
	report(diag.Finding{
		Message: fmt.Sprintf("%s of the %.0f words in the tests' prompts (95 %% interval %s to %s) stand in no training prompt, where %s would be expected of prompts of the same kind",
			percent(none/all), all, percent(lo), percent(hi), percent(expected)),
		Hint:    "add examples of what the tests ask about",
		Related: related,
	})
}

// eachWord calls f with the hash of each word: a run of letters, case of ASCII aside.
func eachWord(text string, f func(hash uint64)) {
	const seed, prime = 0xcbf29ce484222325, 0x100000001b3 // FNV-1a
	h := uint64(seed)
	for i := range len(text) {
		c := text[i]
		if c|0x20 >= 'a' && c|0x20 <= 'z' {
			h = (h ^ uint64(c|0x20)) * prime
		} else if c >= 0x80 {
			h = (h ^ uint64(c)) * prime
		} else if h != seed {
			f(h ^ h>>32)
			h = seed
		}
	}
	if h != seed {
		f(h ^ h>>32)
	}
}

// wordSet knows of each word whether it was never seen, once or more often, by one of four million places: 1 MiB. Where
// a million different words share them, one in eight of the unseen passes as seen.
type wordSet struct {
	some, more []uint64
	n          int // words, not different ones
}

const wordPlaces = 1 << 22

func newWordSet() wordSet {
	return wordSet{some: make([]uint64, wordPlaces/64), more: make([]uint64, wordPlaces/64)}
}

func (s *wordSet) add(text string) {
	eachWord(text, func(h uint64) {
		i, bit := h%wordPlaces/64, uint64(1)<<(h%64)
		if s.some[i]&bit == 0 {
			s.some[i] |= bit
		} else if s.more[i]&bit == 0 {
			s.more[i] |= bit
		}
		s.n++
	})
}

func (s *wordSet) has(h uint64) bool { return s.some[h%wordPlaces/64]>>(h%64)&1 != 0 }

func (s *wordSet) join(o *wordSet) {
	for i := range s.some {
		s.more[i] |= o.more[i] | s.some[i]&o.some[i]
		s.some[i] |= o.some[i]
	}
	s.n += o.n
}

// once is the share of the words seen that were seen once.
func (s *wordSet) once() float64 {
	n := 0
	for i := range s.some {
		n += bits.OnesCount64(s.some[i] &^ s.more[i])
	}
	return float64(n) / float64(max(s.n, 1))
}

// histogram counts lengths: exactly below 64, then in sixteenths of a doubling.
type histogram struct {
	counts [64 + 16*58]int
	n      int
}

func (h *histogram) add(size int) {
	i := size
	if size >= 64 {
		e := bits.Len(uint(size)) - 1
		i = 64 + 16*(e-6) + size>>(e-4)&15
	}
	h.counts[i]++
	h.n++
}

func (h *histogram) join(o *histogram) {
	for i, c := range o.counts {
		h.counts[i] += c
	}
	h.n += o.n
}

// median is the least size in the place of the histogram that holds it.
func (h *histogram) median() int {
	seen := 0
	for i, c := range h.counts {
		if seen += c; 2*seen >= h.n {
			if i < 64 {
				return i
			}
			e := 6 + (i-64)/16
			return 1<<e + (i-64)%16<<(e-4)
		}
	}
	return 0
}

// kolmogorovSmirnov returns the greatest distance between the two distribution functions, and the asymptotic probability of one as
// great by chance. That sizes are counted in steps makes the distance smaller, if anything.
func kolmogorovSmirnov(a, b *histogram) (distance, p float64) {
	if a.n == 0 || b.n == 0 {
		return 0, 1
	}
	var below [2]int
	for i := range a.counts {
		below[0] += a.counts[i]
		below[1] += b.counts[i]
		distance = max(distance, math.Abs(float64(below[0])/float64(a.n)-float64(below[1])/float64(b.n)))
	}
	x := math.Sqrt(float64(a.n)*float64(b.n)/float64(a.n+b.n)) * distance
	if x < .3 {
		return distance, 1
	}
	sign := 2.0
	for k := 1.0; k <= 100; k++ {
		term := sign * math.Exp(-2*k*k*x*x)
		p += term
		if math.Abs(term) < 1e-16 {
			break
		}
		sign = -sign
	}
	return distance, min(1, max(0, p))
}
