package audit

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/tunegate/tunegate/internal/diag"
)

// reportMissingLabels tells which answers of the tests stand nowhere in training data whose answers are labels.
func reportMissingLabels(s *set, report report) {
	if s.labelSet() == nil {
		return
	}
	known := make([]string, 0, len(s.labels.counts))
	for answer := range s.labels.counts {
		known = append(known, bare(answer))
	}
	slices.Sort(known)
	wanted := map[string][]int{} // missing answer to the lines of the tests that want it
	concerned := 0
	trained := map[string]bool{}
	for _, t := range s.tests.Tests {
		if !slices.ContainsFunc(t.Ideal, func(ideal string) bool {
			has, ok := trained[ideal]
			if !ok {
				has = isTrained(known, ideal)
				trained[ideal] = has
			}
			return has
		}) {
			wanted[strings.TrimSpace(t.Ideal[0])] = append(wanted[strings.TrimSpace(t.Ideal[0])], t.Line)
			concerned++
		}
	}
	if concerned == 0 {
		return
	}
	names := slices.SortedFunc(maps.Keys(wanted), func(a, b string) int { return cmp.Or(len(wanted[b])-len(wanted[a]), strings.Compare(a, b)) })
	f := diag.Finding{Hint: "add examples of them, or correct their spelling: what a model never saw it hardly answers"}
	var first []string
	for _, name := range names[:min(5, len(names))] {
		first = append(first, fmt.Sprintf("%s (%s)", quoted(name), plural(len(wanted[name]), "test", "tests")))
		f.Related = append(f.Related, diag.Place{File: s.tests.File, Line: wanted[name][0]})
	}
	such := ""
	if len(names) > len(first) {
		such = "such as "
	}
	f.Message = fmt.Sprintf("%s of %d, an answer that no training example has: %s%s", plural(concerned, "test wants, out", "tests want, out"), len(s.tests.Tests), such, strings.Join(first, ", "))
	report(f)
}

// isTrained reports that an answer is among the known ones, in whole or as a part of one or the other, since some
// graders look for parts; and for what is a pattern rather than an answer.
func isTrained(known []string, ideal string) bool {
	if strings.ContainsAny(ideal, `\^$*|`) {
		return true
	}
	ideal = bare(ideal)
	if _, ok := slices.BinarySearch(known, ideal); ok {
		return true
	}
	return slices.ContainsFunc(known, func(answer string) bool {
		return len(ideal) >= 3 && strings.Contains(answer, ideal) && len(answer) >= 2*len(ideal)
	})
}

// bare is text in lower case without white space, which not all graders count.
func bare(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}
