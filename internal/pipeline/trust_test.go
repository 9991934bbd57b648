package pipeline

import (
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tunegate/tunegate/internal/catalog"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/localtune/wiretest"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/report"
)

const trustText = `version: 1
providers: {acme: {kind: openai, base_url: "https://llm.example.com/v1", api_key_env: ACME_API_KEY}}
prices: {hosted-model: {train_per_million: 1000, input_per_million: 1, output_per_million: 1}}
defaults: {provider: acme, base_model: hosted-model}
agents:
  agent-0: {train: train0.jsonl, benchmark: {tests: tests0.jsonl}}
  agent-1: {train: train1.jsonl, benchmark: {tests: tests1.jsonl}}
audit: {baseline: known.jsonl}
budget: {max_cost_usd: 50}
`

// checkouts writes the files of a base branch and, edited, those of a pull request beside them, as two checkouts in one folder, and
// loads the manifests of both.
func checkouts(t *testing.T, edit func(dir string)) (head, base *manifest.Manifest) {
	t.Helper()
	data := load(t, "http://127.0.0.1:1/v1", 2, "").Root
	put(t, data, "tunegate.yaml", trustText)
	put(t, data, "known.jsonl", "")
	workspace := t.TempDir()
	both := [2]*manifest.Manifest{}
	for i, name := range []string{"head", "base"} {
		dir := filepath.Join(workspace, name)
		if err := os.CopyFS(dir, os.DirFS(data)); err != nil {
			t.Fatal(err)
		}
		if name == "head" && edit != nil {
			edit(dir)
		}
		m, err := manifest.Load(filepath.Join(dir, "tunegate.yaml"), dir)
		if err != nil {
			t.Fatal(err)
		}
		both[i] = m
	}
	return both[0], both[1]
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// swap is an edit that replaces text in a file; the text must be there.
func swap(t *testing.T, name, old, with string) func(string) {
	return func(dir string) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.Contains(string(text), old) {
			t.Fatalf("%s does not hold %q (%v)", name, old, err)
		}
		put(t, dir, name, strings.Replace(string(text), old, with, 1))
	}
}

// watched is an account that notes where requests go and with what key.
type watched struct {
	account
	lock sync.Mutex
	sent map[string]int // by host and key
	kind map[string]int // by method and path
}

func (w *watched) RoundTrip(q *http.Request) (*http.Response, error) {
	w.lock.Lock()
	if w.sent == nil {
		w.sent = map[string]int{}
	}
	if w.kind == nil {
		w.kind = map[string]int{}
	}
	w.sent[q.URL.Host+" "+q.Header.Get("Authorization")]++
	w.kind[q.Method+" "+q.URL.Path]++
	w.lock.Unlock()
	return w.account.RoundTrip(q)
}

