package audit

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/stats"
)

// pairFinding tells of two prompts that differ by the group alone, and have different answers.
func (q *groupSkew) pairFinding(a, b skewRow) diag.Finding {
	var by []string
	for of := range attributes {
		if a.groups[of] != b.groups[of] || a.groups[of] == -2 {
			by = append(by, of.String())
		}
	}
	return diag.Finding{
		Line: int(b.line), Lines: []int{int(a.line), int(b.line)}, Related: []diag.Place{{File: q.file, Line: int(a.line)}},
		Message: fmt.Sprintf("same prompt as line %d but for the %s of a person, and another answer: %s there, %s here", a.line, strings.Join(by, " and "), q.names[a.answer], q.names[b.answer]),
		Hint:    "give both the same answer, unless the difference is meant",
	}
}

// direction is what pairs that differ by one attribute have in common: two groups and two answers, in the order of their
// indices.
type direction struct {
	of      attribute
	groups  [2]int8
	answers [2]int32
}

// reportDirections tells where pairs favour one way round: of the pairs in which one group has one answer and the other
// group the other, about half should be each way (McNemar's test).
func (q *groupSkew) reportDirections(report report) {
	counts := map[direction]*[2]int{} // pairs that are as their direction says, and the other way round
	for _, p := range q.pairs {
		a, b := p[0], p[1]
		differ := -1
		for of := range a.groups {
			if a.groups[of] != b.groups[of] || a.groups[of] == -2 {
				if differ >= 0 || a.groups[of] < 0 || b.groups[of] < 0 {
					differ = -2
					break
				}
				differ = of
			}
		}
		if differ < 0 || b.paired {
			continue
		}
		if a.groups[differ] > b.groups[differ] {
			a, b = b, a
		}
		d := direction{attribute(differ), [2]int8{a.groups[differ], b.groups[differ]}, [2]int32{a.answer, b.answer}}
		way := 0
		if a.answer > b.answer {
			d.answers, way = [2]int32{b.answer, a.answer}, 1
		}
		if counts[d] == nil {
			counts[d] = new([2]int)
		}
		counts[d][way]++
	}
	p := func(d direction) float64 { return stats.McNemar(counts[d][0], counts[d][1]).TwoSided() }
	ds := slices.SortedFunc(maps.Keys(counts), func(a, b direction) int {
		return cmp.Or(cmp.Compare(p(a), p(b)), cmp.Compare(a.of, b.of), slices.Compare(a.groups[:], b.groups[:]), slices.Compare(a.answers[:], b.answers[:]))
	})
	corrected := 0.0
	for i, d := range ds {
		if corrected = holm(p(d), corrected, i, len(ds)); corrected >= skewP {
			return
		}
		n := *counts[d]
		most := max(n[0], n[1])
		if n[1] == most {
			d.answers[0], d.answers[1] = d.answers[1], d.answers[0]
		}
		lo, hi := stats.Wilson(most, n[0]+n[1], .95)
		names := q.words.names[d.of]
		report(diag.Finding{
			Message: fmt.Sprintf("in %d of %d pairs of prompts that differ by the %s alone, the one that names %s has %s and the one that names %s has %s (%s, 95 %% interval %s to %s); McNemar's test %s after correction for %s",
				most, n[0]+n[1], d.of, names[d.groups[0]], q.names[d.answers[0]], names[d.groups[1]], q.names[d.answers[1]],
				percent(float64(most)/float64(n[0]+n[1])), percent(lo), percent(hi), chance(corrected), plural(len(ds), "test", "tests")),
			Hint: "give both prompts of a pair the same answer, unless the difference is meant",
		})
	}
}
