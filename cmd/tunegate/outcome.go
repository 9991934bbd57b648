package main

import (
	"errors"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tunegate/tunegate/internal/audit"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/render"
	"github.com/tunegate/tunegate/internal/report"
	"github.com/tunegate/tunegate/internal/runner"
)

// outcome is what a command of the action leaves for the runner.
type outcome struct {
	verdict  gate.Verdict // of an audit or a plan: pass when nothing would stop a launch, else fail
	page     string       // Markdown, what matters most first
	checkout string       // folder of the repository; empty: the workspace
	dir      string       // where the files of the findings lie
	findings []diag.Finding
	launched int
	costUSD  float64           // spent; of a plan, at most to be spent, NaN where a price is unknown
	report   string            // path of report.json
	matrix   string            // JSON: the legs for a matrix of jobs
	more     map[string]string // other outputs: words, numbers and digests of our own
}

// tuned is the outcome of a report, whose file lies at path.
func tuned(doc report.Report, path string) outcome {
	return outcome{verdict: doc.Verdict, page: render.Summary(doc, render.Place{}), launched: doc.Launched, costUSD: doc.CostUSD, report: filepath.ToSlash(path)}
}

// beside has the findings of a report shown beside the lines of the manifest's files.
func (o outcome) beside(doc report.Report, m *manifest.Manifest) outcome {
	o.dir = filepath.Dir(m.File)
	for _, l := range doc.Legs {
		o.findings = append(o.findings, l.Audit.Findings...)
	}
	return o
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
	r.Annotate(o.checkout, o.dir, audit.Fold(o.findings))
	spent := "" // an output that is not set is empty
	if !math.IsNaN(o.costUSD) {
		spent = strconv.FormatFloat(o.costUSD, 'f', 4, 64)
	}
	outputs := [][2]string{
		{"verdict", string(o.verdict)}, {"launched", strconv.Itoa(o.launched)}, {"cost-usd", spent},
		{"report", o.report}, {"matrix", o.matrix},
	}
	for _, name := range slices.Sorted(maps.Keys(o.more)) {
		outputs = append(outputs, [2]string{name, o.more[name]})
	}
	var errs []error
	for _, out := range outputs {
		if out[1] != "" {
			errs = append(errs, r.Output(out[0], out[1]))
		}
	}
	if o.page != "" {
		errs = append(errs, r.Summary(o.page))
	}
	return errors.Join(errs...)
}

// fenced is a text as it is, in Markdown: between fences that are longer than any in it.
func fenced(text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + "text\n" + strings.TrimRight(text, "\n") + "\n" + fence + "\n"
}
