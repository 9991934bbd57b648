package manifest

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/tunegate/tunegate/internal/diag"
)

// baseText is a manifest of a base branch that says all that is taken from it.
const baseText = `version: 1
profile: speed
providers:
  acme: {kind: openai, base_url: "https://llm.example.com/v1", api_key_env: ACME_API_KEY, max_parallel: 2}
  lab: {kind: local}
prices: {some-model: {train_per_million: 3, input_per_million: 0.3, output_per_million: 1.2}}
defaults: {provider: acme, base_model: some-model}
agents:
  desk: {train: a.jsonl, benchmark: {tests: t.jsonl}}
  shop: {train: a.jsonl, gate: {min_improvement: 20%}, benchmark: {tests: t.jsonl}}
audit: {max_duplicates: 5%, deep: always, severities: {too-long: critical}, baseline: known.jsonl}
gate: {min_improvement: 10%, rule: strict}
budget: {max_cost_usd: 50, max_hours: 9}
`

func parsed(t *testing.T, file, text string) *Manifest {
	t.Helper()
	m, ms := Parse([]byte(text), file)
	if len(ms) > 0 {
		t.Fatal(ms)
	}
	return m
}

// Whatever a pull request says of what opens the gate or spends money, the base branch's word counts, and each difference is told
// where it stands.
func TestTrusted(t *testing.T) {
	base := parsed(t, "base.yaml", baseText)
	base.Audit.BaselinePath = "/checkout/base/known.jsonl"
	for _, c := range []struct{ name, old, new, want string }{
		{"margin", "gate: {min_improvement: 10%", "gate: {min_improvement: 0%", "12:25 gate.min_improvement is 0% here and 10% on the base branch, which counts until this is merged"},
		{"measure", "rule: strict", "rule: strict, measure: errors", "12:53 gate.measure is errors here and relative on the base branch, which counts until this is merged"},
		{"measure of an agent", "gate: {min_improvement: 20%}", "gate: {min_improvement: 20%, measure: points}", "10:64 agents.shop.gate.measure is points here and relative"},
		{"rule", "rule: strict", "rule: point", "12:36 gate.rule is point here and strict"},
		{"on_inconclusive", "rule: strict}", "rule: strict, on_inconclusive: pass}", "12:61 gate.on_inconclusive is pass here and fail"},
		{"gate gone", "gate: {min_improvement: 10%, rule: strict}\n", "", "0:0 gate.rule is significant here and strict"},
		{"gate of an agent", "gate: {min_improvement: 20%}", "gate: {min_improvement: 1%}", "10:50 agents.shop.gate.min_improvement is 1% here and 20%"},
		{"gate of an agent gone", " gate: {min_improvement: 20%},", "", "10:3 agents.shop.gate.min_improvement is 10% here and 20%"},
		{"gate of another agent", "desk: {", "desk: {gate: {rule: point}, ", "9:23 agents.desk.gate.rule is point here and strict"},
		{"cap", "max_cost_usd: 50", "max_cost_usd: 5000", "13:24 budget.max_cost_usd is $5000 here and $50"},
		{"no cap", "max_cost_usd: 50, ", "", "13:1 budget.max_cost_usd is no cap here and $50"},
		{"hours", "max_hours: 9", "max_hours: 90", "13:39 budget.max_hours is 90 here and 9"},
		{"price", "train_per_million: 3", "train_per_million: 0", "6:22 prices.some-model is $0, $0.3 and $1.2 here and $3, $0.3 and $1.2"},
		{"new price", "prices: {", "prices: {free: {train_per_million: 0, input_per_million: 0, output_per_million: 0}, ", "6:16 prices.free is $0, $0 and $0 here and not set"},
		{"host", "llm.example.com", "evil.example.com", "4:34 providers.acme.base_url is https://evil.example.com/v1 here and https://llm.example.com/v1"},
		{"key", "ACME_API_KEY", "OTHER_KEY", "4:77 providers.acme.api_key_env is OTHER_KEY here and ACME_API_KEY"},
		{"parallel", "max_parallel: 2", "max_parallel: 99", "4:105 providers.acme.max_parallel is 99 here and 2"},
		{"new provider", "providers:\n", "providers:\n  evil: {kind: openai, base_url: \"https://evil.example.com\"}\n", "4:9 providers.evil is present here and absent"},
		{"provider gone", "  lab: {kind: local}\n", "", "3:1 providers.lab is absent here and present"},
		{"duplicates", "max_duplicates: 5%", "max_duplicates: 100%", "11:25 audit.max_duplicates is 100% here and 5%"},
		{"deep", "deep: always", "deep: never", "11:35 audit.deep is never here and always"},
		{"severity", "{too-long: critical}", "{too-long: info}", "11:66 audit.severities.too-long is info here and critical"},
		{"more severities", "{too-long: critical}", "{too-long: critical, secret-aws: info}", "11:88 audit.severities.secret-aws is info here and the rule's own"},
		{"baseline", "baseline: known.jsonl", "baseline: all.jsonl", "11:87 audit.baseline is all.jsonl here and known.jsonl"},
		{"base model", "base_model: some-model", "base_model: weak-model", "7:40 agents.desk.base_model is weak-model here and some-model on the base branch"},
		{"base model of one", "desk: {", "desk: {base_model: weak-model, ", "9:22 agents.desk.base_model is weak-model here and some-model"},
		{"seed", "desk: {", "desk: {seed: 7, ", "9:16 agents.desk.seed is 7 here and 1"},
		{"epochs", "desk: {", "desk: {epochs: 50, ", "9:18 agents.desk.epochs is 50 here and auto"},
		{"agent gone", "  shop: {train: a.jsonl, gate: {min_improvement: 20%}, benchmark: {tests: t.jsonl}}\n", "", "8:1 the agent shop of the base branch is not here any more"},
		{"training data", "desk: {train: a.jsonl", "desk: {train: b.jsonl", ""},
		{"tests", "desk: {train: a.jsonl, benchmark: {tests: t.jsonl}}", "desk: {train: a.jsonl, benchmark: {tests: u.jsonl}}", ""}, // told with their content
		{"a comment", "version: 1\n", "version: 1 # as ever\n", ""},
		{"a profile", "profile: speed", "profile: thorough", ""}, // another benchmark
	} {
		text := strings.Replace(baseText, c.old, c.new, 1)
		if text == baseText {
			t.Fatalf("%s: nothing was replaced", c.name)
		}
		head := parsed(t, "head.yaml", text)
		before := fmt.Sprintf("%+v", head)
		m, found := Trusted(head, base)
		if got := fmt.Sprintf("%+v", head); got != before {
			t.Errorf("%s: head was changed", c.name)
		}
		for i, want := range []any{base.Gate, base.Budget, base.Prices, base.Providers, base.Audit} {
			if got := []any{m.Gate, m.Budget, m.Prices, m.Providers, m.Audit}[i]; !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %+v counts, want %+v", c.name, got, want)
			}
		}
		for _, a := range m.Agents {
			if want := base.agent(a.Name).Gate; !reflect.DeepEqual(a.Gate, want) {
				t.Errorf("%s: %s is judged by %+v, want %+v", c.name, a.Name, a.Gate, want)
			}
		}
		said := ""
		for _, f := range found {
			if f.Severity != diag.Info || f.File != "head.yaml" {
				t.Errorf("%s: %+v", c.name, f)
			}
			said += fmt.Sprintf("%d:%d %s\n", f.Line, f.Col, f.Message)
		}
		if c.want == "" && said != "" || !strings.Contains(said, c.want) {
			t.Errorf("%s: got\n%swant %s", c.name, said, c.want)
		}
	}
}

