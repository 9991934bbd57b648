package results

import (
	"encoding/json"
	"slices"
	"strings"
)

// notMetrics are the keys of a sample of lm-evaluation-harness that are no metrics, for files of versions that do not list them.
func notMetrics() []string {
	return []string{"doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics", "doc_hash", "prompt_hash", "target_hash"}
}

// sample is what is kept of a row until it is known which metric counts.
type sample struct {
	line          int
	id            json.RawMessage
	filter, asked string
	values        map[string]json.RawMessage // by metric
}

// samples reads the samples of lm-evaluation-harness: a row for each test and filter, with a key for each metric.
func (p *parser) samples(data []byte) {
	p.file.Format = "lm-evaluation-harness samples"
	metric, filter, _ := strings.Cut(p.options.Metric, ",")
	metrics, filters := make(map[string]bool), make(map[string]bool)
	var rows []sample
	p.eachRow(data, func(line int, row map[string]json.RawMessage) {
		s := sample{line, row["doc_id"], text(row["filter"]), text(row["doc_hash"]) + text(row["prompt_hash"]) + text(row["target_hash"]), make(map[string]json.RawMessage)}
		filters[s.filter] = true
		for _, name := range metricsOf(row) {
			metrics[name] = true
			s.values[name] = row[name]
		}
		rows = append(rows, s)
	})
	if len(p.mistakes) > 0 {
		return
	}
	metric, problem := choose("metric", metric, keys(metrics))
	if problem == "" {
		filter, problem = choose("filter", filter, keys(filters))
	}
	if problem != "" {
		p.mistake(0, problem, "--metric NAME picks a metric, --metric NAME,FILTER that of a filter")
		return
	}
	p.file.Metric = metric
	if filter != "" {
		p.file.Metric += "," + filter
	}
	for _, s := range rows {
		if s.filter != filter {
			continue
		}
		id, problem := idOf("doc_id", s.id)
		var value float64
		if problem == "" {
			value, problem = number(metric, s.values[metric])
		}
		if problem != "" {
			p.mistake(s.line, problem, "")
			continue
		}
		p.add(Score{ID: id, Value: value, Line: s.line, Asked: s.asked})
	}
}

// metricsOf names the metrics of a row: those it lists or, where it lists none, its keys that hold a number.
func metricsOf(row map[string]json.RawMessage) []string {
	var listed []string
	if json.Unmarshal(row["metrics"], &listed) == nil && len(listed) > 0 {
		return listed
	}
	var names []string
	for key, raw := range row {
		if _, problem := number(key, raw); problem == "" && !slices.Contains(notMetrics(), key) {
			names = append(names, key)
		}
	}
	return names
}

// text is a JSON text, or "" for anything else.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

func keys(set map[string]bool) []string {
	var out []string
	for k := range set {
		out = append(out, k)
	}
	return out
}
