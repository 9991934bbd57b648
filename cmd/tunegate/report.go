package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/render"
	"github.com/tunegate/tunegate/internal/report"
)

func reportCommand() command {
	return command{
		name: "report", args: "DIR..", summary: "merge the reports of legs, decide, write the pages",
		about: "Each DIR is what a tune or run wrote with --out. The verdict is the worst of the legs'; a leg of the manifest\n" +
			"that none of them reports is an error. Past runs change no verdict.",
		example: "tunegate report leg-1 leg-2 --out merged",
		setup: func(f *flag.FlagSet) func(context.Context, env, []string) error {
			out := f.String("out", ".", "`dir` that takes reports/ and models/")
			history := f.String("history", "", "`dir` of past runs: report.html shows this one among those whose report.json lies there")
			return func(_ context.Context, e env, args []string) error {
				if len(args) == 0 {
					return usageError{"report needs at least one folder", "the --out folders of tune"}
				}
				parts := make([]report.Report, len(args))
				var answers samples
				for i, dir := range args {
					var err error
					if parts[i], err = readReport(filepath.Join(dir, "reports", "report.json")); err == nil {
						err = answers.read(dir, parts[i])
					}
					if err != nil {
						return err
					}
				}
				doc, err := report.Merge(parts...)
				if err != nil {
					return err
				}
				var past *render.History
				if *history != "" {
					if past, err = readHistory(*history, doc.Name); err != nil {
						return err
					}
					for _, n := range past.Notes {
						printLine(e.stderr, "history: "+render.Line(n), "  ")
					}
				}
				if err := errors.Join(writeOutputs(*out, doc, past), answers.write(*out, doc)); err != nil {
					return err
				}
				if err := render.Text(e.stdout, doc, resultScreen(e)); err != nil {
					return err
				}
				if doc.Verdict != gate.Pass {
					return verdictError(doc.Verdict)
				}
				return nil
			}
		},
	}
}

// resultScreen is what the result may use of standard output.
func resultScreen(e env) render.Screen {
	_, capable := terminal(e.stdout, e.getenv)
	return render.Screen{Width: widthOf(e.stdout), Colour: capable && e.getenv("NO_COLOR") == ""}
}

func readReport(path string) (report.Report, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return report.Report{}, usageError{fmt.Sprintf("there is no report %s", path), "name folders that tune or run wrote with --out"}
	}
	if err != nil {
		return report.Report{}, err
	}
	defer f.Close()
	r, err := report.Read(f)
	if err != nil {
		return r, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}
