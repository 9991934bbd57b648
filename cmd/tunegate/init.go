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
	"regexp"
	"strings"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/render"
	"github.com/tunegate/tunegate/internal/scaffold"
)

func initCommand() command {
	return command{
		name: "init", args: "[DIR]", summary: "propose a manifest for a repository, from its data files",
		about: "Looks in DIR (default: here) for training data and tests (.jsonl, .ndjson, plain, .gz or .zst), and writes DIR/tunegate.yaml " +
			"with an agent for each pair; check accepts it. An agent that lacks one of the two stands in it commented out, with what is missing. " +
			"Where none is complete, nothing is written: it says what is expected, and the exit code is 2. " +
			"A manifest that is there already is left alone, and no other file is written or changed. With --workflows it writes, for " +
			"the manifest of DIR, the three workflows of GitHub Actions that audit pull requests, tune at /finetune, at a button and " +
			"nightly, and look after what outlives a job; those that are there are left alone.",
		example: "tunegate init --dry-run testdata/five-agents",
		setup: func(f *flag.FlagSet) func(context.Context, env, []string) error {
			dry := f.Bool("dry-run", false, "print what would be written, and write nothing")
			workflows := f.Bool("workflows", false, "write workflows of GitHub Actions for the manifest that is there")
			return func(ctx context.Context, e env, args []string) error {
				dir := "."
				switch len(args) {
				case 0:
				case 1:
					dir = filepath.Clean(args[0])
				default:
					return usageError{fmt.Sprintf("one folder at a time, not %d", len(args)), ""}
				}
				if *workflows {
					return writeWorkflows(e, dir, *dry)
				}
				return propose(ctx, e, dir, *dry)
			}
		},
	}
}

func propose(ctx context.Context, e env, dir string, dry bool) error {
	path := filepath.Join(dir, defaultManifests[0])
	var where, named []string // what this and the other commands are told to find dir by
	if dir != "." {
		where, named = []string{dir}, []string{path}
	}
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return usageError{"there is no folder " + dir, "name the folder that holds the data and is to have a manifest"}
	case err == nil && !info.IsDir():
		return usageError{dir + " is a file, not a folder", "name the folder that is to have a manifest"}
	}
	for _, name := range defaultManifests {
		there := filepath.Join(dir, name)
		if _, err := os.Lstat(there); err == nil && !dry {
			if dir != "." {
				named = []string{there}
			}
			return usageError{there + " is there already, so nothing was written",
				pasteable("check", named...) + " looks it over; " + pasteable("init --dry-run", where...) + " shows what would be proposed"}
		}
	}
	p, err := scaffold.Look(ctx, dir, manifest.Root(e.getenv, dir))
	if err != nil {
		return err
	}
	if p.Live() == 0 {
		incomplete(e.stderr, dir, p, pasteable("init", where...))
		return ended(exitUsage)
	}
	text := p.Manifest()
	if _, mistakes := manifest.Parse(text, "the proposed manifest"); len(mistakes) > 0 {
		return fmt.Errorf("nothing was written, the proposal has mistakes: %v", mistakes)
	}
	if dry {
		found(e.stderr, dir, p, path+" would hold", pasteable("init", where...)+" writes it")
		_, err := e.stdout.Write(text)
		return err
	}
	if err := writeNew(path, text); err != nil {
		return err
	}
	found(e.stdout, dir, p, path+" holds", "look it over, then "+pasteable("plan", named...)+" and "+pasteable("run", named...)+"; "+
		pasteable("init --workflows", where...)+" writes the workflows for GitHub")
	return nil
}

// found says what the manifest holds, what was passed over, and what comes next.
func found(w io.Writer, dir string, p scaffold.Proposal, holds, next string) {
	fmt.Fprintln(w, render.Line(holds))
	listAgents(w, dir, p)
	fmt.Fprintln(w, "next: "+next)
}

// incomplete says why there is no manifest, what is expected, and what to do then.
func incomplete(w io.Writer, dir string, p scaffold.Proposal, again string) {
	where := "here"
	if dir != "." {
		where = "in " + dir
	}
	if len(p.Agents) == 0 {
		complain(w, "no training data and no tests were found "+where+", so nothing was written")
	} else {
		complain(w, "no agent "+where+" has both training data and tests, so nothing was written")
	}
	listAgents(w, dir, p)
	first := scaffold.Agent{Train: "data/my-agent/train.jsonl"}
	if len(p.Agents) > 0 {
		first = p.Agents[0]
	}
	train, tests := first.Paths()
	do, bad := "write what is missing", first.Trouble.Path
	if first.Trouble.Swapped != "" {
		do = "give the two each other's name"
	} else if bad != "" {
		do = "mend " + render.Line(filepath.Join(dir, filepath.FromSlash(bad)))
	}
	show := func(name string) string {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if name == bad {
			path += " (there, but it " + first.Trouble.Why + ")"
		} else if _, err := os.Lstat(path); err == nil {
			path += " (there)"
		}
		return render.Line(path)
	}
	fmt.Fprintf(w, `
An agent takes two files, one JSON object a line (.jsonl or .ndjson, also .gz or .zst):

%s
    examples to learn from, at least 10, and 50 to 100 are a start:
    %s

%s
    tests that are no examples, at least %d, and the more the better:
    %s
    the input may also be the list of messages before the answer

next: %s, then %s
or see a run first, in a checkout of tunegate: tunegate run testdata/five-agents/tunegate.yaml
`, show(train), scaffold.ExampleLine, show(tests), gate.MinDiffer+1, scaffold.TestLine, do, again)
}

// listAgents says which agents were found, and what was passed over.
func listAgents(w io.Writer, dir string, p scaffold.Proposal) {
	at := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	for _, a := range p.Agents {
		line := "  " + a.Name + ": "
		switch {
		case a.Train == "":
			line += "tests " + at(a.Tests) + ", no training data"
		case a.Tests == "":
			line += at(a.Train) + ", no tests"
		case a.Count == 0:
			line += at(a.Train) + ", tests " + at(a.Tests)
		case a.Count == 1:
			line += at(a.Train) + ", 1 test, grader " + a.Grader
		default:
			line += fmt.Sprintf("%s, %d tests, grader %s", at(a.Train), a.Count, a.Grader)
		}
		if !a.Complete() && p.Live() > 0 {
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
}

// harmless are words that every shell passes on as they are.
var harmless = regexp.MustCompile(`^[\pL\pM\pN_./@%+=:,-]+$`)

// pasteable is a command of ours as it can be pasted into a shell.
func pasteable(name string, args ...string) string {
	line := "tunegate " + name
	for _, a := range args {
		if !harmless.MatchString(a) {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		line += " " + a
	}
	return render.Line(line)
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
