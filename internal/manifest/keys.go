package manifest

import (
	"gopkg.in/yaml.v3"

	"github.com/tunegate/tunegate/internal/audit"
	"github.com/tunegate/tunegate/internal/bench"
	"github.com/tunegate/tunegate/internal/catalog"
	"github.com/tunegate/tunegate/internal/diag"
)

const (
	mostAgents  = 256 // jobs in one matrix of a workflow
	mostMoney   = 1_000_000
	mostHours   = 10_000
	mostTests   = 10_000_000
	mostRepeats = 100
	mostSeed    = 1<<31 - 1 // as the fine-tuning contract has it
)

// What text may be. No control characters anywhere: all of it ends up in logs and reports.
var (
	titleForm = form{pattern: expression(`^[^\x00-\x1f\x7f]{1,100}$`), want: "text of 1 to 100 characters"}
	nameForm  = form{pattern: expression(`^[a-z0-9][a-z0-9_-]{0,62}$`), want: "a name of up to 63 of a-z, 0-9, - and _ that begins with a letter or digit",
		hint: "such as support-router"}
	modelForm = form{pattern: expression(`^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,199}$`), want: "a model's name of up to 200 letters, digits and ._:/@+-"}
	pathForm  = form{pattern: expression(`^[^/\\\x00-\x1f\x7f][^\\\x00-\x1f\x7f]{0,499}$`), want: "a path relative to the manifest's folder",
		hint: "write it with forward slashes, from the manifest's folder"}
	urlForm = form{pattern: expression(`^(https://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])|http://(localhost|127(\.[0-9]{1,3}){3}|\[::1\]))(:[0-9]{1,5})?(/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?$`),
		want: "an https URL without user, query or fragment, or an http URL of a loopback address",
		hint: "such as https://llm.example.com/v1; http to any other address would show the key to the network", veiled: true}
	variableForm = form{pattern: expression(`^[A-Z_][A-Z0-9_]{0,127}$`), not: expression(`^(GITHUB|ACTIONS|RUNNER|INPUT)_`),
		want: "the name of an environment variable, in capitals, and not of the runner's own (GITHUB_*, ACTIONS_*, RUNNER_*, INPUT_*)",
		hint: "write the variable's name, such as ACME_API_KEY, never the key itself", veiled: true}
)

// IsName tells whether s may name an agent or a provider. It is safe as a file's name and in a log.
func IsName(s string) bool { return nameForm.pattern.matches(s) }

// IsVariable tells whether s may name the variable that holds a provider's key: it is no name of the runner's own, whose
// variables are never sent anywhere.
func IsVariable(s string) bool { return variableForm.matches(s) }

// blank is a manifest that says nothing.
func blank() *Manifest {
	return &Manifest{
		Profile:   Speed,
		Execution: Parallel,
		Providers: map[string]Provider{LocalProvider: {Kind: KindLocal}},
		Prices:    map[string]catalog.Price{},
		Audit:     Audit{MaxDuplicates: 0.05, MaxContamination: 0.05, Deep: DeepOnFailure, Severities: map[string]diag.Severity{}},
		Benchmark: Benchmark{Quick: 10, Full: 300, Stop: StopEarly},
		Gate:      Gate{MinImprovement: 0.10, Measure: MeasureRelative, Rule: RuleSignificant, OnInconclusive: InconclusiveFails},
	}
}

func manifestKeys(m *Manifest) value {
	var version int
	defaults := Agent{Seed: 1}
	return section(
		key{"version", "the form of this file, always 1", whole(&version, 1, 1, ""), true},
		key{"name", "what the reports call this run", text(&m.Name, titleForm), false},
		key{"profile", "speed (default): one full fine-tune; thorough: trial, sample and full in turn, each gated on the one before", choice(&m.Profile, Speed, Thorough), false},
		key{"execution", "parallel (default) or sequential", choice(&m.Execution, Parallel, Sequential), false},
		key{"providers", "where fine-tunes run, by name; local, the embedded engine, is always there", providers(m), false},
		key{"prices", "prices in USD by model; they go before the built-in ones", prices(m), false},
		key{"audit", "when defects of the data stop the launch", auditKeys(&m.Audit), false},
		key{"benchmark", "how many tests are run", benchmarkKeys(&m.Benchmark), false},
		key{"gate", "what a tuned model is judged by", gateKeys(&m.Gate), false},
		key{"budget", "caps of a run", budgetKeys(&m.Budget), false},
		key{"defaults", "what agents have that say nothing else", section(trainingKeys(&defaults)...), false},
		key{"agents", "the jobs that models are tuned for, by name", agents(m, &defaults), true},
	).then(func(r *reader) { r.checkDefaults(defaults) })
}

