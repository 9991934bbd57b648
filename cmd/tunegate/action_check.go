package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/pipeline"
	"github.com/tunegate/tunegate/internal/render"
	"github.com/tunegate/tunegate/internal/workflow"
)

// audit is the command audit: of the manifest's agents, or of files.
func (in inputs) audit(ctx context.Context, e env) (outcome, error) {
	m, err := in.load(e)
	if err != nil {
		return outcome{}, err
	}
	var all audited
	for _, id := range in.legs {
		if !slices.ContainsFunc(m.Agents, func(a manifest.Agent) bool { return a.Name == id }) {
			return outcome{}, usageError{fmt.Sprintf("there is no leg %q", id), "the command plan lists them"}
		}
	}
	if len(in.files) > 0 {
		err = all.files(ctx, in.files, "")
	} else {
		var t *pipeline.Trust
		if t, err = in.trust(e, m); err == nil {
			m, _ = manifest.Trusted(m, t.Base) // limits, severities and the baseline are not a pull request's to say
		}
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
	o := outcome{verdict: gate.Pass, checkout: in.checkout, dir: filepath.Dir(m.File), findings: all.Findings}
	if diag.Worst(all.Findings) == diag.Critical {
		o.verdict, err = gate.Fail, errFindings
	}
	o.page = fmt.Sprintf("# Data audit\n\n%s\n\n%d rows, %d messages, %d tokens.\n\n%s", prospect(o.verdict), all.Totals.Rows, all.Totals.Messages, all.Totals.Tokens, render.Findings(all.Findings))
	return o, err
}

// plan is the command plan. As a job of a run it also settles what needs no job, and says on the pull request what is about to be spent.
func (in inputs) plan(ctx context.Context, e env) (outcome, error) {
	var h hub
	if in.order != nil {
		var err error
		if h, err = in.hub(e); err != nil {
			return outcome{}, err
		}
	}
	out, err := in.foresee(ctx, e, h)
	var mistakes diag.Mistakes
	if in.judged() && errors.As(err, &mistakes) && h.jobs != nil {
		err = errors.Join(err, workflow.KeepMistakes(ctx, h.jobs, mistakes))
	}
	return out, err
}

func (in inputs) foresee(ctx context.Context, e env, h hub) (outcome, error) {
	m, err := in.load(e)
	if err != nil {
		return outcome{}, err
	}
	if in.order != nil {
		if err := workflow.Unknown(m, in.order.Legs); err != nil {
			return outcome{}, diag.Mistakes{{Rule: "unknown-leg", Severity: diag.Critical, File: m.File, Message: err.Error(), Hint: "the legs are " + strings.Join(legIDs(m, nil), ", ")}}
		}
	}
	o, err := in.options(e, m)
	if err != nil {
		return outcome{}, err
	}
	if in.judged() {
		o.Known = in.recall(h, e)
	}
	p, settled, open, err := pipeline.Foresee(ctx, m, o)
	if err != nil {
		return outcome{}, err
	}
	if in.order != nil {
		p.Notes = nil // keys are the business of the jobs that tune
	}
	var text strings.Builder
	if err := render.Plan(&text, p); err != nil {
		return outcome{}, err
	}
	fmt.Fprint(e.stdout, text.String())
	out := outcome{verdict: gate.Pass, checkout: in.checkout, dir: filepath.Dir(m.File), findings: p.Findings, costUSD: float64(p.CostUSD), page: render.PlanPage(p)}
	if added, err := pipeline.Since(ctx, m, o.Trust.Base); err != nil {
		return outcome{}, err
	} else if o.Trust.Base != nil && o.Trust.Base != m {
		out.findings = added.Keep(out.findings) // what the change did not add is no news beside its lines
	}
	out.findings = append(out.findings, p.Changes...)
	if in.order == nil {
		matrix, err2 := json.Marshal(p.Matrix)
		out.matrix, err = string(matrix), err2
	} else if in.judged() {
		err = in.share(ctx, h, m, &out, settled, open)
	}
	if in.order != nil && (in.order.Do == workflow.Plan || in.order.Do.Spends()) {
		publisher := in.publisher(e, h)
		err = errors.Join(err, publisher.Announce(ctx, render.Estimate(p, publisher.Place(0))))
	}
	if err == nil && len(p.Blocked) > 0 {
		out.verdict, err = gate.Fail, errFindings
	}
	return out, err
}

// share hands the legs that are open to jobs: each that may be launched has one of its own, and those that are only looked for
// have one together. What is settled is left for the job that gathers.
func (in inputs) share(ctx context.Context, h hub, m *manifest.Manifest, out *outcome, settled settledReport, open []string) error {
	if h.jobs == nil {
		return errNoService
	}
	if err := workflow.KeepPlan(ctx, h.jobs, settled); err != nil {
		return err
	}
	if len(open) == 0 {
		return nil
	}
	var matrix pipeline.Matrix
	var together []string
	for _, id := range open {
		if in.findOnly(m, id) {
			together = append(together, id)
			continue
		}
		matrix.Include = append(matrix.Include, pipeline.MatrixLeg{Leg: id})
	}
	if len(together) > 0 {
		matrix.Include = append(matrix.Include, pipeline.MatrixLeg{Leg: strings.Join(together, ",")})
	}
	body, err := json.Marshal(matrix)
	if err != nil {
		return err
	}
	out.matrix = string(body)
	out.more = map[string]string{"parallel": "256"}
	if m.Execution == manifest.Sequential {
		out.more["parallel"] = "1"
	}
	return nil
}

// findOnly tells whether the order lets nothing be launched for a leg. The embedded engine costs nothing and remembers nothing from job to
// job, so it always trains.
func (in inputs) findOnly(m *manifest.Manifest, leg string) bool {
	asked := len(in.order.Legs) == 0 || slices.Contains(in.order.Legs, leg)
	return !(in.order.Do.Spends() && asked) && !local(m, []string{leg})
}

// now is when this is; records of a run bear it.
func now() time.Time { return time.Now().UTC() }
