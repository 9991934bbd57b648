package dataset

import (
	"io"

	"github.com/tunegate/tunegate/internal/unpack"
)

// Pack returns a writer whose bytes reach w packed as f is: plain, gzip or Zstandard. Equal bytes in equal pieces are packed
// equally, whenever that is. The caller closes it, which does not close w.
func (f *File) Pack(w io.Writer) (io.WriteCloser, error) { return unpack.NewWriter(w, f.container) }
