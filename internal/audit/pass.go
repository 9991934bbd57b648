package audit

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/tokens"
	"github.com/zeebo/xxh3"
)

// set is what the pass over one file leaves behind, for the rules that compare rows. Its slices are in file order.
type set struct {
	stats FileStats
	found foundings
	lines []int32 // of each example
	sizes []int32 // of each example: training tokens, or bytes of content

	copies         []pair    // of equal examples
	contradictions []pair    // of equal prompts with different answers
	hits           []hit     // rows that hold a test's prompt
	blank          []stretch // of lines
	unknown        map[string]*unknownKey
	labels         labels
	contaminated   map[int]bool // tests whose very prompt stands in the data, by index
	resembled      map[int]bool // tests that a row only resembles, found by a deep audit

	policy  Policy
	tests   testSuite
	counted bool    // sizes are tokens
	inOrder []int32 // sizes, sorted when first asked for
}

// stretch is lines one after the other, up to end.
type stretch struct{ start, end int32 }

// pair is two lines, the earlier first.
type pair struct{ first, second int32 }

// report returns the function that takes findings of the rule.
func (s *set) report(rule string) report {
	return func(f diag.Finding) {
		f.Rule, f.File = rule, s.stats.File
		s.found.add(f)
	}
}

func (s *set) place(line int32) diag.Place { return diag.Place{File: s.stats.File, Line: int(line)} }

// example is what one row hands from its worker to the set.
type example struct {
	line, size   int32
	whole        xxh3.Uint128 // of the normal form
	prompt       xxh3.Uint128 // of what stands ahead of the answer
	answer       uint32       // hash; that two answers share it by chance hides one contradiction in 4 billion
	label        int32        // index in the block's labels, -1 for none
	messages     int32
	contentTotal int32 // tokens
}

// yield is what one block hands over.
type yield struct {
	done     int64 // see dataset.Block
	rows     int
	examples []example
	labels   []string
	spots    []spot
	hits     []hit
	blank    []stretch
	unknown  []unknownAt
}

// spot is a finding in little room: dirty data has as many as it has rows, most of them saying the same (see foundings).
type spot struct {
	line, col int32
	said      *saying
}

type saying struct {
	rule, message, hint string
	times               int // by the worker
}

// pass reads a file once. tests is nil where contamination is not looked for.
func pass(ctx context.Context, in Input, f *dataset.File, rules []Rule, tests *testIndex, workers int) (*set, error) {
	s := &set{
		stats: FileStats{File: f.Name()}, unknown: map[string]*unknownKey{}, contaminated: map[int]bool{}, resembled: map[int]bool{},
		counted: in.Encoding != nil,
	}
	var wholes, prompts matches
	defer wholes.close()
	defer prompts.close()
	texts, known := newTextRules(rules), newCleared()
	var counter *tokens.Counter // of the first worker, for the others to share what it knows
	for y, err := range dataset.Map(ctx, f, workers, func() func(*dataset.Block) *yield {
		w := newWorker(in, f, rules, texts, tests, known, counter)
		counter = w.counter
		return w.block
	}) {
		if err != nil {
			return nil, err
		}
		in.Progress(y.done, f.Size())
		s.stats.Rows += y.rows
		for _, p := range y.spots {
			s.found.add(diag.Finding{Rule: p.said.rule, File: f.Name(), Line: int(p.line), Col: int(p.col), Message: p.said.message, Hint: p.said.hint})
		}
		s.hits = append(s.hits, y.hits...)
		s.blank = append(s.blank, y.blank...)
		s.addUnknown(y.unknown)
		for _, e := range y.examples {
			s.stats.Messages += int(e.messages)
			s.stats.Tokens += int64(e.contentTotal)
			s.lines = append(s.lines, e.line)
			s.sizes = append(s.sizes, e.size)
			if err := errors.Join(wholes.add(e.whole, e.line, 0), prompts.add(e.prompt, e.line, e.answer)); err != nil {
				return nil, err
			}
		}
		s.labels.add(y)
	}
	var failed [2]error
	var compared sync.WaitGroup
	compared.Go(func() { s.copies, failed[0] = wholes.pairs(func(hashed, hashed) bool { return true }) })
	compared.Go(func() {
		s.contradictions, failed[1] = prompts.pairs(func(first, second hashed) bool { return first.answer != second.answer })
	})
	compared.Wait()
	if err := errors.Join(failed[:]...); err != nil {
		return nil, err
	}
	s.stats.Examples = len(s.lines)
	s.stats.PerExample = s.sizes
	if !s.counted {
		s.stats.PerExample = make([]int32, len(s.sizes))
	} else {
		for _, n := range s.sizes {
			s.stats.TrainingTokens += int64(n)
		}
	}
	for _, h := range s.hits {
		for _, t := range h.tests {
			s.contaminated[t] = true
		}
	}
	return s, nil
}

