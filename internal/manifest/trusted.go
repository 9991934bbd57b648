package manifest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tunegate/tunegate/internal/catalog"
	"github.com/tunegate/tunegate/internal/diag"
)

// Trusted returns head, a manifest of a pull request, as it may be run before it is merged: what it is judged by, what it may cost,
// where it runs and which keys it names are those of base, the manifest of the branch that it goes to. That is gate, budget, prices,
// providers and audit, the baseline's file in the checkout of base included; an agent has the gate that base's agent of that
// name has, and base's own where there is none. Without a base (nil) these are the built-in ones: no provider but local, no price
// of its own, no budget. All else is head's.
//
// The findings, at their places in head, are what head asks for and does not get before it is merged, and what else of it makes a gate
// easier to pass: a base model or settings of training that changed, and agents that are gone. Benchmarks are not compared. Neither
// manifest is changed, and the result shares with both. Of one manifest as both, the result is that manifest, without a finding.
func Trusted(head, base *Manifest) (*Manifest, []diag.Finding) {
	if head == base {
		return head, nil
	}
	c := comparison{head: head, side: "on the base branch"}
	if base == nil {
		base, c.side = blank(), "by default (the base branch has no manifest)"
	}
	out := *head
	out.Gate, out.Budget, out.Prices, out.Providers, out.Audit = base.Gate, base.Budget, base.Prices, base.Providers, base.Audit
	out.unsaid.deep = base.unsaid.deep
	out.Agents = slices.Clone(head.Agents)
	for i := range out.Agents {
		a := &out.Agents[i]
		a.Gate = base.Gate
		if before := base.agent(a.Name); before != nil {
			a.Gate = before.Gate
		}
	}
	c.policy(base)
	for i, a := range out.Agents {
		c.agent(head.Agents[i], a, base)
	}
	for _, a := range base.Agents {
		if head.agent(a.Name) == nil {
			c.found(AgentRemoved, "agents."+a.Name, fmt.Sprintf("the agent %s of the base branch is not here any more: nothing of it is judged", a.Name), "see that it is meant to go")
		}
	}
	return &out, c.all()
}

// The rules of what Trusted finds.
const (
	PolicyChange   = "policy-change"   // what does not count before it is merged
	TrainingChange = "training-change" // of an agent's base model, provider or settings, which counts at once
	AgentRemoved   = "agent-removed"
)

// Misfit says why the agent's provider cannot tune its model, "" when it can. A manifest that was loaded has no such agent; one
// that Trusted returned may.
func (m *Manifest) Misfit(a Agent) string {
	p, known := m.Providers[a.Provider]
	switch {
	case !known:
		return fmt.Sprintf("the provider %s is not one of the base branch's manifest", a.Provider)
	case p.Kind == KindLocal && a.BaseModel != catalog.Local:
		return fmt.Sprintf("the provider %s is the embedded engine by the base branch's manifest, and cannot tune %s", a.Provider, a.BaseModel)
	case p.Kind == KindOpenAI && a.BaseModel == catalog.Local && strings.HasPrefix(p.BaseURL, "https:"):
		return fmt.Sprintf("the provider %s is a remote service by the base branch's manifest, and does not have %s", a.Provider, a.BaseModel)
	}
	return ""
}

func (m *Manifest) agent(name string) *Agent {
	i := slices.IndexFunc(m.Agents, func(a Agent) bool { return a.Name == name })
	if i < 0 {
		return nil
	}
	return &m.Agents[i]
}

// comparison gathers how head differs from what counts.
type comparison struct {
	head *Manifest
	side string // where the other value is from
	list []diag.Finding
	more int
}

// maxChanges bounds what is listed: a reviewer sees by then that it is another manifest.
const maxChanges = 100

func (c *comparison) all() []diag.Finding {
	if c.more > 0 {
		c.list = append(c.list, diag.Finding{Rule: PolicyChange, Severity: diag.Info, File: c.head.File,
			Message: fmt.Sprintf("%d more differences from the base branch, which are not listed", c.more), Hint: "compare the two manifests"})
	}
	diag.Sort(c.list)
	return c.list
}

