package audit

import (
	"context"
	"runtime"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/suite"
)

// study is what the rules of the deep audit have in common: the input, and what the quick pass over the training data
// left behind. The deep pass reads that file a second time, since parsing is cheap and holding the text is not.
type study struct {
	ctx     context.Context
	in      Input
	tests   suite.Suite
	train   *set
	workers int
	shared  *likeness // of the rules about almost equal text, once one of them asked for it
	failed  error     // met while it was made
}

// likeness returns what the rules about almost equal text share.
func (s *study) likeness() *likeness {
	if s.shared == nil && s.failed == nil {
		s.shared, s.failed = newLikeness(s)
	}
	return s.shared
}

// inquiry is a rule of the deep audit at work.
type inquiry interface {
	// eye returns the look of one goroutine: it is called for each example of the training data. It is nil for a rule
	// that goes by what another's saw.
	eye() eye
	// take is handed what the eyes made of each block, in file order, by one goroutine.
	take(seen any)
	// report tells what was found, after the pass. It may read the file again.
	report(report) error
}

// eye looks at the examples of one block after the other.
type eye interface {
	row(*dataset.Row) // must not keep the row or its strings
	done() (seen any) // of the block; the eye starts anew
}

// deepen applies the rules of the deep audit to the training data; their findings join those of the quick pass.
func (s *study) deepen(rules []Rule) error {
	if s.workers == 0 {
		s.workers = runtime.GOMAXPROCS(0)
	}
	var asked []Rule
	var inquiries []inquiry
	for _, r := range rules {
		if r.Check.Deep != nil {
			if q := r.Check.Deep(s); q != nil {
				asked, inquiries = append(asked, r), append(inquiries, q)
			}
		}
	}
	if len(inquiries) == 0 || s.failed != nil {
		return s.failed
	}
	type glance struct {
		done int64
		seen []any // by inquiry
	}
	for g, err := range dataset.Map(s.ctx, s.in.Train, s.workers, func() func(*dataset.Block) glance {
		eyes := make([]eye, len(inquiries))
		for i, q := range inquiries {
			eyes[i] = q.eye()
		}
		return func(b *dataset.Block) glance {
			for row := range b.Rows() {
				if len(row.Problems) > 0 {
					continue
				}
				for _, e := range eyes {
					if e != nil {
						e.row(row)
					}
				}
			}
			g := glance{b.Done(), make([]any, len(eyes))}
			for i, e := range eyes {
				if e != nil {
					g.seen[i] = e.done()
				}
			}
			return g
		}
	}) {
		if err != nil {
			return err
		}
		if s.in.Progress != nil {
			s.in.Progress(g.done, s.in.Train.Size())
		}
		for i, q := range inquiries {
			q.take(g.seen[i])
		}
	}
	for i, q := range inquiries {
		if err := q.report(s.train.report(asked[i].Name)); err != nil {
			return err
		}
	}
	return nil
}
