// Package runner speaks with the GitHub Actions runner that started this process: inputs, masks, annotations, outputs,
// the job summary, and the workspace's owner. It knows nothing of fine-tuning, and it is not the GitHub API.
//
// Without a runner (a variable of its protocol is not set) it prints what it would have handed over, and masks and
// annotates nothing. The protocol is that of "Workflow commands for GitHub Actions" in GitHub's documentation.
package runner

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/sethvargo/go-githubactions"
)

// Runner is the runner that this process sees. It has one goroutine at a time.
type Runner struct {
	lib    *githubactions.Action
	getenv func(string) string
	w      io.Writer
}

// New returns the runner that the environment tells of; w is what it reads, this process's standard output.
func New(getenv func(string) string, w io.Writer) *Runner {
	return &Runner{githubactions.New(githubactions.WithGetenv(getenv), githubactions.WithWriter(w)), getenv, w}
}

// listens reports whether what is printed is read by a runner.
func (r *Runner) listens() bool { return r.getenv("GITHUB_ACTIONS") == "true" }

// Input returns an input of the action, without the space around it; empty when it was not given.
func (r *Runner) Input(name string) string { return r.lib.GetInput(name) }

// Mask has the runner hide a secret, and each line of it, in all that is printed from here on.
func (r *Runner) Mask(secret string) {
	if !r.listens() {
		return // it would be printed for all to read
	}
	for line := range strings.Lines(secret) {
		if line = strings.TrimSpace(line); line != "" {
			r.lib.AddMask(line)
		}
	}
}

// Plain has the runner take what is printed until end is called for text: it may hold what a stranger wrote, and a
// line of that could look like a command to the runner. End may be called once.
func (r *Runner) Plain() (end func()) {
	if !r.listens() {
		return func() {}
	}
	token := rand.Text() // nobody can have written it beforehand
	fmt.Fprintf(r.w, "::stop-commands::%s\n", token)
	return func() { fmt.Fprintf(r.w, "\n::%s::\n", token) }
}

// delimiter ends a value in the library's form of the outputs' file.
const delimiter = "_GitHubActionsFileCommandDelimeter_"

// Output sets an output of the step. A value is one line of text; anything else could set another output and is an error.
func (r *Runner) Output(name, value string) error {
	if value == delimiter || strings.ContainsFunc(value, func(c rune) bool { return unicode.IsControl(c) || c == '\u2028' || c == '\u2029' }) {
		return fmt.Errorf("the output %s is not one plain line: %q", name, value)
	}
	if r.getenv("GITHUB_OUTPUT") == "" {
		defer r.Plain()()
		_, err := fmt.Fprintf(r.w, "%s=%s\n", name, value)
		return err
	}
	return caught("setting the output "+name, func() { r.lib.SetOutput(name, value) })
}

// summaryLimit is what GitHub takes for a step's summary, in bytes; above it nothing at all is shown.
const summaryLimit = 1 << 20

// Summary adds a page of Markdown to the step's summary. What does not fit is left out from the end of the page, by whole
// sections, so that a page says first what matters most.
func (r *Runner) Summary(page string) error {
	file := r.getenv("GITHUB_STEP_SUMMARY")
	if file == "" {
		defer r.Plain()()
		_, err := fmt.Fprintln(r.w, page)
		return err
	}
	room := summaryLimit - len("\n")
	if info, err := os.Stat(file); err == nil {
		room -= int(min(info.Size(), summaryLimit))
	}
	page = shorten(page, room)
	if page == "" {
		return errors.New("the job summary is full")
	}
	return caught("writing the job summary", func() { r.lib.AddStepSummary(page) })
}

// caught turns the library's panic over a file that it cannot write into an error.
func caught(doing string, do func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: %v", doing, p)
		}
	}()
	do()
	return nil
}
