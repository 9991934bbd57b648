package render

import (
	"math"
	"testing"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/report"
)

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{duration(-1), "0.0 s"}, {duration(0.04), "0.0 s"}, {duration(9.94), "9.9 s"}, {duration(9.96), "10 s"}, {duration(59.4), "59 s"}, {duration(59.6), "1 min 0 s"},
		{duration(754.2), "12 min 34 s"}, {duration(3599.6), "1 h 0 min"}, {duration(7500), "2 h 5 min"}, {duration(1e300), "2.78e+296 h"},
		{dollars(0), "$0.00"}, {dollars(0.004), "< $0.01"}, {dollars(0.005), "$0.01"}, {dollars(144.8), "$144.80"}, {dollars(1e300), "$1e+300"},
		{share(0.1), "10 %"}, {share(0.125), "12.5 %"}, {score(2. / 3), "66.7 %"},
		{improvement(nil), "from 0"}, {improvement(number(-0.0001)), "+0.0 %"}, {improvement(number(0.41667)), "+41.7 %"}, {improvement(number(2.333)), "+233 %"}, {improvement(number(-1)), "-100 %"},
		{tightUnits("better by 10 % (p = 0.0004) or p < 0.0001"), "better by 10\u00a0% (p\u00a0=\u00a00.0004) or p\u00a0<\u00a00.0001"}, {tightUnits("p &lt; 0.0001"), "p\u00a0&lt;\u00a00.0001"}, {tightUnits("stop = 1"), "stop = 1"},
		{pValue(0.00001), "p < 0.0001"}, {pValue(0.0314), "p = 0.0314"},
		{interval(&gate.Decision{}, ""), ""}, {interval(&gate.Decision{Interval: [2]*float64{number(0.1), nil}}, ""), " (at\u00a0least\u00a0+10.0\u00a0%)"},
		{interval(&gate.Decision{Interval: [2]*float64{number(0.1), number(2592)}}, ""), " (at\u00a0least\u00a0+10.0\u00a0%)"},
		{interval(&gate.Decision{Interval: [2]*float64{nil, number(-0.2)}}, ""), " (at\u00a0most\u00a0-20.0\u00a0%)"},
		{interval(&gate.Decision{Interval: [2]*float64{number(0.02), number(0.1)}}, "points"), " (+2.0\u00a0to +10.0)"},
		{margin(0.1, "relative"), "10 %"}, {margin(0.06, "points"), "6 points"}, {margin(0.15, "errors"), "15 % of the errors"},
		{betterBy(0.1, "relative"), "10 % better"}, {betterBy(0.06, "points"), "6 points better"}, {betterBy(0.15, "errors"), "15 % fewer errors"},
		{gain(number(0.4), "errors"), "+40.0 % of errors"}, {gain(number(-0.06), "points"), "-6.0 points"}, {gain(nil, "errors"), "from no errors"}, {gain(nil, "relative"), "from 0"},
		{plural(1, "job"), "1 job"}, {plural(0, "job"), "0 jobs"}, {plural(1200, "test"), "1,200 tests"},
		{some([]string{"a", "b", "c"}, 2), "a, b and 1 more"}, {some(nil, 2), ""},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// A commit status says the margin in the measure that the legs have in common.
func TestStatusLineSaysTheMeasure(t *testing.T) {
	passed := func(id, measure string, base, gain *float64) report.Leg {
		d := better()
		d.Improvement, d.Base = gain, *base
		l := tuned(id, gate.Pass, d)
		l.Rule, l.Margin, l.Measure = "significant", 0.1, measure
		return l
	}
	good, none, gain := number(0.95), number(1), number(0.4)
	for want, legs := range map[string][]report.Leg{
		"pass: 1 of 1 leg, observed +40.0 %, asked for 10 %":                                                     {passed("a", "relative", good, gain)},
		"pass: 1 of 1 leg, observed +40.0 points, asked for 10 points":                                           {passed("a", "points", good, gain)},
		"pass: 1 of 1 leg, observed +40.0 % of errors, asked for 10 % of the errors":                             {passed("a", "errors", good, gain)},
		"pass: 2 of 2 legs, observed +40.0 % of errors or more, or from no errors, asked for 10 % of the errors": {passed("a", "errors", good, gain), passed("b", "errors", none, nil)},
		"pass: 2 of 2 legs, each reaches what its gate asks for":                                                 {passed("a", "errors", good, gain), passed("b", "points", good, gain)},
	} {
		if got := StatusLine(newReport(legs...)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// A leg that keeps its own tests and not a guard is said to fail for the guard, not for its tests.
func TestStatusLineSaysTheGuard(t *testing.T) {
	if got, want := StatusLine(cases()["guards"]), "fail: 1 of 3 legs, bank-triage -15.0 points on the guard arithmetic, which may lose 2 points: not held"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLaunches(t *testing.T) {
	phase := func(launched int, job string) report.Leg {
		return report.Leg{Phases: []report.Phase{{Launched: launched, Job: job}}}
	}
	for want, legs := range map[string][]report.Leg{
		"nothing launched":           {{}},
		"nothing launched, 2 reused": {phase(0, "a"), phase(0, "b")},
		"1 job launched":             {phase(1, "a")},
		"3 jobs launched, 1 reused":  {phase(1, "a"), phase(2, "b"), phase(0, "c")},
		"nothing launched, 1 reused": {phase(0, "a"), phase(0, "")},
	} {
		r := report.Report{Legs: legs}
		r.Complete()
		if got := launches(r); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// A report that was read from a file may hold anything that JSON can say.
func TestPagesOfOddReports(t *testing.T) {
	odd := tuned("x", "no such verdict", better())
	odd.Seconds, odd.CostUSD = math.MaxFloat64, -math.MaxFloat64
	odd.Phases[0].Decision.N, odd.Phases[0].Decision.Base = -5, -math.MaxFloat64
	odd.Phases[0].Benchmark.Flips = make([]report.Flip, 1)
	odd.Phases[0].FinalLoss = number(-math.MaxFloat64)
	for _, r := range []report.Report{{}, {Legs: []report.Leg{{}}}, newReport(odd), {Legs: []report.Leg{odd}, Agents: make([]report.Agent, 7), Seconds: math.MaxFloat64}} {
		for _, page := range []string{Results(r), Audit(r), Next(r), render(t, r, Screen{}), render(t, r, Screen{Width: 30, Colour: true})} {
			if page == "" {
				t.Error("an empty page")
			}
		}
	}
}
