package audit

import "github.com/tunegate/tunegate/internal/diag"

// OutsideRules returns what findings of an audit may bear besides Rules: what is found in the tests and in the baseline, by
// others. Their severities are fixed.
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
	}
}
