package audit

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/suite"
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
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(f.Size())
			before := cpu(b)
			for b.Loop() {
				if _, err := Run(b.Context(), c.in, DefaultPolicy()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((cpu(b)-before).Seconds()/float64(b.N), "cpu-s/op")
		})
	}
}

// cpu returns the processor time of the process: steadier than the clock on a busy machine.
func cpu(t testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
