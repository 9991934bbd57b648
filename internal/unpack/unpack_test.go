package unpack

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

func pack(t testing.TB, text string, k Kind) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, k)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestRoundTrip(t *testing.T) {
	for _, text := range []string{"x", strings.Repeat("a line of text\n", 100_000)} {
		for _, k := range []Kind{Plain, Gzip, Zstandard} {
			packed := pack(t, text, k)
			if got := KindOf(packed[:min(4, len(packed))]); got != k {
				t.Errorf("kind %d is taken for %d", k, got)
			}
			if again := pack(t, text, k); !bytes.Equal(packed, again) {
				t.Errorf("kind %d: packed anew, other bytes", k)
			}
			r, err := NewReader(bytes.NewReader(packed), k)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); err != nil || string(got) != text || r.Close() != nil {
				t.Errorf("kind %d: %d bytes, %v", k, len(got), err)
			}
		}
	}
}

func TestSkippableFrame(t *testing.T) {
	frame := append([]byte{0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'x', 'y', 'z'}, pack(t, "data", Zstandard)...)
	r, err := NewReader(bytes.NewReader(frame), KindOf(frame))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != "data" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestCut(t *testing.T) {
	for _, k := range []Kind{Gzip, Zstandard} {
		whole := pack(t, strings.Repeat("text", 100), k)
		for n := 4; n < len(whole); n++ {
			r, err := NewReader(bytes.NewReader(whole[:n]), k)
			if err == nil {
				_, err = io.ReadAll(r)
			}
			if err == nil {
				t.Errorf("kind %d, cut to %d of %d bytes: no error", k, n, len(whole))
			}
		}
	}
}
