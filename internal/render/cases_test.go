package render

import (
	"fmt"
	"strings"
	"time"

	"github.com/tunegate/tunegate/internal/advice"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/report"
)

func number(v float64) *float64 { return &v }

// newReport is a report over legs, as a run with a budget leaves it.
func newReport(legs ...report.Leg) report.Report {
	r := report.Report{
		Tunegate: "test", Name: "week-2", Profile: "speed", Started: time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC), Margin: 0.1, Rule: "significant",
		Legs: legs, Seconds: 754.2, Estimate: &report.Money{TrainingUSD: 12.5, BenchmarkUSD: 0.8}, Budget: number(100),
	}
	r.Complete()
	return r
}

// leg is one that was stopped before anything was launched.
func leg(id string, v gate.Verdict, reasons ...string) report.Leg {
	return report.Leg{ID: id, Agent: id, Provider: "acme", BaseModel: "small-2", Verdict: v, Reasons: reasons, Seconds: 0.4,
		Audit: report.Audit{Rows: 15000, Messages: 45000, Tokens: 1234567}, Estimate: &report.Money{TrainingUSD: 2.5, BenchmarkUSD: 0.16}}
}

// tuned is a leg that was benchmarked.
func tuned(id string, v gate.Verdict, d gate.Decision) report.Leg {
	l := leg(id, v, d.Reasons...)
	l.Seconds = 613
	d.Verdict = v
	l.Phases = []report.Phase{{
		Name: "full", Examples: 15000, Key: strings.Repeat("ab", 32), Job: "ftjob-" + id, Status: "succeeded", Attempt: 1, Model: "ft:small-2:acme:" + id + ":9f1c",
		Launched: 1, TrainingTokens: 820000, TrainedTokens: 2460000, FinalLoss: number(0.1234567), TrainSeconds: 590, CostUSD: 2.46, Decision: &d,
		Benchmark: &report.Benchmark{Grader: "exact", Available: 300, Asked: d.N, InputTokens: 90000, OutputTokens: 1200, Seconds: 20},
	}}
	return l
}

func better() gate.Decision {
	return gate.Decision{N: 60, Base: 0.6, Tuned: 0.85, Improvement: number(0.41667), Interval: [2]*float64{number(0.12), number(0.83)}, P: 0.00041, Wins: 18, Losses: 3, Ties: 39,
		Reasons: []string{"better on 18 of 60 tests, worse on 3; observed +41.7 %, at least +12.0 % with 95 % confidence", "shown to be better (p = 0.0004), and the observed gain reaches the margin of 10 %"}}
}

func worse() gate.Decision {
	return gate.Decision{N: 120, Base: 0.7, Tuned: 0.66, Improvement: number(-0.0571), Interval: [2]*float64{number(-0.14), number(0.02)}, P: 0.93, Wins: 6, Losses: 11, Ties: 103,
		Reasons: []string{"better on 6 of 120 tests, worse on 11; observed -5.7 %, the true value between -14.0 % and +2.0 % with 90 % confidence", "the observed gain falls short of the margin of 10 %"}}
}

func unclear() gate.Decision {
	return gate.Decision{N: 12, Base: 0.5, Tuned: 7. / 12, Improvement: number(1. / 6), P: 0.3438, Wins: 3, Losses: 2, Ties: 7, NeededN: 230,
		Reasons: []string{"better on 3 of 12 tests, worse on 2; observed +16.7 %", "the observed gain reaches the margin of 10 %, but could be chance (p = 0.3438, needed below 0.05)",
			"about 230 tests in all would settle it, if the models go on to differ as they did on these 12"}}
}

func flip(test, input, ideal, base, tuned string, gain float64) report.Flip {
	return report.Flip{Test: test, Input: input, Ideal: ideal, Base: report.Answer{Text: base, Score: (1 - gain) / 2}, Tuned: report.Answer{Text: tuned, Score: (1 + gain) / 2}, Gain: gain}
}

