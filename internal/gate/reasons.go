package gate

import (
	"fmt"
	"math"

	"github.com/tunegate/tunegate/internal/stats"
)

// reasons says in plain sentences what was seen, why the verdict follows, and what should be known besides. Nothing is
// called shown that is not.
func reasons(d Decision, s summary, e evidence, p Policy) []string {
	out := []string{seen(d, p), why(d, s, e, p)}
	if d.Verdict != Pass {
		if far := outOfReach(s.base, p); far != "" {
			out = append(out, far)
		}
	}
	return out
}

// seen describes the sample.
func seen(d Decision, p Policy) string {
	text := fmt.Sprintf("better on %d of %s, worse on %d; ", d.Wins, tests(d.N), d.Losses)
	if d.Improvement == nil && p.Measure == Errors {
		return text + "the base makes no errors, so there is no share of them to save"
	}
	if d.Improvement == nil {
		return text + fmt.Sprintf("the base scores 0 and the tuned model %.3f, so there is no relative improvement", d.Tuned)
	}
	if p.Measure == Errors {
		text += "errors saved: "
	}
	text += "observed " + p.signed(*d.Improvement)
	switch lo, hi := d.Interval[0], d.Interval[1]; {
	case lo != nil && *lo > 0:
		text += fmt.Sprintf(", at least %s with %s confidence", p.signed(*lo), percent(1-p.Alpha))
	case hi != nil && *hi < 0:
		text += fmt.Sprintf(", at most %s with %s confidence", p.signed(*hi), percent(1-p.Alpha))
	case lo != nil && hi != nil:
		text += fmt.Sprintf(", the true value between %s and %s with %s confidence", p.signed(*lo), p.signed(*hi), percent(1-2*p.Alpha))
	}
	return text
}

// why gives the ground of the verdict.
func why(d Decision, s summary, e evidence, p Policy) string {
	margin := p.amount(p.Margin)
	differ := d.Wins + d.Losses
	if d.Improvement == nil {
		margin = "5 points, asked over a base of 0"
		if p.Measure == Errors {
			margin = "5 points, asked where no errors are left"
		}
	}
	switch {
	case d.Verdict == Pass && p.Rule == Point && d.Improvement != nil:
		return fmt.Sprintf("the observed improvement reaches the margin of %s; the rule point does not ask whether that could be chance (%s)", margin, pValue(d.P))
	case d.Verdict == Pass && p.Rule == Strict && d.Improvement != nil:
		return fmt.Sprintf("shown to be better by more than the margin of %s (%s)", margin, pValue(d.P))
	case d.Verdict == Pass && !p.lastLook():
		return fmt.Sprintf("shown to be better (%s), and the observed gain is so far above the margin (%s) that further tests would hardly change that",
			pValue(d.P), margin)
	case d.Verdict == Pass:
		return fmt.Sprintf("shown to be better (%s), and the observed gain reaches the margin of %s", pValue(d.P), margin)
	case d.Verdict == Fail && e.worse:
		return "shown to be worse than the base"
	case d.Verdict == Fail && e.below && d.Improvement != nil:
		return fmt.Sprintf("shown to fall short of the margin of %s", margin)
	case d.Verdict == Fail && p.Sequential && s.sure(p):
		return fmt.Sprintf("the observed gain falls so far short of the margin (%s) that further tests would hardly change that", margin)
	case d.Verdict == Fail:
		return fmt.Sprintf("the observed gain falls short of the margin of %s", margin)
	case !s.reached:
		return fmt.Sprintf("the observed gain falls short of the margin of %s, on too few tests (%d) to call that a fail", margin, d.N)
	case differ < MinDiffer:
		return fmt.Sprintf("the models differ on %s only; at least %d are needed to show anything", tests(differ), MinDiffer)
	case p.Rule == Strict && d.Improvement != nil && stats.MeanOf(s.beyond).SD == 0:
		return "every test differs by the same amount: no spread to judge by"
	case p.Rule == Strict && d.Improvement != nil:
		return fmt.Sprintf("not shown to be better by the margin of %s (%s, needed below %v)", margin, pValue(d.P), p.Alpha)
	case e.better:
		return fmt.Sprintf("shown to be better (%s), but not by the margin of %s; that the observed gain reaches it counts only when no test is left to ask", pValue(d.P), margin)
	}
	return fmt.Sprintf("the observed gain reaches the margin of %s, but could be chance (%s, needed below %v)", margin, pValue(d.P), p.Alpha)
}

func tests(n int) string {
	if n == 1 {
		return "1 test"
	}
	return fmt.Sprintf("%d tests", n)
}

// signed writes an improvement.
func (p Policy) signed(x float64) string {
	if p.Measure == Points {
		return fmt.Sprintf("%+.1f points", 100*x)
	}
	return fmt.Sprintf("%+.1f %%", 100*x)
}

// amount writes a margin.
func (p Policy) amount(x float64) string {
	switch p.Measure {
	case Points:
		return fmt.Sprintf("%v points", math.Round(1000*x)/10)
	case Errors:
		return percent(x) + " of the errors"
	}
	return percent(x)
}

// percent writes 0.1 as "10 %" and 0.125 as "12.5 %".
func percent(x float64) string { return fmt.Sprintf("%v %%", math.Round(1000*x)/10) }

func pValue(p float64) string {
	if p < 0.0001 {
		return "p < 0.0001"
	}
	return fmt.Sprintf("p = %.4f", p)
}
