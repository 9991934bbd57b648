package audit

import (
	"cmp"
	"slices"
	"sync"

	"github.com/tunegate/tunegate/internal/dataset"
)

// heldShingles bounds how many shingles of earlier requests wait for later ones; with more of them, the file is read
// more than once.
const heldShingles = 64 << 20

// shingled is a request read again: its shingles in order, and sorted without repeats.
type shingled struct {
	line         int32
	ordered, set []uint32
}

// comparison is a request and those before it that it is compared with.
type comparison struct {
	later   int32
	ordered []uint32
	set     []uint32
	earlier []int32
	sets    [][]uint32
}

// verify reads the long candidates again and compares their shingles: all of them, not a sketch. Candidates whose
// earlier request found no room wait for another reading.
func (l *likeness) verify(candidates []candidate) error {
	for len(candidates) > 0 {
		waiting, err := l.verifySome(candidates)
		if err != nil {
			return err
		}
		if len(waiting) == len(candidates) {
			return nil // the file has changed since
		}
		candidates = waiting
	}
	return nil
}

func (l *likeness) verifySome(candidates []candidate) (waiting []candidate, err error) {
	uses := map[int32]int{} // of an earlier request: candidates that wait for it
	rows := l.requests[l.testCount():]
	asked := make([]uint64, rows[len(rows)-1].line/64+1) // bits: lines to read
	ask := func(i int32) {
		line := l.requests[i].line
		asked[line/64] |= 1 << (line % 64)
	}
	for _, c := range candidates {
		uses[c.earlier()]++
		ask(c.earlier())
		ask(c.later())
	}
	sets := map[int32][]uint32{} // of earlier requests
	room := heldShingles
	comparisons := make(chan comparison, 4*l.study.workers)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(comparisons)
	for range l.study.workers {
		wg.Go(func() {
			var buf []uint32
			for c := range comparisons {
				buf = l.settle(c, buf)
			}
		})
	}
	for block, err := range dataset.Map(l.study.ctx, l.study.in.Train, l.study.workers, func() func(*dataset.Block) []shingled {
		var words, kept []uint64
		var keep []bool
		var starts []int32
		return func(b *dataset.Block) []shingled {
			var out []shingled
			for row := range b.RowsAt(func(line int) bool { return line/64 < len(asked) && asked[line/64]>>(line%64)&1 != 0 }) {
				if len(row.Problems) > 0 {
					continue // the file has changed since
				}
				words, _ = promptWords(words[:0], l.alphabet, row)
				keep = l.templates.mask(keep[:0], words)
				kept = kept[:0]
				for i, w := range words {
					if keep[i] {
						kept = append(kept, w)
					}
				}
				if len(kept) == 0 {
					kept = append(kept, words...)
				}
				ordered := shingles(make([]uint32, 0, len(kept)), kept)
				var set []uint32
				set, starts = sortedSet(ordered, starts)
				out = append(out, shingled{int32(row.Line), ordered, set})
			}
			return out
		}
	}) {
		if err != nil {
			return nil, err
		}
		for _, s := range block {
			at, ok := slices.BinarySearchFunc(rows, s.line, func(r request, line int32) int { return cmp.Compare(r.line, line) })
			if !ok {
				continue
			}
			i := int32(l.testCount() + at)
			for len(candidates) > 0 && candidates[0].later() < i {
				candidates = candidates[1:]
			}
			c := comparison{later: i, ordered: s.ordered, set: s.set}
			for len(candidates) > 0 && candidates[0].later() == i {
				earlier := candidates[0].earlier()
				if set, ok := sets[earlier]; ok {
					c.earlier, c.sets = append(c.earlier, earlier), append(c.sets, set)
				} else {
					waiting = append(waiting, candidates[0])
				}
				candidates = candidates[1:]
				if uses[earlier]--; uses[earlier] == 0 {
					room += len(sets[earlier])
					delete(sets, earlier)
				}
			}
			if len(c.earlier) > 0 {
				comparisons <- c
			}
			if uses[i] > 0 && len(s.set) <= room {
				room -= len(s.set)
				sets[i] = s.set
			}
		}
	}
	return waiting, nil
}

// settle writes down the closest earlier request, in the element of the later one alone.
func (l *likeness) settle(c comparison, buf []uint32) []uint32 {
	best := &l.alike[c.later]
	for k, earlier := range c.earlier {
		much, fresh := resemblance(c.sets[k], c.set, buf)
		if found := (likest{earlier, much}); much >= alikeShingle && closer(found, *best) &&
			(l.requests[c.later].answer == l.requests[earlier].answer || len(fresh) <= mostNew || longestRun(c.ordered, fresh) <= mostNew) {
			*best = found
		}
		buf = fresh
		if best.much >= closeBy {
			break
		}
	}
	return buf
}
