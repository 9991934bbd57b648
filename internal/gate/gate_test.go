package gate

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestWorst(t *testing.T) {
	for _, c := range []struct {
		verdicts []Verdict
		want     Verdict
	}{
		{nil, Error},
		{[]Verdict{Pass}, Pass},
		{[]Verdict{Pass, Pending}, Pending},
		{[]Verdict{Pending, Inconclusive, Pass}, Inconclusive},
		{[]Verdict{Inconclusive, Fail, Pending}, Fail},
		{[]Verdict{Fail, Error, Pass}, Error},
		{[]Verdict{Pass, ""}, Error},
		{[]Verdict{Pass, "passed"}, Error},
	} {
		if got := Worst(c.verdicts...); got != c.want {
			t.Errorf("%q: got %s, want %s", c.verdicts, got, c.want)
		}
	}
}

// binary writes counts of both right, base alone, tuned alone and neither as pairs.
func binary(both, base, tuned, neither int) []Pair {
	return outcomes{both, base, tuned, neither}.pairs(numbered(both + base + tuned + neither))
}

func scaled(pairs []Pair, by float64) []Pair {
	out := slices.Clone(pairs)
	for i := range out {
		out[i].Base *= by
		out[i].Tuned *= by
	}
	return out
}

// graded spreads partial scores, the tuned model's higher by gain.
func graded(n int, gain float64) []Pair {
	rng := rand.New(rand.NewPCG(1, 1))
	pairs := binary(0, 0, 0, n)
	for i := range pairs {
		pairs[i].Base = 0.6 * rng.Float64()
		pairs[i].Tuned = min(1, max(0, pairs[i].Base+gain+0.1*(rng.Float64()-0.5)))
	}
	return pairs
}

