package advice

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/diag"
)

// remedy is what to do about a rule's findings, and what that is good for.
type remedy struct{ do, effect string }

// remedies are of the rules whose findings say more together than one by one; others take the hint of their first.
func remedies() map[string]remedy {
	return map[string]remedy{
		"contradiction":      {"decide which answer is right where one prompt has two, and remove the other", "a prompt that is taught two answers is answered by chance"},
		"exact-duplicate":    {"remove the copies: `tunegate audit --fix DIR` keeps one of each", "copies weigh double, and are paid for"},
		"near-duplicate":     {"keep one of the examples that hardly differ, or reword the others", "they weigh like copies, and cost as much"},
		"contamination":      {"remove the examples that give tests away", "their tests are left out of the benchmark, so that fewer are left to show a gain"},
		"label-imbalance":    {"add examples of the rare answers, or thin out the frequent ones", "rare answers are given too seldom"},
		"too-long":           {"shorten or split the examples that are cut off", "what is cut off, mostly the answer, is not learned"},
		"length-outliers":    {"look at the examples far longer than the rest", "a few long rows can outweigh many short ones"},
		"missing-label":      {"add examples for the answers that the tests want and no example has", "what is never taught is never answered"},
		"drift":              {"bring training data and tests closer together", "what the tests ask must be taught"},
		"group-skew":         {"balance the examples that name a group of people", "the answer must not depend on who asks"},
		"language-mix":       {"separate or label the languages, or add examples of the rare ones", "rare languages are answered worse"},
		"special-token":      {"remove control tokens from the texts: `tunegate audit --fix DIR` drops the rows", "providers refuse such files"},
		"semantic-duplicate": {"keep one of the examples that mean the same, or reword the others", "they weigh like copies, and cost as much"},
	}
}

// fromFindings makes a step of the findings of each rule and file.
func fromFindings(fs []diag.Finding, k *knowledge) []Step {
	type group struct{ rule, file string }
	groups := map[group][]diag.Finding{}
	fs = slices.Clone(fs)
	diag.Sort(fs)
	for _, f := range fs {
		g := group{f.Rule, f.File}
		groups[g] = append(groups[g], f)
	}
	var steps []Step
	for _, g := range slices.SortedFunc(maps.Keys(groups), func(a, b group) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.rule, b.rule))
	}) {
		found := groups[g]
		s := Step{Rule: g.rule, File: g.file}
		for _, f := range found {
			if f.Line > 0 {
				s.Lines = append(s.Lines, f.Line)
			}
			s.Lines = append(s.Lines, f.Lines...)
			if len(s.Examples) < maxExamples {
				s.Examples = append(s.Examples, f.String())
			}
		}
		slices.Sort(s.Lines)
		s.Lines = slices.Compact(s.Lines)
		worst := diag.Worst(found)
		r, ok := remedies()[g.rule]
		if !ok {
			r = remedy{do: fmt.Sprintf("mend %s: %s", g.rule, found[0].Hint)}
		}
		s.Do, s.Effect = r.do, r.effect
		s.Why = fmt.Sprintf("%s %s in %s", plural(len(found), worst.String()+" finding"), g.rule, g.file)
		if len(s.Lines) > 0 {
			s.Why += ", " + plural(len(s.Lines), "line")
		}
		// A finding about one line in ten thousand explains little, unless lost tests lie next to it.
		s.weight = min(float64(len(s.Lines))/1000, 0.5)
		if worst == diag.Warning {
			s.weight += 0.25
		}
		if worst == diag.Critical {
			s.weight += 1e9
			s.Effect = strings.TrimPrefix(s.Effect+"; nothing is launched before this is mended", "; ")
		}
		if ids := k.beside(g.file, s.Lines); len(ids) > 0 {
			s.Tests = ids
			s.weight += float64(len(ids))
			verb := "lies"
			if len(ids) > 1 {
				verb = "lie"
			}
			s.Why += fmt.Sprintf("; %s of the lost %s closest to them", tests(len(ids)), verb)
		}
		steps = append(steps, s.listed())
	}
	return steps
}

// beside returns the ids of the lost tests whose closest example is one of the lines, which are sorted.
func (k *knowledge) beside(file string, lines []int) []string {
	if k == nil || file != k.file || len(lines) == 0 {
		return nil
	}
	var ids []string
	for id := range k.neighbours {
		if n, ok := k.closest(id); ok {
			if _, in := slices.BinarySearch(lines, n.line); in {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return ids
}
