package stats

import "math"

// largeDF is where Student's t is close enough to the normal distribution for the first terms of its expansion to be
// exact to 1e-13, while the incomplete beta function begins to lose digits.
const largeDF = 1e4

// StudentUpper is the probability that Student's t with df > 0 degrees of freedom is t or more.
func StudentUpper(t, df float64) float64 {
	if df >= largeDF {
		return math.Erfc(normalOf(t, df)/math.Sqrt2) / 2
	}
	tail := incompleteBeta(df/(df+t*t), df/2, 0.5) / 2
	if t < 0 {
		return 1 - tail
	}
	return tail
}

// StudentQuantile is the t that is exceeded with probability 1-p, 0 < p < 1.
func StudentQuantile(p, df float64) float64 {
	if p < 0.5 {
		return -studentExceeded(p, df)
	}
	return studentExceeded(1-p, df)
}

// studentExceeded is the t >= 0 that is exceeded with probability tail, at most a half.
func studentExceeded(tail, df float64) float64 {
	z := -NormalQuantile(tail)
	if df >= largeDF {
		return fromNormal(z, df)
	}
	// The tail falls with t: widen until it is passed, then halve.
	lo, hi := 0.0, max(1, z)
	for StudentUpper(hi, df) > tail && hi < 1e300 {
		lo, hi = hi, 2*hi
	}
	for range 200 {
		mid := lo + (hi-lo)/2
		if mid == lo || mid == hi {
			break
		}
		if StudentUpper(mid, df) > tail {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo + (hi-lo)/2
}

// fromNormal is the expansion of the t quantile about the normal one (Abramowitz and Stegun 26.7.5).
func fromNormal(z, df float64) float64 {
	z2 := z * z
	return z * (1 + (z2+1)/(4*df) + (5*z2*z2+16*z2+3)/(96*df*df) + (3*z2*z2*z2+19*z2*z2+17*z2-15)/(384*df*df*df))
}

// normalOf inverts fromNormal, which differs from the identity by little.
func normalOf(t, df float64) float64 {
	if math.IsInf(t, 0) || math.Abs(t) > 40 {
		return t // the tail is zero, or one, in either distribution
	}
	z := t
	for range 50 {
		next := z - (fromNormal(z, df) - t)
		if math.Abs(next-z) < 1e-15*(1+math.Abs(z)) {
			return next
		}
		z = next
	}
	return z
}

// incompleteBeta is the regularised incomplete beta function I_x(a, b), by the continued fraction of DLMF 8.17.22,
// evaluated by Lentz's method on the side where it converges fast.
func incompleteBeta(x, a, b float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	case x > (a+1)/(a+b+2):
		return 1 - incompleteBeta(1-x, b, a)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a

	const tiny = 1e-300
	clear := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	c, d := 1.0, 1/clear(1-(a+b)*x/(a+1))
	sum := d
	for m := 1.0; m < 10_000; m++ {
		for _, term := range [2]float64{
			m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m)),
			-(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1)),
		} {
			d = 1 / clear(1+term*d)
			c = clear(1 + term/c)
			sum *= c * d
		}
		if math.Abs(c*d-1) < 1e-16 {
			break
		}
	}
	return front * sum
}