func providers(m *Manifest) value {
	pick := names{nameForm, 0, 64}
	v := named(pick, func(r *reader, k *yaml.Node, name string) (value, func()) {
		var p Provider
		form := section(
			key{"kind", "openai: any service with OpenAI's fine-tuning contract; local: the embedded engine", choice(&p.Kind, KindLocal, KindOpenAI), true},
			key{"base_url", "the service's address, such as https://llm.example.com/v1", text(&p.BaseURL, urlForm), false},
			key{"api_key_env", "name of the environment variable that holds the key", text(&p.APIKeyEnv, variableForm), false},
			key{"max_parallel", "fine-tuning jobs of one base model at a time", whole(&p.MaxParallel, 1, 100, ""), false},
		).requires(schema{
			"if":   schema{"properties": schema{"kind": schema{"const": KindOpenAI}}},
			"then": schema{"required": []string{"kind", "base_url"}},
			"else": schema{"properties": schema{"base_url": false, "api_key_env": false}},
		})
		return form, func() { r.keepProvider(m, k, name, p) }
	})
	return v.requires(schema{"propertyNames": schema{"pattern": nameForm.pattern.text, "not": schema{"const": LocalProvider}}})
}

func prices(m *Manifest) value {
	pick := names{modelForm, 0, 1000}
	return named(pick, func(_ *reader, _ *yaml.Node, name string) (value, func()) {
		var p catalog.Price
		form := section(
			key{"train_per_million", "USD for a million training tokens", amount(&p.TrainPerMillion, mostMoney), true},
			key{"input_per_million", "USD for a million tokens of requests", amount(&p.InputPerMillion, mostMoney), true},
			key{"output_per_million", "USD for a million tokens of answers", amount(&p.OutputPerMillion, mostMoney), true},
		)
		return form, func() { m.Prices[name] = p }
	})
}

func auditKeys(a *Audit) value {
	var rules []key
	for _, rule := range audit.Rules() {
		rules = append(rules, key{rule.Name, rule.Doc, severity(a, rule.Name), false})
	}
	return section(
		key{"max_duplicates", "share of the rows (default 5%) above which exact duplicates stop the launch", share(&a.MaxDuplicates, 100), false},
		key{"max_contamination", "share of the tests (default 5%) above which tests found in the training data stop the launch", share(&a.MaxContamination, 100), false},
		key{"deep", "when the deep audit runs: never, on-failure (default; in the profile thorough: always) or always", choice(&a.Deep, DeepNever, DeepOnFailure, DeepAlways), false},
		key{"severities", "info, warning or critical, by rule", section(rules...), false},
		key{"baseline", "a file of accepted findings, which stop nothing; relative to the manifest; tunegate audit --accept adds to it", text(&a.Baseline, pathForm), false},
	)
}

func severity(a *Audit, rule string) value {
	var name string
	v := choice(&name, diag.Info.String(), diag.Warning.String(), diag.Critical.String())
	return value{v.schema, func(r *reader, n *yaml.Node, path string) {
		r.doc = "critical stops the launch"
		v.read(r, n, path)
		if s, err := diag.ParseSeverity(name); err == nil {
			a.Severities[rule] = s
		}
	}}
}

