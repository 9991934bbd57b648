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
	parts parts
	links []link
	heap  []uint64
}

const (
	// quadraticMax is the longest piece for which scanning for the lowest rank is quicker than a heap.
	quadraticMax = 96
	// keepBytes is the longest piece whose memory is kept for the next one.
	keepBytes = 16 << 10
)

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

// parts are those of a piece of at most quadraticMax bytes while it is merged, each under the number of its first byte.
type parts struct {
	text       [partsRoom + 16]byte // of the piece, and what the key of a part at its end may reach into
	joins      [partsRoom]uint32    // of each part with the next one, see join; of a part that is gone, noJoin
	next, prev [partsRoom]uint8     // part
}

const (
	partsRoom = 1 << partBits
	partBits  = 7
	noJoin    = noRank << partBits & (1<<32 - 1) // and above
)

// join is the rank of a part and the next one together, with the part's number below it: the least is the next to be merged.
func join(rank uint32, part uint) uint32 { return rank<<partBits | uint32(part) }

// scan merges a piece of at most quadraticMax bytes by looking at all parts for each merge.
func (m *merger) scan(piece []byte) int {
	s, n := &m.parts, uint(len(piece))
	copy(s.text[:partsRoom], piece)
	for i := uint(1); i < n; i++ {
		s.joins[(i-1)%partsRoom] = join(m.vocab.pairs[uint(piece[i-1])<<8|uint(piece[i])], i-1)
		s.next[(i-1)%partsRoom], s.prev[i%partsRoom] = uint8(i), uint8(i-1)
	}
	s.next[(n-1)%partsRoom] = uint8(n)
	for i := n - 1; i < n+3; i++ { // least looks at four
		s.joins[i%partsRoom] = noJoin
	}
	for count := int(n); ; count-- {
		least := s.least(n)
		if least >= noJoin {
			return count
		}
		i := uint(least % partsRoom)
		gone := uint(s.next[i] % partsRoom)
		end := uint(s.next[gone])
		s.joins[i], s.joins[gone] = noJoin, noJoin
		s.next[i], s.prev[end%partsRoom] = uint8(end), uint8(i)
		if end < n {
			s.joins[i] = join(m.part(i, uint(s.next[end%partsRoom])), i)
		}
		if i > 0 {
			before := uint(s.prev[i] % partsRoom)
			s.joins[before] = join(m.part(before, end), before)
		}
	}
}

// least returns the least join of the first n parts. It has no branch for each, which no processor would foresee.
func (s *parts) least(n uint) uint32 {
	a, b, c, d := int64(noJoin), int64(noJoin), int64(noJoin), int64(noJoin)
	for joins := s.joins[:(n+3)&^3%(2*partsRoom)]; len(joins) >= 4; joins = joins[4:] {
		a = lesser(a, int64(joins[0]))
		b = lesser(b, int64(joins[1]))
		c = lesser(c, int64(joins[2]))
		d = lesser(d, int64(joins[3]))
	}
	return uint32(lesser(lesser(a, b), lesser(c, d)))
}

func lesser(a, b int64) int64 {
	less := a - b
	return b + less&(less>>63)
}

// part returns the rank of the bytes of the short piece from start to end, more than two.
func (m *merger) part(start, end uint) uint32 {
	if n := int(end - start); n <= shortMax {
		return m.vocab.shortRank(m.vocab.masks.key((*[16]byte)(m.parts.text[start:]), n))
	}
	return m.vocab.rank(m.parts.text[start:end])
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
