package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/audit"
	"github.com/tunegate/tunegate/internal/catalog"
	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/grade"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/report"
	"github.com/tunegate/tunegate/internal/suite"
	"github.com/tunegate/tunegate/internal/tokens"
)

// AuditOptions say how Audit looks. The zero value is the quick audit.
type AuditOptions struct {
	Deep     bool
	Progress func(done, total int64) // see audit.Input
	Baseline *audit.Baseline         // what it accepts is counted and not reported; nil: none
}

// Audit audits one agent's data: its training file, and its validation file and tests where it names them.
func Audit(ctx context.Context, m *manifest.Manifest, a manifest.Agent, o AuditOptions) (report.Audit, error) {
	l := newLeg(m, a)
	err := l.read(ctx, m, o)
	return l.out.Audit, err
}

// read opens the files and audits them. A person's mistakes in them are findings, not an error.
func (l *leg) read(ctx context.Context, m *manifest.Manifest, o AuditOptions) error {
	l.unaudited = append(l.unaudited, l.ending(m)...)
	if err := l.open(m); err != nil || l.train == nil {
		l.out.Audit.Findings = l.unaudited
		return err
	}
	return l.judge(ctx, m, o)
}

// open opens the files, and leaves out the tests that cannot count.
func (l *leg) open(m *manifest.Manifest) (err error) {
	findings := &l.unaudited
	if l.train, err = take(findings, func() (*dataset.File, error) { return dataset.Open(l.agent.TrainPath, l.agent.Train) }); err != nil {
		return err
	}
	if l.agent.Validation != "" {
		if l.valid, err = take(findings, func() (*dataset.File, error) { return dataset.Open(l.agent.ValidationPath, l.agent.Validation) }); err != nil {
			return err
		}
	}
	if l.agent.Tests != "" {
		if l.tests, err = take(findings, l.openTests); err != nil {
			return err
		}
	}
	l.written, l.available = l.tests, len(l.tests.Tests)
	again, found := repeated(l.tests)
	*findings = append(append(*findings, l.tests.Findings...), found...)
	l.tests = l.tests.Without(again)
	l.distinct = l.tests
	if l.agent.Grader.Name != "" {
		grader, err := l.grader()
		if err != nil {
			return err
		}
		*findings = append(*findings, unmeasurable(grader, l.tests)...)
	}
	return l.openGuards(m)
}

// judge audits the open files. A second, deeper look takes the place of the first; the tests that it leaves out are then
// those of both.
func (l *leg) judge(ctx context.Context, m *manifest.Manifest, o AuditOptions) error {
	encoding, err := tokens.Load(catalog.Encoding(l.agent.BaseModel))
	if err != nil {
		return err
	}
	in, policy := l.asked(m, encoding, o)
	res, err := audit.Run(ctx, in, policy)
	findings := slices.Clone(l.unaudited)
	if err != nil {
		_, err = take(&findings, func() (struct{}, error) { return struct{}{}, err })
		l.out.Audit.Findings = findings
		return err
	}
	l.audit, l.deep = res, o.Deep
	left := res.Findings
	if o.Baseline != nil {
		if left, l.out.Audit.Accepted, err = o.Baseline.Accept(ctx, in, left); err != nil {
			return err
		}
	}
	findings = append(findings, left...)
	diag.Sort(findings)
	l.out.Audit.Findings = findings
	l.out.Audit.Rows, l.out.Audit.Messages, l.out.Audit.Tokens = l.audit.Totals.Rows, l.audit.Totals.Messages, int64(l.audit.Totals.Tokens)
	l.out.Audit.Contaminated = l.audit.Contaminated
	spread(&l.out.Audit, l.audit)
	l.tests = l.tests.Without(l.audit.Contaminated)
	return nil
}

// asked returns what the audit is given.
func (l *leg) asked(m *manifest.Manifest, encoding *tokens.Encoding, o AuditOptions) (audit.Input, audit.Policy) {
	known, _ := catalog.Lookup(l.agent.BaseModel)
	return audit.Input{Train: l.train, Validation: l.valid, Tests: l.distinct, Encoding: encoding, TrainingContext: known.TrainingContext, Deep: o.Deep, Progress: o.Progress},
		audit.Policy{MaxDuplicates: m.Audit.MaxDuplicates, MaxContamination: m.Audit.MaxContamination, Severities: m.Audit.Severities}
}

// repeated finds the tests that ask the same as another one: under ten ids it would count as ten proofs. The first stays
// where all others have an ideal in common with it. Else none stays, since nobody knows which is right. Tests of programs
// are repeated only if they are equal: many programs are right.
func repeated(s suite.Suite) (ids []string, found []diag.Finding) {
	type question struct {
		first, other suite.Test // other wants another answer than the first; zero: none does
		ideals       map[string]bool
	}
	questions, of := map[string]*question{}, make([]*question, len(s.Tests))
	for i, t := range s.Tests {
		key := t.Hash()
		if asked := t; t.Code == nil {
			asked.Ideal = nil
			key = asked.Hash()
		}
		q := questions[key]
		if q == nil {
			q = &question{first: t, ideals: map[string]bool{}}
			questions[key] = q
			for _, ideal := range t.Ideal {
				q.ideals[strings.TrimSpace(ideal)] = true
			}
		}
		if of[i] = q; q.other.Line == 0 && !slices.ContainsFunc(t.Ideal, func(ideal string) bool { return q.ideals[strings.TrimSpace(ideal)] }) {
			q.other = t
		}
	}
	for i, t := range s.Tests {
		q, f := of[i], diag.Finding{Severity: diag.Warning, File: s.File, Line: t.Line}
		another := q.first
		switch {
		case q.other.Line > 0:
			if slices.ContainsFunc(t.Ideal, func(ideal string) bool { return q.ideals[strings.TrimSpace(ideal)] }) {
				another = q.other
			}
			f.Rule, f.Hint = "contradictory-test", "keep the right one; where both are right, keep one with both in its list of ideals"
			f.Message = fmt.Sprintf("the test %s asks the same as %s and wants another answer: both are left out", t.ID, another.ID)
		case t.Line == q.first.Line:
			continue
		default:
			f.Rule, f.Hint = "duplicate-test", "ask something else; a question counts once"
			f.Message = fmt.Sprintf("the test %s asks the same as %s, and is left out", t.ID, another.ID)
		}
		f.Related = []diag.Place{{File: s.File, Line: another.Line}}
		ids, found = append(ids, t.ID), append(found, f)
	}
	return ids, found
}

// unmeasurable finds the tests that no answer could pass, before a model is asked.
func unmeasurable(g grade.Grader, s suite.Suite) (found []diag.Finding) {
	for _, t := range s.Tests {
		if err := g.CheckTest(t); err != nil {
			found = append(found, diag.Finding{Rule: "bad-ideal", Severity: diag.Critical, File: s.File, Line: t.Line,
				Message: fmt.Sprintf("no answer to the test %s can be right: %v", t.ID, err), Hint: "mend the ideal, or choose another grader"})
		}
	}
	return found
}

// take turns a person's mistakes into findings and hands on every other error.
func take[T any](findings *[]diag.Finding, open func() (T, error)) (T, error) {
	v, err := open()
	var mistakes diag.Mistakes
	if errors.As(err, &mistakes) {
		*findings = append(*findings, mistakes...)
		err = nil
	}
	return v, err
}