// worker is the state of one goroutine.
type worker struct {
	file    string
	context rowContext
	counter *tokens.Counter
	roles   [3]int   // tokens of user, assistant, system
	cleared *cleared // shared
	hashes  hashes
	rows    []Rule // those that look at rows
	texts   *textRules
	tests   *testIndex
	key     []byte
	fold    []byte
	byText  map[string]int32   // label to its index in the block
	said    map[string]*saying // of short matches
	matched []match            // in the text at hand
	calls   dataset.CallForm
	form    []byte // of calls
	out     *yield
	// How many a block had at most so far: the next will hardly have more.
	most, mostSpots int
}

// rowContext is what a rule that looks at a row may know besides.
type rowContext struct {
	limit  int // training tokens, 0 for none
	tokens int // training tokens of the row
}

func newWorker(in Input, f *dataset.File, rules []Rule, texts *textRules, tests *testIndex, known *cleared, counter *tokens.Counter) *worker {
	w := &worker{file: f.Name(), texts: texts, tests: tests, cleared: known, hashes: hashes{seeds: known.seeds}, byText: map[string]int32{}, said: map[string]*saying{}, context: rowContext{limit: in.TrainingContext}}
	if in.Encoding != nil {
		if counter == nil {
			w.counter = in.Encoding.NewCounter(f.Size())
		} else {
			w.counter = counter.Share()
		}
		for i, role := range [...]string{"user", "assistant", "system"} {
			w.roles[i] = w.counter.CountString(role)
		}
	} else {
		w.context.limit = 0
	}
	for _, r := range rules {
		if r.Check.Row != nil {
			w.rows = append(w.rows, r)
		}
	}
	return w
}

// find records a finding.
func (w *worker) find(line, col int, said *saying) {
	w.out.spots = append(w.out.spots, spot{int32(line), int32(col), said})
}

func (w *worker) block(b *dataset.Block) *yield {
	w.out = &yield{done: b.Done(), examples: make([]example, 0, w.most), spots: make([]spot, 0, w.mostSpots)}
	clear(w.byText)
	for row := range b.Rows() {
		w.out.rows++
		w.hashes.forget()
		for _, p := range row.Problems {
			w.find(row.Line, p.Col, &saying{rule: p.Rule, message: p.Message, hint: p.Hint})
		}
		for _, k := range row.Unknown {
			w.out.unknown = append(w.out.unknown, unknownAt{strings.Clone(k.Name), row.Line, k.Col})
		}
		marked := w.scan(row)
		if len(row.Problems) == 0 {
			w.example(row, !marked)
		}
	}
	w.hashes.forget()
	for _, line := range b.Blank() {
		if n := len(w.out.blank); n > 0 && w.out.blank[n-1].end == int32(line) {
			w.out.blank[n-1].end++
		} else {
			w.out.blank = append(w.out.blank, stretch{int32(line), int32(line) + 1})
		}
	}
	w.most, w.mostSpots = max(w.most, len(w.out.examples)), max(w.mostSpots, len(w.out.spots))
	return w.out
}

// example takes down an example for the set, and applies the rules that look at rows. Only a quotable one may have its
// answer shown: no secret gets into a report as a label.
func (w *worker) example(row *dataset.Row, quotable bool) {
	e := example{line: int32(row.Line), messages: int32(len(row.Messages)), label: -1}
	if w.counter != nil {
		content, training := row.TokensBy(w.count)
		e.contentTotal, e.size = int32(content), int32(training)
		w.context.tokens = training
	} else {
		for i := range row.Messages {
			e.size += int32(len(row.Messages[i].Content))
		}
	}
	w.identify(row, &e, quotable)
	w.out.examples = append(w.out.examples, e)
	if w.tests != nil {
		if tests := w.match(row); len(tests) > 0 {
			w.out.hits = append(w.out.hits, hit{e.line, tests})
		}
	}
	for _, r := range w.rows {
		r.Check.Row(&w.context, row, func(f diag.Finding) { w.find(f.Line, f.Col, &saying{rule: r.Name, message: f.Message, hint: f.Hint}) })
	}
}

func (w *worker) count(text string) int {
	switch text { // of roles, there are more than of any other text
	case "user":
		return w.roles[0]
	case "assistant":
		return w.roles[1]
	case "system":
		return w.roles[2]
	}
	return w.counter.CountString(text)
}
