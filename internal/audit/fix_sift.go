package audit

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/tunegate/tunegate/internal/dataset"
)

// sifted is what one round of Fix decides about the lines of a file.
type sifted struct {
	lines    int
	examples []example // what may be kept, as it will be written
	dropped  map[int32]drop
	replaced map[int32]map[string]int // how often each rule applied
}

// drop says why a line goes.
type drop struct {
	rule string
	of   int32 // the line that stands for it, 0 for none
}

// sift reads the file. lost are lines that others have found to be of no use.
func (c *cleaning) sift(ctx context.Context, lost map[int32]string) (*sifted, error) {
	all := &sifted{dropped: map[int32]drop{}, replaced: map[int32]map[string]int{}}
	seeds := newSeeds() // one for all: hashes of different workers are compared
	for part, err := range dataset.Map(ctx, c.now, c.workers, func() func(*dataset.Block) *sifted {
		r, w := newRedactor(), &worker{hashes: hashes{seeds: seeds}}
		return func(b *dataset.Block) *sifted { return c.block(b, lost, r, w) }
	}) {
		if err != nil {
			return nil, err
		}
		all.lines += part.lines
		all.examples = append(all.examples, part.examples...)
		maps.Copy(all.dropped, part.dropped)
		maps.Copy(all.replaced, part.replaced)
	}
	return all, nil
}

func (c *cleaning) block(b *dataset.Block, lost map[int32]string, r *redactor, w *worker) *sifted {
	out := &sifted{dropped: map[int32]drop{}, replaced: map[int32]map[string]int{}}
	for row := range b.Rows() {
		out.lines++
		line := int32(row.Line)
		if len(row.Problems) > 0 {
			out.dropped[line] = drop{rule: row.Problems[0].Rule}
			continue
		}
		if rule := lost[line]; rule != "" {
			out.dropped[line] = drop{rule: rule}
			continue
		}
		raw, counts := r.line(row.Raw)
		if len(counts) > 0 {
			row = reread(raw, row.Line)
		}
		if rule := r.left(row); rule != "" || len(row.Problems) > 0 {
			if rule == "" {
				rule = row.Problems[0].Rule // a placeholder took what the row needed
			}
			out.dropped[line] = drop{rule: rule}
			continue
		}
		if len(counts) > 0 {
			out.replaced[line] = maps.Clone(counts)
		}
		if c.training {
			e := example{line: line}
			w.hashes.forget()
			w.identify(row, &e, false)
			out.examples = append(out.examples, e)
		}
	}
	for _, line := range b.Blank() {
		out.lines++
		out.dropped[int32(line)] = drop{rule: "blank-line"}
	}
	return out
}

// compare drops the minority of each contradiction, and then all but the first of equal examples.
func (s *sifted) compare() {
	examples := s.examples
	slices.SortStableFunc(examples, func(a, b example) int {
		return cmp.Or(cmp.Compare(a.prompt.Hi, b.prompt.Hi), cmp.Compare(a.prompt.Lo, b.prompt.Lo))
	})
	for len(examples) > 0 {
		n := 1
		for n < len(examples) && examples[n].prompt == examples[0].prompt {
			n++
		}
		s.vote(examples[:n])
		examples = examples[n:]
	}
	slices.SortStableFunc(s.examples, func(a, b example) int {
		return cmp.Or(cmp.Compare(a.whole.Hi, b.whole.Hi), cmp.Compare(a.whole.Lo, b.whole.Lo), cmp.Compare(a.line, b.line))
	})
	var first example
	for _, e := range s.examples {
		if _, gone := s.dropped[e.line]; gone {
			continue
		}
		if first.line > 0 && e.whole == first.whole {
			s.drop(e, drop{"exact-duplicate", first.line})
			continue
		}
		first = e
	}
}

// vote drops, of examples with one prompt in the order of the file, those without the answer that most give.
func (s *sifted) vote(same []example) {
	votes := map[uint32]int{}
	for _, e := range same {
		votes[e.answer]++
	}
	if len(votes) < 2 {
		return
	}
	most, tied := same[0], false
	for _, e := range same[1:] {
		switch {
		case votes[e.answer] > votes[most.answer]:
			most, tied = e, false
		case votes[e.answer] == votes[most.answer] && e.answer != most.answer:
			tied = true
		}
	}
	for _, e := range same {
		switch {
		case !tied && e.answer != most.answer:
			s.drop(e, drop{"contradiction", most.line})
		case tied:
			other := most
			if e.answer == most.answer {
				other = same[slices.IndexFunc(same, func(o example) bool { return o.answer != e.answer })]
			}
			s.drop(e, drop{"contradiction", other.line})
		}
	}
}

// drop drops an example, and with it what was to be replaced in it.
func (s *sifted) drop(e example, d drop) {
	s.dropped[e.line] = d
	delete(s.replaced, e.line)
}