func (c *comparison) found(rule, path, message, hint string) {
	if len(c.list) >= maxChanges {
		c.more++
		return
	}
	at := c.head.at(path)
	c.list = append(c.list, diag.Finding{Rule: rule, Severity: diag.Info, File: c.head.File, Line: at.Line, Col: at.Col, Message: message, Hint: hint})
}

// at is where the value at path stands, or else the key of the section that it would stand in.
func (m *Manifest) at(path string) Pos {
	if s, ok := m.sites[path]; ok {
		return s.value
	}
	for path != "" {
		path = path[:max(strings.LastIndexByte(path, '.'), 0)]
		if s, ok := m.sites[path]; ok && path != "" {
			return s.key
		}
	}
	return Pos{}
}

// policy says that a value counts only after the merge.
func (c *comparison) policy(base *Manifest) {
	h := c.head
	c.gate("gate", h.Gate, base.Gate)
	c.held("budget.max_cost_usd", dollarsOf(h.Budget.MaxCostUSD), dollarsOf(base.Budget.MaxCostUSD))
	c.held("budget.max_hours", hoursOf(h.Budget.MaxHours), hoursOf(base.Budget.MaxHours))
	c.held("audit.max_duplicates", percent(h.Audit.MaxDuplicates), percent(base.Audit.MaxDuplicates))
	c.held("audit.max_contamination", percent(h.Audit.MaxContamination), percent(base.Audit.MaxContamination))
	if h.Profile == base.Profile || !h.unsaid.deep || !base.unsaid.deep { // else it only follows the profile
		c.held("audit.deep", string(h.Audit.Deep), string(base.Audit.Deep))
	}
	c.held("audit.baseline", cmp.Or(h.Audit.Baseline, "none"), cmp.Or(base.Audit.Baseline, "none"))
	for _, rule := range either(h.Audit.Severities, base.Audit.Severities) {
		c.held("audit.severities."+rule, severityOf(h.Audit.Severities, rule), severityOf(base.Audit.Severities, rule))
	}
	for _, model := range either(h.Prices, base.Prices) {
		c.held("prices."+model, priceOf(h.Prices, model), priceOf(base.Prices, model))
	}
	for _, name := range either(h.Providers, base.Providers) {
		where := "providers." + name
		here, inHead := h.Providers[name]
		there, inBase := base.Providers[name]
		switch {
		case !inHead:
			c.held(where, "absent", "present")
		case !inBase:
			c.held(where, "present", "absent")
		default:
			c.held(where+".kind", string(here.Kind), string(there.Kind))
			c.held(where+".base_url", cmp.Or(here.BaseURL, "none"), cmp.Or(there.BaseURL, "none"))
			c.held(where+".api_key_env", cmp.Or(here.APIKeyEnv, "none"), cmp.Or(there.APIKeyEnv, "none"))
			c.held(where+".max_parallel", strconv.Itoa(here.MaxParallel), strconv.Itoa(there.MaxParallel))
		}
	}
}

func (c *comparison) gate(where string, here, there Gate) {
	c.held(where+".min_improvement", percent(here.MinImprovement), percent(there.MinImprovement))
	c.held(where+".measure", string(here.Measure), string(there.Measure))
	c.held(where+".rule", string(here.Rule), string(there.Rule))
	c.held(where+".on_inconclusive", string(here.OnInconclusive), string(there.OnInconclusive))
	c.held(where+".guards", guardsSaid(here), guardsSaid(there))
}

// guardsSaid says which guards a gate has, and what each may lose. Their tests are read where the gate is from.
func guardsSaid(g Gate) string {
	all := []string{"none"}
	for i, x := range g.Guards {
		all = append(all[:i], fmt.Sprintf("%s with at most %s", x.Name, percent(x.MaxLoss)))
	}
	return strings.Join(all, ", ")
}

