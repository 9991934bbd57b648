package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"runtime"
	"text/tabwriter"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/render"
	"github.com/tunegate/tunegate/internal/tokens"
)

// fileTokens is one file's line of tunegate tokens.
type fileTokens struct {
	File           string `json:"file"`
	Rows           int    `json:"rows"`
	Messages       int    `json:"messages"`
	Tokens         int64  `json:"tokens"`
	TrainingTokens int64  `json:"training_tokens"`
	unread         int    // rows with problems, which are not counted
}

func tokensCommand() command {
	return command{
		name: "tokens", args: "FILE..", summary: "rows, messages and tokens of data files",
		about: "Tokens are those of the message contents; training tokens are what one pass of a fine-tune bills, by the chat rule:\n" +
			"3 a message, each string value, 1 for a name, 3 an example. Rows that cannot be read are left out; audit lists them.",
		example: "tunegate tokens testdata/five-agents/data/ops-tools/train.jsonl --encoding o200k_base",
		setup: func(f *flag.FlagSet) func(context.Context, env, []string) error {
			name := choose(f, "encoding", "`name`", "o200k_base", "cl100k_base")
			format := choose(f, "format", "`form`", "text", "json")
			return func(ctx context.Context, e env, args []string) error {
				if len(args) == 0 {
					return usageError{"tokens needs at least one file", ""}
				}
				encoding, err := tokens.Load(*name)
				if err != nil {
					return usageError{err.Error(), ""}
				}
				all := make([]fileTokens, len(args))
				for i, path := range args {
					if all[i], err = countFile(ctx, path, encoding); err != nil {
						return err
					}
					if n := all[i].unread; n > 0 {
						fmt.Fprintf(e.stderr, "note: %s: rows with problems, not counted: %d; tunegate audit says what is wrong\n", render.Line(path), n)
					}
				}
				return writeTokens(e, *format, *name, all)
			}
		},
	}
}

func countFile(ctx context.Context, path string, encoding *tokens.Encoding) (fileTokens, error) {
	total := fileTokens{File: path}
	f, err := dataset.Open(path, path)
	if err != nil {
		return total, err
	}
	var last *tokens.Counter // the next one shares what it knows
	parts := dataset.Map(ctx, f, runtime.GOMAXPROCS(0), func() func(*dataset.Block) fileTokens {
		if last == nil {
			last = encoding.NewCounter(f.Size())
		} else {
			last = last.Share()
		}
		counter := last
		return func(b *dataset.Block) (t fileTokens) {
			for row := range b.Rows() {
				if len(row.Problems) > 0 {
					t.unread++
					continue
				}
				content, training := row.Tokens(counter)
				t.Rows++
				t.Messages += len(row.Messages)
				t.Tokens += int64(content)
				t.TrainingTokens += int64(training)
			}
			return t
		}
	})
	for t, err := range parts {
		if err != nil {
			return total, err
		}
		total.unread += t.unread
		total.Rows += t.Rows
		total.Messages += t.Messages
		total.Tokens += t.Tokens
		total.TrainingTokens += t.TrainingTokens
	}
	return total, nil
}

func writeTokens(e env, format, encoding string, all []fileTokens) error {
	if format == "json" {
		out := json.NewEncoder(e.stdout)
		out.SetIndent("", "  ")
		return out.Encode(map[string]any{"encoding": encoding, "files": all})
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "rows\tmessages\ttokens\ttraining tokens\t  file")
	for _, t := range all {
		fmt.Fprintf(w, "%d\t%d\t%d\t%d\t  %s\n", t.Rows, t.Messages, t.Tokens, t.TrainingTokens, render.Line(t.File))
	}
	return w.Flush()
}
