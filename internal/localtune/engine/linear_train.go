package engine

import "math"

// The engine's own rates. AdaGrad divides the rate of a feature by the root of
// the sum of its squared gradients, so rare features move further.
const (
	labelRate = 1.5
	biasRate  = 0.05
	gradFloor = 1e-3 // a class less probable than this, and not the answer, is left alone
	gradStart = 0.01 // where the sums of squared gradients start
)

// softmax is a softmax regression in training (Duchi, Hazan and Singer 2011
// for the rates): one float weight per feature and class.
type softmax struct {
	sets     [][]uint32 // feature numbers per example
	ys       []int32    // class per example, or apart, or unknown
	w        []float32  // per feature a row of one weight per class
	bias     []float32
	squares  []float32 // per feature, sum of squared gradients
	errs     []float32 // per slot of a batch, probability minus truth per class
	classes  []int32   // scratch: the classes that move
	gradient []float32 // scratch: by how much
}

func newSoftmax(features int, sets [][]uint32, ys []int32, classes, batch int) *softmax {
	s := &softmax{
		sets: sets, ys: ys,
		w: make([]float32, features*classes), bias: make([]float32, classes),
		squares:  make([]float32, features),
		errs:     make([]float32, classes*batch),
		classes:  make([]int32, 0, classes),
		gradient: make([]float32, 0, classes),
	}
	for f := range s.squares {
		s.squares[f] = gradStart
	}
	return s
}

func (s *softmax) forward(i, slot int) (loss float64, right bool) {
	y := s.ys[i]
	switch y {
	case apart:
		return 0, true
	case unknown:
		return worstLoss, false
	}
	k := len(s.bias)
	p := s.errs[slot*k : slot*k+k]
	s.score(p, s.sets[i])
	best := largest(p)
	normalise(p)
	loss = min(-math.Log(float64(p[y])), worstLoss)
	p[y]--
	return loss, best == int(y)
}

func (s *softmax) update(i, slot int, rate float32) {
	if s.ys[i] < 0 {
		return
	}
	k := len(s.bias)
	s.classes, s.gradient = s.classes[:0], s.gradient[:0]
	var sum float32
	for c, d := range s.errs[slot*k : slot*k+k] {
		// With many classes nearly all of them are out of the question for
		// nearly every example; leaving them alone makes a step about twice as fast.
		if d > gradFloor || d < -gradFloor {
			s.classes = append(s.classes, int32(c))
			s.gradient = append(s.gradient, d)
			sum += d * d
		}
	}
	set := s.sets[i]
	v := weight(set)
	for j, c := range s.classes {
		s.bias[c] -= biasRate * rate * s.gradient[j] * v
	}
	sum *= v * v
	for _, f := range set {
		s.squares[f] += sum
		by := labelRate * rate * v / float32(math.Sqrt(float64(s.squares[f])))
		row := s.w[int(f)*k : int(f)*k+k]
		for j, c := range s.classes {
			row[c] -= by * s.gradient[j]
		}
	}
}

// score sets z to the scores of a set of feature numbers.
func (s *softmax) score(z []float32, set []uint32) {
	k := len(z)
	clear(z)
	for _, f := range set {
		row := s.w[int(f)*k : int(f)*k+k][:len(z)]
		for c := range z {
			z[c] += row[c]
		}
	}
	v := weight(set)
	for c := range z {
		z[c] = z[c]*v + s.bias[c]
	}
}

// normalise turns scores into probabilities.
func normalise(z []float32) {
	top := z[largest(z)]
	var sum float32
	for c, x := range z {
		z[c] = 0
		if d := x - top; d > -25 {
			z[c] = float32(math.Exp(float64(d)))
			sum += z[c]
		}
	}
	for c := range z {
		z[c] /= sum
	}
}
