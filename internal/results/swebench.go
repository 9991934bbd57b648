package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// document reads a file that is one JSON object: a report of the SWE-bench harness. What was resolved scores 1, what else was
// tried 0, an empty patch and one that does not apply included.
func (p *parser) document(data []byte) {
	top, err := object(data)
	if err != nil {
		p.mistake(p.brokenAt(data), err.Error(), "accepted: "+Accepted)
		return
	}
	p.file.Format, p.file.Metric = "SWE-bench report", "resolved"
	has := func(keys ...string) bool {
		return !slices.ContainsFunc(keys, func(k string) bool { return top[k] == nil })
	}
	switch {
	case has("legs", "schema"):
		p.mistake(0, "is a report of a run, which does not hold the score of every test", "accepted: "+Accepted)
	case has("resolved_ids"):
		p.current(top)
	case has("resolved", "generated"):
		p.older(top)
	case has("resolved"):
		p.mistake(0, "lists what was resolved, but not what was tried", "the report that the SWE-bench harness itself writes has both")
	default:
		p.nested(top)
	}
}

// current reads schema 2, in which every list is called …_ids (swebench/harness/reporting.py).
func (p *parser) current(top map[string]json.RawMessage) {
	tried := p.list(top, "submitted_ids")
	if tried == nil {
		// Offshoots of the harness leave this list out, but have each test in one of these.
		for _, key := range []string{"resolved_ids", "unresolved_ids", "empty_patch_ids", "error_ids"} {
			tried = append(tried, p.list(top, key)...)
		}
	}
	p.scored(tried, p.list(top, "resolved_ids"), p.list(top, "infra_failure_ids"))
}

// older reads a report of before schema 2 (swebench.metrics.get_model_report), in which "none" is the first name of "no_generation".
func (p *parser) older(top map[string]json.RawMessage) {
	tried := p.list(top, "generated")
	tried = append(tried, p.list(top, "no_generation")...)
	tried = append(tried, p.list(top, "none")...)
	p.scored(tried, p.list(top, "resolved"), nil)
}

// nested reads the two forms in which each key holds an object: repositories with lists, and instances with resolved.
func (p *parser) nested(top map[string]json.RawMessage) {
	names := make([]string, 0, len(top))
	for name := range top {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		inner, err := object(top[name])
		switch resolved := string(inner["resolved"]); {
		case err == nil && inner["generated"] != nil && inner["resolved"] != nil:
			p.older(inner)
		case err == nil && (resolved == "true" || resolved == "false"):
			score := Score{ID: name}
			if resolved == "true" {
				score.Value = 1
			}
			p.add(score)
		default:
			p.mistake(0, fmt.Sprintf("is JSON, but no result file: its key %s is not what a known format has", quoted(name)), "accepted: "+Accepted)
			return
		}
	}
}

// scored adds the tests that were tried.
func (p *parser) scored(tried, resolved, failed []string) {
	won, lost := make(map[string]bool, len(resolved)), make(map[string]bool, len(failed))
	for _, id := range resolved {
		won[id] = true
	}
	for _, id := range failed {
		lost[id] = true
	}
	all := make(map[string]bool, len(tried))
	for _, id := range tried {
		all[id] = true
		switch {
		case won[id]:
			p.add(Score{ID: id, Value: 1})
		case lost[id]:
			p.file.Failed = append(p.file.Failed, id)
		default:
			p.add(Score{ID: id})
		}
	}
	for _, id := range resolved {
		if !all[id] {
			p.mistake(0, fmt.Sprintf("%s is resolved, but not among the tests that were tried", quoted(id)), "")
		}
	}
}

// list reads a list of ids; nil where there is no such key.
func (p *parser) list(top map[string]json.RawMessage, key string) []string {
	raw, ok := top[key]
	if !ok {
		return nil
	}
	ids := []string{}
	if json.Unmarshal(raw, &ids) != nil || slices.Contains(ids, "") {
		p.mistake(0, fmt.Sprintf("%s is not a list of ids", key), "")
	}
	return ids
}

// brokenAt is the line on which a document stops being JSON, 0 where it is JSON.
func (p *parser) brokenAt(data []byte) int {
	var v json.RawMessage
	err := json.Unmarshal(data, &v)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return p.lineOf(data, int(syntax.Offset)-1)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return p.lineOf(data, len(data))
	}
	return 0
}
