package pipeline

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/manifest"
)

// Trust is what a run in CI goes by, where the manifest and its data may come from a pull request. What it is judged by, what it may
// cost, where it runs and whose keys it is given is then not the manifest's to say.
//
// A leg that may not go on by these rules is withheld: its verdict is inconclusive, its reasons name what is in the way and its next
// steps the input that lets it go on. It does not hold the other legs back, as unsound data does: it waits for a
// person's decision, or for a merge, and what the others cost until then is not lost, since their fine-tunes are found again.
type Trust struct {
	// Base is the manifest of the base branch, loaded from a checkout of its own (manifest.Load, with that folder as the root).
	// Where no pull request is concerned it is the very manifest that is run. Nil: the base branch has none, and nothing that costs
	// money is launched. Of another profile than the file's, both manifests are to be asked for (Manifest.As): another profile
	// is another benchmark.
	Base *manifest.Manifest
	// AllowBenchmarkChange lets legs be judged whose benchmark is not that of Base.
	AllowBenchmarkChange bool
	// Hosts says to which services keys may go; none: to none.
	Hosts Hosts
}

// BenchmarkChange is the rule of findings that say how a leg's benchmark differs from the base branch's.
const BenchmarkChange = "benchmark-change"

// governed returns the manifest that counts: what is trusted of m, with the lower one of its cap and MaxCostUSD. The findings
// are what m asks for and does not get.
func (o Options) governed(m *manifest.Manifest) (*manifest.Manifest, []diag.Finding, error) {
	var changes []diag.Finding
	if most := o.MaxCostUSD; most != nil && !(*most >= 0 && *most <= math.MaxFloat64) {
		return nil, nil, diag.Mistakes{{Rule: "bad-cap", Severity: diag.Critical, Message: fmt.Sprintf("the most that a run may cost cannot be %g", *most), Hint: "it is a number of USD, 0 or more"}}
	}
	if o.Trust != nil {
		if err := o.stateIsOurs(m); err != nil {
			return nil, nil, err
		}
		head := m
		m, changes = manifest.Trusted(head, o.Trust.Base)
		again, err := otherBaseline(head, m)
		if err != nil {
			return nil, nil, err
		}
		changes = append(changes, again...)
	}
	if most := o.MaxCostUSD; most != nil {
		c := *m
		if c.Budget.MaxCostUSD == nil || *most < *c.Budget.MaxCostUSD {
			c.Budget.MaxCostUSD = most
		}
		m = &c
	}
	return m, changes, nil
}

// stateIsOurs refuses a folder for the state that lies in the checkout of a pull request: that could bring a journal of its own, or answers
// of the base model that it never gave.
func (o Options) stateIsOurs(head *manifest.Manifest) error {
	if o.State == "" || o.Trust.Base == head {
		return nil
	}
	at, err := filepath.Abs(o.State)
	if err != nil {
		return err
	}
	for dir := at; ; dir = filepath.Dir(dir) { // as far as it exists, where links lead
		real, err := filepath.EvalSymlinks(dir)
		if err != nil && dir != filepath.Dir(dir) {
			continue
		}
		rest, _ := filepath.Rel(dir, at)
		if rel, err := filepath.Rel(head.Root, filepath.Join(real, rest)); err == nil && filepath.IsLocal(rel) {
			return diag.Mistakes{{Rule: "bad-path", Severity: diag.Critical, File: head.File,
				Message: "the folder of the state lies in the checkout of the pull request, which could bring answers and jobs of its own", Hint: "name a folder outside it"}}
		}
		return nil
	}
}

// otherBaseline tells that the baseline of that name is another one in head.
func otherBaseline(head, trusted *manifest.Manifest) ([]diag.Finding, error) {
	here, there := head.Audit.BaselinePath, trusted.Audit.BaselinePath
	if here == there || here == "" || there == "" {
		return nil, nil // or it has been told that they differ in name
	}
	same, err := sameContent(here, there)
	if same || err != nil {
		return nil, err
	}
	return []diag.Finding{{Rule: manifest.PolicyChange, Severity: diag.Info, File: head.Audit.Baseline,
		Message: "the baseline of accepted findings differs from the base branch's, which counts until this is merged", Hint: "it takes effect after the merge"}}, nil
}

// obstacle is what keeps a leg from going on.
type obstacle struct{ reason, todo string }

