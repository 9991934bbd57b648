package audit

import (
	"slices"
	"sync"
)

// Requests that share a key are candidates. Records of key and request are dealt out into parts by key, as many parts at a time as
// roundParts allow, and each part is sorted; of a key that many share, each request meets the first and the last few before it.
const (
	partKeys   = 1 << 20 // about how many records a part has
	roundParts = 16      // parts at a time: 128 MB
	meetFirst  = 4
	meetBefore = 6
	meetTests  = 32
	meetRows   = 256            // that are compared with tests
	leastShare = alikeSub - .25 // of a request's weight in another's; below it not even misspellings can make them alike
	closeBy    = .95            // as alike as this, no closer one is looked for
)

// group calls visit for each key that several requests share, with their indices in order. add appends the keys of one
// request. The parts are gone through by several workers; visitor makes the function of each part, which is told when it
// is over by an empty list.
func (l *likeness) group(each int, add func(dst []uint64, r *request, scratch []uint32) []uint64, visitor func() func([]int32)) {
	n := len(l.requests)
	parts := max(4, n*each/partKeys)
	for from := 0; from < parts; from += roundParts {
		to := min(parts, from+roundParts)
		dealt := make([][][]uint64, l.study.workers) // by worker and part: a worker's requests stand together, and in order
		var wg sync.WaitGroup
		for worker := range dealt {
			wg.Go(func() {
				hands := make([][]uint64, to-from)
				scratch := make([]uint32, 0, keyWords)
				var keys []uint64
				for i := n * worker / len(dealt); i < n*(worker+1)/len(dealt); i++ {
					keys = add(keys[:0], &l.requests[i], scratch)
					for _, k := range keys {
						k *= hashSpread
						if p := int(k % uint64(parts)); p >= from && p < to {
							hands[p-from] = append(hands[p-from], k>>rowBits<<rowBits|uint64(i))
						}
					}
				}
				dealt[worker] = hands
			})
		}
		wg.Wait()
		next := make(chan int, to-from)
		for p := range to - from {
			next <- p
		}
		close(next)
		for range l.study.workers {
			wg.Go(func() {
				var records, spare []uint64
				var rows []int32
				for p := range next {
					records = records[:0]
					for _, hands := range dealt {
						records = append(records, hands[p]...)
						hands[p] = nil
					}
					records, spare = radixSort(records, spare, rowBits)
					rows = shared(records, rows, visitor())
				}
			})
		}
		wg.Wait()
	}
}

// shared calls visit with the requests of each key that several have, and with none at the end. It uses rows, and returns it.
func shared(records []uint64, rows []int32, visit func([]int32)) []int32 {
	for from := 0; from < len(records); {
		to := from + 1
		for to < len(records) && records[to]>>rowBits == records[from]>>rowBits {
			to++
		}
		if to-from > 1 {
			rows = rows[:0]
			for _, r := range records[from:to] {
				rows = append(rows, int32(r&(1<<rowBits-1)))
			}
			visit(slices.Compact(rows))
		}
		from = to
	}
	visit(nil)
	return rows
}

// rowBits are those of a record that number its request; the other 33 are its key's.
const rowBits = 31

// radixSort sorts by the bits from shift on, and keeps the order of what is equal there. It returns the sorted array and the other.
func radixSort[T ~uint64](a, b []T, shift int) (sorted, spare []T) {
	b = slices.Grow(b[:0], len(a))[:len(a)]
	for ; shift < 64; shift += 11 {
		var count [1 << 11]int
		for _, v := range a {
			count[v>>shift&(1<<11-1)]++
		}
		if slices.Contains(count[:], len(a)) {
			continue // all are equal there
		}
		at := 0
		for i, n := range count {
			count[i], at = at, at+n
		}
		for _, v := range a {
			d := v >> shift & (1<<11 - 1)
			b[count[d]] = v
			count[d]++
		}
		a, b = b, a
	}
	return a, b
}

// meetings calls meet for the pairs of a group that are looked at, the later one first.
func meetings(rows []int32, first, before int, meet func(later, earlier int32)) {
	for k, later := range rows {
		for i := range min(k, first) {
			meet(later, rows[i])
		}
		for i := max(first, k-before); i < k; i++ {
			meet(later, rows[i])
		}
	}
}

