package gate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// MinDiffer is the number of tests on which the arms must differ before Significant or Strict can pass: five wins to
// none is the least that an exact test at 0.05 accepts.
const MinDiffer = 5

// enoughTests is where an observed improvement short of the margin is a fail and no longer an accident of few tests.
const enoughTests = 30

// zeroBaseGain is what a pass takes when the base scores 0, where no relative improvement exists: five points of a hundred.
const zeroBaseGain = 0.05

// rounding is what floating point may cost at a threshold that was exactly reached: 0.66 is 10 % more than 0.60.
const rounding = 1e-9

// Policy is what a team asks for. The zero values of Measure, Rule, Alpha and OnInconclusive are Relative, Significant, 0.05 and no pass.
type Policy struct {
	Margin        float64 // least improvement, in the measure: 0.1 is 10 %, or 10 points
	Measure       Measure
	Rule          Rule
	Alpha         float64 // highest chance of a false "better"
	LowerIsBetter bool

	// Sequential says that the run stopped, or may have stopped, because of what it saw. Half of Alpha then goes to evidence that is
	// anytime-valid, and half to the test of fixed size when no test is left, also when all tests were used in the end: a
	// fixed-size test after many looks promises more than it holds.
	Sequential bool

	// Exhausted says, under Sequential, that no test is left to ask: the observed improvement may then decide, as it does in a run of
	// fixed size. Before that it may not, since each further look would be a fresh chance of touching the margin by luck; a pass
	// then needs the margin itself shown, or the tests left (Total) too few to change the side of it.
	Exhausted bool

	// Total is, under Sequential, how many tests the run would ask at most; 0 is not known, and then counts as endless. It was
	// chosen before the run began.
	Total int

	// OnInconclusive is Pass where an inconclusive benchmark is to be let through. Anything else leaves it inconclusive,
	// which blocks as a fail does.
	OnInconclusive Verdict
}

// Pair is one test with the score of either arm. Where a test was asked several times the score is the mean over its repeats: repeats
// are no tests of their own, and the test, not the answer, is what the statistics count (clusters: Miller 2024).
type Pair struct {
	ID          string
	Base, Tuned float64
}

// Decision is a verdict with what it rests on.
type Decision struct {
	Verdict     Verdict  `json:"verdict"`
	N           int      `json:"n"`           // tests
	Base        float64  `json:"base"`        // mean score
	Tuned       float64  `json:"tuned"`       // mean score
	Improvement *float64 `json:"improvement"` // in the policy's measure; nil where it would be relative to a base of 0

	// Interval of the improvement: each limit holds with confidence 1-Alpha by itself, under Sequential at whatever moment
	// the run stopped. It leaves out 0 only where the arms are shown to differ. A limit is nil where the data set
	// none; both are where Improvement is nil.
	Interval [2]*float64 `json:"interval"`

	// P is the one-sided p-value of what the rule needs shown: better by the margin under Strict, better at all otherwise.
	// Under Sequential it holds at whatever moment the run stopped: twice the inverse of the evidence or, when no test is left, twice the
	// p-value of the fixed size, if that is less.
	P      float64 `json:"p_value"`
	Wins   int     `json:"wins"`   // tests on which tuned is better
	Losses int     `json:"losses"` // worse
	Ties   int     `json:"ties"`

	// NeededN is about how many tests in all would settle an inconclusive verdict, if the arms go on to differ as they did;
	// 0 when it is settled or cannot be said.
	NeededN int      `json:"needed_n"`
	Reasons []string `json:"reasons"` // plain sentences, what was seen first
}

// Decide judges a benchmark that has ended. The order of the pairs does not matter. Scores must be finite, and under
// Sequential or a measure other than Relative from 0 to 1; each id may stand once. Input that cannot be judged gives Error, with the reason.
func Decide(pairs []Pair, p Policy) Decision {
	p = p.complete()
	pairs = sorted(pairs)
	if problem := unfit(pairs, p); problem != "" {
		return Decision{Verdict: Error, N: len(pairs), P: 1, Reasons: []string{problem}}
	}
	s := summarise(pairs, p)
	e := s.evidence(p)
	d := Decision{N: s.n, Base: s.base, Tuned: s.tuned, P: e.p, Wins: s.wins, Losses: s.losses, Ties: s.ties}
	d.Verdict, _ = judge(s, e, p)
	if s.known {
		d.Improvement = &s.improvement
		d.Interval = s.interval(e, p)
	}
	if d.Verdict == Inconclusive {
		d.NeededN = s.needed(p)
	}
	d.Reasons = reasons(d, s, e, p)
	return finish(d, p)
}

// finish adds what is needed beyond, and what the policy makes of a verdict that is none.
func finish(d Decision, p Policy) Decision {
	if d.NeededN > 0 {
		d.Reasons = append(d.Reasons, fmt.Sprintf("about %d tests in all would settle it, if the models go on to differ as they did on these %d", d.NeededN, d.N))
	}
	if d.Verdict == Inconclusive && p.OnInconclusive == Pass {
		d.Verdict = Pass
		d.Reasons = append(d.Reasons, "the policy lets an inconclusive benchmark pass: nothing was shown")
	}
	return d
}

