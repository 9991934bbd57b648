package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"

	"github.com/tunegate/tunegate/internal/pipeline"
	"github.com/tunegate/tunegate/internal/render"
)

func planCommand() command {
	return command{
		name: "plan", args: "[MANIFEST]", summary: "what would be trained: phases, tokens, cost, time",
		about:   "Audits the data and estimates; launches nothing and asks no service. Exit code 1 when run would refuse to launch.",
		example: "tunegate plan testdata/five-agents/tunegate.yaml",
		setup: func(f *flag.FlagSet) func(context.Context, env, []string) error {
			format := f.String("format", "text", "`form`: text or json")
			return func(ctx context.Context, e env, args []string) error {
				if *format != "text" && *format != "json" {
					return usageError{fmt.Sprintf("--format is text or json, not %q", *format), ""}
				}
				m, err := loadManifest(e, args)
				if err != nil {
					return err
				}
				p, err := pipeline.MakePlan(ctx, m, pipeline.Options{Getenv: e.getenv})
				if err != nil {
					return err
				}
				if *format == "json" {
					out := json.NewEncoder(e.stdout)
					out.SetIndent("", "  ")
					err = out.Encode(p)
				} else {
					err = render.Plan(e.stdout, p)
				}
				if err == nil && len(p.Blocked) > 0 {
					err = errFindings
				}
				return err
			}
		},
	}
}
