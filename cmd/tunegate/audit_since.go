package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/tunegate/tunegate/internal/audit"
	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/manifest"
)

// additions are what files of the agents have that an older version of them does not.
type additions struct {
	spec  string // a file, or a revision of git
	found []addition
}

// addition is what one file has.
type addition struct {
	name string
	*audit.Added
}

// isFile tells an older file from a revision.
func (a *additions) isFile() bool {
	_, err := os.Stat(a.spec)
	return err == nil
}

// check refuses one older file for several files of today.
func (a *additions) check(agents []manifest.Agent) error {
	if isFolder(a.spec) {
		return usageError{a.spec + " is a folder, not an older version of a data file", "name a file, or a revision of git"}
	}
	for _, agent := range agents {
		if a.isFile() && agent.TrainPath != agents[0].TrainPath {
			return usageError{"--since takes an older file for one data file, not for several", "audit them one by one, or name a revision of git"}
		}
	}
	return nil
}

// find compares an agent's files with their older versions. One that cannot be read is a finding already.
func (a *additions) find(ctx context.Context, agent manifest.Agent) error {
	for i, path := range []string{agent.TrainPath, agent.ValidationPath} {
		name := []string{agent.Train, agent.Validation}[i]
		if path == "" || a.of(name) != nil {
			continue
		}
		now, err := dataset.Open(path, name)
		var mistakes diag.Mistakes
		if errors.As(err, &mistakes) {
			continue
		}
		if err != nil {
			return err
		}
		added, err := a.compare(ctx, now, i == 0)
		if err != nil && !errors.As(err, &mistakes) {
			return err
		}
		if err != nil {
			return fmt.Errorf("--since %s: %w", a.spec, err)
		}
		a.found = append(a.found, addition{name, added})
	}
	return nil
}

func (a *additions) of(name string) *audit.Added {
	for _, f := range a.found {
		if f.name == name {
			return f.Added
		}
	}
	return nil
}

// compare compares a file with its older version. An older file is one of training data; validation data is then all new.
func (a *additions) compare(ctx context.Context, now *dataset.File, training bool) (*audit.Added, error) {
	if a.isFile() {
		if !training {
			return audit.Since(ctx, now, nil)
		}
		older, err := dataset.Open(a.spec, a.spec)
		if err != nil {
			return nil, err
		}
		return audit.Since(ctx, now, older)
	}
	blob, err := blobAt(ctx, a.spec, now.Path())
	if err != nil || blob == "" {
		if err != nil {
			return nil, err
		}
		return audit.Since(ctx, now, nil)
	}
	// Whatever the file is packed in, it is read as the one of today is.
	dir, err := os.MkdirTemp("", "tunegate-since-")
	if err != nil {
		return nil, fmt.Errorf("making room for the older version of %s: %w", now.Name(), err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "older")
	if err := saveBlob(ctx, blob, filepath.Dir(now.Path()), path); err != nil {
		return nil, fmt.Errorf("reading %s at %s: %w", now.Name(), a.spec, err)
	}
	older, err := dataset.Open(path, fmt.Sprintf("%s at %s", now.Name(), a.spec))
	var mistakes diag.Mistakes
	if errors.As(err, &mistakes) && mistakes[0].Rule == "empty-file" {
		return audit.Since(ctx, now, nil)
	}
	if errors.As(err, &mistakes) && mistakes[0].Rule == "lfs-pointer" {
		mistakes[0].Hint = "fetch that version with git lfs into a file of its own, and name it: --since FILE"
	}
	if err != nil {
		return nil, err
	}
	return audit.Since(ctx, now, older)
}

// blobAt returns the object of git that a file was at a revision, "" where the revision does not have it.
func blobAt(ctx context.Context, rev, path string) (string, error) {
	dir := filepath.Dir(path)
	commit, err := git(ctx, dir, "rev-parse", "--verify", "--quiet", "--end-of-options", rev+"^{commit}")
	var failed *exec.ExitError
	if errors.As(err, &failed) && failed.ExitCode() == 1 {
		return "", usageError{fmt.Sprintf("--since %s: there is no such file, and no such revision of git", rev),
			"in a shallow checkout, fetch more of the history (fetch-depth: 0)"}
	}
	if err != nil {
		return "", fmt.Errorf("looking up the revision %s: %w", rev, err)
	}
	// What follows has only names that git gave, and a path that is taken as it is.
	entry, err := git(ctx, dir, "--literal-pathspecs", "ls-tree", "-z", commit, "--", filepath.Base(path))
	if err != nil {
		return "", fmt.Errorf("looking up %s at %s: %w", path, rev, err)
	}
	fields := strings.Fields(entry) // mode, kind, object, path
	if len(fields) < 3 {
		return "", nil
	}
	if fields[1] != "blob" || fields[0] == "120000" {
		return "", usageError{fmt.Sprintf("--since %s: %s was no regular file then", rev, path), "name an older file instead"}
	}
	return fields[2], nil
}

// git runs a command of git that changes nothing, and returns what it prints.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	var out, complaint bytes.Buffer
	c := gitCommand(ctx, dir, args...)
	c.Stdout, c.Stderr = &out, &complaint
	if err := c.Run(); err != nil {
		return "", gitError(err, complaint.String())
	}
	return strings.TrimSpace(out.String()), nil
}

func saveBlob(ctx context.Context, blob, dir, path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	var complaint bytes.Buffer
	c := gitCommand(ctx, dir, "cat-file", "blob", blob)
	c.Stdout, c.Stderr = file, &complaint
	err = c.Run()
	if err != nil {
		err = gitError(err, complaint.String())
	}
	return errors.Join(err, file.Close())
}

func gitCommand(ctx context.Context, dir string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, "git", args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
	return c
}

// gitError says what git complained of.
func gitError(err error, complaint string) error {
	if errors.Is(err, exec.ErrNotFound) {
		return usageError{"--since needs git to read an older version, and there is none", "name an older file instead"}
	}
	if line, _, _ := strings.Cut(strings.TrimSpace(complaint), "\n"); line != "" {
		return fmt.Errorf("%w: %s", err, line)
	}
	return err
}

// keep returns the findings that are about what is new.
func (a *additions) keep(fs []diag.Finding) []diag.Finding {
	for _, f := range a.found {
		fs = f.Keep(fs)
	}
	return fs
}

func (a *additions) rows() (n int) {
	for _, f := range a.found {
		n += f.Rows
	}
	return n
}
