package pipeline

import (
	"context"

	"github.com/tunegate/tunegate/internal/audit"
	"github.com/tunegate/tunegate/internal/catalog"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/report"
	"github.com/tunegate/tunegate/internal/tokens"
)

// Fix makes cleaned copies of the agents' training and validation data in the folder scratch, see audit.Fix. Of o, the
// progress counts alone: cleaning is always deep, and cleans what a baseline accepts too. It returns the copies, each file once,
// and what an audit of them shows, of all agents together. Files that cannot be read at all are diag.Mistakes.
func Fix(ctx context.Context, m *manifest.Manifest, agents []manifest.Agent, o AuditOptions, scratch string) ([]audit.Copy, report.Audit, error) {
	var jobs []audit.Job
	var left report.Audit
	for _, a := range agents {
		l := newLeg(m, a)
		if err := l.open(m); err != nil {
			return nil, left, err
		}
		if l.train == nil || l.valid == nil && a.Validation != "" {
			return nil, left, diag.Mistakes(l.unaudited)
		}
		encoding, err := tokens.Load(catalog.Encoding(a.BaseModel))
		if err != nil {
			return nil, left, err
		}
		in, policy := l.asked(m, encoding, o)
		jobs = append(jobs, audit.Job{Input: in, Policy: policy})
		left.Findings = append(left.Findings, l.unaudited...)
	}
	copies, results, err := audit.Fix(ctx, jobs, scratch)
	if err != nil {
		return nil, left, err
	}
	for _, res := range results {
		left.Findings = append(left.Findings, res.Findings...)
		left.Rows += res.Totals.Rows
		left.Messages += res.Totals.Messages
		left.Tokens += res.Totals.Tokens
	}
	diag.Sort(left.Findings)
	return copies, left, nil
}
