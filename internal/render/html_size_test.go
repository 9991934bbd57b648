package render

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/report"
)

// fiveAgents is a run like that of the example, with as much in it as a benchmark leaves: fifty labels, twenty flips.
func fiveAgents() report.Report {
	var legs []report.Leg
	for i := range 5 {
		l := tuned(fmt.Sprintf("agent-%d", i+1), gate.Pass, better())
		b := l.Phases[0].Benchmark
		for k := range 20 {
			b.Flips = append(b.Flips, flip(fmt.Sprintf("t-%d", k), strings.Repeat("where is my parcel ", 21), "track_order", "cancel_order", "track_order", float64(1-k%2*2)))
		}
		for k := range 50 {
			b.Labels = append(b.Labels, report.Label{Label: fmt.Sprintf("label_%d", k), Tests: 9, Base: .4, Tuned: .9, Wins: 5, Losses: k % 2})
		}
		legs = append(legs, l)
	}
	return newReport(legs...)
}

func TestHTMLOfFiveAgentsIsSmall(t *testing.T) {
	if n := len(HTML(fiveAgents(), nil)); n > 300_000 {
		t.Errorf("%d bytes", n)
	}
}

// However many legs, and whatever they hold, the page stays one that a browser opens; the verdict, each leg's row, and what is left
// out are on it.
func TestHTMLIsBounded(t *testing.T) {
	_, past := withPast()
	for _, n := range []int{256, 1000} {
		page := HTML(many(n), past)
		if len(page) > 3<<20 {
			t.Errorf("%d legs: %d bytes", n, len(page))
		}
		for _, want := range []string{`<h1><span class="verdict v-error">`, "legs more, with all reasons and answers, in report.json.", fmt.Sprintf("the first 100 legs of the table; those of %d more legs are left out.", n-100)} {
			if !strings.Contains(page, want) {
				t.Errorf("%d legs: the page does not say %q", n, want)
			}
		}
		if rows := strings.Count(page, `<th scope="row" role="rowheader"><a href="#leg-`) + strings.Count(page, `<th scope="row" role="rowheader"><bdi>`); rows < min(n, listedLegs) {
			t.Errorf("%d legs: %d rows", n, rows)
		}
	}
}

// A report from elsewhere may hold any number that JSON can.
func TestHTMLOfAbsurdNumbers(t *testing.T) {
	for _, v := range []float64{0, -1, 1e308, -1e308, 5e-324, math.MaxInt64} {
		r := newReport(tuned("a", gate.Pass, better()), tuned("b", gate.Fail, worse()))
		r.Seconds, r.Budget, r.MaxHours, r.Margin = v, &v, &v, v
		for i := range r.Legs {
			l := &r.Legs[i]
			l.Seconds, l.CostUSD, l.ReservedUSD, l.Margin = v, v, v, v
			l.Estimate = &report.Money{TrainingUSD: v, BenchmarkUSD: v}
			d := l.Phases[0].Decision
			d.Improvement, d.Interval, d.P, d.Base = &v, [2]*float64{&v, &v}, v, v
			for k := range l.Phases[0].Losses {
				l.Phases[0].Losses[k].Step, l.Phases[0].Losses[k].Train = int(max(min(v, 1e18), -1e18))*k, v*float64(1-k%2*2)
			}
			for k := range l.Stages {
				l.Stages[k].Seconds = v
				if i == 1 {
					l.Stages[k].Began = time.Date(1+9000*k%9999, 1, 1, 0, 0, 0, 0, time.UTC)
				}
			}
			n := int(max(min(v, 1e18), -1e18))
			l.Audit.Lengths = &report.Lengths{Max: n, Bins: []report.Bin{{From: n, To: -n, Examples: n}, {From: 1, To: n, Examples: 3}}}
			l.Audit.Answers = &report.Answers{Different: n, Examples: -n, Most: []report.Frequency{{Answer: "a", Examples: n}, {Answer: "b", Examples: 1}}}
		}
		past := &History{Name: r.Name}
		past.Add(r)
		r.Started = r.Started.Add(time.Hour)
		for _, svg := range pictures(HTML(r, past)) {
			wellFormed(t, svg)
		}
	}
}

func BenchmarkHTML(b *testing.B) {
	r := fiveAgents()
	page := ""
	for b.Loop() {
		page = HTML(r, nil)
	}
	b.ReportMetric(float64(len(page)), "bytes")
}
