// Package grade turns an answer and what was wanted into a score. Most graders read text alone; some ask a model or run a
// program, with means that the caller hands over. It asks no model under test and decides no verdict.
package grade

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/suite"
)

// Score is 1 for a right answer and 0 for a wrong one; a grader that gives partial credit may go between. Note
// says what is worth knowing beyond that, such as that the answer was no JSON; it is often empty.
type Score struct {
	Value float64
	Note  string
}

// Grader scores answers. The zero Grader finds every answer wrong. A Grader may be used from many goroutines.
type Grader struct {
	o       Options
	pattern *regexp.Regexp // of regex, when it is the same for all tests
	means   Means
	shop    *workshop // where programs run; nil: nowhere
}

// method is how one grader works. check refuses an ideal that no answer could be measured by, score compares with one ideal;
// neither sees white space around an answer. A grader that has to ask or to run has grade instead of score.
type method struct {
	check func(g Grader, ideal string) error
	score func(g Grader, answer, ideal string) Score
	grade func(ctx context.Context, g Grader, t suite.Test, answer string) (Score, error)
	takes []string // the options that it knows
	needs []string // those of them that it cannot do without
}

// methodOf is the list of graders. What each does is said at New.
func methodOf(name string) (method, bool) {
	switch name {
	case "exact":
		return method{check: checkText, score: exact}, true
	case "includes":
		return method{check: checkText, score: includes}, true
	case "starts-with":
		return method{check: checkText, score: startsWith}, true
	case "regex":
		return method{check: checkRegex, score: matches, takes: []string{"pattern"}}, true
	case "numeric":
		return method{check: checkNumber, score: numeric}, true
	case "json-equal":
		return method{check: checkJSON, score: jsonEqual}, true
	case "json-schema":
		return method{check: checkSchema, score: jsonSchema}, true
	case "tool-call":
		return method{check: checkCalls, score: toolCall}, true
	case "token-f1":
		return method{check: checkTokens, score: tokenF1, takes: []string{"threshold"}}, true
	case "embedding":
		return method{check: checkText, grade: embedding, takes: []string{"model", "threshold"}, needs: []string{"model"}}, true
	case "judge":
		return method{check: checkText, grade: judge, takes: []string{"model", "rubric", "votes"}, needs: []string{"model", "rubric"}}, true
	case "judge-pair":
		return method{check: checkText, grade: judgePair, takes: []string{"model", "rubric", "votes"}, needs: []string{"model"}}, true
	case "code":
		return method{check: checkText, grade: code, takes: []string{"timeout"}}, true
	case Patches:
		return method{check: checkText}, true
	case "command":
		return method{check: checkText, grade: command, takes: []string{"command", "timeout"}, needs: []string{"command"}}, true
	}
	return method{}, false
}

// Patches is the name of the grader whose answers the SWE-bench harness judges, all together and for hours.
const Patches = "swe-bench"

// Names lists the graders that Make accepts.
func Names() []string {
	return []string{"exact", "includes", "starts-with", "regex", "numeric", "json-equal", "json-schema", "tool-call", "token-f1",
		"embedding", "judge", "judge-pair", "code", "command", Patches}
}

// New returns the grader of that name: Make with nothing but a pattern.
func New(name, pattern string) (Grader, error) { return Make(Options{Name: name, Pattern: pattern}) }

