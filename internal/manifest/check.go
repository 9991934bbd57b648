package manifest

import (
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/tunegate/tunegate/internal/catalog"
)

// What one value asks of another is checked here, when both have been read.

func (r *reader) keepProvider(m *Manifest, k *yaml.Node, name string, p Provider) {
	at, where := posOf(k), "providers."+name
	p.KeyPos = r.sites[where+".api_key_env"].value
	if name == LocalProvider {
		r.mistake("bad-name", at, "the provider local is built in", "give this one another name")
	} else {
		m.Providers[name] = p // with mistakes too: agents that name it are not wrong in that
	}
	_, hasURL := r.sites[where+".base_url"]
	switch {
	case p.Kind == KindOpenAI && !hasURL && r.lacks(where):
		r.mistake("missing-key", at, where+".base_url is missing", "the service's address, such as https://llm.example.com/v1")
	case p.Kind == KindLocal:
		for _, name := range []string{"base_url", "api_key_env"} {
			if s, ok := r.sites[where+"."+name]; ok {
				r.mistake("bad-value", s.key, fmt.Sprintf("%s.%s has no use: the kind local runs in this process", where, name), "leave it out, or choose the kind openai")
			}
		}
	}
	if p.BaseURL != "" {
		if _, err := url.Parse(p.BaseURL); err != nil {
			r.mistake("bad-value", r.sites[where+".base_url"].value, where+".base_url is no valid URL", "check its port and its % escapes")
		}
		p.BaseURL = strings.TrimRight(p.BaseURL, "/")
		if name != LocalProvider {
			m.Providers[name] = p
		}
	}
}

func (r *reader) keepAgent(m *Manifest, k *yaml.Node, a Agent) {
	a.Pos = posOf(k)
	where := "agents." + a.Name
	if r.lacks(where, "defaults", "providers") {
		r.checkModel(m, where, &a)
	}
	r.distinct(where, "train", a.Train, "validation", a.Validation)
	r.distinct(where, "train", a.Train, "benchmark.tests", a.Tests)
	if r.tree != nil {
		a.TrainPath = r.checkFile(*r.tree, where+".train", a.Train, "")
		a.ValidationPath = r.checkFile(*r.tree, where+".validation", a.Validation, "")
		a.TestsPath = r.checkFile(*r.tree, where+".benchmark.tests", a.Tests, "")
	}
	m.Agents = append(m.Agents, a)
}

// checkModel sees to it that the agent's provider is one, and tunes its model.
func (r *reader) checkModel(m *Manifest, where string, a *Agent) {
	provider, setProvider := r.sited(where, "provider")
	model, setModel := r.sited(where, "base_model")
	if !setProvider {
		a.Provider = LocalProvider
	}
	p, known := m.Providers[a.Provider]
	switch {
	case a.Provider == "" || setModel && a.BaseModel == "":
		// Something is wrong with what the file says; that has been said.
	case !known:
		names := slices.Sorted(maps.Keys(m.Providers))
		r.mistake("unknown-provider", provider.at, fmt.Sprintf("%s: there is no provider %q", provider.owner, a.Provider),
			didYouMean(a.Provider, names)+"providers here: "+strings.Join(names, ", "))
	case p.Kind == KindLocal && !setModel:
		a.BaseModel = catalog.Local
	case p.Kind == KindLocal && a.BaseModel != catalog.Local:
		r.mistake("bad-value", model.at, fmt.Sprintf("%s: the provider %s cannot tune %s", model.owner, a.Provider, a.BaseModel),
			"the embedded engine tunes "+catalog.Local+"; for another model name a provider of kind openai")
	case p.Kind == KindOpenAI && !setModel && provider.owner == "defaults":
		r.modelless = append(r.modelless, a.Name)
	case p.Kind == KindOpenAI && !setModel:
		r.mistake("missing-key", a.Pos, where+".base_model is missing", "the model that "+a.Provider+" is to tune; it may stand under defaults")
	case p.Kind == KindOpenAI && a.BaseModel == catalog.Local && strings.HasPrefix(p.BaseURL, "https:"):
		// It is free of charge by the catalog, so a remote service must not go by its name.
		r.mistake("bad-value", model.at, fmt.Sprintf("%s: %s is the embedded engine's model, which %s does not have", model.owner, a.BaseModel, a.Provider), "name a model of that service")
	}
}

// checkDefaults reports what the defaults lack, once for all agents that miss it.
func (r *reader) checkDefaults(d Agent) {
	if n := len(r.modelless); n > 0 {
		who := strings.Join(r.modelless[:min(n, 3)], ", ")
		if n > 3 {
			who += fmt.Sprintf(" and %d more", n-3)
		}
		r.mistake("missing-key", r.sites["defaults.provider"].value, "defaults: there is a provider and no base_model, for "+who,
			"the model that "+d.Provider+" is to tune; here, or with each agent")
	}
}

// origin is where a value of an agent is set, and by whom.
type origin struct {
	at    Pos
	owner string
}

// sited returns where the file sets a value for the agent: in the agent itself, or else in the defaults.
func (r *reader) sited(where, key string) (origin, bool) {
	if s, ok := r.sites[where+"."+key]; ok {
		return origin{s.value, "agent " + strings.TrimPrefix(where, "agents.")}, true
	}
	s, ok := r.sites["defaults."+key]
	return origin{s.value, "defaults"}, ok
}

// distinct refuses one file in two roles.
func (r *reader) distinct(where, roleA, a, roleB, b string) {
	if a != "" && b != "" && path.Clean(a) == path.Clean(b) {
		r.mistake("bad-path", r.sites[where+"."+roleB].value, fmt.Sprintf("%s.%s and %s are the same file", where, roleA, roleB), "a model is measured on examples that it was not trained on")
	}
}

func (r *reader) checkBenchmark(b Benchmark) {
	if b.Full == 0 || b.Quick <= b.Full || !r.lacks("", "benchmark") {
		return
	}
	at := r.sites["benchmark.quick"].value
	if at == (Pos{}) {
		at = r.sites["benchmark.full"].value
	}
	r.mistake("bad-value", at, fmt.Sprintf("benchmark.quick, %d, is more than benchmark.full, %d", b.Quick, b.Full), "quick is the size of the first batch of full")
}
