package engine

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// spanPlan is what the training answers have in common, and each example seen
// that way. A value in an answer is a copy (a span of the request), part of the frame,
// or a choice. The frame is the answer with copies and choices taken out; an answer that is not
// JSON is all frame.
type spanPlan struct {
	copies  []string // paths, sorted
	framed  []string // paths, sorted
	choices []choice
	frames  []string // frameText, sorted
	style   style
	inOrder bool // copies stand in the order of the request
	rows    []planRow
}

// choice is a value chosen from those of the training answers, apart from the frame.
type choice struct {
	path   string
	values []string // JSON, sorted; "" is no value
}

// planRow is one example. Its request is text; root is nil for an answer that is not JSON.
type planRow struct {
	text       string
	tokens     []token
	root       *node
	frame      int32 // of plan.frames, or apart, or unknown
	spans      []span
	values     map[string]string // JSON by path, of what is not copied
	containers []string
	missed     bool // a value that should be a copy does not stand in the request
}

// Bounds on what a plan holds.
const (
	maxFrames  = 64  // frames, or one per 50 examples if that is more
	maxChoices = 300 // values of all choices together
	maxPaths   = 200 // paths, the most frequent
	maxTexts   = 500 // examples from which on an answer that is not JSON must repeat, if it is to be learnt
)

func newPlan(ctx context.Context, examples []Example) (*spanPlan, error) {
	p := &spanPlan{rows: make([]planRow, len(examples))}
	roots := make([]*node, len(examples))
	answers := make([]string, len(examples))
	for i, e := range examples {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p.rows[i] = newRow(e)
		roots[i], answers[i] = p.rows[i].root, e.Answer
	}
	p.style = styleOf(answers, roots)
	var err error
	if p.copies, err = copiedPaths(ctx, p.rows); err != nil {
		return nil, err
	}
	rising, pairs := 0, 0
	for i := range p.rows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p.takeApart(&p.rows[i])
		for j, s := range p.rows[i].spans {
			if j > 0 {
				pairs++
				if s.from > p.rows[i].spans[j-1].from {
					rising++
				}
			}
		}
	}
	p.inOrder = 10*rising >= 9*pairs
	return p, p.chooseFrames(ctx)
}

func newRow(e Example) planRow {
	root, ok := parseNode(e.Answer)
	if !ok {
		root = nil
	}
	text := request(e.Prompt)
	return planRow{text: text, tokens: tokenise(text), root: root, values: map[string]string{"": strings.TrimSpace(e.Answer)}}
}

// everywhere splits all arrays of scalars.
func everywhere(string) bool { return true }

func nowhere(string) {}

// copiedPaths finds the values that are copied: those that stand in the
// request nine times in ten, or, where they take too many forms to be a choice, half the time.
func copiedPaths(ctx context.Context, rows []planRow) ([]string, error) {
	type tally struct {
		total, found int
		forms        map[string]int
	}
	tallies := map[string]*tally{}
	for i, r := range rows {
		if err := ctx.Err(); i%64 == 0 && err != nil {
			return nil, err
		}
		if r.root == nil {
			continue
		}
		taken := make([]bool, len(r.tokens))
		for _, v := range leaves(r.root, "", everywhere, nil, nowhere) {
			t := tallies[v.path]
			if t == nil {
				t = &tally{forms: map[string]int{}}
				tallies[v.path] = t
			}
			t.total++
			t.forms[v.leaf.text]++
			if _, _, ok := find(r.text, r.tokens, v.leaf.text, 0, taken); ok && copyable(v.leaf) {
				t.found++
			}
		}
	}
	var paths []string
	for path, t := range tallies {
		open := 4*len(t.forms) > t.total || len(t.forms) > 100
		if 10*t.found >= 9*t.total || open && 2*t.found >= t.total {
			paths = append(paths, path)
		}
	}
	slices.SortFunc(paths, func(a, b string) int {
		return cmp.Or(cmp.Compare(tallies[b].total, tallies[a].total), cmp.Compare(a, b))
	})
	paths = paths[:min(len(paths), maxPaths)]
	slices.Sort(paths)
	return paths, nil
}

func copyable(n *node) bool {
	return n.text != "" && n.text != "true" && n.text != "false" && n.text != "null"
}