func (w *watched) places() string {
	var all []string
	for at := range w.sent {
		all = append(all, at)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// keys are the variables of a runner.
func keys(name string) string {
	return map[string]string{"ACME_API_KEY": "sk-acme-0123456789", "OTHER_KEY": "sk-other-0123456789", "GITHUB_TOKEN": "ghs_0123456789abcdef"}[name]
}

func bound(t *testing.T, text string) Hosts {
	t.Helper()
	h, err := ParseHosts(text)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

const acmeOnly = "llm.example.com Bearer sk-acme-0123456789"

// What a pull request may try, and what comes of it.
func TestPullRequest(t *testing.T) {
	yaml := func(old, with string) func(string) { return swap(t, "tunegate.yaml", old, with) }
	asked := swap(t, "tests0.jsonl", "my printer again", "my good printer again")
	usd := func(f float64) *float64 { return &f }
	for _, c := range []struct {
		name     string
		edit     func(string)
		with     func(*Options)
		verdicts string
		says     string // in the reasons, next steps or changes
		launched int
		sent     string // where requests went
	}{
		{name: "nothing", verdicts: "pass pass", launched: 2, sent: acmeOnly},
		{name: "margin and rule", edit: yaml("budget:", "gate: {min_improvement: 0%, rule: point, on_inconclusive: pass}\nbudget:"),
			verdicts: "pass pass", says: "gate.min_improvement is 0% here and 10% on the base branch", launched: 2, sent: acmeOnly},
		{name: "host", edit: yaml("llm.example.com", "evil.example.com"), verdicts: "pass pass", says: "providers.acme.base_url is https://evil.example.com/v1 here", launched: 2, sent: acmeOnly},
		{name: "key", edit: yaml("ACME_API_KEY", "OTHER_KEY"), verdicts: "pass pass", says: "providers.acme.api_key_env is OTHER_KEY here", launched: 2, sent: acmeOnly},
		{name: "price", edit: yaml("train_per_million: 1000", "train_per_million: 0"), with: func(o *Options) { o.MaxCostUSD = usd(0.01) },
			verdicts: "inconclusive inconclusive", says: "over the budget", sent: acmeOnly},
		{name: "cap", edit: yaml("max_cost_usd: 50", "max_cost_usd: 999999"), with: func(o *Options) { o.MaxCostUSD = usd(0.01) },
			verdicts: "inconclusive inconclusive", says: "of $0.01", sent: acmeOnly},
		{name: "the higher cap is the input's", with: func(o *Options) { o.MaxCostUSD = usd(1000) }, verdicts: "pass pass", launched: 2, sent: acmeOnly},
		{name: "a test", edit: asked, verdicts: "inconclusive pass", says: "its benchmark is not the base branch's: 1 test changed", launched: 1, sent: acmeOnly},
		{name: "a test, allowed", edit: asked, with: func(o *Options) { o.Trust.AllowBenchmarkChange = true },
			verdicts: "pass pass", says: "judged by a changed benchmark, as allow-benchmark-change lets it be: 1 test changed", launched: 2, sent: acmeOnly},
		{name: "tests gone", edit: func(dir string) {
			text, _ := os.ReadFile(filepath.Join(dir, "tests1.jsonl"))
			put(t, dir, "tests1.jsonl", strings.Join(strings.SplitAfter(string(text), "\n")[:40], ""))
		}, verdicts: "pass inconclusive", says: "20 tests removed", launched: 1, sent: acmeOnly},
		{name: "another file of tests", edit: yaml("tests: tests0.jsonl", "tests: tests1.jsonl"), verdicts: "inconclusive pass", says: "60 tests changed", launched: 1, sent: acmeOnly},
		{name: "the same tests by another name", edit: func(dir string) {
			text, _ := os.ReadFile(filepath.Join(dir, "tests0.jsonl"))
			lines := strings.SplitAfter(string(text), "\n")
			slices.Reverse(lines)
			put(t, dir, "renamed.jsonl", strings.Join(lines, ""))
			yaml("tests: tests0.jsonl", "tests: renamed.jsonl")(dir)
		}, verdicts: "pass pass", launched: 2, sent: acmeOnly},
		{name: "grader", edit: yaml("tests: tests0.jsonl", "tests: tests0.jsonl, grader: includes"), verdicts: "inconclusive pass", says: "the grader is includes, was exact", launched: 1, sent: acmeOnly},
		{name: "sizes", edit: yaml("budget:", "benchmark: {stop: quick, quick: 20, temperature: 1}\nbudget:"),
			verdicts: "inconclusive inconclusive", says: "benchmark.quick is 20, was 10; benchmark.stop is quick, was early; benchmark.temperature is 1, was 0"},
		{name: "profile", edit: yaml("version: 1", "version: 1\nprofile: thorough"), verdicts: "inconclusive inconclusive", says: "benchmark.full is all, was 300; benchmark.stop is never, was early"},
		{name: "new agent", edit: yaml("agents:\n", "agents:\n  agent-9: {train: train1.jsonl, seed: 9, benchmark: {tests: tests1.jsonl}}\n"),
			verdicts: "inconclusive pass pass", says: "the agent is new, and so are its 60 tests", launched: 2, sent: acmeOnly},
		{name: "new provider", edit: func(dir string) {
			yaml("providers: {", `providers: {mine: {kind: openai, base_url: "https://evil.example.com", api_key_env: OTHER_KEY}, `)(dir)
			yaml("agent-1: {", "agent-1: {provider: mine, ")(dir)
		}, verdicts: "pass inconclusive", says: "the provider mine is not one of the base branch's manifest, so nothing was launched", launched: 1, sent: acmeOnly},
		{name: "unbound key", with: func(o *Options) { o.Trust.Hosts = Hosts{} }, verdicts: "inconclusive inconclusive", says: "add llm.example.com=ACME_API_KEY to the input allowed-hosts"},
		{name: "key bound to another host", with: func(o *Options) {
			o.Trust.Hosts = bound(t, "other.example.com=ACME_API_KEY llm.example.com=OTHER_KEY llm.example.com:8443=ACME_API_KEY")
		}, verdicts: "inconclusive inconclusive", says: "the key in ACME_API_KEY is not bound to llm.example.com"},
		{name: "no base", with: func(o *Options) { o.Trust.Base = nil; o.MaxCostUSD = usd(100); o.Trust.AllowBenchmarkChange = true },
			verdicts: "inconclusive inconclusive", says: "the provider acme is not one of the base branch's manifest"},
		{name: "severity", edit: func(dir string) {
			yaml("audit: {", "audit: {severities: {secret-aws: info}, ")(dir)
			swap(t, "train0.jsonl", "case 1 about", "key AKIAQYLPMN5HFIQR7XYA about")(dir)
		}, verdicts: "fail inconclusive", says: "audit.severities.secret-aws is info here and the rule's own"},
		{name: "baseline", edit: func(dir string) { put(t, dir, "known.jsonl", "\n\n") }, verdicts: "pass pass", says: "the baseline of accepted findings differs from the base branch's", launched: 2, sent: acmeOnly},
		{name: "model", edit: yaml("agent-0: {", "agent-0: {base_model: weak-model, "), verdicts: "inconclusive pass", says: "agents.agent-0.base_model is weak-model here", launched: 1, sent: acmeOnly},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				head, base := checkouts(t, c.edit)
				w := &watched{account: account{length: time.Hour, latency: time.Millisecond}}
				o := Options{State: t.TempDir(), Wait: -1, Getenv: keys, Transport: wiretest.CheckSent(t, w), Trust: &Trust{Base: base, Hosts: bound(t, "llm.example.com=ACME_API_KEY")}}
				if c.with != nil {
					c.with(&o)
				}
				doc, err := Run(t.Context(), head, o)
				if err != nil {
					t.Fatal(err)
				}
				if verdicts(doc) != c.verdicts || doc.Launched != c.launched || w.made != c.launched || w.places() != c.sent {
					t.Errorf("verdicts %q, %d launched, %d made, requests to %q\n%s", verdicts(doc), doc.Launched, w.made, w.places(), wording(doc))
				}
				if !strings.Contains(wording(doc), c.says) {
					t.Errorf("nothing says %q:\n%s", c.says, wording(doc))
				}
				if doc.Margin != 0.1 || doc.Rule != "significant" || c.name == "nothing" && len(doc.Changes) > 0 {
					t.Errorf("judged by %s and %g, changes %v", doc.Rule, doc.Margin, doc.Changes)
				}
				for _, l := range doc.Legs {
					if l.Margin != 0.1 || l.Rule != "significant" {
						t.Errorf("%s was judged by %s and %g", l.ID, l.Rule, l.Margin)
					}
				}
				// A plan says the same without a request, and what must not be launched is in no matrix.
				p, err := MakePlan(t.Context(), head, o)
				if err != nil || c.launched > 0 && len(p.Matrix.Include) != c.launched || len(p.Changes) != len(doc.Changes) {
					t.Errorf("the plan has %v and %d changes, blocked %q, %v", p.Matrix, len(p.Changes), p.Blocked, err)
				}
				// What looks after jobs keeps to the same rules.
				w.sent = nil
				_, _ = Status(t.Context(), head, o)
				_, _ = CancelJobs(t.Context(), head, o)
				if _, n, _ := Retry(t.Context(), head, o); n > 0 || w.places() != "" && w.places() != acmeOnly {
					t.Errorf("status, cancel and retry sent requests to %q and launched %d", w.places(), n)
				}
			})
		})
	}
}

