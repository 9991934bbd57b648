// Package scaffold proposes a manifest for a repository: it looks for data files, tells training examples from tests
// by what they hold, pairs them by name and folder, and writes the YAML. It changes no file, splits no data, and does
// not judge what it finds: package audit does that.
//
// What it reads is bounded: the tree's entries and depth, the files, and of each file the first rows. Links, hidden folders and
// folders of fetched code are passed over.
package scaffold

import (
	"context"
	"path/filepath"
)

// Proposal is what a repository's data files lend themselves to. The agents' paths are relative to the folder that was
// looked at, with slashes; those in the notes begin with that folder's.
type Proposal struct {
	Name   string  // of the folder; may be empty
	Agents []Agent // complete ones first
	Notes  []string
}

// ExampleLine and TestLine are how a line of training data and a line of tests look.
const (
	ExampleLine = `{"messages": [{"role": "user", "content": "Where is my invoice?"}, {"role": "assistant", "content": "billing"}]}`
	TestLine    = `{"id": "t1", "input": "I was charged twice", "ideal": "billing"}`
)

// Agent is a proposed agent. Train or Tests may be empty, not both.
type Agent struct {
	Name                     string
	Train, Validation, Tests string
	Count                    int    // tests; 0 when they could not all be read
	Grader                   string // by the tests' ideals, exact without them
	// ChatTests is a file that is called tests and holds training examples; set only where Tests is empty.
	ChatTests string
}

// Complete reports whether the agent has all that it needs.
func (a Agent) Complete() bool { return a.Train != "" && a.Tests != "" }

// Live is how many of the agents, the first ones, are complete.
func (p Proposal) Live() (n int) {
	for n < len(p.Agents) && p.Agents[n].Complete() {
		n++
	}
	return n
}

// at is a path in dir as the person who named dir would write it.
func at(dir, name string) string { return printable(filepath.Join(dir, filepath.FromSlash(name))) }

// Look proposes agents from the data files in dir and below. Notes are plain sentences on what was seen and not used.
// The error is a failure to read dir itself, or the context's.
func Look(ctx context.Context, dir string) (Proposal, error) {
	p := Proposal{}
	if absolute, err := filepath.Abs(dir); err == nil {
		p.Name = printable(filepath.Base(absolute))
	}
	if p.Name == string(filepath.Separator) || p.Name == "." || len([]rune(p.Name)) > 100 {
		p.Name = ""
	}
	paths, notes, err := walk(ctx, dir)
	if err != nil {
		return p, err
	}
	var files []file
	for _, path := range paths {
		if err := ctx.Err(); err != nil {
			return p, err
		}
		f, note := look(ctx, dir, path)
		if note != "" {
			notes = append(notes, printable(note))
		}
		if f.holds != nothing {
			files = append(files, f)
		}
	}
	var more []string
	p.Agents, more = pair(dir, files, p.Name)
	p.Notes = append(notes, more...)
	return p, ctx.Err()
}
