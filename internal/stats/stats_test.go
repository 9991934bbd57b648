package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// near fails unless two numbers agree to 1e-9, relative to the larger where that is above 1.
func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-9*max(1, math.Abs(want))) {
		t.Errorf("%s: got %.15g, want %.15g", what, got, want)
	}
}

func TestBinomialAgainstGonum(t *testing.T) {
	for _, n := range []int{1, 2, 5, 10, 37, 100, 1000, 20_000} {
		for _, p := range []float64{0.01, 0.3, 0.5, 0.9} {
			b := distuv.Binomial{N: float64(n), P: p}
			for _, share := range []float64{0, 0.05, 0.3, 0.5, 0.55, 0.9, 1} {
				k := int(share * float64(n))
				near(t, "upper tail", BinomialUpper(k, n, p), 1-b.CDF(float64(k-1)))
			}
		}
	}
	for _, c := range []struct{ k, n, p, want float64 }{{0, 0, 0.5, 1}, {1, 0, 0.5, 0}, {1, 3, 0, 0}, {3, 3, 1, 1}, {-2, 3, 0.5, 1}} {
		near(t, "edge", BinomialUpper(int(c.k), int(c.n), c.p), c.want)
	}
}

// TestMcNemar uses values that can be counted by hand: sums of binomial coefficients over powers of two.
func TestMcNemar(t *testing.T) {
	for _, c := range []struct {
		wins, losses int
		p, two       float64
	}{
		{5, 0, 1.0 / 32, 2.0 / 32},
		{4, 0, 1.0 / 16, 2.0 / 16},
		{7, 1, 9.0 / 256, 18.0 / 256},
		{6, 1, 8.0 / 128, 16.0 / 128},
		{8, 2, 56.0 / 1024, 112.0 / 1024},
		{22, 10, 0.025051229866221547, 0.05010245973244309}, // two runs on SWE-bench Lite
		{3, 3, 42.0 / 64, 1},
		{0, 5, 1, 2.0 / 32},
		{0, 0, 1, 1},
	} {
		got := McNemar(c.wins, c.losses)
		near(t, "one-sided", got.P, c.p)
		near(t, "two-sided", got.TwoSided(), c.two)
		near(t, "mirror", McNemar(c.losses, c.wins).Reverse, got.P)
		if few := c.wins+c.losses < 5; (len(got.Warnings) > 0) != few {
			t.Errorf("%d to %d: warnings %q", c.wins, c.losses, got.Warnings)
		}
	}
}

// TestWilson uses the published examples of Newcombe, Statistics in Medicine 17 (1998), table I, and the score equation itself.
func TestWilson(t *testing.T) {
	for _, c := range []struct {
		k, n   int
		lo, hi float64
	}{{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}} {
		lo, hi := Wilson(c.k, c.n, 0.95)
		if math.Abs(lo-c.lo) > 5e-5 || math.Abs(hi-c.hi) > 5e-5 {
			t.Errorf("%d of %d: %.4f to %.4f, published %.4f to %.4f", c.k, c.n, lo, hi, c.lo, c.hi)
		}
	}
	z := distuv.UnitNormal.Quantile(0.95)
	for k := 1; k < 40; k++ {
		lo, hi := Wilson(k, 40, 0.90)
		for _, limit := range []float64{lo, hi} { // the limits are where the score test is at its critical value
			near(t, "score at limit", math.Abs(float64(k)/40-limit)/math.Sqrt(limit*(1-limit)/40), z)
		}
	}
	if lo, hi := Wilson(0, 0, 0.95); lo != 0 || hi != 1 {
		t.Error("nothing seen must leave everything possible")
	}
}