// wording is all that a report says to people.
func wording(doc report.Report) string {
	var b strings.Builder
	for _, l := range doc.Legs {
		fmt.Fprintf(&b, "%s: %s\n  next: %s\n", l.ID, strings.Join(l.Reasons, "\n  "), strings.Join(l.Next, "\n  next: "))
	}
	for _, f := range doc.Changes {
		fmt.Fprintln(&b, f, f.Hint)
	}
	return b.String()
}

// In CI somebody has to say what a run may cost; on a laptop, and where nothing costs anything, nobody needs to.
func TestACapIsNeededInCI(t *testing.T) {
	for _, c := range []struct {
		name, says string
		trusted    bool
		free       bool
		most       float64
		launched   int
	}{
		{name: "laptop", launched: 2},
		{name: "CI", trusted: true, says: "nothing caps what it may cost, so nothing was launched"},
		{name: "CI with the input", trusted: true, most: 50, launched: 2},
		{name: "CI, free of charge", trusted: true, free: true, launched: 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			_, m := checkouts(t, nil)
			m.Budget.MaxCostUSD = nil
			if c.free {
				m.Prices["hosted-model"] = catalog.Price{}
			}
			w := &watched{account: account{length: time.Hour}}
			o := Options{State: t.TempDir(), Wait: -1, Getenv: keys, Transport: wiretest.CheckSent(t, w)}
			if c.trusted {
				o.Trust = &Trust{Base: m, Hosts: bound(t, "llm.example.com=ACME_API_KEY")}
			}
			if c.most > 0 {
				o.MaxCostUSD = &c.most
			}
			doc, err := Run(t.Context(), m, o)
			if err != nil || doc.Launched != c.launched || !strings.Contains(wording(doc), c.says) {
				t.Errorf("%s: %d launched, %v\n%s", c.name, doc.Launched, err, wording(doc))
			}
			if c.launched == 0 && (len(w.sent) > 0 || !strings.Contains(wording(doc), "set the input max-cost-usd")) {
				t.Errorf("%s: %v requests\n%s", c.name, w.sent, wording(doc))
			}
		})
	}
}

