package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/render"
)

// defaultManifests are looked for in turn when none is named.
var defaultManifests = []string{"tunegate.yaml", ".github/tunegate.yaml"}

// loadManifest reads the manifest named by args, or the default one.
func loadManifest(e env, args []string) (*manifest.Manifest, error) {
	if len(args) > 1 {
		return nil, usageError{fmt.Sprintf("one manifest at a time, not %d", len(args)), ""}
	}
	paths := args
	if len(args) == 0 {
		paths = defaultManifests
	}
	for _, path := range paths {
		m, err := manifest.Load(path, manifest.Root(e.getenv, filepath.Dir(path)))
		if missing := errors.Is(err, fs.ErrNotExist); missing && len(args) == 0 {
			continue
		} else if missing {
			return nil, usageError{err.Error(), ""}
		}
		return m, err
	}
	return nil, usageError{"there is no tunegate.yaml here, nor in .github", "name a manifest"}
}

func checkCommand() command {
	return command{
		name: "check", args: "[MANIFEST]", summary: "check a manifest: every problem at once, with its place",
		about:   "Reads the manifest (tunegate.yaml, then .github/tunegate.yaml) and looks whether the files it names are there.",
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
		name: "schema", summary: "print the JSON Schema of the manifest",
		about:   "An editor that knows JSON Schema completes and checks the manifest with it.",
		example: "tunegate schema > tunegate.schema.json",
		setup: func(*flag.FlagSet) func(context.Context, env, []string) error {
			return func(_ context.Context, e env, args []string) error {
				if len(args) > 0 {
					return usageError{"schema takes no argument", ""}
				}
				_, err := e.stdout.Write(manifest.Schema())
				return err
			}
		},
	}
}
