package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/render"
	"github.com/tunegate/tunegate/internal/results"
)

// share is the value of an option that is a part of a whole: 10% or 0.1.
type share float64

func (s *share) String() string { return strconv.FormatFloat(100*float64(*s), 'g', -1, 64) + "%" }

// Set implements flag.Value.
func (s *share) Set(text string) error {
	number, isPercent := strings.CutSuffix(strings.TrimSpace(text), "%")
	x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if isPercent {
		x /= 100
	}
	switch {
	case err != nil || math.IsNaN(x) || math.IsInf(x, 0) || x < 0:
		return errors.New("it is a percentage such as 10%")
	case x > 1 && !isPercent:
		return fmt.Errorf("it is a percentage such as 10%%, and %v would be %v%%", x, 100*x)
	}
	*s = share(x)
	return nil
}

// maxUnpaired is how many ids of tests without a partner are named.
const maxUnpaired = 5

func gateCommand() command {
	return command{
		name: "gate", args: "BASE TUNED", summary: "judge two result files, whoever made them: is tuned better than base?",
		about: "Pairs the tests of the two files by id and decides as a run does, on a sample of fixed size. Known by their content: " +
			results.Accepted + ". docs/verdict.md tells how the verdict is reached.",
		example: "tunegate gate base.jsonl tuned.jsonl --min-improvement 10% --rule strict",
		exits:   []int{exitFail},
		setup: func(f *flag.FlagSet) func(context.Context, env, []string) error {
			margin := share(0.1)
			f.Var(&margin, "min-improvement", "`share` by which tuned must be better")
			measure := choose(f, "measure", "what the improvement is a share of, the base's score, the whole scale or the base's errors", names(gate.Measures())...)
			rule := choose(f, "rule", "`name`", names([]gate.Rule{gate.Significant, gate.Strict, gate.Point})...)
			metric := f.String("metric", "", "`name` of the score in the files, where they hold several or call it otherwise")
			leg := f.String("leg", "", "`id` of the leg whose answers count, in a reports/samples.csv with several")
			lower := f.Bool("lower-is-better", false, "the score counts errors, loss or cost")
			format := choose(f, "format", "`form`", "text", "json")
			return func(_ context.Context, e env, args []string) error {
				if len(args) != 2 {
					return usageError{"gate needs two result files: BASE and TUNED", "accepted: " + results.Accepted}
				}
				policy := gate.Policy{Margin: float64(margin), Measure: gate.Measure(*measure), Rule: gate.Rule(*rule), LowerIsBetter: *lower}
				return judgeFiles(e, args[0], args[1], results.Options{Metric: *metric, Leg: *leg}, *format, policy)
			}
		},
	}
}

func names[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = string(x)
	}
	return out
}

func judgeFiles(e env, basePath, tunedPath string, o results.Options, format string, policy gate.Policy) error {
	o.Arm = "base"
	base, err := openResults(basePath, o)
	if err != nil {
		return err
	}
	o.Arm = "tuned"
	tuned, err := openResults(tunedPath, o)
	if err != nil {
		return err
	}
	if base.Metric != tuned.Metric {
		return usageError{fmt.Sprintf("%s holds %s and %s holds %s: not the same score", basePath, base.Metric, tunedPath, tuned.Metric), "--metric picks one"}
	}
	matched, onlyBase, onlyTuned, err := results.Match(base, tuned)
	if err != nil {
		return err
	}
	if len(matched) == 0 {
		return usageError{fmt.Sprintf("no test stands in both files: %s has %s, %s has %s", basePath, some(onlyBase), tunedPath, some(onlyTuned)),
			"tests are paired by id"}
	}
	pairs := make([]gate.Pair, len(matched))
	for i, m := range matched {
		pairs[i] = gate.Pair{ID: m[0].ID, Base: m[0].Value, Tuned: m[1].Value}
	}
	d := gate.Decide(pairs, policy)
	if d.Verdict == gate.Error {
		return usageError{d.Reasons[0], "tunegate gate --help lists the options"}
	}
	for _, left := range []struct {
		ids  []string
		what string
	}{
		{onlyBase, "only in " + basePath}, {onlyTuned, "only in " + tunedPath},
		{base.Failed, "without a score in " + basePath}, {tuned.Failed, "without a score in " + tunedPath},
	} {
		if n := len(left.ids); n > 0 {
			d.Reasons = append(d.Reasons, fmt.Sprintf("not counted, %s: %s", left.what, some(left.ids)))
		}
	}
	if err := writeDecision(e, format, base, tuned, d); err != nil {
		return err
	}
	if d.Verdict != gate.Pass {
		return verdictError(d.Verdict)
	}
	return nil
}

func openResults(path string, o results.Options) (results.File, error) {
	f, err := results.Open(path, path, o)
	if errors.Is(err, fs.ErrNotExist) {
		return f, usageError{"there is no file " + path, "gate needs two result files: BASE and TUNED"}
	}
	return f, err
}

// some counts ids and names the first of them.
func some(ids []string) string {
	shown := slices.Clone(ids[:min(len(ids), maxUnpaired)])
	for i, id := range shown {
		if shown[i] = id; len(id) > 60 {
			shown[i] = strings.ToValidUTF8(id[:60], "") + "…"
		}
	}
	list := strings.Join(shown, ", ")
	if len(ids) > maxUnpaired {
		list += ", …"
	}
	if len(ids) == 1 {
		return "1 test (" + list + ")"
	}
	return fmt.Sprintf("%d tests (%s)", len(ids), list)
}

func writeDecision(e env, format string, base, tuned results.File, d gate.Decision) error {
	if format == "json" {
		out := json.NewEncoder(e.stdout)
		out.SetIndent("", "  ")
		return out.Encode(d)
	}
	fmt.Fprintf(e.stdout, "%s\n", d.Verdict)
	for _, reason := range d.Reasons {
		fmt.Fprint(e.stdout, wrapped("- "+render.Line(reason), "  "))
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\nbase\t%.4g\t%s, %s\n", d.Base, render.Line(base.Name), render.Line(base.Format))
	fmt.Fprintf(w, "tuned\t%.4g\t%s, %s\n", d.Tuned, render.Line(tuned.Name), render.Line(tuned.Format))
	return w.Flush()
}