func TestQuantilesAgainstGonum(t *testing.T) {
	for _, p := range []float64{1e-200, 1e-12, 1e-6, 0.001, 0.025, 0.05, 0.3, 0.5, 0.8, 0.95, 0.975, 0.999, 1 - 1e-6} {
		if p < 1e-15 {
			// gonum has no digits left here
			near(t, "normal far out", math.Log(math.Erfc(-NormalQuantile(p)/math.Sqrt2)/2), math.Log(p))
			continue
		}
		near(t, "normal", NormalQuantile(p), distuv.UnitNormal.Quantile(p))
		for _, df := range []float64{1, 2, 3, 4, 9, 29, 99.5, 300, 4999} {
			if p < 1e-6 && df < 9 {
				continue // gonum itself loses digits there; TestStudent has the closed forms
			}
			d := distuv.StudentsT{Sigma: 1, Nu: df}
			q := StudentQuantile(p, df)
			near(t, "student tail of own quantile", StudentUpper(q, df), 1-p)
			near(t, "student", d.Survival(q), 1-p)
			near(t, "student tail", StudentUpper(1.3, df), d.Survival(1.3))
			near(t, "student tail", StudentUpper(-0.7, df), d.Survival(-0.7))
		}
	}
}

// TestStudent uses closed forms, and published critical values.
func TestStudent(t *testing.T) {
	for _, p := range []float64{1e-9, 0.01, 0.2, 0.5, 0.9, 0.999} {
		near(t, "df 1", StudentQuantile(p, 1), -1/math.Tan(math.Pi*p))
		a := 4 * p * (1 - p)
		near(t, "df 2", StudentQuantile(p, 2), 2*(p-0.5)*math.Sqrt(2/a))
		c := math.Cos(math.Acos(math.Sqrt(a))/3) / math.Sqrt(a)
		near(t, "df 4", StudentQuantile(p, 4), math.Copysign(2*math.Sqrt(c-1), p-0.5))
	}
	for df, want := range map[float64]float64{9: 1.8331129326536335, 29: 1.6991270265334972, 99: 1.6603911559963895} {
		near(t, "0.95", StudentQuantile(0.95, df), want)
	}
	// The two methods meet.
	for _, p := range []float64{0.01, 0.9, 0.9999} {
		near(t, "seam", StudentQuantile(p, largeDF-1e-6), StudentQuantile(p, largeDF))
		near(t, "seam", StudentUpper(NormalQuantile(p), largeDF-1e-6), StudentUpper(NormalQuantile(p), largeDF))
	}
	near(t, "far tail", StudentUpper(1e300, 5), 0)
	near(t, "far tail", StudentUpper(1e300, 1e6), 0)
	near(t, "infinite", StudentUpper(math.Inf(-1), 1e6), 1)
}

func TestMean(t *testing.T) {
	xs := []float64{0.1, -0.4, 0.8, 0.3, 1, 0, -1.1}
	m := MeanOf(xs)
	mean, sd := stat.MeanStdDev(xs, nil)
	near(t, "mean", m.Mean, mean)
	near(t, "deviation", m.SD, sd)
	q := distuv.StudentsT{Sigma: 1, Nu: 6}.Quantile(0.95)
	near(t, "lower", m.Lower(0.05), mean-q*sd/math.Sqrt(7))
	near(t, "upper", m.Upper(0.05), mean+q*sd/math.Sqrt(7))
	near(t, "p at its own bound", MeanOf(minus(xs, m.Lower(0.05))).P(), 0.05)
	if one := MeanOf([]float64{3}); one.P() != 1 || !math.IsInf(one.Lower(0.05), -1) || !math.IsInf(one.Upper(0.05), 1) {
		t.Error("one value bounds nothing")
	}
	if same := MeanOf(slices.Repeat([]float64{0.1}, 7)); same.SD != 0 || same.P() != 1 {
		t.Errorf("equal values prove nothing: %+v", same)
	}
	if none := MeanOf(nil); none != (Mean{}) {
		t.Errorf("no values: %+v", none)
	}
}

func minus(xs []float64, c float64) []float64 {
	out := slices.Clone(xs)
	for i := range out {
		out[i] -= c
	}
	return out
}

