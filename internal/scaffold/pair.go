package scaffold

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
)

// role is what a file is for, by its name.
type role int

const (
	unnamed role = iota
	forTraining
	forValidation
	forTests
)

var roles = map[string]role{
	"train": forTraining, "training": forTraining, "finetune": forTraining, "finetuning": forTraining, "sft": forTraining,
	"validation": forValidation, "validate": forValidation, "valid": forValidation, "val": forValidation, "dev": forValidation,
	"test": forTests, "tests": forTests, "benchmark": forTests, "benchmarks": forTests, "bench": forTests, "eval": forTests,
	"evals": forTests, "evaluation": forTests, "holdout": forTests, "golden": forTests,
}

// generic are words that say nothing of an agent.
var generic = []string{"data", "dataset", "datasets", "set", "examples", "jsonl", "corpus", "agents"}

// site is what a path says: what the file is for, and of what. Files of one agent have one subject.
type site struct {
	role    role
	subject []string
}

// siteOf reads "data/support-router/train.jsonl", "data/support-router-train.jsonl" and "train/support-router.jsonl" alike.
func siteOf(name string) site {
	var s site
	dir, stem := path.Split(strings.ToLower(name))
	stem = dataName.ReplaceAllString(stem, "")
	parts := words.FindAllString(stem, -1)
	// The last word goes before the first: "train-tickets-test" are tests.
	if n := len(parts); n > 0 && roles[parts[n-1]] != unnamed {
		s.role, parts = roles[parts[n-1]], parts[:n-1]
	} else if n > 0 && roles[parts[0]] != unnamed {
		s.role, parts = roles[parts[0]], parts[1:]
	}
	for len(parts) > 0 && slices.Contains(generic, parts[len(parts)-1]) {
		parts = parts[:len(parts)-1]
	}
	folders := strings.FieldsFunc(dir, func(r rune) bool { return r == '/' })
	for i := len(folders) - 1; i >= 0; i-- {
		switch folder := folders[i]; {
		case roles[folder] != unnamed:
			if s.role == unnamed {
				s.role = roles[folder]
			}
		case !slices.Contains(generic, folder):
			s.subject = append([]string{folder}, s.subject...)
		}
	}
	if len(parts) > 0 {
		s.subject = append(s.subject, strings.Join(parts, "-"))
	}
	return s
}

// group is the files of one agent.
type group struct {
	subject []string
	dir     string // of its first file
	agent   Agent
	// examples is a file that is called tests and looks swapped with the tests, which are called training data.
	examples string
}

// words are what the files are about; for files that are about nothing by their names, what the folder of all is called.
func (g *group) words(fallback string) []string {
	if len(g.subject) > 0 {
		return g.subject
	}
	return []string{fallback}
}

// mostIncomplete is how many agents are proposed that lack tests or training data: a folder of unrelated files is no
// list of agents.
const mostIncomplete = 5

