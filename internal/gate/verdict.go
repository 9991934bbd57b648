// Package gate decides whether a tuned model is better than its base, and by the margin asked for. It is pure: paired scores and a
// policy in, a decision with its reasons out. It asks no model, reads no file and knows nothing of how a score came to be.
package gate

import "slices"

// Verdict is the outcome for one leg, or for several. The zero Verdict is none of the five and counts as Error.
type Verdict string

const (
	Pass         Verdict = "pass"         // shown to be what the policy asks for
	Fail         Verdict = "fail"         // shown not to be, or clearly short of it
	Inconclusive Verdict = "inconclusive" // neither: more tests would be needed
	Pending      Verdict = "pending"      // the fine-tune has not ended yet
	Error        Verdict = "error"        // nothing could be judged
)

// ranking is from worst to best.
func ranking() []Verdict { return []Verdict{Error, Fail, Inconclusive, Pending, Pass} }

// Worst returns the worst of the verdicts: error, fail, inconclusive, pending, pass. No verdict at all, like an unknown
// one, is an error: what was not judged does not pass.
func Worst(verdicts ...Verdict) Verdict {
	if len(verdicts) == 0 {
		return Error
	}
	order := ranking()
	worst := len(order) - 1
	for _, v := range verdicts {
		worst = min(worst, max(0, slices.Index(order, v)))
	}
	return order[worst]
}

// Rule says what a pass takes. The zero Rule is Significant.
type Rule string

const (
	Point       Rule = "point"       // the observed improvement reaches the margin
	Significant Rule = "significant" // that, and the tuned model is shown to be better at all
	Strict      Rule = "strict"      // the tuned model is shown to be better by the margin
)

// Rules lists the rules, for messages.
func Rules() []Rule { return []Rule{Point, Significant, Strict} }

// Measure says what a margin is measured in. The zero Measure is Relative.
type Measure string

const (
	Relative Measure = "relative" // share of the base's score: 0.60 to 0.66 is 10 %
	Points   Measure = "points"   // the difference itself, in hundredths: 0.60 to 0.66 is 6 points
	Errors   Measure = "errors"   // share of the base's errors (1 - score) that are gone: 0.60 to 0.66 is 15 %. Where lower is better, Relative
)

// Measures lists the measures, for messages.
func Measures() []Measure { return []Measure{Relative, Points, Errors} }
