package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tunegate/tunegate/internal/github/githubtest"
	"github.com/tunegate/tunegate/internal/localtune"
	"github.com/tunegate/tunegate/internal/localtune/wiretest"
	"github.com/tunegate/tunegate/internal/report"
)

// hosted is a repository on a GitHub in memory, with a service that tunes, on which runs of the workflows are lived through job by
// job: each job is a call of the program in a workspace of its own, as pipeline.yml and resume.yml have it. That those files
// say so is what .ci/workflows tests, by running them.
type hosted struct {
	t      *testing.T
	hub    *githubtest.Fake
	api    string
	tunes  *httptest.Server
	key    string
	mu     sync.Mutex
	trees  map[string]map[string]string // files by commit
	jobs   int                          // that were run, for runner minutes
	asked  atomic.Int64
	held   atomic.Bool       // no job is seen to end
	head   string            // of the pull request; empty for headSHA
	inputs map[string]string // of the workflow
}

// serviceKey is the key of the service that tunes. It must stand nowhere.
const serviceKey = "sk-canary-1f2e3d4c5b6a"

// newHosted makes a repository whose default branch, at commit main, has the two agents of a manifest on a service whose
// every training step takes that long.
func newHosted(t *testing.T, step time.Duration) *hosted {
	t.Helper()
	if testing.Short() && t.Name() != "TestHostedFiveLegsOneFails" && t.Name() != "TestHostedResume" {
		t.Skip("under -short, as for the race detector, five legs and one that is resumed are enough")
	}
	h := &hosted{t: t, hub: githubtest.New(t, githubtest.Options{}), key: serviceKey, trees: map[string]map[string]string{}, inputs: map[string]string{}}
	h.api = h.hub.Serve()
	s, err := localtune.Open(t.TempDir(), localtune.Options{Key: h.key, StepDelay: step})
	if err != nil {
		t.Fatal(err)
	}
	h.tunes = httptest.NewServer(wiretest.Check(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/chat/completions") {
			h.asked.Add(1)
		}
		if !h.held.Load() || !strings.Contains(r.URL.Path, "/fine_tuning/jobs") {
			s.ServeHTTP(w, r)
			return
		}
		reply := httptest.NewRecorder()
		s.ServeHTTP(reply, r)
		body := regexp.MustCompile(`"fine_tuned_model":"[^"]*"`).ReplaceAllString(reply.Body.String(), `"fine_tuned_model":null`)
		body = regexp.MustCompile(`"(finished_at|trained_tokens)":[0-9]+`).ReplaceAllString(body, `"$1":null`)
		maps.Copy(w.Header(), reply.Header())
		w.Header().Del("Content-Length")
		w.WriteHeader(reply.Code)
		_, _ = io.WriteString(w, strings.ReplaceAll(body, `"status":"succeeded"`, `"status":"running"`))
	})))
	t.Cleanup(func() {
		h.tunes.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	h.hub.AddWorkflow(githubtest.Workflow{File: "tunegate-resume.yml", State: "disabled_manually"})
	h.hub.AddPerson("writer", githubtest.Collaborator{Permission: "write"})
	h.hub.AddPerson("member", githubtest.Collaborator{Permission: "read", Role: "maintain"})
	h.hub.AddPerson("reader", githubtest.Collaborator{Permission: "read"})
	h.inputs["allowed-hosts"] = strings.TrimPrefix(h.tunes.URL, "http://") + "=ACME_API_KEY"
	h.inputs["max-cost-usd"] = "5"
	h.commit(mainSHA, h.tree())
	h.hub.SetBranch("main", mainSHA)
	return h
}

// The commits of the default branch and of the pull request.
var mainSHA, headSHA = githubtest.SHA(0xba5e), githubtest.SHA(0xabc007)

// tree is what the default branch holds.
func (h *hosted) tree() map[string]string {
	h.t.Helper()
	files := map[string]string{"README.md": "agents\n", "tunegate.yaml": `version: 1
name: team
providers:
  acme: {kind: openai, base_url: '` + h.tunes.URL + `/v1', api_key_env: ACME_API_KEY}
prices:
  local-zero-shot: {train_per_million: 3.00, input_per_million: 0.30, output_per_million: 1.20}
defaults: {provider: acme, base_model: local-zero-shot, epochs: 2}
agents:
  ticket-router: {train: data/ticket-router/train.jsonl, benchmark: {tests: data/ticket-router/benchmark.jsonl, grader: exact}}
  ops-tools: {train: data/ops-tools/train.jsonl, benchmark: {tests: data/ops-tools/benchmark.jsonl, grader: json-equal}}
gate: {min_improvement: 10%}
budget: {max_cost_usd: 4}
`}
	from := filepath.Join(filepath.Dir(example(h.t, "five-agents")), "data")
	for _, agent := range []string{"ticket-router", "ops-tools"} {
		for _, name := range []string{"train.jsonl", "benchmark.jsonl"} {
			body, err := os.ReadFile(filepath.Join(from, agent, name))
			if err != nil {
				h.t.Fatal(err)
			}
			files["data/"+agent+"/"+name] = string(body)
		}
	}
	return files
}

// five gives the default branch five agents, the last of which gains nothing where bad says so.
func (h *hosted) five(bad bool) {
	h.t.Helper()
	files := h.tree()
	add := func(agent, from, grader string) {
		for _, name := range []string{"train.jsonl", "benchmark.jsonl"} {
			body, err := os.ReadFile(filepath.Join(filepath.Dir(example(h.t, from)), "data", agent, name))
			if err != nil {
				h.t.Fatal(err)
			}
			files["data/"+agent+"/"+name] = string(body)
		}
		line := fmt.Sprintf("  %s: {train: data/%s/train.jsonl, benchmark: {tests: data/%s/benchmark.jsonl, grader: %s}}\n", agent, agent, agent, grader)
		files["tunegate.yaml"] = strings.Replace(files["tunegate.yaml"], "gate: {", line+"gate: {", 1)
	}
	add("log-triage", "five-agents", "exact")
	add("review-sorter", "five-agents", "exact")
	if bad {
		add("office-desk", "no-gain", "exact")
	} else {
		add("release-notes", "five-agents", "exact")
	}
	h.commit(mainSHA, files)
}

func (h *hosted) commit(sha string, files map[string]string) {
	h.hub.AddCommit(sha)
	h.trees[sha] = files
}

// pull opens pull request 7 with a change of the default branch's files; a nil text removes one.
func (h *hosted) pull(fork bool, change func(files map[string]string)) {
	h.t.Helper()
	before := h.trees[mainSHA]
	after := maps.Clone(before)
	change(after)
	h.commit(headSHA, after)
	p := githubtest.Pull{Number: 7, HeadSHA: headSHA, BaseSHA: mainSHA}
	if fork {
		p.HeadRepository = "stranger/models"
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if before[name] != after[name] {
			p.Files = append(p.Files, githubtest.File{Name: name})
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			p.Files = append(p.Files, githubtest.File{Name: name, Status: "removed"})
		}
	}
	h.hub.AddPull(p)
}

// oneMore adds an example to an agent's training data.
func oneMore(files map[string]string) {
	files["data/ticket-router/train.jsonl"] += `{"messages": [{"role": "system", "content": "Name the queue."}, {"role": "user", "content": "The scanner on floor three eats paper"}, {"role": "assistant", "content": "hardware"}]}` + "\n"
}

// event is a run's cause.
type event struct {
	name, actor, body string // of a comment
	fork              bool
	branch            string // of the run; empty for the default one
	inputs            map[string]string
	base, head        string // of a merge group
}

// payload is what GitHub sends of an event.
func (h *hosted) payload(e event) map[string]any {
	repo := map[string]any{"id": h.hub.RepositoryID, "full_name": h.hub.Repository, "default_branch": "main"}
	p := map[string]any{"repository": repo, "sender": map[string]any{"login": e.actor, "type": "User"}}
	switch e.name {
	case "pull_request", "pull_request_target":
		from := repo
		if e.fork {
			from = map[string]any{"id": 999, "full_name": "stranger/models"}
		}
		p["action"] = "opened"
		p["pull_request"] = map[string]any{"number": 7, "head": map[string]any{"sha": cmp.Or(h.head, headSHA), "ref": "feature", "repo": from}, "base": map[string]any{"sha": mainSHA, "ref": "main", "repo": repo}}
	case "issue_comment":
		id := h.hub.AddComment(7, e.actor, e.body)
		p["action"] = "created"
		p["issue"] = map[string]any{"number": 7, "pull_request": map[string]any{}}
		p["comment"] = map[string]any{"id": id, "body": e.body, "created_at": "2026-01-01T00:00:00Z", "user": map[string]any{"login": e.actor, "type": "User"}}
	case "merge_group":
		p["action"] = "checks_requested"
		p["merge_group"] = map[string]any{"head_sha": e.head, "head_ref": "refs/heads/gh-readonly-queue/main/pr-7", "base_sha": e.base, "base_ref": "refs/heads/main"}
	case "workflow_dispatch":
		p["inputs"] = e.inputs
	}
	return p
}

// job is one job of a run: the outputs and exit code of its last step, and all that was printed and summed up.
type job struct {
	outputs      map[string]string
	code         int
	log, summary string
	workspace    string
}

// live is a run of a workflow: what its jobs have in common.
type live struct {
	*hosted
	event   event
	run     githubtest.Run
	payload string // path
	token   string
}

func (h *hosted) start(e event) *live {
	h.t.Helper()
	if e.actor == "" {
		e.actor = "writer"
	}
	sha := mainSHA
	branch := e.branch
	if e.name == "pull_request" {
		sha, branch = cmp.Or(h.head, headSHA), "feature"
	}
	if e.name == "merge_group" {
		sha, branch = e.head, "gh-readonly-queue/main/pr-7"
	}
	r := githubtest.Run{Event: e.name, HeadBranch: branch, HeadSHA: sha, Actor: e.actor}
	token := githubtest.WriteToken
	if e.fork && e.name == "pull_request" {
		r.HeadRepository, token = "stranger/models", githubtest.ReadToken
	}
	body, err := json.Marshal(h.payload(e))
	if err != nil {
		h.t.Fatal(err)
	}
	path := filepath.Join(h.t.TempDir(), "event.json")
	if err := os.WriteFile(path, body, 0o644); err != nil {
		h.t.Fatal(err)
	}
	return &live{h, e, h.hub.AddRun(r), path, token}
}

// checkout puts the files of a commit into a folder.
func (h *hosted) checkout(dir, sha string) {
	h.t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		h.t.Fatal(err)
	}
	for name, text := range h.trees[sha] {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			h.t.Fatal(err)
		}
		if target, link := strings.CutPrefix(text, "link:"); link {
			if err := os.Symlink(target, path); err != nil {
				h.t.Fatal(err)
			}
		} else if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			h.t.Fatal(err)
		}
	}
}

