// Package swebench puts the tasks of SWE-bench (Jimenez et al., 2024, arXiv 2310.06770) to models and has the official harness
// judge what they answer: the issues of real programs, where the answer is a patch, and right is a patch after which the
// program's own tests pass. It reads the tasks with positions, finds the patch in an answer, writes predictions, runs the
// harness as a command and reads its report.
//
// It asks no model, runs no test itself and decides no verdict. Where the harness may not or cannot run, nothing is
// scored: Harness.Ready says so before a model is asked.
package swebench

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"

	"github.com/tunegate/tunegate/internal/suite"
)

// Instance is one task. ID is fit for the name of a file; Problem and FailToPass are not empty.
type Instance struct {
	ID         string
	Line       int    // where it stands in its file, from 1
	Repo       string // "owner/name"
	BaseCommit string
	Version    string
	Problem    string // the issue
	Hints      string // what people said below the issue, which may be the solution: no model is shown it
	Text       string // the whole prompt with files of the program, where the file has one (column text); empty: none
	Solution   string // the patch that people mended it with (column patch), where the file has it
	FailToPass []string
	PassToPass []string

	row      []byte // the line, as the harness wants it
	prepared bool   // the row has what the harness takes from it since version 5: image and eval_script
}

// Set is the tasks of one file, in its order, each id once. Nobody writes to it, so it may be read from many goroutines.
type Set struct {
	File      string // as findings name it
	Instances []Instance
}

// Suite is the tasks as tests that a model can be asked. The ideal is the patch of people or, where the file has none, the names of the
// program's tests that are to pass: for reports and estimates, since no answer is compared with it. Harness.Run judges.
func (s Set) Suite() suite.Suite {
	out := suite.Suite{File: s.File, Tests: make([]suite.Test, len(s.Instances))}
	for i, x := range s.Instances {
		ideal := x.Solution
		if strings.TrimSpace(ideal) == "" {
			ideal = strings.Join(x.FailToPass, "\n")
		}
		out.Tests[i] = suite.Test{ID: x.ID, Line: x.Line, Input: x.prompt(), Ideal: []string{ideal}}
	}
	return out
}

// prompt asks for a patch. A file with the column text brings its own prompt, whose first line is for the system, as the
// authors' inference has it.
func (x Instance) prompt() []suite.Message {
	if system, user, ok := strings.Cut(x.Text, "\n"); ok && strings.TrimSpace(system) != "" && strings.TrimSpace(user) != "" {
		return []suite.Message{{Role: "system", Content: system}, {Role: "user", Content: user}}
	}
	if x.Text != "" {
		return []suite.Message{{Role: "user", Content: x.Text}}
	}
	return []suite.Message{{Role: "user", Content: fmt.Sprintf("The repository %s has this issue at commit %s:\n\n<issue>\n%s\n</issue>\n\n"+
		"Mend it. Answer with one patch, a unified diff that `git apply` takes at the top of the repository, between <patch> and </patch>.",
		x.Repo, x.BaseCommit, strings.TrimSpace(x.Problem))}}
}

// Hash is the digest of a task, in hexadecimal: of its row with all that the harness takes from it.
func (x Instance) Hash() string {
	sum := sha256.Sum256(x.row)
	return hex.EncodeToString(sum[:])
}

// RunID names a run of the harness, as in "tunegate-tuned-0123456789ab". The harness keeps what it found by run and task
// alone, and would give the result of an old patch for a new one: so the name has a digest of the tasks and patches.
func RunID(arm string, s Set, patches map[string]string) string {
	h := sha256.New()
	for _, x := range s.Instances {
		if patch, ok := patches[x.ID]; ok {
			writeText(h, x.ID)
			writeText(h, x.Hash())
			writeText(h, patch)
		}
	}
	return "tunegate-" + arm + "-" + hex.EncodeToString(h.Sum(nil))[:12]
}

// writeText puts the length first, so that no two different lists feed the same bytes to the digest.
func writeText(h hash.Hash, s string) {
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s))))
	h.Write([]byte(s))
}
