// Command tunegate fine-tunes a team's models from one manifest: it audits the data, launches each fine-tune once,
// benchmarks tuned against base, and says whether the improvement is shown.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// env is the world that a command sees.
type env struct {
	getenv         func(string) string
	stdin          io.Reader
	stdout, stderr io.Writer
}

// command is a subcommand. Its flags are declared by flags and hold their values when do is called.
type command struct {
	name    string
	args    string // how the arguments are shown
	summary string // one line
	about   string // the rest of the help
	example string
	// setup declares the flags and returns what to do with the arguments.
	setup func(f *flag.FlagSet) func(ctx context.Context, e env, args []string) error
}

func commands() []command {
	return []command{
		checkCommand(), auditCommand(), tokensCommand(), planCommand(), runCommand(), tuneCommand(), reportCommand(),
		serveCommand(), schemaCommand(), versionCommand(),
	}
}

// usageError is a mistake on the command line.
type usageError struct{ message, hint string }

func (e usageError) Error() string { return e.message }

// verdictError ends a command whose verdict is no pass. What there is to say has been said.
type verdictError gate.Verdict

func (v verdictError) Error() string { return "verdict: " + string(v) }

// errFindings ends an audit with critical findings, which have been printed.
var errFindings = errors.New("the data has critical problems")

// The exit codes.
const (
	exitPass        = 0
	exitFail        = 1 // verdict fail or inconclusive, or critical findings
	exitUsage       = 2 // of the command line or the manifest
	exitError       = 3 // verdict error, or the world failed
	exitPending     = 8
	exitInterrupted = 130
)

// run is main with the world passed in; it returns the exit code.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	e := env{getenv, stdin, stdout, stderr}
	err := dispatch(ctx, e, args)
	var usage usageError
	var mistakes diag.Mistakes
	var verdict verdictError
	switch {
	case err == nil:
		return exitPass
	case errors.As(err, &usage):
		fmt.Fprintln(stderr, "tunegate: "+usage.message)
		if usage.hint != "" {
			fmt.Fprintln(stderr, "tunegate: hint: "+usage.hint)
		}
		return exitUsage
	case errors.As(err, &mistakes):
		printFindings(stderr, mistakes)
		return exitUsage
	case errors.Is(err, errFindings):
		return exitFail
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "tunegate: interrupted")
		return exitInterrupted
	case errors.As(err, &verdict):
		switch gate.Verdict(verdict) {
		case gate.Fail, gate.Inconclusive:
			return exitFail
		case gate.Pending:
			return exitPending
		}
		return exitError
	case errors.Is(err, fs.ErrNotExist):
		fmt.Fprintln(stderr, "tunegate: "+err.Error())
		return exitUsage
	}
	fmt.Fprintln(stderr, "tunegate: "+err.Error())
	return exitError
}

func dispatch(ctx context.Context, e env, args []string) error {
	if len(args) == 0 {
		overview(e.stderr)
		return usageError{"no command given", "tunegate help"}
	}
	name, rest := args[0], args[1:]
	if name == "help" || name == "-h" || name == "--help" || name == "-help" {
		if len(rest) == 0 {
			overview(e.stdout)
			return nil
		}
		name, rest = rest[0], []string{"--help"}
	}
	if name == "--version" {
		name = "version"
	}
	all := commands()
	i := slices.IndexFunc(all, func(c command) bool { return c.name == name })
	if i < 0 {
		return usageError{fmt.Sprintf("there is no command %q", name), "tunegate help lists them"}
	}
	return all[i].do(ctx, e, rest)
}

// do parses the flags, which may stand before or after arguments, and runs the command.
func (c command) do(ctx context.Context, e env, args []string) error {
	f := flag.NewFlagSet(c.name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	act := c.setup(f)
	var plain []string
	for len(args) > 0 {
		if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
			c.help(e.stdout, f)
			return nil
		} else if err != nil {
			return usageError{err.Error(), "tunegate " + c.name + " --help"}
		}
		if args = f.Args(); len(args) > 0 {
			plain, args = append(plain, args[0]), args[1:]
		}
	}
	return act(ctx, e, plain)
}

func overview(w io.Writer) {
	fmt.Fprint(w, "tunegate fine-tunes a team's models from one manifest, and says whether they became better.\n\nCommands:\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-9s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "\ntunegate COMMAND --help shows a command's options and an example.\n"+
		"Exit codes: 0 pass, 1 fail or inconclusive or critical findings, 2 usage or manifest, 3 error, 8 pending, 130 interrupted.\n")
}

func (c command) help(w io.Writer, f *flag.FlagSet) {
	fmt.Fprintf(w, "%s\n\nUsage: tunegate %s [options] %s\n", c.summary, c.name, c.args)
	if c.about != "" {
		fmt.Fprintf(w, "\n%s\n", c.about)
	}
	head := "\nOptions:\n"
	f.VisitAll(func(o *flag.Flag) {
		value, usage := flag.UnquoteUsage(o)
		if value != "" {
			value = " " + strings.ToUpper(value)
		}
		line := fmt.Sprintf("  %-24s %s", "--"+o.Name+value, usage)
		if o.DefValue != "" && o.DefValue != "false" {
			line += " (default " + o.DefValue + ")"
		}
		fmt.Fprintln(w, head+line)
		head = ""
	})
	fmt.Fprintf(w, "\nExample:\n  %s\n", c.example)
}

// printFindings writes a finding a line, hints on lines of their own.
func printFindings(w io.Writer, findings []diag.Finding) {
	for _, f := range findings {
		fmt.Fprintln(w, f)
		if f.Hint != "" {
			fmt.Fprintln(w, "  hint: "+f.Hint)
		}
	}
}
