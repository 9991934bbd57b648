package render

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/report"
)

// pages are the pages of all cases, one of them among past runs.
func pages() map[string]string {
	out := map[string]string{}
	for name, r := range cases() {
		out[name] = HTML(r, nil)
	}
	r, past := withPast()
	out["history"] = HTML(r, past)
	out["many"] = HTML(many(256), past)
	return out
}

// withPast is a run with earlier ones of the same manifest.
func withPast() (report.Report, *History) {
	all := cases()
	past := &History{Name: "week-2", Notes: []string{"old/report.json: the report has schema 0, this program reads 1"}}
	for i := range 40 {
		r := all[[]string{"pass", "fail", "pass", "error", "inconclusive"}[i%5]]
		r.Started = r.Started.Add(-time.Duration(40-i) * 24 * time.Hour)
		r.Legs = slices.Clone(r.Legs)
		for k := range r.Legs {
			l := &r.Legs[k]
			l.Phases = slices.Clone(l.Phases)
			if p := l.Last(); p != nil && p.Decision != nil && p.Decision.Improvement != nil {
				d := *p.Decision
				d.Improvement = number(*d.Improvement * (0.7 + 0.02*float64(i%20)))
				p.Decision = &d
			}
		}
		past.Add(r)
	}
	return all["fail"], past
}

// TestHTMLGolden compares some pages with what they were, and writes all of them to the folder that TUNEGATE_PAGES names, for
// those who look at them (.ci/axe).
func TestHTMLGolden(t *testing.T) {
	all := pages()
	for _, name := range []string{"pass", "fail", "audit-stop", "pending", "hostile", "history", "no-leg", "measures", "guards"} {
		golden(t, name+".html", all[name])
	}
	if dir := os.Getenv("TUNEGATE_PAGES"); dir != "" {
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if err := os.WriteFile(filepath.Join(dir, name+".html"), []byte(all[name]), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// What is measured differently shares no axis, and each axis says what it counts.
func TestMeasuresShareNoAxis(t *testing.T) {
	for _, c := range byMeasure(cases()["measures"].Legs, func(int) string { return "" }) {
		wants := map[string]struct {
			legs []string
			tick string
		}{
			"Improvement in percent of the base's score":  {[]string{"support-router"}, ">+20 %<"},
			"Improvement in points":                       {[]string{"points"}, ">+2 pts<"},
			"Improvement in percent of the base's errors": {[]string{"errors", "no-errors"}, ">+20 %<"},
		}
		want, ok := wants[c.Title]
		if got := each(c.Plot.Rows, func(r plotRow) string { return r.Name }); !ok || !slices.Equal(got, want.legs) {
			t.Errorf("%s: the legs %v", c.Title, got)
		}
		if picture := string(c.Plot.Picture); !strings.Contains(picture, want.tick) || strings.Contains(picture, "pts<") && strings.Contains(picture, " %<") {
			t.Errorf("%s: the ticks are wrong in %s", c.Title, picture)
		}
	}
}

// Runs that measured a leg otherwise than the latest one are left out of its plot, and said to be.
func TestHistoryMixesNoMeasures(t *testing.T) {
	past := &History{Name: "week-2"}
	run := func(day int, measure string, gain float64) report.Report {
		d := better()
		d.Improvement = number(gain)
		l := tuned("router", gate.Pass, d)
		l.Margin, l.Rule, l.Measure = 0.01, "point", measure
		r := newReport(l)
		r.Started = r.Started.AddDate(0, 0, day)
		return r
	}
	past.Add(run(1, "relative", 0.4))
	past.Add(run(2, "", 0.5)) // of a document that knows one measure only
	past.Add(run(3, "points", 0.02))
	v := past.view(run(4, "points", 0.03))
	if len(v.Charts) != 1 {
		t.Fatalf("%d plots", len(v.Charts))
	}
	p := v.Charts[0].Plot
	if want := "+2.0 points in the first of 2 runs, +3.0 points in the last; margin 1 point. Not drawn: 2 runs in another measure."; p.Said != want {
		t.Errorf("it says %q, want %q", p.Said, want)
	}
	if picture := string(p.Picture); strings.Count(picture, `class="dot"`) != 2 || !strings.Contains(picture, " pts<") || strings.Contains(picture, " %<") {
		t.Errorf("drawn is %s", picture)
	}
	if v := past.view(run(4, "errors", 0.3)); len(v.Charts) != 0 {
		t.Error("a plot of one run")
	}
}
