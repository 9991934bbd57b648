package bench

import (
	"slices"
	"time"
)

// Reducer makes one score of those of a test's repeats. The zero Reducer is Mean.
type Reducer string

// What a test that was asked several times scores.
const (
	Mean     Reducer = "mean"     // the mean
	Majority Reducer = "majority" // what more than half of the answers reach: of right and wrong ones, the vote. It is the lower median
	Any      Reducer = "any"      // the best: pass@k, where k is the number of repeats
)

// Reducers lists them, for messages.
func Reducers() []Reducer { return []Reducer{Mean, Majority, Any} }

// score reduces scores, one at least, which it sorts.
func (r Reducer) score(scores []float64) float64 {
	slices.Sort(scores)
	switch r {
	case Majority:
		return scores[(len(scores)-1)/2]
	case Any:
		return scores[len(scores)-1]
	}
	sum := 0.0
	for _, s := range scores {
		sum += s
	}
	return sum / float64(len(scores))
}

// Reduce makes one sample an arm of each test's repeats, in the order of samples, which are as Run returns them. Its answer is the
// first that scores as the whole does, or the first. It has the repeats' tokens and refusals in all, and their mean latency. One repeat
// without an answer leaves all of it without one: what the others say would be a guess of it.
func (r Reducer) Reduce(samples []Sample) []Sample {
	var out []Sample
	for start := 0; start < len(samples); {
		end := start + 1
		for end < len(samples) && samples[end].Test == samples[start].Test {
			end++
		}
		test := samples[start:end]
		for i, first := range test {
			if first.Repeat == 0 {
				out = append(out, r.one(test[i:], first))
			}
		}
		start = end
	}
	return out
}

// one reduces the samples that are of first's arm.
func (r Reducer) one(test []Sample, first Sample) Sample {
	all := slices.DeleteFunc(slices.Clone(test), func(s Sample) bool { return s.Arm != first.Arm })
	if len(all) == 1 {
		return first
	}
	sum := Sample{Test: first.Test, Arm: first.Arm, Cached: true}
	scores := make([]float64, len(all))
	for i, s := range all {
		if sum.Error == "" {
			sum.Error = s.Error
		}
		scores[i] = s.Score
		sum.Latency += s.Latency / time.Duration(len(all))
		sum.InputTokens += s.InputTokens
		sum.OutputTokens += s.OutputTokens
		sum.Refused += s.Refused
		sum.Cached = sum.Cached && s.Cached
	}
	if sum.Error != "" {
		return sum
	}
	sum.Score = r.score(scores)
	like := max(0, slices.IndexFunc(all, func(s Sample) bool { return s.Score == sum.Score }))
	sum.Answer, sum.Note = all[like].Answer, all[like].Note
	return sum
}
