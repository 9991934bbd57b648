package tokens

import (
	"math"
	"slices"
)

// merger counts the tokens that byte pair encoding makes of a piece: starting from single bytes, the two neighbours
// that together are the token of lowest rank are joined, the leftmost first, until no two are a token.
//
// Its memory follows the longest piece while that is being counted (about 30 bytes for each of its bytes) and is given back
// down to keepBytes.
type merger struct {
	vocab *vocabulary
	parts []part
	links []link
	heap  []uint64
}

const (
	// quadraticMax is the longest piece for which scanning for the lowest rank is quicker than a heap.
	quadraticMax = 96
	// keepBytes is the longest piece whose memory is kept for the next one.
	keepBytes = 16 << 10
)

// part is a token in the making: where it starts, and the rank that it has joined with the next one.
type part struct {
	start int
	rank  uint32
}

// count returns the number of tokens of a piece of at least one byte.
func (m *merger) count(piece []byte) int {
	switch {
	case m.vocab.rank(piece) != noRank:
		return 1
	case len(piece) <= quadraticMax:
		return m.scan(piece)
	}
	n := m.drain(piece)
	if len(piece) > keepBytes {
		m.links, m.heap = nil, nil
	}
	return n
}

// scan merges by looking at all parts for each merge.
func (m *merger) scan(piece []byte) int {
	parts := m.parts[:0]
	for i := range piece {
		rank := uint32(noRank)
		if i+1 < len(piece) {
			rank = m.vocab.rank(piece[i : i+2])
		}
		parts = append(parts, part{i, rank})
	}
	m.parts = parts
	// joined returns the rank of the parts k and k+1 together.
	joined := func(k int) uint32 {
		if k+1 >= len(parts) {
			return noRank
		}
		end := len(piece)
		if k+2 < len(parts) {
			end = parts[k+2].start
		}
		return m.vocab.rank(piece[parts[k].start:end])
	}
	for {
		best, lowest := 0, uint32(noRank)
		for k := range parts {
			if parts[k].rank < lowest {
				best, lowest = k, parts[k].rank
			}
		}
		if lowest == noRank {
			return len(parts)
		}
		copy(parts[best+1:], parts[best+2:])
		parts = parts[:len(parts)-1]
		parts[best].rank = joined(best)
		if best > 0 {
			parts[best-1].rank = joined(best - 1)
		}
	}
}

// link is a part in a doubly linked list; its index is where it starts.
type link struct {
	next, prev uint32
	rank       uint32 // joined with the next one; noRank also for a part that has been joined to the one before
}

// drain merges with a heap of the possible merges, in n log n steps. An entry is rank<<32 | start, so the least is
// the next merge; it is stale unless the part at start still has that rank.
func (m *merger) drain(piece []byte) int {
	n := uint32(min(len(piece), math.MaxUint32)) // nobody has the memory for a longer one
	links, heap := slices.Grow(m.links[:0], int(n)), slices.Grow(m.heap[:0], int(n))
	for i := range n {
		l := link{next: i + 1, prev: i - 1, rank: noRank}
		if i+1 < n {
			l.rank = m.vocab.rank(piece[i : i+2])
		}
		links = append(links, l)
		if l.rank != noRank {
			heap = append(heap, uint64(l.rank)<<32|uint64(i))
		}
	}
	for i := len(heap)/2 - 1; i >= 0; i-- {
		sink(heap, i)
	}
	update := func(i uint32) {
		l := &links[i]
		l.rank = noRank
		if l.next < n {
			if l.rank = m.vocab.rank(piece[i:links[l.next].next]); l.rank != noRank {
				heap = append(heap, uint64(l.rank)<<32|uint64(i))
				rise(heap)
			}
		}
	}
	count := int(n)
	for len(heap) > 0 {
		top := heap[0]
		heap[0] = heap[len(heap)-1]
		heap = heap[:len(heap)-1]
		sink(heap, 0)
		i, rank := uint32(top), uint32(top>>32)
		if links[i].rank != rank {
			continue
		}
		gone := &links[links[i].next]
		gone.rank = noRank
		if gone.next < n {
			links[gone.next].prev = i
		}
		links[i].next = gone.next
		count--
		update(i)
		if i > 0 {
			update(links[i].prev)
		}
	}
	m.links, m.heap = links, heap
	return count
}

// sink restores the order of a min-heap whose entry at i may be too large.
func sink(heap []uint64, i int) {
	for {
		child := 2*i + 1
		if child >= len(heap) {
			return
		}
		if child+1 < len(heap) && heap[child+1] < heap[child] {
			child++
		}
		if heap[i] <= heap[child] {
			return
		}
		heap[i], heap[child] = heap[child], heap[i]
		i = child
	}
}

// rise restores the order of a min-heap whose last entry may be too small.
func rise(heap []uint64) {
	for i := len(heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if heap[parent] <= heap[i] {
			return
		}
		heap[i], heap[parent] = heap[parent], heap[i]
		i = parent
	}
}