// step runs the action in a workspace as the container does. Outputs are read as the runner reads them.
func (l *live) step(workspace string, vars map[string]string) job {
	l.t.Helper()
	dir := l.t.TempDir()
	ref := "refs/heads/" + l.run.HeadBranch
	env := map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": workspace, "GITHUB_OUTPUT": filepath.Join(dir, "output"), "GITHUB_STEP_SUMMARY": filepath.Join(dir, "summary"),
		"GITHUB_EVENT_NAME": l.event.name, "GITHUB_EVENT_PATH": l.payload, "GITHUB_REPOSITORY": l.hub.Repository, "GITHUB_REPOSITORY_ID": fmt.Sprint(l.hub.RepositoryID),
		"GITHUB_SHA": l.run.HeadSHA, "GITHUB_REF": ref, "GITHUB_RUN_ID": fmt.Sprint(l.run.ID), "GITHUB_RUN_ATTEMPT": fmt.Sprint(l.run.Attempt),
		"GITHUB_SERVER_URL": "https://github.test", "GITHUB_API_URL": l.api, "RUNNER_TEMP": dir, "INPUT_GITHUB-TOKEN": l.token,
		"INPUT_OUT": filepath.Join(workspace, "out"), "INPUT_STATE": filepath.Join(workspace, ".tunegate"), "INPUT_RESUME-WORKFLOW": "tunegate-resume.yml",
	}
	maps.Copy(env, l.hub.JobEnvironment(l.run.ID, l.api))
	maps.Copy(env, vars)
	var printed bytes.Buffer
	j := job{workspace: workspace, outputs: map[string]string{}}
	j.code = run(l.t.Context(), []string{"action"}, func(k string) string { return env[k] }, strings.NewReader(""), &printed, io.Discard)
	l.mu.Lock()
	l.jobs++
	l.mu.Unlock()
	j.log = printed.String()
	text, _ := os.ReadFile(env["GITHUB_OUTPUT"])
	lines := strings.Split(string(text), "\n")
	for i := 0; i+2 < len(lines); i += 3 {
		name, delimiter, ok := strings.Cut(lines[i], "<<")
		if !ok || lines[i+2] != delimiter {
			l.t.Errorf("outputs of another form: %q", text)
			break
		}
		j.outputs[name] = lines[i+1]
	}
	summary, _ := os.ReadFile(env["GITHUB_STEP_SUMMARY"])
	j.summary = string(summary)
	masked := 0
	for line := range strings.Lines(j.log) {
		if strings.HasPrefix(line, "::add-mask::") {
			masked += strings.Count(line, serviceKey)
		}
	}
	if strings.Count(j.log, serviceKey) > masked || strings.Contains(j.summary, serviceKey) {
		l.t.Errorf("the key of the service stands in the log or the summary of %s", vars["INPUT_COMMAND"])
	}
	return j
}

