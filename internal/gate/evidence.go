package gate

import (
	"math"
	"slices"

	"github.com/tunegate/tunegate/internal/stats"
)

// summary is what pairs show before any test. Where the improvement is a ratio, the arms are compared through num/den,
// the tuned model's scores (or errors) over the base's: an improvement by the margin is a ratio on the good side of goal, and deviations
// from a ratio g are num - g*den, counted so that more is better.
type summary struct {
	n                  int
	base, tuned        float64 // mean scores
	gain               float64 // mean of tuned - base, counted so that more is better
	known              bool    // there is an improvement in the policy's measure: not relative to a base of 0
	improvement        float64 // in the policy's measure
	reached            bool    // the margin, by what was observed; zeroBaseGain where the improvement is not known
	wins, losses, ties int

	points   bool // the margin is one of points, so that there is no ratio
	num, den []float64
	side     float64   // 1 where more of num is better, else -1
	slope    float64   // improvement for each unit of the ratio: side, or its opposite for a negative base
	goal     float64   // ratio at the margin
	gains    []float64 // deviations from equality
	beyond   []float64 // deviations from the margin; from zeroBaseGain where the improvement is not known
	margin   float64
}

func summarise(pairs []Pair, p Policy) summary {
	n := len(pairs)
	all := make([]float64, 4*n)
	s := summary{n: n, side: 1, points: p.Measure == Points, margin: p.Margin,
		num: all[:0:n], den: all[n : n : 2*n], gains: all[2*n : 2*n : 3*n], beyond: all[3*n : 3*n]}
	errors := p.Measure == Errors && !p.LowerIsBetter
	if p.LowerIsBetter || errors {
		s.side = -1
	}
	for _, q := range pairs {
		s.base += q.Base
		s.tuned += q.Tuned
		if errors {
			q.Base, q.Tuned = 1-q.Base, 1-q.Tuned
		}
		s.den, s.num = append(s.den, q.Base), append(s.num, q.Tuned)
		switch gain := s.side * (q.Tuned - q.Base); {
		case math.Abs(gain) < rounding:
			s.ties++
			s.gains = append(s.gains, 0)
		case gain > 0:
			s.wins++
			s.gains = append(s.gains, gain)
		default:
			s.losses++
			s.gains = append(s.gains, gain)
		}
	}
	s.base /= float64(n)
	s.tuned /= float64(n)
	whole := stats.MeanOf(s.den).Mean
	s.gain = stats.MeanOf(s.gains).Mean
	s.slope = math.Copysign(s.side, s.side*whole)
	s.goal = 1 + s.slope*p.Margin
	switch s.known = s.points || whole != 0; {
	case s.points:
		s.improvement = s.gain
	case s.known:
		s.improvement = s.gain / math.Abs(whole)
	}
	if s.reached = s.gain >= zeroBaseGain-rounding; s.known {
		s.reached = s.improvement >= p.Margin-rounding
	}
	for i, gain := range s.gains {
		switch {
		case s.points:
			s.beyond = append(s.beyond, gain-p.Margin)
		case s.known:
			s.beyond = append(s.beyond, s.side*(s.num[i]-s.goal*s.den[i]))
		default:
			s.beyond = append(s.beyond, gain-zeroBaseGain)
		}
	}
	return s
}

// evidence is what has been shown, each at confidence 1-alpha by itself.
type evidence struct {
	better, worse bool    // than the base
	above, below  bool    // the margin, or zeroBaseGain
	p             float64 // see Decision.P
}

// whileAsking is the share of alpha that a run which may stop early spends on its looks; the rest is for the last one. More
// would save a test or two of large gains, and cost runs that go to the end much of their power.
const whileAsking = 0.5

// evidence tests what the pairs show. A run that may stop early has two chances of a false "better": while it goes on, and
// when no test is left. Each is allowed its share of alpha, so that both together keep to it (Bonferroni; the design is that of
// Haybittle and of Peto, with an anytime-valid test in place of a few looks).
func (s summary) evidence(p Policy) evidence {
	if !p.Sequential {
		return s.fixed(p)
	}
	looks, last := p, p
	looks.Alpha *= whileAsking
	last.Alpha *= 1 - whileAsking
	e := s.anytime(looks)
	e.p /= whileAsking
	if p.Exhausted {
		f := s.fixed(last)
		e.better, e.worse, e.p = e.better || f.better, e.worse || f.worse, min(e.p, f.p/(1-whileAsking))
		if p.Rule == Strict {
			e.above, e.below = e.above || f.above, e.below || f.below
		}
	}
	e.p = min(1, e.p)
	return e
}

