package audit

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/tunegate/tunegate/internal/suite"
)

// BenchmarkDeep measures the rules about almost equal text on the corpus: each stage by itself, and all of them without the
// quick audit.
func BenchmarkDeep(b *testing.B) {
	f := corpus(b)
	tests, err := suite.Open(testdata(b, "support-router", "benchmark.jsonl.gz"), "benchmark.jsonl.gz")
	if err != nil {
		b.Fatal(err)
	}
	a := newAlphabet()
	var texts []string
	size := 0
	for row, err := range f.Rows(b.Context()) {
		if err != nil {
			b.Fatal(err)
		}
		for i := range row.Messages {
			texts = append(texts, row.Clone().Messages[i].Content)
			size += len(row.Messages[i].Content)
		}
		if size > 8<<20 {
			break
		}
	}
	var words [][]uint64
	for _, text := range texts {
		words = append(words, a.words(nil, text))
	}
	stage := func(name string, do func(i int)) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				for i := range texts {
					do(i)
				}
			}
		})
	}
	var hashes []uint64
	stage("words", func(i int) { hashes = a.words(hashes[:0], texts[i]) })
	var spans [][2]int
	stage("spans", func(i int) { spans = a.spans(spans[:0], texts[i]) })
	var bands []uint32
	var sketch bandSketch
	stage("bands", func(i int) {
		if len(words[i]) >= shingleSize {
			bands = sketch.append(bands[:0], words[i])
		}
	})
	s := &study{ctx: b.Context(), in: Input{Train: f, Tests: tests, Deep: true}, tests: tests, workers: 1}
	l, err := newLikeness(s)
	if err != nil {
		b.Fatal(err)
	}
	var keep []bool
	stage("mask", func(i int) { keep = l.templates.mask(keep[:0], words[i]) })
	match := overlapMatcher{overlap: l.tests}
	stage("overlap", func(i int) { match.row(nil, 1, words[i]) })

	quiet := func(int64, int64) {}
	for _, c := range []struct {
		name  string
		tests suite.Suite
	}{{"near", suite.Suite{}}, {"near-tests", tests}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(f.Size())
			before := processor(b)
			for b.Loop() {
				s := &study{
					ctx: b.Context(), in: Input{Train: f, Tests: c.tests, Deep: true, Progress: quiet}, tests: c.tests, workers: 2,
					train: &set{contaminated: map[int]bool{}, resembled: map[int]bool{}},
				}
				if err := s.deepen(append(nearRules()[:1], Rule{Name: "contamination", Check: Check{Deep: nearlyContaminated}})); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((processor(b)-before).Seconds()/float64(b.N), "cpu-s/op")
		})
	}
}

// BenchmarkSemantic compares 20,000 vectors as long as those in use, pair by pair.
func BenchmarkSemantic(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	vectors := make([][]float32, mostEmbedded)
	for i := range vectors {
		vectors[i] = make([]float32, 1536)
		for k := range vectors[i] {
			vectors[i][k] = float32(r.NormFloat64())
		}
	}
	m := meaning{texts: make([]string, len(vectors)), study: &study{ctx: b.Context()}}
	next := 0
	m.study.in.Embed = func(_ context.Context, texts []string) ([][]float32, error) {
		next += len(texts)
		return vectors[next-len(texts) : next], nil
	}
	for b.Loop() {
		next = 0
		unit, err := m.embed()
		if err != nil {
			b.Fatal(err)
		}
		closest(unit, 2)
	}
}
