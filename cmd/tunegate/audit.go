package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"strings"

	"github.com/tunegate/tunegate/internal/audit"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/pipeline"
	"github.com/tunegate/tunegate/internal/render"
)

// audited is the JSON of tunegate audit.
type audited struct {
	Totals struct {
		Rows     int   `json:"rows"`
		Messages int   `json:"messages"`
		Tokens   int64 `json:"tokens"`
	} `json:"totals"`
	Findings []diag.Finding `json:"findings"`
}

func auditCommand() command {
	return command{
		name: "audit", args: "[MANIFEST|FILE..]", summary: "check training data: format, duplicates, weights, lengths, contamination",
		about: "Takes a manifest (.yaml, .yml), or data files (.jsonl, .jsonl.gz, .jsonl.zst). Critical findings end it with\n" +
			"exit code 1; they would stop a run before anything is launched.",
		example: "tunegate audit testdata/five-agents/data/ops-tools/train.jsonl --bench testdata/five-agents/data/ops-tools/benchmark.jsonl",
		setup: func(f *flag.FlagSet) func(context.Context, env, []string) error {
			format := choose(f, "format", "`form`", "text", "json", "markdown")
			bench := f.String("bench", "", "`file` of tests that must not stand in the data files")
			return func(ctx context.Context, e env, args []string) error {
				var out audited
				var err error
				if len(args) > 0 && !isManifest(args[0]) {
					err = out.files(ctx, args, *bench)
				} else if *bench != "" {
					err = usageError{"--bench goes with data files; a manifest names its own tests", ""}
				} else {
					err = out.manifest(ctx, e, args)
				}
				if err != nil {
					return err
				}
				if err := out.write(e, *format); err != nil {
					return err
				}
				if diag.Worst(out.Findings) == diag.Critical {
					return errFindings
				}
				return nil
			}
		},
	}
}

// supposedModel is what data files are audited for when no manifest says: it takes examples of up to 65,536 tokens, as
// most services do.
const supposedModel = "gpt-4o-mini"

func isManifest(path string) bool {
	return strings.HasSuffix(path, ".yaml") || strings.HasSuffix(path, ".yml")
}

func (a *audited) manifest(ctx context.Context, e env, args []string) error {
	m, err := loadManifest(e, args)
	if err != nil {
		return err
	}
	for _, agent := range m.Agents {
		if err := a.one(ctx, m, agent); err != nil {
			return err
		}
	}
	return nil
}

func (a *audited) files(ctx context.Context, paths []string, bench string) error {
	m := &manifest.Manifest{Audit: manifest.Audit{MaxDuplicates: 0.05, MaxContamination: 0.05}}
	for _, path := range paths {
		agent := manifest.Agent{Train: path, TrainPath: path, Tests: bench, TestsPath: bench, BaseModel: supposedModel}
		if err := a.one(ctx, m, agent); err != nil {
			return err
		}
	}
	return nil
}

// one audits an agent's data. Files that cannot be read at all are findings too.
func (a *audited) one(ctx context.Context, m *manifest.Manifest, agent manifest.Agent) error {
	res, err := pipeline.Audit(ctx, m, agent)
	a.Totals.Rows += res.Rows
	a.Totals.Messages += res.Messages
	a.Totals.Tokens += res.Tokens
	a.Findings = append(a.Findings, res.Findings...)
	return err
}

func (a *audited) write(e env, format string) error {
	diag.Sort(a.Findings)
	switch format {
	case "json":
		if a.Findings == nil {
			a.Findings = []diag.Finding{}
		}
		out := json.NewEncoder(e.stdout)
		out.SetIndent("", "  ")
		return out.Encode(a)
	case "markdown":
		_, err := fmt.Fprint(e.stdout, render.Findings(a.Findings))
		return err
	}
	for _, f := range audit.Fold(a.Findings) {
		printFinding(e.stdout, f.Severity.String()+": ", f)
	}
	_, err := fmt.Fprintf(e.stdout, "rows: %d, messages: %d, tokens: %d, findings: %d\n", a.Totals.Rows, a.Totals.Messages, a.Totals.Tokens, len(a.Findings))
	return err
}
