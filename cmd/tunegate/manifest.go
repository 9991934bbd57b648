package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/render"
	"github.com/tunegate/tunegate/internal/report"
)

// defaultManifests are looked for in turn when none is named.
var defaultManifests = []string{"tunegate.yaml", ".github/tunegate.yaml"}

// loadManifest reads the manifest named by args, which may be its folder, or the default one, here or, as is said then, in a
// folder around this one in the same repository.
func loadManifest(e env, args []string) (*manifest.Manifest, error) {
	if len(args) > 1 {
		return nil, usageError{fmt.Sprintf("one manifest at a time, not %d", len(args)), ""}
	}
	var path string
	var err error
	if len(args) == 1 {
		path, err = named(args[0])
	} else if path, err = manifestAt("."); err != nil {
		if around := manifestAround(e); around != "" {
			fmt.Fprintln(e.stderr, "tunegate: the manifest is "+render.Line(around))
			path, err = around, nil
		}
	}
	if err != nil {
		return nil, err
	}
	return manifest.Load(path, manifest.Root(e.getenv, filepath.Dir(path)))
}

// named returns the manifest that an argument names. What is no manifest, and never could be, is a mistake on the command
// line, with the command that fits.
func named(arg string) (string, error) {
	info, err := os.Stat(arg)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return "", usageError{"there is no manifest " + arg, similar(filepath.Dir(arg), filepath.Base(arg)) + "tunegate init proposes one"}
	case err != nil:
		return "", err
	case info.IsDir():
		return manifestAt(arg)
	case !info.Mode().IsRegular():
		return "", usageError{arg + " is not a regular file", "name a manifest, such as tunegate.yaml"}
	case isData(arg):
		return "", usageError{arg + " is a data file, not a manifest", "tunegate audit " + arg + " checks it; a manifest is a .yaml file, and tunegate init proposes one"}
	case !isManifest(arg) && filepath.Ext(arg) != "" && filepath.Ext(arg) != ".json":
		return "", usageError{arg + " is not a manifest", "a manifest is a .yaml file, such as tunegate.yaml; tunegate init proposes one"}
	}
	return arg, nil
}

// manifestAt returns the default manifest of a folder.
func manifestAt(dir string) (string, error) {
	for _, name := range defaultManifests {
		path := filepath.Join(dir, name)
		if _, err := os.Lstat(path); err == nil {
			return path, nil // whatever it is: reading it says what is wrong
		}
	}
	where, in := "here", "" // as init takes the folder
	if dir != "." {
		where, in = "in "+dir, " "+dir
	}
	hint := similar(dir, defaultManifests[0]) + "tunegate init" + in + " proposes one"
	return "", usageError{fmt.Sprintf("there is no tunegate.yaml %s, nor in %s", where, filepath.Join(dir, ".github")), hint}
}

// manifestAround returns the default manifest of the nearest folder around this one that has one, not beyond the
// repository; empty when there is none.
func manifestAround(e env) string {
	here, err := filepath.Abs(".")
	if err != nil {
		return ""
	}
	if here, err = filepath.EvalSymlinks(here); err != nil {
		return ""
	}
	up, err := filepath.Rel(here, manifest.Root(e.getenv, "."))
	if err != nil || up == "." {
		return ""
	}
	for n := range strings.Count(up, "..") {
		if path, err := manifestAt(filepath.Join(slices.Repeat([]string{".."}, n+1)...)); err == nil {
			return path
		}
	}
	return ""
}

// isData tells whether a path ends as files of training data and tests do.
func isData(path string) bool {
	path = strings.TrimSuffix(strings.TrimSuffix(path, ".gz"), ".zst")
	return strings.HasSuffix(path, ".jsonl") || strings.HasSuffix(path, ".ndjson")
}

// similar begins a hint with the manifest in dir that was probably meant by name, if there is one.
func similar(dir, name string) string {
	f, err := os.Open(dir)
	if err != nil {
		return ""
	}
	defer f.Close()
	names, _ := f.Readdirnames(1000) // enough: it is only a hint
	slices.Sort(names)
	names = slices.DeleteFunc(names, func(n string) bool { return !isManifest(n) })
	best := diag.Nearest(name, names)
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %s? ", filepath.Join(dir, best))
}

func checkCommand() command {
	return command{
		name: "check", args: "[MANIFEST]", summary: "check a manifest: every problem at once, with its place",
		about:   "Reads the manifest (tunegate.yaml, then .github/tunegate.yaml, in the folder that is named, or here and then upwards in the repository) and looks whether the files it names are there.",
		example: "tunegate check testdata/five-agents/tunegate.yaml",
		setup: func(*flag.FlagSet) func(context.Context, env, []string) error {
			return func(_ context.Context, e env, args []string) error {
				m, err := loadManifest(e, args)
				if err != nil {
					return err
				}
				fmt.Fprintf(e.stdout, "%s: no problem, agents: %d\n", render.Line(m.File), len(m.Agents))
				return nil
			}
		},
	}
}

func schemaCommand() command {
	return command{
		name: "schema", summary: "print the JSON Schema of the manifest, or of report.json",
		about:   "An editor that knows JSON Schema completes and checks the manifest with it.",
		example: "tunegate schema > tunegate.schema.json",
		setup: func(f *flag.FlagSet) func(context.Context, env, []string) error {
			ofReport := f.Bool("report", false, "that of reports/report.json, for programs that read it")
			return func(_ context.Context, e env, args []string) error {
				if len(args) > 0 {
					return usageError{"schema takes no argument", ""}
				}
				schema := manifest.Schema
				if *ofReport {
					schema = report.JSONSchema
				}
				_, err := e.stdout.Write(schema())
				return err
			}
		},
	}
}
