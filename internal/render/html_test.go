package render

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

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
	for _, name := range []string{"pass", "fail", "audit-stop", "pending", "hostile", "history", "no-leg"} {
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
