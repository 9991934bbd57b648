package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"time"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/pipeline"
	"github.com/tunegate/tunegate/internal/render"
	"github.com/tunegate/tunegate/internal/report"
)

// runFlags are the options that run and tune share.
type runFlags struct {
	out, state string
	attempts   int
	commands   bool
	noLaunch   bool
	quiet      bool
	verbose    bool
}

func (r *runFlags) declare(f *flag.FlagSet) {
	f.StringVar(&r.out, "out", ".", "`dir` that takes reports/ and models/")
	f.StringVar(&r.state, "state", ".tunegate", "`dir` of the journals and the embedded engine")
	f.IntVar(&r.attempts, "attempts", 1, "`number` of jobs that one fine-tune may cost in all, over all runs, when they fail")
	f.BoolVar(&r.commands, "allow-commands", false, "let graders run programs: a model's own (code) and the manifest's (command), contained, and the SWE-bench harness (swe-bench)")
	f.BoolVar(&r.noLaunch, "no-launch", false, "make no fine-tune: one that is there is benchmarked, one under way waited for; a leg without one is pending")
	f.BoolVar(&r.quiet, "quiet", false, "print no progress")
	f.BoolVar(&r.verbose, "verbose", false, "print every state of a job, every metric, and how long each stage took")
}

func runCommand() command {
	return command{
		name: "run", args: "[MANIFEST]", summary: "the whole pipeline: audit, fine-tune, benchmark, decide, report",
		about: "Runs every leg of the manifest, side by side, to its verdict. The same command again launches nothing twice:\n" +
			"finished fine-tunes are reused, running ones picked up.",
		example: "tunegate run testdata/five-agents/tunegate.yaml --out /tmp/five-agents",
		exits:   runExits(),
		setup: func(f *flag.FlagSet) func(context.Context, env, []string) error {
			var r runFlags
			r.declare(f)
			wait := f.Duration("wait", -1, waitUsage)
			return func(ctx context.Context, e env, args []string) error {
				return r.run(ctx, e, args, nil, *wait)
			}
		},
	}
}

func tuneCommand() command {
	return command{
		name: "tune", args: "[MANIFEST]", summary: "one leg: find or launch its fine-tune, wait, benchmark",
		about: "What a matrix job runs. A leg that is not done within --wait is pending (exit code 8); the same command later,\n" +
			"on any machine, picks it up.",
		example: "tunegate tune testdata/five-agents/tunegate.yaml --leg ops-tools --wait 30m",
		exits:   runExits(),
		setup: func(f *flag.FlagSet) func(context.Context, env, []string) error {
			var r runFlags
			r.declare(f)
			leg := f.String("leg", "", "`id` of the leg, as plan lists it")
			wait := f.Duration("wait", -1, waitUsage)
			return func(ctx context.Context, e env, args []string) error {
				if *leg == "" {
					return usageError{"tune needs --leg", "tunegate plan lists the legs"}
				}
				return r.run(ctx, e, args, []string{*leg}, *wait)
			}
		},
	}
}

// waitUsage says what --wait does. A launch that was just sent is looked after for 90 s in any case.
const waitUsage = "`time` to wait for fine-tunes, then pending (exit code 8); negative: to the end"

// legIDs are the legs of a run of the given ones, or of all when none are given, in the manifest's order.
func legIDs(m *manifest.Manifest, only []string) (ids []string) {
	for _, a := range m.Agents {
		if len(only) == 0 || slices.Contains(only, a.Name) {
			ids = append(ids, a.Name)
		}
	}
	return ids
}

// runExits are the exit codes of a command that comes to a verdict.
func runExits() []int { return []int{exitFail, exitError, exitPending, exitInterrupted} }

func (r *runFlags) run(ctx context.Context, e env, args, legs []string, wait time.Duration) error {
	if r.quiet && r.verbose {
		return usageError{"--quiet and --verbose exclude each other", ""}
	}
	if r.attempts < 1 {
		return usageError{fmt.Sprintf("--attempts is %d, it must be 1 or more", r.attempts), ""}
	}
	m, err := loadManifest(e, args)
	if err != nil {
		return err
	}
	_, err = r.do(ctx, e, m, pipeline.Options{State: r.state, Legs: legs, Version: version(), Wait: wait, Attempts: r.attempts, Getenv: e.getenv,
		AllowCommands: r.commands, FindOnly: r.noLaunch})
	return err
}

// do runs the pipeline, shows how it goes on, and writes what it leaves. The report has legs unless nothing was begun.
func (r *runFlags) do(ctx context.Context, e env, m *manifest.Manifest, o pipeline.Options) (report.Report, error) {
	if err := tryOutputs(r.out); err != nil {
		return report.Report{}, err
	}
	var answers samples
	o.Samples = answers.take
	told := func() {}
	if !r.quiet {
		p := newProgress(ctx, e, legIDs(m, o.Legs), r.verbose)
		o.Notify, told = p.event, p.close
	}
	doc, err := pipeline.Run(ctx, m, o)
	told()
	if len(doc.Legs) > 0 {
		err = errors.Join(err, writeOutputs(r.out, doc, nil), answers.write(r.out, doc), render.Text(e.stdout, doc, resultScreen(e)))
	}
	if err == nil && doc.Verdict != gate.Pass {
		err = verdictError(doc.Verdict)
	}
	return doc, err
}
