package advice

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// fromLost says what to do about the tests that the tuned model did not get right. Each is counted under one step: the
// first reason that applies.
func fromLost(in Input, lost []Outcome, k *knowledge) []Step {
	if len(lost) == 0 {
		return nil
	}
	all := len(in.Outcomes)
	labelled := areLabels(in.Outcomes)
	var form, alone, taught, rest []Outcome
	for _, o := range lost {
		n, ok := k.closest(o.Test.ID)
		switch {
		case onlyForm(o):
			form = append(form, o)
		case k == nil:
			rest = append(rest, o)
		case !ok:
			alone = append(alone, o)
		case n.answer != "" && labelled && !slices.Contains(o.Test.Ideal, n.answer):
			taught = append(taught, o)
		default:
			rest = append(rest, o)
		}
	}
	var steps []Step
	if len(form) > 0 {
		s := Step{Do: "bring the form of the training answers in line with the tests", Effect: points(len(form), all), weight: float64(len(form)),
			Why: fmt.Sprintf("%s right but for case, spacing, punctuation or words around it", answers(len(form)))}
		for _, o := range form {
			s.Tests = append(s.Tests, o.Test.ID)
			s.Examples = append(s.Examples, wants(o))
		}
		if k != nil {
			s.File = k.file
			for _, o := range form {
				s.Lines = append(s.Lines, first(k.byAnswer[o.Answer], 10)...)
			}
		}
		steps = append(steps, s.listed())
	}
	if len(alone) > 0 {
		steps = append(steps, uncovered(alone, all, k))
	}
	steps = append(steps, mistaught(taught, all, k)...)
	if labelled {
		steps = append(steps, confused(rest, in.Outcomes, k)...)
	} else if len(rest) > 0 {
		steps = append(steps, unlike(rest, all, k))
	}
	return steps
}

// areLabels reports whether the suite's answers repeat, as labels do.
func areLabels(all []Outcome) bool {
	distinct := map[string]bool{}
	for _, o := range all {
		distinct[o.Test.Ideal[0]] = true
	}
	return 2*len(distinct) <= len(all)
}

// onlyForm reports whether the answer holds an ideal, and only its form differs.
func onlyForm(o Outcome) bool {
	letters := func(s string) string {
		return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), " ")
	}
	answer := letters(o.Answer)
	for _, ideal := range o.Test.Ideal {
		if i := letters(ideal); i != "" && (answer == i || len(answer) < 3*len(i)+20 && strings.Contains(" "+answer+" ", " "+i+" ")) {
			return true
		}
	}
	return false
}

// uncovered are tests that nothing in the training data is like.
func uncovered(os []Outcome, all int, k *knowledge) Step {
	s := Step{
		Do:     "add examples like the requests that nothing in the training data resembles, three or more for each, in other words than the tests",
		Why:    fmt.Sprintf("for %s the most similar training example shares less than half of the words that matter", tests(len(os))),
		Effect: points(len(os), all), weight: float64(len(os)), File: k.file,
	}
	for _, o := range os {
		s.Tests = append(s.Tests, o.Test.ID)
		text := wants(o)
		if ns := k.neighbours[o.Test.ID]; len(ns) > 0 {
			s.Lines = append(s.Lines, ns[0].line)
			text += fmt.Sprintf("; the most similar example is line %d: %q → %s", ns[0].line, ns[0].prompt, label(ns[0].answer))
		}
		s.Examples = append(s.Examples, text)
	}
	return s.listed()
}

// mistaught are tests whose most similar examples have another answer: mislabelled rows, or two labels that mean the same.
// One step for each pair of labels.
func mistaught(os []Outcome, all int, k *knowledge) []Step {
	type pair struct{ ideal, taught string }
	groups := map[pair][]Outcome{}
	for _, o := range os {
		n, _ := k.closest(o.Test.ID)
		p := pair{o.Test.Ideal[0], n.answer}
		groups[p] = append(groups[p], o)
	}
	var steps []Step
	for _, p := range slices.SortedFunc(maps.Keys(groups), func(a, b pair) int {
		return cmp.Or(cmp.Compare(a.ideal, b.ideal), cmp.Compare(a.taught, b.taught))
	}) {
		g := groups[p]
		s := Step{
			Do:     fmt.Sprintf("check these examples of %s: they read like requests for %s; relabel what is wrong, and where both fit say in the system message which is meant", label(p.taught), label(p.ideal)),
			Why:    fmt.Sprintf("%s for %s lie closest to examples of %s", tests(len(g)), label(p.ideal), label(p.taught)),
			Effect: points(len(g), all), weight: float64(len(g)), File: k.file,
		}
		for _, o := range g {
			n, _ := k.closest(o.Test.ID)
			s.Tests = append(s.Tests, o.Test.ID)
			for _, n := range k.neighbours[o.Test.ID] {
				if n.alike >= near && n.answer == p.taught {
					s.Lines = append(s.Lines, n.line)
				}
			}
			s.Examples = append(s.Examples, fmt.Sprintf("%s; line %d: %q → %s", wants(o), n.line, n.prompt, label(n.answer)))
		}
		steps = append(steps, s.listed())
	}
	return steps
}

