package engine

import "math"

// A tag says what a token is to an answer: 0 no part of it, 1+2s the first
// token of a copy into slot s, 2+2s one that goes on with it.
func beginTag(slot int) int32 { return int32(1 + 2*slot) }

// follows says whether tag b may stand after tag a (or at the start, a = 0).
func follows(a, b int32) bool { return b == 0 || b%2 == 1 || a == b || a == b-1 }

// tagger is a linear-chain conditional random field (Lafferty, McCallum and
// Pereira 2001) over the tokens of a request. Which tags are open depends on the frame.
type tagger struct {
	linear           // emissions: a class per tag
	moves  []float32 // per pair of tags, from times tags plus to
}

// tags finds the most probable tags among the open ones, by Viterbi.
func (t *tagger) tags(tokens []token, g gazetteer, frame int, open []int32) []int32 {
	n, k := len(tokens), len(open)
	marks := g.marks(tokens, nil)
	scores := make([]float32, n*k)
	var buf []uint32
	for i := range tokens {
		buf = tokenSet(tokens, marks, frame, i, buf)
		t.scoreOpen(scores[i*k:i*k+k], t.vocab.number(buf), open)
	}
	return viterbi(scores, t.moves, len(t.bias), open)
}

// scoreOpen is linear.score for the open classes alone.
func (t *tagger) scoreOpen(z []float32, set []uint32, open []int32) {
	clear(z)
	k := len(t.bias)
	for _, f := range set {
		row := t.cells[int(f)*k : int(f)*k+k]
		s := t.scale[f]
		for c, tag := range open {
			z[c] += s * float32(row[tag])
		}
	}
	v := weight(set)
	for c, tag := range open {
		z[c] = z[c]*v + t.bias[tag]
	}
}

// viterbi returns the best path through scores, one row of len(open) per token,
// with a score for each move between tags.
func viterbi(scores, moves []float32, tags int, open []int32) []int32 {
	k := len(open)
	n := len(scores) / k
	back := make([]int16, n*k)
	best, next := make([]float32, k), make([]float32, k)
	for i := range n {
		for c, to := range open {
			top, from := float32(math.Inf(-1)), 0
			for b, tag := range open {
				if i == 0 && b > 0 {
					break
				}
				if follows(tag, to) {
					if s := best[b] + moves[int(tag)*tags+int(to)]; s > top {
						top, from = s, b
					}
				}
			}
			next[c], back[i*k+c] = top+scores[i*k+c], int16(from)
		}
		best, next = next, best
	}
	path := make([]int32, n)
	at := largest(best)
	for i := n - 1; i >= 0; i-- {
		path[i] = open[at]
		at = int(back[i*k+at])
	}
	return path
}

// The tagger's rates; see linear_train.go.
const (
	tagRate  = 0.8
	moveRate = 0.1
	maxMove  = 20 // so that its exponential stays a number at any rate
)

// tagLearner is a tagger in training.
type tagLearner struct {
	rows                 []tagRow
	open                 [][]int32 // tags per frame, rising, 0 first
	w                    []float32 // per feature a row of one weight per tag
	bias                 []float32
	moves                []float32
	squares, moveSquares []float32   // per feature; per move
	errs                 []tagErrors // per slot of a batch

	// Scratch of forward.
	scores, steps, alpha, beta, before []float32
	gold                               []int
}

// tagRow is an example: a set of feature numbers and the right tag for each token.
type tagRow struct {
	frame int32 // apart if there is nothing to learn, unknown if it cannot be right
	sets  [][]uint32
	tags  []int32
}

// tagErrors is probability minus truth for each token and open tag, and for
// each move between open tags.
type tagErrors struct{ scores, moves []float32 }

func newTagLearner(features, tags, batch int, rows []tagRow, open [][]int32) *tagLearner {
	l := &tagLearner{
		rows: rows, open: open,
		w: make([]float32, features*tags), bias: make([]float32, tags), moves: make([]float32, tags*tags),
		squares: make([]float32, features), moveSquares: make([]float32, tags*tags),
		errs: make([]tagErrors, batch),
	}
	for f := range l.squares {
		l.squares[f] = gradStart
	}
	for m := range l.moveSquares {
		l.moveSquares[m] = 1
	}
	return l
}

