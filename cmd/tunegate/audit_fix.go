package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/audit"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/pipeline"
	"github.com/tunegate/tunegate/internal/render"
	"github.com/tunegate/tunegate/internal/report"
)

// changesFile lists, below the folder of the copies, all that was changed, one audit.Change a line.
const changesFile = "changes.jsonl"

// fixedFile is a file with a cleaned copy.
type fixedFile struct {
	File     string         `json:"file"`
	Copy     string         `json:"copy"`
	Dropped  map[string]int `json:"dropped"`  // lines, by rule
	Replaced map[string]int `json:"replaced"` // placeholders, by rule
}

// fix writes cleaned copies of all data below dir. What is found from then on is about the copies.
func (a *audited) fix(ctx context.Context, m *manifest.Manifest, dir string) error {
	targets, err := targetsOf(m.Agents, dir)
	if err != nil {
		return err
	}
	_, missing := os.Stat(dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the folder of the copies: %w", err)
	}
	if missing != nil {
		defer os.Remove(dir) // only if it stays empty
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("opening the folder of the copies: %w", err)
	}
	defer root.Close()
	scratch, err := os.MkdirTemp(dir, ".fix-") // where a file can be moved from by its name alone
	if err != nil {
		return fmt.Errorf("making room for the copies: %w", err)
	}
	defer os.RemoveAll(scratch)
	o := pipeline.AuditOptions{}
	if a.progress != nil {
		o.Progress = a.progress("cleaning")
	}
	copies, left, err := pipeline.Fix(ctx, m, m.Agents, o, scratch)
	if err != nil {
		return err
	}
	a.Fixed = []fixedFile{}
	var changes []audit.Change
	names := map[string]string{} // of the copies, by the source's
	for i, c := range copies {
		target := targets[c.Source.Path()]
		if c.Path == c.Source.Path() {
			copies[i].Path = filepath.Join(scratch, fmt.Sprintf("same-%d", i))
			if err := duplicate(c.Path, copies[i].Path); err != nil {
				return err
			}
		}
		if err := refuseOther(copies[i].Path, dir, target); err != nil {
			return err
		}
		changes = append(changes, c.Changes...)
		a.Fixed = append(a.Fixed, summary(c, filepath.Join(dir, target)))
		names[c.Source.Name()] = filepath.Join(dir, target)
	}
	a.add(renamed(left, names))
	list, err := changeList(root, copies, changes)
	if err != nil {
		return err
	}
	for _, c := range copies {
		target := targets[c.Source.Path()]
		if err := root.MkdirAll(path.Dir(target), 0o755); err != nil {
			return fmt.Errorf("making the folder of %s: %w", target, err)
		}
		if err := root.Rename(filepath.Base(scratch)+"/"+filepath.Base(c.Path), target); err != nil {
			return fmt.Errorf("writing %s: %w", filepath.Join(dir, target), err)
		}
	}
	if err := writeWhole(root, changesFile, list); err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Join(dir, changesFile), err)
	}
	return nil
}

// renamed makes findings name the copies in place of the sources.
func renamed(res report.Audit, names map[string]string) report.Audit {
	for i := range res.Findings {
		f := &res.Findings[i]
		f.File = cmp.Or(names[f.File], f.File)
		for k := range f.Related {
			f.Related[k].File = cmp.Or(names[f.Related[k].File], f.Related[k].File)
		}
	}
	return res
}

// targetsOf returns where below dir the copy of each file goes, by the file's path: by its name or, where two files have the
// same one, by its path below the folder that all are in. No copy takes the place of a source.
func targetsOf(agents []manifest.Agent, dir string) (map[string]string, error) {
	targets := map[string]string{} // by path
	byName := map[string]bool{}
	clash := false
	common := ""
	for _, agent := range agents {
		for _, file := range []string{agent.TrainPath, agent.ValidationPath} {
			if _, known := targets[file]; file == "" || known {
				continue
			}
			abs, err := filepath.Abs(file)
			if err != nil {
				return nil, fmt.Errorf("finding %s: %w", file, err)
			}
			name := filepath.Base(abs)
			clash = clash || byName[name] || name == changesFile
			byName[name] = true
			targets[file] = filepath.ToSlash(abs)
			if folder := path.Dir(targets[file]); common == "" {
				common = folder
			} else {
				for common != folder && !strings.HasPrefix(folder, strings.TrimSuffix(common, "/")+"/") {
					common = path.Dir(common)
				}
			}
		}
	}
	for file, abs := range targets {
		target := path.Base(abs)
		if clash {
			target = strings.TrimPrefix(strings.TrimPrefix(abs, common), "/")
		}
		if target == changesFile {
			return nil, usageError{file + " has the name of the list of changes", "rename it"}
		}
		targets[file] = target
	}
	for _, target := range targets {
		there, err := os.Stat(filepath.Join(dir, filepath.FromSlash(target)))
		for source := range targets {
			if info, sourceErr := os.Stat(source); err == nil && sourceErr == nil && os.SameFile(there, info) {
				return nil, usageError{fmt.Sprintf("--fix writes copies, and %s in %s is the data itself", target, dir), "name another folder"}
			}
		}
	}
	return targets, nil
}

