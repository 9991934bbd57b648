package workflow

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/github"
	"github.com/tunegate/tunegate/internal/manifest"
)

// Inputs lists the files that a manifest has a run read, from the root of the repository with slashes: the manifest, the data, the tests, the
// baseline, and what graders use. A file that is reached by a link stands there under both names.
func Inputs(m *manifest.Manifest) []string {
	var all []string
	add := func(file string) {
		if file == "" {
			return
		}
		if !filepath.IsAbs(file) {
			file = filepath.Join(m.Root, file)
		}
		for _, name := range []string{file, real(file)} {
			if rel, err := filepath.Rel(m.Root, name); err == nil && filepath.IsLocal(rel) {
				all = append(all, filepath.ToSlash(rel))
			}
		}
	}
	if file, err := filepath.Abs(m.File); err == nil {
		add(filepath.Join(real(filepath.Dir(file)), filepath.Base(file)))
	}
	add(m.Audit.BaselinePath)
	for _, a := range m.Agents {
		add(a.TrainPath)
		add(a.ValidationPath)
		add(a.TestsPath)
		words := a.Grader.Command // what such a program reads besides is not known
		for _, g := range a.Gate.Guards {
			add(g.TestsPath)
			words = append(slices.Clone(words), g.Grader.Command...)
		}
		for _, word := range words {
			if filepath.IsLocal(word) {
				add(word)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// real follows links as far as the path exists.
func real(file string) string {
	if target, err := filepath.EvalSymlinks(file); err == nil {
		return target
	}
	return file
}

// Touched tells whether a change touches one of the inputs, or a link or folder on the way to one. Of a change that GitHub does not list
// to its end it does.
func Touched(files github.Files, inputs []string) bool {
	on := func(name string) bool {
		return name != "" && slices.ContainsFunc(inputs, func(in string) bool { return in == name || strings.HasPrefix(in, name+"/") })
	}
	return files.Cut || slices.ContainsFunc(files.List, func(f github.File) bool { return on(f.Name) || on(f.Previous) })
}
