package audit

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/diag"
)

// Added is which rows of a file an older version of it does not have. Rows are known by their RowID, not by their line: moving
// or reformatting a row adds nothing, and of three copies where there was one, the last two are new.
type Added struct {
	file string
	old  []bool // by line, from 1; a line that is no row is old
	Rows int    // new ones
}

// Since compares a file with an older version of it, nil for a file that is new as a whole. Memory: 16 bytes a row of both.
func Since(ctx context.Context, f, older *dataset.File) (*Added, error) {
	var before []rowAt
	var err error
	if older != nil {
		if before, err = rowIDs(ctx, older, nil); err != nil {
			return nil, err
		}
	}
	now, err := rowIDs(ctx, f, nil)
	if err != nil {
		return nil, err
	}
	a := &Added{file: f.Name()}
	if len(now) > 0 {
		a.old = make([]bool, now[len(now)-1].line+1)
	}
	for i := range a.old {
		a.old[i] = true
	}
	byID := func(x, y rowAt) int {
		return cmp.Or(bytes.Compare(x.id[:], y.id[:]), cmp.Compare(x.line, y.line))
	}
	slices.SortFunc(before, byID)
	slices.SortFunc(now, byID)
	for _, row := range now {
		for len(before) > 0 && bytes.Compare(before[0].id[:], row.id[:]) < 0 {
			before = before[1:]
		}
		if len(before) > 0 && before[0].id == row.id {
			before = before[1:]
			continue
		}
		a.old[row.line] = false
		a.Rows++
	}
	return a, nil
}

func (a *Added) isNew(line int) bool { return line > 0 && line < len(a.old) && !a.old[line] }

// Keep returns the findings that are about new rows, or about another file: those at a new row, or that relate one
// to another row (a copy, a contradiction). A finding that stands for many lines keeps the new ones. What is said of
// the whole file stays, marked as such, since the whole file is what would be trained on.
func (a *Added) Keep(fs []diag.Finding) []diag.Finding {
	var kept []diag.Finding
	for _, f := range fs {
		switch {
		case f.File != a.file:
		case f.Line == 0:
			f.Message = "the file as a whole: " + f.Message
		case a.concerns(f):
		default:
			f.Lines = slices.DeleteFunc(slices.Clone(f.Lines), func(line int) bool { return !a.isNew(line) })
			if len(f.Lines) == 0 || a.relates(f) {
				continue
			}
			if f.Line != f.Lines[0] {
				f.Line, f.Col = f.Lines[0], 0
			}
		}
		kept = append(kept, f)
	}
	return kept
}

// concerns reports a finding whose own line, or the line of the file that it is compared with, is new.
func (a *Added) concerns(f diag.Finding) bool {
	if a.isNew(f.Line) && (len(f.Lines) == 0 || a.relates(f)) {
		return true
	}
	return slices.ContainsFunc(f.Related, func(p diag.Place) bool { return p.File == a.file && a.isNew(p.Line) })
}

// relates reports a finding about a row and another one of the same file.
func (a *Added) relates(f diag.Finding) bool {
	return slices.ContainsFunc(f.Related, func(p diag.Place) bool { return p.File == a.file })
}