// What a pull request brings that the base branch does not know is run by the base branch's rules, or not at all.
func TestTrustedNewAgent(t *testing.T) {
	base := parsed(t, "base.yaml", baseText)
	head := parsed(t, "head.yaml", strings.Replace(baseText, "agents:\n", "agents:\n  new: {train: n.jsonl, gate: {min_improvement: 0%, rule: point}, benchmark: {tests: t.jsonl}}\n", 1))
	m, found := Trusted(head, base)
	if m.Agents[0].Name != "new" || !reflect.DeepEqual(m.Agents[0].Gate, base.Gate) || m.Agents[2].Gate.MinImprovement != 0.2 {
		t.Errorf("agents %+v", m.Agents)
	}
	if len(found) != 2 || found[0].Line != 9 || !strings.Contains(found[0].Message, "agents.new.gate.min_improvement is 0% here and 10%") {
		t.Errorf("found %+v", found)
	}
}

func TestTrustedWithoutBase(t *testing.T) {
	head := parsed(t, "head.yaml", strings.NewReplacer("strict", "point", "deep: always", "deep: never").Replace(baseText))
	m, found := Trusted(head, nil)
	blank := blank()
	if !reflect.DeepEqual(m.Gate, blank.Gate) || m.Budget.MaxCostUSD != nil || len(m.Prices) != 0 || len(m.Providers) != 1 || !reflect.DeepEqual(m.Audit, blank.Audit) || !reflect.DeepEqual(m.Agents[1].Gate, blank.Gate) {
		t.Errorf("trusted without a base: %+v", m)
	}
	if why := m.Misfit(m.Agents[0]); !strings.Contains(why, "acme") {
		t.Errorf("misfit %q", why)
	}
	if text := fmt.Sprint(found); !strings.Contains(text, "the base branch has no manifest") {
		t.Errorf("found %s", text)
	}
}

