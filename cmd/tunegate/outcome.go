package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tunegate/tunegate/internal/audit"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/pipeline"
	"github.com/tunegate/tunegate/internal/render"
	"github.com/tunegate/tunegate/internal/report"
	"github.com/tunegate/tunegate/internal/runner"
)

// outcome is what a command of the action leaves for the runner.
type outcome struct {
	verdict  gate.Verdict // of an audit or a plan: pass when nothing would stop a launch, else fail
	page     string       // Markdown, what matters most first
	dir      string       // where the files of the findings lie
	findings []diag.Finding
	launched int
	costUSD  float64 // spent; of a plan, at most to be spent, NaN where a price is unknown
	report   string  // path of report.json
	matrix   string  // JSON: the legs for a matrix of jobs
}

// tuned is the outcome of run and tune.
func tuned(doc report.Report, path string, m *manifest.Manifest) outcome {
	o := outcome{verdict: doc.Verdict, page: render.Summary(doc, render.Place{}), dir: filepath.Dir(m.File), launched: doc.Launched, costUSD: doc.CostUSD, report: filepath.ToSlash(path)}
	for _, l := range doc.Legs {
		o.findings = append(o.findings, l.Audit.Findings...)
	}
	return o
}

func (in inputs) audit(ctx context.Context, e env, m *manifest.Manifest) (outcome, error) {
	var all audited
	var err error
	for _, id := range in.legs {
		if !slices.ContainsFunc(m.Agents, func(a manifest.Agent) bool { return a.Name == id }) {
			return outcome{}, usageError{fmt.Sprintf("there is no leg %q", id), "the command plan lists them"}
		}
	}
	if len(in.files) > 0 {
		err = all.files(ctx, in.files, "")
	}
	for _, agent := range m.Agents {
		if err == nil && (len(in.legs) == 0 || slices.Contains(in.legs, agent.Name)) {
			err = all.one(ctx, m, agent)
		}
	}
	if err == nil {
		err = all.write(e, "text")
	}
	if err != nil {
		return outcome{}, err
	}
	o := outcome{verdict: gate.Pass, dir: filepath.Dir(m.File), findings: all.Findings}
	if diag.Worst(all.Findings) == diag.Critical {
		o.verdict, err = gate.Fail, errFindings
	}
	o.page = fmt.Sprintf("# Data audit\n\n%s\n\n%d rows, %d messages, %d tokens.\n\n%s", prospect(o.verdict), all.Totals.Rows, all.Totals.Messages, all.Totals.Tokens, render.Findings(all.Findings))
	return o, err
}

func (in inputs) plan(ctx context.Context, e env, m *manifest.Manifest) (outcome, error) {
	p, err := pipeline.MakePlan(ctx, m, pipeline.Options{Legs: in.legs, Getenv: e.getenv})
	if err != nil {
		return outcome{}, err
	}
	matrix, err := json.Marshal(p.Matrix)
	if err != nil {
		return outcome{}, err
	}
	var text strings.Builder
	if err := render.Plan(&text, p); err != nil {
		return outcome{}, err
	}
	fmt.Fprint(e.stdout, text.String())
	o := outcome{verdict: gate.Pass, dir: filepath.Dir(m.File), findings: p.Findings, costUSD: float64(p.CostUSD), matrix: string(matrix)}
	if len(p.Blocked) > 0 {
		o.verdict, err = gate.Fail, errFindings
	}
	o.page = render.PlanPage(p)
	return o, err
}

// prospect is what the verdict of an audit or a plan means for a run.
func prospect(v gate.Verdict) string {
	if v == gate.Pass {
		return "**✅ pass**: nothing here stops a launch."
	}
	return "**❌ fail**: a run would not launch this."
}

// failed completes the outcome of a command that ended with an error and without a verdict of its own.
func (o *outcome) failed(err error) {
	if o.verdict != "" {
		return
	}
	o.verdict = gate.Error
	o.page = "# tunegate: ⚠️ error\n\nNo verdict was reached.\n\n"
	var mistakes diag.Mistakes
	if errors.As(err, &mistakes) {
		o.findings = mistakes
		o.page += render.Findings(mistakes)
		return
	}
	wrong := diag.Finding{Rule: "error", Severity: diag.Critical, Message: "the command ended without a report"}
	var usage usageError
	switch {
	case errors.As(err, &usage):
		wrong.Message, wrong.Hint = usage.message, usage.hint
	case err != nil:
		wrong.Message = err.Error()
	}
	o.findings = []diag.Finding{wrong}
	o.page += fenced(wrong.Message + "\n" + wrong.Hint)
}

// publish hands the outcome to the runner. Outputs are words, numbers and paths of our own.
func (o outcome) publish(r *runner.Runner) error {
	r.Annotate(o.dir, audit.Fold(o.findings))
	spent := "" // an output that is not set is empty
	if !math.IsNaN(o.costUSD) {
		spent = strconv.FormatFloat(o.costUSD, 'f', 4, 64)
	}
	outputs := [][2]string{
		{"verdict", string(o.verdict)}, {"launched", strconv.Itoa(o.launched)}, {"cost-usd", spent},
		{"report", o.report}, {"matrix", o.matrix},
	}
	var errs []error
	for _, out := range outputs {
		if out[1] != "" {
			errs = append(errs, r.Output(out[0], out[1]))
		}
	}
	return errors.Join(append(errs, r.Summary(o.page))...)
}

// fenced is a text as it is, in Markdown: between fences that are longer than any in it.
func fenced(text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + "text\n" + strings.TrimRight(text, "\n") + "\n" + fence + "\n"
}