// cases are the reports that the goldens show.
func cases() map[string]report.Report {
	passed := tuned("support-router", gate.Pass, better())
	passed.Next = []string{"try ft:small-2:acme:support-router:9f1c on real traffic beside the base model (A/B) before it replaces it"}
	passed.Phases[0].Benchmark.Flips = []report.Flip{
		flip("t-7", "where is my parcel", "track_order", "track_order", "cancel_order", -1),
		flip("t-1", "I want to cancel the order I made this morning, and the one from last week too", "cancel_order", "track_order", "cancel_order", 1),
	}
	passed.Phases[0].Benchmark.Labels = []report.Label{{Label: "track_order", Tests: 9, Base: 1, Tuned: 8. / 9, Losses: 1}, {Label: "refund", Tests: 4, Base: 0.5, Tuned: 0.5},
		{Label: "cancel_order", Tests: 7, Base: 2. / 7, Tuned: 1, Wins: 5}}
	passed.Phases[0].Benchmark.Repeats, passed.Phases[0].Benchmark.Cached, passed.Phases[0].Benchmark.Refused = 3, 60, 1
	again := tuned("bank-triage", gate.Pass, better())
	again.Next = []string{"try ft:small-2:acme:bank-triage:9f1c on real traffic beside the base model (A/B) before it replaces it"}
	again.Phases[0].Launched, again.Phases[0].CostUSD = 0, 0.003
	fromZero := tuned("voice-tools", gate.Pass, gate.Decision{N: 10, Base: 0, Tuned: 1, P: 0.0054, Wins: 10,
		Reasons: []string{"better on 10 of 10 tests, worse on 0; the base scores 0 and the tuned model 1.000, so there is no relative improvement"}})

	failed := tuned("commit-labeler", gate.Fail, worse())
	failed.Next = []string{"go through the audit's 2 warnings, contradictions first", "add examples of the answers that are wrong most often, as varied as real requests are"}
	failed.Audit.Contaminated = []string{"c-11", "c-57"}
	failed.Audit.Findings = []diag.Finding{
		{Rule: "contamination", Severity: diag.Warning, File: "data/train.jsonl", Line: 12, Message: "the training data has the test c-11", Hint: "take it out of one of the two", Related: []diag.Place{{File: "data/bench.jsonl", Line: 11}}},
		{Rule: "contamination", Severity: diag.Warning, File: "data/train.jsonl", Line: 88, Message: "the training data has the test c-57", Hint: "take it out of one of the two"},
		{Rule: "label-imbalance", Severity: diag.Info, File: "data/train.jsonl", Message: "91 % of the answers are one and the same"},
	}
	failed.Advice = []advice.Step{
		{Do: "check these examples of \"fix\": they read like requests for \"perf\"", Why: "4 tests for \"perf\" lie closest to examples of \"fix\"", Effect: "4 of 120 tests: at most +3.3 points for the tuned model",
			File: "data/train.jsonl", Lines: []int{88, 1204}, Tests: []string{"c-11", "c-90"}, Examples: []string{"c-90: \"speed up cold start\" wants \"perf\", got \"fix\"; line 1204: \"speed up start\" → \"fix\""}},
		{Do: "remove the examples that give tests away", Why: "2 warning findings contamination in data/train.jsonl, 2 lines", Effect: "their tests are left out", Rule: "contamination", File: "data/train.jsonl", Lines: []int{12, 88}},
	}
	failed.Phases[0].Benchmark.LeftOut, failed.Phases[0].Benchmark.Failed = 2, 1

	unsure := tuned("home-assistant", gate.Inconclusive, unclear())
	unsure.Next = []string{"add tests: about 230 would settle it, 12 were asked"}

	waiting := leg("bank-triage", gate.Pending, "not done in time: job ftjob-7 is running and goes on at acme")
	waiting.Next = []string{"run the same command again later; it launches nothing twice"}
	waiting.Phases = []report.Phase{{Name: "full", Examples: 15000, Job: "ftjob-7", Status: "running", Attempt: 1, Launched: 1, CostUSD: 2.5}}

	dirty := leg("support-router", gate.Fail, "the audit found 1 critical problem, so nothing was launched")
	dirty.Next = []string{"mend data/train.jsonl:3:75: weight is 2, expected 0 or 1 [bad-weight]: leave it out, or write 0 or 1"}
	dirty.Audit.Findings = []diag.Finding{{Rule: "bad-weight", Severity: diag.Critical, File: "data/train.jsonl", Line: 3, Col: 75, Message: "weight is 2, expected 0 or 1", Hint: "leave it out, or write 0 or 1"}}
	held := func(id string) report.Leg {
		return leg(id, gate.Inconclusive, "not started, because of support-router")
	}
	stopped := newReport(dirty, held("bank-triage"), held("home-assistant"))

	broken := leg("voice-tools", gate.Error, "job ftjob-9 has failed: the training file has 3 examples, at least 10 are needed")
	broken.Next = []string{"mend the cause, then allow another attempt with --attempts 2"}
	broken.Phases = []report.Phase{{Name: "full", Examples: 15000, Job: "ftjob-9", Status: "failed", Attempt: 2, Launched: 1, Extra: []string{"ftjob-10"}}}

	thorough := tuned("commit-labeler", gate.Fail, worse())
	thorough.Phases = append([]report.Phase{{Name: "trial", Examples: 100, Job: "ftjob-trial", Status: "succeeded", Attempt: 1, Model: "ft:trial", TrainedTokens: 16400, Decision: &gate.Decision{N: 60, Base: 0.7, Tuned: 0.8, Wins: 9, Losses: 3, P: 0.01}}}, thorough.Phases...)
	thorough.Margin, thorough.Rule = 0.25, "strict"

	var forty []report.Leg
	for i := range 40 {
		id := fmt.Sprintf("agent-%02d", i+1)
		switch {
		case i == 7:
			l := failed
			l.ID, l.Agent = id, id
			forty = append(forty, l)
		case i == 20 || i == 21:
			l := unsure
			l.ID, l.Agent = id, id
			forty = append(forty, l)
		default:
			forty = append(forty, tuned(id, gate.Pass, better()))
		}
	}
	nothing := report.Report{}
	nothing.Complete()
	return map[string]report.Report{
		"pass":         newReport(passed, again, fromZero),
		"fail":         newReport(passed, failed),
		"inconclusive": newReport(unsure),
		"pending":      newReport(passed, waiting),
		"audit-stop":   stopped,
		"error":        newReport(passed, broken),
		"own-gate":     newReport(passed, thorough),
		"forty":        newReport(forty...),
		"hostile":      marked(hostile()),
		"long":         marked(strings.Repeat("a-very-long-name-without-a-space", 8)),
		"scripts":      scripts(),
		"no-leg":       nothing,
	}
}

