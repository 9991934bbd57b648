package workflow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/github"
	"github.com/tunegate/tunegate/internal/report"
)

// What the jobs of a run leave for one another and for later runs, as artifacts. That of a leg is called by all that determines its
// result, so that a later run of equal inputs finds it by its name.
const (
	planArtifact   = "tunegate-plan"
	legArtifact    = "tunegate-leg-"
	reportArtifact = "tunegate-report"
)

// Files in them.
const (
	reportFile   = "report.json"
	mistakesFile = "mistakes.json"
)

// Keep leaves a report for the job that gathers them: of each leg an artifact of its own, with the files that belong to it.
func Keep(ctx context.Context, jobs *github.JobArtifacts, doc report.Report, files func(leg string) map[string][]byte) error {
	var errs []error
	for _, l := range doc.Legs {
		part := doc
		part.Legs, part.Estimate = []report.Leg{l}, l.Estimate
		part.Complete()
		name := legArtifact + l.ID
		if l.Inputs != "" {
			name = legArtifact + l.Inputs
		}
		errs = append(errs, keep(ctx, jobs, name, part, files(l.ID)))
	}
	return errors.Join(errs...)
}

// KeepPlan leaves what the plan settled already: legs that are not launched, and those whose result an earlier run has.
func KeepPlan(ctx context.Context, jobs *github.JobArtifacts, doc report.Report) error {
	return keep(ctx, jobs, planArtifact, doc, nil)
}

// KeepMistakes leaves what is wrong with a manifest that could not be read.
func KeepMistakes(ctx context.Context, jobs *github.JobArtifacts, found []diag.Finding) error {
	body, err := json.Marshal(found)
	if err != nil {
		return err
	}
	return upload(ctx, jobs, planArtifact, map[string][]byte{mistakesFile: body})
}

func keep(ctx context.Context, jobs *github.JobArtifacts, name string, doc report.Report, files map[string][]byte) error {
	body, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("encoding the report: %w", err)
	}
	all := map[string][]byte{reportFile: body}
	for file, content := range files {
		all[file] = content
	}
	return upload(ctx, jobs, name, all)
}

// upload leaves an artifact; where an earlier attempt of the run has left one of that name, beside it.
func upload(ctx context.Context, jobs *github.JobArtifacts, name string, files map[string][]byte) error {
	_, err := jobs.Upload(ctx, name, files, 0)
	for n := 2; errors.Is(err, github.ErrExists) && n < 50; n++ {
		_, err = jobs.Upload(ctx, fmt.Sprintf("%s.%d", name, n), files, 0)
	}
	return err
}

// Gathered is what the jobs of a run left.
type Gathered struct {
	Parts    []report.Report              // no leg is in two of them
	Files    map[string]map[string][]byte // by leg, what was kept beside its report
	Mistakes []diag.Finding               // of a manifest that could not be read
}

// Gather collects what the jobs of this run left. Where two attempts left something of a leg, the later one counts; and what became of a
// leg counts more than what was planned. What cannot be read is an error; the rest is returned with it.
func Gather(ctx context.Context, jobs *github.JobArtifacts) (Gathered, error) {
	g := Gathered{Files: map[string]map[string][]byte{}}
	listed, err := jobs.List(ctx)
	if err != nil {
		return g, err
	}
	var errs []error
	seen := map[string]bool{} // legs, and the plan
	var plan *report.Report
	for _, a := range listed { // the newest first
		isPlan := a.Name == planArtifact || strings.HasPrefix(a.Name, planArtifact+".")
		if !isPlan && !strings.HasPrefix(a.Name, legArtifact) || isPlan && seen[planArtifact] {
			continue
		}
		files, err := jobs.Download(ctx, a.Name, github.Limits{})
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if isPlan {
			seen[planArtifact] = true
			if body := files[mistakesFile]; body != nil {
				errs = append(errs, json.Unmarshal(body, &g.Mistakes))
				continue
			}
		}
		part, err := report.Read(bytes.NewReader(files[reportFile]))
		if err != nil {
			errs = append(errs, fmt.Errorf("artifact %s: %w", a.Name, err))
			continue
		}
		if isPlan {
			plan = &part
			continue
		}
		if len(part.Legs) != 1 || seen[legArtifact+part.Legs[0].ID] {
			continue
		}
		id := part.Legs[0].ID
		seen[legArtifact+id] = true
		delete(files, reportFile)
		g.Files[id] = files
		g.Parts = append(g.Parts, part)
	}
	if plan != nil {
		plan.Legs = slices.DeleteFunc(plan.Legs, func(l report.Leg) bool { return seen[legArtifact+l.ID] })
		g.Parts = append(g.Parts, *plan)
	}
	return g, errors.Join(errs...)
}

// Known looks for results of earlier runs on the default branch, by the inputs of legs. What it cannot find out is left out, and is
// in the error: it costs a benchmark, and nothing else.
func Known(ctx context.Context, gh *github.Client, inputs []string) (map[string]report.Leg, error) {
	known := map[string]report.Leg{}
	var errs []error
	for _, digest := range inputs {
		if digest == "" {
			continue
		}
		const looks = 3 // some of them may be of runs that had not ended
		found, err := gh.TrustedArtifacts(ctx, legArtifact+digest, looks)
		errs = append(errs, err)
		for _, a := range found {
			files, err := gh.Download(ctx, a.ID, github.Limits{})
			if errors.Is(err, github.ErrGone) || errors.Is(err, github.ErrNotFound) {
				continue
			}
			var part report.Report
			if err == nil {
				part, err = report.Read(bytes.NewReader(files[reportFile]))
			}
			errs = append(errs, err)
			if err == nil && len(part.Legs) == 1 && part.Legs[0].Inputs == digest && final(part.Legs[0].Verdict) {
				known[digest] = part.Legs[0]
				break
			}
		}
	}
	return known, errors.Join(errs...)
}

// final tells whether a verdict stays.
func final(v gate.Verdict) bool { return v == gate.Pass || v == gate.Fail || v == gate.Inconclusive }
