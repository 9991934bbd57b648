package pipeline

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tunegate/tunegate/internal/bench"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/grade"
	"github.com/tunegate/tunegate/internal/localtune/wiretest"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/openaiapi"
	"github.com/tunegate/tunegate/internal/report"
	"github.com/tunegate/tunegate/internal/suite"
)

// both is the samples of one test.
func both(id string, base, tuned float64) []bench.Sample {
	return []bench.Sample{{Test: id, Arm: baseArm, Score: base, Answer: "base of " + id}, {Test: id, Arm: tunedArm, Score: tuned, Answer: "tuned of " + id}}
}

// A test without an answer from one of the models is neither won nor lost.
func TestPair(t *testing.T) {
	samples := slices.Concat(both("a", 0, 1), both("b", 1, 0), both("c", 1, 1), both("d", 0, 0), both("e", 0.5, 0.25))
	samples[2].Error = "no base"
	samples[5].Error = "no tuned"
	samples[6].Error, samples[7].Error = "neither", "nor"
	pairs, failed := pair(samples)
	if want := []gate.Pair{{ID: "a", Base: 0, Tuned: 1}, {ID: "e", Base: 0.5, Tuned: 0.25}}; !slices.Equal(pairs, want) {
		t.Errorf("pairs %v, want %v", pairs, want)
	}
	var why []string
	for _, s := range failed {
		why = append(why, s.Test+": "+s.Error)
	}
	if want := []string{"b: no base", "c: no tuned", "d: neither"}; !slices.Equal(why, want) {
		t.Errorf("failed %q, want %q", why, want)
	}
}

// The report shows some of the tests that the models answer differently, those that were lost first.
func TestFlips(t *testing.T) {
	var tests []suite.Test
	var samples []bench.Sample
	add := func(id string, base, tuned float64) {
		tests = append(tests, suite.Test{ID: id, Input: []suite.Message{{Role: "system", Content: "s"}, {Role: "user", Content: "about " + id}}, Ideal: []string{"ideal of " + id, "another"}})
		samples = append(samples, both(id, base, tuned)...)
	}
	for i := range 15 {
		add(fmt.Sprintf("won-%d", i), 0, 1)
		add(fmt.Sprintf("same-%d", i), 1, 1)
	}
	for i := range 12 {
		add(fmt.Sprintf("lost-%d", i), 1, 0)
	}
	add("slightly", 1, 0.75)
	samples[0].Error = "no answer" // won-0
	got := flips(tests, samples)
	var ids []string
	for _, f := range got {
		ids = append(ids, f.Test)
	}
	var want []string
	for i := range shownFlips {
		want = append(want, fmt.Sprintf("lost-%d", i))
	}
	for i := range shownFlips {
		want = append(want, fmt.Sprintf("won-%d", i+1))
	}
	if !slices.Equal(ids, want) {
		t.Errorf("flips %q, want %q", ids, want)
	}
	first := report.Flip{Test: "lost-0", Input: "about lost-0", Ideal: "ideal of lost-0", Gain: -1,
		Base: report.Answer{Text: "base of lost-0", Score: 1}, Tuned: report.Answer{Text: "tuned of lost-0", Score: 0}}
	if got[0] != first {
		t.Errorf("the first is %+v, want %+v", got[0], first)
	}
}

func TestShort(t *testing.T) {
	for _, s := range []string{"", "a", strings.Repeat("x", shownText), strings.Repeat("客", shownText), strings.Repeat("é", shownText), "x" + strings.Repeat("🎉", shownText), strings.Repeat("\xbf", 2*shownText)} {
		got := short(s)
		head, cut := strings.CutSuffix(got, "…")
		if len(head) > shownText || !strings.HasPrefix(s, head) || cut != (len(s) > shownText) || utf8.ValidString(s) && !utf8.ValidString(got) {
			t.Errorf("short(%.12q, %d bytes) = %.12q, %d bytes", s, len(s), got, len(got))
		}
	}
}

func TestPolicy(t *testing.T) {
	g := manifest.Gate{MinImprovement: 0.2, Measure: manifest.MeasurePoints, Rule: manifest.RuleSignificant, OnInconclusive: manifest.InconclusiveFails}
	want := gate.Policy{Margin: 0.2, Measure: gate.Points, Rule: gate.Significant, Sequential: true}
	if got := policy(g, manifest.StopEarly); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	g.OnInconclusive = manifest.InconclusivePasses
	for _, stop := range []manifest.Stop{manifest.StopNever, manifest.StopQuick} {
		if got := policy(g, stop); got.Sequential || got.OnInconclusive != gate.Pass {
			t.Errorf("stop %s: %+v", stop, got)
		}
	}
}