// held says that one value stands here and another one counts.
func (c *comparison) held(path, here, there string) {
	if here != there {
		c.found(PolicyChange, path, fmt.Sprintf("%s is %s here and %s %s, which counts until this is merged", path, here, there, c.side), "it takes effect after the merge")
	}
}

// agent compares an agent of head with base's, and its gate with the one that it is judged by, unless that follows from the
// manifest's own gate, which has been told.
func (c *comparison) agent(a, trusted Agent, base *Manifest) {
	where := "agents." + a.Name
	here, there := a.Gate, trusted.Gate
	if here.MinImprovement == c.head.Gate.MinImprovement && there.MinImprovement == base.Gate.MinImprovement {
		here.MinImprovement = there.MinImprovement
	}
	if here.Measure == c.head.Gate.Measure && there.Measure == base.Gate.Measure {
		here.Measure = there.Measure
	}
	if here.Rule == c.head.Gate.Rule && there.Rule == base.Gate.Rule {
		here.Rule = there.Rule
	}
	if here.OnInconclusive == c.head.Gate.OnInconclusive && there.OnInconclusive == base.Gate.OnInconclusive {
		here.OnInconclusive = there.OnInconclusive
	}
	if guardsSaid(here) == guardsSaid(c.head.Gate) && guardsSaid(there) == guardsSaid(base.Gate) {
		here.Guards = there.Guards
	}
	c.gate(where+".gate", here, there)
	before := base.agent(a.Name)
	if before == nil {
		return // its benchmark is new, which is told with it
	}
	changed := func(key, here, there, hint string) {
		if here != there {
			path := where + "." + key
			if _, own := c.head.sites[path]; !own {
				if _, shared := c.head.sites["defaults."+key]; shared {
					path = "defaults." + key
				}
			}
			c.found(TrainingChange, path, fmt.Sprintf("%s.%s is %s here and %s on the base branch", where, key, here, there), hint)
		}
	}
	changed("base_model", a.BaseModel, before.BaseModel, "what is tuned is measured against its base: a weaker one is easier to improve on")
	changed("provider", a.Provider, before.Provider, "")
	changed("epochs", auto(a.Epochs), auto(before.Epochs), "")
	changed("batch_size", auto(a.BatchSize), auto(before.BatchSize), "")
	changed("learning_rate_multiplier", factor(a.LearningRateMultiplier), factor(before.LearningRateMultiplier), "")
	changed("seed", strconv.Itoa(a.Seed), strconv.Itoa(before.Seed), "it also draws which tests are asked first: who tries many seeds finds a lucky one")
}

// either returns the keys of both maps, sorted.
func either[V any](a, b map[string]V) []string {
	keys := maps.Clone(a)
	if keys == nil {
		keys = map[string]V{}
	}
	maps.Copy(keys, b)
	return slices.Sorted(maps.Keys(keys))
}

// short writes a number without the tail that arithmetic leaves.
func short(f float64) string { return strconv.FormatFloat(f, 'g', 10, 64) }

func percent(share float64) string { return short(share*100) + "%" }

func dollarsOf(usd *float64) string {
	if usd == nil {
		return "no cap"
	}
	return "$" + short(*usd)
}

func hoursOf(hours *float64) string {
	if hours == nil {
		return "no cap"
	}
	return short(*hours)
}

func severityOf(all map[string]diag.Severity, rule string) string {
	if s, ok := all[rule]; ok {
		return s.String()
	}
	return "the rule's own"
}

func priceOf(all map[string]catalog.Price, model string) string {
	p, ok := all[model]
	if !ok {
		return "not set"
	}
	return fmt.Sprintf("$%s, $%s and $%s", short(p.TrainPerMillion), short(p.InputPerMillion), short(p.OutputPerMillion))
}

func auto(n int) string {
	if n == 0 {
		return "auto"
	}
	return strconv.Itoa(n)
}

func factor(f float64) string {
	if f == 0 {
		return "auto"
	}
	return short(f)
}