// Settled reports whether a run may stop here because further tests are not needed: evidence that is valid however often one
// asks shows that the improvement is there, or that it is not, and the side of the margin is shown too or can no longer
// change in p.Total tests. Decide with Sequential then passes or fails the same pairs, whether or not others are left. Policy.Sequential and Policy.Exhausted are not looked at.
func Settled(pairs []Pair, p Policy) bool {
	p.Sequential, p.Exhausted = true, false
	p = p.complete()
	pairs = sorted(pairs)
	if unfit(pairs, p) != "" {
		return false
	}
	s := summarise(pairs, p)
	_, settled := judge(s, s.evidence(p), p)
	return settled
}

// complete puts the defaults where the zero values are.
func (p Policy) complete() Policy {
	p.Measure = cmp.Or(p.Measure, Relative)
	p.Rule = cmp.Or(p.Rule, Significant)
	p.Alpha = cmp.Or(p.Alpha, 0.05)
	return p
}

// lastLook reports whether these pairs are all there will be, so that what was observed is looked at once.
func (p Policy) lastLook() bool { return p.Exhausted || !p.Sequential }

// sorted puts pairs in one order for all, by id: neither the last digit of a sum nor the draw of a permutation may
// depend on who answered first.
func sorted(pairs []Pair) []Pair {
	byID := func(a, b Pair) int { return cmp.Compare(a.ID, b.ID) }
	if slices.IsSortedFunc(pairs, byID) {
		return pairs
	}
	pairs = slices.Clone(pairs)
	slices.SortFunc(pairs, byID)
	return pairs
}

// judge gives the verdict, and says whether more tests are not needed for it.
func judge(s summary, e evidence, p Policy) (v Verdict, settled bool) {
	if !s.known {
		return zeroBase(s, e, p)
	}
	differs := s.wins+s.losses >= MinDiffer
	sure := p.Sequential && s.sure(p)
	switch p.Rule {
	case Point:
		// The observed value decides; it is settled when more tests would hardly move it across the margin.
		if s.reached {
			return Pass, e.above || sure
		}
		return Fail, e.below || sure
	case Strict:
		// What is better by the margin is better: where the exact test is not sure of that, Student's t may not be either.
		if s.reached && differs && e.better && e.above {
			return Pass, true
		}
	default:
		if s.reached && differs && e.better && (e.above || sure || p.lastLook()) {
			return Pass, e.above || sure
		}
		if !s.reached && s.n >= enoughTests {
			return Fail, e.worse || e.below || sure
		}
	}
	if e.worse || e.below {
		return Fail, true
	}
	return Inconclusive, false
}

// zeroBase judges where there is no improvement in the policy's measure: whatever the rule, five points and the test.
func zeroBase(s summary, e evidence, p Policy) (v Verdict, settled bool) {
	switch {
	case s.reached && s.wins+s.losses >= MinDiffer && e.better && (e.above || p.lastLook()):
		return Pass, e.above
	case e.worse:
		return Fail, true
	case !s.reached && s.n >= enoughTests:
		return Fail, false
	}
	return Inconclusive, false
}

// unfit names what makes pairs, sorted by id, or policy impossible to judge, "" when nothing does.
func unfit(pairs []Pair, p Policy) string {
	switch {
	case !slices.Contains(Measures(), p.Measure):
		return fmt.Sprintf("unknown measure %q", p.Measure)
	case !slices.Contains(Rules(), p.Rule):
		return fmt.Sprintf("unknown rule %q", p.Rule)
	case !(p.Alpha > 0 && p.Alpha < 0.5):
		return fmt.Sprintf("alpha is %v, expected more than 0 and less than 0.5", p.Alpha)
	case math.IsNaN(p.Margin) || math.IsInf(p.Margin, 0) || p.Margin < 0:
		return fmt.Sprintf("margin is %v, expected 0 or more", p.Margin)
	case len(pairs) == 0:
		return "no test was answered by both arms"
	}
	for i, q := range pairs {
		for _, score := range [2]float64{q.Base, q.Tuned} {
			if math.IsNaN(score) || math.IsInf(score, 0) {
				return fmt.Sprintf("test %q has the score %v", q.ID, score)
			}
			if p.Sequential && (score < 0 || score > 1) {
				return fmt.Sprintf("test %q has the score %v: a run that stops early needs scores from 0 to 1", q.ID, score)
			}
			if p.Measure != Relative && (score < 0 || score > 1) {
				return fmt.Sprintf("test %q has the score %v: a margin of %s needs scores from 0 to 1", q.ID, score, p.Measure)
			}
		}
		if i > 0 && q.ID == pairs[i-1].ID {
			return fmt.Sprintf("test %q stands twice", q.ID)
		}
	}
	return ""
}
