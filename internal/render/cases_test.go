package render

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tunegate/tunegate/internal/advice"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/report"
)

func number(v float64) *float64 { return &v }

// newReport is a report over legs, as a run with a budget leaves it.
func newReport(legs ...report.Leg) report.Report {
	r := report.Report{
		Tunegate: "test", Name: "week-2", Profile: "speed", Started: time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC), Margin: 0.1, Rule: "significant",
		Legs: legs, Seconds: 754.2, Estimate: &report.Money{TrainingUSD: 12.5, BenchmarkUSD: 0.8}, Budget: number(100), MaxHours: number(10),
	}
	deadline := r.Started.Add(10 * time.Hour)
	r.Deadline = &deadline
	for i := range r.Legs {
		course(r.Started, i, &r.Legs[i])
	}
	r.Complete()
	return r
}

// course gives the i-th leg of a run what its plots are made of, as far as it came.
func course(start time.Time, i int, l *report.Leg) {
	a := &l.Audit
	a.Lengths = &report.Lengths{Unit: "tokens", Min: 21, P50: 64 + i, P90: 140, P99: 231, Max: 4096}
	for from, n := range []int{90, 2210, 5100, 3890, 1980, 820, 410, 220, 130, 80, 40, 20} {
		a.Lengths.Bins = append(a.Lengths.Bins, report.Bin{From: from * 20, To: from*20 + 19, Examples: n})
	}
	a.Lengths.Bins = append(a.Lengths.Bins, report.Bin{From: 240, To: 4096, Examples: 10})
	if i%3 != 2 {
		a.Answers = &report.Answers{Different: 27, Examples: 14990}
		for k := range 27 {
			name := []string{"track_order", "cancel_order", "refund", "change_address", "talk_to_a_person", "payment_methods"}[k%6]
			a.Answers.Most = append(a.Answers.Most, report.Frequency{Answer: fmt.Sprintf("%s_%d", name, k/6+1), Examples: 3400 / (k + 1)})
		}
	}
	at := start
	stage := func(name, phase string, seconds float64) {
		l.Stages = append(l.Stages, report.Stage{Name: name, Phase: phase, Began: at, Seconds: seconds})
		at = at.Add(time.Duration(seconds * float64(time.Second)))
	}
	stage("audit", "", 1.2+0.3*float64(i%5))
	if len(l.Phases) == 0 {
		stage("wait", "", 0.4)
		return
	}
	stage("wait", "", 2-0.3*float64(i%5)+20*float64(i/2))
	l.ReservedUSD = l.Estimate.Total()
	l.Phases = slices.Clone(l.Phases) // cases share legs
	for k := range l.Phases {
		p := &l.Phases[k]
		stage("launch", p.Name, 4)
		stage("queue", p.Name, 30+10*float64(i%4))
		stage("train", p.Name, 380+70*float64(i%3))
		if p.Decision != nil {
			stage("benchmark", p.Name, 20+15*float64(i%2))
		}
		for step := 1; step <= 60; step++ {
			x := float64(step)
			loss := report.Loss{Step: step * 25, Train: 0.12 + 2.1/(1+x/(4+float64(i%4))) + 0.08*math.Sin(x*1.7+float64(i))}
			if step%10 == 0 {
				loss.Valid = number(0.25 + 2.1/(1+x/(4+float64(i%4))))
			}
			p.Losses = append(p.Losses, loss)
		}
	}
	if l.Verdict == gate.Fail || l.Verdict == gate.Inconclusive {
		stage("advise", "", 11)
	}
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
	finish := time.Date(2026, 11, 22, 11, 5, 0, 0, time.UTC)
	waiting.Phases = []report.Phase{{Name: "full", Examples: 15000, Job: "ftjob-7", Status: "running", Attempt: 1, Launched: 1, CostUSD: 2.5, Finish: &finish}}

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
	thorough.Phases = append([]report.Phase{{Name: "trial", Examples: 100, Job: "ftjob-trial", Status: "succeeded", Attempt: 1, Model: "ft:trial", TrainedTokens: 16400, Decision: &gate.Decision{Verdict: gate.Pass, N: 60, Base: 0.7, Tuned: 0.8, Wins: 9, Losses: 3, P: 0.01}}}, thorough.Phases...)
	thorough.Margin, thorough.Rule = 0.25, "strict"

	points := tuned("points", gate.Fail, gate.Decision{N: 120, Base: 0.95, Tuned: 0.96, Improvement: number(0.01), Interval: [2]*float64{number(-0.02), number(0.04)}, P: 0.4, Wins: 4, Losses: 3, Ties: 113,
		Reasons: []string{"the observed gain falls short of the margin of 3 points"}})
	points.Margin, points.Measure, points.Rule = 0.03, "points", "significant"
	fewer := tuned("errors", gate.Pass, gate.Decision{N: 300, Base: 0.95, Tuned: 0.98, Improvement: number(0.6), Interval: [2]*float64{number(0.21), nil}, P: 0.002, Wins: 10, Losses: 1, Ties: 289,
		Reasons: []string{"shown to be better (p = 0.0020), and the observed gain reaches the margin of 15 % of the errors"}})
	fewer.Margin, fewer.Measure, fewer.Rule = 0.15, "errors", "significant"
	noErrors := tuned("no-errors", gate.Fail, gate.Decision{N: 300, Base: 1, Tuned: 0.99, P: 1, Losses: 3, Ties: 297, Reasons: []string{"better on 0 of 300 tests, worse on 3; the base makes no errors, so there is none to be rid of"}})
	noErrors.Margin, noErrors.Measure, noErrors.Rule = 0.15, "errors", "significant"

	guard := func(name string, v gate.Verdict, d gate.Decision) report.Guard {
		d.Verdict = v
		return report.Guard{Name: name, Tests: "data/" + name + ".jsonl", Grader: "includes", MaxLoss: 0.02, Available: 400, Asked: d.N, Decision: d}
	}
	same := guard("small-talk", gate.Pass, gate.Decision{N: 260, Base: 0.91, Tuned: 0.9138, Improvement: number(0.0038), Interval: [2]*float64{number(-0.017), number(0.025)}, P: 0.031, Wins: 4, Losses: 3, Ties: 253,
		Reasons: []string{"better on 4 of 260 tests, worse on 3; observed +0.4 points, at least -1.7 points with 95 % confidence", "shown to lose no more than the 2 points allowed (p = 0.0310)"}})
	forgot := guard("arithmetic", gate.Fail, gate.Decision{N: 120, Base: 0.8, Tuned: 0.65, Improvement: number(-0.15), Interval: [2]*float64{number(-0.26), number(-0.05)}, P: 1, Wins: 2, Losses: 20, Ties: 98,
		Reasons: []string{"better on 2 of 120 tests, worse on 20; observed -15.0 points, at most -5.0 points with 95 % confidence", "shown to lose more than the 2 points allowed"}})
	forgot.Flips = []report.Flip{flip("sum-4", "17 + 25", "42", "42", "track_order", -1)}
	few := guard("geography", gate.Inconclusive, gate.Decision{N: 20, Base: 0.9, Tuned: 0.9, Improvement: number(0), Interval: [2]*float64{number(-0.2), nil}, P: 0.7, Ties: 20, NeededN: 226,
		Reasons: []string{"better on 0 of 20 tests, worse on 0; observed +0.0 points", "not shown to lose no more than the 2 points allowed (p = 0.7000, needed below 0.05)"}})
	holds, forgets := tuned("support-router", gate.Pass, better()), tuned("bank-triage", gate.Pass, better())
	holds.Phases[0].Guards = []report.Guard{same}
	forgets.Verdict, forgets.Phases[0].Guards = gate.Fail, []report.Guard{same, forgot, few}
	forgets.Reasons = append([]string{"guard arithmetic: " + forgot.Decision.Reasons[0], forgot.Decision.Reasons[1], "guard geography: " + few.Decision.Reasons[0], few.Decision.Reasons[1]}, forgets.Reasons...)
	forgets.Next = []string{"the model has forgotten what the guard arithmetic asks: mix examples like it, though not its tests, into the training data, or train for fewer epochs"}

	soiled := failed
	soiled.Audit.Findings = nil
	for i := range 60 {
		f := diag.Finding{Rule: "exact-duplicate", Severity: diag.Warning, File: "data/train.jsonl", Line: 10 + 7*i, Message: fmt.Sprintf("the same example as in line %d", 9+5*i), Hint: "keep one of them", Related: []diag.Place{{File: "data/train.jsonl", Line: 9 + 5*i}}}
		switch i % 5 {
		case 1:
			f.Rule, f.Severity, f.Message, f.Hint = "length-outliers", diag.Info, fmt.Sprintf("%d tokens, where half of the examples have at most 64", 900+i), ""
		case 2:
			f.Rule, f.File, f.Message, f.Hint = "pii-email", "data/validation.jsonl", "an e-mail address of a person", "take it out, or replace it"
		case 4:
			f.Rule, f.Message, f.Hint, f.Lines = "contradiction", "the same prompt has two answers", "keep the right one", []int{10 + 7*i, 4000 + i, 9000 + i}
		}
		soiled.Audit.Findings = append(soiled.Audit.Findings, f)
	}

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
		"one-leg":      newReport(failed),
		"dirty":        newReport(soiled, unsure),
		"own-gate":     newReport(passed, thorough),
		"measures":     newReport(passed, points, fewer, noErrors),
		"guards":       newReport(holds, forgets, fromZero),
		"forty":        newReport(forty...),
		"hostile":      marked(hostile()),
		"long":         marked(strings.Repeat("a-very-long-name-without-a-space", 8)),
		"scripts":      scripts(),
		"narrow":       narrow(),
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
	bad := worse()
	bad.Verdict = gate.Fail
	p.Guards = []report.Guard{{Name: s, Tests: s, Grader: s, MaxLoss: 0.02, Available: 9, Asked: 9, Decision: bad, Flips: []report.Flip{flip(s, s, s, s, s, -1)}}}
	p.Benchmark.Flips = []report.Flip{flip(s, s, s, s, s, -1), flip(s, s, s, s, s, 1)}
	passed := tuned("y", gate.Pass, better())
	passed.ID, passed.Reasons, passed.Next = s, []string{s}, []string{s}
	p.Benchmark.Labels = []report.Label{{Label: s, Tests: 3, Wins: 1}}
	l.Advice = []advice.Step{{Do: s, Why: s, Effect: s, Rule: s, File: s, Lines: []int{3, 4}, Tests: []string{s, s}, Examples: []string{s}}}
	bare := leg(s, gate.Error, s)
	bare.Next = []string{s, "next: " + s}
	r := newReport(l, passed, bare)
	r.Name, r.Profile, r.Tunegate = s, s, s
	r.Changes = marks(s)
	for i := range r.Legs {
		l := &r.Legs[i]
		l.Audit.Lengths.Unit = s
		l.Audit.Answers = &report.Answers{Different: 2, Examples: 9, Most: []report.Frequency{{Answer: s, Examples: 5}, {Answer: "b" + s, Examples: 4}}}
		for k := range l.Stages {
			l.Stages[k].Name, l.Stages[k].Phase = s, s
		}
	}
	return r
}

