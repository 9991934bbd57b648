package swebench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/tunegate/tunegate/internal/grade"
	"github.com/tunegate/tunegate/internal/results"
)

// Defaults of a Harness, which are the official ones.
const (
	defaultWorkers = 4
	defaultTimeout = 30 * time.Minute
)

// Beyond the time that the tests may take: for an image of one task to be fetched or built, and for what all have in common.
const (
	timePerImage = 15 * time.Minute
	timeToBegin  = time.Hour
)

// Harness is the official one, `python3 -m swebench.harness.run_evaluation`, versions 2 to 5, which tries each patch in a container
// of its own. It must be installed, and wants Docker, 120 GB of disk and 16 GB of memory. It gets no variable of the environment
// but those that it needs. The zero value runs nothing.
type Harness struct {
	AllowCommands bool
	Dir           string        // absolute, a folder below which each run has its own, with predictions, logs and report; made where it is missing
	Python        string        // empty: python3
	Workers       int           // tasks tried at once; 0: 4
	Timeout       time.Duration // for the tests of one task; 0: 30 minutes
	// Notify, if not nil, is told how many of the tasks have been tried; it must be quick.
	Notify func(done, all int)
}

// probe is a program that ends with 3 where the harness is missing and with 4 where Docker does not answer, and says which version
// of the harness there is.
const probe = `import sys
try:
    import docker, importlib.metadata, swebench.harness.run_evaluation
except ModuleNotFoundError:
    sys.exit(3)
try:
    docker.from_env(timeout=20).ping()
except Exception:
    sys.exit(4)
print("version", importlib.metadata.version("swebench"))`

var version = regexp.MustCompile(`(?m)^version ((\d{1,3})\.[\w.]{1,40})`)

// Ready reports, as a *grade.Skipped, why the harness could judge no task of this set here, so that it is known before a model
// is asked. Any other error is the context's.
func (h Harness) Ready(ctx context.Context, s Set) error {
	if !h.AllowCommands {
		return &grade.Skipped{Reason: "the grader swe-bench runs programs, which is not allowed here"}
	}
	python := h.python()
	if _, err := exec.LookPath(python); err != nil {
		return &grade.Skipped{Reason: "the SWE-bench harness needs " + python + ", which is not installed"}
	}
	if err := os.MkdirAll(h.Dir, 0o700); err != nil {
		return &grade.Skipped{Reason: "no folder for the SWE-bench harness: " + err.Error()}
	}
	began, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	out := &output{}
	err := h.command(began, h.Dir, out, "-c", probe).Run()
	var ended *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &ended) && ended.ExitCode() == 3:
		return &grade.Skipped{Reason: "the SWE-bench harness is not installed (pip install swebench)"}
	case errors.As(err, &ended) && ended.ExitCode() == 4:
		return &grade.Skipped{Reason: "the SWE-bench harness needs Docker, which does not answer"}
	case err != nil:
		return &grade.Skipped{Reason: fmt.Sprintf("the SWE-bench harness does not start: %v%s", err, out.last())}
	}
	m := version.FindSubmatch(out.kept)
	if m == nil {
		return &grade.Skipped{Reason: "the SWE-bench harness does not tell its version" + out.last()}
	}
	major, _ := strconv.Atoi(string(m[2]))
	if major < 2 {
		return &grade.Skipped{Reason: fmt.Sprintf("the SWE-bench harness is version %s, and 2 is the first that can be used", m[1])}
	}
	for _, x := range s.Instances {
		if major >= 5 && !x.prepared {
			return &grade.Skipped{Reason: fmt.Sprintf("version %s of the SWE-bench harness wants the columns image and eval_script, and the task on line %d has none: "+
				"take the data set as it is published today, or version 4", m[1], x.Line)}
		}
	}
	return nil
}

// Run has the patches of an arm judged, by task; a patch that is empty resolves nothing, and a task that is not in patches was not
// answered and does not count. The arm's name is of letters, digits, dots, _ and -. The scores, 1 for resolved and 0 else, stand in the order of the set; Failed are
// the tasks that the harness could not try or did not end with, which says nothing about the patch. results.Match pairs two arms.
//
// A patch that does not apply, or whose tests run out of time, is a wrong one. A run with the same patches takes up what an earlier one left in Dir; no
// two may be under way in one Dir for one arm. The end of ctx kills the harness with all that it started, but for containers,
// which Docker holds: the next run with these patches removes them.
func (h Harness) Run(ctx context.Context, s Set, arm string, patches map[string]string) (results.File, error) {
	switch {
	case !h.AllowCommands:
		return results.File{}, h.Ready(ctx, s)
	case !isName(arm):
		return results.File{}, fmt.Errorf("%q names no arm", clip(arm))
	case len(patches) == 0:
		return results.File{}, errors.New("no answer for the SWE-bench harness to judge")
	}
	r := run{harness: h, set: s.of(patches), arm: arm, id: RunID(arm, s, patches), patches: patches}
	if len(r.set.Instances) != len(patches) {
		return results.File{}, fmt.Errorf("there are patches for tasks that %s does not have", s.File)
	}
	r.dir = filepath.Join(h.Dir, r.id)
	if err := r.write(); err != nil {
		return results.File{}, fmt.Errorf("writing for the SWE-bench harness: %w", err)
	}
	if err := r.evaluate(ctx); err != nil {
		return results.File{}, fmt.Errorf("run %s of the SWE-bench harness: %w", r.id, err)
	}
	f, err := r.outcome()
	if err != nil {
		return results.File{}, fmt.Errorf("run %s of the SWE-bench harness: %w", r.id, err)
	}
	return f, nil
}

