package engine

import (
	"cmp"
	"slices"
	"strings"
)

// spanModel answers with JSON put together in three steps: a linear model
// chooses the frame, a tagger finds the tokens of the request that are copied into it,
// and further linear models choose what else varies.
type spanModel struct {
	system  bool
	style   style
	inOrder bool // copies within an object stand in the order of the request
	frames  []frame
	frame   linear     // a class per frame
	copies  []copySlot // what is copied
	tagger  tagger
	known   gazetteer
	choices []choiceModel
	ranks   map[string]float32 // mean place of a key in its object, by path
}

// frame is an answer without what varies.
type frame struct {
	text     string    // see frameText
	root     *node     // nil for plain text
	open     []int32   // tags, rising, 0 first
	required []string  // paths of containers that are there even when empty
	choices  [][]int32 // per choice of the model, the values that go with this frame; none: it has no such value
}

// copySlot is a place in the answer that takes a copy.
type copySlot struct {
	path     string
	numbers  bool              // a copy that reads as a number is one
	rewrites map[string]string // copies in lower case, to what training wrote for them instead
}

// choiceModel is a place in the answer that takes one of some values.
type choiceModel struct {
	choice
	linear
}

func (m *spanModel) Answer(prompt []Turn) string {
	set := features(prompt, m.system, nil)
	z := make([]float32, len(m.frames))
	m.frame.score(z, slices.Clone(set))
	at := largest(z)
	f := &m.frames[at]
	if f.root == nil {
		return f.text[1:]
	}
	root := f.root.clone()
	for _, path := range f.required {
		put(root, path, nil)
	}
	for i := range m.choices {
		if v := m.choices[i].pick(set, f.choices[i]); v != "" {
			put(root, m.choices[i].path, parseValue(v))
		}
	}
	first := map[string]int{} // where the first copy of a path stands
	text := request(prompt)
	tokens := tokenise(text)
	if len(f.open) > 1 && len(tokens) > 0 {
		for _, s := range spansOf(m.tagger.tags(tokens, m.known, at, f.open)) {
			c := &m.copies[s.slot]
			if _, again := first[c.path]; again && !strings.HasSuffix(c.path, "*") {
				continue
			}
			first[c.path] = s.from
			put(root, c.path, c.value(text[tokens[s.from].from:tokens[s.to-1].to]))
		}
	}
	m.sort(root, "", first)
	return m.style.render(root)
}

// pick is the best of the values that go with the frame.
func (c *choiceModel) pick(set []uint32, open []int32) string {
	switch len(open) {
	case 0:
		return ""
	case 1:
		return c.values[open[0]]
	}
	z := make([]float32, len(c.values))
	c.score(z, slices.Clone(set))
	best := open[0]
	for _, v := range open {
		if z[v] > z[best] {
			best = v
		}
	}
	return c.values[best]
}

func (c *copySlot) value(text string) *node {
	if v, ok := c.rewrites[strings.ToLower(text)]; ok {
		text = v
	}
	if c.numbers {
		if n := parseValue(text); n != nil && n.kind == '0' && n.text == text {
			return n
		}
	}
	return &node{kind: '"', text: text}
}

// spansOf reads tags as spans.
func spansOf(tags []int32) []span {
	var out []span
	for i := 0; i < len(tags); {
		if tags[i] == 0 {
			i++
			continue
		}
		from, slot := i, int(tags[i]-1)/2
		for i++; i < len(tags) && tags[i] == int32(2+2*slot); i++ {
		}
		out = append(out, span{slot: slot, from: from, to: i})
	}
	return out
}

// sort puts the keys of every object in the order of the training answers,
// and copies among themselves in the order of the request if that is theirs.
func (m *spanModel) sort(n *node, path string, first map[string]int) {
	if n.kind == '{' {
		type field struct {
			key  string
			kid  *node
			rank float32
			at   int // token of the copy, -1 for anything else
		}
		fields := make([]field, len(n.keys))
		for i, k := range n.keys {
			p := path + "\x00." + k
			at, ok := first[p]
			if !ok {
				at = -1
			}
			fields[i] = field{k, n.kids[i], m.ranks[p], at}
		}
		slices.SortStableFunc(fields, func(a, b field) int { return cmp.Compare(a.rank, b.rank) })
		if m.inOrder {
			var copied []field
			for _, f := range fields {
				if f.at >= 0 {
					copied = append(copied, f)
				}
			}
			slices.SortStableFunc(copied, func(a, b field) int { return cmp.Compare(a.at, b.at) })
			for i, f := range fields {
				if f.at >= 0 {
					fields[i], copied = copied[0], copied[1:]
				}
			}
		}
		for i, f := range fields {
			n.keys[i], n.kids[i] = f.key, f.kid
		}
	}
	for i, k := range n.kids {
		if n.kind == '{' {
			m.sort(k, path+"\x00."+n.keys[i], first)
		} else if !k.scalar() {
			m.sort(k, path+"\x00#", first)
		}
	}
}