// compareShort finds for each short request the closest earlier one, and the tests that it is like.
func (l *likeness) compareShort() {
	to := l.wordbook.weigh(len(l.requests))
	for i := range l.requests {
		r := &l.requests[i]
		words := l.wordsOf(r)
		for k, w := range words {
			words[k] = to[w]
			r.weight += l.wordbook.weight[to[w]]
		}
		slices.Sort(words)
	}
	tests := int32(l.testCount())
	var mu sync.Mutex
	l.group(keyWords*(keyWords-1)/2+1, func(dst []uint64, r *request, scratch []uint32) []uint64 {
		if r.words == 0 {
			return dst
		}
		return l.wordbook.keys(dst, l.wordsOf(r), scratch)
	}, func() func([]int32) {
		w := wording{wordbook: &l.wordbook}
		best := make([]likest, len(l.requests))
		var gifts []leak
		meet := func(later, earlier int32) {
			b := &best[later]
			a, c := &l.requests[earlier], &l.requests[later]
			if b.much >= closeBy || b.much > 0 && b.to == earlier || min(a.weight, c.weight) < leastShare*max(a.weight, c.weight) || !l.comparable(a, c) {
				return
			}
			share, within := w.compare(l.wordsOf(a), l.wordsOf(c), a.weight, c.weight)
			if (share >= alikeWords || within && share >= alikeSub) && !w.numbersApart() && closer(likest{earlier, share}, *b) {
				*b = likest{earlier, share}
			}
		}
		return func(rows []int32) {
			if rows == nil {
				mu.Lock()
				defer mu.Unlock()
				l.gifts = append(l.gifts, gifts...)
				for i, b := range best {
					if b.much > 0 && closer(b, l.alike[i]) {
						l.alike[i] = b
					}
				}
				return
			}
			t := 0
			for t < len(rows) && rows[t] < tests {
				t++
			}
			for _, test := range rows[:min(t, meetTests)] {
				for _, row := range rows[t:min(len(rows), t+meetRows)] {
					t, r := &l.requests[test], &l.requests[row]
					if share, within := w.compare(l.wordsOf(t), l.wordsOf(r), t.weight, r.weight); share >= testWording || within && share >= testSub {
						gifts = append(gifts, leak{line: r.line, test: test, share: share})
					}
				}
			}
			meetings(rows[t:], meetFirst, meetBefore, meet)
		}
	})
}

// closer prefers what is more alike, then what stands earlier.
func closer(a, b likest) bool { return a.much > b.much || a.much == b.much && a.to < b.to }

func (l *likeness) wordsOf(r *request) []uint32 { return l.arena[r.start:][:r.words] }

func (l *likeness) testCount() int { return len(l.study.tests.Tests) }

// candidate is a long request and one before it, in the order of the later one, and how many bands they share: numbers of
// 28, 28 and 8 bits (maxRows).
type candidate uint64

const bandBits = 8

func newCandidate(later, earlier int32, bands int) candidate {
	return candidate(later)<<(28+bandBits) | candidate(earlier)<<bandBits | candidate(bands)
}
func (c candidate) later() int32   { return int32(c >> (28 + bandBits)) }
func (c candidate) earlier() int32 { return int32(c >> bandBits & (1<<28 - 1)) }
func (c candidate) bands() int     { return int(c & (1<<bandBits - 1)) }

// join sorts candidates and joins those of the same two requests. It returns them, and room to use again.
func join(cs, spare []candidate) (joined, room []candidate) {
	cs, spare = radixSort(cs, spare, bandBits)
	out := cs[:0]
	for _, c := range cs {
		if n := len(out); n > 0 && out[n-1]>>bandBits == c>>bandBits {
			out[n-1] += candidate(c.bands())
		} else {
			out = append(out, c)
		}
	}
	return out, spare
}

const (
	mostCandidates = 3 // of a long request: those that share the most bands
	leastBands     = 2 // that it shares with each
)

// longCandidates returns for the long rows the earlier ones that may be like them, in order.
func (l *likeness) longCandidates() []candidate {
	var all []candidate
	var mu sync.Mutex
	tests := l.testCount()
	l.group(bandCount, func(dst []uint64, r *request, _ []uint32) []uint64 {
		if r.long < 0 {
			return dst
		}
		for i, band := range l.bands[int(r.long)*bandCount:][:bandCount] {
			dst = append(dst, uint64(i)<<32|uint64(band))
		}
		return dst
	}, func() func([]int32) {
		var found, spare []candidate
		room := 1 << 20
		return func(rows []int32) {
			if rows == nil {
				found, _ = join(found, spare)
				mu.Lock()
				defer mu.Unlock()
				all = append(all, found...)
				return
			}
			for len(rows) > 0 && int(rows[0]) < tests {
				rows = rows[1:]
			}
			meetings(rows, 1, 2, func(later, earlier int32) {
				if l.comparable(&l.requests[earlier], &l.requests[later]) {
					found = append(found, newCandidate(later, earlier, 1))
				}
			})
			if len(found) > room { // most are met band after band
				found, spare = join(found, spare)
				room = 1<<20 + 2*len(found)
			}
		}
	})
	all, _ = join(all, nil)
	// Of each later row the few that share most bands, the earlier first.
	out := all[:0]
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].later() == all[0].later() {
			n++
		}
		of := slices.DeleteFunc(all[:n], func(c candidate) bool { return c.bands() < leastBands })
		all = all[n:]
		slices.SortStableFunc(of, func(a, b candidate) int { return b.bands() - a.bands() })
		of = of[:min(len(of), mostCandidates)]
		slices.Sort(of)
		out = append(out, of...)
	}
	return out
}
