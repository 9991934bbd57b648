package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/render"
	"github.com/tunegate/tunegate/internal/scaffold"
)

func initCommand() command {
	return command{
		name: "init", args: "[DIR]", summary: "propose a manifest for a repository, from its data files",
		about: "Looks in DIR (default: here) for training data and tests (.jsonl, .ndjson, plain, .gz or .zst), and writes DIR/tunegate.yaml\n" +
			"with an agent for each pair. A manifest that is there already is left alone. Nothing else is written or changed.",
		example: "tunegate init --dry-run testdata/five-agents",
		setup: func(f *flag.FlagSet) func(context.Context, env, []string) error {
			dry := f.Bool("dry-run", false, "print the manifest and write nothing")
			return func(ctx context.Context, e env, args []string) error {
				dir := "."
				if len(args) > 1 {
					return usageError{fmt.Sprintf("one folder at a time, not %d", len(args)), ""}
				} else if len(args) == 1 {
					dir = args[0]
				}
				if info, err := os.Stat(dir); err == nil && !info.IsDir() {
					return usageError{dir + " is a file, not a folder", "name the folder that is to have a manifest"}
				}
				for _, name := range defaultManifests {
					path := filepath.Join(dir, name)
					if _, err := os.Lstat(path); err == nil && !*dry {
						return usageError{path + " is there already, so nothing was written", "tunegate check looks it over; tunegate init --dry-run shows what would be proposed"}
					}
				}
				p, err := scaffold.Look(ctx, dir)
				if err != nil {
					return err
				}
				text := p.Manifest()
				if _, mistakes := manifest.Parse(text, "the proposed manifest"); len(mistakes) > 0 {
					return fmt.Errorf("nothing was written, the proposal has mistakes: %v", mistakes)
				}
				if *dry {
					proposed(e.stderr, p, "would hold")
					_, err := e.stdout.Write(text)
					return err
				}
				if err := writeNew(filepath.Join(dir, defaultManifests[0]), text); err != nil {
					return err
				}
				proposed(e.stdout, p, "holds")
				return nil
			}
		},
	}
}

// proposed says what the manifest holds, what was passed over, and what comes next.
func proposed(w io.Writer, p scaffold.Proposal, holds string) {
	if len(p.Agents) == 0 {
		fmt.Fprintf(w, "no training data and no tests were found; tunegate.yaml %s an example\n", holds)
	} else {
		fmt.Fprintf(w, "tunegate.yaml %s\n", holds)
	}
	live := p.Live()
	for i, a := range p.Agents {
		line := "  " + a.Name + ": "
		switch {
		case a.Train == "":
			line += "no training data"
		default:
			line += a.Train
		}
		switch {
		case a.Tests == "":
			line += ", no tests"
		case a.Count == 0:
			line += ", tests " + a.Tests
		default:
			line += fmt.Sprintf(", %d tests, grader %s", a.Count, a.Grader)
		}
		if i >= live {
			line += "; commented out until that is there"
		}
		fmt.Fprintln(w, render.Line(line))
	}
	const shown = 20
	for i, note := range p.Notes {
		if i == shown {
			fmt.Fprintf(w, "note: and %d more\n", len(p.Notes)-shown)
			break
		}
		fmt.Fprintln(w, "note: "+render.Line(note))
	}
	if missing := p.Missing(); len(missing) > 0 {
		fmt.Fprintln(w, "next: write "+strings.Join(missing, " and ")+", then tunegate check")
		return
	}
	fmt.Fprintln(w, "next: look it over, then tunegate plan and tunegate run")
}

// writeNew makes a file that was not there.
func writeNew(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return usageError{path + " is there already, so nothing was written", ""}
	} else if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Close()); err != nil {
		os.Remove(path)
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
