package main

import (
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/gate"
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
