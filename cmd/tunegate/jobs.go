package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tunegate/tunegate/internal/pipeline"
	"github.com/tunegate/tunegate/internal/render"
)

// jobFlags are the options of the commands that look after jobs.
type jobFlags struct {
	leg, state string
	format     *string
}

func (j *jobFlags) declare(f *flag.FlagSet, only string) {
	f.StringVar(&j.leg, "leg", "", "`id` of the only leg to "+only+", as plan lists it")
	f.StringVar(&j.state, "state", ".tunegate", "`dir` of the journals and the embedded engine")
	j.format = choose(f, "format", "`form`", "text", "json")
}

func (j *jobFlags) options(e env) pipeline.Options {
	o := pipeline.Options{State: j.state, Version: version(), Getenv: e.getenv, Notify: func(v pipeline.Event) {
		if v.Stage == pipeline.Training && v.Text != "" {
			fmt.Fprintln(e.stderr, render.Line(v.Leg+": "+v.Text)) // a launch is looked after for 90 s: not in silence
		}
	}}
	if j.leg != "" {
		o.Legs = []string{j.leg}
	}
	return o
}

func statusCommand() command {
	return command{
		name: "status", args: "[MANIFEST]", summary: "what runs at the provider for these inputs",
		about: "Asks the providers for the jobs that bear the run keys of the manifest's fine-tunes, and launches nothing. " +
			"What counts is the data as it is now: a changed file is another fine-tune. Exit code 0 whatever the jobs' states are, 3 where a provider does not answer.",
		example: "tunegate status testdata/five-agents/tunegate.yaml --format json",
		exits:   []int{exitError, exitInterrupted},
		setup: func(f *flag.FlagSet) func(context.Context, env, []string) error {
			var j jobFlags
			j.declare(f, "ask for")
			return func(ctx context.Context, e env, args []string) error {
				m, err := loadManifest(e, args)
				if err != nil {
					return err
				}
				jobs, err := pipeline.Status(ctx, m, j.options(e))
				return j.tell(e, jobs, "no leg", err)
			}
		},
	}
}

func cancelCommand() command {
	return command{
		name: "cancel", args: "[MANIFEST]", summary: "end the jobs that run at the provider for these inputs",
		about: "Cancels every job that bears the run key of one of the manifest's fine-tunes and is under way, and prints " +
			"them. Asks nothing. What was trained until then may be billed. A cancelled fine-tune is launched again by retry alone. Exit code 0 also when there was nothing to cancel, 3 where " +
			"a provider does not answer: its jobs may go on.",
		example: "tunegate cancel testdata/five-agents/tunegate.yaml --leg ops-tools",
		exits:   []int{exitError, exitInterrupted},
		setup: func(f *flag.FlagSet) func(context.Context, env, []string) error {
			var j jobFlags
			j.declare(f, "cancel")
			return func(ctx context.Context, e env, args []string) error {
				m, err := loadManifest(e, args)
				if err != nil {
					return err
				}
				jobs, err := pipeline.CancelJobs(ctx, m, j.options(e))
				return j.tell(e, jobs, "nothing was under way", err)
			}
		},
	}
}

func retryCommand() command {
	return command{
		name: "retry", args: "[MANIFEST]", summary: "one more attempt at fine-tunes that failed or were cancelled",
		about: "Launches a new attempt for each leg whose newest job has failed, was cancelled or is gone, however many attempts " +
			"there have been, and does not wait for its end: run or tune picks it up and benchmarks. Audit and budget count as in " +
			"a run. Legs without anything to try again say so. Exit code 3 when nothing was launched.",
		example: "tunegate retry testdata/five-agents/tunegate.yaml --leg ops-tools",
		exits:   []int{exitError, exitInterrupted},
		setup: func(f *flag.FlagSet) func(context.Context, env, []string) error {
			var j jobFlags
			j.declare(f, "try again")
			return func(ctx context.Context, e env, args []string) error {
				m, err := loadManifest(e, args)
				if err != nil {
					return err
				}
				jobs, launched, err := pipeline.Retry(ctx, m, j.options(e))
				err = j.tell(e, jobs, "no leg", err)
				if err == nil && launched == 0 {
					err = ended(exitError)
				}
				return err
			}
		},
	}
}

// tell shows what is known, and none only where all is known. An error before anything was asked leaves nothing to show.
func (j *jobFlags) tell(e env, jobs []pipeline.Job, none string, err error) error {
	if err != nil && len(jobs) == 0 {
		return err
	}
	if err2 := j.show(e, jobs, none); err == nil {
		err = err2
	}
	return err
}

// show prints the jobs as a table, or none in words.
func (j *jobFlags) show(e env, jobs []pipeline.Job, none string) error {
	if *j.format == "json" {
		if jobs == nil {
			jobs = []pipeline.Job{}
		}
		out := json.NewEncoder(e.stdout)
		out.SetIndent("", "  ")
		return out.Encode(map[string]any{"jobs": jobs})
	}
	if len(jobs) == 0 {
		_, err := fmt.Fprintln(e.stdout, none)
		return err
	}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	row := func(cells ...string) {
		for i := range cells {
			if cells[i] == "" {
				cells[i] = "-"
			}
			cells[i] = render.Line(cells[i])
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	fmt.Fprintln(w, "leg\tphase\tkey\tjob\tattempt\tstatus\tcreated\tdone about\tmodel or reason")
	for _, l := range jobs {
		attempt, last := "", l.Model
		if l.Attempt > 0 {
			attempt = fmt.Sprint(l.Attempt)
		}
		if l.Error != "" {
			last = l.Error
		}
		status := l.Status
		if l.Job == "" && l.Error == "" {
			status = "not launched"
		}
		row(l.Leg, l.Phase, fmt.Sprintf("%.12s", l.Key), l.Job, attempt, status, moment(l.Created), moment(l.EstimatedFinish), last)
	}
	w.Flush()
	_, err := fmt.Fprint(e.stdout, table.String())
	return err
}

// moment is a time for people; all are in UTC, as in logs.
func moment(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04Z")
}
