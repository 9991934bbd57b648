// Command tunegate fine-tunes a team's models from one manifest: it audits the data, launches each fine-tune once,
// benchmarks tuned against base, and says whether the improvement is shown.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/grade/sandbox"
	"github.com/tunegate/tunegate/internal/render"
)

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50) // what is held is small and free of pointers: collecting it twice as often costs a few per cent of time and saves a fifth of the memory
	}
	sandbox.Main() // this may be the inside of a sandbox
	ctx, stop := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		stop() // what goes on ends in order, and says what it leaves
		<-signals
		if f, ok := terminal(os.Stderr, os.Getenv); ok {
			fmt.Fprint(f, frameEnd) // a terminal drops the rest of a frame when a key interrupts it
		}
		os.Exit(exitInterrupted)
	}()
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
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
	about   string // the rest of the help; help wraps it
	example string
	exits   []int // the exit codes besides 0 and 2; empty: help names none
	// setup declares the flags and returns what to do with the arguments.
	setup func(f *flag.FlagSet) func(ctx context.Context, e env, args []string) error
}

func commands() []command {
	return []command{
		initCommand(), checkCommand(), auditCommand(), tokensCommand(), planCommand(), runCommand(), tuneCommand(), statusCommand(), cancelCommand(), retryCommand(), reportCommand(), gateCommand(),
		serveCommand(), actionCommand(), schemaCommand(), completionCommand(), versionCommand(),
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
	return finish(ctx, stderr, dispatch(ctx, env{getenv, stdin, stdout, stderr}, args))
}

// ended is the exit code of a command that has said all there was to say.
type ended int

func (c ended) Error() string { return fmt.Sprintf("ended with exit code %d", int(c)) }

// finish says what became of a command and returns the exit code.
func finish(ctx context.Context, stderr io.Writer, err error) int {
	var said ended
	var usage usageError
	var mistakes diag.Mistakes
	var verdict verdictError
	switch {
	case err == nil:
		return exitPass
	case errors.As(err, &said):
		return int(said)
	case errors.As(err, &usage):
		complain(stderr, usage.message)
		if usage.hint != "" {
			complain(stderr, "hint: "+usage.hint)
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
	}
	complain(stderr, err.Error())
	return exitError
}

func dispatch(ctx context.Context, e env, args []string) error {
	if len(args) == 0 {
		overview(e.stderr)
		return usageError{"no command given", "tunegate help"}
	}
	name, rest := args[0], args[1:]
	switch name {
	case completeCommand:
		for _, line := range complete(e, rest) {
			fmt.Fprintln(e.stdout, line)
		}
		return nil
	case "help", "-h", "-help", "--help":
		if len(rest) > 1 {
			return usageError{fmt.Sprintf("help takes one command, not %d", len(rest)), "tunegate help " + rest[0]}
		}
		if len(rest) == 0 || rest[0] == "help" {
			overview(e.stdout)
			return nil
		}
		name, rest = rest[0], []string{"--help"}
	case "-v", "-version", "--version":
		name = "version"
	}
	all := commands()
	names := []string{"help"}
	for _, c := range all {
		if c.name == name {
			return c.do(ctx, e, rest)
		}
		names = append(names, c.name)
	}
	return usageError{fmt.Sprintf("there is no command %q", name), didYouMean(name, names, "") + "tunegate help lists them"}
}

// complain writes a message, each of its lines with our name. It may hold what files and services say.
func complain(w io.Writer, message string) {
	for line := range strings.SplitSeq(message, "\n") {
		printLine(w, "tunegate: "+render.Line(line), "  ")
	}
}

// printLine writes a line, broken at its words where w is a terminal that is too narrow for it; indent stands before what follows.
func printLine(w io.Writer, line, indent string) {
	for _, part := range render.Wrap(line, widthOf(w), indent) {
		fmt.Fprintln(w, part)
	}
}

// printFindings writes a finding a line, hints on lines of their own.
func printFindings(w io.Writer, findings []diag.Finding) {
	for _, f := range findings {
		printFinding(w, "", f)
	}
}

func printFinding(w io.Writer, before string, f diag.Finding) {
	printLine(w, before+render.Line(f.String()), "    ")
	if f.Hint != "" {
		printLine(w, "  hint: "+render.Line(f.Hint), "    ")
	}
}