// TestDecide shows what the gate says of benchmarks that a person can picture; the golden file holds every word of it.
func TestDecide(t *testing.T) {
	usual := Policy{Margin: 0.1}
	with := func(change func(*Policy)) Policy {
		p := usual
		change(&p)
		return p
	}
	strict := with(func(p *Policy) { p.Rule = Strict })
	point := with(func(p *Policy) { p.Rule = Point })
	early := with(func(p *Policy) { p.Sequential = true })
	last := with(func(p *Policy) { p.Sequential, p.Exhausted = true, true })
	strictEarly := with(func(p *Policy) { p.Rule, p.Sequential = Strict, true })
	lower := with(func(p *Policy) { p.LowerIsBetter = true })
	points := func(margin float64) Policy { return Policy{Margin: margin, Measure: Points} }
	errorsSaved := with(func(p *Policy) { p.Measure = Errors })
	cases := []struct {
		name    string
		pairs   []Pair
		policy  Policy
		verdict Verdict
	}{
		{"clear gain", binary(35, 3, 41, 21), usual, Pass},
		{"clear gain, strict", binary(35, 3, 41, 21), strict, Pass},
		{"clear gain, early", binary(35, 3, 41, 21), early, Pass},
		{"clear gain, strict, early", binary(35, 3, 41, 21), strictEarly, Pass},
		{"exactly the margin", binary(60, 0, 6, 34), usual, Pass},
		{"exactly the margin, strict", binary(60, 0, 6, 34), strict, Inconclusive},
		{"exactly the margin, point", binary(60, 0, 6, 34), point, Pass},
		{"one short of the margin", binary(60, 0, 5, 35), usual, Fail},
		{"one short of the margin, point", binary(60, 0, 5, 35), point, Fail},
		{"ten lucky answers", binary(5, 1, 3, 1), usual, Inconclusive},
		{"ten lucky answers, point", binary(5, 1, 3, 1), point, Pass},
		{"five to none", binary(4, 0, 5, 1), usual, Pass},
		{"five to none, early", binary(4, 0, 5, 1), early, Inconclusive},
		{"seven to none, early", binary(2, 0, 7, 1), early, Inconclusive},
		{"eight to none, early", binary(1, 0, 8, 1), early, Pass},
		{"twelve to none, early", binary(4, 0, 12, 4), early, Pass},
		{"five to none, last", binary(4, 0, 5, 1), last, Inconclusive},
		{"six to none, last", binary(3, 0, 6, 1), last, Pass},
		{"four to none", binary(4, 0, 4, 2), usual, Inconclusive},
		{"four to none, strict", binary(4, 0, 4, 2), strict, Inconclusive},
		{"no difference, few", binary(5, 1, 1, 3), usual, Inconclusive},
		{"no difference, many", binary(50, 10, 10, 30), usual, Fail},
		{"no difference, many, strict", binary(50, 10, 10, 30), strict, Inconclusive},
		{"worse", binary(30, 40, 5, 25), usual, Fail},
		{"worse, few", binary(2, 6, 0, 2), usual, Fail},
		{"worse, strict", binary(30, 40, 5, 25), strict, Fail},
		{"worse, early", binary(0, 7, 0, 3), early, Fail},
		{"equal on all", binary(300, 0, 0, 0), usual, Fail},
		{"equal on all, strict", binary(300, 0, 0, 0), strict, Fail},
		{"equal on all, few", binary(10, 0, 0, 0), usual, Inconclusive},
		{"margin out of reach", binary(95, 0, 5, 0), usual, Fail},
		{"base zero", binary(0, 0, 20, 80), usual, Pass},
		{"base zero, strict", binary(0, 0, 20, 80), strict, Pass},
		{"base zero, point, too little shown", binary(0, 0, 4, 16), point, Inconclusive},
		{"base zero, short of five points", binary(0, 0, 7, 193), usual, Fail},
		{"just above the margin, early", binary(60, 0, 8, 32), early, Inconclusive},
		{"just above the margin, early, last", binary(60, 0, 8, 32), last, Pass},
		{"base zero, early", binary(0, 0, 9, 1), early, Pass},
		{"base zero, few of many, early", binary(0, 0, 7, 13), early, Inconclusive},
		{"base zero, few of many, early, last", binary(0, 0, 7, 13), last, Pass},
		{"base zero, both zero", binary(0, 0, 0, 50), usual, Fail},
		{"no spread", noSpread(40), strict, Inconclusive},
		{"no spread, usual", noSpread(40), usual, Pass},
		{"partial scores", graded(60, 0.1), usual, Pass},
		{"partial scores, strict", graded(60, 0.1), strict, Pass},
		{"partial scores, early", graded(120, 0.1), early, Pass},
		{"partial scores, early, last", graded(60, 0.1), last, Pass},
		{"partial scores, few", graded(12, 0.1), usual, Pass},
		{"partial scores, no gain", graded(60, 0), usual, Fail},
		{"lower is better", binary(21, 41, 3, 35), lower, Pass},
		{"lower is better, worse", binary(21, 3, 41, 35), lower, Fail},
		{"lower is better, early", binary(21, 41, 3, 35), with(func(p *Policy) { p.LowerIsBetter, p.Sequential = true, true }), Pass},
		{"lower is better, base zero", binary(0, 0, 2, 8), lower, Inconclusive},
		{"lower is better, by more than all", binary(21, 41, 3, 35), Policy{Margin: 1.5, LowerIsBetter: true, Sequential: true}, Fail},
		{"lower is better, by all", binary(0, 50, 0, 50), Policy{Margin: 1, LowerIsBetter: true, Sequential: true, Exhausted: true}, Pass},
		{"negative scores", scaled(binary(21, 41, 3, 35), -1), usual, Pass},
		{"large scores", scaled(binary(35, 3, 41, 21), 250), usual, Pass},
		{"inconclusive may pass", binary(5, 1, 3, 1), with(func(p *Policy) { p.OnInconclusive = Pass }), Pass},
		{"inconclusive may not become an error", binary(5, 1, 3, 1), with(func(p *Policy) { p.OnInconclusive = Error }), Inconclusive},
		{"fail may not pass", binary(30, 40, 5, 25), with(func(p *Policy) { p.OnInconclusive = Pass }), Fail},
		{"no margin", binary(60, 2, 10, 28), Policy{}, Pass},

		{"few left", binary(40, 1, 13, 6), with(func(p *Policy) { p.Sequential, p.Total = true, 70 }), Pass},
		{"many left", binary(40, 1, 13, 6), with(func(p *Policy) { p.Sequential, p.Total = true, 300 }), Inconclusive},
		{"few left, no gain", binary(40, 5, 5, 10), with(func(p *Policy) { p.Sequential, p.Total = true, 70 }), Fail},
		{"points", binary(60, 2, 10, 28), points(0.05), Pass},
		{"points, short", binary(60, 2, 10, 28), points(0.1), Fail},
		{"points, strict", binary(35, 3, 41, 21), with(func(p *Policy) { p.Measure, p.Rule = Points, Strict }), Pass},
		{"points, early", binary(35, 3, 41, 21), with(func(p *Policy) { p.Measure, p.Sequential = Points, true }), Pass},
		{"points, base zero", binary(0, 0, 30, 70), points(0.1), Pass},
		{"points, no spread", noSpread(40), points(0.1), Pass},
		{"points, lower is better", binary(21, 41, 3, 35), with(func(p *Policy) { p.Measure, p.LowerIsBetter = Points, true }), Pass},
		{"errors, base high", binary(93, 0, 6, 1), errorsSaved, Pass},
		{"errors, base high, relative", binary(93, 0, 6, 1), usual, Fail},
		{"errors, strict", binary(35, 3, 41, 21), with(func(p *Policy) { p.Measure, p.Rule = Errors, Strict }), Pass},
		{"errors, early", binary(35, 3, 41, 21), with(func(p *Policy) { p.Measure, p.Sequential = Errors, true }), Pass},
		{"errors, short", binary(60, 8, 9, 23), errorsSaved, Fail},
		{"errors, base perfect", binary(98, 2, 0, 0), errorsSaved, Fail},
		{"errors, none left", binary(40, 0, 60, 0), errorsSaved, Pass},
		{"errors, none left, strict", binary(40, 0, 60, 0), with(func(p *Policy) { p.Measure, p.Rule, p.Margin = Errors, Strict, 0.97 }), Inconclusive},
		{"errors, lower is better", binary(21, 41, 3, 35), with(func(p *Policy) { p.Measure, p.LowerIsBetter = Errors, true }), Pass},
		{"base too high", binary(95, 0, 5, 0), usual, Fail},

		{"no tests", nil, usual, Error},
		{"not a number", []Pair{{"t1", math.NaN(), 1}}, usual, Error},
		{"infinite", []Pair{{"t1", 0, math.Inf(1)}}, usual, Error},
		{"twice", []Pair{{"t1", 0, 1}, {"t2", 0, 1}, {"t1", 0, 1}}, usual, Error},
		{"out of range, early", scaled(binary(5, 1, 3, 1), 2), early, Error},
		{"errors, out of range", scaled(binary(5, 1, 3, 1), 2), errorsSaved, Error},
		{"points, out of range", scaled(binary(5, 1, 3, 1), 2), points(0.1), Error},
		{"unknown measure", binary(5, 1, 3, 1), Policy{Measure: "percent"}, Error},
		{"unknown rule", binary(5, 1, 3, 1), Policy{Rule: "strikt"}, Error},
		{"alpha", binary(5, 1, 3, 1), Policy{Alpha: 0.5}, Error},
		{"negative margin", binary(5, 1, 3, 1), Policy{Margin: -0.1}, Error},
		{"endless margin", binary(5, 1, 3, 1), Policy{Margin: math.Inf(1)}, Error},
	}
	var got strings.Builder
	for _, c := range cases {
		d := Decide(c.pairs, c.policy)
		if d.Verdict != c.verdict {
			t.Errorf("%s: %s, want %s\n%s", c.name, d.Verdict, c.verdict, strings.Join(d.Reasons, "\n"))
		}
		if d.Verdict == Pass && d.N < len(c.pairs) || len(d.Reasons) == 0 {
			t.Errorf("%s: %+v", c.name, d)
		}
		b, err := json.Marshal(d)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		numbers, _, _ := strings.Cut(string(b), `,"reasons"`)
		fmt.Fprintf(&got, "%s\n  %s}\n", c.name, numbers)
		for _, reason := range d.Reasons {
			fmt.Fprintf(&got, "  - %s\n", reason)
		}
	}
	if *update {
		if err := os.WriteFile("testdata/decide.out", []byte(got.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/decide.out")
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("got\n%s", got.String())
	}
}

// noSpread is a benchmark on which every test shows the very same scores.
func noSpread(n int) []Pair {
	pairs := binary(0, 0, 0, n)
	for i := range pairs {
		pairs[i].Base, pairs[i].Tuned = 0.5, 0.75
	}
	return pairs
}

func TestDecideIgnoresOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, pairs := range [][]Pair{binary(35, 3, 41, 21), graded(60, 0.02)} {
		for _, sequential := range []bool{false, true} {
			p := Policy{Margin: 0.1, Sequential: sequential}
			want := Decide(pairs, p)
			turned := slices.Clone(pairs)
			rng.Shuffle(len(turned), func(i, j int) { turned[i], turned[j] = turned[j], turned[i] })
			before := slices.Clone(turned)
			if got := Decide(turned, p); !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if !slices.Equal(turned, before) {
				t.Error("Decide changed the caller's pairs")
			}
		}
	}
}

// TestIntervalAgreesWithStrict checks that the lower limit and the strict rule are one thing: the margin at which strict
// turns from pass is the limit.
func TestIntervalAgreesWithStrict(t *testing.T) {
	for name, pairs := range map[string][]Pair{"right or wrong": binary(35, 3, 41, 21), "partial": graded(60, 0.1)} {
		for _, p := range []Policy{{Rule: Strict}, {Rule: Strict, Sequential: true}} {
			lo := *Decide(pairs, p).Interval[0]
			for step, want := range map[float64]Verdict{-1e-6: Pass, 1e-6: Inconclusive} {
				p.Margin = lo + step
				if got := Decide(pairs, p).Verdict; got != want {
					t.Errorf("%s, %+v: lower limit %v, margin %v: %s, want %s", name, p, lo, p.Margin, got, want)
				}
			}
		}
	}
}

// TestLowerIsBetterMirrors checks that errors counted down are judged as the same errors counted down: an arm's score turned
// into its opposite, with the direction turned too, gives the same test.
func TestLowerIsBetterMirrors(t *testing.T) {
	pairs := binary(35, 3, 41, 21)
	flipped := slices.Clone(pairs)
	for i := range flipped {
		flipped[i].Base, flipped[i].Tuned = 1-flipped[i].Base, 1-flipped[i].Tuned
	}
	for _, sequential := range []bool{false, true} {
		up := Decide(pairs, Policy{Sequential: sequential})
		down := Decide(flipped, Policy{Sequential: sequential, LowerIsBetter: true})
		if up.Wins != down.Wins || up.Losses != down.Losses || math.Abs(up.P-down.P) > 1e-15 || up.Verdict != down.Verdict {
			t.Errorf("got %+v, want %+v", down, up)
		}
		if lo, hi := down.Interval[0], down.Interval[1]; lo == nil || hi == nil || !(*lo < *down.Improvement && *down.Improvement < *hi && *hi <= 1) {
			t.Errorf("interval of %v: %v", *down.Improvement, down.Interval)
		}
	}
}

// FuzzDecide gives the gate any scores: it must not panic, must write valid JSON, must not pass on fewer than five differing
// tests, and says the same of the same.
func FuzzDecide(f *testing.F) {
	f.Add([]byte{0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1}, 0.1, 0.05, uint8(1), uint8(0), uint16(0), false, false)
	f.Add([]byte{200, 250, 7, 90}, 0.5, 0.01, uint8(2), uint8(1), uint16(4), true, true)
	f.Fuzz(func(t *testing.T, scores []byte, margin, alpha float64, rule, measure uint8, total uint16, sequential, lower bool) {
		var pairs []Pair
		for i := 0; i+1 < len(scores) && i < 400; i += 2 {
			pairs = append(pairs, Pair{fmt.Sprint(i), float64(scores[i]%5) / 4, float64(scores[i+1]%5) / 4})
		}
		p := Policy{Margin: margin, Alpha: alpha, Rule: Rules()[rule%3], Measure: Measures()[measure%3], Total: int(total), Sequential: sequential, LowerIsBetter: lower}
		d := Decide(pairs, p)
		if _, err := json.Marshal(d); err != nil {
			t.Fatalf("%+v: %v", d, err)
		}
		if d.Verdict == Pass && p.Rule != Point && d.Wins+d.Losses < 5 {
			t.Fatalf("%+v", d)
		}
		if d.Verdict == Pass && d.Wins <= 0 && margin > 0 {
			t.Fatalf("passes without a win: %+v", d)
		}
		if sequential && Settled(pairs, p) && d.Verdict != Pass && d.Verdict != Fail {
			t.Fatalf("settled and undecided: %+v", d)
		}
		last := p
		last.Exhausted = true
		if end := Decide(pairs, last); sequential && Settled(pairs, p) != Settled(pairs, last) || d.Verdict == Pass && end.Verdict != Pass {
			t.Fatalf("%+v, yet with no test left %+v", d, end)
		}
		if guard := Guard(pairs, margin, p); guard.Verdict == Pass && *guard.Interval[0] < -margin-1e-9 {
			t.Fatalf("guarded, yet perhaps worse: %+v", guard)
		}
		if why := Impossible(d.Base, d.N, p); why != "" && d.Verdict == Pass {
			t.Fatalf("%s, yet %+v", why, d)
		}
		for _, limit := range d.Interval {
			if limit != nil && (math.IsNaN(*limit) || math.IsInf(*limit, 0)) {
				t.Fatalf("%+v", d)
			}
		}
		if lo, hi := d.Interval[0], d.Interval[1]; lo != nil && hi != nil && *lo > *hi {
			t.Fatalf("%v to %v", *lo, *hi)
		}
	})
}

func BenchmarkSettled300(b *testing.B) {
	pairs := binary(120, 40, 60, 80)
	for b.Loop() {
		Settled(pairs, Policy{Margin: 0.1})
	}
}

func BenchmarkDecide4500(b *testing.B) {
	pairs := binary(2000, 100, 2000, 400)
	for b.Loop() {
		Decide(pairs, Policy{Margin: 0.1, Sequential: true})
	}
}