// TestRatio checks what defines Fieller's limits: a t-test of num - g*den is at its critical value there.
func TestRatio(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	num, den := make([]float64, 40), make([]float64, 40)
	for i := range num {
		den[i] = float64(rng.IntN(2))
		num[i] = min(1, den[i]*rng.Float64()+0.5*rng.Float64())
	}
	lo, hi := Ratio(num, den, 0.05)
	deviations := func(g float64) Mean {
		ds := slices.Clone(num)
		for i := range ds {
			ds[i] -= g * den[i]
		}
		return MeanOf(ds)
	}
	if !(lo > 0 && lo < hi && hi < 10) {
		t.Fatalf("%v to %v", lo, hi)
	}
	if p := deviations(lo).P(); math.Abs(p-0.05) > 1e-9 {
		t.Errorf("p at the lower limit: %v", p)
	}
	if p := deviations(hi).Minus().P(); math.Abs(p-0.05) > 1e-9 {
		t.Errorf("p at the upper limit: %v", p)
	}
	// No error left: t knows no spread of it, but the true ratio need not be 0.
	none := make([]float64, 40)
	wantLo, wantHi := RatioSequence(none, den, 0.05)
	if lo, hi := Ratio(none, den, 0.05); lo != wantLo || hi != wantHi || hi < 0.05 {
		t.Errorf("all zero: %v to %v, want %v to %v", lo, hi, wantLo, wantHi)
	}
	large := slices.Clone(den)
	for i := range large {
		large[i] *= 40
	}
	if _, hi := Ratio(none, large, 0.05); math.Abs(hi-wantHi) > 1e-9 {
		t.Errorf("on another scale: %v, want %v", hi, wantHi)
	}
	for name, c := range map[string]struct{ num, den []float64 }{
		"num zero, den of both signs": {[]float64{0, 0, 0}, []float64{1, -0.5, 1}},
		"one pair":                    {[]float64{1}, []float64{1}},
		"no spread":                   {[]float64{1, 1, 1}, []float64{0.5, 0.5, 0.5}},
		"den zero":                    {[]float64{1, 0, 1}, []float64{0, 0, 0}},
		"den not shown above zero":    {[]float64{0, 1, 0, 0, 0}, []float64{1, 0, 0, 0, 0}},
	} {
		if lo, hi := Ratio(c.num, c.den, 0.05); lo != 0 || !math.IsInf(hi, 1) {
			t.Errorf("%s: %v to %v, want 0 to +Inf", name, lo, hi)
		}
	}
}

func TestSignFlip(t *testing.T) {
	// Equal sizes: the test of signs, which is McNemar's.
	for wins := range 8 {
		ds := append(slices.Repeat([]float64{0.5}, wins), slices.Repeat([]float64{-0.5}, 7-wins)...)
		ds = append(ds, 0, 0, 0)
		got, want := SignFlip(ds, 1), McNemar(wins, 7-wins)
		near(t, "up", got.P, want.P)
		near(t, "down", got.Reverse, want.Reverse)
		if !got.Exact {
			t.Error("seven differences are not counted exactly")
		}
	}
	// By hand: of the eight sums of ±1 ±2 ±4 two are 5 or more.
	near(t, "by hand", SignFlip([]float64{-1, 2, 4}, 1).P, 2.0/8)
	near(t, "nothing", SignFlip(nil, 1).P, 1)

	// Drawn instead of counted: near the same, never 0, and repeatable.
	ds := append(slices.Repeat([]float64{0.25}, 14), slices.Repeat([]float64{-0.25}, 6)...)
	got := SignFlip(ds, 1)
	if want := McNemar(14, 6).P; got.Exact || math.Abs(got.P-want) > 4*math.Sqrt(want*(1-want)/draws) {
		t.Errorf("drawn %v, exact %v", got.P, want)
	}
	if again := SignFlip(ds, 1); again.P != got.P {
		t.Error("the same seed gives another p")
	}
	if sure := SignFlip(slices.Repeat([]float64{1}, 100), 1); sure.P != 1.0/(draws+1) {
		t.Errorf("a hundred wins: %v", sure.P)
	}
}

func BenchmarkSignFlip300(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	ds := make([]float64, 300)
	for i := range ds {
		ds[i] = rng.Float64() - 0.4
	}
	for b.Loop() {
		SignFlip(ds, 1)
	}
}
