// Package engine is the model behind the embedded server: it learns from examples on one core, in seconds, and answers
// prompts. It knows no wire format and keeps nothing on disk.
//
// What kind of model it trains follows from the training examples alone: a linear model over hashed words and
// n-grams where answers repeat, one that copies spans of the request into JSON, or the nearest example otherwise.
package engine

import (
	"context"
	"errors"
	"math"
)

// Version changes whenever the same examples and recipe train another model than before: it is part of what a
// fine-tune is known by.
const Version = "1"

// Turn is one message of a conversation, as text.
type Turn struct{ Role, Content string }

// Example is one thing to learn: an assistant message that is trained on, and
// the turns before it. A row with several such messages is several examples.
type Example struct {
	Prompt []Turn
	Answer string
}

// Recipe says how to train. The zero value is one pass with the engine's own choices.
type Recipe struct {
	Epochs       int     // passes over the examples; below 1 is 1
	Seed         int64   // decides the order of the examples in each pass
	LearningRate float64 // multiplies the engine's own rate; 0 is 1, and 100 the most
	BatchSize    int     // examples per step; below 1 is 1, and 256 the most
}

// Progress is the state of training at a step. Losses are means, natural
// logarithm, per example; accuracies the share of examples answered right;
// those of training cover the steps since the report before. NaN is not measured.
type Progress struct {
	Step, TotalSteps         int
	TrainLoss, TrainAccuracy float64
	ValidLoss, ValidAccuracy float64
}

// Model is a trained model: exactly one of its parts is set. It does not change
// once made, and is safe for concurrent use.
type Model struct {
	labels  *labelModel
	spans   *spanModel
	nearest *nearestModel
}

// Fit trains a model on one core. What kind of model is decided by [kindOf]
// from the training examples alone; valid is measured at the end of each
// epoch, never learnt from. It returns the error of ctx within about 50 ms of its end.
// report is called in order, from this goroutine, for every 1 to 2 % of the
// steps and for the last.
//
// The same examples in the same order and the same recipe give the same
// model, bit for bit, with the same binary on the same processor architecture.
// Another architecture may fuse multiplications with additions and so round differently.
func Fit(ctx context.Context, train, valid []Example, r Recipe, report func(Progress)) (*Model, error) {
	if len(train) == 0 {
		return nil, errors.New("no examples to train on")
	}
	if report == nil {
		report = func(Progress) {}
	}
	if n := len(valid); n > maxValid {
		valid = valid[:maxValid]
	}
	r = r.complete(len(train))
	m, err := &Model{}, error(nil)
	switch kindOf(train) {
	case spanKind:
		m.spans, err = fitSpans(ctx, train, valid, r, report)
	case labelKind:
		m.labels, err = fitLabels(ctx, train, valid, r, report)
	default:
		m.nearest, err = fitNearest(ctx, train, valid, r, report)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// maxValid bounds the time that validation takes at the end of each epoch.
const maxValid = 4000

// Answer is the model's reply to a prompt.
func (m *Model) Answer(prompt []Turn) string {
	switch {
	case m.labels != nil:
		return m.labels.Answer(prompt)
	case m.spans != nil:
		return m.spans.Answer(prompt)
	case m.nearest != nil:
		return m.nearest.Answer(prompt)
	}
	return ""
}

// complete makes every field of a recipe one that training can use.
func (r Recipe) complete(n int) Recipe {
	r.Epochs = max(r.Epochs, 1)
	if !(r.LearningRate > 0) {
		r.LearningRate = 1
	}
	r.LearningRate = math.Min(r.LearningRate, 100)
	r.BatchSize = min(max(r.BatchSize, 1), n, 256)
	return r
}

// AutoEpochs is the number of passes that suits n examples: about 75,000
// examples seen in all, 4 passes at least and 30 at most.
func AutoEpochs(n int) int {
	return min(max(75_000/max(n, 1), 4), 30)
}
