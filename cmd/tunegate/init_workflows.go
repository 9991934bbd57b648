package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/render"
	"github.com/tunegate/tunegate/internal/scaffold"
)

// writeWorkflows writes the workflows for the manifest of dir into the repository around it. Those that are there already stay as
// they are.
func writeWorkflows(e env, dir string, dry bool) error {
	file, err := manifestAt(dir)
	if err != nil {
		return err
	}
	root := manifest.Root(e.getenv, dir)
	m, err := manifest.Load(file, root)
	if err != nil {
		return err
	}
	path, err := filepath.Abs(file)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err == nil {
		path, err = filepath.Rel(m.Root, path)
	}
	if err != nil {
		return fmt.Errorf("finding the manifest in its repository: %w", err)
	}
	if path = filepath.ToSlash(path); path == defaultManifests[0] || path == defaultManifests[1] {
		path = "" // found by itself
	}
	folder := filepath.Join(m.Root, ".github", "workflows")
	if !dry {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return fmt.Errorf("making the folder of the workflows: %w", err)
		}
	}
	for _, w := range scaffold.Workflows(m, path) {
		to := filepath.Join(folder, w.Name)
		if dry {
			fmt.Fprintf(e.stdout, "# %s would hold\n%s\n", render.Line(to), w.Text)
			continue
		}
		var there usageError
		err := writeNew(to, []byte(w.Text))
		if _, lost := os.Lstat(to); errors.As(err, &there) && !errors.Is(lost, fs.ErrNotExist) {
			fmt.Fprintln(e.stdout, render.Line(to)+" is there already and stays as it is")
			continue
		} else if err != nil {
			return err
		}
		fmt.Fprintln(e.stdout, render.Line(to)+" is written")
	}
	if dry {
		return nil
	}
	fmt.Fprintln(e.stdout, "next: add the secrets that tunegate.yml names, commit, and make the status tunegate/gate required: docs/github.md says how")
	return nil
}