// The runner's own variables are nobody's keys, whatever bypassed the check of the manifest, on a laptop neither: they are not even read.
func TestTheRunnersVariablesAreNoKeys(t *testing.T) {
	for _, name := range []string{"GITHUB_TOKEN", "ACTIONS_RUNTIME_TOKEN", "RUNNER_X", "INPUT_GITHUB-TOKEN", "INPUT_TOKEN"} {
		for _, trusted := range []bool{false, true} {
			_, m := checkouts(t, nil)
			p := m.Providers["acme"]
			p.APIKeyEnv = name
			m.Providers["acme"] = p
			w := new(watched)
			o := Options{State: t.TempDir(), Transport: wiretest.CheckSent(t, w), Getenv: func(asked string) string {
				t.Errorf("%s was read", asked)
				return "secret"
			}}
			if trusted {
				o.Trust = &Trust{Base: m, Hosts: Hosts{[]binding{{"llm.example.com", 443, name}}}}
			}
			doc, err := Run(t.Context(), m, o)
			_, _ = Status(t.Context(), m, o)
			_, _ = CancelJobs(t.Context(), m, o)
			_, _, _ = Retry(t.Context(), m, o)
			if err != nil || verdicts(doc) != "inconclusive inconclusive" || len(w.sent) > 0 || !strings.Contains(wording(doc), "which is never sent") {
				t.Errorf("%s: %v, %v, requests %v\n%s", name, verdicts(doc), err, w.sent, wording(doc))
			}
		}
	}
	if _, ms := manifest.Parse([]byte(strings.Replace(trustText, "ACME_API_KEY", "GITHUB_TOKEN", 1)), "m"); len(ms) != 1 || ms[0].Line != 2 || !strings.Contains(ms[0].Message, "GITHUB_*") || ms[0].Hint == "" {
		t.Errorf("the manifest's check says %v", ms)
	}
}

