package gate

import (
	"fmt"
	"math"
)

// Impossible says why no tuned model, however good, could pass on n tests that the base scores so on in the mean; "" where one
// could, or where that cannot be said. It takes scores to lie from 0 to 1, and is meant to be asked before money is spent: with
// what the base scored, or with what is known of it. Only what is certain for these n tests is called impossible.
func Impossible(base float64, n int, p Policy) string {
	p = p.complete()
	if least := p.leastWins(); p.Rule != Point && n < least {
		return fmt.Sprintf("%s cannot show anything: the rule %s needs at least %d on which the models differ", tests(n), p.Rule, least)
	}
	return outOfReach(base, p)
}

// leastWins is how many wins to none the exact test of a difference needs.
func (p Policy) leastWins() int {
	alpha := p.Alpha
	if p.Sequential {
		alpha *= 1 - whileAsking
	}
	return max(MinDiffer, int(math.Floor(-math.Log2(alpha)))+1)
}

// outOfReach says that a perfect model would not reach the margin over this base, "" where it would.
func outOfReach(base float64, p Policy) string {
	if !(base >= 0 && base <= 1) {
		return ""
	}
	room, measured := 1-base, base // what there is to gain, and what it is measured by
	if p.LowerIsBetter {
		room = base
	} else if p.Measure == Errors {
		measured = 1 - base
	}
	if p.Measure == Points {
		measured = 1
	}
	switch {
	case room == 0:
		return fmt.Sprintf("the base scores %.3f on every test: there is nothing to improve", base)
	case measured > 0 && room/measured < p.Margin-rounding:
		return fmt.Sprintf("the base scores %.3f: a perfect model would improve on that by %s only, short of the margin of %s",
			base, p.amount(room/measured), p.amount(p.Margin))
	}
	return ""
}
