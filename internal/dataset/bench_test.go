package dataset

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// testdata returns the path of a file of the large test data, which is not part of the repository.
func testdata(t testing.TB, parts ...string) string {
	t.Helper()
	root := os.Getenv("TUNEGATE_TESTDATA")
	if root == "" {
		t.Skip("TUNEGATE_TESTDATA is not set: the large test data is not part of the repository")
	}
	path := filepath.Join(append([]string{root, "data"}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func unpackedFile(t testing.TB, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// generated is a block of chat rows like real ones: text with some escapes, some of it not ASCII.
func generated() []byte {
	var b []byte
	for i := range 1000 {
		b = fmt.Appendf(b, `{"messages": [{"role": "system", "content": "Answer with one of the topics that we gave you, and with nothing else."}, `+
			`{"role": "user", "content": "Order %d has not come, although it was sent on the 3rd.\nIs \"lost\" what I should call it? Grüße aus Köln, and a good deal of plain text after it, as people write when they are annoyed and have time."}, `+
			`{"role": "assistant", "content": "lost_parcel_%d", "weight": 1}]}`+"\n", i, i%40)
	}
	return b
}

func benchParse(b *testing.B, data []byte) {
	p := new(parser)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		rows := 0
		for line := range bytes.Lines(data) {
			if row := p.parse(bytes.TrimSuffix(line, []byte("\n")), rows+1); len(row.Problems) > 0 {
				b.Fatal(row.Problems)
			}
			rows++
		}
	}
}

func BenchmarkParse(b *testing.B) { benchParse(b, generated()) }

func BenchmarkParseCorpus(b *testing.B) {
	benchParse(b, unpackedFile(b, testdata(b, "corpus-100k.jsonl.gz")))
}

// BenchmarkRead reads the corpus and cuts it into blocks of lines, with two workers that do nothing.
func BenchmarkRead(b *testing.B) {
	path := filepath.Join(b.TempDir(), "corpus.jsonl")
	if err := os.WriteFile(path, unpackedFile(b, testdata(b, "corpus-100k.jsonl.gz")), 0o600); err != nil {
		b.Fatal(err)
	}
	f, err := Open(path, "corpus.jsonl")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(f.Size())
	for b.Loop() {
		for _, err := range Map(b.Context(), f, 2, func() func(*Block) int { return func(b *Block) int { return len(b.data) } }) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkAppendNormal(b *testing.B) {
	p := new(parser)
	line, _, _ := bytes.Cut(generated(), []byte("\n"))
	row := p.parse(line, 1)
	var dst []byte
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		dst = row.AppendNormal(dst[:0])
	}
}

func BenchmarkDigestCorpus(b *testing.B) {
	data := unpackedFile(b, testdata(b, "corpus-100k.jsonl.gz"))
	path := filepath.Join(b.TempDir(), "corpus.jsonl")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		b.Fatal(err)
	}
	f, err := Open(path, "corpus.jsonl")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := f.Digest(b.Context(), 0); err != nil {
			b.Fatal(err)
		}
	}
}