// hostile is a text that tries to leave its place in every way at once.
func hostile() string {
	return "# x\n\n| a | b |\n| - | - |\n<script>alert(1)</script> </details> <!-- [x](http://x.example) ![i](//x.example/i.png) <http://x.example> www.x.example " +
		"a@x.example @everyone #1 GH-2 o/r@0123456 `` ` ``` ~~~ **b** _e_ ~~s~~ $x$ \\| \\` \\ &lt; &#64;you \x1b[31mred\x1b[0m \x07 \u202eover\u202c \u2066iso\u2069 \u200b zero \U000e0041 \x00 z\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307 \u2028 - end"
}

// marked puts a text in every place of a report that data, models, services or manifests fill.
func marked(s string) report.Report {
	l := tuned("x", gate.Fail, worse())
	l.ID, l.Agent, l.Provider, l.BaseModel, l.Rule, l.Margin = s, s, s, s, s, 0.1
	l.Reasons, l.Next = []string{s, "reason: " + s}, []string{s, "next: " + s}
	l.Audit.Contaminated = []string{s, s}
	l.Audit.Findings = []diag.Finding{{Rule: s, Severity: diag.Warning, File: s, Line: 3, Message: s, Hint: s}, {Rule: "r", Severity: diag.Critical, File: s, Message: "about " + s}}
	p := l.Last()
	p.Name, p.Job, p.Status, p.Model, p.Extra = s, s, s, s, []string{s}
	p.Benchmark.Grader = s
	p.Benchmark.Flips = []report.Flip{flip(s, s, s, s, s, -1), flip(s, s, s, s, s, 1)}
	passed := tuned("y", gate.Pass, better())
	passed.ID, passed.Reasons, passed.Next = s, []string{s}, []string{s}
	p.Benchmark.Labels = []report.Label{{Label: s, Tests: 3, Wins: 1}}
	l.Advice = []advice.Step{{Do: s, Why: s, Effect: s, Rule: s, File: s, Lines: []int{3, 4}, Tests: []string{s, s}, Examples: []string{s}}}
	bare := leg(s, gate.Error, s)
	bare.Next = []string{s, "next: " + s}
	r := newReport(l, passed, bare)
	r.Name = s
	return r
}

// scripts has names and texts that are wide or run from right to left.
func scripts() report.Report {
	wide := tuned("客服路由", gate.Pass, better())
	wide.Next = []string{"try 模型一号 on real traffic"}
	wide.Phases[0].Benchmark.Flips = []report.Flip{flip("测试-1", "我想取消今天早上下的订单", "取消订单", "查询订单", "取消订单", 1), flip("テスト-2", "注文をキャンセルしたい", "キャンセル", "追跡", "キャンセル", 1)}
	hebrew := tuned("תמיכה-בלקוחות", gate.Fail, worse())
	hebrew.Next = []string{"look at בדיקה-1 first"}
	hebrew.Phases[0].Benchmark.Flips = []report.Flip{flip("בדיקה-1", "אני רוצה לבטל את ההזמנה (מספר 12)", "ביטול", "ביטול", "מעקב", -1)}
	hebrew.Audit.Findings = []diag.Finding{{Rule: "contradiction", Severity: diag.Warning, File: "נתונים/אימון.jsonl", Line: 4, Message: "the prompt «שלום» has two answers", Hint: "keep one"}}
	arabic := tuned("توجيه", gate.Inconclusive, unclear())
	return newReport(wide, hebrew, arabic, tuned("emoji-🎉🎉", gate.Pass, better()), tuned("e\u0301te\u0301", gate.Pass, better()))
}
