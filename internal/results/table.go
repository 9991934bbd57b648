package results

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// table reads CSV (RFC 4180) with a header.
func (p *parser) table(data []byte) {
	const hint = "accepted: " + Accepted
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		p.mistake(0, "is neither JSON nor CSV", hint)
		return
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.ReuseRecord = true
	header, err := r.Read()
	if err != nil {
		p.mistake(1, "is neither JSON nor CSV with a header", hint)
		return
	}
	metric := p.options.Metric
	if metric == "" {
		metric = "score"
	}
	column := func(names ...string) (int, string) {
		found := -1
		for i, h := range header {
			if slices.Contains(names, strings.TrimSpace(h)) {
				if found >= 0 {
					return -1, fmt.Sprintf("its header has %s twice", strings.Join(names, " or "))
				}
				found = i
			}
		}
		if found < 0 {
			return -1, fmt.Sprintf("is neither JSON nor CSV whose header has a column %s", strings.Join(names, " or "))
		}
		return found, ""
	}
	id, problem := column("id", "test")
	score, also := column(metric)
	arm, _ := column("arm")
	failure, _ := column("error")
	leg, noLeg := column("leg")
	phase, noPhase := column("phase")
	repeat, noRepeat := column("repeat")
	ours := noLeg+noPhase+noRepeat == ""
	if p.options.Leg != "" && !ours && problem+also == "" {
		problem = "has no column leg"
	}
	var legs []string
	last := ""
	if problem == "" {
		problem = also
	}
	if problem != "" {
		p.mistake(1, problem, hint)
		return
	}
	p.file.Format, p.file.Metric = "CSV", metric
	for {
		row, err := r.Read()
		if err == io.EOF {
			p.legs(legs)
			return
		}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			p.mistake(bad.Line, "is not CSV: "+bad.Err.Error(), "")
			if !errors.Is(bad.Err, csv.ErrFieldCount) {
				return // what follows an unclosed quote cannot be read
			}
			continue
		}
		if err != nil {
			p.mistake(0, err.Error(), "")
			return
		}
		if arm >= 0 && row[arm] != p.options.Arm {
			continue
		}
		if ours {
			if name := row[leg]; !slices.Contains(legs, name) && len(legs) <= maxMistakes {
				legs = append(legs, strings.Clone(name))
			}
			if row[repeat] != "" || p.options.Leg != "" && row[leg] != p.options.Leg {
				continue
			}
			if p.options.Leg == "" && len(legs) > 1 {
				continue // whatever it says: one must be picked
			}
			if row[phase] != last { // phases stand in their order, and the last one counts
				last = strings.Clone(row[phase])
				p.file.Scores, p.file.Failed = nil, nil
				clear(p.seen)
			}
		}
		line, _ := r.FieldPos(0)
		if failure >= 0 && row[failure] != "" && row[score] == "" {
			p.file.Failed = append(p.file.Failed, strings.Clone(row[id]))
			continue
		}
		p.row(line, row[id], row[score])
	}
}

// legs complains when the legs of a table leave open whose scores count.
func (p *parser) legs(legs []string) {
	const hint = "--leg picks one"
	for i, name := range legs {
		if len(name) > 60 {
			legs[i] = strings.ToValidUTF8(name[:60], "") + "…"
		}
	}
	switch {
	case p.options.Leg == "" && len(legs) > 1:
		p.mistake(0, "holds several legs: "+strings.Join(legs, ", "), hint)
	case p.options.Leg != "" && len(p.file.Scores)+len(p.file.Failed) == 0:
		p.mistake(0, fmt.Sprintf("holds no score of the leg %s, but of %s", quoted(p.options.Leg), strings.Join(legs, ", ")), hint)
	}
}

func (p *parser) row(line int, id, score string) {
	value, err := strconv.ParseFloat(strings.TrimSpace(score), 64)
	switch {
	case strings.TrimSpace(id) == "":
		p.mistake(line, "the id is blank", "")
	case err != nil || math.IsNaN(value) || math.IsInf(value, 0):
		p.mistake(line, fmt.Sprintf("the score is %s, expected a finite number", quoted(score)), "")
	default:
		p.add(Score{ID: strings.Clone(id), Value: value, Line: line})
	}
}
