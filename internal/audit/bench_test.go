package audit

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/suite"
	"github.com/zeebo/xxh3"
)

// corpus unpacks the corpus for this run: unpacking is not what is measured.
func corpus(t testing.TB) *dataset.File {
	t.Helper()
	packed, err := os.Open(testdata(t, "corpus-100k.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	r, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "corpus.jsonl")
	w, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(w, r); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, path)
}

func BenchmarkRun(b *testing.B) {
	f := corpus(b)
	tests, err := suite.Open(testdata(b, "support-router", "benchmark.jsonl.gz"), "benchmark.jsonl.gz")
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		in   Input
	}{
		{"quick", Input{Train: f, Encoding: encoding(b), TrainingContext: 65536}},
		{"quick-tests", Input{Train: f, Encoding: encoding(b), TrainingContext: 65536, Tests: tests}},
		{"no-tokens", Input{Train: f}},
		{"deep", Input{Train: f, Encoding: encoding(b), TrainingContext: 65536, Deep: true}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(f.Size())
			before := processor(b)
			for b.Loop() {
				if _, err := Run(b.Context(), c.in, DefaultPolicy()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((processor(b)-before).Seconds()/float64(b.N), "cpu-s/op")
		})
	}
}

// BenchmarkStages takes the quick audit apart, on one core each: what is done to the bytes of the corpus after they were
// parsed (package dataset has reading and parsing, package tokens counting), and what the machine does at most.
func BenchmarkStages(b *testing.B) {
	f := corpus(b)
	raw, err := os.ReadFile(f.Path())
	if err != nil {
		b.Fatal(err)
	}
	rows := make([]*dataset.Row, 0, 20000)
	for row, err := range f.Rows(b.Context()) {
		if err != nil {
			b.Fatal(err)
		}
		if rows = append(rows, row.Clone()); len(rows) == cap(rows) {
			break
		}
	}
	size := 0
	for _, row := range rows {
		size += len(row.Raw)
	}
	stage := func(name string, size int, f func()) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				f()
			}
		})
	}
	lines := 0
	stage("limit-read-file", len(raw), func() {
		in, err := os.Open(f.Path())
		if err != nil {
			b.Fatal(err)
		}
		defer in.Close()
		for n := 1; n > 0; {
			n, _ = in.Read(raw[:1<<20])
		}
	})
	stage("limit-count-lines", len(raw), func() { lines += bytes.Count(raw, []byte{'\n'}) })
	stage("limit-xxh3", len(raw), func() { lines += int(xxh3.Hash(raw) & 1) })
	rules := rulesOf(false)
	fresh := func() *worker {
		w := newWorker(Input{Train: f}, f, rules, newTextRules(rules), nil, newCleared(), nil)
		w.out = new(yield)
		return w
	}
	stage("hash", size, func() {
		w := fresh()
		for _, row := range rows {
			var e example
			w.identify(row, &e, true)
		}
	})
	stage("scan", size, func() {
		w := fresh()
		for _, row := range rows {
			w.scan(row)
		}
	})
	var whole xxh3.Uint128
	b.Run("match", func(b *testing.B) { // of a million rows
		for b.Loop() {
			var m matches
			for i := range int32(1e6) {
				whole = xxh3.Uint128{Hi: uint64(i) * 0x9e3779b97f4a7c15, Lo: uint64(i%1e5) * 0xd6e8feb86659fd93}
				if err := m.add(whole, i+1, 0); err != nil {
					b.Fatal(err)
				}
			}
			if _, err := m.pairs(func(hashed, hashed) bool { return true }); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// processor returns the processor time of the process: steadier than the clock on a busy machine.
func processor(t testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