// An agent with a gate of its own is judged by it, and the report says so.
func TestOwnGate(t *testing.T) {
	m := load(t, service(t, nil), 2, "gate: {min_improvement: 5%}\n")
	m.Agents[1].Gate.MinImprovement, m.Agents[1].Gate.Rule = 100, manifest.RuleStrict
	r := start(t, m)
	if got, want := verdicts(r), "pass inconclusive"; got != want {
		t.Errorf("verdicts %q, want %q; %q", got, want, r.Legs[1].Reasons)
	}
	if r.Margin != 0.05 || r.Legs[0].Margin != 0.05 || r.Legs[1].Margin != 100 || r.Legs[0].Rule != "significant" || r.Legs[1].Rule != "strict" {
		t.Errorf("report %v; legs %v by %s, %v by %s", r.Margin, r.Legs[0].Margin, r.Legs[0].Rule, r.Legs[1].Margin, r.Legs[1].Rule)
	}
}

// A breakdown by label adds up, and there is none where every test wants something else.
func TestLabels(t *testing.T) {
	var tests []suite.Test
	var pairs []gate.Pair
	add := func(id, ideal string, base, tuned float64) {
		tests = append(tests, suite.Test{ID: id, Ideal: []string{ideal}})
		pairs = append(pairs, gate.Pair{ID: id, Base: base, Tuned: tuned})
	}
	for i := range 4 {
		add(fmt.Sprint("a", i), "won", 0, 1)
		add(fmt.Sprint("b", i), `{"name":"lost","arguments":{"n":`+fmt.Sprint(i)+`}}`, 1, float64(i%2))
	}
	got := labels(tests, pairs, gate.Policy{})
	want := []report.Label{{Label: "lost", Tests: 4, Base: 1, Tuned: 0.5, Losses: 2}, {Label: "won", Tests: 4, Tuned: 1, Wins: 4}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for i := range tests {
		tests[i].Ideal[0] = fmt.Sprint(i)
	}
	if got := labels(tests, pairs, gate.Policy{}); got != nil {
		t.Errorf("labels of one test each: %+v", got)
	}
	for i := range tests {
		tests[i].Ideal[0] = "same"
	}
	if got := labels(tests, pairs, gate.Policy{}); got != nil {
		t.Errorf("one label: %+v", got)
	}
}

// Over real connections too, a benchmark takes about as long as the service: sixteen at a time, 50 ms each.
func TestConcurrencyOverHTTP(t *testing.T) {
	s := httptest.NewServer(wiretest.CheckRequests(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(50 * time.Millisecond)
		fmt.Fprint(w, `{"choices":[{"message":{"role":"assistant","content":"a"}}]}`)
	})))
	defer s.Close()
	client, err := openaiapi.New(openaiapi.Config{BaseURL: s.URL + "/v1"})
	if err != nil {
		t.Fatal(err)
	}
	grader, err := grade.New("exact", "")
	if err != nil {
		t.Fatal(err)
	}
	asked := new(bench.Pace).Over(client)
	p := bench.Plan{Arms: []bench.Arm{{Name: baseArm, Model: "b", Completer: asked}, {Name: tunedArm, Model: "t", Completer: asked}}, Grader: grader, Concurrency: concurrency}
	for i := range 160 {
		p.Tests = append(p.Tests, suite.Test{ID: fmt.Sprint(i), Input: []suite.Message{{Role: "user", Content: "q"}}, Ideal: []string{"a"}})
	}
	began := time.Now()
	samples, err := bench.Run(t.Context(), p)
	took, ideal := time.Since(began), 320*50*time.Millisecond/concurrency
	if err != nil || len(samples) != 320 || samples[319].Score != 1 || took > 3*ideal { // the machine may be busy
		t.Errorf("%v, %d samples after %v, ideal is %v", err, len(samples), took, ideal)
	}
	t.Logf("%v, %.2f of the ideal %v", took, took.Seconds()/ideal.Seconds(), ideal)
}

// Which tests a service fails on may depend on what the answer would have been: neither may a run stop early on what is left,
// nor may it pass where the unanswered tests could have turned it.
func TestUnansweredTestsCountAgainstAPass(t *testing.T) {
	policy := gate.Policy{Margin: 0.1, Sequential: true, Total: 300}
	var pairs []gate.Pair
	for i := range 40 {
		p := gate.Pair{ID: fmt.Sprint("t", i)}
		if i < 30 {
			p.Tuned = 1
		} else {
			p.Base, p.Tuned = 1, 1
		}
		pairs = append(pairs, p)
	}
	failed := func(n int) (all []bench.Sample) {
		for i := range n {
			all = append(all, bench.Sample{Test: fmt.Sprint("f", i), Arm: tunedArm, Error: "refused"})
		}
		return all
	}
	if !settled(pairs, nil, policy) || !settled(pairs, failed(1), policy) {
		t.Error("thirty wins to none are not enough, with one test unanswered")
	}
	if settled(pairs, failed(13), policy) {
		t.Error("thirteen of 53 tests are unanswered, and the run stops as if they were won")
	}
	five := []gate.Pair{{ID: "a", Tuned: 1}, {ID: "b", Tuned: 1}, {ID: "c", Tuned: 1}, {ID: "d", Tuned: 1}, {ID: "e", Tuned: 1}}
	fixed := gate.Policy{Margin: 0.1}
	if gate.Decide(five, fixed).Verdict != gate.Pass || gate.Decide(worst(five, failed(1)), fixed).Verdict == gate.Pass {
		t.Error("five wins to none pass, but not with a sixth test lost")
	}
}