// marks are changes of a manifest that say s.
func marks(s string) []diag.Finding {
	return []diag.Finding{{Rule: manifest.PolicyChange, Severity: diag.Info, File: s, Message: s, Hint: s}, {Rule: s, Severity: diag.Info, File: s, Message: "x is " + s, Hint: s}}
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
	hebrew.Phases[0].Benchmark.Labels = []report.Label{{Label: "מעקב אחרי הזמנה", Tests: 6, Base: 0.5, Tuned: 0.33, Losses: 1}, {Label: "ביטול", Tests: 4, Base: 1, Tuned: 1}}
	hebrew.Advice = []advice.Step{{Do: "check these examples of \"ביטול\"", Why: "3 tests for \"מעקב\" lie closest to them", File: "נתונים/אימון.jsonl", Lines: []int{4, 9}, Tests: []string{"בדיקה-1"}}}
	arabic := tuned("توجيه", gate.Inconclusive, unclear())
	return newReport(wide, hebrew, arabic, tuned("emoji-🎉🎉", gate.Pass, better()), tuned("e\u0301te\u0301", gate.Pass, better()))
}

// wideNames are names with words that are wider than a column of a table on a telephone, and others that browsers break anyway.
func wideNames() []string {
	return []string{
		"customer_support", "twelveletterswithoutanyseparatorinbetween", "a_b_c_d_e_f_g_h_i_j_k", "support_router_for_the_whole_of_the_northern_region_of_acme_2026", strings.Repeat("x", 63),
		"meta-llama/Llama-3.3-70B-Instruct", "gpt-4o-mini-2024-07-18", "ft:gpt-4o-mini-2024-07-18:acme:customer_support:9f1c", "WWWWWWWWWWWWWWWW",
		"客服路由与订单跟踪以及退货处理部门", "カスタマーサポートセンター", "고객지원라우터와주문추적", "שירותלקוחותומעקבהזמנות", "مستشفياتهموالمدارسوالجامعات", "دار_المعلمين", "सहायककेन्द्रसेवाविभाग", "ฝ่ายบริการลูกค้าสัมพันธ์",
		"🎉🎉🎉🎉🎉🎉🎉🎉", "team_👩‍💻👩🏽‍🚀🇩🇪🇫🇷_customers", "e\u0301te\u0301e\u0301te\u0301e\u0301te\u0301e\u0301te\u0301te\u0301", "<script>alert(1)</script>", `a\|b|c_d_e_f_g_h_i_j_k_l`, strings.Repeat("`", 30), strings.Repeat("-", 30),
	}
}

