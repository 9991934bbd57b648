package audit

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/diag"
)

// Accept takes away the findings that the baseline accepts, and returns the others and how many went. in is what was
// audited: its files are read again where there is an entry to match. A file that could not be read cannot be accepted.
func (b *Baseline) Accept(ctx context.Context, in Input, fs []diag.Finding) ([]diag.Finding, int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	rules := slices.Clone(b.Rules)
	deep := deepRules()
	for i := range b.entries {
		e := &b.entries[i]
		if in.has(e.File) {
			e.judged = e.judged || in.Deep || !slices.Contains(deep, e.Rule)
			rules = append(rules, e.Rule)
		}
	}
	if len(rules) == 0 {
		return fs, 0, nil
	}
	ids, err := in.rowsOf(ctx, fs, rules)
	if err != nil {
		return nil, 0, err
	}
	m := matching{b: b, ids: ids, free: map[entryKey][]int{}, done: map[spotOf]bool{}}
	for i, e := range b.entries {
		m.free[entryKey{e.Rule, e.Row}] = append(m.free[entryKey{e.Rule, e.Row}], i)
	}
	before := len(fs)
	// Where two rows are compared, their order may have changed since: the other one is asked only then.
	fs, parts := m.sieve(fs, m.own)
	fs, _ = m.sieve(fs, m.other)
	if len(b.Rules) > 0 {
		var more int
		if fs, more = m.sieve(fs, m.add); m.err != nil {
			return nil, 0, fmt.Errorf("writing an entry of the baseline: %w", m.err)
		}
		parts += more
	}
	return fs, before - len(fs) + parts, nil
}

// matching is a baseline at work on the findings of an audit.
type matching struct {
	b    *Baseline
	ids  map[diag.Place]RowID
	free map[entryKey][]int // entries by what they accept, those for a row once
	done map[spotOf]bool    // what was asked before
	err  error
}

type (
	entryKey struct{ rule, row string }
	spotOf   struct {
		rule, file string
		line       int
	}
)

// sieve asks accepts about each finding, line by line where one stands for many. It returns what is left, and how many
// lines were taken from findings that are left with others.
func (m *matching) sieve(fs []diag.Finding, accepts func(f diag.Finding, line int) bool) (left []diag.Finding, parts int) {
	for _, f := range fs {
		switch {
		case !acceptable(f):
		case len(f.Lines) > 0 && len(f.Related) == 0:
			all := len(f.Lines)
			f.Lines = slices.DeleteFunc(slices.Clone(f.Lines), func(line int) bool { return accepts(f, line) })
			if len(f.Lines) == 0 {
				continue
			}
			parts += all - len(f.Lines)
			if f.Line != f.Lines[0] {
				f.Line, f.Col = f.Lines[0], 0
			}
		case accepts(f, f.Line):
			continue
		}
		left = append(left, f)
	}
	return left, parts
}

// row returns the id of a row as entries have it, "" for the file as a whole.
func (m *matching) row(file string, line int) (row string, ok bool) {
	if line == 0 {
		return "", true
	}
	id, ok := m.ids[diag.Place{File: file, Line: line}]
	return hex.EncodeToString(id[:]), ok
}

// own looks for an entry of the finding's own row.
func (m *matching) own(f diag.Finding, line int) bool {
	at := spotOf{f.Rule, f.File, line}
	done, again := m.done[at]
	if again {
		return done
	}
	m.done[at] = m.take(f, line)
	return m.done[at]
}

// other looks for an entry of a row that the finding's is compared with.
func (m *matching) other(f diag.Finding, _ int) bool {
	return slices.ContainsFunc(f.Related, func(p diag.Place) bool { return p.File == f.File && m.take(f, p.Line) })
}

// take uses up an entry, if there is one.
func (m *matching) take(f diag.Finding, line int) bool {
	row, ok := m.row(f.File, line)
	key := entryKey{f.Rule, row}
	for n, i := range m.free[key] {
		e := &m.b.entries[i]
		if !ok || !sameFile(e.File, f.File) {
			continue
		}
		e.used = true
		if row != "" {
			m.free[key] = slices.Delete(m.free[key], n, n+1)
		}
		return true
	}
	return false
}

// add makes an entry, where the rule is one of those that are to be accepted from now on.
func (m *matching) add(f diag.Finding, line int) bool {
	row, ok := m.row(f.File, line)
	if !ok || !slices.Contains(m.b.Rules, f.Rule) {
		return false
	}
	at := spotOf{f.Rule, f.File, line}
	if m.done[at] {
		return true
	}
	m.done[at] = true
	e := entry{Rule: f.Rule, File: f.File, Row: row, Reason: m.b.Reason, Seen: f.Message, used: true}
	if line > 0 {
		e.Seen = fmt.Sprintf("line %d: %s", line, f.Message)
	}
	text, err := json.Marshal(e)
	m.err = errors.Join(m.err, err)
	m.b.added = append(append(m.b.added, text...), '\n')
	m.b.entries = append(m.b.entries, e)
	return true
}

// rowsOf returns the ids of the rows of the training and validation data that findings of the rules stand at.
func (in Input) rowsOf(ctx context.Context, fs []diag.Finding, rules []string) (map[diag.Place]RowID, error) {
	ids := map[diag.Place]RowID{}
	for _, f := range []*dataset.File{in.Train, in.Validation} {
		if f == nil {
			continue
		}
		var lines []int
		for _, found := range fs {
			if found.File == f.Name() && slices.Contains(rules, found.Rule) {
				lines = append(append(lines, found.Line), found.Lines...)
				for _, p := range found.Related {
					if p.File == f.Name() {
						lines = append(lines, p.Line)
					}
				}
			}
		}
		slices.Sort(lines)
		lines = slices.Compact(lines)
		if len(lines) == 0 || lines[len(lines)-1] == 0 {
			continue
		}
		rows, err := rowIDs(ctx, f, func(line int) bool {
			_, wanted := slices.BinarySearch(lines, line)
			return wanted
		})
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			ids[diag.Place{File: f.Name(), Line: int(row.line)}] = row.id
		}
	}
	return ids, nil
}
