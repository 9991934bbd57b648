package scaffold

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/tunegate/tunegate/internal/grade"
)

// Manifest writes the proposal as a commented manifest: complete agents as they are, the others commented out, each with a
// line on what it lacks. Without a complete one it would be a manifest without agents, which is not sound.
func (p Proposal) Manifest() []byte {
	var b strings.Builder
	b.WriteString(head)
	if p.Name != "" {
		fmt.Fprintf(&b, "name: %s\n", scalar(p.Name))
	}
	graders := grade.Names()
	half := len(graders) / 2
	fmt.Fprintf(&b, middle, strings.Join(graders[:half], ", "), strings.Join(graders[half:], ", "))
	for i, a := range p.Agents {
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString(a.yaml())
	}
	b.WriteString(tail)
	return []byte(b.String())
}

// Paths names the files that the agent needs, and where one is missing a place for it beside the other.
func (a Agent) Paths() (train, tests string) {
	beside := func(file, what string) string {
		dir := path.Dir(file)
		if len(siteOf(path.Base(file)).subject) > 0 {
			what = a.Name + "-" + what // the other file's name tells agents apart, so this one's must
		}
		if place := path.Join(dir, what+".jsonl"); place != file {
			return place
		}
		return path.Join(dir, what+"-data.jsonl") // the other file is called what it is not
	}
	train, tests = a.Train, a.Tests
	switch {
	case a.Trouble.Swapped != "":
		return a.Tests, a.Trouble.Swapped
	case a.Trouble == (Trouble{}) || a.Trouble.Path == train || a.Trouble.Path == tests:
	case train == "":
		train = a.Trouble.Path
	case tests == "":
		tests = a.Trouble.Path
	}
	if train == "" {
		train = beside(a.Tests, "train")
	}
	if tests == "" {
		tests = beside(a.Train, "benchmark")
	}
	return train, tests
}

func (a Agent) yaml() string {
	var b strings.Builder
	train, tests := a.Paths()
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s:", scalar(a.Name))
	line("  train: %s", scalar(train))
	if a.Validation != "" {
		line("  validation: %s", scalar(a.Validation))
	}
	line("  benchmark:")
	line("    tests: %s", scalar(tests))
	line("    grader: %s", a.Grader)
	text := b.String()
	if !a.Complete() {
		text = "# " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n# ") + "\n"
	}
	return indent(a.lacks() + text)
}

// lacks says in a comment what is missing, how it looks, and what to do then.
func (a Agent) lacks() string {
	if a.Trouble != (Trouble{}) {
		return "# " + a.Trouble.String() + ".\n# Mend that, then take the comment signs off the lines from here on.\n"
	}
	train, tests := a.Paths()
	missing, why, line := tests, "There is training data and no test: take some examples out of it, and write them as tests to", chatTestLine
	switch {
	case a.Complete():
		return ""
	case a.Train == "":
		missing, why, line = train, "There are tests and no training data: write examples to", ExampleLine
	case a.ChatTests != "":
		why = a.ChatTests + " holds training examples: write tests to"
	}
	return "# " + why + "\n# " + missing + ", one a line:\n# " + line + "\n# Then take the comment signs off the lines from here on.\n"
}

// chatTestLine is a test made of an example.
const chatTestLine = `{"id": "t1", "input": "the question, or the list of messages before the answer", "ideal": "the answer"}`

func indent(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(s, "\n"), "\n", "\n  ") + "\n"
}

// plain are texts that YAML reads as themselves.
var plain = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]*$`)

// scalar writes a printable text as a YAML scalar. Words that some reader takes for true, false or null are quoted, and what
// begins with a digit, which may be a number.
func scalar(s string) string {
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "y", "n", "null":
	default:
		if plain.MatchString(s) {
			return s
		}
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

const head = `# What is tuned here, and what a tuned model must show. Paths are relative to this file.
#
#     tunegate check    is this file sound, and is all there that it names?
#     tunegate plan     what would be trained, and what it would cost
#     tunegate run      audit, fine-tune, benchmark, verdict
version: 1
`

const middle = `
# local is the engine inside tunegate: it needs no key and no network, and costs nothing. To tune on a service with
# OpenAI's fine-tuning contract, describe it here, and name it and its model under defaults.
#
# providers:
#   acme: {kind: openai, base_url: 'https://llm.example.com/v1', api_key_env: ACME_API_KEY}
# prices:                       # USD, for models that tunegate does not know
#   acme-small: {train_per_million: 3.00, input_per_million: 0.30, output_per_million: 1.20}

defaults:
  provider: local
  base_model: local-zero-shot   # the same engine untrained: it knows only what the system message says
  epochs: auto

# grader is how an answer is scored against a test's ideal, one of:
#   %s,
#   %s
agents:
`

const tail = `
gate:
  min_improvement: 10%          # how much better than its base model a tuned one must be ...
  rule: significant             # ... and it must be shown to be better, by more than chance explains

budget:
  max_cost_usd: 5               # what would pass this is not launched
`
