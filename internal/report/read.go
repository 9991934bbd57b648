package report

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/manifest"
)

// maxSize bounds what Read takes in.
const maxSize = 256 << 20

// Read decodes a report of the schema that is known here. Verdict, lines of the agents and sums are worked out anew from the
// legs, whatever the document says of them. Names that stand for something (of legs, verdicts, rules, measures, phases) are checked: they become
// names of files, and choices; other texts are as they come.
func Read(r io.Reader) (Report, error) {
	return read(r, maxSize)
}

func read(r io.Reader, limit int64) (Report, error) {
	var doc Report
	body, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return doc, fmt.Errorf("reading the report: %w", err)
	}
	if int64(len(body)) > limit {
		return doc, fmt.Errorf("the report is larger than %d MiB", limit>>20)
	}
	// The schema first: a document of another one may differ anywhere.
	var known struct {
		Schema int `json:"schema"`
	}
	if err := json.Unmarshal(body, &known); err != nil {
		return doc, fmt.Errorf("reading the report: %w", err)
	}
	if known.Schema != Schema {
		return doc, fmt.Errorf("the report has schema %d, this program reads %d", known.Schema, Schema)
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return Report{}, fmt.Errorf("reading the report: %w", err)
	}
	if err := doc.check(); err != nil {
		return Report{}, fmt.Errorf("reading the report: %w", err)
	}
	doc.Complete()
	return doc, nil
}

// digest is a SHA-256 in hexadecimal.
var digest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// check refuses names that this program would not have written.
func (r *Report) check() error {
	seen := map[string]bool{}
	for _, id := range r.Expected {
		if !manifest.IsName(id) || seen[id] {
			return fmt.Errorf("expected holds %.80q, which cannot be the id of a leg, or is there twice", id)
		}
		seen[id] = true
	}
	if !isRule(r.Rule) {
		return fmt.Errorf("there is no rule %.80q", r.Rule)
	}
	if !isMeasure(r.Measure) {
		return fmt.Errorf("there is no measure %.80q", r.Measure)
	}
	for i := range r.Legs {
		l := &r.Legs[i]
		if !manifest.IsName(l.ID) {
			return fmt.Errorf("%.80q cannot be the id of a leg", l.ID)
		}
		if gate.Worst(l.Verdict) != l.Verdict {
			return fmt.Errorf("leg %s: there is no verdict %.80q", l.ID, l.Verdict)
		}
		if l.Inputs != "" && !digest.MatchString(l.Inputs) {
			return fmt.Errorf("leg %s: %.80q is no digest of its inputs", l.ID, l.Inputs)
		}
		if l.Rule != "" && !isRule(l.Rule) {
			return fmt.Errorf("leg %s: there is no rule %.80q", l.ID, l.Rule)
		}
		if !isMeasure(l.Measure) {
			return fmt.Errorf("leg %s: there is no measure %.80q", l.ID, l.Measure)
		}
		for _, p := range l.Phases {
			if p.Name != "trial" && p.Name != "sample" && p.Name != "full" {
				return fmt.Errorf("leg %s: there is no phase %.80q", l.ID, p.Name)
			}
			if d := p.Decision; d != nil && gate.Worst(d.Verdict) != d.Verdict {
				return fmt.Errorf("leg %s: there is no verdict %.80q", l.ID, d.Verdict)
			}
		}
	}
	return nil
}

func isMeasure(name string) bool {
	return slices.Contains(gate.Measures(), gate.Measure(measured(name)))
}

func isRule(name string) bool { return slices.Contains(gate.Rules(), gate.Rule(name)) }
