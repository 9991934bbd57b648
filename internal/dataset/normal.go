package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"iter"
	"runtime"
	"sync"
)

// AppendNormal appends the row in normal form, with a newline: compact JSON, keys always in the same order, strings
// with the fewest escapes, and what is absent or the default (a weight of 1) left out. Objects within tools and calls
// have their keys sorted. Equal examples of any format have equal normal forms, byte for byte.
func (r *Row) AppendNormal(dst []byte) []byte {
	dst = append(dst, `{"messages":[`...)
	for i := range r.Messages {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = r.Messages[i].appendNormal(dst)
	}
	dst = append(dst, ']')
	if r.Tools != "" {
		dst = append(append(dst, `,"tools":`...), r.Tools...)
	}
	switch r.ParallelToolCalls {
	case 0:
		dst = append(dst, `,"parallel_tool_calls":false`...)
	case 1:
		dst = append(dst, `,"parallel_tool_calls":true`...)
	}
	if r.Functions != "" {
		dst = append(append(dst, `,"functions":`...), r.Functions...)
	}
	return append(dst, '}', '\n')
}

func (m *Message) appendNormal(dst []byte) []byte {
	dst = append(append(append(dst, `{"role":"`...), m.Role...), `","content":`...)
	if m.NoContent {
		dst = append(dst, "null"...)
	} else {
		dst = appendString(dst, m.Content)
	}
	text := func(key, value string) {
		if value != "" {
			dst = appendString(append(dst, key...), value)
		}
	}
	json := func(key, value string) {
		if value != "" {
			dst = append(append(dst, key...), value...)
		}
	}
	text(`,"refusal":`, m.Refusal)
	text(`,"name":`, m.Name)
	json(`,"tool_calls":`, m.ToolCalls)
	json(`,"function_call":`, m.FunctionCall)
	text(`,"tool_call_id":`, m.ToolCallID)
	if m.Weight == 0 {
		dst = append(dst, `,"weight":0`...)
	}
	return append(dst, '}')
}

// Digest identifies the normal form of a file, or of its first examples.
type Digest struct {
	Rows   int
	Bytes  int64
	SHA256 string // lower-case hexadecimal
}

// Digest digests the normal form of the first n examples, of all when n is 0. Rows with problems are not examples.
func (f *File) Digest(ctx context.Context, n int) (Digest, error) {
	h := sha256.New()
	d := Digest{}
	for part, err := range f.normal(ctx, n) {
		if err != nil {
			return Digest{}, err
		}
		h.Write(part.bytes)
		d.Bytes += int64(len(part.bytes))
		d.Rows += part.rows
	}
	d.SHA256 = hex.EncodeToString(h.Sum(nil))
	return d, nil
}

// Normal streams the normal form of the first n examples, of all when n is 0: what an upload sends. Each call reads
// the file anew. Close ends the work behind it. It is for one goroutine.
func (f *File) Normal(n int) io.ReadCloser {
	ctx, cancel := context.WithCancel(context.Background())
	next, stop := iter.Pull2(f.normal(ctx, n))
	return &normalReader{next: next, close: func() { cancel(); stop() }}
}

type normalReader struct {
	next  func() (normalPart, error, bool)
	close func()
	rest  []byte
	err   error
}

func (r *normalReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 && r.err == nil {
		part, err, ok := r.next()
		r.rest, r.err = part.bytes, err
		if !ok {
			r.err = io.EOF
		}
	}
	if len(r.rest) == 0 {
		return 0, r.err
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func (r *normalReader) Close() error {
	r.close()
	r.rest, r.err = nil, io.ErrClosedPipe
	return nil
}

// normalPart is the normal form of one block. Its bytes are good until the next part.
type normalPart struct {
	bytes []byte
	ends  []int // of each row in bytes
	rows  int
}

func (f *File) normal(ctx context.Context, n int) iter.Seq2[normalPart, error] {
	return func(yield func(normalPart, error) bool) {
		pool := sync.Pool{New: func() any { return new(normalPart) }}
		left := n
		for part, err := range Map(ctx, f, runtime.GOMAXPROCS(0), func() func(*Block) *normalPart {
			return func(b *Block) *normalPart {
				p := pool.Get().(*normalPart)
				p.bytes, p.ends = p.bytes[:0], p.ends[:0]
				for row := range b.Rows() {
					if len(row.Problems) == 0 {
						p.bytes = row.AppendNormal(p.bytes)
						p.ends = append(p.ends, len(p.bytes))
					}
				}
				return p
			}
		}) {
			if err != nil {
				yield(normalPart{}, err)
				return
			}
			part.rows = len(part.ends)
			if n > 0 && part.rows >= left {
				part.rows = left
				if left > 0 {
					yield(normalPart{bytes: part.bytes[:part.ends[left-1]], rows: left}, nil)
				}
				return
			}
			left -= part.rows
			if !yield(*part, nil) {
				return
			}
			pool.Put(part)
		}
	}
}
