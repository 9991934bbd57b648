package scaffold

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// Manifest writes the proposal as a commented manifest. Complete agents stand in it as they are, the others commented
// out. Without a complete one the others stand there too, and without any an example: the manifest is then sound but for the
// files that Missing names.
func (p Proposal) Manifest() []byte {
	var b strings.Builder
	b.WriteString(head)
	if p.Name != "" {
		fmt.Fprintf(&b, "name: %s\n", scalar(p.Name))
	}
	b.WriteString(middle)
	if len(p.Agents) == 0 {
		b.WriteString(example)
	}
	live := p.Live()
	for i, a := range p.agents() {
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString(a.yaml(i >= live))
	}
	b.WriteString(tail)
	return []byte(b.String())
}

// Live is how many of the agents, the first ones, are not commented out.
func (p Proposal) Live() (n int) {
	agents := p.agents()
	for n < len(agents) && agents[n].Complete() {
		n++
	}
	if n == 0 {
		return len(agents)
	}
	return n
}

// Missing lists the files that the written manifest names and that are still to be made.
func (p Proposal) Missing() (paths []string) {
	for _, a := range p.agents()[:p.Live()] {
		train, tests := a.paths()
		if a.Train == "" {
			paths = append(paths, train)
		}
		if a.Tests == "" {
			paths = append(paths, tests)
		}
	}
	return paths
}

// agents returns those that the manifest is written with: there must be one.
func (p Proposal) agents() []Agent {
	if len(p.Agents) == 0 {
		return []Agent{{Name: "my-agent", Grader: "exact"}}
	}
	return p.Agents
}

// paths names the files, and where one is missing a place for it beside the other.
func (a Agent) paths() (train, tests string) {
	beside := func(file, what string) string {
		dir := path.Dir(file)
		if file == "" {
			dir = "data/" + a.Name
		}
		if file != "" && len(siteOf(path.Base(file)).subject) > 0 {
			what = a.Name + "-" + what // the other file's name tells agents apart, so this one's must
		}
		return path.Join(dir, what)
	}
	train, tests = a.Train, a.Tests
	if train == "" {
		train = beside(a.Tests, "train.jsonl")
	}
	if tests == "" {
		tests = beside(a.Train, "benchmark.jsonl")
	}
	return train, tests
}

func (a Agent) yaml(commented bool) string {
	var b strings.Builder
	train, tests := a.paths()
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
	if commented {
		text = "# " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n# ") + "\n"
	}
	return indent(a.lacks() + text)
}

// lacks says in a comment what is missing.
func (a Agent) lacks() string {
	train, tests := a.paths()
	switch {
	case a.Complete() || a.Train == "" && a.Tests == "":
		return ""
	case a.Train == "":
		return "# There are tests and no training data. Write examples to\n# " + train + "\n"
	case a.ChatTests != "":
		return "# " + a.ChatTests + " holds training examples; as tests they would be\n" +
			`# {"id": "t1", "input": [the messages before the answer], "ideal": "the answer"}` + "\n"
	}
	return "# There is training data and no test. Take some examples out of it, and write them as tests to\n# " + tests + "\n"
}

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

# grader is how an answer is scored against a test's ideal: exact, includes, regex, numeric or json-equal.
agents:
`

const example = `  # Training data holds one example a line, a benchmark one test:
  #
  # {"messages": [{"role": "user", "content": "Where is my invoice?"}, {"role": "assistant", "content": "billing"}]}
  # {"id": "t1", "input": "I was charged twice", "ideal": "billing"}
`

const tail = `
gate:
  min_improvement: 10%          # how much better than its base model a tuned one must be ...
  rule: significant             # ... and it must be shown to be better, by more than chance explains

budget:
  max_cost_usd: 5               # what would pass this is not launched
`
