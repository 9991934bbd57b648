package engine

import (
	"maps"
	"slices"
	"strings"
)

func (m *spanModel) encode(e *encoder) {
	e.flag(m.system)
	e.flag(m.style.spaced)
	e.flag(m.style.ascii)
	e.flag(m.inOrder)

	e.count(len(m.copies))
	for _, c := range m.copies {
		e.text(c.path)
		e.flag(c.numbers)
		from := slices.Sorted(maps.Keys(c.rewrites))
		e.texts(from)
		for _, f := range from {
			e.text(c.rewrites[f])
		}
	}
	e.count(len(m.choices))
	for _, c := range m.choices {
		e.text(c.path)
		e.texts(c.values)
		c.linear.encode(e)
	}
	e.count(len(m.frames))
	for _, f := range m.frames {
		e.text(f.text)
		e.numbers(f.open)
		e.texts(f.required)
		for _, c := range f.choices {
			e.numbers(c)
		}
	}
	m.frame.encode(e)
	m.tagger.linear.encode(e)
	e.floats(m.tagger.moves)

	phrases := slices.Sorted(maps.Keys(m.known))
	e.rising(phrases)
	for _, h := range phrases {
		e.count(len(m.known[h]))
		for _, x := range m.known[h] { // in the order of training
			e.count(x.slot)
		}
	}
	paths := slices.Sorted(maps.Keys(m.ranks))
	e.texts(paths)
	ranks := make([]float32, len(paths))
	for i, p := range paths {
		ranks[i] = m.ranks[p]
	}
	e.floats(ranks)
}

func decodeSpans(d *decoder) *spanModel {
	m := &spanModel{system: d.flag(), known: gazetteer{}, ranks: map[string]float32{}}
	m.style = style{spaced: d.flag(), ascii: d.flag()}
	m.inOrder = d.flag()

	m.copies = make([]copySlot, d.list(3, maxPaths))
	for i := range m.copies {
		c := copySlot{path: d.path(), numbers: d.flag(), rewrites: map[string]string{}}
		for _, from := range d.texts(maxRewrites) {
			c.rewrites[from] = d.text()
		}
		m.copies[i] = c
	}
	m.choices = make([]choiceModel, d.list(6, maxChoices))
	for i := range m.choices {
		c := choice{path: d.path(), values: d.texts(2 * maxChoices)}
		for _, v := range c.values {
			if v != "" && parseValue(v) == nil {
				d.fail()
			}
		}
		m.choices[i] = choiceModel{c, decodeLinear(d, len(c.values))}
	}
	tags := 1 + 2*len(m.copies)
	m.frames = make([]frame, d.list(4, 2*maxLabels))
	for i := range m.frames {
		m.frames[i] = m.decodeFrame(d, tags)
	}
	if len(m.frames) == 0 {
		d.fail()
	}
	m.frame = decodeLinear(d, len(m.frames))
	m.tagger.linear = decodeLinear(d, tags)
	m.tagger.moves = d.floats()
	if len(m.tagger.moves) != tags*tags {
		d.fail()
	}
	for _, h := range d.rising(maxPhrases) {
		slots := make([]entry, d.list(1, maxPaths))
		for i := range slots {
			slots[i] = entry{d.number(max(len(m.copies)-1, 0)), 1}
		}
		m.known[h] = slots
	}
	paths := d.texts(maxRanks)
	ranks := d.floats()
	if len(ranks) != len(paths) {
		d.fail()
		return m
	}
	for i, p := range paths {
		m.ranks[p] = ranks[i]
	}
	return m
}

func (m *spanModel) decodeFrame(d *decoder, tags int) frame {
	f := frame{text: d.text(), open: d.numbers(tags - 1), required: d.texts(maxPaths), choices: make([][]int32, len(m.choices))}
	switch {
	case strings.HasPrefix(f.text, "j"):
		root, ok := parseNode(f.text[1:])
		if !ok {
			d.fail()
		}
		f.root = root
	case !strings.HasPrefix(f.text, "t"):
		d.fail()
	}
	if len(f.open) == 0 || f.open[0] != 0 || slices.ContainsFunc(f.required, tooDeep) {
		d.fail()
	}
	for i := range f.choices {
		f.choices[i] = d.numbers(max(len(m.choices[i].values)-1, 0))
		if len(m.choices[i].values) == 0 {
			d.fail()
		}
	}
	return f
}

// path reads the path of a value.
func (d *decoder) path() string {
	p := d.text()
	if tooDeep(p) {
		d.fail()
	}
	return p
}

// tooDeep says whether a path is longer than any that training makes.
func tooDeep(path string) bool { return strings.Count(path, "\x00") > maxDepth+2 }
