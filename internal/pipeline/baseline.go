package pipeline

import (
	"cmp"
	"slices"

	"github.com/tunegate/tunegate/internal/audit"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/manifest"
)

// OpenBaseline opens the baseline that the manifest names, nil if it names none. Mistakes in it are diag.Mistakes.
func OpenBaseline(m *manifest.Manifest) (*audit.Baseline, error) {
	if m.Audit.BaselinePath == "" {
		return nil, nil
	}
	return audit.OpenBaseline(m.Audit.BaselinePath, m.Audit.Baseline)
}

// Stale returns a finding for each entry of the baseline that nothing was found for, after all audits. b may be nil.
func Stale(m *manifest.Manifest, b *audit.Baseline) []diag.Finding {
	if b == nil {
		return nil
	}
	fs := b.Stale()
	for i := range fs {
		fs[i].Severity = cmp.Or(m.Audit.Severities[fs[i].Rule], fs[i].Severity)
	}
	return fs
}

// tellStale adds what is stale in the baseline to the first leg that was audited.
func (r *run) tellStale(legs []*leg) {
	i := slices.IndexFunc(legs, func(l *leg) bool { return l.train != nil })
	if i < 0 {
		return
	}
	found := &legs[i].out.Audit.Findings
	*found = append(*found, Stale(r.m, r.baseline)...)
	diag.Sort(*found)
}
