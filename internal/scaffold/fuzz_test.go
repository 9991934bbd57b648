package scaffold

import (
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/manifest"
)

// Whatever files are called: a name that is taken is in the manifest as it is, and the manifest is sound.
func FuzzNames(f *testing.F) {
	for _, name := range []string{"data/a/train.jsonl", "it's: {x}, #y.jsonl", "- a.jsonl", "*a.jsonl", "%.jsonl", "ü/1.jsonl", "true.jsonl", "'.jsonl", "a//b.jsonl", "..jsonl"} {
		f.Add(name, name, "grader")
	}
	f.Fuzz(func(t *testing.T, train, questions, folder string) {
		for _, s := range []string{train, questions} {
			if !writable(s) || strings.HasPrefix(s, "/") || !dataName.MatchString(s) {
				t.Skip("not a name that init looks at")
			}
		}
		files := []file{{path: train, holds: examples}, {path: questions, holds: tests, grader: "exact"}}
		p := Proposal{Name: printable(folder)}
		if len([]rune(p.Name)) > 100 {
			p.Name = ""
		}
		p.Agents, p.Notes = pair(".", files, p.Name)
		if p.Live() == 0 {
			return // there is no manifest then
		}
		m, mistakes := manifest.Parse(p.Manifest(), "tunegate.yaml")
		if train == questions && len(mistakes) > 0 {
			return // one file in two roles, which a folder does not hold
		}
		if len(mistakes) > 0 {
			t.Fatalf("%v\n%s", mistakes, p.Manifest())
		}
		for _, a := range p.Agents {
			if a.Complete() && (m.Agents[0].Train != train || m.Agents[0].Tests != questions) {
				t.Errorf("%q and %q came out as %q and %q", train, questions, m.Agents[0].Train, m.Agents[0].Tests)
			}
		}
	})
}
