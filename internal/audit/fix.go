package audit

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/diag"
)

// Job is what Fix cleans together: the data of an agent, and how strictly it is judged.
type Job struct {
	Input
	Policy
}

// Action is what became of a line.
type Action string

// The two things that Fix does to a line.
const (
	Dropped  Action = "dropped"
	Replaced Action = "replaced" // parts of its text, by placeholders
)

// Change is what Fix did to a line, and by which rule. It repeats nothing of the text.
type Change struct {
	File   string `json:"file"`
	Line   int    `json:"line"` // in the source
	Action Action `json:"action"`
	Rule   string `json:"rule"`
	Of     int    `json:"of,omitempty"`    // the line that is kept instead; of a tie, the other line
	Count  int    `json:"count,omitempty"` // placeholders put into the line
}

// Copy is the cleaned copy of a file.
type Copy struct {
	Source  *dataset.File
	Path    string   // of the copy, packed as the source is; that of the source where nothing is changed
	Changes []Change // by line
}

// Fix cleans the training and validation data of the jobs: lines that cannot be trained on or that have the prompt of a test are
// dropped, of equal examples all but the first, of contradictory ones those with the answer that fewer give (all, where
// none is given by most), and secrets and personal data become placeholders. The rest is kept byte for byte. What is only
// alike is left for a person to judge, near-duplicates and near copies of tests.
//
// Sources are left alone. Copies are made in the folder scratch, which the caller has made, and audited until nothing is
// left to do, so that cleaning a copy changes nothing; the results, one a job, say what cleaning did not mend. The audit is a
// deep one. The error is as Run's, and diag.Mistakes where no line would be left.
//
// Memory: that of Run, and about 50 bytes an example.
func Fix(ctx context.Context, jobs []Job, scratch string) ([]Copy, []Result, error) {
	return fix(ctx, jobs, scratch, runtime.GOMAXPROCS(0))
}

func fix(ctx context.Context, jobs []Job, scratch string, workers int) ([]Copy, []Result, error) {
	var all []*cleaning
	byPath := map[string]*cleaning{}
	cleaningOf := func(f *dataset.File, training bool) *cleaning {
		c := byPath[f.Path()]
		if c == nil {
			c = &cleaning{source: f, now: f, scratch: scratch, workers: workers}
			byPath[f.Path()] = c
			all = append(all, c)
		}
		c.training = c.training || training
		return c
	}
	for _, j := range jobs {
		cleaningOf(j.Train, true)
		if j.Validation != nil {
			cleaningOf(j.Validation, false)
		}
	}
	results := make([]Result, len(jobs))
	for range maxRounds {
		lost := map[*cleaning]map[int32]string{}
		for i, j := range jobs {
			in := j.Input
			in.Deep = true
			train := byPath[j.Train.Path()]
			in.Train = train.now
			files := []*cleaning{train}
			if in.Validation != nil {
				valid := byPath[in.Validation.Path()]
				in.Validation, files = valid.now, append(files, valid)
			}
			var err error
			if results[i], err = run(ctx, in, j.Policy, workers); err != nil {
				return nil, nil, err
			}
			for _, c := range files {
				lost[c] = tooLongLines(lost[c], results[i].Findings, c.source.Name())
			}
			for _, line := range results[i].verbatim {
				lost[train] = withLine(lost[train], line, "contamination")
			}
		}
		changed := false
		for i, c := range all {
			again, err := c.round(ctx, lost[c], filepath.Join(scratch, fmt.Sprintf("copy-%d", i)))
			if err != nil {
				return nil, nil, err
			}
			changed = changed || again
		}
		if !changed {
			break
		}
	}
	copies := make([]Copy, len(all))
	for i, c := range all {
		copies[i] = Copy{Source: c.source, Path: c.now.Path(), Changes: c.list()}
	}
	return copies, results, nil
}

// tooLongLines adds to lines those of a file whose examples are too long to be trained on.
func tooLongLines(lines map[int32]string, fs []diag.Finding, file string) map[int32]string {
	for _, f := range fs {
		if f.File == file && f.Rule == "too-long" {
			for _, line := range append(slices.Clone(f.Lines), f.Line) {
				lines = withLine(lines, int32(line), f.Rule)
			}
		}
	}
	return lines
}

// withLine adds to lines one that is of no use, with the rule that says so.
func withLine(lines map[int32]string, line int32, rule string) map[int32]string {
	if lines == nil {
		lines = map[int32]string{}
	}
	lines[line] = rule
	return lines
}

