package pipeline

import (
	"cmp"
	"encoding/json"
	"slices"
	"unicode/utf8"

	"github.com/tunegate/tunegate/internal/bench"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/report"
	"github.com/tunegate/tunegate/internal/suite"
)

// pair brings the arms' scores of each test together. A test that one arm did not answer is no pair; the first
// failure of each is returned.
func pair(samples []bench.Sample) (pairs []gate.Pair, failed []bench.Sample) {
	for i := 0; i+1 < len(samples); i += 2 {
		base, tuned := samples[i], samples[i+1]
		switch {
		case base.Error != "":
			failed = append(failed, base)
		case tuned.Error != "":
			failed = append(failed, tuned)
		default:
			pairs = append(pairs, gate.Pair{ID: base.Test, Base: base.Score, Tuned: tuned.Score})
		}
	}
	return pairs, failed
}

// Limits of what the report shows of single tests.
const (
	shownFlips = 10 // in each direction
	shownText  = 400
)

// flips picks the first tests that the arms score differently, losses ahead of gains: they are what to learn from.
func flips(tests []suite.Test, samples []bench.Sample) []report.Flip {
	byID := make(map[string]suite.Test, len(tests))
	for _, t := range tests {
		byID[t.ID] = t
	}
	var out []report.Flip
	wins, losses := 0, 0
	for i := 0; i+1 < len(samples); i += 2 {
		base, tuned := samples[i], samples[i+1]
		if base.Error != "" || tuned.Error != "" || base.Score == tuned.Score {
			continue
		}
		kind := &wins
		if tuned.Score < base.Score {
			kind = &losses
		}
		if *kind++; *kind > shownFlips {
			continue
		}
		t := byID[base.Test]
		out = append(out, report.Flip{
			Test: t.ID, Input: short(t.Input[len(t.Input)-1].Content), Ideal: short(t.Ideal[0]), Gain: tuned.Score - base.Score,
			Base: report.Answer{Text: short(base.Answer), Score: base.Score}, Tuned: report.Answer{Text: short(tuned.Answer), Score: tuned.Score},
		})
	}
	slices.SortStableFunc(out, func(a, b report.Flip) int { return cmp.Compare(a.Gain, b.Gain) })
	return out
}

// short cuts a text for the report.
func short(s string) string {
	if len(s) <= shownText {
		return s
	}
	cut := shownText
	for cut > shownText-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// shownLabels is how many labels the report breaks down.
const shownLabels = 50

// labels breaks the pairs down by what was wanted, where that is a label: each stands for two tests at least, in the mean.
// Those that lost most come first.
func labels(tests []suite.Test, pairs []gate.Pair, p gate.Policy) (out []report.Label) {
	of := make(map[string]string, len(tests))
	for _, t := range tests {
		of[t.ID] = label(t)
	}
	all := gate.ByLabel(pairs, of, p)
	if len(all) < 2 || 2*len(all) > len(pairs) {
		return nil
	}
	for _, g := range all[:min(len(all), shownLabels)] {
		out = append(out, report.Label{Label: short(g.Name), Tests: g.N, Base: g.Base, Tuned: g.Tuned, Wins: g.Wins, Losses: g.Losses})
	}
	return out
}

// label is what a test wants, or the name of the function where that is a call.
func label(t suite.Test) string {
	var call struct {
		Name string `json:"name"`
	}
	if json.Unmarshal([]byte(t.Ideal[0]), &call) == nil && call.Name != "" {
		return call.Name
	}
	return t.Ideal[0]
}

// From so many answers on, of which so large a share is the same to the letter, a tuned model is the base by another
// name: unless the base was right nearly always, which leaves nothing to learn.
const (
	sameAnswers = 20
	sameShare   = 0.99
	rightShare  = 0.9
)

// likeBase counts the answers that are the same, when they show that the fine-tune is not what answers; else it is 0. A
// service that drops an adapter says so nowhere (vllm#34186), and the gate would see a fine-tune without effect.
func likeBase(samples []bench.Sample) int {
	n, same, right := 0, 0, 0.0
	for i := 0; i+1 < len(samples); i += 2 {
		base, tuned := samples[i], samples[i+1]
		if base.Error != "" || tuned.Error != "" {
			continue
		}
		n++
		right += base.Score
		if base.Answer == tuned.Answer {
			same++
		}
	}
	if n < sameAnswers || float64(same) < sameShare*float64(n) || right >= rightShare*float64(n) {
		return 0
	}
	return same
}
