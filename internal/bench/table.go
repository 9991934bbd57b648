package bench

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Record is a row of a table of answers: what a leg's arm said to a test after a phase.
type Record struct {
	Leg, Phase string
	Repeat     int // which of several answers, from 1; 0: what counts, made of all of them
	Sample         // Its own Repeat means nothing here.
}

// Records turns samples, as Run returns them, into rows: one for each test and arm with the score that counts and, where tests were
// asked several times, then one for each answer.
func Records(leg, phase string, samples []Sample, r Reducer) []Record {
	var out []Record
	for _, s := range r.Reduce(samples) {
		out = append(out, Record{leg, phase, 0, s})
	}
	if slices.ContainsFunc(samples, func(s Sample) bool { return s.Repeat > 0 }) {
		for _, s := range samples {
			out = append(out, Record{leg, phase, s.Repeat + 1, s})
		}
	}
	return out
}

// header names the columns of a table.
func header() []string {
	return []string{"leg", "phase", "arm", "test", "repeat", "score", "latency_seconds", "input_tokens", "output_tokens", "refused", "cached", "answer", "note", "error"}
}

// shownAnswer is how many bytes of an answer stand in a table.
const shownAnswer = 4000

// WriteTable writes records as CSV (RFC 4180) with a header. The repeat of a row that counts is blank. Tokens are those that the answer took,
// also of one that was not asked again (cached). Where there is no answer the score is blank, and error says why.
//
// The texts are those of models: a cell that a spreadsheet would take for a formula begins with an apostrophe, and
// what cannot be seen is U+FFFD.
func WriteTable(w io.Writer, records []Record) error {
	t := csv.NewWriter(w)
	t.UseCRLF = true
	_ = t.Write(header()) // an error is kept until the end
	for _, r := range records {
		score, repeat := strconv.FormatFloat(r.Score, 'g', -1, 64), ""
		if r.Error != "" {
			score = ""
		}
		if r.Repeat > 0 {
			repeat = strconv.Itoa(r.Repeat)
		}
		_ = t.Write([]string{cell(r.Leg), cell(r.Phase), cell(r.Arm), cell(r.Test), repeat, score, strconv.FormatFloat(r.Latency.Seconds(), 'f', 3, 64),
			strconv.Itoa(r.InputTokens), strconv.Itoa(r.OutputTokens), strconv.Itoa(r.Refused), strconv.FormatBool(r.Cached), cell(r.Answer), cell(r.Note), cell(r.Error)})
	}
	t.Flush()
	return t.Error()
}

// ReadTable reads what WriteTable has written, by whomever: an error names the line of what is not of that form. Texts stay as
// they stand in the table, with the apostrophe before a formula, so that writing them again changes nothing.
func ReadTable(r io.Reader) ([]Record, error) {
	t := csv.NewReader(r)
	if first, err := t.Read(); err != nil || !slices.Equal(first, header()) {
		return nil, errors.Join(errors.New("it is no table of answers: its header is another one"), err)
	}
	var out []Record
	for {
		row, err := t.Read()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := t.FieldPos(0)
		record, err := parseRecord(row)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		out = append(out, record)
	}
}

func parseRecord(row []string) (Record, error) {
	var errs []error
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 {
			errs = append(errs, fmt.Errorf("%.40q is no count", s))
		}
		return n
	}
	real := func(s string, most float64) float64 {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(v) || v < 0 || v > most {
			errs = append(errs, fmt.Errorf("%.40q is no number from 0 to %g", s, most))
		}
		return v
	}
	out := Record{Leg: row[0], Phase: row[1], Sample: Sample{Arm: row[2], Test: row[3], Answer: row[11], Note: row[12], Error: row[13]}}
	if row[4] != "" {
		out.Repeat = number(row[4])
	}
	if row[5] != "" || out.Error == "" {
		out.Score = real(row[5], 1)
	}
	out.Latency = time.Duration(real(row[6], 1e9) * float64(time.Second))
	out.InputTokens, out.OutputTokens, out.Refused = number(row[7]), number(row[8]), number(row[9])
	cached, err := strconv.ParseBool(row[10])
	out.Cached = cached
	return out, errors.Join(append(errs, err)...)
}

// cell makes a text safe to be opened by a spreadsheet, which runs what begins like a formula (OWASP, CSV injection).
func cell(s string) string {
	if len(s) > shownAnswer {
		end := shownAnswer
		for end > shownAnswer-utf8.UTFMax && !utf8.RuneStart(s[end]) {
			end--
		}
		s = strings.TrimSuffix(s[:end], "…") + "…"
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || r == '\n' || r == '\t' {
			return r
		}
		return utf8.RuneError
	}, s)
	if s != "" && strings.ContainsRune("=+-@\t\n＝＋－＠", []rune(s)[0]) {
		return "'" + s
	}
	return s
}
