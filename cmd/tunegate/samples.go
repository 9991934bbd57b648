package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/tunegate/tunegate/internal/bench"
	"github.com/tunegate/tunegate/internal/render"
	"github.com/tunegate/tunegate/internal/report"
)

// samples holds the answers of benchmarks, by leg, until they are written.
type samples struct {
	mu   sync.Mutex
	legs map[string][]bench.Record
}

// take is for pipeline.Options.Samples.
func (s *samples) take(leg, phase string, all []bench.Sample, r bench.Reducer) {
	s.add(bench.Records(leg, phase, all, r)...)
}

func (s *samples) add(records ...bench.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.legs == nil {
		s.legs = make(map[string][]bench.Record)
	}
	for _, r := range records {
		s.legs[r.Leg] = append(s.legs[r.Leg], r)
	}
}

// maxSamples bounds what is read of a table.
const maxSamples = 256 << 20

// read takes the answers that a run has left below dir; no file is no answer. Those of a leg that doc does not have are refused: a
// table is of the report beside it.
func (s *samples) read(dir string, doc report.Report) error {
	path := filepath.Join(dir, "reports", "samples.csv")
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > maxSamples {
		return fmt.Errorf("%s is larger than %d MiB", path, maxSamples>>20)
	}
	records, err := bench.ReadTable(f)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, r := range records {
		if !slices.ContainsFunc(doc.Legs, func(l report.Leg) bool { return l.ID == r.Leg }) {
			return fmt.Errorf("%s has answers of the leg %.80q, which the report beside it does not have", path, r.Leg)
		}
	}
	s.add(records...)
	return nil
}

// write writes the answers below dir, which is there, as a table, and as a report of tests.
func (s *samples) write(dir string, doc report.Report) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("opening the folder of the outputs: %w", err)
	}
	defer root.Close()
	var all []bench.Record
	for _, l := range doc.Legs {
		all = append(all, s.legs[l.ID]...)
	}
	var table bytes.Buffer
	_ = bench.WriteTable(&table, all) // a buffer takes everything
	var errs []error
	for name, content := range map[string][]byte{"reports/samples.csv": table.Bytes(), "reports/benchmark.xml": render.JUnit(doc, all)} {
		if err := writeWhole(root, name, content); err != nil {
			errs = append(errs, fmt.Errorf("writing %s below %s: %w", name, dir, err))
		}
	}
	return errors.Join(errs...)
}