// fixed is the evidence of a sample whose size was settled beforehand.
func (s summary) fixed(p Policy) evidence {
	paired := s.paired()
	margin := stats.MeanOf(s.beyond)
	e := evidence{
		better: paired.P < p.Alpha,
		worse:  paired.Reverse < p.Alpha,
		// Student's t, as a p-value; without any spread that is 1, which never passes.
		above: margin.P() < p.Alpha,
		below: s.n >= enoughTests && (margin.Minus().P() < p.Alpha || margin.SD == 0 && margin.Mean < 0),
		p:     paired.P,
	}
	beyond := margin.P()
	if s.blank() {
		// Nothing of num was seen, so t knows no spread of it: bets do without (as stats.Ratio does).
		beyond = max(beyond, min(1, math.Exp(-stats.Betting(s.beyond, max(1, slices.Max(s.den))))))
		e.above = beyond < p.Alpha
	}
	if p.Rule == Strict && s.known {
		e.p = beyond
	}
	return e
}

// blank reports whether the improvement is a ratio whose numerator, the tuned model's errors, is 0 on every test; a margin of more than
// all errors, which has a goal below 0, is out of reach all the same.
func (s summary) blank() bool {
	return !s.points && s.known && s.side < 0 && s.goal >= 0 && !slices.ContainsFunc(s.num, func(x float64) bool { return x != 0 }) && slices.Min(s.den) >= 0
}

// paired tests the gains: exactly by counting where all are of one size, such as 0 and 1 give, else by turning their signs.
func (s summary) paired() stats.Paired {
	size := 0.0
	for _, g := range s.gains {
		switch g = math.Abs(g); {
		case g == 0 || math.Abs(g-size) < rounding:
		case size == 0:
			size = g
		default:
			const seed = 1 // the same file must give the same verdict wherever it is judged
			return stats.SignFlip(s.gains, seed)
		}
	}
	return stats.McNemar(s.wins, s.losses)
}

// anytime is the evidence that may be looked at after every test. Except under Strict the margin is no claim, but tells a run that
// it may stop: then nothing of alpha is kept back for it.
func (s summary) anytime(p Policy) evidence {
	enough := -math.Log(p.Alpha)
	clear := enough
	if p.Rule != Strict {
		clear += math.Log(whileAsking)
	}
	up, down := s.difference(1), s.difference(-1)
	over, under := s.distance(1), s.distance(-1)
	e := evidence{better: up >= enough, worse: down >= enough, above: over >= clear, below: under >= clear}
	e.p = math.Exp(-up)
	if p.Rule == Strict && s.known {
		e.p = math.Exp(-over)
	}
	return e
}

// difference is the evidence that the gains are above zero (sign 1) or below it (-1).
func (s summary) difference(sign float64) float64 {
	whole := true
	for _, g := range s.gains {
		whole = whole && (g == 0 || g == 1 || g == -1)
	}
	switch {
	case !whole:
		return stats.Betting(times(sign, s.gains), 1)
	case sign > 0:
		return stats.Discordant(s.wins, s.losses)
	}
	return stats.Discordant(s.losses, s.wins)
}

// distance is the evidence that the improvement is above the margin (sign 1) or below it (-1).
func (s summary) distance(sign float64) float64 {
	return stats.Betting(times(sign, s.beyond), s.bound(sign))
}

// bound is how far below zero sign times a deviation from the margin can lie, for scores from 0 to 1: that of num - goal*den
// by goal, that of its opposite by 1. A goal of 0 or less, of a margin of 100 % where lower is better, turns that about; the bound
// must still not be 0, since bets are divided by it. A base of 0 may show other scores later: no gain is below -1, so none
// lies further than that from zeroBaseGain.
func (s summary) bound(sign float64) float64 {
	switch {
	case s.points:
		return max(1+sign*s.margin, rounding)
	case !s.known:
		return 1 + zeroBaseGain
	case sign*s.side > 0:
		return max(s.goal, rounding)
	}
	return 1 + max(0, -s.goal)
}

// sure reports whether the observed improvement would end on this side of the margin if all of p.Total tests were asked: the rest
// would have to undo what these show, which happens with half of alpha if in truth it lies exactly at the margin, and more seldom if it lies
// further on this side (stochastic curtailment: Lan, Simon and Halperin, Communications in Statistics C 1, 1982). One extreme
// test on either side is added to the spread that was seen, since few tests may show none.
func (s summary) sure(p Policy) bool {
	left := float64(p.Total - s.n)
	if left <= 0 || !s.known {
		return false
	}
	var sum, squares float64
	for _, d := range s.beyond {
		sum += d
		squares += d * d
	}
	squares += s.bound(1)*s.bound(1) + s.bound(-1)*s.bound(-1)
	return math.Abs(sum) > stats.NormalQuantile(1-p.Alpha/2)*math.Sqrt(left*squares/float64(s.n+2))
}

func times(sign float64, xs []float64) []float64 {
	out := make([]float64, len(xs))
	for i, x := range xs {
		out[i] = sign * x
	}
	return out
}
