package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/pipeline"
	"github.com/tunegate/tunegate/internal/report"
	"github.com/tunegate/tunegate/internal/workflow"
)

// afterSignal is how long what must be told after a signal may take.
const afterSignal = 6 * time.Second

// settledReport is a report of legs that need no job.
type settledReport = report.Report

var errNoService = errors.New("this step is not given the service of artifacts, by which the jobs of a run hand over their results: it is no step of an action on GitHub")

// tune is the commands run and tune. As a job of a run it leaves the results for the job that gathers them.
func (in inputs) tune(ctx context.Context, e env) (outcome, error) {
	remove, err := in.apart(e)
	if err != nil {
		return outcome{}, err
	}
	defer remove()
	m, err := in.load(e)
	if err != nil {
		return outcome{}, err
	}
	o, err := in.options(e, m)
	if err != nil {
		return outcome{}, err
	}
	flags := runFlags{out: in.out, state: in.state, attempts: 1, commands: in.commands}
	path := filepath.Join(in.out, "reports", "report.json")
	if in.order == nil {
		doc, err := flags.do(ctx, e, m, o)
		if len(doc.Legs) == 0 {
			return outcome{}, err
		}
		return tuned(doc, path).beside(doc, m), err
	}
	h, err := in.hub(e)
	if err == nil && h.jobs == nil {
		err = errNoService
	}
	if err != nil {
		return outcome{}, err
	}
	var parts []report.Report
	var failed error
	for _, g := range in.groups(m) {
		o.Legs, o.FindOnly, o.Wait = g.legs, g.findOnly, in.wait
		if g.local {
			o.Wait = -1
		}
		if in.order.Since > 0 {
			o.Since = time.Unix(in.order.Since, 0)
		}
		if in.token != "" {
			o.Known = in.recall(h, e)
		}
		if in.order.Do == workflow.Retry && !g.findOnly && !g.local {
			if _, _, err := pipeline.Retry(ctx, m, o); err != nil {
				failed = errors.Join(failed, err)
			}
		}
		doc, err := flags.do(ctx, e, m, o)
		if len(doc.Legs) == 0 {
			return outcome{}, err
		}
		var verdict verdictError
		if !errors.As(err, &verdict) {
			failed = errors.Join(failed, err)
		}
		parts = append(parts, doc)
		last, stop := brief(ctx)
		failed = errors.Join(failed, workflow.Keep(last, h.jobs, doc, func(leg string) map[string][]byte { return kept(in.out, leg) }))
		stop()
	}
	doc, err := together(parts)
	if err != nil {
		return outcome{}, errors.Join(failed, err)
	}
	if failed == nil && doc.Verdict != gate.Pass {
		failed = verdictError(doc.Verdict)
	}
	return tuned(doc, path), failed // what was found stands beside the lines since the plan
}

// group is legs of a job that are treated alike.
type group struct {
	legs            []string
	findOnly, local bool
}

// groups splits the job's legs.
func (in inputs) groups(m *manifest.Manifest) (all []group) {
	for _, id := range legIDs(m, in.legs) {
		g := group{findOnly: in.findOnly(m, id), local: local(m, []string{id})}
		i := slices.IndexFunc(all, func(o group) bool { return o.findOnly == g.findOnly && o.local == g.local })
		if i < 0 {
			i = len(all)
			all = append(all, g)
		}
		all[i].legs = append(all[i].legs, id)
	}
	return all
}

// together makes one report of those of a job, of the legs that they have.
func together(parts []report.Report) (report.Report, error) {
	if len(parts) == 1 {
		return parts[0], nil
	}
	if len(parts) == 0 {
		return report.Report{}, errors.New("the manifest has none of the legs of this job")
	}
	expected := parts[0].Expected
	var here []string
	for _, p := range parts {
		for _, l := range p.Legs {
			here = append(here, l.ID)
		}
	}
	for i := range parts {
		parts[i].Expected = here
	}
	doc, err := report.Merge(parts...)
	doc.Expected = expected
	return doc, err
}

// recall looks for earlier results. What it cannot look for is asked again.
func (in inputs) recall(h hub, e env) func(context.Context, []string) map[string]report.Leg {
	return func(ctx context.Context, inputs []string) map[string]report.Leg {
		known, err := workflow.Known(ctx, h.client, inputs)
		if err != nil {
			fmt.Fprintf(e.stdout, "note: earlier results are not used: %v\n", err)
		}
		return known
	}
}
