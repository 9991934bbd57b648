package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/pipeline"
	"github.com/tunegate/tunegate/internal/render"
	"github.com/tunegate/tunegate/internal/report"
	"github.com/tunegate/tunegate/internal/workflow"
)

// start is the first job of a run: it decides what the run is for.
func (in inputs) start(ctx context.Context, e env, h hub) (outcome, error) {
	s := workflow.Start{GitHub: h.client, Event: h.event, Inputs: defaultManifests, Legs: in.legs, Profile: in.profile, OnPush: in.onPush}
	if in.manifest != "" {
		if !workflow.IsPath(in.manifest) {
			return outcome{}, usageError{fmt.Sprintf("the input manifest is %q", in.manifest), "it is a path in the repository of letters, digits, spaces and ._-/, such as ml/tunegate.yaml"}
		}
		s.Inputs = []string{in.manifest}
	}
	if in.base == "" {
		in.base = "."
	}
	m, err := in.baseManifest()
	var mistakes diag.Mistakes
	switch {
	case errors.As(err, &mistakes):
		fmt.Fprintf(e.stdout, "note: %v\n", err)
		s.Any = true // a change may mend it
	case err != nil:
		return outcome{}, err
	case m != nil:
		s.Inputs = append(s.Inputs, workflow.Inputs(m)...)
	}
	order, err := s.Decide(ctx)
	fmt.Fprintf(e.stdout, "%s: %s\n", h.event.Name, order.Do)
	return outcome{verdict: gate.Pass, more: order.Outputs()}, err
}

func (in inputs) publisher(e env, h hub) *workflow.Publisher {
	return &workflow.Publisher{GitHub: h.client, Jobs: h.jobs, Event: h.event, Order: *in.order, Manifest: in.manifest, Advisory: in.advisory,
		Workflow: in.resumeWorkflow, Now: now(), Tell: tell(e)}
}

// tell writes a note into the log.
func tell(e env) func(string) {
	return func(text string) { fmt.Fprintln(e.stdout, "note: "+render.Line(text)) }
}

// report is the last job of a run: it gathers what the others left, and tells.
func (in inputs) report(ctx context.Context, e env, h hub) (outcome, error) {
	if h.jobs == nil {
		return outcome{}, errNoService
	}
	g, failed := workflow.Gather(ctx, h.jobs)
	doc := report.Report{Tunegate: version(), Started: now()}
	if len(g.Parts) > 0 {
		var err error
		if doc, err = report.Merge(g.Parts...); err != nil {
			return outcome{}, errors.Join(failed, err)
		}
	}
	doc.Complete()
	if err := writeOutputs(in.out, doc, nil); err != nil {
		return outcome{}, err
	}
	if err := render.Text(e.stdout, doc, resultScreen(e)); err != nil {
		return outcome{}, err
	}
	files := kept(in.out, "")
	for leg, more := range g.Files {
		for name, content := range more {
			files["legs/"+leg+"/"+name] = content
		}
	}
	page := func(at render.Place) string {
		if len(g.Mistakes) > 0 {
			return "# tunegate: ⚠️ error\n\nThe manifest has mistakes, so nothing was looked at.\n\n" + render.Findings(g.Mistakes)
		}
		return render.Comment(doc, at)
	}
	publisher := in.publisher(e, h)
	err := errors.Join(failed, publisher.Publish(ctx, doc, files, page))
	fmt.Fprintf(e.stdout, "%d requests to GitHub\n", h.client.Requests())
	out := tuned(doc, filepath.Join(in.out, "reports", "report.json"))
	if len(g.Mistakes) > 0 {
		out.page = page(render.Place{})
	}
	if err == nil && doc.Verdict != gate.Pass && doc.Verdict != gate.Pending && !in.advisory {
		err = verdictError(doc.Verdict)
	}
	return out, err
}

// resume is the first step of the job that looks after what is pending.
func (in inputs) resume(ctx context.Context, e env, h hub) (outcome, error) {
	m, err := in.baseManifest()
	if err != nil {
		return outcome{}, err
	}
	r := workflow.Resuming{GitHub: h.client, Event: h.event, Workflow: in.resumeWorkflow, Now: now(), Tell: tell(e),
		Ended: func(ctx context.Context, j workflow.Job) (bool, error) {
			if m == nil {
				return false, errors.New("the default branch has no manifest that says where its provider is")
			}
			return pipeline.Ended(ctx, m, pipeline.Options{Version: version(), Getenv: e.getenv, Trust: &pipeline.Trust{Base: m, Hosts: in.hosts}}, j.Provider, j.ID)
		}}
	if m != nil && m.Budget.MaxHours != nil {
		r.MaxHours = *m.Budget.MaxHours
	}
	order, err := r.Decide(ctx)
	return outcome{verdict: gate.Pass, more: order.Outputs()}, err
}

// jobs answers /finetune status and cancel.
func (in inputs) jobs(ctx context.Context, e env, h hub) (outcome, error) {
	publisher := in.publisher(e, h)
	page, err := in.askJobs(ctx, e)
	var mistakes diag.Mistakes
	if errors.As(err, &mistakes) {
		page = "Nothing was looked at:\n\n" + render.Findings(mistakes)
	}
	if page == "" {
		page = "That did not work: the log of the run says why.\n"
	}
	err = errors.Join(err, publisher.Answer(ctx, page))
	return outcome{verdict: gate.Pass, page: page}, err
}

func (in inputs) askJobs(ctx context.Context, e env) (string, error) {
	m, err := in.load(e)
	if err != nil {
		return "", err
	}
	o, err := in.options(e, m)
	if err != nil {
		return "", err
	}
	o.Legs = in.order.Legs
	ask, none := pipeline.Status, "no leg"
	if in.command == "cancel" {
		ask, none = pipeline.CancelJobs, "nothing was under way"
	}
	found, err := ask(ctx, m, o)
	if err != nil && len(found) == 0 {
		return "", err
	}
	var table bytes.Buffer
	format := "text"
	j := jobFlags{format: &format}
	err = errors.Join(err, j.show(env{stdout: &table}, found, none))
	fmt.Fprint(e.stdout, table.String())
	return fmt.Sprintf("`%s %s` of %.7s\n\n%s", workflow.Command, in.command, in.order.SHA, fenced(table.String())), err
}

// kept reads the files that a run left below dir for a leg, by name; for no leg, those of the whole run.
func kept(dir, leg string) map[string][]byte {
	files := map[string][]byte{}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return files
	}
	defer root.Close()
	for _, folder := range []string{"reports", "models"} {
		_ = fs.WalkDir(root.FS(), folder, func(name string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || leg != "" && strings.TrimSuffix(path.Base(name), path.Ext(name)) != leg {
				return nil
			}
			if content, err := fs.ReadFile(root.FS(), name); err == nil {
				files[name] = content
			}
			return nil
		})
	}
	return files
}
