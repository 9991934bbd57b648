package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/audit"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/manifest"
)

// openBaseline opens the baseline of the options, else the manifest's, and returns its path. With --accept it may not be
// there yet.
func (o auditOptions) openBaseline(out *audited, m *manifest.Manifest) (path string, err error) {
	path, name := o.baseline, o.baseline
	if path == "" {
		path, name = m.Audit.BaselinePath, m.Audit.Baseline
	}
	if path == "" {
		if o.accept != "" {
			return "", usageError{"--accept needs a baseline to write to", "name its file with --baseline, or in the manifest as audit.baseline"}
		}
		return "", nil
	}
	out.baseline, err = audit.OpenBaseline(path, name)
	if errors.Is(err, fs.ErrNotExist) {
		if o.accept == "" {
			return "", usageError{"there is no baseline " + name, "--accept RULE --reason TEXT writes one"}
		}
		out.baseline, err = audit.ReadBaseline(strings.NewReader(""), name)
	}
	if err != nil || o.accept == "" {
		return path, err
	}
	var known []string
	for _, r := range audit.Rules() {
		known = append(known, r.Name)
	}
	for rule := range strings.SplitSeq(o.accept, ",") {
		rule = strings.TrimSpace(rule)
		if !slices.Contains(known, rule) {
			hint := "tunegate audit --explain all lists them"
			if near := diag.Nearest(rule, known); near != "" {
				hint = "did you mean " + near + "?"
			}
			return "", usageError{fmt.Sprintf("there is no rule %q to accept", rule), hint}
		}
		out.baseline.Rules = append(out.baseline.Rules, rule)
	}
	out.baseline.Reason = strings.TrimSpace(o.reason)
	return path, nil
}

// appendLines makes a file end with lines, wholly or not at all.
func appendLines(path string, lines []byte) error {
	if len(lines) == 0 {
		return nil
	}
	before, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("writing the baseline: %w", err)
	}
	if len(before) > 0 && before[len(before)-1] != '\n' {
		before = append(before, '\n')
	}
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("writing the baseline: %w", err)
	}
	defer root.Close()
	if err := writeWhole(root, filepath.Base(path), append(before, lines...)); err != nil {
		return fmt.Errorf("writing the baseline %s: %w", path, err)
	}
	return nil
}