// refuseOther fails where another file than the copy has its place.
func refuseOther(copied, dir, target string) error {
	there := filepath.Join(dir, filepath.FromSlash(target))
	info, err := os.Stat(there)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking at %s: %w", there, err)
	}
	if info.Mode().IsRegular() {
		same, err := equalFiles(copied, there)
		if err != nil || same {
			return err
		}
	}
	return usageError{there + " is there already, and differs from the cleaned copy", "remove it, or name another folder"}
}

func equalFiles(a, b string) (bool, error) {
	files := make([]*os.File, 2)
	sizes := make([]int64, 2)
	for i, name := range []string{a, b} {
		f, err := os.Open(name)
		if err != nil {
			return false, fmt.Errorf("comparing %s: %w", name, err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return false, fmt.Errorf("comparing %s: %w", name, err)
		}
		files[i], sizes[i] = f, info.Size()
	}
	if sizes[0] != sizes[1] {
		return false, nil
	}
	parts := [2][]byte{make([]byte, 64<<10), make([]byte, 64<<10)}
	for {
		n, err := io.ReadFull(files[0], parts[0])
		k, _ := io.ReadFull(files[1], parts[1])
		if !bytes.Equal(parts[0][:n], parts[1][:k]) {
			return false, nil
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return true, nil
		}
		if err != nil {
			return false, fmt.Errorf("comparing %s: %w", a, err)
		}
	}
}

// duplicate copies a file byte for byte.
func duplicate(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("copying %s: %w", from, err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("copying %s: %w", from, err)
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("copying %s: %w", from, err)
	}
	return nil
}

// changeList returns the new list of changes: what it says of other files, which were cleaned into the same folder before,
// stays.
func changeList(root *os.Root, copies []audit.Copy, changes []audit.Change) ([]byte, error) {
	var out bytes.Buffer
	before, err := root.ReadFile(changesFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading %s: %w", changesFile, err)
	}
	for line := range bytes.Lines(before) {
		var c audit.Change
		if err := json.Unmarshal(line, &c); err != nil {
			return nil, usageError{changesFile + " in the folder of the copies is no list of changes", "remove it, or name another folder"}
		}
		if !slices.ContainsFunc(copies, func(o audit.Copy) bool { return o.Source.Name() == c.File }) {
			out.Write(line)
		}
	}
	for _, c := range changes {
		line, err := json.Marshal(c)
		if err != nil {
			return nil, fmt.Errorf("listing the changes: %w", err)
		}
		out.Write(append(line, '\n'))
	}
	return out.Bytes(), nil
}

func summary(c audit.Copy, target string) fixedFile {
	f := fixedFile{File: c.Source.Name(), Copy: target, Dropped: map[string]int{}, Replaced: map[string]int{}}
	for _, change := range c.Changes {
		if change.Action == audit.Dropped {
			f.Dropped[change.Rule]++
		} else {
			f.Replaced[change.Rule] += change.Count
		}
	}
	return f
}

// print says in a few lines what became of a file.
func (f fixedFile) print(w io.Writer) {
	fmt.Fprintf(w, "%s: cleaned copy in %s\n", render.Line(f.File), render.Line(f.Copy))
	part := func(what string, counts map[string]int) {
		if len(counts) == 0 {
			return
		}
		sum := 0
		var each []string
		for _, rule := range slices.Sorted(maps.Keys(counts)) {
			sum += counts[rule]
			each = append(each, fmt.Sprintf("%s %d", rule, counts[rule]))
		}
		fmt.Fprintf(w, "  %s: %d (%s)\n", what, sum, strings.Join(each, ", "))
	}
	if len(f.Dropped)+len(f.Replaced) == 0 {
		fmt.Fprintln(w, "  nothing to change")
	}
	part("lines dropped", f.Dropped)
	part("texts replaced", f.Replaced)
}
