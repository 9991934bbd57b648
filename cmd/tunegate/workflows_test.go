package main

import (
	"archive/tar"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/scaffold"
)

// engine runs the workflows as they are checked in, under act, on the GitHub in memory and the service of hosted: jobs in
// containers, the action in its image, the callers that init writes. A stand-in for actions/checkout gets a commit's files from here.
type engine struct {
	*hosted
	command string // as ../shared/tools/act-e2e.sh is called
	dir     string // with the repository of the action and the stand-in
	site    string
}

// newEngine needs TUNEGATE_ACT, the command, and the action's image under the name that act gives it.
func newEngine(t *testing.T, h *hosted) *engine {
	t.Helper()
	e := &engine{hosted: h, command: os.Getenv("TUNEGATE_ACT"), dir: t.TempDir()}
	if e.command == "" {
		t.Skip("the workflows are not run: TUNEGATE_ACT does not name a command that runs act (.ci/workflows does)")
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		files, ok := h.trees[path.Base(r.URL.Path)]
		if !ok {
			http.NotFound(w, r)
			return
		}
		out := tar.NewWriter(w)
		for name, text := range files {
			_ = out.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))})
			_, _ = out.Write([]byte(text))
		}
		_ = out.Close()
	}))
	t.Cleanup(site.Close)
	e.site = site.URL
	write := func(name, text string) {
		t.Helper()
		file := filepath.Join(e.dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"action.yml", "Dockerfile", ".github/workflows/pipeline.yml", ".github/workflows/resume.yml"} {
		text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		write("tunegate/"+name, string(text))
	}
	write("checkout/action.yml", `name: checkout
inputs:
  ref: {default: ''}
  path: {default: '.'}
  lfs: {default: ''}
  persist-credentials: {default: ''}
runs:
  using: composite
  steps:
    - shell: bash
      env: {REF: "${{ inputs.ref || github.sha }}", DIR: "${{ inputs.path }}"}
      run: rm -rf "$DIR" && mkdir -p "$DIR" && curl -sfS "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/archive/$REF" | tar -x -C "$DIR"
`)
	m, mistakes := manifest.Parse([]byte(h.trees[mainSHA]["tunegate.yaml"]), "tunegate.yaml")
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	for _, w := range scaffold.Workflows(m, "") {
		write("repository/.github/workflows/"+w.Name, strings.Replace(w.Text, "    with:\n      legs:", "    with:\n      wait: "+h.wait()+"\n      legs:", 1))
	}
	git := exec.Command("sh", "-c", "git init -q -b main && git add -A && git -c user.name=x -c user.email=x@example.com commit -qm x")
	git.Dir = filepath.Join(e.dir, "repository")
	if out, err := git.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return e
}

// acted is what a run of a workflow came to.
type acted struct {
	log string
	err error // not nil when a job failed
}

// step is whether a step of the action with that command was run, by its first line in the log.
func (a acted) did(command string) bool {
	return regexp.MustCompile(`tunegate \S+: ` + command + `\s`).MatchString(a.log)
}

