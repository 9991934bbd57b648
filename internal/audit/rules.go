package audit

import (
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/diag"
)

// Rule is one thing that the audit looks for. Rules are values: the table of Rules is all there is to a set of them.
type Rule struct {
	Name     string
	Doc      string // what it is, why it matters, threshold, known false positives
	Severity diag.Severity
	Deep     bool // of the deep audit alone
	Check    Check
}

// Check is how a rule looks. One field is set, or none where package dataset finds it while reading; Deep may add to another.
type Check struct {
	// Row looks at one example by itself, in any worker.
	Row func(*rowContext, *dataset.Row, report)
	// At looks at a text wherever a byte of Marks stands in it, at index i, and says what it saw from start to
	// end. Many rules together cost one look at each byte.
	At    func(text string, i int) (start, end int, ok bool)
	Marks string
	// Seen describes what At saw without repeating a secret.
	Seen func(match string) (message, hint string)
	// File looks at what the pass over any file left behind, Set at the training data alone.
	File, Set func(*set, report)
	// Deep makes what looks at the training data a second time, in a deep audit; nil where there is nothing to look for.
	Deep func(*study) inquiry
}

// report takes a finding of the rule that it was made for; file, rule and severity are filled in.
type report func(diag.Finding)

// Rules returns all rules, those of the quick audit first.
func Rules() []Rule {
	return slices.Concat(quickRules(), nearRules(), personalRules(), distributionRules())
}

// rulesOf returns the rules of a quick or a deep audit.
func rulesOf(deep bool) []Rule {
	return slices.DeleteFunc(Rules(), func(r Rule) bool { return r.Deep && !deep })
}