// The same manifest as both sides is itself, and one read anew from an equal file has no finding.
func TestTrustedOfItself(t *testing.T) {
	base := parsed(t, "base.yaml", baseText)
	if m, found := Trusted(base, base); m != base || found != nil {
		t.Errorf("got %p and %v", m, found)
	}
	if m, found := Trusted(parsed(t, "head.yaml", baseText), base); len(found) > 0 || !reflect.DeepEqual(m.Agents[0].Gate, base.Agents[0].Gate) {
		t.Errorf("got %v", found)
	}
}

// A model that is free by the catalog is not by the name of a provider that the head had at another place.
func TestMisfit(t *testing.T) {
	base := parsed(t, "base.yaml", baseText)
	for old, want := range map[string]string{
		`base_url: "https://llm.example.com/v1", api_key_env: ACME_API_KEY`: "",
		"provider: acme": "the provider lab is the embedded engine by the base branch's manifest",
	} {
		text := strings.Replace(baseText, old, map[string]string{"provider: acme": "provider: lab"}[old], 1)
		if strings.HasPrefix(old, "base_url") {
			text = strings.Replace(baseText, "https://llm.example.com/v1", "http://127.0.0.1:9/v1", 1)
			text = strings.Replace(text, "base_model: some-model", "base_model: local-zero-shot", 1)
			want = "the provider acme is a remote service by the base branch's manifest, and does not have local-zero-shot"
		} else {
			text = strings.Replace(text, "lab: {kind: local}", `lab: {kind: openai, base_url: "http://127.0.0.1:9"}`, 1)
		}
		m, _ := Trusted(parsed(t, "head.yaml", text), base)
		if why := m.Misfit(m.Agents[0]); !strings.HasPrefix(why, want) || why == "" {
			t.Errorf("%s: %q", old, why)
		}
	}
	if why := base.Misfit(base.Agents[0]); why != "" {
		t.Error(why)
	}
}

// A manifest of a thousand changes has a bounded list of them.
func TestTrustedIsBounded(t *testing.T) {
	var prices strings.Builder
	for i := range 900 {
		fmt.Fprintf(&prices, "  model-%d: {train_per_million: 1, input_per_million: 1, output_per_million: 1}\n", i)
	}
	_, found := Trusted(parsed(t, "head.yaml", "version: 1\nagents: {a: {train: a, benchmark: {tests: b}}}\nprices:\n"+prices.String()), nil)
	if len(found) != maxChanges+1 || !strings.Contains(fmt.Sprint(found), "800 more differences") {
		t.Errorf("%d findings", len(found))
	}
}

