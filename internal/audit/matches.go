package audit

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/zeebo/xxh3"
)

// matches finds the equal ones among any number of hashes. They are dealt out by their first bits into parts, and each
// part is looked through by itself with a small table: a table of all would be many times larger than the processor's caches,
// and would grow by copying. Beyond maxHeld hashes they lie in a temporary file, so that memory is bounded. Not for
// concurrent use. The zero value is ready; close it.
type matches struct {
	held  [hashParts]list
	n     int // held in memory
	limit int // of that, 0 for maxHeld
	file  *os.File
	size  int64
	wrote [hashParts][]extent
}

const (
	hashParts = 64
	// maxHeld is how many hashes are held in memory: 32 MB of them.
	maxHeld = 1600 << 10
	// listChunk is how many a list takes at a time, once it is long.
	listChunk = 512
)

// hashed is what is known of a row. Of its hash 96 bits are kept besides the 6 that chose the part: among 10 million rows
// two are taken for equal by chance once in 10¹⁷ times.
type hashed struct {
	hash   [3]uint32
	line   int32 // from 1
	answer uint32
}

const hashedSize = 20 // bytes in the file

// list is a list in order that grows without being copied.
type list [][]hashed

func (l *list) add(h hashed) {
	chunks := *l
	if n := len(chunks); n == 0 || len(chunks[n-1]) == cap(chunks[n-1]) {
		size := 16
		if n > 0 {
			size = min(4*cap(chunks[n-1]), listChunk)
		}
		*l = append(chunks, make([]hashed, 0, size))
	}
	last := &(*l)[len(*l)-1]
	*last = append(*last, h)
}

// extent is where some of a part lie in the file.
type extent struct {
	at int64
	n  int
}

// add takes down a row. Rows come in the order of their lines.
func (m *matches) add(hash xxh3.Uint128, line int32, answer uint32) error {
	m.held[hash.Hi>>58].add(hashed{[3]uint32{uint32(hash.Lo), uint32(hash.Lo >> 32), uint32(hash.Hi)}, line, answer})
	if m.n++; m.n < cmp.Or(m.limit, maxHeld) {
		return nil
	}
	if err := m.spill(); err != nil {
		return fmt.Errorf("keeping the hashes of rows: %w", err)
	}
	return nil
}

// spill moves what is held to the file.
func (m *matches) spill() (err error) {
	if m.file == nil {
		if m.file, err = os.CreateTemp("", "tunegate-rows-"); err != nil {
			return err
		}
	}
	w := bufio.NewWriterSize(m.file, 256<<10)
	for p := range m.held {
		n := 0
		for _, chunk := range m.held[p] {
			for _, h := range chunk {
				b := w.AvailableBuffer()
				for _, v := range [...]uint32{h.hash[0], h.hash[1], h.hash[2], uint32(h.line), h.answer} {
					b = binary.LittleEndian.AppendUint32(b, v)
				}
				w.Write(b) // an error stays, and Flush returns it
			}
			n += len(chunk)
		}
		m.wrote[p] = append(m.wrote[p], extent{m.size, n})
		m.size += int64(n) * hashedSize
		m.held[p] = nil
	}
	m.n = 0
	return w.Flush()
}

// close removes the file, if there is one.
func (m *matches) close() {
	if m.file != nil {
		m.file.Close()
		os.Remove(m.file.Name()) // a temporary file that stays behind harms nobody
	}
}

// each calls f with every row that has the hash of an earlier one, and with the first of those, in no certain order. What
// was held is let go.
func (m *matches) each(f func(first, second hashed)) error {
	var table []hashed // a line of 0 is an empty slot
	for p := range m.held {
		n := 0
		for _, e := range m.wrote[p] {
			n += e.n
		}
		for _, chunk := range m.held[p] {
			n += len(chunk)
		}
		size := 64
		for size < n+n/2 {
			size *= 2
		}
		if size > len(table) {
			table = make([]hashed, size)
		}
		clear(table)
		look := func(h hashed) {
			mask := uint32(len(table) - 1)
			i := h.hash[0] & mask
			for table[i].line != 0 {
				if table[i].hash == h.hash {
					f(table[i], h)
					return
				}
				i = (i + 1) & mask
			}
			table[i] = h
		}
		for _, e := range m.wrote[p] {
			if err := m.read(e, look); err != nil {
				return fmt.Errorf("reading the hashes of rows: %w", err)
			}
		}
		for _, chunk := range m.held[p] {
			for _, h := range chunk {
				look(h)
			}
		}
		m.held[p] = nil
	}
	return nil
}

// read calls f for each row of a part of the file.
func (m *matches) read(e extent, f func(hashed)) error {
	r := bufio.NewReaderSize(io.NewSectionReader(m.file, e.at, int64(e.n)*hashedSize), 64<<10)
	for range e.n {
		b, err := r.Peek(hashedSize)
		if err != nil {
			return err
		}
		at := func(i int) uint32 { return binary.LittleEndian.Uint32(b[4*i:]) }
		f(hashed{[3]uint32{at(0), at(1), at(2)}, int32(at(3)), at(4)})
		r.Discard(hashedSize) // was peeked at
	}
	return nil
}

// pairs returns the lines of the rows that wanted picks, in file order.
func (m *matches) pairs(wanted func(first, second hashed) bool) ([]pair, error) {
	var out []pair
	err := m.each(func(first, second hashed) {
		if wanted(first, second) {
			out = append(out, pair{first.line, second.line})
		}
	})
	slices.SortFunc(out, func(a, b pair) int { return cmp.Compare(a.second, b.second) })
	return out, err
}