// Make returns the grader that the options describe.
//
//   - exact: the answer is the ideal, white space around both aside.
//   - includes: the ideal stands somewhere in the answer. starts-with: the answer begins with it.
//   - regex: the ideal is a pattern (RE2 syntax) that matches somewhere in the answer. With Pattern that is the pattern for all
//     tests: what its first group captures in its first match must be an ideal; without a group, the match itself.
//   - numeric: the number in the answer equals the ideal's, by value. It is the number after the last "####" where there
//     is one, else the last one in the text; currency signs, thousands commas and percent signs are passed over.
//   - json-equal: the answer is one strict JSON value equal to the ideal's: key order and spacing are free, numbers
//     compare by value, a key given twice is no JSON. One Markdown code fence around the whole answer is taken off, since
//     chat models add it unasked; prose around it is not.
//   - json-schema: the ideal is a JSON Schema (draft 2020-12 unless it says otherwise), and the answer, read as json-equal does,
//     is valid by it. References to other documents are not followed.
//   - tool-call: the answer is the call of a function, or a list of calls in any order, by the rules of the Berkeley
//     function-calling leaderboard (toolCall has them).
//   - token-f1: F1 of the words that answer and ideal share, as SQuAD counts them: case, punctuation and articles aside.
//   - embedding: the cosine of the embeddings of answer and ideal by Model, 0 when negative.
//   - judge: Model finds, by Rubric, that the answer passes: more than half of Votes, of which one that cannot be read is none.
//   - judge-pair: Model finds the answer as good as the ideal or better, in both orders; a judge that prefers a place prefers nothing.
//   - code: the answer is a Python function that passes the test's own check (suite.Code), as in HumanEval.
//   - command: one's own program scores the answer (command has the form of what it reads and writes).
//   - swe-bench: the answer is a patch. It gets no more than 0 here: package swebench has all of them judged together.
//
// With Threshold, token-f1 and embedding give 1 from it on and 0 below.
//
// Those from embedding to command need Means; Ready tells whether they have them.
func Make(o Options) (Grader, error) {
	m, ok := methodOf(o.Name)
	if !ok {
		return Grader{}, fmt.Errorf("unknown grader %q, expected one of %s", o.Name, strings.Join(Names(), ", "))
	}
	given := o.Given()
	for _, option := range given {
		if !slices.Contains(m.takes, option) {
			return Grader{}, fmt.Errorf("grader %s takes no %s", o.Name, option)
		}
	}
	for _, option := range m.needs {
		if !slices.Contains(given, option) {
			return Grader{}, fmt.Errorf("grader %s needs a %s", o.Name, option)
		}
	}
	if err := o.check(); err != nil {
		return Grader{}, fmt.Errorf("grader %s: %w", o.Name, err)
	}
	g := Grader{o: o}
	if o.Pattern != "" {
		pattern, err := regexp.Compile(o.Pattern)
		if err != nil {
			return Grader{}, fmt.Errorf("grader regex: %w", err)
		}
		g.pattern = pattern
	}
	return g, nil
}

// Name returns the grader's name.
func (g Grader) Name() string { return g.o.Name }

// Check reports ideals that no answer could be measured by (no number, no JSON, no pattern), so that such a test is found
// before a model is asked.
func (g Grader) Check(ideal []string) error {
	m, ok := methodOf(g.o.Name)
	if !ok {
		return errors.New("no grader")
	}
	if len(ideal) == 0 {
		return errors.New("no ideal")
	}
	for _, s := range ideal {
		if err := m.check(g, s); err != nil {
			return fmt.Errorf("ideal %q: %w", clip(s), err)
		}
	}
	return nil
}

// CheckTest reports, like Check, what makes a test one that this grader cannot grade.
func (g Grader) CheckTest(t suite.Test) error {
	if g.o.Name == "code" && t.Code == nil {
		return errors.New("no code to try an answer with, such as HumanEval's entry_point and test")
	}
	return g.Check(t.Ideal)
}

// Score compares an answer with each ideal and returns the best; the first of equals. An ideal that Check refuses gives 0.
// It is for graders that read text alone: for any other it gives 0 to every answer, and Grade is the one to call.
func (g Grader) Score(answer string, ideal []string) Score {
	m, ok := methodOf(g.o.Name)
	switch {
	case !ok:
		return Score{Note: "no grader"}
	case m.score == nil:
		return Score{Note: "the grader " + g.o.Name + " cannot score by text alone"}
	case len(ideal) == 0:
		return Score{Note: "no ideal"}
	}
	answer = strings.TrimSpace(answer)
	if answer == "" {
		return Score{Note: "empty answer"}
	}
	best := Score{Value: -1}
	for _, s := range ideal {
		score := Score{}
		if err := m.check(g, s); err != nil {
			score.Note = "the ideal cannot be measured by: " + err.Error()
		} else {
			score = m.score(g, answer, s)
		}
		if score.Value > best.Value {
			best = score
		}
	}
	return best
}

// Grade scores a model's answer to a test. An error means that there is no score: a *Skipped where the grader may not or
// cannot work here, anything else where it tried, such as a judge that gave no answer. Both are to be treated as a test
// without an answer, never as a wrong or a right one.
func (g Grader) Grade(ctx context.Context, t suite.Test, answer string) (Score, error) {
	m, ok := methodOf(g.o.Name)
	if !ok || m.grade == nil {
		s := g.Score(answer, t.Ideal)
		if g.o.Name == "tool-call" && s.Value > 0 {
			s = hasRequired(s, t.Tools, answer)
		}
		return s, nil
	}
	if err := g.Ready(ctx); err != nil {
		return Score{}, err
	}
	if err := g.CheckTest(t); err != nil {
		return Score{Note: "the test cannot be graded: " + err.Error()}, nil
	}
	if answer = strings.TrimRight(answer, " \t\r\n"); strings.TrimSpace(answer) == "" {
		return Score{Note: "empty answer"}, nil // left margins stay: they count in a program
	}
	return m.grade(ctx, g, t, answer)
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
