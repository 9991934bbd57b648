package grade

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"

	"github.com/tunegate/tunegate/internal/suite"
)

var articles = regexp.MustCompile(`\b(a|an|the)\b`)

// tokens are the words of a text as the evaluation of SQuAD (Rajpurkar et al., 2016, arXiv 1606.05250) takes them: lower case,
// without ASCII punctuation, without articles.
func tokens(s string) []string {
	s = strings.Map(func(r rune) rune {
		if r < 0x80 && strings.ContainsRune("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", r) {
			return -1
		}
		return r
	}, strings.ToLower(s))
	return strings.Fields(articles.ReplaceAllString(s, " "))
}

func checkTokens(_ Grader, ideal string) error {
	if len(tokens(ideal)) == 0 {
		return errors.New("no word but articles")
	}
	return nil
}

func tokenF1(g Grader, answer, ideal string) Score {
	got, want := tokens(answer), tokens(ideal)
	left := make(map[string]int, len(want))
	for _, w := range want {
		left[w]++
	}
	same := 0
	for _, w := range got {
		if left[w] > 0 {
			left[w]--
			same++
		}
	}
	return g.above(2*float64(same)/float64(len(got)+len(want)), "F1")
}

// above applies the threshold to a value from 0 to 1.
func (g Grader) above(value float64, what string) Score {
	if g.o.Threshold == 0 {
		return Score{Value: value}
	}
	if value >= g.o.Threshold {
		return Score{Value: 1}
	}
	return Score{Note: fmt.Sprintf("%s %.3f", what, value)}
}

// embedding compares directions; the best of the ideals counts.
func embedding(ctx context.Context, g Grader, t suite.Test, answer string) (Score, error) {
	vectors, err := g.means.Embed(ctx, g.o.Model, append([]string{answer}, t.Ideal...))
	if err != nil {
		return Score{}, fmt.Errorf("embedding by %s: %w", g.o.Model, err)
	}
	if len(vectors) != 1+len(t.Ideal) {
		return Score{}, fmt.Errorf("embedding by %s: %d vectors for %d texts", g.o.Model, len(vectors), 1+len(t.Ideal))
	}
	best := 0.0
	for _, v := range vectors[1:] {
		c, err := cosine(vectors[0], v)
		if err != nil {
			return Score{}, fmt.Errorf("embedding by %s: %w", g.o.Model, err)
		}
		best = max(best, c)
	}
	return g.above(best, "cosine"), nil
}

// cosine is from -1 to 1. A vector that has no direction, or none that can be told, is an error.
func cosine(a, b []float64) (float64, error) {
	if len(a) != len(b) || len(a) == 0 {
		return 0, fmt.Errorf("vectors of %d and %d numbers", len(a), len(b))
	}
	var ab, aa, bb float64
	for i := range a {
		ab, aa, bb = ab+a[i]*b[i], aa+a[i]*a[i], bb+b[i]*b[i]
	}
	c := ab / math.Sqrt(aa) / math.Sqrt(bb)
	if math.IsNaN(c) || math.IsInf(c, 0) {
		return 0, errors.New("a vector without direction")
	}
	return min(max(c, -1), 1), nil
}