// common are the inputs that the jobs after start share.
func (l *live) common(workspace string, order map[string]string) map[string]string {
	text, err := json.Marshal(order)
	if err != nil {
		l.t.Fatal(err)
	}
	vars := map[string]string{"INPUT_ORDER": string(text), "INPUT_CHECKOUT": filepath.Join(workspace, "head")}
	l.checkout(filepath.Join(workspace, "head"), order["sha"])
	if order["base-sha"] != "" {
		l.checkout(filepath.Join(workspace, "base"), order["base-sha"])
		vars["INPUT_BASE"] = filepath.Join(workspace, "base")
	}
	for _, name := range []string{"max-cost-usd", "allowed-hosts", "allow-commands", "allow-benchmark-change"} {
		vars["INPUT_"+strings.ToUpper(name)] = l.inputs[name]
	}
	return vars
}

func (h *hosted) keys() string { return "ACME_API_KEY=" + h.key }

// lived is what the jobs of a run came to.
type lived struct {
	start, plan, report job
	tunes               []job
	run                 githubtest.Run
}

// pipeline lives through pipeline.yml, as far as its conditions let it. Each of the given does something to a job's inputs first.
func (h *hosted) pipeline(e event) lived {
	h.t.Helper()
	l := h.start(e)
	var out lived
	out.run = l.run
	ws := h.t.TempDir()
	base := mainSHA
	if e.name == "merge_group" {
		base = e.base
	}
	h.checkout(filepath.Join(ws, "base"), base)
	out.start = l.step(ws, map[string]string{"INPUT_COMMAND": "start", "INPUT_BASE": filepath.Join(ws, "base"), "INPUT_LEGS": e.inputs["legs"], "INPUT_PROFILE": e.inputs["profile"],
		"INPUT_LAUNCH-ON-PUSH": h.inputs["launch-on-push"]})
	do := out.start.outputs["do"]
	if out.start.code != 0 || do == "nothing" || e.name == "pull_request_target" {
		return out
	}
	order := out.start.outputs
	ws = h.t.TempDir()
	vars := l.common(ws, order)
	vars["INPUT_COMMAND"] = "plan"
	if do == "status" || do == "cancel" {
		vars["INPUT_COMMAND"], vars["TUNEGATE_KEYS"] = do, h.keys()
	}
	out.plan = l.step(ws, vars)
	var matrix struct{ Include []struct{ Leg string } }
	if text := out.plan.outputs["matrix"]; text != "" {
		if err := json.Unmarshal([]byte(text), &matrix); err != nil {
			h.t.Fatal(err)
		}
	}
	out.tunes = make([]job, len(matrix.Include))
	var all sync.WaitGroup
	for i, leg := range matrix.Include {
		ws := h.t.TempDir()
		vars := l.common(ws, order)
		maps.Copy(vars, map[string]string{"INPUT_COMMAND": "tune", "INPUT_LEGS": leg.Leg, "INPUT_WAIT": h.wait(), "INPUT_GITHUB-TOKEN": "none", "TUNEGATE_KEYS": h.keys()})
		if e.fork && e.name == "pull_request" {
			vars["TUNEGATE_KEYS"] = ""
		}
		all.Go(func() { out.tunes[i] = l.step(ws, vars) })
	}
	all.Wait()
	if slices.Contains([]string{"reuse", "launch", "retry"}, do) {
		text, _ := json.Marshal(order)
		ws := h.t.TempDir()
		out.report = l.step(ws, map[string]string{"INPUT_COMMAND": "report", "INPUT_ORDER": string(text), "INPUT_MODE": h.inputs["mode"]})
	}
	return out
}

