package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
)

// The bytes of a model: a magic line, one byte for its kind, the body, and the
// CRC-32 of all before it. Numbers are varints, floats 4 bytes little-endian.
const (
	modelMagic    = "tunegate local model 1\n"
	maxModelBytes = 64 << 20
)

var errModel = errors.New("not a model of this version, or damaged")

// WriteTo writes the model; [ReadModel] reads it back.
func (m *Model) WriteTo(w io.Writer) (int64, error) {
	e := encoder{b: []byte(modelMagic)}
	switch {
	case m.labels != nil:
		e.b = append(e.b, byte(labelKind))
		m.labels.encode(&e)
	case m.spans != nil:
		e.b = append(e.b, byte(spanKind))
		m.spans.encode(&e)
	case m.nearest != nil:
		e.b = append(e.b, byte(nearestKind))
		m.nearest.encode(&e)
	default:
		return 0, errors.New("an empty model cannot be written")
	}
	e.b = binary.LittleEndian.AppendUint32(e.b, crc32.ChecksumIEEE(e.b))
	if len(e.b) > maxModelBytes {
		return 0, fmt.Errorf("model of %d bytes is larger than %d", len(e.b), maxModelBytes)
	}
	n, err := w.Write(e.b)
	return int64(n), err
}

// ReadModel reads what WriteTo wrote. Anything else is an error; it never
// takes more memory than a small multiple of what it was given, 64 MB at most.
func ReadModel(r io.Reader) (*Model, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxModelBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading model: %w", err)
	}
	if len(b) > maxModelBytes {
		return nil, fmt.Errorf("reading model: larger than %d bytes", maxModelBytes)
	}
	head := len(modelMagic) + 1
	end := len(b) - 4
	if end < head || string(b[:len(modelMagic)]) != modelMagic ||
		crc32.ChecksumIEEE(b[:end]) != binary.LittleEndian.Uint32(b[end:]) {
		return nil, fmt.Errorf("reading model: %w", errModel)
	}
	d := decoder{b: b[head:end]}
	m := &Model{}
	switch kind(b[head-1]) {
	case labelKind:
		m.labels = decodeLabels(&d)
	case spanKind:
		m.spans = decodeSpans(&d)
	case nearestKind:
		m.nearest = decodeNearest(&d)
	default:
		d.fail()
	}
	if d.bad || len(d.b) > 0 {
		return nil, fmt.Errorf("reading model: %w", errModel)
	}
	return m, nil
}

// encoder appends values to b.
type encoder struct{ b []byte }

func (e *encoder) count(n int) { e.b = binary.AppendUvarint(e.b, uint64(n)) }

func (e *encoder) flag(f bool) {
	if f {
		e.b = append(e.b, 1)
	} else {
		e.b = append(e.b, 0)
	}
}

func (e *encoder) text(s string) {
	e.count(len(s))
	e.b = append(e.b, s...)
}

func (e *encoder) texts(s []string) {
	e.count(len(s))
	for _, t := range s {
		e.text(t)
	}
}

func (e *encoder) numbers(n []int32) {
	e.count(len(n))
	for _, x := range n {
		e.count(int(x))
	}
}

func (e *encoder) floats(f []float32) {
	e.count(len(f))
	for _, x := range f {
		e.b = binary.LittleEndian.AppendUint32(e.b, math.Float32bits(x))
	}
}

// rising appends strictly rising numbers as their differences.
func (e *encoder) rising(n []uint32) {
	e.count(len(n))
	prev := uint32(0)
	for _, x := range n {
		e.b = binary.AppendUvarint(e.b, uint64(x-prev))
		prev = x
	}
}

func (e *encoder) cells(c []int8) {
	e.count(len(c))
	for _, x := range c {
		e.b = append(e.b, byte(x))
	}
}

// decoder takes values off b. After the first that is not there, or is out of
// bounds, bad is set and every value is empty.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) fail() { d.b, d.bad = nil, true }

// count reads a number of things that take at least size bytes each; what
// could not stand in the rest of the bytes is an error, so nobody allocates for it.
func (d *decoder) count(size int) int {
	n := d.number(math.MaxInt32)
	if n > len(d.b)/size {
		d.fail()
		return 0
	}
	return n
}

// list is count with a limit.
func (d *decoder) list(size, limit int) int {
	n := d.count(size)
	if n > limit {
		d.fail()
		return 0
	}
	return n
}

// number reads a number from 0 to limit.
func (d *decoder) number(limit int) int {
	x, n := binary.Uvarint(d.b)
	if n <= 0 || x > uint64(limit) {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return int(x)
}

func (d *decoder) flag() bool { return d.number(1) == 1 }

func (d *decoder) text() string {
	n := d.count(1)
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}

// texts reads at most limit texts: each takes more memory than bytes.
func (d *decoder) texts(limit int) []string {
	s := make([]string, d.list(1, limit))
	for i := range s {
		s[i] = d.text()
	}
	return s
}

// numbers reads numbers from 0 to limit.
func (d *decoder) numbers(limit int) []int32 {
	s := make([]int32, d.count(1))
	for i := range s {
		s[i] = int32(d.number(limit))
	}
	return s
}

// floats reads floats, which must be finite.
func (d *decoder) floats() []float32 {
	f := make([]float32, d.count(4))
	for i := range f {
		f[i] = math.Float32frombits(binary.LittleEndian.Uint32(d.b[4*i:]))
		if x := float64(f[i]); math.IsNaN(x) || math.IsInf(x, 0) {
			d.fail()
			return nil
		}
	}
	d.b = d.b[4*len(f):]
	return f
}

func (d *decoder) rising(limit int) []uint32 {
	s := make([]uint32, d.list(1, limit))
	prev := 0
	for i := range s {
		x := d.number(math.MaxUint32 - prev)
		if i > 0 && x == 0 {
			d.fail()
		}
		prev += x
		s[i] = uint32(prev)
	}
	return s
}

func (d *decoder) cells() []int8 {
	n := d.count(1)
	c := make([]int8, n)
	for i := range c {
		c[i] = int8(d.b[i])
	}
	d.b = d.b[n:]
	return c
}
