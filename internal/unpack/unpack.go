// Package unpack reads and writes packed bytes: gzip and Zstandard, known by their first bytes and not by a file's name. It
// knows nothing of what is packed, and no archives of several files.
package unpack

import (
	"bytes"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Kind is how bytes are packed.
type Kind int

// The kinds. Plain bytes are not packed.
const (
	Plain Kind = iota
	Gzip
	Zstandard
)

// maxWindow bounds the memory that a packed file can make a reader of Zstandard hold.
const maxWindow = 64 << 20

// KindOf recognises a kind by the first bytes, of which four suffice.
func KindOf(head []byte) Kind {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return Gzip
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}), isSkippable(head):
		return Zstandard
	}
	return Plain
}

// isSkippable reports the frame of Zstandard that some tools write ahead of the data (RFC 8878, 3.1.2).
func isSkippable(head []byte) bool {
	return len(head) >= 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte{0x2a, 0x4d, 0x18})
}

// NewReader returns the unpacked bytes of r. Closing it does not close r. It holds bounded memory, whatever the packed data
// claims; how much comes out of it is for the caller to bound.
func NewReader(r io.Reader, k Kind) (io.ReadCloser, error) {
	switch k {
	case Gzip:
		return gzip.NewReader(r)
	case Zstandard:
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	}
	return io.NopCloser(r), nil
}

// NewWriter returns a writer whose bytes reach w packed. Equal bytes in equal pieces are packed equally, whenever that is. The
// caller closes it, which does not close w.
func NewWriter(w io.Writer, k Kind) (io.WriteCloser, error) {
	switch k {
	case Gzip:
		return gzip.NewWriter(w), nil
	case Zstandard:
		return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
	}
	return plain{w}, nil
}

// plain passes on what it is given.
type plain struct{ io.Writer }

func (plain) Close() error { return nil }
