package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/github/githubtest"
)

// A pull request with good data: audited, not launched; then tuned by a comment, once, and judged; then judged again without a
// question by the next push of the same data, by the night after the merge, and by the merge queue.
func TestHostedPullRequestToMerge(t *testing.T) {
	t.Parallel()
	h := newHosted(t, 0)
	h.inputs["wait"] = "5m"
	h.pull(false, oneMore)

	first := h.pipeline(event{name: "pull_request"})
	if first.report.code != 0 {
		t.Fatalf("report: %d\n%s", first.report.code, first.report.log)
	}
	h.wantStatus(headSHA, "pending", "not tuned")
	if n := h.paid(); n != 0 {
		t.Fatalf("a push launched %d jobs", n)
	}
	if all := h.comments(); len(all) != 1 || !strings.Contains(all[0], "/finetune") {
		t.Errorf("comments: %q", all)
	}

	asked := h.pipeline(event{name: "issue_comment", body: "/finetune"})
	if asked.report.code != 0 || len(asked.tunes) != 2 {
		t.Fatalf("report: %d, %d legs\n%s", asked.report.code, len(asked.tunes), asked.report.log)
	}
	h.wantStatus(headSHA, "success", "pass")
	if n := h.paid(); n != 2 {
		t.Errorf("%d jobs are paid, want 2", n)
	}
	all := h.comments()
	if len(all) != 1 || !strings.Contains(all[0], "pass") {
		t.Errorf("comments: %q", all)
	}

	questions := h.questions()
	again := h.pipeline(event{name: "pull_request"})
	if again.plan.outputs["matrix"] != "" {
		t.Errorf("a job for what is known: %s", again.plan.outputs["matrix"])
	}
	h.wantStatus(headSHA, "success", "pass")

	h.commit(queueSHA, h.trees[headSHA])
	h.hub.AddComparison(mainSHA, queueSHA, changed("data/ticket-router/train.jsonl"))
	h.pipeline(event{name: "merge_group", base: mainSHA, head: queueSHA})
	h.wantStatus(queueSHA, "success", "pass")

	h.trees[mainSHA] = h.trees[headSHA]
	night := h.pipeline(event{name: "schedule"})
	if doc := h.reportOf(night.report); doc.Verdict != gate.Pass || doc.Launched != 0 || !doc.Legs[0].Carried || !doc.Legs[1].Carried {
		t.Errorf("the night: %s, %d launched, %+v", doc.Verdict, doc.Launched, doc.Agents)
	}
	if n := h.questions() - questions; n != 0 || h.paid() != 2 {
		t.Errorf("%d questions were asked again, %d jobs are paid", n, h.paid())
	}
	if issues := h.hub.Issues(); len(issues) != 0 {
		t.Errorf("issues: %+v", issues)
	}
}

// Dirty data stops a run before anything is spent: the status fails, the comment says why, and the finding stands beside its line.
func TestHostedDirtyData(t *testing.T) {
	t.Parallel()
	h := newHosted(t, 0)
	h.pull(false, func(files map[string]string) { files["data/ops-tools/train.jsonl"] += "{\"messages\": [}\n" })
	for _, e := range []event{{name: "pull_request"}, {name: "issue_comment", body: "/finetune"}} {
		out := h.pipeline(e)
		if out.report.code != exitFail || len(out.tunes) > 0 {
			t.Errorf("%s: report %d, %d legs\n%s", e.name, out.report.code, len(out.tunes), out.report.log)
		}
		h.wantStatus(headSHA, "failure", "ops-tools")
		line := strings.Count(h.trees[headSHA]["data/ops-tools/train.jsonl"], "\n")
		if want := fmt.Sprintf("file=data/ops-tools/train.jsonl,line=%d,title=tunegate%%3A invalid-json", line); !strings.Contains(out.plan.log, want) {
			t.Errorf("%s: no annotation %s in\n%s", e.name, want, out.plan.log)
		}
	}
	if all := h.comments(); len(all) != 1 || !strings.Contains(all[0], "invalid-json") {
		t.Errorf("comments: %q", all)
	}
	if h.paid() != 0 {
		t.Errorf("%d jobs are paid", h.paid())
	}
}

