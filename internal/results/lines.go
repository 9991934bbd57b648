package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// read recognises the format by what the file begins with.
func (p *parser) read(data []byte) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	start := bytes.TrimLeft(data, " \t\r\n")
	if len(start) == 0 {
		p.mistake(0, "is empty", "accepted: "+Accepted)
		return
	}
	var first []byte
	several := false
	switch start[0] {
	case '{':
		var rest []byte
		first, rest, _ = bytes.Cut(start, []byte("\n"))
		several = len(bytes.TrimSpace(rest)) > 0
	case '[':
		for _, element := range elements(data) {
			first, several = element, true
			break
		}
	default:
		p.table(data)
		return
	}
	row, err := object(first)
	switch {
	case err == nil && row["doc_id"] != nil:
		p.samples(data)
	case err == nil && row["id"] != nil:
		p.lines(data)
	case start[0] == '[' || err == nil && several:
		p.mistake(p.lineOf(data, len(data)-len(start)), "has rows with neither id nor doc_id", "accepted: "+Accepted)
	default:
		p.document(data)
	}
}

// lineOf is the line, from 1, in which an offset lies.
func (p *parser) lineOf(data []byte, offset int) int {
	return 1 + bytes.Count(data[:min(max(offset, 0), len(data))], []byte("\n"))
}

// eachRow calls f with the rows that are objects; the others are mistakes.
func (p *parser) eachRow(data []byte, f func(line int, row map[string]json.RawMessage)) {
	rows := lines(data)
	if bytes.TrimLeft(data, " \t\r\n")[0] == '[' {
		if !json.Valid(data) {
			p.mistake(p.brokenAt(data), "is not JSON: the list breaks off", "")
			return
		}
		rows = elements(data)
	}
	for line, text := range rows {
		row, err := object(text)
		if err != nil {
			p.mistake(line, err.Error(), "")
			continue
		}
		f(line, row)
	}
}

// lines yields the lines that are not blank, with their numbers.
func lines(data []byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		line := 0
		for text := range bytes.Lines(data) {
			line++
			if text = bytes.TrimSpace(text); len(text) > 0 && !yield(line, text) {
				return
			}
		}
	}
}

// elements yields the elements of a JSON list, as far as it is one, with the lines on which they end: some versions of
// lm-evaluation-harness write one list instead of lines.
func elements(data []byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		d := json.NewDecoder(bytes.NewReader(data))
		if _, err := d.Token(); err != nil {
			return
		}
		line, counted := 1, int64(0)
		for d.More() {
			var element json.RawMessage
			if d.Decode(&element) != nil {
				return
			}
			line += bytes.Count(data[counted:d.InputOffset()], []byte("\n"))
			counted = d.InputOffset()
			if !yield(line, element) {
				return
			}
		}
	}
}

// lines reads our own rows: an id and a score.
func (p *parser) lines(data []byte) {
	metric := p.options.Metric
	if metric == "" {
		metric = "score"
	}
	p.file.Format, p.file.Metric = "JSON lines", metric
	p.eachRow(data, func(line int, row map[string]json.RawMessage) {
		id, problem := idOf("id", row["id"])
		if problem != "" {
			p.mistake(line, problem, "")
			return
		}
		value, problem := number(metric, row[metric])
		if problem != "" {
			p.mistake(line, problem, "")
			return
		}
		p.add(Score{ID: id, Value: value, Line: line})
	})
}

// object reads a JSON object, of which every key may stand once, and nothing may follow.
func object(text []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("is not valid UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	open, err := d.Token()
	if err != nil || open != json.Delim('{') {
		return nil, errors.New("is not a JSON object")
	}
	out := make(map[string]json.RawMessage)
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("is not JSON: %w", err)
		}
		key, isText := token.(string)
		if !isText {
			return nil, errors.New("is not JSON: a key is not a text")
		}
		if _, twice := out[key]; twice {
			return nil, fmt.Errorf("has the key %s twice", quoted(key))
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, fmt.Errorf("is not JSON: the value of %s: %w", quoted(key), err)
		}
		out[key] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, errors.New("is not JSON: it ends too early")
	}
	if len(bytes.TrimSpace(text[d.InputOffset():])) > 0 {
		return nil, errors.New("is not JSON: more text follows the object")
	}
	return out, nil
}

// idOf reads the id of a test: text that is not blank, or a whole number.
func idOf(key string, raw json.RawMessage) (id, problem string) {
	if len(raw) == 0 {
		return "", fmt.Sprintf("has no %s", key)
	}
	if raw[0] == '"' {
		if err := json.Unmarshal(raw, &id); err != nil || strings.TrimSpace(id) == "" {
			return "", fmt.Sprintf("%s is blank", key)
		}
		return id, ""
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		return "", fmt.Sprintf("%s is %s, expected a text or a whole number", key, quoted(string(raw)))
	}
	return strconv.FormatInt(n, 10), ""
}

// number reads a score: a finite number, or true for 1 and false for 0.
func number(key string, raw json.RawMessage) (x float64, problem string) {
	switch string(raw) {
	case "":
		return 0, fmt.Sprintf("has no %s", quoted(key))
	case "true":
		return 1, ""
	case "false":
		return 0, ""
	}
	x, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || math.IsInf(x, 0) || math.IsNaN(x) {
		return 0, fmt.Sprintf("%s is %s, expected a finite number, true or false", quoted(key), quoted(string(raw)))
	}
	return x, ""
}