func (h *hosted) wait() string {
	if w := h.inputs["wait"]; w != "" {
		return w
	}
	return "0s"
}

// resume lives through resume.yml.
func (h *hosted) resume() lived {
	h.t.Helper()
	l := h.start(event{name: "schedule"})
	var out lived
	out.run = l.run
	ws := h.t.TempDir()
	h.checkout(filepath.Join(ws, "base"), mainSHA)
	out.start = l.step(ws, map[string]string{"INPUT_COMMAND": "resume", "INPUT_BASE": filepath.Join(ws, "base"), "TUNEGATE_KEYS": h.keys(), "INPUT_ALLOWED-HOSTS": h.inputs["allowed-hosts"]})
	order := out.start.outputs
	if out.start.code != 0 || order["do"] == "nothing" {
		return out
	}
	vars := l.common(ws, order)
	maps.Copy(vars, map[string]string{"INPUT_COMMAND": "tune", "INPUT_MANIFEST": order["manifest"], "INPUT_WAIT": "0s", "TUNEGATE_KEYS": h.keys()})
	out.tunes = []job{l.step(ws, vars)}
	h.jobs -= 2 // they are steps of one job
	out.report = l.step(ws, map[string]string{"INPUT_COMMAND": "report", "INPUT_ORDER": vars["INPUT_ORDER"], "INPUT_MANIFEST": order["manifest"], "INPUT_MODE": h.inputs["mode"]})
	return out
}