// What touches no input has nothing to tune, from a fork too, and no file of it is read. A fork that touches one waits for a person who
// may write here and has looked at that very commit.
func TestHostedForks(t *testing.T) {
	t.Parallel()
	h := newHosted(t, 0)
	h.inputs["wait"] = "5m"
	h.pull(true, func(files map[string]string) { files["README.md"] = "better\n" })
	h.pipeline(event{name: "pull_request_target", fork: true, actor: "stranger"})
	h.wantStatus(headSHA, "success", "nothing to tune")

	h = newHosted(t, 0)
	h.inputs["wait"] = "5m"
	h.pull(true, oneMore)
	h.pipeline(event{name: "pull_request_target", fork: true, actor: "stranger"})
	h.wantStatus(headSHA, "pending", "/finetune @"+headSHA[:7])
	audited := h.pipeline(event{name: "pull_request", fork: true, actor: "stranger"})
	if audited.plan.code != 0 || len(audited.tunes) > 0 || audited.report.log != "" {
		t.Errorf("plan %d, %d legs, report %q\n%s", audited.plan.code, len(audited.tunes), audited.report.log, audited.plan.log)
	}
	for _, r := range h.hub.Writes() {
		if r.Login == githubtest.Bot && r.Status == 403 {
			t.Errorf("a fork's run tried to write: %v", r)
		}
	}
	h.pipeline(event{name: "issue_comment", body: "/finetune"})
	if all := h.comments(); len(all) != 1 || !strings.Contains(all[0], "comes from a fork") {
		t.Errorf("without a commit: %q", all)
	}
	h.pipeline(event{name: "issue_comment", body: "/finetune @1234567"})
	if all := h.comments(); len(all) != 2 || !strings.Contains(all[1], "its head is "+headSHA[:7]) {
		t.Errorf("with a stale commit: %q", all)
	}
	h.wantStatus(headSHA, "pending", "")
	done := h.pipeline(event{name: "issue_comment", body: "/finetune @" + headSHA[:7]})
	h.wantStatus(headSHA, "success", "pass")
	if h.paid() != 2 || done.report.code != 0 {
		t.Errorf("%d jobs are paid, report %d", h.paid(), done.report.code)
	}
}

// Who may ask: a writer and a member of a team that may write. A reader, somebody outside and a bot may not; an edited comment is no event.
func TestHostedWhoMayAsk(t *testing.T) {
	t.Parallel()
	h := newHosted(t, 0)
	h.pull(false, oneMore)
	for actor, want := range map[string]string{"writer": "plan", "member": "plan", "reader": "nothing", "outsider": "nothing"} {
		out := h.pipeline(event{name: "issue_comment", actor: actor, body: "/finetune --dry-run"})
		if got := out.start.outputs["do"]; got != want || out.start.code != 0 {
			t.Errorf("%s: %q, exit code %d\n%s", actor, got, out.start.code, out.start.log)
		}
	}
	refused := 0
	for _, body := range h.comments() {
		if strings.Contains(body, "only who may write") {
			refused++
		}
	}
	if refused != 2 || h.paid() != 0 {
		t.Errorf("%d were refused, %d jobs are paid: %q", refused, h.paid(), h.comments())
	}
	for body, want := range map[string]string{
		"/finetune help": "--dry-run", "/finetune --fast": "no such option", "/finetune nobody": "no leg", "/finetune @xyz": "hexadecimal",
	} {
		before := len(h.comments())
		out := h.pipeline(event{name: "issue_comment", body: body})
		after := h.comments()
		if body == "/finetune nobody" { // the leg is looked for in the head's manifest, so the sticky comment says it
			if _, said := h.status(headSHA); !strings.HasPrefix(said, "error") || !strings.Contains(strings.Join(after, "\n"), want) {
				t.Errorf("%s: %q %q\n%s", body, said, after, out.plan.log)
			}
			continue
		}
		if len(after) != before+1 || !strings.Contains(after[len(after)-1], want) {
			t.Errorf("%s: %q", body, after[before:])
		}
	}
	if out := h.pipeline(event{name: "issue_comment", actor: "reader", body: "what does /finetune do?"}); out.start.outputs["do"] != "nothing" {
		t.Error("a comment in passing was obeyed")
	}
}