// A program that grades comes from the base branch, together with all that it reads, as long as a changed benchmark is not allowed.
func TestGradersRunFromTheBaseBranch(t *testing.T) {
	command := func(dir string) {
		swap(t, "tunegate.yaml", "tests: tests0.jsonl", "tests: tests0.jsonl, grader: {name: command, command: [python3, tools/grade.py]}")(dir)
		if err := os.MkdirAll(filepath.Join(dir, "tools"), 0o755); err != nil {
			t.Fatal(err)
		}
		put(t, dir, "tools/grade.py", "import helper")
		put(t, dir, "tools/helper.py", "print(0)")
	}
	head, base := checkouts(t, command)
	command(base.Root)
	base, err := manifest.Load(base.File, base.Root)
	if err != nil {
		t.Fatal(err)
	}
	change := func(allow bool) (string, string) {
		t.Helper()
		head, err := manifest.Load(head.File, head.Root)
		if err != nil {
			t.Fatal(err)
		}
		r := &run{Options: Options{AllowCommands: true, Trust: &Trust{Base: base, AllowBenchmarkChange: allow}}, head: head, m: head}
		l := newLeg(head, head.Agents[0])
		if err := l.open(head); err != nil {
			t.Fatal(err)
		}
		text, err := r.benchmarkChange(l)
		if err != nil {
			t.Fatal(err)
		}
		return text, r.means(l, nil).Dir
	}
	if text, dir := change(false); text != "" || dir != base.Root {
		t.Errorf("unchanged: %q, runs in %s", text, dir)
	}
	put(t, head.Root, "tools/helper.py", "print(1)") // nothing names it, and nothing runs it
	if text, dir := change(false); text != "" || dir != base.Root {
		t.Errorf("helper: %q, runs in %s", text, dir)
	}
	put(t, head.Root, "tools/grade.py", "print(1)")
	if text, dir := change(false); text != "the grader's file tools/grade.py is another one" || dir != base.Root {
		t.Errorf("grader: %q, runs in %s", text, dir)
	}
	if _, dir := change(true); dir != head.Root {
		t.Errorf("allowed, it runs in %s", dir)
	}
	if err := os.Remove(filepath.Join(head.Root, "tools/grade.py")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(base.Root, "tools/grade.py"), filepath.Join(head.Root, "tools/grade.py")); err != nil {
		t.Fatal(err)
	}
	if text, _ := change(false); text == "" {
		t.Error("a link out of the checkout counts as the grader's file")
	}
}

// A pull request brings no state: neither jobs nor answers of the base model that it never gave, by whatever way the folder leads into its checkout.
func TestNoStateFromAPullRequest(t *testing.T) {
	head, base := checkouts(t, nil)
	outside := filepath.Join(t.TempDir(), "state")
	if err := os.Symlink(filepath.Join(head.Root), filepath.Join(filepath.Dir(outside), "link")); err != nil {
		t.Fatal(err)
	}
	for state, fine := range map[string]bool{
		outside: true, filepath.Join(base.Root, ".tunegate"): true, head.Root + "-2/x": true,
		filepath.Join(head.Root, ".tunegate"): false, head.Root: false, filepath.Join(head.Root, "not", "there", "yet"): false,
		filepath.Join(base.Root, "..", "head", "x"): false, filepath.Join(filepath.Dir(outside), "link", "x"): false,
	} {
		o := Options{State: state, Trust: &Trust{Base: base}}
		if _, _, err := o.governed(head); (err == nil) != fine {
			t.Errorf("%s: %v", state, err)
		}
		o.Trust.Base = nil
		if _, _, err := o.governed(head); (err == nil) != fine {
			t.Errorf("%s, without a base: %v", state, err)
		}
		o.Trust.Base = head // no pull request
		if _, _, err := o.governed(head); err != nil {
			t.Errorf("%s, on the base branch: %v", state, err)
		}
	}
	for _, cap := range []float64{-1, math.NaN(), math.Inf(1)} {
		if _, _, err := (Options{MaxCostUSD: &cap}).governed(head); err == nil {
			t.Errorf("a cap of %g is taken", cap)
		}
	}
}

