package audit

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/zeebo/xxh3"
)

const (
	mostEmbedded  = 20000 // requests: 6 kB each with the longest vectors in use
	embeddedBytes = 2000  // of each
	embedBatch    = 500
	sameMeaning   = .95 // cosine
	signBits      = 256
	signTerms     = 64
	mostSigns     = 64 // that may differ: a cosine of 0.95 makes 26 of 256 differ, give or take 5; one of 0.7 makes 65
)

// meaning compares requests by the vectors of a model. All pairs are compared by the signs of random projections
// (Charikar 2002), and in full where these are alike.
type meaning struct {
	study *study
	full  atomic.Bool // enough requests were taken
	seen  hashSet
	lines []int32
	texts []string
	more  bool // requests were left out
}

func semanticDuplicates(s *study) inquiry {
	if s.in.Embed == nil {
		return nil
	}
	return &meaning{study: s}
}

// asked is one request of a block.
type asked struct {
	line int32
	text string
}

type meaningEye struct {
	m   *meaning
	out []asked
}

func (m *meaning) eye() eye { return &meaningEye{m: m} }

func (e *meaningEye) row(row *dataset.Row) {
	if e.m.full.Load() {
		return
	}
	var b strings.Builder
	for i := range row.Messages[:lastTrained(row)] {
		if msg := &row.Messages[i]; !isSystem(msg.Role) && b.Len() < embeddedBytes {
			b.WriteString(msg.Content[:min(len(msg.Content), embeddedBytes)])
			b.WriteByte('\n')
		}
	}
	text := b.String()
	text = strings.TrimSpace(strings.ToValidUTF8(text[:min(len(text), embeddedBytes)], ""))
	if text != "" {
		e.out = append(e.out, asked{int32(row.Line), text})
	}
}

func (e *meaningEye) done() any {
	out := e.out
	e.out = nil
	return out
}

func (m *meaning) take(seen any) {
	for _, a := range seen.([]asked) {
		if !m.seen.add(xxh3.HashString(a.text)) {
			continue
		}
		if len(m.texts) == mostEmbedded {
			m.more = true
			m.full.Store(true)
			return
		}
		m.lines, m.texts = append(m.lines, a.line), append(m.texts, a.text)
	}
}

func (m *meaning) report(report report) error {
	vectors, err := m.embed()
	if err != nil {
		return err
	}
	l := m.study.likeness()
	if err := l.finish(); err != nil {
		return err
	}
	reported := make(map[int32]bool)
	for i, a := range l.alike {
		if a.much > 0 {
			reported[l.requests[i].line] = true
		}
	}
	only := ""
	if m.more {
		only = fmt.Sprintf("; only the first %d different requests were compared", mostEmbedded)
	}
	for i, c := range closest(vectors, m.study.workers) {
		if c.much == 0 || reported[m.lines[i]] {
			continue
		}
		report(m.study.train.pairFinding(pair{m.lines[c.to], m.lines[i]},
			fmt.Sprintf("means nearly what line %d means (cosine %.2f)%s", m.lines[c.to], math.Floor(float64(c.much)*100)/100, only),
			"keep one of them, unless both ways to say it are meant to be learned"))
	}
	return nil
}

// embed returns the vectors of the texts, of length one each.
func (m *meaning) embed() ([][]float32, error) {
	var vectors [][]float32
	for from := 0; from < len(m.texts); from += embedBatch {
		texts := m.texts[from:min(from+embedBatch, len(m.texts))]
		got, err := m.study.in.Embed(m.study.ctx, texts)
		if err != nil {
			return nil, fmt.Errorf("embedding requests: %w", err)
		}
		if len(got) != len(texts) {
			return nil, fmt.Errorf("embedding requests: %d vectors for %d texts", len(got), len(texts))
		}
		for _, v := range got {
			if len(v) == 0 || len(vectors) > 0 && len(v) != len(vectors[0]) {
				return nil, fmt.Errorf("embedding requests: a vector of %d numbers among others", len(v))
			}
			unit := make([]float32, len(v))
			if size := math.Sqrt(float64(dot(v, v))); size > 0 && !math.IsInf(size, 0) {
				for k, x := range v {
					unit[k] = float32(float64(x) / size)
				}
			}
			vectors = append(vectors, unit)
		}
	}
	return vectors, nil
}

// closest returns for each vector the earlier one that it is closest to, if it is close.
func closest(vectors [][]float32, workers int) []likest {
	out := make([]likest, len(vectors))
	if len(vectors) == 0 {
		return out
	}
	signs := make([][signBits / 64]uint64, len(vectors))
	project := newProjection(len(vectors[0]))
	each := func(do func(i int)) {
		var next atomic.Int64
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for i := int(next.Add(1)) - 1; i < len(vectors); i = int(next.Add(1)) - 1 {
					do(i)
				}
			})
		}
		wg.Wait()
	}
	each(func(i int) { signs[i] = project.signs(vectors[i]) })
	each(func(i int) {
		s := &signs[i]
		for k := range i {
			t := &signs[k]
			if bits.OnesCount64(s[0]^t[0])+bits.OnesCount64(s[1]^t[1])+bits.OnesCount64(s[2]^t[2])+bits.OnesCount64(s[3]^t[3]) > mostSigns {
				continue
			}
			if much := dot(vectors[i], vectors[k]); much >= sameMeaning && much > out[i].much {
				out[i] = likest{int32(k), min(much, 1)}
			}
		}
	})
	return out
}

func dot(a, b []float32) float32 {
	var s0, s1, s2, s3 float32
	b = b[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	for ; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return s0 + s1 + s2 + s3
}

// projection is a sum of signTerms numbers of a vector, with random signs, for each bit: the same in every run.
type projection [signBits][signTerms]struct {
	at   int32
	sign float32
}

func newProjection(size int) *projection {
	p := new(projection)
	r := rand.New(rand.NewPCG(256, 64))
	for bit := range p {
		for k := range p[bit] {
			p[bit][k].at, p[bit][k].sign = int32(r.IntN(size)), float32(2*r.IntN(2)-1)
		}
	}
	return p
}

func (p *projection) signs(v []float32) (out [signBits / 64]uint64) {
	for bit := range p {
		var sum float32
		for _, t := range p[bit] {
			sum += t.sign * v[t.at]
		}
		if sum > 0 {
			out[bit/64] |= 1 << (bit % 64)
		}
	}
	return out
}
