package engine

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// maxTagged bounds the tokens that the tagger trains on; with more, it trains
// on evenly spaced examples.
const maxTagged = 500_000

// spanLearner trains the parts of a span model together. The loss of an example
// is the sum over its parts, and it is right if all of them are.
type spanLearner struct {
	parts []learner
}

func (l spanLearner) forward(i, slot int) (loss float64, right bool) {
	right = true
	for _, p := range l.parts {
		l1, ok := p.forward(i, slot)
		loss += l1
		right = right && ok
	}
	return loss, right
}

func (l spanLearner) update(i, slot int, rate float32) {
	for _, p := range l.parts {
		p.update(i, slot, rate)
	}
}

func fitSpans(ctx context.Context, train, valid []Example, r Recipe, report func(Progress)) (*spanModel, error) {
	p, err := newPlan(ctx, train)
	if err != nil {
		return nil, err
	}
	n := len(train)
	p.addValid(valid)
	m := &spanModel{system: systemVaries(train), style: p.style, inOrder: p.inOrder}
	for _, learn := range []func(*spanPlan, int){m.learnFrames, m.learnCopies} {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		learn(p, n)
	}

	classes := len(p.frames)
	for _, c := range p.choices {
		classes += len(c.values)
	}
	v, sets, err := requestSets(ctx, train, valid, classes, m.system)
	if err != nil {
		return nil, err
	}
	ys := make([]int32, len(p.rows))
	for i := range p.rows {
		ys[i] = p.rows[i].frame
	}
	frames := newSoftmax(len(v.hashes), sets, ys, len(p.frames), r.BatchSize)
	l := spanLearner{parts: []learner{frames}}
	var choices []*softmax
	for _, c := range p.choices {
		s := newSoftmax(len(v.hashes), sets, m.classesOf(p, c), len(c.values), r.BatchSize)
		choices = append(choices, s)
		l.parts = append(l.parts, s)
	}
	tv, tags, err := m.newTagging(ctx, p, n, r.BatchSize)
	if err != nil {
		return nil, err
	}
	l.parts = append(l.parts, tags)
	if err := descend(ctx, l, n, len(valid), r, report); err != nil {
		return nil, err
	}
	m.frame = newLinear(v, frames.w, frames.bias)
	for i, c := range p.choices {
		m.choices = append(m.choices, choiceModel{c, newLinear(v, choices[i].w, choices[i].bias)})
	}
	m.tagger = tagger{newLinear(tv, tags.w, tags.bias), tags.moves}
	return m, nil
}

// addValid appends the validation examples to the rows, taken apart as the
// training examples were.
func (p *spanPlan) addValid(valid []Example) {
	for _, e := range valid {
		r := newRow(e)
		p.takeApart(&r)
		text := frameText(r, p.framed)
		r.frame = places(p.frames, 1, func(int) string { return text })[0]
		p.rows = append(p.rows, r)
	}
}

// learnFrames notes what goes with each frame in the first n rows, and the order of keys.
func (m *spanModel) learnFrames(p *spanPlan, n int) {
	m.frames = make([]frame, len(p.frames))
	rows := make([]int, len(p.frames))
	containers := make([]map[string]int, len(p.frames))
	for i, text := range p.frames {
		f := frame{text: text, open: []int32{0}, choices: make([][]int32, len(p.choices))}
		if text[0] == 'j' {
			f.root, _ = parseNode(text[1:])
		}
		m.frames[i], containers[i] = f, map[string]int{}
	}
	sums, counts := map[string]int{}, map[string]int{}
	for _, r := range p.rows[:n] {
		if r.frame < 0 {
			continue
		}
		f := &m.frames[r.frame]
		rows[r.frame]++
		for _, s := range r.spans {
			if t := beginTag(s.slot); !slices.Contains(f.open, t) {
				f.open = append(f.open, t, t+1)
			}
		}
		for _, c := range r.containers {
			containers[r.frame][c]++
		}
		for i, c := range p.choices {
			if v, ok := slices.BinarySearch(c.values, r.values[c.path]); ok && !slices.Contains(f.choices[i], int32(v)) {
				f.choices[i] = append(f.choices[i], int32(v))
			}
		}
		rankKeys(r.root, "", sums, counts)
	}
	for i := range m.frames {
		f := &m.frames[i]
		slices.Sort(f.open)
		for _, c := range slices.Sorted(maps.Keys(containers[i])) {
			times := containers[i][c]
			if times == rows[i] && len(f.required) < maxPaths {
				f.required = append(f.required, c)
			}
		}
		for _, c := range f.choices {
			slices.Sort(c)
		}
	}
	m.ranks = map[string]float32{}
	paths := slices.Sorted(maps.Keys(sums))
	for _, path := range paths[:min(len(paths), maxRanks)] {
		m.ranks[path] = float32(sums[path]) / float32(counts[path])
	}
}

