package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/tunegate/tunegate/internal/audit"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/pipeline"
	"github.com/tunegate/tunegate/internal/render"
	"github.com/tunegate/tunegate/internal/report"
)

// audited is what an audit of one or more agents found. Its exported fields are the JSON of tunegate audit.
type audited struct {
	Totals struct {
		Rows     int   `json:"rows"`
		Messages int   `json:"messages"`
		Tokens   int64 `json:"tokens"`
	}
	Accepted int // by the baseline
	NewRows  int // with --since
	Fixed    []fixedFile
	Findings []diag.Finding

	deep     bool
	since    bool
	baseline *audit.Baseline // nil: the manifest's
	judged   *manifest.Manifest
	progress func(label string) func(done, total int64) // nil: nobody is told
}

// auditOptions are the values of the options.
type auditOptions struct {
	format, bench, fix, since, baseline, accept, reason, explain string
	deep                                                         bool
}

func auditCommand() command {
	return command{
		name: "audit", args: "[MANIFEST|FILE..]", summary: "check training data: format, duplicates, weights, lengths, contamination",
		about: "Takes a manifest (.yaml, .yml), or data files (.jsonl, .jsonl.gz, .jsonl.zst). Critical findings end it with\n" +
			"exit code 1; they would stop a run before anything is launched. With --fix, those count that are left in the copies.",
		example: "tunegate audit testdata/five-agents/data/ops-tools/train.jsonl --bench testdata/five-agents/data/ops-tools/benchmark.jsonl",
		exits:   []int{exitFail, exitError},
		setup: func(f *flag.FlagSet) func(context.Context, env, []string) error {
			var o auditOptions
			format := choose(f, "format", "`form`", "text", "json", "markdown", "sarif")
			f.StringVar(&o.bench, "bench", "", "`file` of tests that must not stand in the data files")
			f.BoolVar(&o.deep, "deep", false, "look for near-duplicates, personal data, skew and more, too; takes some times as long")
			f.StringVar(&o.fix, "fix", "", "write cleaned copies of the data, and what was changed, into the folder `dir`")
			f.StringVar(&o.since, "since", "", "report what is new since an `older` version: a file, or a revision of git")
			f.StringVar(&o.baseline, "baseline", "", "`file` of accepted findings; default: the manifest's")
			f.StringVar(&o.accept, "accept", "", "add what these `rules`, separated by commas, find to the baseline")
			f.StringVar(&o.reason, "reason", "", "with --accept: the `text` that says why")
			f.StringVar(&o.explain, "explain", "", "say what a `rule` looks for, and end; all: every rule")
			return func(ctx context.Context, e env, args []string) error {
				o.format = *format
				return o.run(ctx, e, args)
			}
		},
	}
}

func (o auditOptions) run(ctx context.Context, e env, args []string) error {
	if o.explain != "" {
		return explain(e.stdout, o.explain)
	}
	if err := o.check(); err != nil {
		return err
	}
	m, err := o.subject(e, args)
	if err != nil {
		return err
	}
	meter := newMeter(e)
	defer meter.close()
	out := audited{deep: o.deep, judged: m, progress: meter.label}
	if o.fix != "" {
		err = out.fix(ctx, m, o.fix)
	} else {
		err = o.audit(ctx, &out, m)
	}
	meter.close()
	if err != nil {
		return err
	}
	if err := out.write(e, o.format); err != nil {
		return err
	}
	if diag.Worst(out.Findings) == diag.Critical {
		return errFindings
	}
	return nil
}

// check refuses options that do not go together.
func (o auditOptions) check() error {
	switch {
	case o.fix != "" && (o.since != "" || o.baseline != "" || o.accept != ""):
		return usageError{"--fix cleans the whole of the data: --since, --baseline and --accept do not go with it", ""}
	case o.accept != "" && o.since != "":
		return usageError{"--accept is for all of the data, and does not go with --since", ""}
	case o.accept != "" && strings.TrimSpace(o.reason) == "":
		return usageError{"--accept needs a reason", `say why, as in --reason "both answers are right"`}
	case o.accept == "" && o.reason != "":
		return usageError{"--reason goes with --accept", "name the rules whose findings are accepted, as in --accept contradiction"}
	}
	return nil
}

