package audit

import "github.com/tunegate/tunegate/internal/diag"

// OutsideRules returns what findings of an audit may bear besides Rules: what is found in the tests, in the baseline and in the
// manifest, by others. Their severities are fixed.
func OutsideRules() []Rule {
	test := func(name, doc string) Rule { return Rule{Name: name, Doc: doc, Severity: diag.Critical} }
	return []Rule{
		test("bad-baseline", "A line of the baseline is no entry: it is not JSON, names no known rule or file, or gives no reason."),
		test("missing-id", "A test has no id. Base and tuned answers are paired by it."),
		test("bad-id", "A test's id is not text."),
		test("duplicate-id", "Two tests have one id, so that their answers could be mixed up."),
		test("missing-input", "A test has no input: there is nothing to ask."),
		test("empty-input", "A test's input has no text in it."),
		test("bad-input", "A test's input is neither text nor a list of messages."),
		test("missing-ideal", "A test has no ideal: nothing says which answer is right."),
		test("bad-ideal", "A test's ideal is not text, or is such that no answer could ever pass: a number is wanted and it is none, a pattern does not compile."),
		test("line-too-long", "A line of the tests is longer than is read. A line break may be missing."),
		test("too-large", "The file holds more tests than are read."),
		test("more-mistakes", "The tests have more mistakes than are listed."),
		{Name: "duplicate-test", Severity: diag.Warning, Doc: "A test asks and wants the same as an earlier one. It is left out: under ten ids one question would count as ten proofs."},
		{Name: "contradictory-test", Severity: diag.Warning, Doc: "Two tests ask the same, and have no ideal in common. Both are left out, since nobody knows which is right. Where several answers are right, or an answer must hold several things, they are one test: a list of ideals, or a pattern."},
		{Name: "no-question", Severity: diag.Warning, Doc: "A test's input ends with an assistant's message, or has none of the user's: the model is asked nothing. Some benchmarks put the question in system text; then it is a false positive."},
		test("not-a-test", "A line of the tests is a training example. Train and tests may be swapped."),
		test("unknown-format", "A line of the tests has the keys of no format that is read."),
		test("mixed-formats", "A file of tests holds rows of more than one format."),
		test("bad-tools", "The functions that a test offers are no list of objects with names."),
		test("bad-question", "A test of the function-calling leaderboard has no question of one turn."),
		test("missing-question", "A test of GSM8K has no question."),
		test("missing-answer", "A test of GSM8K has no answer."),
		test("bad-answer", "The answer of a test of GSM8K is not text."),
		test("missing-prompt", "A test of HumanEval has no prompt."),
		test("bad-prompt", "The prompt of a test of HumanEval is not text."),
		test("missing-entry_point", "A test of HumanEval does not name the function that is asked for."),
		test("bad-entry_point", "The entry_point of a test of HumanEval is no name of a Python function."),
		test("missing-test", "A test of HumanEval has no code that checks the function."),
		test("bad-test", "The code that checks a function, of HumanEval, is not text."),
		test("missing-canonical_solution", "A test of HumanEval has no solution."),
		test("bad-canonical_solution", "The solution of a test of HumanEval is not text."),
		test("syntax", "The manifest is no YAML."),
		test("wrong-type", "A value of the manifest is of another kind than its key takes."),
		test("bad-value", "A value of the manifest is none of those that its key takes."),
		test("bad-name", "A name in the manifest has characters that it may not have, or is taken."),
		test("bad-path", "A path in the manifest leaves the repository, names one file in two places, or is none."),
		test("no-file", "The manifest names a file that is not there."),
		test("missing-key", "The manifest lacks a key that is required."),
		test("merge-key", "The manifest has a YAML merge key, which is not read: what it stands for is to be written out."),
		test("unknown-provider", "The manifest names a provider that it does not describe."),
		test("too-many", "The manifest has more mistakes than are listed."),
		{Name: "policy-change", Severity: diag.Info, Doc: "A pull request changes what it is judged by, what it may cost, where it runs or what the audit accepts. Until it is merged, the base branch's manifest counts."},
		{Name: "training-change", Severity: diag.Info, Doc: "A pull request changes an agent's base model, provider or training settings. It counts at once, and what is tuned is measured against the new base."},
		{Name: "agent-removed", Severity: diag.Info, Doc: "A pull request takes an agent out of the manifest: nothing of it is judged any more."},
		{Name: "benchmark-change", Severity: diag.Warning, Doc: "A pull request changes an agent's tests, its grader, or how many tests are asked. It is judged by them only where a changed benchmark is allowed."},
	}
}
