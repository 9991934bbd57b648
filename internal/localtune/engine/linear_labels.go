package engine

import (
	"context"
	"slices"
)

// labelModel answers with one of the answers of its training examples.
type labelModel struct {
	linear
	labels []string // sorted
	system bool     // the system message varies, and so counts
}

func (m *labelModel) Answer(prompt []Turn) string {
	z := make([]float32, len(m.labels))
	m.score(z, features(prompt, m.system, nil))
	return m.labels[largest(z)]
}

func (m *labelModel) encode(e *encoder) {
	e.texts(m.labels)
	e.flag(m.system)
	m.linear.encode(e)
}

func decodeLabels(d *decoder) *labelModel {
	m := &labelModel{labels: d.texts(maxLabels), system: d.flag()}
	if len(m.labels) == 0 {
		d.fail()
	}
	m.linear = decodeLinear(d, len(m.labels))
	return m
}

func fitLabels(ctx context.Context, train, valid []Example, r Recipe, report func(Progress)) (*labelModel, error) {
	m := &labelModel{system: systemVaries(train)}
	all := slices.Concat(train, valid)
	m.labels = distinct(len(train), func(i int) string { return train[i].Answer })
	ys := places(m.labels, len(all), func(i int) string { return all[i].Answer })
	v, sets, err := requestSets(ctx, train, valid, len(m.labels), m.system)
	if err != nil {
		return nil, err
	}
	s := newSoftmax(len(v.hashes), sets, ys, len(m.labels), r.BatchSize)
	if err := descend(ctx, s, len(train), len(valid), r, report); err != nil {
		return nil, err
	}
	m.linear = newLinear(v, s.w, s.bias)
	return m, nil
}

// requestSets learns the vocabulary of the training prompts and returns it with
// the numbered sets of training and validation prompts.
func requestSets(ctx context.Context, train, valid []Example, classes int, system bool) (vocabulary, [][]uint32, error) {
	var buf []uint32
	v, sets, err := learnVocabulary(len(train), classes, leastFor(len(train)), func(i int) []uint32 {
		buf = features(train[i].Prompt, system, buf)
		return buf
	}, ctx.Err)
	for _, e := range valid {
		sets = append(sets, v.number(features(e.Prompt, system, nil)))
	}
	return v, sets, err
}

// distinct sorts the different texts among n.
func distinct(n int, text func(int) string) []string {
	seen := map[string]struct{}{}
	var out []string
	for i := range n {
		t := text(i)
		if _, ok := seen[t]; !ok {
			seen[t] = struct{}{}
			out = append(out, t)
		}
	}
	slices.Sort(out)
	return out
}

// places finds each of n texts in a sorted list, or unknown.
func places(sorted []string, n int, text func(int) string) []int32 {
	out := make([]int32, n)
	for i := range n {
		p, ok := slices.BinarySearch(sorted, text(i))
		if !ok {
			p = int(unknown)
		}
		out[i] = int32(p)
	}
	return out
}

// systemVaries says whether the examples differ in their system messages.
func systemVaries(examples []Example) bool {
	system := func(e Example) string {
		for _, t := range e.Prompt {
			if t.Role == "system" || t.Role == "developer" {
				return t.Content
			}
		}
		return ""
	}
	first := system(examples[0])
	return slices.ContainsFunc(examples, func(e Example) bool { return system(e) != first })
}
