package dataset

import (
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Pack returns a writer whose bytes reach w packed as f is: plain, gzip or Zstandard. Equal bytes in equal pieces are packed
// equally, whenever that is. The caller closes it, which does not close w.
func (f *File) Pack(w io.Writer) (io.WriteCloser, error) {
	switch f.container {
	case gzipped:
		return gzip.NewWriter(w), nil
	case zstandard:
		return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
	}
	return unpacked{w}, nil
}

// unpacked passes on what it is given.
type unpacked struct{ io.Writer }

func (unpacked) Close() error { return nil }
