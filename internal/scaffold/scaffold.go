// Package scaffold proposes a manifest for a repository: it looks for data files, tells training examples from tests
// by what they hold, pairs them by name and folder, and writes the YAML. It changes no file, splits no data, and does
// not judge what it finds: package audit does that.
//
// What it reads is bounded: the tree's entries and depth, the files, and of each file the first rows. Links to folders, links
// out of the repository, hidden folders and folders of fetched code are passed over.
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
	Trouble   Trouble // with the file that would be the missing one; zero: there is no such file
}

// Trouble is a file that cannot be used, and why: "is ...", "holds ...". Swapped is, of a file that is called training data and
// holds tests, the one of which the reverse holds; else empty.
type Trouble struct{ Path, Why, Swapped string }

func (t Trouble) String() string { return t.Path + " " + t.Why }

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

// Look proposes agents from the data files in dir and below. root is the repository around it, which no link may leave; empty
// is dir itself. Notes are plain sentences on what was seen and not used. The error is a failure to read dir itself, or the
// context's.
func Look(ctx context.Context, dir, root string) (Proposal, error) {
	p := Proposal{}
	if absolute, err := filepath.Abs(dir); err == nil {
		p.Name = printable(filepath.Base(absolute))
	}
	if p.Name == string(filepath.Separator) || p.Name == "." || len([]rune(p.Name)) > 100 {
		p.Name = ""
	}
	paths, links, notes, err := walk(ctx, dir)
	if err != nil {
		return p, err
	}
	var files []file
	var troubles []Trouble
	paths, bad := follow(dir, root, paths, links)
	for _, t := range bad {
		notes = append(notes, at(dir, t.Path)+" "+t.Why)
	}
	troubles = append(troubles, bad...)
	for _, path := range paths {
		if err := ctx.Err(); err != nil {
			return p, err
		}
		f, note, why := look(ctx, dir, path)
		if note != "" {
			notes = append(notes, printable(note))
		}
		if f.holds != nothing {
			files = append(files, f)
		} else {
			troubles = append(troubles, Trouble{Path: path, Why: printable(why)})
		}
	}
	var more []string
	p.Agents, more = pair(dir, files, p.Name)
	p.Notes = append(notes, more...)
	for i := range p.Agents {
		p.Agents[i].Trouble = p.Agents[i].trouble(troubles)
	}
	return p, ctx.Err()
}
