package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

func compileSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("manifest.json", document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asJSON is what an editor's validator sees of a YAML document; ok is false where there is none to see.
func asJSON(data []byte) (v any, ok bool) {
	var n yaml.Node
	if err := yaml.Unmarshal(bytes.TrimPrefix(data, []byte("\ufeff")), &n); err != nil || n.Kind == 0 {
		return nil, false
	}
	seen := map[*yaml.Node]any{} // a node that stands in several places is turned once
	var turn func(*yaml.Node) any
	turn = func(n *yaml.Node) any {
		n = resolve(n)
		if v, ok := seen[n]; ok {
			return v
		}
		switch n.Kind {
		case yaml.MappingNode:
			m := map[string]any{}
			seen[n] = m
			for i := 0; i+1 < len(n.Content); i += 2 {
				m[resolve(n.Content[i]).Value] = turn(n.Content[i+1])
			}
		case yaml.SequenceNode:
			l := make([]any, len(n.Content))
			seen[n] = l
			for i := range l {
				l[i] = turn(n.Content[i])
			}
		default:
			seen[n] = scalar(n)
		}
		return seen[n]
	}
	return turn(n.Content[0]), true
}

func scalar(n *yaml.Node) any {
	quoted := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0
	switch {
	case n.Tag == "!!null":
		return nil
	case n.Tag == "!!bool":
		return n.Value == "true"
	case !quoted && jsonNumber.MatchString(n.Value):
		return json.Number(strings.TrimPrefix(n.Value, "+"))
	}
	return n.Value
}

// Schema and parser come from one table; here they are held against each other by an independent validator.
func TestSchemaAgrees(t *testing.T) {
	s := compileSchema(t)
	beyond := map[string]bool{ // nothing here is wrong but what Schema's comment says it cannot express
		"duplicates.yaml": true, "defaults_model.yaml": true, "models_known.yaml": true, "pattern.yaml": true, "same_file.yaml": true, "url_escape.yaml": true, "tags.yaml": true,
	}
	for name, data := range cases(t, "ok") {
		if v, ok := asJSON(data); !ok || s.Validate(v) != nil {
			t.Errorf("the schema refuses %s: %v", name, s.Validate(v))
		}
	}
	for name, data := range cases(t, "err") {
		if v, ok := asJSON(data); ok && name != "documents.yaml" && (s.Validate(v) == nil) != beyond[name] {
			t.Errorf("%s: schema says %v, marked as beyond it: %v", name, s.Validate(v), beyond[name])
		}
		delete(beyond, name)
	}
	if len(beyond) > 0 {
		t.Errorf("no such cases: %v", beyond)
	}
}

// One value at a time, at the borders: the schema's verdict is the parser's.
func TestSchemaAgreesOnValues(t *testing.T) {
	s := compileSchema(t)
	agent := "{train: t.jsonl, benchmark: {tests: b.jsonl}}"
	agents := "agents: {a: " + agent + "}\n"
	numbers := []string{"-1", "-0.5", "0", "0.0", "1e-3", "0.5", "1", "+1", "1.0", "1.5", "2", "10", "50", "51", "100", "100.5", "256", "257", "300", "1e6", "1000001", "1e999", "-1e999",
		".nan", ".inf", "-.inf", "0x10", "010", "1_000", "1.", ".5", `"1"`, "auto", "all", "true", "", "~", "[1]", "{a: 1}", "ten", "10%", `"10%"`, "10 %", "-5%", "100%", "100.5%", "1000%", "1001%", "%", "05%", "2.5%"}
	words := []string{"fast", "speed", "thorough", "Speed", `"speed"`, "parallel", "early", "never", "quick", "always", "on-failure", "point", "strict", "significant", "fail", "pass", "warning", "none", "",
		"1", "true", "2024-01-01", "[a]", "{}", "local", "a b", "../x", "/x", "x/../y", "'a\\b'", `"a\nb"`, `"\u2028"`, strings.Repeat("x", 63), strings.Repeat("x", 64), strings.Repeat("x", 101), strings.Repeat("x", 501), "例",
		"exact", "json-equal", "{name: exact}", "{name: regex}", "{name: regex, pattern: x}", "{name: exact, pattern: x}", "{pattern: x}", "{name: regex, pattern: 1}",
		"tool-call", "judge", "code", "command", "{name: judge}", "{name: judge, model: m}", "{name: judge, model: m, rubric: r}", "{name: judge, model: m, rubric: ''}", "{name: judge-pair, model: m, votes: 2}", "{name: judge-pair, model: m, votes: 5}",
		"{name: judge-pair, model: m, votes: 17}", "{name: exact, votes: 3}", "{name: token-f1, threshold: 0.5}", "{name: token-f1, threshold: 0}", "{name: token-f1, threshold: 1.5}", "{name: embedding, threshold: 0.5}",
		"{name: embedding, model: m, threshold: 0.5}", "{name: command, command: [python3, g.py], timeout: 2.5}", "{name: command, command: []}", "{name: command, command: g.py}", "{name: command, command: [1]}", "{name: command}",
		"swe-bench", "{name: swe-bench}", "{name: code, timeout: 601}", "{name: code, timeout: 5}", "{name: code, command: [a]}"}
	urls := []string{"https://a", "https://a.example/v1", "https://a:443/v1", "https://[::1]:8/x", "http://localhost", "http://127.0.0.1:80/v1", "http://127.9.9.9", "http://[::1]/", "http://a.example", "http://localhost.example.com",
		"http://127.0.0.1.example.com", "https://u@a", "https://a?x", "https://a#x", "https://", "ftp://a", "a", "HTTPS://a", "https://a b", "https://例.example", "http://0.0.0.0"}
	keys := []string{"KEY", "A_KEY_2", "key", "sk-abc", "GITHUB_TOKEN", "ACTIONS_X", "RUNNER_X", "INPUT_X", "MY_GITHUB_TOKEN", "GITHUB", "_X", "2X", "", "[K]"}
	var manifests []string
	each := func(values []string, forms ...string) {
		for _, form := range forms {
			for _, v := range values {
				manifests = append(manifests, fmt.Sprintf(form, v))
			}
		}
	}
	rest := "version: 1\n" + agents
	each(numbers, "version: %s\n"+agents, rest+"audit: {max_duplicates: %s}", rest+"gate: {min_improvement: %s}", rest+"gate: {guards: {g: {tests: g.jsonl, max_loss: %s}}}", rest+"benchmark: {quick: %s, full: all}", rest+"benchmark: {quick: 1, full: %s}",
		rest+"budget: {max_cost_usd: %s}", rest+"budget: {max_hours: %s}", rest+"prices: {m: {train_per_million: %s, input_per_million: 1, output_per_million: 1}}", rest+"prices: {m: {train_per_million: %s}}",
		rest+"defaults: {epochs: %s}", rest+"defaults: {batch_size: %s}", rest+"defaults: {learning_rate_multiplier: %s}", rest+"defaults: {seed: %s}", rest+"providers: {p: {kind: local, max_parallel: %s}}")
	each(words, rest+"name: %s", rest+"profile: %s", rest+"execution: %s", rest+"audit: {deep: %s}", rest+"audit: {severities: {too-long: %s}}", rest+"benchmark: {stop: %s}", rest+"gate: {rule: %s}", rest+"gate: {measure: %s}", rest+"gate: {on_inconclusive: %s}",
		rest+"gate: {guards: {%s: {tests: g.jsonl}}}", rest+"gate: {guards: {g: {tests: %s}}}", rest+"gate: {guards: {g: {tests: g.jsonl, grader: %s}}}", rest+"gate: {guards: %s}",
		rest+"defaults: %s", rest+"prices: {%s: {train_per_million: 1, input_per_million: 1, output_per_million: 1}}", rest+"providers: {%s: {kind: local}}", rest+"providers: {p: {kind: %s}}", rest+"audit: {severities: {%s: info}}",
		rest+"audit: %s", rest+"providers: %s", rest+"%s: 1", "version: 1\nagents: {%s: "+agent+"}", "version: 1\nagents: %s", "version: 1\nagents: {a: %s}",
		"version: 1\nagents: {a: {train: %s, benchmark: {tests: b.jsonl}}}", "version: 1\nagents: {a: {train: t.jsonl, benchmark: {tests: b.jsonl, grader: %s}}}", "version: 1\nagents: {a: {train: t.jsonl, benchmark: %s}}")
	each(urls, rest+"providers: {p: {kind: openai, base_url: '%s'}}", rest+"providers: {p: {kind: local, base_url: '%s'}}")
	each(keys, rest+"providers: {p: {kind: openai, base_url: https://a, api_key_env: %s}}", rest+"providers: {p: {api_key_env: %s}}")

	accepted := 0
	for _, text := range manifests {
		v, ok := asJSON([]byte(text))
		if !ok {
			continue // no YAML: for instance a key that is a list
		}
		_, mistakes := Parse([]byte(text), "x.yaml")
		if err := s.Validate(v); (err == nil) != (len(mistakes) == 0) {
			t.Errorf("schema: %v\nparser: %v\n%s", err, mistakes, text)
		}
		if len(mistakes) == 0 {
			accepted++
		}
	}
	if refused := len(manifests) - accepted; accepted < 150 || refused < 500 {
		t.Errorf("%d accepted and %d refused: too few of one kind to show anything", accepted, refused)
	}
}

// Every key has a description, for editors.
func TestSchemaDescribes(t *testing.T) {
	var walk func(at string, v any)
	walk = func(at string, v any) {
		m, _ := v.(map[string]any)
		for name, p := range m {
			if name == "properties" && m["type"] == "object" {
				for key, s := range p.(map[string]any) {
					if d, _ := s.(map[string]any)["description"].(string); d == "" {
						t.Errorf("%s.%s has no description", at, key)
					}
					walk(at+"."+key, s)
				}
			} else if list, ok := p.([]any); ok {
				for _, item := range list {
					walk(at, item)
				}
			} else {
				walk(at, p)
			}
		}
	}
	var s map[string]any
	if err := json.Unmarshal(Schema(), &s); err != nil {
		t.Fatal(err)
	}
	walk("", s)
}
