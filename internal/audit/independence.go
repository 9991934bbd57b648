package audit

import (
	"math"
	"slices"

	"github.com/tunegate/tunegate/internal/stats"
)

// association is what a table of counts, groups by answers, says about the two.
type association struct {
	P          float64 // of Pearson's chi-square test of independence
	ChiSquare  float64
	Freedom    int
	V          float64 // Cramér's, less its bias (Bergsma, J. Korean Stat. Soc. 42, 2013): 0 to 1
	N          int
	Row, Col   int     // the cell that stands out most, by its adjusted residual; indices into the table that was given
	Share      float64 // of Col in Row
	Rest       float64 // of Col in all other rows
	Lo, Hi     float64 // 95 % interval of Share - Rest (Newcombe, Stat. Med. 17, 1998, method 10)
	RowN, Left int     // size of Row, and of the other rows
}

// least is the expected count from which a cell counts by itself in a chi-square test (Cochran, Biometrics 10, 1954).
const least = 5

// associate tests the table. Columns that are too rare in some row to be tested alone are taken together. It reports
// false where less than two of either remain.
func associate(table [][]int) (association, bool) {
	if len(table) < 2 {
		return association{}, false
	}
	width := len(table[0])
	rows, cols := make([]int, len(table)), make([]int, width)
	n := 0
	for i, row := range table {
		for j, c := range row {
			rows[i] += c
			cols[j] += c
			n += c
		}
	}
	fewest := slices.Min(rows)
	if fewest == 0 {
		return association{}, false
	}
	// From the most frequent column on: each stands alone while it can, and so must what is left over.
	order := make([]int, width)
	for j := range order {
		order[j] = j
	}
	slices.SortStableFunc(order, func(a, b int) int { return cols[b] - cols[a] })
	enough := func(count int) bool { return float64(count)*float64(fewest) >= least*float64(n) }
	alone, left := 0, n
	for alone < width && enough(cols[order[alone]]) && (left == cols[order[alone]] || enough(left-cols[order[alone]])) {
		left -= cols[order[alone]]
		alone++
	}
	tested := alone
	if left > 0 {
		tested++
	}
	if tested < 2 {
		return association{}, false
	}
	a := association{N: n, Freedom: (len(table) - 1) * (tested - 1)}
	most := -1.0
	for i, row := range table {
		rest := rows[i]
		cell := func(observed, total int) float64 {
			expected := float64(rows[i]) * float64(total) / float64(n)
			d := float64(observed) - expected
			a.ChiSquare += d * d / expected
			return d * d / (expected * (1 - float64(rows[i])/float64(n)) * (1 - float64(total)/float64(n)))
		}
		for _, j := range order[:alone] {
			rest -= row[j]
			if r := cell(row[j], cols[j]); r > most {
				most, a.Row, a.Col = r, i, j
			}
		}
		if left > 0 {
			cell(rest, left)
		}
	}
	if most < 0 {
		return association{}, false
	}
	a.P = chiSquareUpper(a.ChiSquare, a.Freedom)
	a.V = cramer(a.ChiSquare, n, len(table), tested)
	a.RowN, a.Left = rows[a.Row], n-rows[a.Row]
	in, out := table[a.Row][a.Col], cols[a.Col]-table[a.Row][a.Col]
	a.Share, a.Rest = float64(in)/float64(a.RowN), float64(out)/float64(a.Left)
	lo1, hi1 := stats.Wilson(in, a.RowN, .95)
	lo2, hi2 := stats.Wilson(out, a.Left, .95)
	a.Lo = a.Share - a.Rest - math.Hypot(a.Share-lo1, hi2-a.Rest)
	a.Hi = a.Share - a.Rest + math.Hypot(hi1-a.Share, a.Rest-lo2)
	return a, true
}

// cramer is Cramér's V corrected for its bias.
func cramer(chiSquare float64, n, rows, cols int) float64 {
	m, r, k := float64(n), float64(rows), float64(cols)
	phi := max(0, chiSquare/m-(r-1)*(k-1)/(m-1))
	r -= (r - 1) * (r - 1) / (m - 1)
	k -= (k - 1) * (k - 1) / (m - 1)
	return min(1, math.Sqrt(phi/(min(r, k)-1)))
}

// chiSquareUpper is the probability of a chi-square of x or more: the regularised incomplete gamma function Q(df/2, x/2), by its series
// below the mean and Legendre's continued fraction above (NIST Digital Library of Mathematical Functions, 8.11.4 and 8.9.2).
func chiSquareUpper(x float64, df int) float64 {
	if x <= 0 || df <= 0 {
		return 1
	}
	a, x := float64(df)/2, x/2
	lg, _ := math.Lgamma(a)
	front := math.Exp(a*math.Log(x) - x - lg)
	if x < a+1 {
		term := 1 / a
		sum := term
		for k := 1.0; term > sum*1e-16; k++ {
			term *= x / (a + k)
			sum += term
		}
		return max(0, 1-front*sum)
	}
	const tiny = 1e-300 // Lentz's method, modified
	b := x + 1 - a
	c, d := 1/tiny, 1/b
	f := d
	for k := 1.0; k < 10_000; k++ {
		an := -k * (k - a)
		b += 2
		if d = an*d + b; math.Abs(d) < tiny {
			d = tiny
		}
		if c = b + an/c; math.Abs(c) < tiny {
			c = tiny
		}
		d = 1 / d
		f *= d * c
		if math.Abs(d*c-1) < 1e-15 {
			break
		}
	}
	return min(1, front*f)
}

// holm corrects the p-value for having made m tests, of which it is the k-th smallest, from 0 (Holm, Scand. J. Stat. 6,
// 1979), given the corrected value of the one before.
func holm(p, before float64, k, m int) float64 {
	return min(1, max(before, p*float64(m-k)))
}
