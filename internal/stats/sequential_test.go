package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/mathext"
)

// TestDiscordant compares with the integral that defines it, and with the beta distribution.
func TestDiscordant(t *testing.T) {
	for _, c := range [][2]int{{0, 0}, {1, 0}, {5, 0}, {6, 0}, {7, 0}, {0, 7}, {21, 3}, {60, 40}, {300, 250}, {2000, 100}} {
		w, l := float64(c[0]), float64(c[1])
		got := Discordant(c[0], c[1])
		beta := mathext.Lbeta(w+1, l+1) + math.Log(1-mathext.RegIncBeta(w+1, l+1, 0.5))
		near(t, "beta", got, (w+l+1)*math.Ln2+beta)
		if w+l < 200 {
			e := quad.Fixed(func(x float64) float64 { return 2 * math.Pow(2*x, w) * math.Pow(2*(1-x), l) }, 0.5, 1, 200, nil, 0)
			near(t, "integral", math.Exp(got), e)
		}
	}
	near(t, "nothing seen", Discordant(0, 0), 0)
	for wins, settled := range map[int]bool{6: false, 7: true} {
		if (Discordant(wins, 0) >= math.Log(20)) != settled {
			t.Errorf("%d wins to none: evidence %v", wins, math.Exp(Discordant(wins, 0)))
		}
	}
}

// signs are so many differences of 1, of -1, and of 0.
func signs(wins, losses, ties int) []float64 {
	return slices.Concat(slices.Repeat([]float64{1}, wins), slices.Repeat([]float64{-1}, losses), make([]float64, ties))
}

func TestBetting(t *testing.T) {
	// On wins and losses it is Discordant, up to the coarseness of its stakes.
	for _, c := range [][2]int{{7, 0}, {21, 3}, {60, 40}, {5, 15}} {
		got, want := Betting(signs(c[0], c[1], 30), 1), Discordant(c[0], c[1])
		if math.Abs(got-want) > 0.02*max(1, math.Abs(want)) {
			t.Errorf("%v: %v, uniform mixture %v", c, got, want)
		}
	}
	ds := []float64{0.2, -1.1, 1, -0.1, 0.7, 0.7, 0.7}
	turned := slices.Clone(ds)
	slices.Reverse(turned)
	if a, b := Betting(ds, 1.1), Betting(turned, 1.1); a != b {
		t.Errorf("the order counts: %v and %v", a, b)
	}
	if got := Betting(slices.Repeat([]float64{-1.1}, 500), 1.1); math.IsNaN(got) || got > -5 {
		t.Errorf("only losses: %v", got)
	}
	near(t, "nothing seen", Betting(nil, 1), 0)
}

// TestEvidenceIsFair looks after each ten values, for as long as 200 values, where there is no effect: an e-process may reach
// 20 in one run of twenty at most.
func TestEvidenceIsFair(t *testing.T) {
	const runs, length = 400, 200
	for name, next := range map[string]func(*rand.Rand) float64{
		"fair coin":            func(r *rand.Rand) float64 { return float64(2*r.IntN(2) - 1) },
		"rare large gain":      func(r *rand.Rand) float64 { return pick(r.Float64() < 1.0/11, 1, -0.1) },
		"rare large loss":      func(r *rand.Rand) float64 { return pick(r.Float64() < 1.0/12, -1.1, 0.1) },
		"uniform":              func(r *rand.Rand) float64 { return 2*r.Float64() - 1 },
		"worse, when it loses": func(r *rand.Rand) float64 { return pick(r.Float64() < 0.5, 0.4, -0.5) },
	} {
		rng := rand.New(rand.NewPCG(3, 3))
		crossed := 0
		for range runs {
			var ds []float64
			for len(ds) < length {
				for range 10 {
					ds = append(ds, next(rng))
				}
				if Betting(ds, 1.1) >= math.Log(20) {
					crossed++
					break
				}
			}
		}
		if share := float64(crossed) / runs; share > 0.05 {
			t.Errorf("%s: %.1f %% of runs found an effect that is not there", name, 100*share)
		}
	}
}

func pick(first bool, a, b float64) float64 {
	if first {
		return a
	}
	return b
}

func TestRatioSequence(t *testing.T) {
	num := []float64{1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 0.5, 1, 1, 0, 1, 1, 1, 1, 1, 1}
	den := []float64{1, 0, 1, 0, 1, 1, 0, 1, 0, 0, 0.5, 1, 0, 0, 1, 0, 1, 1, 0, 1}
	lo, hi := RatioSequence(num, den, 0.05)
	deviations := func(g, sign float64) []float64 {
		ds := make([]float64, len(num))
		for i := range ds {
			ds[i] = sign * (num[i] - g*den[i])
		}
		return ds
	}
	near(t, "evidence at the lower limit", Betting(deviations(lo, 1), lo), math.Log(20))
	near(t, "evidence at the upper limit", Betting(deviations(hi, -1), 1), math.Log(20))
	if seen := MeanOf(num).Mean / MeanOf(den).Mean; !(lo < seen && seen < hi) {
		t.Errorf("%v to %v leaves out what was seen, %v", lo, hi, seen)
	}
	if lo, hi := RatioSequence([]float64{0, 0}, []float64{0, 0}, 0.05); lo != 0 || !math.IsInf(hi, 1) {
		t.Errorf("nothing right: %v to %v", lo, hi)
	}
	// The fixed interval is the narrower: that is the price of looking.
	if fixedLo, fixedHi := Ratio(num, den, 0.05); fixedLo <= lo || fixedHi >= hi {
		t.Errorf("fixed %v to %v, sequential %v to %v", fixedLo, fixedHi, lo, hi)
	}
}