func benchmarkKeys(b *Benchmark) value {
	return section(
		key{"quick", "size of the first batch (default 10)", whole(&b.Quick, 1, mostTests, ""), false},
		key{"full", "most tests used (default 300; in the profile thorough: all), or all", number(limits{least: 1, most: mostTests, whole: true, word: "all"}, func(f float64) { b.Full = int(f) }), false},
		key{"stop", "early (default): as soon as an anytime-valid test has decided; never (default in the profile thorough): not before full; quick: after the first batch", choice(&b.Stop, StopEarly, StopNever, StopQuick), false},
		key{"repeats", "how often each model is asked each test (default 1); several make sense above a temperature of 0 only", whole(&b.Repeats, 1, mostRepeats, ""), false},
		key{"reduce", "what the repeats of a test score together: their mean (default); majority: what more than half of them reach; any: the best of them", choice(&b.Reduce, bench.Reducers()...), false},
		key{"temperature", "that the models are asked at (default 0: the likeliest answer)", number(limits{most: 2}, func(f float64) { b.Temperature = f }), false},
	)
}

func gateKeys(g *Gate) value {
	return section(
		key{"min_improvement", "how much better than its base a tuned model must be, by the measure (default 10%)", share(&g.MinImprovement, 1000), false},
		key{"measure", "relative (default): min_improvement is a share of the base's score; points: it is hundredths of the scale, 10% being 10 points; errors: it is a share of the base's errors, for a base that is good already", choice(&g.Measure, MeasureRelative, MeasurePoints, MeasureErrors), false},
		key{"rule", "point: the observed improvement reaches the margin; significant (default): that, and shown to be better at all; strict: shown to be better by the margin", choice(&g.Rule, RulePoint, RuleSignificant, RuleStrict), false},
		key{"on_inconclusive", "fail (default) or pass", choice(&g.OnInconclusive, InconclusiveFails, InconclusivePasses), false},
		key{"guards", "suites that the tuned model may not get worse on, by name", guards(g), false},
	)
}

func budgetKeys(b *Budget) value {
	return section(
		key{"max_cost_usd", "USD that a run may cost", number(limits{most: mostMoney}, func(f float64) { b.MaxCostUSD = &f }), false},
		key{"max_hours", "hours that a run may take", number(limits{most: mostHours}, func(f float64) { b.MaxHours = &f }), false},
	)
}

// trainingKeys are the keys that defaults and agents have in common.
func trainingKeys(a *Agent) []key {
	return []key{
		{"provider", "one of the providers (default local)", text(&a.Provider, nameForm), false},
		{"base_model", "the model to tune", text(&a.BaseModel, modelForm), false},
		{"epochs", "passes over the training data: auto (default) or 1 to 50", whole(&a.Epochs, 1, 50, "auto"), false},
		{"batch_size", "examples in a step: auto (default) or 1 to 256", whole(&a.BatchSize, 1, 256, "auto"), false},
		{"learning_rate_multiplier", "auto (default), or a factor above 0", number(limits{most: 100, above: true, word: "auto"}, func(f float64) { a.LearningRateMultiplier = f }), false},
		{"seed", "of all that is drawn by lot (default 1)", whole(&a.Seed, 0, mostSeed, ""), false},
	}
}

func agents(m *Manifest, defaults *Agent) value {
	pick := names{nameForm, 1, mostAgents}
	return named(pick, func(r *reader, k *yaml.Node, name string) (value, func()) {
		a := *defaults
		a.Name = name
		a.Gate = m.Gate
		a.Grader = Grader{Name: "exact"}
		form := section(append([]key{
			{"train", "the training examples", text(&a.Train, pathForm), true},
			{"validation", "examples that are not trained on, for the loss", text(&a.Validation, pathForm), false},
			{"benchmark", "the tests and how they are graded", section(
				key{"tests", "the benchmark's tests", text(&a.Tests, pathForm), true},
				key{"grader", "how an answer is scored (default exact)", grader(&a.Grader), false},
			), true},
			{"gate", "what this agent alone is judged by; keys left out are those of the manifest's gate", gateKeys(&a.Gate), false},
		}, trainingKeys(&a)...)...)
		return form, func() { r.keepAgent(m, k, a) }
	})
}