// pair makes agents of files in dir, which come in order. Notes name the files that no agent uses.
func pair(dir string, files []file, fallback string) (agents []Agent, notes []string) {
	unused := func(name, why string) { notes = append(notes, at(dir, name)+": not used, "+why) }
	var groups []*group
	for _, f := range files {
		s := siteOf(f.path)
		i := slices.IndexFunc(groups, func(g *group) bool { return slices.Equal(g.subject, s.subject) })
		if i < 0 {
			i = len(groups)
			groups = append(groups, &group{subject: s.subject, dir: path.Dir(f.path), agent: Agent{Grader: "exact"}})
		}
		a := &groups[i].agent
		slot := &a.Train
		switch {
		case f.holds == tests:
			slot = &a.Tests
		case s.role == forValidation:
			slot = &a.Validation
		case s.role == forTests:
			slot = &a.ChatTests
		}
		if *slot != "" {
			unused(f.path, at(dir, *slot)+" seems to be for the same")
			continue
		}
		*slot = f.path
		if f.holds == tests {
			a.Count, a.Grader = f.count, f.grader
		}
	}
	groups = join(groups, func(g *group) string { return g.dir })
	groups = join(groups, func(g *group) string { w := g.words(fallback); return sameName(w[len(w)-1]) })
	incomplete := 0
	groups = slices.DeleteFunc(groups, func(g *group) bool {
		a := &g.agent
		if a.Tests != "" {
			if a.swapped() {
				notes = append(notes, at(dir, a.Tests)+" holds tests and "+at(dir, a.ChatTests)+" training examples: the two look swapped")
				g.examples = a.ChatTests
			} else if a.ChatTests != "" {
				unused(a.ChatTests, "it holds training examples")
			}
			a.ChatTests = ""
		}
		if a.Train == "" && a.Tests == "" {
			for _, name := range []string{a.Validation, a.ChatTests} {
				if name != "" {
					unused(name, "there is no training data that it goes with")
				}
			}
			return true
		}
		if !a.Complete() {
			incomplete++
		}
		if !a.Complete() && incomplete > mostIncomplete {
			unused(cmp.Or(a.Train, a.Tests), "nothing goes with it")
			return true
		}
		return false
	})
	slices.SortStableFunc(groups, func(a, b *group) int { return cmp.Compare(rank(a.agent), rank(b.agent)) })
	used := map[string]bool{}
	for _, g := range groups {
		a := g.agent
		a.Name = agentName(g.words(fallback)...)
		if used[a.Name] && len(g.subject) > 1 {
			a.Name = agentName(strings.Join(g.subject, "-"))
		}
		for base, n := a.Name, 2; used[a.Name]; n++ {
			a.Name = fmt.Sprintf("%.59s-%d", base, n)
		}
		used[a.Name] = true
		if g.examples != "" {
			a.Trouble = Trouble{a.Tests, "holds tests and " + g.examples + " training examples: the two look swapped", g.examples}
		}
		agents = append(agents, a)
	}
	return agents, notes
}

// swapped tells whether the names of the tests and of the training examples say the opposite of what they hold.
func (a Agent) swapped() bool {
	return a.Train == "" && a.ChatTests != "" && siteOf(a.Tests).role == forTraining
}

// trouble finds what is wrong with the file that would be the missing one: by its place, else by its name.
func (a Agent) trouble(all []Trouble) Trouble {
	if a.Complete() || a.Trouble != (Trouble{}) {
		return a.Trouble
	}
	missing, have, role := "", a.Train, forTests
	if a.Train == "" {
		missing, _ = a.Paths()
		have, role = a.Tests, forTraining
	} else {
		_, missing = a.Paths()
	}
	var found Trouble
	for _, t := range all {
		s := siteOf(t.Path)
		if t.Path == missing {
			return t
		}
		if found == (Trouble{}) && s.role == role && slices.Equal(s.subject, siteOf(have).subject) {
			found = t
		}
	}
	return found
}

func rank(a Agent) int {
	if a.Complete() {
		return 0
	}
	return 1
}

// join brings together what lacks tests and what lacks training data, where by gives both the same place and nothing
// else has it.
func join(groups []*group, by func(*group) string) []*group {
	places := map[string][]*group{}
	for _, g := range groups {
		places[by(g)] = append(places[by(g)], g)
	}
	for _, here := range places {
		give(here, func(a *Agent) bool { return a.Tests != "" }, func(to, from *Agent) {
			to.Tests, to.Count, to.Grader, from.Tests = from.Tests, from.Count, from.Grader, ""
		})
		give(here, func(a *Agent) bool { return a.Validation != "" }, func(to, from *Agent) {
			to.Validation, from.Validation = from.Validation, ""
		})
		give(here, func(a *Agent) bool { return a.ChatTests != "" }, func(to, from *Agent) {
			to.ChatTests, from.ChatTests = from.ChatTests, ""
		})
	}
	return slices.DeleteFunc(groups, func(g *group) bool {
		a := g.agent
		return a.Train == "" && a.Validation == "" && a.Tests == "" && a.ChatTests == ""
	})
}

// give moves what one group without training data has to the one group with such data that lacks it.
func give(here []*group, has func(*Agent) bool, move func(to, from *Agent)) {
	var to, from []*Agent
	for _, g := range here {
		switch a := &g.agent; {
		case a.Train != "" && !has(a):
			to = append(to, a)
		case a.Train == "" && has(a):
			from = append(from, a)
		}
	}
	if len(to) == 1 && len(from) == 1 {
		move(to[0], from[0])
	}
}