// cleaning is a file on its way to a clean copy, over one or more rounds.
type cleaning struct {
	source, now *dataset.File // now: the source, or its latest copy
	training    bool          // compare its rows with one another
	scratch     string
	workers     int
	origin      []int32 // line of the source of each line of now; nil: the same
	changes     []Change
}

// sourceLine returns where a line of the present copy stands in the source.
func (c *cleaning) sourceLine(line int32) int {
	if c.origin == nil || line == 0 {
		return int(line)
	}
	return int(c.origin[line-1])
}

// list returns the changes by line; what was replaced in a line that was dropped does not count.
func (c *cleaning) list() []Change {
	dropped := make(map[int]bool)
	for _, ch := range c.changes {
		dropped[ch.Line] = dropped[ch.Line] || ch.Action == Dropped
	}
	list := slices.DeleteFunc(c.changes, func(ch Change) bool { return ch.Action == Replaced && dropped[ch.Line] })
	slices.SortStableFunc(list, func(a, b Change) int { return cmp.Or(cmp.Compare(a.Line, b.Line), strings.Compare(a.Rule, b.Rule)) })
	return list
}

// round makes the next copy at path, and reports whether it differs from the one before.
func (c *cleaning) round(ctx context.Context, lost map[int32]string, path string) (bool, error) {
	sifted, err := c.sift(ctx, lost)
	if err != nil {
		return false, err
	}
	if c.training {
		sifted.compare()
	}
	if len(sifted.dropped) == 0 && len(sifted.replaced) == 0 {
		return false, nil
	}
	if len(sifted.dropped) == sifted.lines {
		return false, diag.Mistakes{{Rule: "too-few-examples", Severity: diag.Critical, File: c.source.Name(),
			Message: "no line would be left: each one is unusable, a copy, or gives away a test", Hint: "see what the audit without --fix says"}}
	}
	for line, d := range sifted.dropped {
		c.changes = append(c.changes, Change{File: c.source.Name(), Line: c.sourceLine(line), Action: Dropped, Rule: d.rule, Of: c.sourceLine(d.of)})
	}
	for line, counts := range sifted.replaced {
		for rule, n := range counts {
			c.changes = append(c.changes, Change{File: c.source.Name(), Line: c.sourceLine(line), Action: Replaced, Rule: rule, Count: n})
		}
	}
	fresh := path + ".next"
	origin, err := c.write(ctx, sifted, fresh)
	if err != nil {
		return false, err
	}
	if err := os.Rename(fresh, path); err != nil {
		return false, fmt.Errorf("making a copy of %s: %w", c.source.Name(), err)
	}
	c.origin = origin
	c.now, err = dataset.Open(path, c.source.Name())
	return true, err
}

// write writes the copy that s has decided on, and returns the source's line of each of its lines.
func (c *cleaning) write(ctx context.Context, s *sifted, path string) (origin []int32, err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, fmt.Errorf("making a copy of %s: %w", c.source.Name(), err)
	}
	defer func() {
		if closing := file.Close(); err == nil && closing != nil {
			err = fmt.Errorf("making a copy of %s: %w", c.source.Name(), closing)
		}
	}()
	buffer := bufio.NewWriterSize(file, 1<<20)
	packed, err := c.source.Pack(buffer)
	if err != nil {
		return nil, fmt.Errorf("packing a copy of %s: %w", c.source.Name(), err)
	}
	type part struct {
		bytes []byte
		lines []int32
	}
	for p, err := range dataset.Map(ctx, c.now, c.workers, func() func(*dataset.Block) part {
		r := newRedactor()
		return func(b *dataset.Block) (p part) {
			for row := range b.Rows() {
				line := int32(row.Line)
				if _, gone := s.dropped[line]; gone {
					continue
				}
				raw := row.Raw
				if s.replaced[line] != nil {
					raw, _ = r.line(raw)
				}
				p.bytes = append(append(p.bytes, raw...), '\n')
				p.lines = append(p.lines, line)
			}
			return p
		}
	}) {
		if err != nil {
			return nil, err
		}
		for _, line := range p.lines {
			origin = append(origin, int32(c.sourceLine(line)))
		}
		if _, err := packed.Write(p.bytes); err != nil {
			return nil, fmt.Errorf("making a copy of %s: %w", c.source.Name(), err)
		}
	}
	if err := errors.Join(packed.Close(), buffer.Flush()); err != nil {
		return nil, fmt.Errorf("making a copy of %s: %w", c.source.Name(), err)
	}
	return origin, nil
}
