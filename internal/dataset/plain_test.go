package dataset

import (
	"bytes"
	"runtime"
	"testing"
)

// Wherever the first byte stands that is not plain, and whatever is ahead of it: plain never passes over it, stops at most a block ahead
// of it or of the end, and tells of what is not ASCII.
func TestPlain(t *testing.T) {
	for size := range 70 {
		for _, special := range []byte{'"', '\\', 0, '\n', 0x1f} {
			for at := 0; at <= size; at++ { // at size: none
				for foreign := -1; foreign < size; foreign += 3 {
					b := bytes.Repeat([]byte{' '}, size)
					if foreign >= 0 {
						b[foreign] = 0x80
					}
					if at < size {
						b[at] = special
					}
					n, high := plain(b[:size:size])
					if want := min(at, size/16*16); n != want && runtime.GOARCH == "amd64" || n > at {
						t.Fatalf("%q: %d plain bytes, there are %d", b, n, at)
					}
					if want := foreign >= 0 && foreign < n && foreign != at; (high&highs != 0) != want {
						t.Fatalf("%q: %d plain bytes with high bits %x", b, n, high)
					}
				}
			}
		}
	}
}
