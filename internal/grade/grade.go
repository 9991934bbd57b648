// Package grade turns an answer and what was wanted into a score. It is pure: no model, no network, no code is run.
package grade

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Score is 1 for a right answer and 0 for a wrong one; a grader that gives partial credit may go between. Note
// says what is worth knowing beyond that, such as that the answer was no JSON; it is often empty.
type Score struct {
	Value float64
	Note  string
}

// Grader scores answers. The zero Grader finds every answer wrong. A Grader may be used from many goroutines.
type Grader struct {
	name    string
	pattern *regexp.Regexp // of regex, when it is the same for all tests
}

// method is how one grader works: check refuses an ideal that no answer could be measured by, score compares with one ideal.
// Neither sees white space around an answer.
type method struct {
	check func(g Grader, ideal string) error
	score func(g Grader, answer, ideal string) Score
}

func methodOf(name string) (method, bool) {
	switch name {
	case "exact":
		return method{checkText, exact}, true
	case "includes":
		return method{checkText, includes}, true
	case "regex":
		return method{checkRegex, matches}, true
	case "numeric":
		return method{checkNumber, numeric}, true
	case "json-equal":
		return method{checkJSON, jsonEqual}, true
	}
	return method{}, false
}

// Names lists the graders that New accepts.
func Names() []string { return []string{"exact", "includes", "regex", "numeric", "json-equal"} }

// New returns the grader of that name.
//
//   - exact: the answer is the ideal, white space around both aside.
//   - includes: the ideal stands somewhere in the answer.
//   - regex: the ideal is a pattern (RE2 syntax) that matches somewhere in the answer. With arg the pattern is arg for all tests:
//     what its first group captures in its first match must be an ideal; without a group, the match itself.
//   - numeric: the number in the answer equals the ideal's, by value. It is the number after the last "####" where there
//     is one, else the last one in the text; currency signs, thousands commas and percent signs are passed over.
//   - json-equal: the answer is one strict JSON value equal to the ideal's: key order and spacing are free, numbers
//     compare by value, a key given twice is no JSON. One Markdown code fence around the whole answer is taken off, since
//     chat models add it unasked; prose around it is not.
//
// Only regex takes an arg.
func New(name, arg string) (Grader, error) {
	if _, ok := methodOf(name); !ok {
		return Grader{}, fmt.Errorf("unknown grader %q, expected one of %s", name, strings.Join(Names(), ", "))
	}
	g := Grader{name: name}
	if arg == "" {
		return g, nil
	}
	if name != "regex" {
		return Grader{}, fmt.Errorf("grader %s takes no argument, found %q", name, arg)
	}
	pattern, err := regexp.Compile(arg)
	if err != nil {
		return Grader{}, fmt.Errorf("grader regex: %w", err)
	}
	g.pattern = pattern
	return g, nil
}

// Name returns the name that New was given.
func (g Grader) Name() string { return g.name }

// Check reports ideals that no answer could be measured by (no number, no JSON, no pattern), so that such a test is found
// before a model is asked.
func (g Grader) Check(ideal []string) error {
	m, ok := methodOf(g.name)
	if !ok {
		return fmt.Errorf("no grader")
	}
	if len(ideal) == 0 {
		return fmt.Errorf("no ideal")
	}
	for _, s := range ideal {
		if err := m.check(g, s); err != nil {
			return fmt.Errorf("ideal %q: %w", clip(s), err)
		}
	}
	return nil
}

// Score compares an answer with each ideal and returns the best; the first of equals. An ideal that Check refuses gives 0.
func (g Grader) Score(answer string, ideal []string) Score {
	m, ok := methodOf(g.name)
	if !ok {
		return Score{Note: "no grader"}
	}
	if len(ideal) == 0 {
		return Score{Note: "no ideal"}
	}
	answer = strings.TrimSpace(answer)
	if answer == "" {
		return Score{Note: "empty answer"}
	}
	scores := make([]Score, len(ideal))
	for i, s := range ideal {
		if err := m.check(g, s); err != nil {
			scores[i] = Score{Note: "the ideal cannot be measured by: " + err.Error()}
			continue
		}
		scores[i] = m.score(g, answer, s)
	}
	return slices.MaxFunc(scores, func(a, b Score) int {
		switch {
		case a.Value > b.Value:
			return 1
		case a.Value < b.Value:
			return -1
		}
		return 0
	})
}

func truth(right bool) Score {
	if right {
		return Score{Value: 1}
	}
	return Score{}
}

// clip keeps long or hostile text out of messages.
func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return s
}