// subject returns the manifest of the arguments, or one that stands for the data files.
func (o auditOptions) subject(e env, args []string) (*manifest.Manifest, error) {
	if len(args) > 0 && !isManifest(args[0]) && !isFolder(args[0]) {
		for _, path := range args {
			if err := checkData(path); err != nil {
				return nil, err
			}
		}
		if o.bench != "" {
			if err := checkData(o.bench); err != nil {
				return nil, err
			}
		}
		return ofFiles(args, o.bench), nil
	}
	if o.bench != "" {
		return nil, usageError{"--bench goes with data files; a manifest names its own tests", ""}
	}
	return loadManifest(e, args)
}

// checkData refuses a path that is no file of data.
func checkData(path string) error {
	const forms = "data files end in .jsonl, .jsonl.gz or .jsonl.zst"
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return usageError{"there is no file " + path, "check the path and its spelling"}
	case err != nil:
		return usageError{err.Error(), ""}
	case info.IsDir():
		return usageError{path + " is a folder, not a data file", "name the files in it; " + forms}
	case isManifest(path):
		return usageError{path + " is a manifest, and stands among data files", "name one manifest, or data files"}
	case !isData(path) && filepath.Ext(strings.TrimSuffix(strings.TrimSuffix(path, ".gz"), ".zst")) != ".json":
		return usageError{path + " is not a data file by its name", forms + "; rename it if it is one"}
	}
	return nil
}

