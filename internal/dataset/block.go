package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
)

// blockSize is about how many bytes of whole lines are parsed together: large enough that handing them over costs
// nothing, small enough that many workers' blocks fit in the cache.
const blockSize = 1 << 20

// smallBlock is the same for reading one row after the other.
const smallBlock = 64 << 10

// Block is a run of whole lines of a file. It belongs to the function that Map gives it to, until that returns.
type Block struct {
	data  []byte
	line  int   // of the first line
	long  int64 // bytes of the one line that was passed over, longer than limit
	limit int
	done  int64 // bytes of the file on disk read so far
	p     *parser
	blank []int
}

// Done returns how many bytes of the file on disk were read when the block was whole, of File.Size in all: what a
// display of progress shows.
func (b *Block) Done() int64 { return b.done }

// Rows yields the rows of the block in order, each good until the next. Blank lines are not rows.
func (b *Block) Rows() iter.Seq[*Row] { return b.RowsAt(func(int) bool { return true }) }

// RowsAt is Rows for some lines: the others are passed over without a look at what they hold.
func (b *Block) RowsAt(wanted func(line int) bool) iter.Seq[*Row] {
	return func(yield func(*Row) bool) {
		b.blank = b.p.blank[:0]
		defer func() { b.p.blank = b.blank }()
		if b.long > 0 {
			if !wanted(b.line) {
				return
			}
			yield(&Row{Line: b.line, ParallelToolCalls: -1, Problems: []Problem{{
				Rule:    "invalid-json",
				Message: fmt.Sprintf("line of %d bytes, more than the %d that are read", b.long, b.limit),
				Hint:    "write one example a line; a file that is one large list has to be split",
			}}})
			return
		}
		line := b.line
		for rest := b.data; len(rest) > 0; line++ {
			raw := rest
			if n := bytes.IndexByte(rest, '\n'); n >= 0 {
				raw, rest = rest[:n], rest[n+1:]
			} else {
				rest = nil
			}
			if !wanted(line) {
				continue
			}
			raw = bytes.TrimSuffix(raw, []byte("\r"))
			if len(bytes.TrimLeft(raw, " \t\r")) == 0 {
				b.blank = append(b.blank, line)
				continue
			}
			if !yield(b.p.parse(raw, line)) {
				return
			}
		}
	}
}

// Blank returns the numbers of the blank lines that Rows passed over. It is overwritten by the next block.
func (b *Block) Blank() []int { return b.blank }

// blockReader cuts a stream into blocks.
type blockReader struct {
	r     io.Reader
	size  int    // of a block
	limit int    // of a line
	line  int    // of the next block
	carry []byte // the start of a line whose end was not read yet
	begun bool
	err   error // met while reading, after which nothing follows
}

func newBlockReader(r io.Reader, size int) *blockReader {
	return &blockReader{r: r, size: size, limit: MaxLine, line: 1}
}

// next reads a block into buf, which it may replace by a larger one. It returns io.EOF after the last.
func (br *blockReader) next(buf []byte) (Block, error) {
	b := Block{line: br.line, limit: br.limit, data: append(buf[:0], br.carry...)}
	br.carry = br.carry[:0]
	for br.err == nil {
		if len(b.data) >= br.size {
			if end := bytes.LastIndexByte(b.data, '\n') + 1; end > 0 {
				br.carry = append(br.carry, b.data[end:]...)
				b.data = b.data[:end]
				break
			}
			if len(b.data) > br.limit {
				b.long = int64(len(b.data))
				b.data = b.data[:0]
				return b, br.pass(&b)
			}
		}
		want := max(br.size, min(2*len(b.data), br.limit+1))
		b.data = slices.Grow(b.data, want-len(b.data))
		n, err := io.ReadFull(br.r, b.data[len(b.data):want])
		b.data = b.data[:len(b.data)+n]
		if err == io.ErrUnexpectedEOF {
			err = io.EOF
		}
		br.err = err
		if !br.begun {
			br.begun = true
			b.data = append(b.data[:0], bytes.TrimPrefix(b.data, []byte("\ufeff"))...)
		}
	}
	if br.err != nil && !errors.Is(br.err, io.EOF) || len(b.data) == 0 {
		return b, br.err
	}
	if br.line += bytes.Count(b.data, []byte{'\n'}); br.line > math.MaxInt32 {
		return b, errors.New("more lines than can be told apart: 2147483647")
	}
	return b, nil
}

// pass reads to the end of the line that is too long, keeping nothing of it.
func (br *blockReader) pass(b *Block) error {
	buf := make([]byte, 64<<10)
	for br.err == nil {
		n, err := br.r.Read(buf)
		br.err = err
		if end := bytes.IndexByte(buf[:n], '\n'); end >= 0 {
			b.long += int64(end)
			br.carry = append(br.carry, buf[end+1:n]...)
			break
		}
		b.long += int64(n)
	}
	br.line++
	if br.err == io.EOF {
		return nil
	}
	return br.err
}

// Rows reads plain JSONL from r, one row after the other. A row is good until the next is asked for. A failure to
// read ends the sequence with an error that bears name.
func Rows(r io.Reader, name string) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		for row, err := range newBlockReader(r, smallBlock).rows(context.Background()) {
			if err != nil {
				err = fmt.Errorf("reading %s: %w", name, err)
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// Rows reads the file one row after the other. A row is good until the next is asked for. The first error ends the
// sequence: a failed read, a damaged archive (diag.Mistakes), or the context's.
func (f *File) Rows(ctx context.Context) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		r, err := f.open()
		if err != nil {
			yield(nil, err)
			return
		}
		defer r.Close()
		newBlockReader(r, smallBlock).rows(ctx)(yield)
	}
}

func (br *blockReader) rows(ctx context.Context) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		p := new(parser)
		var buf []byte
		for {
			b, err := br.next(buf)
			if err == io.EOF {
				return
			}
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(nil, err)
				return
			}
			buf, b.p = b.data, p
			for row := range b.Rows() {
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}