// narrow has such names wherever a table has one.
func narrow() report.Report {
	var legs []report.Leg
	for i, name := range wideNames() {
		l := []report.Leg{tuned(name, gate.Inconclusive, unclear()), tuned(name, gate.Fail, worse()), leg(name, gate.Pending, "not done"), leg(name, gate.Error, "the provider says: "+name+" is unknown")}[i%4]
		l.BaseModel = name
		if i%4 == 2 {
			l.Phases = []report.Phase{{Name: "full", Examples: 15000, Job: name, Status: name, Attempt: 1, Launched: 1}}
		}
		if i%4 == 1 {
			l.Phases[0].Guards = []report.Guard{{Name: name, Tests: "data/" + name + ".jsonl", Grader: "includes", MaxLoss: 0.02, Available: 400, Asked: 120, Decision: *l.Phases[0].Decision}}
		}
		legs = append(legs, l)
	}
	return newReport(legs...)
}

// many is a run of n legs with hostile texts wherever a text may stand, and long ones.
func many(n int) report.Report {
	s := hostile() + strings.Repeat(" and on and on", 60)
	bad := marked(s)
	r := newReport()
	for i := range n {
		l := bad.Legs[i%len(bad.Legs)]
		l.ID = fmt.Sprintf("leg-%d-%s", i, s)
		l.Reasons = append([]string{fmt.Sprintf("reason %d", i)}, l.Reasons...)
		r.Legs = append(r.Legs, l)
	}
	r.Complete()
	return r
}
