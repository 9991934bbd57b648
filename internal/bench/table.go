package bench

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// shownAnswer is how many bytes of an answer stand in a table.
const shownAnswer = 4000

// WriteTable writes samples, as Run returns them, as CSV with a header: a row for each test and arm with the score that counts and, where
// tests were asked several times, one for each answer, whose arm is "base-1", "base-2" and so on. Tokens are those that the answer took,
// also of one that was not asked again (cached). Where there is no answer the score is blank, and error says why.
//
// The texts are those of models: a cell that a spreadsheet would take for a formula begins with an apostrophe, and
// what cannot be seen is U+FFFD.
func WriteTable(w io.Writer, samples []Sample, r Reducer) error {
	t := csv.NewWriter(w)
	// An error is kept until the end.
	_ = t.Write([]string{"id", "arm", "score", "answer", "note", "error", "latency_seconds", "input_tokens", "output_tokens", "refused", "cached"})
	for _, s := range r.Reduce(samples) {
		_ = t.Write(row(s, s.Arm))
	}
	if slices.ContainsFunc(samples, func(s Sample) bool { return s.Repeat > 0 }) {
		for _, s := range samples {
			_ = t.Write(row(s, fmt.Sprintf("%s-%d", s.Arm, s.Repeat+1)))
		}
	}
	t.Flush()
	return t.Error()
}

func row(s Sample, arm string) []string {
	score := strconv.FormatFloat(s.Score, 'g', -1, 64)
	if s.Error != "" {
		score = ""
	}
	return []string{cell(s.Test), cell(arm), score, cell(s.Answer), cell(s.Note), cell(s.Error), strconv.FormatFloat(s.Latency.Seconds(), 'f', 3, 64),
		strconv.Itoa(s.InputTokens), strconv.Itoa(s.OutputTokens), strconv.Itoa(s.Refused), strconv.FormatBool(s.Cached)}
}

// cell makes a text safe to be opened by a spreadsheet, which runs what begins like a formula (OWASP, CSV injection).
func cell(s string) string {
	if len(s) > shownAnswer {
		end := shownAnswer
		for end > shownAnswer-utf8.UTFMax && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end] + "…"
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
