package audit

import "github.com/tunegate/tunegate/internal/diag"

// distributionRules are the rules about how examples are spread, all but one of the deep audit.
func distributionRules() []Rule {
	return []Rule{
		{
			Name: "language-mix", Severity: diag.Info, Deep: true, Check: Check{Deep: newLanguageMix},
			Doc: "Besides the main language, another stands in at least 0.5 % of the examples, and in three: by script, or by the function words of 18 languages of the Latin script. " +
				"About 4000 examples are looked at, chosen by digest, the first 1000 bytes of each without system text; short texts whose language is not clear do not count. " +
				"Examples of translation, and quotations, count as the language that has more of the text.",
		},
		{
			Name: "group-skew", Severity: diag.Warning, Deep: true, Check: Check{Deep: newGroupSkew},
			Doc: "Answers depend on the group of a person that the prompt names (gender, ethnicity or nationality, religion, age; a list of English words, in the first 2000 bytes). Over all examples: " +
				"Pearson's chi-square test of group against answer where answers are labels (at most 20; more say what is asked for, not what is decided), against refusal where they are free text, among groups named in at least 20 examples; told at p < 0.01 (Holm's correction), Cramér's V of " +
				"0.1 and 5 points. And in pairs: prompts that are the same but for the group, with different answers. Where groups are asked about different things the difference may be right; examples made from few templates make it look surer than it is.",
		},
		{
			Name: "drift", Severity: diag.Info, Deep: true, Check: Check{Deep: newDrift},
			Doc: "The tests, 30 or more of them, are unlike the training data. Answers, where they are labels: total variation 0.1 beyond what chance would give, and p < 0.001 by a chi-square test. Lengths of prompts: Kolmogorov-Smirnov distance of 0.25 and p < 0.001. " +
				"Words of prompts (their first 2000 bytes) that no training prompt has: at least twice the share, and 5 points more than the share, that Good's estimate expects of more prompts of the same kind. Tests that were balanced on purpose are told of, too.",
		},
		{
			Name: "missing-label", Severity: diag.Warning, Check: Check{Set: reportMissingLabels},
			Doc: "The answers in the training data are labels (see label-imbalance), and a test wants one that no example has: the model would have to guess it. Case and white space do not count, nor that the answer is part of a longer one; " +
				"patterns are passed over. Graders that accept other spellings make it a false positive.",
		},
	}
}
