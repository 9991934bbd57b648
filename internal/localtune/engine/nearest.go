package engine

import (
	"context"
	"math"
	"slices"
)

// Bounds on what a nearest-neighbour model keeps.
const (
	maxKept        = 50_000   // examples, evenly spaced over the training data
	maxAnswerBytes = 24 << 20 // answers together
	maxPerKept     = 96       // features of an example, the rarest first
	commonShare    = 5        // a feature in more than one in so many examples tells nothing
)

// nearestModel answers with the answer of the training example whose request is
// most alike: the cosine of feature sets, weighted by rarity.
type nearestModel struct {
	vocab   vocabulary
	rarity  []float32 // per feature, log of examples over occurrences
	answers []string
	sets    [][]uint32 // per example, its feature numbers, rising
	lengths []float32  // per example, the length of its weighted set
	owners  [][]int32  // per feature, the examples that have it
	system  bool
}

func fitNearest(ctx context.Context, train, valid []Example, r Recipe, report func(Progress)) (*nearestModel, error) {
	m := &nearestModel{system: systemVaries(train)}
	size := 0
	for _, e := range train {
		size += len(e.Answer)
	}
	stride := max((len(train)+maxKept-1)/maxKept, (size+maxAnswerBytes-1)/maxAnswerBytes, 1)
	kept := make([]Example, 0, len(train)/stride+1)
	for i := 0; i < len(train); i += stride {
		kept = append(kept, train[i])
	}
	var buf []uint32
	v, sets, err := learnVocabulary(len(kept), maxCells/maxFeatures, leastFor(len(kept)), func(i int) []uint32 {
		buf = features(kept[i].Prompt, m.system, buf)
		return buf
	}, ctx.Err)
	if err != nil {
		return nil, err
	}
	m.vocab, m.sets = v, sets
	counts := make([]int, len(v.hashes))
	for _, s := range sets {
		for _, f := range s {
			counts[f]++
		}
	}
	m.rarity = make([]float32, len(counts))
	for f, c := range counts {
		m.rarity[f] = float32(math.Log(float64(len(kept)+1) / float64(max(c, 1))))
	}
	for i, s := range sets {
		m.sets[i] = m.rarest(s)
		m.answers = append(m.answers, kept[i].Answer)
	}
	m.index()
	return m, m.rehearse(ctx, valid, r, report)
}

// rarest keeps at most maxPerKept features of a set, sorted by number.
func (m *nearestModel) rarest(s []uint32) []uint32 {
	if len(s) <= maxPerKept {
		return s
	}
	slices.SortStableFunc(s, func(a, b uint32) int {
		switch x, y := m.rarity[a], m.rarity[b]; {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	s = slices.Clone(s[:maxPerKept])
	slices.Sort(s)
	return s
}

// index derives from the sets what a look-up needs.
func (m *nearestModel) index() {
	m.owners = make([][]int32, len(m.rarity))
	m.lengths = make([]float32, len(m.sets))
	for i, s := range m.sets {
		var sum float64
		for _, f := range s {
			m.owners[f] = append(m.owners[f], int32(i))
			sum += float64(m.rarity[f]) * float64(m.rarity[f])
		}
		m.lengths[i] = float32(math.Sqrt(sum))
	}
	for f, o := range m.owners {
		if len(o) > 50 && len(o) > len(m.sets)/commonShare {
			m.owners[f] = nil
		}
	}
}

// find is the most alike example other than skip, and its cosine. The first
// example wins a tie; without anything in common it is 0, 0.
func (m *nearestModel) find(set []uint32, skip int) (best int, cosine float64) {
	scores := make([]float32, len(m.sets))
	var sum float64
	for _, f := range set {
		w := m.rarity[f] * m.rarity[f]
		sum += float64(w)
		for _, i := range m.owners[f] {
			scores[i] += w
		}
	}
	var top float32
	for i, s := range scores {
		if s > 0 && i != skip {
			if s /= m.lengths[i]; s > top {
				best, top = i, s
			}
		}
	}
	if top > 0 {
		cosine = min(float64(top)/math.Sqrt(sum), 1)
	}
	return best, cosine
}

func (m *nearestModel) Answer(prompt []Turn) string {
	set := m.vocab.number(features(prompt, m.system, nil))
	i, _ := m.find(set, -1)
	return m.answers[i]
}

// rehearse reports how well examples are answered by their neighbours: there
// is nothing to descend, so every pass of the recipe would be the same, and one is run. The loss is
// one minus the cosine of the nearest.
func (m *nearestModel) rehearse(ctx context.Context, valid []Example, r Recipe, report func(Progress)) error {
	const reports, each = 60, 8
	n := len(m.sets)
	total := min(reports, n)
	for step := range total {
		if err := ctx.Err(); err != nil {
			return err
		}
		p := Progress{Step: step + 1, TotalSteps: total, ValidLoss: math.NaN(), ValidAccuracy: math.NaN()}
		from, to := n*step/total, n*(step+1)/total
		tried, right := min(each, to-from), 0
		for i := from; i < from+tried; i++ {
			j, cosine := m.find(m.sets[i], i)
			p.TrainLoss += (1 - cosine) / float64(tried)
			if m.answers[i] == m.answers[j] && i != j {
				right++
			}
		}
		p.TrainAccuracy = float64(right) / float64(tried)
		if step == total-1 && len(valid) > 0 {
			p.ValidLoss = 0
			valid, right = valid[:min(len(valid), 200)], 0
			for _, e := range valid {
				j, cosine := m.find(m.vocab.number(features(e.Prompt, m.system, nil)), -1)
				p.ValidLoss += (1 - cosine) / float64(len(valid))
				if m.answers[j] == e.Answer {
					right++
				}
			}
			p.ValidAccuracy = float64(right) / float64(len(valid))
		}
		report(p)
	}
	return nil
}

func (m *nearestModel) encode(e *encoder) {
	e.flag(m.system)
	e.rising(m.vocab.hashes)
	e.floats(m.rarity)
	e.texts(m.answers)
	for _, s := range m.sets {
		e.rising(s)
	}
}

func decodeNearest(d *decoder) *nearestModel {
	m := &nearestModel{system: d.flag()}
	m.vocab = newVocabulary(d.rising(maxFeatures))
	m.rarity = d.floats()
	m.answers = d.texts(maxKept)
	if len(m.answers) == 0 || len(m.rarity) != len(m.vocab.hashes) {
		d.fail()
		return m
	}
	for range m.answers {
		s := d.rising(maxPerKept)
		if len(s) > 0 && int(s[len(s)-1]) >= len(m.rarity) {
			d.fail()
		}
		if d.bad {
			return m
		}
		m.sets = append(m.sets, s)
	}
	if !d.bad {
		m.index()
	}
	return m
}
