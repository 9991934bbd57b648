package pipeline

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tunegate/tunegate/internal/catalog"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/localtune/wiretest"
	"github.com/tunegate/tunegate/internal/report"
)

// A run that launches nothing judges what is there, waits for what is on its way, and makes nothing at the provider.
func TestFindOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := hostedManifest(t, 2, "")
		w := &watched{account: account{length: 8 * time.Hour, latency: time.Second}}
		o := Options{State: t.TempDir(), Getenv: func(string) string { return "" }, Transport: wiretest.CheckSent(t, w)}
		tuned := func(find bool, wait time.Duration, state string, legs ...string) report.Report {
			t.Helper()
			o := o
			o.FindOnly, o.Wait, o.State, o.Legs = find, wait, state, legs
			w.sent, w.kind = nil, nil
			doc, err := Run(t.Context(), m, o)
			if err != nil {
				t.Fatal(err)
			}
			return doc
		}
		quiet := func(what string) {
			t.Helper()
			for request := range w.kind {
				if strings.HasPrefix(request, "POST ") || strings.HasPrefix(request, "DELETE ") {
					t.Errorf("%s: the request %s was sent", what, request)
				}
			}
		}
		doc := tuned(true, -1, t.TempDir())
		quiet("nothing is there")
		if verdicts(doc) != "pending pending" || doc.Launched != 0 || doc.CostUSD != 0 || w.made != 0 {
			t.Errorf("nothing is there: %s", wording(doc))
		}
		for _, l := range doc.Legs {
			if l.Last().Status != report.Untuned || !strings.HasPrefix(l.Reasons[0], "not tuned yet") || len(l.Next) != 1 || !strings.Contains(l.Next[0], "/finetune") {
				t.Errorf("%+v", l)
			}
		}
		if jobs, n, err := Retry(t.Context(), m, func() Options { o := o; o.FindOnly = true; return o }()); n != 0 || err != nil || w.made != 0 {
			t.Errorf("retry launched %d: %+v, %v", n, jobs, err)
		}

		// One is on its way: it is adopted, and waited for as long as is asked.
		tuned(false, 0, t.TempDir(), "agent-0")
		if doc = tuned(true, time.Hour, t.TempDir()); verdicts(doc) != "pending pending" || !strings.Contains(doc.Legs[0].Reasons[0], "ftjob-1") || doc.Legs[0].Last().Job != "ftjob-1" {
			t.Errorf("on its way: %s", wording(doc))
		}
		quiet("on its way")
		if doc = tuned(true, -1, t.TempDir()); verdicts(doc) != "pass pending" || doc.Launched != 0 || w.made != 1 {
			t.Errorf("waited for: %s, %d made", wording(doc), w.made)
		}

		// It is there: it is judged at once.
		if doc = tuned(true, 0, t.TempDir()); verdicts(doc) != "pass pending" || w.made != 1 || w.kind["POST /v1/chat/completions"] == 0 || w.kind["POST /v1/files"]+w.kind["POST /v1/fine_tuning/jobs"] > 0 {
			t.Errorf("there: %s, %v", wording(doc), w.kind)
		}
		if doc.Verdict != gate.Pending {
			t.Errorf("in all %s", doc.Verdict)
		}
	})
}

// A fine-tune that has failed is not tried again, however many attempts are allowed.
func TestFindOnlyAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := hostedManifest(t, 1, "")
		w := &watched{account: account{length: time.Hour, fails: `{"message":"bad luck","code":"server_error"}`}}
		o := Options{State: t.TempDir(), Wait: -1, Getenv: func(string) string { return "" }, Transport: wiretest.CheckSent(t, w)}
		if doc, err := Run(t.Context(), m, o); err != nil || verdicts(doc) != "error" {
			t.Fatalf("%v, %s", err, wording(doc))
		}
		o.FindOnly, o.Attempts = true, 5
		doc, err := Run(t.Context(), m, o)
		if err != nil || verdicts(doc) != "error" || w.made != 1 || !strings.Contains(doc.Legs[0].Reasons[0], "bad luck") || !strings.Contains(doc.Legs[0].Reasons[0], "not tried again: this run launches nothing") {
			t.Errorf("%v, %d made, %s", err, w.made, wording(doc))
		}
	})
}

// A benchmark costs too: in CI a fine-tune that is there is not judged without a cap, and not beyond one.
func TestFindOnlyNeedsACap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, m := checkouts(t, nil)
		m.Prices["hosted-model"] = catalog.Price{InputPerMillion: 1000, OutputPerMillion: 1000}
		w := &watched{account: account{length: time.Hour}}
		o := Options{State: t.TempDir(), Wait: -1, Getenv: keys, Transport: wiretest.CheckSent(t, w), Trust: &Trust{Base: m, Hosts: bound(t, "llm.example.com=ACME_API_KEY")}}
		if doc, err := Run(t.Context(), m, Options{State: t.TempDir(), Wait: 0, Getenv: keys, Transport: wiretest.CheckSent(t, w)}); err != nil || doc.Launched != 2 {
			t.Fatalf("%v, %s", err, wording(doc))
		}
		time.Sleep(2 * time.Hour)
		o.FindOnly = true
		asked := func() (report.Report, int) {
			w.kind = nil
			doc, err := Run(t.Context(), m, o)
			if err != nil {
				t.Fatal(err)
			}
			return doc, w.kind["POST /v1/chat/completions"]
		}
		m.Budget.MaxCostUSD = nil
		if doc, n := asked(); n > 0 || verdicts(doc) != "inconclusive inconclusive" || !strings.Contains(wording(doc), "set the input max-cost-usd") {
			t.Errorf("without a cap %d questions were asked: %s", n, wording(doc))
		}
		cent := 0.01
		o.MaxCostUSD = &cent
		if doc, n := asked(); n > 0 || !strings.Contains(wording(doc), "over the budget") {
			t.Errorf("beyond the cap %d questions were asked: %s", n, wording(doc))
		}
		plenty := 100.0
		o.MaxCostUSD = &plenty
		if doc, n := asked(); n == 0 || verdicts(doc) != "pass pass" {
			t.Errorf("within the cap %d questions were asked: %s", n, wording(doc))
		}
	})
}
