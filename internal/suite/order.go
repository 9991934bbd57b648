package suite

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
)

// Order returns all tests in an order drawn by seed, of which every prefix has the mix of ideals of the whole, as
// nearly as whole tests allow: stratified sampling in proportion, with the ideals as strata. A quick benchmark is a prefix of a
// full one, and what a prefix shows is meant for the whole; were each ideal given the same share instead, rare ones would
// count for more at the start than in the end, and a run that stops early would judge another suite than the one it has.
// The order depends on the seed, the ids and the ideals, not on the order of the file.
//
// The n tests that share an ideal are shuffled, and the j-th is put at a random point of the j-th of n equal parts
// of the line. So the line up to any point holds its due of each ideal to within one test, and tests that share no ideal
// with another stand in plain random order.
func (s Suite) Order(seed uint64) []Test {
	type card struct {
		test  Test
		label string
		draw  uint64  // shuffles the tests of one ideal
		at    float64 // place on the line, 0 to 1
	}
	cards := make([]card, len(s.Tests))
	jitter := make(map[string]float64, len(s.Tests))
	for i, t := range s.Tests {
		key := binary.BigEndian.AppendUint64(nil, seed)
		sum := sha256.Sum256(append(key, t.ID...))
		cards[i] = card{test: t, label: strings.Join(t.Ideal, "\x00"), draw: binary.BigEndian.Uint64(sum[:8])}
		jitter[t.ID] = float64(binary.BigEndian.Uint64(sum[8:16])>>11) / (1 << 53)
	}
	slices.SortFunc(cards, func(a, b card) int {
		return cmp.Or(cmp.Compare(a.label, b.label), cmp.Compare(a.draw, b.draw), cmp.Compare(a.test.ID, b.test.ID))
	})
	for from := 0; from < len(cards); {
		to := from
		for to < len(cards) && cards[to].label == cards[from].label {
			to++
		}
		for j := from; j < to; j++ {
			cards[j].at = (float64(j-from) + jitter[cards[j].test.ID]) / float64(to-from)
		}
		from = to
	}
	slices.SortFunc(cards, func(a, b card) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.test.ID, b.test.ID))
	})
	out := make([]Test, len(cards))
	for i, c := range cards {
		out[i] = c.test
	}
	return out
}