// A fine-tune that outlives its run: pending, the workflow that resumes is switched on; it looks, goes on when the job has ended, and
// switches itself off. A second look, and a record that is played back, do nothing.
func TestHostedResume(t *testing.T) {
	t.Parallel()
	h := newHosted(t, 40*time.Millisecond)
	h.pull(false, oneMore)
	asked := h.pipeline(event{name: "issue_comment", body: "/finetune"})
	h.wantStatus(headSHA, "pending", "")
	if asked.report.code != 0 || h.hub.WorkflowState("tunegate-resume.yml") != "active" {
		t.Fatalf("report %d, the workflow is %s\n%s", asked.report.code, h.hub.WorkflowState("tunegate-resume.yml"), asked.report.log)
	}
	record := h.record()
	looks, idle := 0, 0
	h.until(func() bool {
		looks++
		out := h.resume()
		if out.start.code != 0 {
			t.Fatalf("resume: %d\n%s", out.start.code, out.start.log)
		}
		if out.start.outputs["do"] == "nothing" {
			idle++
			return false
		}
		if out.report.code != 0 {
			t.Fatalf("report: %d\n%s", out.report.code, out.report.log)
		}
		return true
	})
	h.wantStatus(headSHA, "success", "pass")
	if n := h.paid(); n != 2 {
		t.Errorf("%d jobs are paid, want 2", n)
	}
	if len(h.comments()) != 1 {
		t.Errorf("comments: %q", h.comments())
	}
	if s := h.hub.WorkflowState("tunegate-resume.yml"); s != "disabled_manually" {
		t.Errorf("nothing is pending, and the workflow is %s", s)
	}
	if out := h.resume(); out.start.outputs["do"] != "nothing" {
		t.Errorf("a second time: %v", out.start.outputs)
	}
	h.hub.AddArtifact(record)
	if out := h.resume(); out.start.outputs["do"] != "nothing" || h.paid() != 2 {
		t.Errorf("a record that was played back: %v", out.start.outputs)
	}
	t.Logf("%d looks, %d of them too early", looks, idle)
}

// The button, cancelled half-way and run again: one job a leg is paid, and nothing is asked of a person. /finetune cancel ends jobs.
func TestHostedButtonCancelRetry(t *testing.T) {
	t.Parallel()
	h := newHosted(t, 100*time.Millisecond)
	first := h.pipeline(event{name: "workflow_dispatch"})
	h.wantStatus(mainSHA, "pending", "")
	again := h.pipeline(event{name: "workflow_dispatch"})
	if h.paid() != 2 || first.report.code != 0 || again.report.code != 0 {
		t.Errorf("%d jobs are paid; %d, %d", h.paid(), first.report.code, again.report.code)
	}
	h.pull(false, func(map[string]string) {})
	status := h.pipeline(event{name: "issue_comment", body: "/finetune status"})
	cancel := h.pipeline(event{name: "issue_comment", body: "/finetune cancel ops-tools"})
	all := h.comments()
	if len(all) != 2 || !strings.Contains(all[0], "running") || !strings.Contains(all[1], "cancelled") {
		t.Errorf("replies: %q\n%s\n%s", all, status.plan.log, cancel.plan.log)
	}
	h.inputs["wait"] = "5m"
	retried := h.pipeline(event{name: "issue_comment", body: "/finetune retry ops-tools"})
	h.wantStatus(headSHA, "success", "pass")
	if h.paid() != 3 || retried.report.code != 0 {
		t.Errorf("%d jobs are paid, want 3\n%s", h.paid(), retried.report.log)
	}
}

// Five legs in jobs of their own, one of which fails the gate: one comment with all of them, one status, one artifact of all files, at
// most sixty requests to GitHub, and the exit codes that say so to the workflow.
func TestHostedFiveLegsOneFails(t *testing.T) {
	t.Parallel()
	h := newHosted(t, 0)
	h.inputs["wait"] = "5m"
	h.five(true)
	h.pull(false, oneMore)
	out := h.pipeline(event{name: "issue_comment", body: "/finetune"})
	if len(out.tunes) != 5 || out.report.code != exitFail {
		t.Fatalf("%d legs, report %d\n%s", len(out.tunes), out.report.code, out.report.log)
	}
	for _, j := range out.tunes {
		if j.code != exitPass {
			t.Errorf("a leg's job ends with %d\n%s", j.code, j.log)
		}
	}
	h.wantStatus(headSHA, "failure", "1 of 5 legs, office-desk")
	if all := h.comments(); len(all) != 1 || strings.Count(all[0], "\n| ✅ pass ") != 4 || strings.Count(all[0], "\n| ❌ fail ") != 1 {
		t.Errorf("comments: %q", all)
	}
	if n := len(h.hub.Requests()); n > 60 {
		t.Errorf("%d requests to GitHub, want at most 60", n)
	} else {
		t.Logf("%d requests to GitHub", n)
	}
	var files []string
	for _, a := range h.hub.Artifacts() {
		if a.Name == "tunegate-report" {
			z, err := zip.NewReader(bytes.NewReader(a.Archive), int64(len(a.Archive)))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range z.File {
				files = append(files, f.Name)
			}
		}
	}
	for _, want := range []string{"reports/report.json", "reports/report.html", "reports/finetuning_results.md", "reports/next_steps.md", "models/ops-tools.json"} {
		if !slices.Contains(files, want) {
			t.Errorf("the artifact has no %s: %q", want, files)
		}
	}
	if h.paid() != 5 {
		t.Errorf("%d jobs are paid", h.paid())
	}
}