// A pull request cannot have the tests that it loses left out by training data that resembles them.
func TestTestsThatResemblingDataTakesOut(t *testing.T) {
	long := func(i int) string {
		var words []string // that no other test has
		for k := range 10 {
			n := 10*i + k
			words = append(words, string([]byte{'b' + byte(n%7), 'a' + byte(n/7%26), 'l' + byte(n/182%5), 'o'})+"mer")
		}
		return strings.Join(words, " ")
	}
	var tests strings.Builder
	for i := range 60 {
		fmt.Fprintf(&tests, `{"id":"t%d","input":%q,"ideal":"hardware"}`+"\n", i, long(i))
	}
	for near, withheld := range map[int]bool{3: false, 20: true} {
		for _, allowed := range []bool{false, true} {
			head, base := checkouts(t, nil)
			put(t, head.Root, "tests0.jsonl", tests.String())
			put(t, base.Root, "tests0.jsonl", tests.String())
			text, err := os.ReadFile(filepath.Join(head.Root, "train0.jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			rows := string(text)
			for i := range near {
				rows += fmt.Sprintf(`{"messages":[{"role":"user","content":%q},{"role":"assistant","content":"hardware"}]}`+"\n", "please note that "+long(i))
			}
			put(t, head.Root, "train0.jsonl", rows)
			base.Audit.Deep = manifest.DeepAlways
			p, err := MakePlan(t.Context(), head, Options{Getenv: keys, Legs: []string{"agent-0"}, Trust: &Trust{Base: base, Hosts: bound(t, "llm.example.com=ACME_API_KEY"), AllowBenchmarkChange: allowed}})
			if err != nil {
				t.Fatal(err)
			}
			said := strings.Join(p.Blocked, "\n")
			want := fmt.Sprintf("%d of its 60 tests are left out", near)
			if strings.Contains(said, want) != (withheld && !allowed) || len(p.Matrix.Include) != 1 && !(withheld && !allowed) || p.Legs[0].Tests != 60-near {
				t.Errorf("%d tests, allowed %t: %q, %v, %d tests are left", near, allowed, said, p.Matrix, p.Legs[0].Tests)
			}
		}
	}
}

// What a model may not get worse on is the base branch's to say, with its tests, whatever the head takes away or changes.
func TestGuardsAreTheBaseBranchs(t *testing.T) {
	const guarded = "gate: {guards: {rest: {tests: tests1.jsonl, max_loss: 2%}}}\nbudget:"
	for name, edit := range map[string]func(dir string){
		"removed":  func(string) {},
		"looser":   swap(t, "tunegate.yaml", "budget:", strings.Replace(guarded, "2%", "90%", 1)),
		"replaced": swap(t, "tunegate.yaml", "budget:", strings.Replace(guarded, "tests1", "tests0", 1)),
		"emptied": func(dir string) {
			swap(t, "tunegate.yaml", "budget:", guarded)(dir)
			put(t, dir, "tests1.jsonl", `{"id":"t","input":"x","ideal":"y"}`+"\n")
		},
	} {
		head, base := checkouts(t, edit)
		swap(t, "tunegate.yaml", "budget:", guarded)(base.Root)
		base, err := manifest.Load(base.File, base.Root)
		if err != nil {
			t.Fatal(err)
		}
		m, changes, err := Options{Trust: &Trust{Base: base}}.governed(head)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range m.Agents {
			if g := a.Gate.Guards; len(g) != 1 || g[0].MaxLoss != 0.02 || g[0].TestsPath != filepath.Join(base.Root, "tests1.jsonl") {
				t.Errorf("%s: %s is guarded by %+v", name, a.Name, g)
			}
		}
		if told := slices.ContainsFunc(changes, func(f diag.Finding) bool { return strings.HasPrefix(f.Message, "gate.guards is ") }); told != (name == "removed" || name == "looser") {
			t.Errorf("%s: told %v", name, changes)
		}
	}
}
