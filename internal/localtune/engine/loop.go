package engine

import (
	"context"
	"math"
	"math/rand/v2"
)

// learner is a model in training. A step is forward for each example of the
// batch, then update for each, so that every gradient of a batch is taken at
// the same weights. slot numbers the example within its batch. Forward alone
// changes no weight.
type learner interface {
	forward(i, slot int) (loss float64, right bool)
	update(i, slot int, rate float32)
}

// descend trains l on its first n examples as the recipe says, and measures the valid
// examples after them at the end of each epoch. The rate falls evenly from 1
// to 0.1 times the recipe's.
func descend(ctx context.Context, l learner, n, valid int, r Recipe, report func(Progress)) error {
	rng := rand.New(rand.NewPCG(uint64(r.Seed), 0x746e6774))
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	perEpoch := (n + r.BatchSize - 1) / r.BatchSize
	total := perEpoch * r.Epochs
	every := max(1, total/75)
	var loss float64
	step, seen, right := 0, 0, 0
	for range r.Epochs {
		rng.Shuffle(n, func(i, j int) { order[i], order[j] = order[j], order[i] })
		for rest := order; len(rest) > 0; {
			if err := ctx.Err(); err != nil {
				return err
			}
			batch := rest[:min(r.BatchSize, len(rest))]
			rest = rest[len(batch):]
			for slot, i := range batch {
				l1, ok := l.forward(i, slot)
				loss += l1
				seen++
				if ok {
					right++
				}
			}
			rate := float32(r.LearningRate * (1 - 0.9*float64(step)/float64(total)))
			for slot, i := range batch {
				l.update(i, slot, rate)
			}
			step++
			if step%every != 0 && len(rest) > 0 {
				continue
			}
			p := Progress{
				Step: step, TotalSteps: total,
				TrainLoss: loss / float64(seen), TrainAccuracy: float64(right) / float64(seen),
				ValidLoss: math.NaN(), ValidAccuracy: math.NaN(),
			}
			if len(rest) == 0 {
				p.ValidLoss, p.ValidAccuracy = measure(l, n, n+valid)
			}
			report(p)
			loss, seen, right = 0, 0, 0
		}
	}
	return ctx.Err()
}

// measure is the mean loss and the accuracy on examples from up to but not
// including to; NaN if there are none.
func measure(l learner, from, to int) (loss, accuracy float64) {
	right := 0
	for i := from; i < to; i++ {
		l1, ok := l.forward(i, 0)
		loss += l1
		if ok {
			right++
		}
	}
	n := float64(to - from)
	return loss / n, float64(right) / n
}

// A learner's class of an example, where it is none.
const (
	apart   int32 = -1 // the example has nothing to teach this learner
	unknown int32 = -2 // a validation example with a class that training never saw
)

// worstLoss stands for the loss of an answer that cannot be given.
const worstLoss = 20
