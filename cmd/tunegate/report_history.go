package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tunegate/tunegate/internal/render"
	"github.com/tunegate/tunegate/internal/report"
)

// Limits of what --history reads. What is beyond them is said.
const (
	historyFiles = 1000     // reports
	historySteps = 100_000  // files and folders looked at
	historySize  = 64 << 20 // bytes of a report
	historyNames = 10       // skipped files that are named
)

// readHistory gathers the runs of the manifest name: each report.json below dir, and each *.json in dir itself. Links are not followed.
// What is no report, or of another manifest, is skipped and noted.
func readHistory(dir, name string) (*render.History, error) {
	if info, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return nil, usageError{"there is no folder " + dir, "--history takes the folder that past reports are kept in"}
	} else if err != nil {
		return nil, err
	}
	h := &render.History{Name: name}
	read, steps, skipped := 0, 0, 0
	skip := func(path string, why any) {
		if skipped++; skipped <= historyNames {
			h.Notes = append(h.Notes, fmt.Sprintf("skipped %s: %v", path, why))
		}
	}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			skip(path, err)
			return nil
		}
		if steps++; steps > historySteps || read == historyFiles {
			h.Notes = append(h.Notes, fmt.Sprintf("the history has more than was read: %d reports", read))
			return filepath.SkipAll
		}
		if e.Name() != "report.json" && (filepath.Dir(path) != filepath.Clean(dir) || !strings.HasSuffix(e.Name(), ".json")) || !e.Type().IsRegular() {
			return nil
		}
		read++
		past, err := readPast(path)
		if err != nil {
			skip(path, err)
		} else if !h.Add(past) {
			skip(path, fmt.Sprintf("it is of the manifest %q", past.Name))
		}
		return nil
	})
	if n := skipped - historyNames; n > 0 {
		h.Notes = append(h.Notes, fmt.Sprintf("skipped %d more files", n))
	}
	return h, err
}

func readPast(path string) (report.Report, error) {
	info, err := os.Lstat(path)
	if err == nil && info.Size() > historySize {
		err = fmt.Errorf("it is larger than %d MiB", historySize>>20)
	}
	if err != nil {
		return report.Report{}, err
	}
	f, err := os.Open(path)
	if err != nil {
		return report.Report{}, err
	}
	defer f.Close()
	return report.Read(f)
}