func isManifest(path string) bool {
	return strings.HasSuffix(path, ".yaml") || strings.HasSuffix(path, ".yml")
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// supposedModel is what data files are audited for when no manifest says: it takes examples of up to 65,536 tokens, as
// most services do.
const supposedModel = "gpt-4o-mini"

// ofFiles is a manifest with an agent for each data file, judged as where a manifest says nothing.
func ofFiles(paths []string, bench string) *manifest.Manifest {
	p := audit.DefaultPolicy()
	m := &manifest.Manifest{Audit: manifest.Audit{MaxDuplicates: p.MaxDuplicates, MaxContamination: p.MaxContamination}}
	for _, path := range paths {
		m.Agents = append(m.Agents, manifest.Agent{Train: path, TrainPath: path, Tests: bench, TestsPath: bench, BaseModel: supposedModel})
	}
	return m
}

// audit audits all agents, and keeps what is new and not accepted.
func (o auditOptions) audit(ctx context.Context, out *audited, m *manifest.Manifest) error {
	added := &additions{spec: o.since}
	if o.since != "" {
		out.since = true
		if err := added.check(m.Agents); err != nil {
			return err
		}
	}
	file, err := o.openBaseline(out, m)
	if err != nil {
		return err
	}
	for _, agent := range m.Agents {
		if err := out.one(ctx, m, agent); err != nil {
			return err
		}
		if o.since == "" {
			continue
		}
		if err := added.find(ctx, agent); err != nil {
			return err
		}
	}
	if o.since != "" {
		out.Findings, out.NewRows = added.keep(out.Findings), added.rows()
	}
	if o.accept != "" {
		return appendLines(file, out.baseline.Added())
	}
	return nil
}

func (a *audited) files(ctx context.Context, paths []string, bench string) error {
	m := ofFiles(paths, bench)
	for _, agent := range m.Agents {
		if err := a.one(ctx, m, agent); err != nil {
			return err
		}
	}
	return nil
}

// one audits an agent's data. Files that cannot be read at all are findings too.
func (a *audited) one(ctx context.Context, m *manifest.Manifest, agent manifest.Agent) (err error) {
	a.judged = m
	if a.baseline == nil {
		if a.baseline, err = pipeline.OpenBaseline(m); err != nil {
			return err
		}
	}
	o := pipeline.AuditOptions{Deep: a.deep || m.Audit.Deep == manifest.DeepAlways, Baseline: a.baseline}
	if a.progress != nil {
		o.Progress = a.progress(agent.Train)
	}
	res, err := pipeline.Audit(ctx, m, agent, o)
	a.add(res)
	return err
}

func (a *audited) add(res report.Audit) {
	a.Totals.Rows += res.Rows
	a.Totals.Messages += res.Messages
	a.Totals.Tokens += res.Tokens
	a.Accepted += res.Accepted
	a.Findings = append(a.Findings, res.Findings...)
}

// write ends the audit with what it found.
func (a *audited) write(e env, format string) error {
	a.Findings = append(a.Findings, pipeline.Stale(a.judged, a.baseline)...)
	diag.Sort(a.Findings)
	w := bufio.NewWriterSize(e.stdout, 64<<10)
	var err error
	switch format {
	case "json":
		err = a.writeJSON(w)
	case "markdown":
		_, err = fmt.Fprint(w, render.Findings(a.Findings))
	case "sarif":
		_, err = w.Write(render.SARIF(diag.Below(path.Dir(a.judged.Path()), a.Findings), append(audit.Rules(), audit.OutsideRules()...), version()))
	default:
		err = a.writeText(w)
	}
	return errors.Join(err, w.Flush())
}

func (a *audited) writeText(w io.Writer) error {
	for _, f := range a.Fixed {
		f.print(w)
	}
	if len(a.Fixed) > 0 && len(a.Findings) > 0 {
		fmt.Fprintln(w, "left in the copies:")
	}
	for _, f := range render.Folded(a.Findings) {
		printFinding(w, f.Severity.String()+": ", f)
	}
	fmt.Fprintf(w, "rows: %d, messages: %d, tokens: %d, findings: %d", a.Totals.Rows, a.Totals.Messages, a.Totals.Tokens, len(a.Findings))
	if a.since {
		fmt.Fprintf(w, ", new rows: %d", a.NewRows)
	}
	if a.baseline != nil {
		fmt.Fprintf(w, ", accepted by the baseline: %d", a.Accepted)
	}
	_, err := fmt.Fprintln(w)
	return err
}

// writeJSON writes one finding after the other, each on a line: of dirty data, there are more than fit in memory twice.
func (a *audited) writeJSON(w io.Writer) error {
	head := []struct {
		key   string
		value any
		shown bool
	}{{"totals", a.Totals, true}, {"accepted", a.Accepted, true}, {"new_rows", a.NewRows, a.since}, {"fixed", a.Fixed, a.Fixed != nil}}
	fmt.Fprint(w, "{")
	for _, part := range head {
		if !part.shown {
			continue
		}
		value, err := json.MarshalIndent(part.value, "  ", "  ")
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "\n  %q: %s,", part.key, value)
	}
	fmt.Fprint(w, "\n  \"findings\": [")
	const few = 256 // to a goroutine at a time
	parts := make([]findingsJSON, runtime.GOMAXPROCS(0))
	for rest := a.Findings; len(rest) > 0; {
		n := 0
		var written sync.WaitGroup
		for ; n < len(parts) && len(rest) > 0; n++ {
			part, some := &parts[n], rest[:min(few, len(rest))]
			rest = rest[len(some):]
			written.Go(func() { part.fill(some) })
		}
		written.Wait()
		for i := range parts[:n] {
			if parts[i].err != nil {
				return parts[i].err
			}
			w.Write(parts[i].Bytes()) // an error stays, and the last write returns it
			if i < n-1 || len(rest) > 0 {
				fmt.Fprint(w, ",")
			}
		}
	}
	if len(a.Findings) > 0 {
		fmt.Fprint(w, "\n  ")
	}
	_, err := fmt.Fprint(w, "]\n}\n")
	return err
}

// findingsJSON is some findings, one a line.
type findingsJSON struct {
	bytes.Buffer
	err error
}

func (b *findingsJSON) fill(fs []diag.Finding) {
	b.Reset()
	for i, f := range fs {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n    ")
		value, err := f.MarshalJSON() // json.Marshal would read it once more
		if b.Write(value); err != nil {
			b.err = err
			return
		}
	}
}