// rankKeys adds up the places of keys in their objects.
func rankKeys(n *node, path string, sums, counts map[string]int) {
	if n == nil {
		return
	}
	for i, k := range n.kids {
		p := path + "\x00#"
		if n.kind == '{' {
			p = path + "\x00." + n.keys[i]
			sums[p] += i
			counts[p]++
		}
		rankKeys(k, p, sums, counts)
	}
}

// learnCopies fills the gazetteer, and notes how values differ from the text
// that they were copied from.
func (m *spanModel) learnCopies(p *spanPlan, n int) {
	m.known = gazetteer{}
	m.copies = make([]copySlot, len(p.copies))
	numbers := make([]int, len(p.copies))
	total := make([]int, len(p.copies))
	for i, path := range p.copies {
		m.copies[i] = copySlot{path: path, rewrites: map[string]string{}}
	}
	for _, r := range p.rows[:n] {
		for _, s := range r.spans {
			m.known.add(r.tokens[s.from:s.to], s.slot)
			total[s.slot]++
			if s.number {
				numbers[s.slot]++
			}
			there := r.text[r.tokens[s.from].from:r.tokens[s.to-1].to]
			if there != s.value && len(m.copies[s.slot].rewrites) < maxRewrites {
				m.copies[s.slot].rewrites[strings.ToLower(there)] = s.value
			}
		}
	}
	for i := range m.copies {
		m.copies[i].numbers = 2*numbers[i] > total[i]
	}
}

// Bounds on what a span model remembers.
const (
	maxRewrites = 5000 // rewritten copies, per slot
	maxRanks    = 5000 // keys with a place in their object
)

// classesOf is each row's value of a choice, for those whose frame leaves one.
func (m *spanModel) classesOf(p *spanPlan, c choice) []int32 {
	at := slices.IndexFunc(p.choices, func(o choice) bool { return o.path == c.path })
	ys := make([]int32, len(p.rows))
	for i, r := range p.rows {
		ys[i] = apart
		if r.frame >= 0 && len(m.frames[r.frame].choices[at]) > 1 {
			ys[i] = places(c.values, 1, func(int) string { return r.values[c.path] })[0]
		}
	}
	return ys
}

// newTagging prepares the tagger: its vocabulary over all tokens of the first n rows, and its learner.
func (m *spanModel) newTagging(ctx context.Context, p *spanPlan, n, batch int) (vocabulary, *tagLearner, error) {
	total := 0
	for _, r := range p.rows[:n] {
		total += len(r.tokens)
	}
	stride := total/maxTagged + 1
	rows := make([]tagRow, len(p.rows))
	type where struct{ row, token int }
	var all []where
	for i, r := range p.rows {
		rows[i].frame = r.frame
		switch {
		case r.root == nil || i < n && (r.missed || i%stride != 0):
			rows[i].frame = apart
			continue
		case r.missed:
			rows[i].frame = unknown
		}
		if rows[i].frame < 0 {
			continue
		}
		rows[i].tags = make([]int32, len(r.tokens))
		for _, s := range r.spans {
			for t := s.from; t < s.to; t++ {
				rows[i].tags[t] = beginTag(s.slot)
				if t > s.from {
					rows[i].tags[t]++
				}
			}
			if !slices.Contains(m.frames[r.frame].open, beginTag(s.slot)) {
				rows[i].frame = unknown
			}
		}
		for t := range r.tokens {
			if i < n {
				all = append(all, where{i, t})
			}
		}
	}
	var buf []uint32
	var marks [][]uint32
	marked := -1
	set := func(i, t int) []uint32 {
		r := &p.rows[i]
		if marked != i {
			marked = i
			own := r.spans
			if i >= n {
				own = nil
			}
			marks = m.known.marks(r.tokens, own)
		}
		buf = tokenSet(r.tokens, marks, int(r.frame), t, buf)
		return buf
	}
	tags := 1 + 2*len(p.copies)
	v, sets, err := learnVocabulary(len(all), tags, leastFor(n), func(i int) []uint32 { return set(all[i].row, all[i].token) }, ctx.Err)
	if err != nil {
		return v, nil, err
	}
	for i, w := range all {
		rows[w.row].sets = append(rows[w.row].sets, sets[i])
	}
	for i := n; i < len(rows); i++ {
		if rows[i].frame >= 0 {
			for t := range p.rows[i].tokens {
				rows[i].sets = append(rows[i].sets, v.number(slices.Clone(set(i, t))))
			}
		}
	}
	open := make([][]int32, len(m.frames))
	for i, f := range m.frames {
		open[i] = f.open
	}
	return v, newTagLearner(len(v.hashes), tags, batch, rows, open), nil
}