// withhold ends a leg that may not go on, and reports that it did. What is asked of the leg itself (its data, its plan) comes before.
func (r *run) withhold(l *leg) bool {
	var in []obstacle
	add := func(o obstacle) {
		if o.reason != "" {
			in = append(in, o)
		}
	}
	add(r.unbound(l.agent.Provider))
	if r.Trust != nil {
		if why := r.m.Misfit(l.agent); why != "" {
			add(obstacle{why, "merge the provider first: those of a pull request take effect after the merge"})
		} else if model := r.unpriced(l); model != "" {
			add(obstacle{fmt.Sprintf("the price of %s is unknown", model), "add it under prices on the base branch: those of a pull request take effect after the merge"})
		}
		if l.price != nil && l.estimate.Total() > 0 && r.m.Budget.MaxCostUSD == nil {
			add(obstacle{"nothing caps what it may cost", "set the input max-cost-usd, or budget.max_cost_usd on the base branch"})
		}
		add(r.thinned(l))
		change, err := r.benchmarkChange(l)
		if err != nil {
			r.end(l, gate.Error, err.Error())
			return true
		}
		if change != "" {
			l.changed = append(l.changed, diag.Finding{Rule: BenchmarkChange, Severity: diag.Warning, File: r.m.File, Line: l.agent.Pos.Line, Col: l.agent.Pos.Col,
				Message: fmt.Sprintf("%s: %s", l.agent.Name, change), Hint: "see that the new benchmark asks no less than the old one: a pass on it is worth no more than it is"})
			if r.Trust.AllowBenchmarkChange {
				l.out.Reasons = append(l.out.Reasons, "judged by a changed benchmark, as allow-benchmark-change lets it be: "+change)
			} else {
				add(obstacle{"its benchmark is not the base branch's: " + change, "look at the change of the benchmark; the input allow-benchmark-change lets it be judged by it"})
			}
		}
	}
	if len(in) == 0 {
		return false
	}
	l.apart = true
	reasons := []string{in[0].reason + ", so nothing was launched"}
	for i, o := range in {
		if i > 0 {
			reasons = append(reasons, o.reason)
		}
		if !slices.Contains(l.out.Next, o.todo) {
			l.out.Next = append(l.out.Next, o.todo)
		}
	}
	r.end(l, gate.Inconclusive, reasons...)
	return true
}

// thinned is in the way of a pull request whose training data takes more tests out of the benchmark than max_contamination lets stand in
// it, by resembling them: which tests are asked would be its to say.
func (r *run) thinned(l *leg) obstacle {
	out, all := len(l.audit.Contaminated), len(l.distinct.Tests)
	if r.Trust.Base == r.head || r.Trust.AllowBenchmarkChange || all == 0 || float64(out)/float64(all) <= r.m.Audit.MaxContamination {
		return obstacle{}
	}
	return obstacle{fmt.Sprintf("%d of its %d tests are left out, since the training data holds or resembles them, more than max_contamination", out, all),
		"take those rows out of the training data, or look at them; the input allow-benchmark-change lets it be judged by the other tests, and audit.max_contamination on the base branch by as many fewer"}
}

// unpriced names the model of the leg whose price nobody knows, or its judge, "" where all are known.
func (r *run) unpriced(l *leg) string {
	if l.price == nil {
		return l.agent.BaseModel
	}
	if judge := l.unpriced(r.m); judge != "" {
		return "the judge " + judge
	}
	return ""
}

// unbound says why the key of a provider must not be sent to it; nothing where it may, or none is asked for.
func (r *run) unbound(provider string) obstacle {
	p := r.m.Providers[provider]
	switch {
	case p.APIKeyEnv == "":
	case !manifest.IsVariable(p.APIKeyEnv):
		return obstacle{fmt.Sprintf("the provider %s asks for a variable of the runner's own as its key, which is never sent", provider), "name a variable of your own under api_key_env"}
	case r.Trust != nil && !r.Trust.Hosts.Allow(p.BaseURL, p.APIKeyEnv):
		host := hostOf(p.BaseURL)
		return obstacle{fmt.Sprintf("the key in %s is not bound to %s", p.APIKeyEnv, host), fmt.Sprintf("add %s=%s to the input allowed-hosts, if the key is meant for that service", host, p.APIKeyEnv)}
	}
	return obstacle{}
}
