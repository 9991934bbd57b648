package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/runner"
)

func actionCommand() command {
	return command{
		name: "action", summary: "the container's entry point in GitHub Actions",
		about: "Takes its inputs from the variables INPUT_COMMAND (run, tune, audit or plan), INPUT_MANIFEST and so on, as action.yml\n" +
			"lists them, and hands outputs, annotations and a summary to the runner; without one it prints them. Exit codes are\n" +
			"the command's, except that tune is no failure when the leg fails the gate or is pending.",
		example: "INPUT_COMMAND=plan INPUT_MANIFEST=testdata/five-agents/tunegate.yaml tunegate action",
		setup: func(*flag.FlagSet) func(context.Context, env, []string) error {
			return func(ctx context.Context, e env, args []string) error {
				if len(args) > 0 {
					return usageError{"action takes no argument", "its inputs are the variables INPUT_..."}
				}
				if code := act(ctx, e, runner.New(e.getenv, e.stdout)); code != exitPass {
					return ended(code)
				}
				return nil
			}
		},
	}
}

// act does what the inputs ask for and hands the result to the runner. It returns the exit code.
func act(ctx context.Context, e env, r *runner.Runner) int {
	in, err := readInputs(r)
	if err == nil {
		in.mask(e, r)
	}
	// From here on strangers' text may be printed. There is one stream, because the runner reads two in any order.
	endPlain := r.Plain()
	e.stderr = e.stdout
	var got outcome
	if err == nil {
		fmt.Fprintf(e.stdout, "tunegate %s: %s\n", version(), in.command)
		got, err = in.do(ctx, e)
	}
	code := finish(ctx, e.stdout, err)
	endPlain()

	got.failed(err)
	err = errors.Join(got.publish(r), r.HandOver(filepath.Join(in.out, "reports"), filepath.Join(in.out, "models"), in.state))
	if err != nil {
		defer r.Plain()()
		return max(code, finish(ctx, e.stdout, err))
	}
	if in.command == "tune" && (code == exitFail || code == exitPending) {
		return exitPass // the verdict is in the outputs; the job that gathers the legs carries it
	}
	return code
}

// inputs are the action's, checked.
type inputs struct {
	command    string
	manifest   []string // one or none: the default one
	files      []string // for audit, in the place of a manifest
	legs       []string
	wait       time.Duration
	out, state string
}

func readInputs(r *runner.Runner) (inputs, error) {
	in := inputs{command: r.Input("command"), wait: -1, out: r.Input("out"), state: r.Input("state"),
		files: listed(r.Input("files"), "\r\n"), legs: listed(r.Input("legs"), ", \t\r\n")}
	if m := r.Input("manifest"); m != "" {
		in.manifest = []string{m}
	}
	if in.command == "" {
		in.command = "run"
	}
	if in.out == "" {
		in.out = "."
	}
	if in.state == "" {
		in.state = ".tunegate"
	}
	if known := []string{"run", "tune", "audit", "plan"}; !slices.Contains(known, in.command) {
		return in, usageError{fmt.Sprintf("the input command is %q", in.command), "it is one of " + strings.Join(known, ", ")}
	}
	if len(in.files) > 0 && (in.command != "audit" || len(in.manifest) > 0) {
		return in, usageError{"the input files goes with the command audit, in the place of a manifest", ""}
	}
	if in.command == "tune" && len(in.legs) != 1 {
		return in, usageError{"the command tune takes one leg", "set the input legs, in a matrix to ${{ matrix.leg }}"}
	}
	if w := r.Input("wait"); w != "" {
		var err error
		if in.wait, err = time.ParseDuration(w); err != nil || in.wait < 0 {
			return in, usageError{fmt.Sprintf("the input wait is %q", w), "it is a time such as 90s, 45m or 5h"}
		}
	}
	return in, nil
}

// listed splits a list at any of the characters.
func listed(text, at string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(at, c) })
}

// mask hides the keys of the manifest's providers. A manifest that cannot be read is complained of later.
func (in inputs) mask(e env, r *runner.Runner) {
	e.stderr = io.Discard
	m, err := in.load(e)
	if err != nil {
		return
	}
	for _, p := range m.Providers {
		if p.APIKeyEnv != "" {
			r.Mask(e.getenv(p.APIKeyEnv))
		}
	}
}

func (in inputs) load(e env) (*manifest.Manifest, error) {
	if len(in.files) > 0 {
		return &manifest.Manifest{}, nil
	}
	return loadManifest(e, in.manifest)
}

// do runs the command as the command line would, which see.
func (in inputs) do(ctx context.Context, e env) (outcome, error) {
	m, err := in.load(e)
	if err != nil {
		return outcome{}, err
	}
	switch in.command {
	case "audit":
		return in.audit(ctx, e, m)
	case "plan":
		return in.plan(ctx, e, m)
	}
	path := filepath.Join(in.out, "reports", "report.json")
	before, _ := os.Stat(path)
	flags := runFlags{out: in.out, state: in.state, attempts: 1}
	runErr := flags.run(ctx, e, in.manifest, in.legs, in.wait)
	// A report is put in place whole: when the file is still the same, it is one from before.
	after, err := os.Stat(path)
	if err != nil || before != nil && os.SameFile(before, after) {
		return outcome{}, runErr
	}
	doc, err := readReport(path)
	if err != nil {
		return outcome{}, errors.Join(runErr, err)
	}
	return tuned(doc, path, m), runErr
}
