package main

import (
	"context"
	"encoding/json"
	"flag"
	"io"

	"github.com/tunegate/tunegate/internal/pipeline"
	"github.com/tunegate/tunegate/internal/render"
)

func planCommand() command {
	return command{
		name: "plan", args: "[MANIFEST]", summary: "what would be trained: phases, tokens, cost, time",
		about: "Audits the data and estimates; launches nothing and asks no service. Exit code 1 when run would\n" +
			"refuse to launch, or the budget does not cover all that it may launch.",
		example: "tunegate plan testdata/five-agents/tunegate.yaml --compare",
		exits:   []int{exitFail},
		setup: func(f *flag.FlagSet) func(context.Context, env, []string) error {
			format := choose(f, "format", "`form`", "text", "json")
			compare := f.Bool("compare", false, "set the profiles side by side: phases, tokens, cost, hours, what each skips")
			return func(ctx context.Context, e env, args []string) error {
				m, err := loadManifest(e, args)
				if err != nil {
					return err
				}
				o := pipeline.Options{Getenv: e.getenv}
				if *compare {
					c, err := pipeline.Compare(ctx, m, o)
					return showPlan(e, *format, c, c.Blocked, render.Comparison, err)
				}
				p, err := pipeline.MakePlan(ctx, m, o)
				return showPlan(e, *format, p, p.Blocked, render.Plan, err)
			}
		},
	}
}

// showPlan writes a plan that was made without an error, and makes one of it when the run would not launch all.
func showPlan[P any](e env, format string, p P, blocked []string, text func(io.Writer, P) error, err error) error {
	if err != nil {
		return err
	}
	if format == "json" {
		out := json.NewEncoder(e.stdout)
		out.SetIndent("", "  ")
		err = out.Encode(p)
	} else {
		err = text(e.stdout, p)
	}
	if err == nil && len(blocked) > 0 {
		err = errFindings
	}
	return err
}