// of is the set less the tasks for which there is no patch.
func (s Set) of(patches map[string]string) Set {
	out := Set{File: s.File}
	for _, x := range s.Instances {
		if _, ok := patches[x.ID]; ok {
			out.Instances = append(out.Instances, x)
		}
	}
	return out
}

// run is one under way.
type run struct {
	harness      Harness
	set          Set
	arm, id, dir string
	patches      map[string]string
}

// write makes the files that the harness reads, and removes the report of an earlier run, so that none is taken for this one's.
// The tasks are one JSON list: the harness before version 4 reads no JSON Lines, and since then it takes some characters
// within texts for line ends.
func (r *run) write() error {
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return err
	}
	if err := os.Remove(r.report()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	rows := make([]json.RawMessage, len(r.set.Instances))
	for i, x := range r.set.Instances {
		rows[i] = x.row
	}
	data, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(r.dir, "tasks.json"), data, 0o600); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(r.dir, "predictions.jsonl"), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(WritePredictions(f, r.arm, r.set, r.patches), f.Close())
}

// WritePredictions writes patches, by task, as the harness reads them: JSON Lines in the order of the set. Tasks without a patch are
// left out; an empty patch is none that the model gave.
func WritePredictions(w io.Writer, model string, s Set, patches map[string]string) error {
	e := json.NewEncoder(w)
	for _, x := range s.of(patches).Instances {
		err := e.Encode(struct {
			ID    string `json:"instance_id"`
			Model string `json:"model_name_or_path"`
			Patch string `json:"model_patch"`
		}{x.ID, model, patches[x.ID]})
		if err != nil {
			return err
		}
	}
	return nil
}

// evaluate runs the harness to its end.
func (r *run) evaluate(ctx context.Context) error {
	workers, timeout := r.harness.Workers, r.harness.Timeout
	if workers <= 0 {
		workers = defaultWorkers
	}
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	n := len(r.set.Instances)
	most := timeToBegin + time.Duration((n+workers-1)/workers)*(timeout+timePerImage)
	limited, cancel := context.WithTimeoutCause(ctx, most, fmt.Errorf("took longer than %v", most))
	defer cancel()
	out := &output{all: n, notify: r.harness.Notify}
	err := r.harness.command(limited, r.dir, out, "-m", "swebench.harness.run_evaluation",
		"--dataset_name", filepath.Join(r.dir, "tasks.json"), "--split", "test",
		"--predictions_path", filepath.Join(r.dir, "predictions.jsonl"),
		"--max_workers", strconv.Itoa(workers), "--timeout", strconv.Itoa(int(max(timeout.Seconds(), 1))),
		"--run_id", r.id).Run()
	if limited.Err() != nil {
		return context.Cause(limited)
	}
	if err != nil {
		return fmt.Errorf("%w%s", err, out.last())
	}
	if _, err := os.Stat(r.report()); err != nil {
		return fmt.Errorf("ended without a report%s", out.last())
	}
	return nil
}

func (h Harness) python() string {
	if h.Python != "" {
		return h.Python
	}
	return "python3"
}

// command is python with these arguments, in a process group that ends with ctx.
func (h Harness) command(ctx context.Context, dir string, out *output, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, h.python(), args...)
	c.Dir, c.Env = dir, environment()
	c.Stdout, c.Stderr = out, out
	c.WaitDelay = 5 * time.Second // for what holds the output open beyond the end
	group(c)
	return c
}

// environment is what the harness needs of this process's: where programs, homes and Docker are. Keys of services stay here.
func environment() []string {
	// Modules are not taken from the folder that the harness runs in.
	env := []string{"PYTHONSAFEPATH=1", "PYTHONUNBUFFERED=1", "PYTHONIOENCODING=utf-8"}
	for _, name := range []string{
		"PATH", "HOME", "USER", "TMPDIR", "LANG", "LC_ALL", "SYSTEMROOT", "USERPROFILE",
		"VIRTUAL_ENV", "PYENV_ROOT", "PYENV_VERSION", "PYTHONPATH", "XDG_RUNTIME_DIR",
		"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY",
		"SWEBENCH_DOCKER_TIMEOUT", "SWEBENCH_DOCKER_POOL_SIZE", "HF_HOME",
	} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}
