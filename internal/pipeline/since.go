package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/tunegate/tunegate/internal/audit"
	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/manifest"
)

// Added is what the data files of a manifest hold that those at the same paths of another checkout do not.
type Added struct {
	rows  []*audit.Added
	files map[string]bool         // that were compared, by the names that findings have
	tests map[string]map[int]bool // the lines of the new and changed tests of a file
}

// Since compares the files of head's agents with the base branch's, each once, at the same path of its checkout. A file that is not
// there, or that cannot be read there, is new as a whole, and so is all where base is nil. One that cannot be read in head is passed over: that is a
// finding of its audit. Rows are compared by what they hold: moving or reformatting one adds nothing. Memory: while a file is
// compared 16 bytes a row of both, afterwards a byte a line; benchmarks, which have a bound of their own, are held one at a time.
func Since(ctx context.Context, head, base *manifest.Manifest) (*Added, error) {
	a := &Added{files: map[string]bool{}, tests: map[string]map[int]bool{}}
	for _, agent := range head.Agents {
		for _, f := range []struct{ path, name string }{{agent.TrainPath, agent.Train}, {agent.ValidationPath, agent.Validation}} {
			if f.path == "" || a.files[f.name] {
				continue
			}
			a.files[f.name] = true
			if err := a.compare(ctx, f.path, f.name, counterpart(head, base, f.path)); err != nil {
				return nil, err
			}
		}
		if agent.TestsPath != "" && !a.files[agent.Tests] {
			a.files[agent.Tests] = true
			if err := a.compareTests(agent, counterpart(head, base, agent.TestsPath)); err != nil {
				return nil, err
			}
		}
	}
	return a, nil
}

// counterpart is the file at the same path of base's checkout; "" where there is none that is regular and within it.
func counterpart(head, base *manifest.Manifest, path string) string {
	if base == nil {
		return ""
	}
	rel, err := filepath.Rel(head.Root, path)
	if err != nil || !filepath.IsLocal(rel) {
		return ""
	}
	target, err := filepath.EvalSymlinks(filepath.Join(base.Root, rel))
	if err != nil {
		return ""
	}
	if rel, err := filepath.Rel(base.Root, target); err != nil || !filepath.IsLocal(rel) {
		return ""
	}
	if info, err := os.Stat(target); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return target
}

func (a *Added) compare(ctx context.Context, path, name, before string) error {
	var mistakes diag.Mistakes
	now, err := dataset.Open(path, name)
	if errors.As(err, &mistakes) {
		return nil
	}
	if err != nil {
		return err
	}
	var older *dataset.File
	if before != "" {
		if older, err = dataset.Open(before, name+" on the base branch"); err != nil && !errors.As(err, &mistakes) {
			return err
		}
	}
	added, err := audit.Since(ctx, now, older)
	if errors.As(err, &mistakes) && older != nil {
		added, err = audit.Since(ctx, now, nil)
	}
	switch {
	case errors.As(err, &mistakes):
		return nil
	case err != nil:
		return fmt.Errorf("comparing %s with the base branch's: %w", name, err)
	}
	a.rows = append(a.rows, added)
	return nil
}

func (a *Added) compareTests(agent manifest.Agent, before string) error {
	var mistakes diag.Mistakes
	now, tasks, err := openTests(agent)
	if errors.As(err, &mistakes) {
		return nil
	}
	if err != nil {
		return err
	}
	old := map[string]string{}
	if before != "" {
		agent.TestsPath = before
		s, t, err := openTests(agent)
		if err != nil && !errors.As(err, &mistakes) {
			return fmt.Errorf("comparing %s with the base branch's: %w", agent.Tests, err)
		}
		if err == nil {
			old = identities(s, t)
		}
	}
	lines := map[int]bool{}
	hashes := identities(now, tasks)
	for _, t := range now.Tests {
		if old[t.ID] != hashes[t.ID] {
			lines[t.Line] = true
		}
	}
	a.tests[agent.Tests] = lines
	return nil
}

// Keep returns the findings that are about what was added, or about a file that was not compared; see audit.Added.Keep. Of a test
// those stay whose test is new or changed, and of a file of tests as a whole if any is.
func (a *Added) Keep(fs []diag.Finding) []diag.Finding {
	var kept []diag.Finding
	for _, f := range fs {
		lines, isTest := a.tests[f.File]
		isNew := func(n int) bool { return lines[n] }
		switch {
		case slices.ContainsFunc(f.Related, func(p diag.Place) bool { return a.tests[p.File][p.Line] }):
			kept = append(kept, f) // an old row that gives a new test away
		case isTest && (f.Line == 0 && len(lines) > 0 || isNew(f.Line) || slices.ContainsFunc(f.Lines, isNew)):
			kept = append(kept, f)
		case !isTest:
			one := []diag.Finding{f}
			for _, rows := range a.rows {
				one = rows.Keep(one)
			}
			kept = append(kept, one...)
		}
	}
	return kept
}

// Rows is how many rows of training and validation data are new, and how many tests are new or changed.
func (a *Added) Rows() (rows, tests int) {
	for _, f := range a.rows {
		rows += f.Rows
	}
	for _, lines := range a.tests {
		tests += len(lines)
	}
	return rows, tests
}