// A night that does not pass opens one issue, the next one keeps to it, and one that passes closes it.
func TestHostedNightlyIssue(t *testing.T) {
	t.Parallel()
	h := newHosted(t, 0)
	h.inputs["wait"] = "5m"
	good := h.trees[mainSHA]
	h.five(true)
	h.pipeline(event{name: "schedule"})
	h.pipeline(event{name: "schedule"})
	issues := h.hub.Issues()
	if len(issues) != 1 || issues[0].State != "open" || !strings.Contains(issues[0].Body, "office-desk") {
		t.Fatalf("issues: %+v", issues)
	}
	h.commit(mainSHA, good)
	h.pipeline(event{name: "schedule"})
	if issues = h.hub.Issues(); len(issues) != 1 || issues[0].State != "closed" {
		t.Errorf("issues: %+v", issues)
	}
}

// The table of docs/github.md: what each cause costs, five agents of eight hours on a service, counted in started minutes. A job that
// launches is counted twice, for the 90 seconds that it stays at a service whose list may lag; here the service is our own.
func TestHostedRunnerMinutes(t *testing.T) {
	t.Parallel()
	h := newHosted(t, 0)
	h.five(false)
	h.held.Store(true)
	spent := func(do func()) int {
		before := h.paid()
		from := h.jobs
		do()
		return h.jobs - from + h.paid() - before
	}
	h.pull(false, func(files map[string]string) { files["README.md"] = "x\n" })
	untouched := spent(func() { h.pipeline(event{name: "pull_request"}) })
	h.pull(false, oneMore)
	push := spent(func() { h.pipeline(event{name: "pull_request"}) })
	launch := spent(func() { h.pipeline(event{name: "issue_comment", body: "/finetune"}) })
	look := 0
	const every, lasts = 2, 8 // hours
	whole := launch
	for hour := every; hour <= lasts; hour += every {
		look = spent(func() { h.resume() })
		whole += look
	}
	h.wantStatus(headSHA, "pending", "")
	h.held.Store(false)
	last := 0
	h.until(func() bool { last = spent(func() { h.resume() }); return h.settled() })
	whole += max(last, 2) // looking, and asking the questions
	h.wantStatus(headSHA, "success", "pass")
	same := spent(func() { h.pipeline(event{name: "pull_request"}) })
	body, err := os.ReadFile("../../docs/github.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{
		fmt.Sprintf("| no input touched, fork or not | %d for each workflow |", untouched), fmt.Sprintf("| pull request, nothing to launch | %d |", push),
		fmt.Sprintf("| `/finetune`, the button, the night: launch and leave | %d |", launch), fmt.Sprintf("| the same, nothing changed since | %d |", same),
		fmt.Sprintf("| each look of the workflow that resumes | %d |", look), fmt.Sprintf("| eight hours of fine-tuning, from the comment to the verdict | %d at most |", whole),
	} {
		if !strings.Contains(string(body), row) {
			t.Errorf("docs/github.md has no row %s", row)
		}
	}
	if whole > 20 {
		t.Errorf("%d runner minutes, want at most 20", whole)
	}
}

// A push while a fine-tune runs: the record of the launch goes on with the new head, whose data is the same, and launches nothing.
func TestHostedResumeFollowsTheHead(t *testing.T) {
	t.Parallel()
	h := newHosted(t, 0)
	h.held.Store(true)
	h.pull(false, oneMore)
	h.pipeline(event{name: "issue_comment", body: "/finetune"})
	h.wantStatus(headSHA, "pending", "running")
	moved := githubtest.SHA(0xabc008)
	h.commit(moved, h.trees[headSHA])
	h.hub.AddPull(githubtest.Pull{Number: 7, HeadSHA: moved, BaseSHA: mainSHA, Files: changed("data/ticket-router/train.jsonl", "README.md")})
	h.head = moved
	h.pipeline(event{name: "pull_request"})
	h.wantStatus(moved, "pending", "running")
	if out := h.resume(); out.start.outputs["do"] != "nothing" {
		t.Errorf("too early: %v", out.start.outputs)
	}
	h.held.Store(false)
	h.until(func() bool { h.resume(); state, _ := h.status(moved); return state != "pending" })
	h.wantStatus(moved, "success", "pass")
	h.resume()
	if s := h.hub.WorkflowState("tunegate-resume.yml"); h.paid() != 2 || s != "disabled_manually" {
		t.Errorf("%d jobs are paid, the workflow is %s", h.paid(), s)
	}
}
