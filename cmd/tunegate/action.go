package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tunegate/tunegate/internal/github"
	"github.com/tunegate/tunegate/internal/pipeline"
	"github.com/tunegate/tunegate/internal/runner"
	"github.com/tunegate/tunegate/internal/workflow"
)

func actionCommand() command {
	return command{
		name: "action", summary: "the container's entry point in GitHub Actions",
		about: "Takes its inputs from the variables INPUT_COMMAND, INPUT_MANIFEST and so on, as action.yml " +
			"lists them, and hands outputs, annotations and a summary to the runner; without one it prints them. Exit codes are " +
			"the command's, except that tune is no failure when the leg fails the gate or is pending. The commands start, report and " +
			"resume are the first, the last and the later job of the workflows that init --workflows writes.",
		example: "INPUT_COMMAND=plan INPUT_MANIFEST=testdata/five-agents/tunegate.yaml tunegate action",
		setup: func(*flag.FlagSet) func(context.Context, env, []string) error {
			return func(ctx context.Context, e env, args []string) error {
				if len(args) > 0 {
					return usageError{"action takes no argument", "its inputs are the variables INPUT_..."}
				}
				if code := act(ctx, e, runner.New(e.getenv, e.stdout)); code != exitPass {
					return ended(code)
				}
				return nil
			}
		},
	}
}

// act does what the inputs ask for and hands the result to the runner. It returns the exit code.
func act(ctx context.Context, e env, r *runner.Runner) int {
	in, err := readInputs(e, r)
	for _, secret := range in.secrets(e) {
		r.Mask(secret)
	}
	// From here on strangers' text may be printed. There is one stream, because the runner reads two in any order.
	endPlain := r.Plain()
	e.stderr = e.stdout
	e.getenv = in.getenv(e.getenv)
	var got outcome
	if err == nil {
		fmt.Fprintf(e.stdout, "tunegate %s: %s\n", version(), in.command)
		got, err = in.do(ctx, e)
	}
	code := finish(ctx, e.stdout, err)
	endPlain()

	got.failed(err)
	err = errors.Join(got.publish(r), r.HandOver(filepath.Join(in.out, "reports"), filepath.Join(in.out, "models"), in.state))
	if err != nil {
		defer r.Plain()()
		return max(code, finish(ctx, e.stdout, err))
	}
	if (in.command == "tune" || in.command == "plan" && in.judged()) && (code == exitFail || code == exitPending) {
		return exitPass // the verdict is in the outputs; the job that gathers the legs carries it
	}
	return code
}

// inputs are the action's, checked.
type inputs struct {
	command        string
	manifest       string   // its path in the checkout; empty: the default one
	files          []string // for audit, in the place of a manifest
	legs           []string
	profile        string
	wait           time.Duration
	out, state     string
	checkout, base string // folders of the commit that is looked at, and of the trusted one
	order          *workflow.Order
	hosts          pipeline.Hosts
	maxCost        *float64
	commands       bool // graders may run programs
	otherBenchmark bool // a changed benchmark may judge
	onPush         bool
	advisory       bool
	resumeWorkflow string
	token          string            // of GitHub; empty: none
	keys           map[string]string // of providers, by variable
}

// actionCommands are what the input command may be.
func actionCommands() []string {
	return []string{"run", "tune", "audit", "plan", "start", "report", "resume", "status", "cancel"}
}

