package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/pipeline"
	"github.com/tunegate/tunegate/internal/render"
)

func planCommand() command {
	return command{
		name: "plan", args: "[MANIFEST]", summary: "what would be trained: phases, tokens, cost, time",
		about: "Audits the data and estimates; launches nothing and asks no service. Exit code 1 when run would\n" +
			"refuse to launch, or the budget does not cover all that it may launch. What has no known price is unknown; in JSON its\n" +
			"cost is null.",
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
					return showPlan(e, *format, m.File, c, c.Plan, render.Comparison, err)
				}
				p, err := pipeline.MakePlan(ctx, m, o)
				return showPlan(e, *format, m.File, p, p, render.Plan, err)
			}
		},
	}
}

// showPlan writes p, made without an error of the manifest in file, and makes an error of it when the run, by its plan, would
// not launch all.
func showPlan[P any](e env, format, file string, p P, plan pipeline.Plan, text func(io.Writer, P) error, err error) error {
	if err != nil {
		return err
	}
	if format == "json" {
		out := json.NewEncoder(e.stdout)
		out.SetIndent("", "  ")
		err = out.Encode(p)
	} else {
		err = text(e.stdout, p)
		if err == nil && diag.Worst(plan.Findings) == diag.Critical {
			_, err = fmt.Fprintf(e.stdout, "next: tunegate audit %s shows all of it; mend it, then plan again\n", render.Line(file))
		}
	}
	if err == nil && len(plan.Blocked) > 0 {
		err = errFindings
	}
	return err
}