// act runs a workflow; stop, if not nil, is when it is interrupted, by what it has printed.
func (e *engine) act(workflow string, ev event, stop func(log string) bool) acted {
	e.t.Helper()
	l := e.start(ev)
	ctx, cancel := context.WithTimeout(e.t.Context(), 8*time.Minute)
	defer cancel()
	args := []string{filepath.Join(e.dir, "repository"), ".github/workflows/" + workflow, ev.name, "-e", l.payload, "--no-skip-checkout", "--rebuild=false",
		"--local-repository", "tunegate/tunegate@v1=" + filepath.Join(e.dir, "tunegate"),
		"--local-repository", "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683=" + filepath.Join(e.dir, "checkout"),
		"-s", "GITHUB_TOKEN=" + l.token, "--actor", l.run.Actor}
	if !(ev.fork && ev.name == "pull_request") {
		args = append(args, "-s", "ACME_API_KEY="+e.key)
	}
	for name, value := range map[string]string{
		"GITHUB_SERVER_URL": e.site, "GITHUB_API_URL": e.api, "GITHUB_REPOSITORY": e.hub.Repository, "GITHUB_REPOSITORY_ID": fmt.Sprint(e.hub.RepositoryID),
		"GITHUB_RUN_ID": fmt.Sprint(l.run.ID), "GITHUB_RUN_ATTEMPT": "1", "SHA_REF": l.run.HeadSHA, "GITHUB_REF": "refs/heads/" + l.run.HeadBranch,
	} {
		args = append(args, "--env", name+"="+value)
	}
	for name, value := range ev.inputs {
		args = append(args, "--input", name+"="+value)
	}
	cmd := exec.CommandContext(ctx, e.command, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	cmd.Env = os.Environ()
	service := e.hub.JobEnvironment(l.run.ID, e.api)
	cmd.Env = append(cmd.Env, "ACTIONS_RUNTIME_URL="+service["ACTIONS_RESULTS_URL"], "ACTIONS_RUNTIME_TOKEN="+service["ACTIONS_RUNTIME_TOKEN"])
	log := &watchedLog{}
	if stop != nil {
		log.when = func(text string) {
			if stop(text) {
				log.when = nil
				_ = exec.Command("pkill", "-INT", "-P", fmt.Sprint(cmd.Process.Pid), "-x", "act").Run() // the engine of the containers is of the same group
			}
		}
	}
	cmd.Stdout, cmd.Stderr = log, log
	err := cmd.Run()
	// What the engine leaves, or is still removing, would be in the way of the next one, which calls its own the same.
	_ = exec.Command("sh", "-c", "podman ps -aq --filter name=^act- | xargs -r podman rm -f; podman volume ls -q --filter name=^act- | xargs -r podman volume rm -f").Run()
	out := acted{log.text.String(), err}
	if strings.Contains(out.log, e.key) {
		e.t.Errorf("%s %s: the key of the service stands in the log", workflow, ev.name)
	}
	return out
}

// watchedLog is what a command printed. One goroutine of package os/exec writes it.
type watchedLog struct {
	text strings.Builder
	when func(string)
}

func (w *watchedLog) Write(p []byte) (int, error) {
	w.text.Write(p)
	if w.when != nil {
		w.when(w.text.String())
	}
	return len(p), nil
}

// wants fails the test unless the run ended well, or not, as it should, and the named steps were run.
func (e *engine) wants(a acted, well bool, commands ...string) {
	e.t.Helper()
	if (a.err == nil) != well {
		e.t.Errorf("the run ended with %v, want well: %v\n%s", a.err, well, a.log)
	}
	for _, c := range commands {
		if !a.did(c) {
			e.t.Errorf("no %s\n%s", c, a.log)
		}
	}
}

// From a pull request to the nights after: who may ask, one job a leg, one comment, the status at each turn.
func TestWorkflowsPullRequestToNight(t *testing.T) {
	h := newHosted(t, 0)
	h.inputs["wait"] = "5m"
	h.pull(false, oneMore)
	e := newEngine(t, h)
	e.wants(e.act("tunegate.yml", event{name: "pull_request"}, nil), true, "start", "plan", "tune", "report")
	h.wantStatus(headSHA, "pending", "not tuned")
	for _, c := range []struct{ actor, body string }{{"reader", "/finetune"}, {"outsider", "/finetune"}, {"writer", "/finetune @1234567"}, {"writer", "nice, /finetune it"}} {
		out := e.act("tunegate.yml", event{name: "issue_comment", actor: c.actor, body: c.body}, nil)
		if e.wants(out, true); out.did("plan") {
			t.Errorf("%s %q was obeyed", c.actor, c.body)
		}
	}
	if h.paid() != 0 || len(h.comments()) != 1+3 {
		t.Errorf("%d jobs are paid; comments: %q", h.paid(), h.comments())
	}
	e.wants(e.act("tunegate.yml", event{name: "issue_comment", body: "/finetune"}, nil), true, "start", "plan", "tune", "report")
	h.wantStatus(headSHA, "success", "pass")
	h.commit(queueSHA, h.trees[headSHA])
	h.hub.AddComparison(mainSHA, queueSHA, changed("data/ticket-router/train.jsonl"))
	e.wants(e.act("tunegate.yml", event{name: "merge_group", base: mainSHA, head: queueSHA}, nil), true, "start", "plan", "report")
	h.wantStatus(queueSHA, "success", "pass")
	h.trees[mainSHA] = h.trees[headSHA]
	asked := h.questions()
	for range 2 {
		out := e.act("tunegate.yml", event{name: "schedule"}, nil)
		if e.wants(out, true, "start", "plan", "report"); out.did("tune") {
			t.Error("a night tuned what was known")
		}
	}
	if h.paid() != 2 || h.questions() != asked || len(h.comments()) != 1+3 {
		t.Errorf("%d jobs are paid, %d questions were asked again, %d comments", h.paid(), h.questions()-asked, len(h.comments()))
	}
}

// Dirty data, and a fork that touches documentation alone.
func TestWorkflowsDirtyAndFork(t *testing.T) {
	h := newHosted(t, 0)
	h.pull(false, func(files map[string]string) { files["data/ops-tools/train.jsonl"] += "{\n" })
	e := newEngine(t, h)
	out := e.act("tunegate.yml", event{name: "pull_request"}, nil)
	if e.wants(out, false, "start", "plan", "report"); out.did("tune") {
		t.Error("dirty data was tuned on")
	}
	h.wantStatus(headSHA, "failure", "ops-tools")
	h = newHosted(t, 0)
	h.pull(true, func(files map[string]string) { files["README.md"] = "better\n" })
	e = newEngine(t, h)
	e.wants(e.act("tunegate-status.yml", event{name: "pull_request_target", fork: true, actor: "stranger"}, nil), true, "start")
	h.wantStatus(headSHA, "success", "nothing to tune")
	if h.paid() != 0 {
		t.Errorf("%d jobs are paid", h.paid())
	}
}

// The button: five jobs side by side, one leg fails the gate, and so the run does.
func TestWorkflowsFiveLegs(t *testing.T) {
	h := newHosted(t, 0)
	h.inputs["wait"] = "5m"
	h.five(true)
	e := newEngine(t, h)
	e.wants(e.act("tunegate.yml", event{name: "workflow_dispatch"}, nil), false, "start", "plan", "tune", "report")
	h.wantStatus(mainSHA, "failure", "1 of 5 legs")
	if n := len(h.hub.Requests()); h.paid() != 5 || n > 60 {
		t.Errorf("%d jobs are paid, %d requests to GitHub", h.paid(), n)
	}
}

// A run that is cancelled half-way, run again, and resumed: one job a leg.
func TestWorkflowsCancelAndResume(t *testing.T) {
	h := newHosted(t, 0)
	h.held.Store(true)
	h.inputs["wait"] = "30s" // engines may let a step that was cancelled go on
	h.pull(false, oneMore)
	e := newEngine(t, h)
	cut := e.act("tunegate.yml", event{name: "issue_comment", body: "/finetune"}, func(log string) bool { return strings.Contains(log, "is running") })
	if h.paid() == 0 || cut.err == nil {
		t.Fatalf("%d jobs are paid, and the run ended well\n%s", h.paid(), cut.log)
	}
	h.inputs["wait"] = "0s"
	e = newEngine(t, h)
	e.wants(e.act("tunegate.yml", event{name: "issue_comment", body: "/finetune"}, nil), true, "start", "plan", "tune", "report")
	h.wantStatus(headSHA, "pending", "")
	if s := h.hub.WorkflowState("tunegate-resume.yml"); s != "active" {
		t.Errorf("the workflow that resumes is %s", s)
	}
	out := e.act("tunegate-resume.yml", event{name: "schedule"}, nil)
	if e.wants(out, true, "resume"); out.did("tune") {
		t.Error("went on with a fine-tune that had not ended")
	}
	h.held.Store(false)
	e.wants(e.act("tunegate-resume.yml", event{name: "schedule"}, nil), true, "resume", "tune", "report")
	h.wantStatus(headSHA, "success", "pass")
	if s := h.hub.WorkflowState("tunegate-resume.yml"); h.paid() != 2 || len(h.comments()) != 1 || s != "disabled_manually" {
		t.Errorf("%d jobs are paid, %d comments, the workflow that resumes is %s", h.paid(), len(h.comments()), s)
	}
}