// takeApart finds the copies in a row's answer and lists the rest of its values.
func (p *spanPlan) takeApart(r *planRow) {
	if r.root == nil {
		return
	}
	clear(r.values)
	taken := make([]bool, len(r.tokens))
	after := 0
	split := func(path string) bool { _, ok := slices.BinarySearch(p.copies, path); return ok }
	container := func(path string) { r.containers = append(r.containers, path) }
	for _, v := range leaves(r.root, "", split, nil, container) {
		slot, ok := slices.BinarySearch(p.copies, v.path)
		if !ok {
			r.values[v.path] = style{}.render(v.leaf)
			continue
		}
		from, to, ok := find(r.text, r.tokens, v.leaf.text, after, taken)
		if !ok || !copyable(v.leaf) {
			r.missed = true
			continue
		}
		for i := from; i < to; i++ {
			taken[i] = true
		}
		after = to
		r.spans = append(r.spans, span{slot, from, to, v.leaf.text, v.leaf.kind == '0'})
	}
}

// chooseFrames decides which values are part of the frame: path by path, those with the
// fewest forms first, as long as there are not too many frames. The rest are choices.
func (p *spanPlan) chooseFrames(ctx context.Context) error {
	forms := map[string]map[string]int{}
	var paths []string
	for _, r := range p.rows {
		for path, v := range r.values {
			if forms[path] == nil {
				forms[path] = map[string]int{}
				paths = append(paths, path)
			}
			forms[path][v]++
		}
	}
	slices.SortFunc(paths, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(forms[a]), len(forms[b])), cmp.Compare(a, b))
	})
	most := min(max(maxFrames, len(p.rows)/50), maxLabels/2)
	keys := make([]string, len(p.rows))
	var framed, free []string
	for n, path := range paths {
		if err := ctx.Err(); err != nil {
			return err
		}
		if n >= maxPaths {
			free = append(free, path)
			continue
		}
		next := make([]string, len(keys))
		count := map[string]struct{}{}
		for i, r := range p.rows {
			next[i] = keys[i]
			if v, ok := r.values[path]; ok {
				next[i] += path + "\x00=" + v
			}
			count[next[i]] = struct{}{}
		}
		if len(count) > most {
			free = append(free, path)
			continue
		}
		keys = next
		framed = append(framed, path)
	}
	slices.Sort(framed)
	texts := make([]string, len(p.rows))
	var known []string
	for i, r := range p.rows {
		texts[i] = frameText(r, framed)
		if r.root != nil || len(p.rows) < maxTexts || forms[""][r.values[""]] > max(1, len(p.rows)/maxLabels) {
			known = append(known, texts[i])
		}
	}
	p.frames = distinct(len(known), func(i int) string { return known[i] })
	for i, f := range places(p.frames, len(texts), func(i int) string { return texts[i] }) {
		p.rows[i].frame = f
		if f == unknown { // a sentence hardly said twice
			p.rows[i].frame = apart
		}
	}
	p.framed = framed
	p.chooseChoices(free, forms)
	return nil
}

// chooseChoices keeps the most frequent values of the paths that are free.
func (p *spanPlan) chooseChoices(paths []string, forms map[string]map[string]int) {
	type form struct {
		path, value string
		count       int
	}
	var all []form
	for _, path := range paths {
		for v, n := range forms[path] {
			all = append(all, form{path, v, n})
		}
	}
	slices.SortFunc(all, func(a, b form) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.path, b.path), cmp.Compare(a.value, b.value))
	})
	values := map[string][]string{}
	for _, f := range all[:min(len(all), maxChoices)] {
		values[f.path] = append(values[f.path], f.value)
	}
	slices.Sort(paths)
	for _, path := range paths {
		if v := values[path]; len(v) > 0 && path != "" {
			v = append(v, "")
			slices.Sort(v)
			p.choices = append(p.choices, choice{path, v})
		}
	}
}

// frameText writes a frame: "t" and the text of an answer that is not JSON, or "j"
// and the JSON of the framed values alone.
func frameText(r planRow, framed []string) string {
	if r.root == nil {
		return "t" + r.values[""]
	}
	n := &node{kind: r.root.kind}
	for _, path := range framed {
		if v, ok := r.values[path]; ok {
			put(n, path, parseValue(v))
		}
	}
	return "j" + style{}.render(n)
}