// forward runs the forward-backward algorithm, in probabilities rather than
// logarithms: every row is scaled to sum to 1.
func (l *tagLearner) forward(i, slot int) (loss float64, right bool) {
	row := &l.rows[i]
	switch {
	case row.frame == unknown:
		return worstLoss, false
	case row.frame == apart || len(row.sets) == 0:
		return 0, true
	}
	open := l.open[row.frame]
	n, k, tags := len(row.sets), len(open), len(l.bias)
	e := &l.errs[slot]
	e.scores, e.moves = resize(e.scores, n*k), resize(e.moves, k*k)
	clear(e.moves)

	l.scores, l.steps, l.alpha = resize(l.scores, n*k), resize(l.steps, k*k), resize(l.alpha, n*k)
	l.beta, l.before = resize(l.beta, k), resize(l.before, k)
	scores, step, alpha := l.scores, l.steps, l.alpha
	clear(scores)
	for t, set := range row.sets {
		z := scores[t*k : t*k+k]
		for _, f := range set {
			w := l.w[int(f)*tags : int(f)*tags+tags]
			for c, tag := range open {
				z[c] += w[tag]
			}
		}
		v := weight(set)
		for c, tag := range open {
			z[c] = z[c]*v + l.bias[tag]
		}
	}
	clear(step) // becomes exp of moves, 0 where tags do not follow
	for a, from := range open {
		for b, to := range open {
			if follows(from, to) {
				step[a*k+b] = float32(math.Exp(float64(l.moves[int(from)*tags+int(to)])))
			}
		}
	}

	// From here scores hold exp(score - largest of the row).
	if cap(l.gold) < n {
		l.gold = make([]int, n)
	}
	gold := l.gold[:n] // places in open
	var total float64  // score of the right path
	prev := int32(0)
	for t, tag := range row.tags {
		for c, o := range open {
			if o == tag {
				gold[t] = c
			}
		}
		total += float64(scores[t*k+gold[t]] + l.moves[int(prev)*tags+int(tag)])
		prev = tag
	}
	var logZ float64
	for t := range n {
		z := scores[t*k : t*k+k]
		top := z[largest(z)]
		logZ += float64(top)
		for c := range z {
			// The floor keeps products out of the denormal range, which is slow.
			z[c] = float32(math.Exp(math.Max(float64(z[c]-top), -25)))
		}
	}
	for t := range n {
		var sum float32
		for b := range k {
			var p float32
			if t == 0 {
				p = step[b]
			} else {
				for a := range k {
					p += alpha[(t-1)*k+a] * step[a*k+b]
				}
			}
			p *= scores[t*k+b]
			alpha[t*k+b] = p
			sum += p
		}
		logZ += math.Log(float64(sum))
		for b := range k {
			alpha[t*k+b] /= sum
		}
	}
	beta, before := l.beta, l.before
	for b := range beta {
		beta[b] = 1
	}
	right = true
	for t := n - 1; t >= 0; t-- {
		var sum float32
		for b := range k {
			sum += alpha[t*k+b] * beta[b]
		}
		for b := range k {
			e.scores[t*k+b] = alpha[t*k+b] * beta[b] / sum
		}
		right = right && largest(e.scores[t*k:t*k+k]) == gold[t]
		e.scores[t*k+gold[t]]--
		// beta times the scores of t, carried over the moves into t.
		for b := range k {
			beta[b] *= scores[t*k+b]
		}
		if t == 0 {
			sum = 0
			for b := range k {
				sum += step[b] * beta[b]
			}
			for b := range k {
				e.moves[b] += step[b] * beta[b] / sum
			}
			e.moves[gold[0]]--
			break
		}
		sum = 0
		var scale float32
		for a := range k {
			var p float32
			for b := range k {
				p += step[a*k+b] * beta[b]
			}
			before[a] = p
			sum += alpha[(t-1)*k+a] * before[a]
			scale += before[a]
		}
		for a := range k {
			p := alpha[(t-1)*k+a] / sum
			for b := range k {
				e.moves[a*k+b] += p * step[a*k+b] * beta[b]
			}
		}
		e.moves[gold[t-1]*k+gold[t]]--
		for a := range k {
			beta[a] = before[a] / scale
		}
	}
	return min(math.Max(logZ-total, 0), worstLoss), right
}

func (l *tagLearner) update(i, slot int, rate float32) {
	row := &l.rows[i]
	if row.frame < 0 || len(row.sets) == 0 {
		return
	}
	open := l.open[row.frame]
	k, tags := len(open), len(l.bias)
	e := &l.errs[slot]
	for t, set := range row.sets {
		d := e.scores[t*k : t*k+k]
		var sum float32
		for _, x := range d {
			sum += x * x
		}
		if sum < gradFloor*gradFloor {
			continue // as good as certain, and right
		}
		v := weight(set)
		sum *= v * v
		for c, tag := range open {
			l.bias[tag] -= biasRate * rate * v * d[c]
		}
		for _, f := range set {
			l.squares[f] += sum
			by := tagRate * rate * v / float32(math.Sqrt(float64(l.squares[f])))
			w := l.w[int(f)*tags : int(f)*tags+tags]
			for c, tag := range open {
				w[tag] -= by * d[c]
			}
		}
	}
	for a, from := range open {
		for b, to := range open {
			if d := e.moves[a*k+b]; d != 0 {
				m := int(from)*tags + int(to)
				l.moveSquares[m] += d * d
				by := moveRate * rate * d / float32(math.Sqrt(float64(l.moveSquares[m])))
				l.moves[m] = max(min(l.moves[m]-by, maxMove), -maxMove)
			}
		}
	}
}

func resize(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	return s[:n]
}