// TestRatioSequenceHolds stops each run at its worst moment and counts how often a limit is on the wrong side of the truth.
func TestRatioSequenceHolds(t *testing.T) {
	const runs, truth = 150, 0.75 / 0.6
	rng := rand.New(rand.NewPCG(5, 5))
	var low, high int
	for range runs {
		var num, den []float64
		var tooLow, tooHigh bool
		for range 12 {
			for range 20 {
				den = append(den, pick(rng.Float64() < 0.6, 1, 0))
				num = append(num, pick(rng.Float64() < 0.75, 1, 0))
			}
			lo, hi := RatioSequence(num, den, 0.05)
			tooHigh, tooLow = tooHigh || lo > truth, tooLow || hi < truth
		}
		low += int(pick(tooLow, 1, 0))
		high += int(pick(tooHigh, 1, 0))
	}
	if max(low, high) > runs/20 {
		t.Errorf("of %d runs %d had an upper limit below the truth, %d a lower one above it", runs, low, high)
	}
}

func TestNeeded(t *testing.T) {
	// Base 0.6, correlation 0.5, +20 %: about 100 tests (Miller 2024, section on power).
	n := Needed(Mean{Mean: 0.12, SD: math.Sqrt(0.24 + 0.2016 - 2*0.5*math.Sqrt(0.24*0.2016) - 0.0)}, 0.05)
	if n < 90 || n > 105 {
		t.Errorf("needed: %d", n)
	}
	if Needed(Mean{Mean: 0, SD: 1}, 0.05) != 0 || Needed(Mean{Mean: 1e-9, SD: 1}, 0.05) != 0 {
		t.Error("no effect can be shown by no number of tests")
	}
	ds := signs(21, 3, 76)
	sequential := NeededBetting(ds, 1, 0.05)
	if fixed := Needed(MeanOf(ds), 0.05); sequential <= 7 || sequential >= 100 || fixed >= 100 {
		t.Errorf("settled by 100 already, yet %d needed in sequence, %d fixed", sequential, fixed)
	}
	if NeededBetting(signs(3, 5, 10), 1, 0.05) != 0 || NeededBetting(nil, 1, 0.05) != 0 {
		t.Error("evidence that does not grow is never enough")
	}
}

func BenchmarkBetting300(b *testing.B) {
	ds := signs(60, 30, 210)
	for b.Loop() {
		Betting(ds, 1)
	}
}

func BenchmarkRatioSequence300(b *testing.B) {
	num, den := make([]float64, 300), make([]float64, 300)
	for i := range num {
		num[i], den[i] = pick(i%4 > 0, 1, 0), pick(i%3 > 0, 1, 0)
	}
	for b.Loop() {
		RatioSequence(num, den, 0.05)
	}
}

// TestMeanSequence checks what defines the limits, and that they widen to everything where nothing was seen.
func TestMeanSequence(t *testing.T) {
	ds := []float64{1, 0, 0.25, -0.5, 1, 1, 0, 1, 0.75, -1, 1, 1, 0, 0, 1, 1, 0.5, 1, 0, 1}
	lo, hi := MeanSequence(ds, 0.05)
	less := func(m, sign float64) []float64 {
		out := make([]float64, len(ds))
		for i, d := range ds {
			out[i] = sign * (d - m)
		}
		return out
	}
	near(t, "evidence at the lower limit", Betting(less(lo, 1), 1+lo), math.Log(20))
	near(t, "evidence at the upper limit", Betting(less(hi, -1), 1-hi), math.Log(20))
	if mean := MeanOf(ds).Mean; !(-1 < lo && lo < mean && mean < hi && hi < 1) {
		t.Errorf("%v to %v about %v", lo, hi, mean)
	}
	mirror := slices.Clone(ds)
	for i := range mirror {
		mirror[i] = -mirror[i]
	}
	if l, h := MeanSequence(mirror, 0.05); math.Abs(l+hi) > 1e-9 || math.Abs(h+lo) > 1e-9 {
		t.Errorf("mirrored: %v to %v, want %v to %v", l, h, -hi, -lo)
	}
	for _, c := range []struct {
		ds     []float64
		lo, hi float64
	}{{nil, -1, 1}, {[]float64{1}, -1, 1}, {slices.Repeat([]float64{-1}, 1000), -1, -0.98}, {slices.Repeat([]float64{1}, 1000), 0.98, 1}} {
		if lo, hi := MeanSequence(c.ds, 0.05); lo < c.lo-1e-9 || hi > c.hi+1e-9 || lo > hi {
			t.Errorf("%d values: %v to %v, want within %v to %v", len(c.ds), lo, hi, c.lo, c.hi)
		}
	}
}

// TestTally: many different values are counted as few are.
func TestTally(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, distinct := range []int{1, 3, 16, 17, 200} {
		var xs []float64
		want := make(map[float64]float64)
		for range 500 {
			x := float64(rng.IntN(distinct))
			xs = append(xs, x)
			want[x]++
		}
		got := tally(xs)
		if len(got) != len(want) || !slices.IsSortedFunc(got, func(a, b counted[float64]) int { return int(a.value - b.value) }) {
			t.Errorf("%d values: %v", distinct, got)
		}
		for _, c := range got {
			if want[c.value] != c.n {
				t.Errorf("%v stands %v times, want %v", c.value, c.n, want[c.value])
			}
		}
	}
}