// readInputs reads the inputs. What could be read of the keys and the token is returned with an error, so that it can be masked.
func readInputs(e env, r *runner.Runner) (inputs, error) {
	or := func(name, otherwise string) string {
		if s := r.Input(name); s != "" {
			return s
		}
		return otherwise
	}
	in := inputs{command: or("command", "run"), manifest: r.Input("manifest"), wait: -1, out: or("out", "."), state: or("state", ".tunegate"),
		files: listed(r.Input("files"), "\r\n"), legs: listed(r.Input("legs"), ", \t\r\n"), profile: r.Input("profile"),
		checkout: r.Input("checkout"), base: r.Input("base"), resumeWorkflow: r.Input("resume-workflow")}
	if in.token = r.Input("github-token"); in.token == "none" {
		in.token = ""
	}
	var err error
	if in.keys, err = readKeys(e.getenv("TUNEGATE_KEYS")); err != nil {
		return in, err
	}
	if !slices.Contains(actionCommands(), in.command) {
		return in, usageError{fmt.Sprintf("the input command is %q", in.command), "it is one of " + strings.Join(actionCommands(), ", ")}
	}
	if len(in.files) > 0 && (in.command != "audit" || in.manifest != "") {
		return in, usageError{"the input files goes with the command audit, in the place of a manifest", ""}
	}
	if p := in.profile; p != "" && p != "speed" && p != "thorough" {
		return in, usageError{fmt.Sprintf("the input profile is %q", p), "it is speed or thorough"}
	}
	if w := r.Input("wait"); w != "" {
		if in.wait, err = time.ParseDuration(w); err != nil || in.wait < 0 {
			return in, usageError{fmt.Sprintf("the input wait is %q", w), "it is a time such as 90s, 45m or 5h"}
		}
	}
	if usd := r.Input("max-cost-usd"); usd != "" {
		v, err := strconv.ParseFloat(usd, 64)
		if err != nil || !(v >= 0 && v < 1e12) {
			return in, usageError{fmt.Sprintf("the input max-cost-usd is %q", usd), "it is a number of dollars, such as 25"}
		}
		in.maxCost = &v
	}
	for name, to := range map[string]*bool{"allow-commands": &in.commands, "allow-benchmark-change": &in.otherBenchmark, "launch-on-push": &in.onPush} {
		switch s := r.Input(name); s {
		case "", "false":
		case "true":
			*to = true
		default:
			return in, usageError{fmt.Sprintf("the input %s is %q", name, s), "it is true or false"}
		}
	}
	switch mode := or("mode", "enforce"); mode {
	case "enforce", "advisory":
		in.advisory = mode == "advisory"
	default:
		return in, usageError{fmt.Sprintf("the input mode is %q", mode), "it is enforce or advisory"}
	}
	if in.hosts, err = pipeline.ParseHosts(r.Input("allowed-hosts")); err != nil {
		return in, err
	}
	if text := r.Input("order"); text != "" {
		order, err := workflow.ReadOrder(text)
		if err != nil {
			return in, usageError{err.Error(), "it is ${{ toJSON(needs.start.outputs) }}, as in pipeline.yml"}
		}
		in.order = &order
	}
	if in.command == "tune" && in.order == nil && len(in.legs) != 1 {
		return in, usageError{"the command tune takes one leg", "set the input legs, in a matrix to ${{ matrix.leg }}"}
	}
	if slices.Contains([]string{"report", "status", "cancel"}, in.command) && in.order == nil {
		return in, usageError{"the command " + in.command + " needs the input order", "it is ${{ toJSON(needs.start.outputs) }}, as in pipeline.yml"}
	}
	return in, nil
}

// judged tells whether another job of the run carries the verdict.
func (in inputs) judged() bool { return in.order != nil && in.order.Do.Judges() }

// listed splits a list at any of the characters.
func listed(text, at string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(at, c) })
}

// do runs the command as the command line would, which see.
func (in inputs) do(ctx context.Context, e env) (outcome, error) {
	switch in.command {
	case "audit":
		return in.audit(ctx, e)
	case "plan":
		return in.plan(ctx, e)
	case "run", "tune":
		return in.tune(ctx, e)
	}
	hub, err := in.hub(e)
	if err != nil {
		return outcome{}, err
	}
	switch in.command {
	case "start":
		return in.start(ctx, e, hub)
	case "report":
		return in.report(ctx, e, hub)
	case "resume":
		return in.resume(ctx, e, hub)
	}
	return in.jobs(ctx, e, hub)
}

// hub is GitHub as a job of a run sees it.
type hub struct {
	client *github.Client
	event  github.Event
	jobs   *github.JobArtifacts // nil: no artifact service
}

func (in inputs) hub(e env) (hub, error) {
	event, err := github.ReadEvent(e.getenv)
	if err != nil {
		return hub{}, err
	}
	client, err := github.New(github.Config{Token: in.token, Repository: event.Repository, BaseURL: e.getenv("GITHUB_API_URL")})
	if err != nil {
		return hub{}, err
	}
	jobs, err := github.NewJobArtifacts(e.getenv, nil)
	if err != nil && !errors.Is(err, github.ErrNoArtifacts) {
		return hub{}, err
	}
	return hub{client, event, jobs}, nil
}