// status is the state of the gate on a commit, and what it says.
func (h *hosted) status(sha string) (state, text string) {
	all := h.hub.Statuses(sha)
	for _, s := range slices.Backward(all) {
		if s.Context == "tunegate/gate" {
			return s.State, s.Description
		}
	}
	return "", ""
}

// wantStatus fails the test unless the gate of a commit is in that state and says that.
func (h *hosted) wantStatus(sha, state, text string) {
	h.t.Helper()
	if got, said := h.status(sha); got != state || !strings.Contains(said, text) {
		h.t.Errorf("the status is %q: %q; want %q with %q", got, said, state, text)
	}
}

// comments are those of the bot on the pull request.
func (h *hosted) comments() (bodies []string) {
	for _, c := range h.hub.Comments(7) {
		if c.Author == githubtest.Bot {
			bodies = append(bodies, c.Body)
		}
	}
	return bodies
}

// paid is how many jobs the service has, in all states.
func (h *hosted) paid() int {
	h.t.Helper()
	req, err := http.NewRequest(http.MethodGet, h.tunes.URL+"/v1/fine_tuning/jobs?limit=100", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+h.key)
	reply, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer reply.Body.Close()
	var list struct{ Data []struct{ Status string } }
	if err := json.NewDecoder(reply.Body).Decode(&list); err != nil {
		h.t.Fatal(err)
	}
	return len(list.Data)
}

// until calls do until it says so, for as long as the test may last.
func (h *hosted) until(do func() bool) {
	h.t.Helper()
	for !do() {
		select {
		case <-h.t.Context().Done():
			h.t.Fatal("it never came to that")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// artifact returns the newest artifact of a run by that name.
func (h *hosted) reportOf(j job) report.Report {
	h.t.Helper()
	f, err := os.Open(filepath.Join(j.workspace, "out", "reports", "report.json"))
	if err != nil {
		h.t.Fatal(err)
	}
	defer f.Close()
	r, err := report.Read(f)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// queueSHA is a commit of the merge queue.
var queueSHA = githubtest.SHA(0x9e0e)

// changed are changes of files by their names.
func changed(names ...string) (files []githubtest.File) {
	for _, name := range names {
		files = append(files, githubtest.File{Name: name})
	}
	return files
}

// questions is how many questions the service was asked so far.
func (h *hosted) questions() int64 { return h.asked.Load() }

// record is the newest record of what is pending.
func (h *hosted) record() githubtest.Artifact {
	h.t.Helper()
	for _, a := range slices.Backward(h.hub.Artifacts()) {
		if a.Name == "tunegate-pending" {
			return a
		}
	}
	h.t.Fatal("nothing pending was recorded")
	return githubtest.Artifact{}
}

// settled tells whether the pull request's gate has come to an end.
func (h *hosted) settled() bool {
	state, _ := h.status(headSHA)
	return state != "pending"
}