// confused are the other lost tests of a suite of labels, by the label that was wanted.
func confused(os, all []Outcome, k *knowledge) []Step {
	groups := map[string][]Outcome{}
	for _, o := range os {
		groups[o.Test.Ideal[0]] = append(groups[o.Test.Ideal[0]], o)
	}
	asked := map[string]int{}
	for _, o := range all {
		asked[o.Test.Ideal[0]]++
	}
	var steps []Step
	for _, ideal := range slices.Sorted(maps.Keys(groups)) {
		g := groups[ideal]
		said := map[string]int{}
		s := Step{Effect: points(len(g), len(all)), weight: float64(len(g))}
		for _, o := range g {
			said[clip(strings.TrimSpace(o.Answer))]++
			s.Tests = append(s.Tests, o.Test.ID)
			s.Examples = append(s.Examples, wants(o))
		}
		s.Do = fmt.Sprintf("add examples for %s that set it apart from %s", label(ideal), mostly(said))
		s.Why = fmt.Sprintf("%d of %s for %s lost", len(g), tests(asked[ideal]), label(ideal))
		if k != nil {
			s.File, s.Lines = k.file, first(k.byAnswer[ideal], 10)
			s.Why += fmt.Sprintf("; the training data has %s of it", plural(k.counts[ideal], "example"))
			if k.counts[ideal] == 0 {
				s.Do = fmt.Sprintf("add examples for %s: there is none, and the tests ask for it", label(ideal))
			}
		}
		steps = append(steps, s.listed())
	}
	return steps
}

// unlike are the lost tests of free text.
func unlike(os []Outcome, all int, k *knowledge) Step {
	s := Step{
		Do:     "compare the answers of the training examples closest to the lost tests with what the tests want, and mend or extend them",
		Why:    fmt.Sprintf("%s lost", tests(len(os))),
		Effect: points(len(os), all), weight: float64(len(os)) / 2, // what is wrong is less clear
	}
	for _, o := range os {
		s.Tests = append(s.Tests, o.Test.ID)
		text := wants(o)
		if n, ok := k.closest(o.Test.ID); ok {
			s.File, s.Lines = k.file, append(s.Lines, n.line)
			text += fmt.Sprintf("; the most similar example is line %d", n.line)
		}
		s.Examples = append(s.Examples, text)
	}
	return s.listed()
}

func wants(o Outcome) string {
	text := fmt.Sprintf("%s: %q wants %s, got %s", o.Test.ID, clip(question(o)), label(o.Test.Ideal[0]), label(clip(strings.TrimSpace(o.Answer))))
	if o.Base > o.Tuned {
		text += " (the base model had it right)"
	}
	return text
}

func label(s string) string {
	if s == "" {
		return "a longer text"
	}
	return fmt.Sprintf("%q", clip(s))
}

// mostly names the most frequent of what was said instead, two at most.
func mostly(said map[string]int) string {
	names := slices.SortedFunc(maps.Keys(said), func(a, b string) int { return cmp.Or(cmp.Compare(said[b], said[a]), cmp.Compare(a, b)) })
	var out []string
	for _, n := range first(names, 2) {
		if n == "" {
			n = "no answer"
		}
		out = append(out, fmt.Sprintf("%q", n))
	}
	return strings.Join(out, " and ")
}

func first[T any](s []T, n int) []T { return slices.Clone(s[:min(len(s), n)]) }

func tests(n int) string { return plural(n, "test") }

func answers(n int) string {
	if n == 1 {
		return "1 answer is"
	}
	return fmt.Sprintf("%d answers are", n)
}