func quickRules() []Rule {
	format := func(name, doc string) Rule { return Rule{Name: name, Doc: doc, Severity: diag.Critical} }
	return []Rule{
		format("missing-file", "There is no such file."),
		format("not-a-file", "The path is a folder, a device or a pipe. Data is read more than once, so it has to be a file."),
		format("empty-file", "The file has no bytes."),
		format("lfs-pointer", "The file is a Git LFS pointer: the checkout did not fetch the data."),
		format("unknown-container", "The file is packed in a way that is not read: a zip archive, Parquet."),
		format("damaged-archive", "The file cannot be unpacked to its end."),
		format("not-jsonl", "The file is one large list, or laid out over several lines."),
		format("invalid-json", "The line is not strict JSON (RFC 8259), is nested too deeply, is too long, or has more than 10,000 messages or 100,000 keys in an object. Many readers are laxer than the provider that is sent the data."),
		format("duplicate-key", "A key stands twice in one object. Readers differ in which they take."),
		format("invalid-utf8", "A byte is not UTF-8: the file was saved or joined in another encoding."),
		format("lone-surrogate", "A \\u escape is half of a character: text was cut in the middle of one, mostly an emoji."),
		format("not-an-object", "The row is JSON but not an object."),
		format("messages-not-a-list", "The row has no messages, or they are not a list of objects."),
		format("empty-messages", "The list of messages is empty."),
		format("unknown-role", "A message's role is missing or none of system, developer, user, assistant, tool, function."),
		format("missing-content", "A message has no content, or a user's is blank. An assistant's may be missing where it calls a tool."),
		format("content-not-text", "Content, or another text of a message, is not a string. Lists of parts are not tuned here."),
		format("missing-assistant", "No message is the assistant's: nothing is learned from the row."),
		format("empty-assistant", "An assistant's message is blank and calls no tool: the model would learn to say nothing."),
		format("bad-weight", "A weight is neither 0 nor 1. Strings, fractions and true are refused by providers."),
		format("weight-on-non-assistant", "A message that is not the assistant's has a weight. Only assistants' messages are trained on."),
		format("no-trainable-message", "Every assistant message has weight 0: nothing is learned from the row."),
		format("bad-tool-call", "Tools or calls of tools lack what providers require: id, type, function name, arguments as JSON in a string, the id that a tool's message answers."),
		{
			Name: "special-token", Severity: diag.Critical,
			Doc: "Text holds a control token of a tokenizer or chat template, such as <|endoftext|>, <|im_end|>, </s> or [INST]. Providers refuse such " +
				"files, some only after the upload, or the model learns to write the token. A pair of <s> and </s> inside a text, as in HTML, does not count. In a test it is a warning.",
			Check: Check{Marks: "<[", At: specialToken, Seen: seenToken},
		},
		secret("secret-aws", "An AWS access key id, or a secret access key that is named as such. Well-known examples from documentation and placeholders do not count.", "KS_-", awsKey),
		secret("secret-github", "A GitHub token: ghp_, gho_, ghu_, ghs_, ghr_ and 36 characters or more, or github_pat_. Placeholders do not count.", "_", githubToken),
		secret("secret-openai", "An OpenAI key: sk- and the form of a legacy, project, service-account or admin key. Placeholders do not count.", "-", openaiKey),
		secret("secret-jwt", "A signed JSON Web Token: three parts, the first of which decodes to an object with alg. Tokens in documentation count too.", "J", jwt),
		secret("secret-private-key", "A private key in PEM form, with at least the start of its body. The header by itself does not count.", "-", privateKey),
		{
			Name: "too-few-examples", Severity: diag.Critical, Check: Check{Set: tooFew},
			Doc: "Fewer examples than a fine-tune takes: 10 at OpenAI, which advises 50 to 100. Rows with problems do not count.",
		},
		{
			Name: "exact-duplicate", Severity: diag.Warning, Check: Check{Set: reportDuplicates},
			Doc: "An example equals an earlier one in normal form: whatever the format, key order, spacing or escapes, the ids of tool calls and the spelling of their arguments. Copies weigh double and leak into " +
				"validation splits. Critical above max_duplicates (5 % of the examples). Short, repetitive requests are copied honestly; then raise the limit.",
		},
		{
			Name: "contradiction", Severity: diag.Warning, Check: Check{Set: reportContradictions},
			Doc: "The same prompt (all that stands ahead of the last answer that is trained on) has a different answer elsewhere. White space around " +
				"answers does not count. Where answers are free text, several may be right: that is a false positive.",
		},
		{
			Name: "too-long", Severity: diag.Warning, Check: Check{Row: tooLong},
			Doc: "The example has more training tokens than the model trains on, so that its end, mostly the answer, is cut off.",
		},
		{
			Name: "contamination", Severity: diag.Warning, Check: Check{Set: reportContamination, Deep: nearlyContaminated},
			Doc: "A test's prompt (without system text; white space and case folded) is the prompt of a training example, so that the benchmark would measure " +
				"memory. Critical above max_contamination (5 % of the tests). The tests concerned are left out of the benchmark. " + nearContaminationDoc,
		},
		{
			Name: "unknown-key", Severity: diag.Warning, Check: Check{File: reportUnknownKeys},
			Doc: "A key is not part of the format, and is not sent to the provider: one finding a key. A misspelt weight or name would be lost silently; notes and ids are harmless.",
		},
		{
			Name: "blank-line", Severity: diag.Info, Check: Check{File: reportBlankLines},
			Doc: "A line is blank. It is passed over.",
		},
		{
			Name: "stale-baseline", Severity: diag.Warning,
			Doc: "An entry of the baseline accepts what is no longer found. It would accept the same defect if that came back.",
		},
		{
			Name: "label-imbalance", Severity: diag.Info, Check: Check{Set: imbalance},
			Doc: "Where answers repeat (80 % of them, at most 1000 different ones): the most frequent is at least 10 times as frequent as the one in the middle, or, among 50 examples or more, some stand only once or twice.",
		},
		{
			Name: "length-outliers", Severity: diag.Info, Check: Check{Set: outliers},
			Doc: "Examples far longer than the rest: beyond the upper quartile by three times the distance between the quartiles of log length (Tukey's outer fence), and at least four times the median.",
		},
	}
}

func secret(name, doc, marks string, at func(string, int) (int, int, bool)) Rule {
	return Rule{Name: name, Doc: doc, Severity: diag.Critical, Check: Check{Marks: marks, At: at, Seen: func(match string) (string, string) {
		return "what looks like " + secretKinds()[name] + ": " + mask(match), "revoke it, and remove it or put a placeholder in its place: models repeat what they were trained on"
	}}}
}

func secretKinds() map[string]string {
	return map[string]string{
		"secret-aws": "an AWS key", "secret-github": "a GitHub token", "secret-openai": "an OpenAI key",
		"secret-jwt": "a signed JSON Web Token", "secret-private-key": "a private key",
	}
}

// mask shows enough of a secret to find it, and not enough to use it.
func mask(s string) string {
	if strings.HasPrefix(s, "-----") {
		return "-----BEGIN …"
	}
	return s[:min(6, len(s)/4)] + "…"
}