// No path of a manifest leaves its checkout for the one beside it, for the process's own files or for the event, by whatever way; and
// none leads to what is no file or is git's own.
func TestNoWayOutOfACheckout(t *testing.T) {
	workspace := realPath(t.TempDir())
	root := filepath.Join(workspace, "head")
	write(t, workspace, map[string]string{
		"base/secret.jsonl":         "{}\n",
		"event.json":                "{}\n",
		"head/ok.jsonl":             "{}\n",
		"head/tests.jsonl":          "{}\n",
		"head/.git/config":          "[http]\n",
		"head/sub/.git":             "gitdir: ../.git/modules/sub\n",
		"head/data/ok.jsonl":        "{}\n",
		"head/link.jsonl":           "-> ../base/secret.jsonl",
		"head/chain.jsonl":          "-> data/chain.jsonl",
		"head/data/chain.jsonl":     "-> ../link.jsonl",
		"head/folder":               "-> ../base",
		"head/deep/er":              "-> ../../base",
		"head/environ.jsonl":        "-> /proc/self/environ",
		"head/cmdline.jsonl":        "-> /proc/self/cmdline",
		"head/proc":                 "-> /proc/self",
		"head/stdin.jsonl":          "-> /dev/stdin",
		"head/fd":                   "-> /proc/self/fd",
		"head/event.jsonl":          "-> ../event.json",
		"head/absolute.jsonl":       "-> " + filepath.Join(workspace, "event.json"),
		"head/config.jsonl":         "-> .git/config",
		"head/back":                 "-> ..",
		"head/inside.jsonl":         "-> data/ok.jsonl",
		"head/loop":                 "-> loop",
		"head/manifest-out.yaml":    "-> ../base/tunegate.yaml",
		"head/manifest-kernel.yaml": "-> /proc/self/environ",
		"head/manifest-git.yaml":    "-> .git/config",
		"base/tunegate.yaml":        "version: 1\nagents: {a: {train: secret.jsonl, benchmark: {tests: secret.jsonl}}}\n",
	})
	if err := syscall.Mkfifo(filepath.Join(root, "pipe.jsonl"), 0o600); err != nil {
		t.Fatal(err)
	}
	load := func(path, role string) error {
		t.Helper()
		manifest := map[string]string{
			"train":    "version: 1\nagents: {a: {train: %s, benchmark: {tests: tests.jsonl}}}\n",
			"tests":    "version: 1\nagents: {a: {train: ok.jsonl, benchmark: {tests: %s}}}\n",
			"baseline": "version: 1\naudit: {baseline: %s}\nagents: {a: {train: ok.jsonl, benchmark: {tests: tests.jsonl}}}\n",
		}[role]
		file := filepath.Join(root, "tunegate.yaml")
		if err := os.WriteFile(file, fmt.Appendf(nil, manifest, fmt.Sprintf("%q", path)), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Load(file, root)
		return err
	}
	for _, role := range []string{"train", "tests", "baseline"} {
		for _, path := range []string{
			"../base/secret.jsonl", "data/../../base/secret.jsonl", "./../event.json", "../head/../base/secret.jsonl", "..", "data/..",
			filepath.Join(workspace, "base", "secret.jsonl"), "/proc/self/environ", "/github/workflow/event.json", "/dev/stdin",
			"link.jsonl", "chain.jsonl", "folder/secret.jsonl", "deep/er/secret.jsonl", "environ.jsonl", "cmdline.jsonl", "proc/environ", "proc/cwd/x", "proc/root/etc/passwd",
			"stdin.jsonl", "fd/0", "event.jsonl", "absolute.jsonl", "back/base/secret.jsonl", "loop/ok.jsonl", "loop",
			".git/config", "./.git/config", "data/../.git/config", ".GIT/config", "config.jsonl", "sub/.git", "pipe.jsonl", "data", ".",
		} {
			err := load(path, role)
			if err == nil {
				t.Errorf("%s: %s was taken", role, path)
			} else if strings.Contains(err.Error(), "[http]") || strings.Contains(err.Error(), os.Getenv("PATH")) {
				t.Errorf("%s: %s gives away what is there: %v", role, path, err)
			}
		}
		for _, path := range []string{"inside.jsonl", "data/ok.jsonl", "data/../data/ok.jsonl", "back/head/ok.jsonl"} {
			if err := load(path, role); err != nil {
				t.Errorf("%s: %s: %v", role, path, err)
			}
		}
	}
	for _, name := range []string{"manifest-out.yaml", "manifest-kernel.yaml", "manifest-git.yaml"} {
		if _, err := Load(filepath.Join(root, name), root); err == nil || !strings.Contains(err.Error(), "bad-path") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Load(filepath.Join(workspace, "base", "tunegate.yaml"), root); err == nil || !strings.Contains(err.Error(), "outside the repository") {
		t.Errorf("a manifest of the other checkout: %v", err)
	}
}

// A pipe in the place of the manifest does not keep anybody waiting.
func TestManifestIsAPipe(t *testing.T) {
	root := realPath(t.TempDir())
	path := filepath.Join(root, "tunegate.yaml")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path, root); err == nil || !strings.Contains(err.Error(), "a named pipe") {
		t.Errorf("%v", err)
	}
}
