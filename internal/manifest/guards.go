package manifest

import (
	"fmt"

	"gopkg.in/yaml.v3"

	"github.com/tunegate/tunegate/internal/grade"
)

// mostGuards bounds what a benchmark may grow to.
const mostGuards = 16

// usualLoss is what a guard lets a model lose that does not say how much.
const usualLoss = 0.02

// guards reads the guards of a gate, which take the place of those that it had.
func guards(g *Gate) value {
	at := "" // where they stand
	form := named(names{nameForm, 0, mostGuards}, func(r *reader, _ *yaml.Node, name string) (value, func()) {
		guard := Guard{Name: name, Grader: Grader{Name: "exact"}, MaxLoss: usualLoss}
		form := section(
			key{"tests", "the suite's tests", text(&guard.Tests, pathForm), true},
			key{"grader", "how an answer is scored (default exact)", grader(&guard.Grader).requires(schema{
				"not": schema{"anyOf": []schema{{"const": grade.Patches}, {"allOf": []schema{{"type": "object", "required": []string{"name"}}, {"properties": schema{"name": schema{"const": grade.Patches}}}}}}},
			}), false},
			key{"max_loss", "what the mean score may fall by (default 2%, two points of a hundred), above 0% and below 100%", share(&guard.MaxLoss, 100).requires(schema{
				"not": schema{"anyOf": []schema{{"enum": []int{0, 1}}, {"type": "string", "pattern": `^(0+|100)(\.0+)?%$`}}},
			}), false},
		)
		return form, func() {
			r.keepGuard(join(at, name), &guard)
			g.Guards = append(g.Guards, guard)
		}
	})
	return value{form.schema, func(r *reader, n *yaml.Node, path string) {
		at, g.Guards = path, nil
		form.read(r, n, path)
	}}
}

func (r *reader) keepGuard(where string, g *Guard) {
	if s, ok := r.sites[where+".max_loss"]; ok && !(g.MaxLoss > 0 && g.MaxLoss < 1) {
		r.mistake("bad-value", s.value, where+".max_loss must be above 0% and below 100%", "that nothing at all is lost, no number of tests can show")
	}
	if g.Grader.Name == grade.Patches {
		r.mistake("bad-value", r.sites[where+".grader"].value, fmt.Sprintf("%s.grader cannot be %s: the harness judges an agent's own benchmark only", where, grade.Patches), "choose another grader")
	}
	if r.tree != nil {
		g.TestsPath = r.checkFile(*r.tree, where+".tests", g.Tests, "")
	}
}
