package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/tunegate/tunegate/internal/bench"
	"github.com/tunegate/tunegate/internal/report"
)

// samples holds the answers of each leg's last benchmark, as tables, until they are written.
type samples struct {
	mu     sync.Mutex
	tables map[string][]byte
}

// take is for pipeline.Options.Samples.
func (s *samples) take(leg string, all []bench.Sample, r bench.Reducer) {
	var b bytes.Buffer
	_ = bench.WriteTable(&b, all, r) // a buffer takes everything
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tables == nil {
		s.tables = make(map[string][]byte)
	}
	s.tables[leg] = b.Bytes()
}

// write writes reports/samples/<leg>.csv below dir, which is there. The table of a leg that was not benchmarked goes: it is one from before.
func (s *samples) write(dir string, legs []report.Leg) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("opening the folder of the outputs: %w", err)
	}
	defer root.Close()
	var errs []error
	for _, l := range legs {
		name := "reports/samples/" + l.ID + ".csv"
		table, ok := s.tables[l.ID]
		if ok {
			err = writeWhole(root, name, table)
		} else if err = root.Remove(name); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("writing %s below %s: %w", name, dir, err))
		}
	}
	return errors.Join(errs...)
}
