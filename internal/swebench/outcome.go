package swebench

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/results"
)

// report is where the harness leaves its report, of every version: in the folder that it runs in.
func (r *run) report() string { return filepath.Join(r.dir, r.arm+"."+r.id+".json") }

// logs is the folder that the harness keeps of a task.
func (r *run) logs(id string) string {
	return filepath.Join(r.dir, "logs", "run_evaluation", r.id, r.arm, id)
}

// outcome reads the report.
func (r *run) outcome() (results.File, error) {
	f, err := results.Open(r.report(), filepath.Base(r.report()), results.Options{})
	var mistakes diag.Mistakes
	switch {
	case errors.As(err, &mistakes): // not those of a person
		return results.File{}, fmt.Errorf("its report cannot be used: %s", mistakes[0])
	case err != nil:
		return results.File{}, err
	}
	found := make(map[string]float64, len(f.Scores))
	for _, s := range f.Scores {
		patch, asked := r.patches[s.ID]
		if !asked || s.Value > 0 && patch == "" {
			return results.File{}, fmt.Errorf("its report is not of these patches: see the task %q", clip(s.ID))
		}
		found[s.ID] = s.Value
	}
	f.Name, f.Scores, f.Failed = r.arm, nil, nil
	for _, x := range r.set.Instances {
		score, ok := found[x.ID]
		patch := r.patches[x.ID]
		if !ok && patch != "" || ok && score == 0 && patch != "" && r.broke(x.ID) {
			f.Failed = append(f.Failed, x.ID)
			// Else the harness would answer a later run from what it kept of this one.
			if err := os.Remove(filepath.Join(r.logs(x.ID), "report.json")); err != nil && !errors.Is(err, os.ErrNotExist) {
				return results.File{}, err
			}
			continue
		}
		f.Scores = append(f.Scores, results.Score{ID: x.ID, Value: score, Line: x.Line, Asked: x.Hash()})
	}
	return f, nil
}

// broke reports whether it was not for the patch that the harness did not grade a task. Its report lists as errors patches that do not
// apply and tests that ran out of time, which are wrong, along with images that could not be fetched and daemons that did not
// answer. What the log says tells them apart; without a log the report counts, which calls all of them unresolved.
func (r *run) broke(id string) bool {
	if _, err := os.Stat(filepath.Join(r.logs(id), "report.json")); err == nil {
		return false
	}
	f, err := os.Open(filepath.Join(r.logs(id), "run_instance.log"))
	if err != nil {
		return false
	}
	defer f.Close()
	log, err := io.ReadAll(io.LimitReader(f, 16<<20))
	return err == nil && !bytes.Contains(log, []byte(">>>>> Patch Apply Failed")) && !bytes.Contains(log, []byte("Test timed out after "))
}
