package gate

import (
	"cmp"
	"slices"
)

// Label is what the arms made of the tests that share a label, such as an ideal answer.
type Label struct {
	Name               string
	N                  int
	Base, Tuned        float64 // mean scores
	Wins, Losses, Ties int     // of the tuned model
}

// ByLabel breaks pairs down by the label of each test; tests without one stand under "". What lost most comes first, then what
// gained least, then the name. It only describes: a label of a handful of tests shows nothing by itself, and of many labels some look bad by luck.
func ByLabel(pairs []Pair, label map[string]string, p Policy) []Label {
	groups := make(map[string][]Pair)
	for _, q := range sorted(pairs) {
		groups[label[q.ID]] = append(groups[label[q.ID]], q)
	}
	var out []Label
	for name, group := range groups {
		s := summarise(group, p.complete())
		out = append(out, Label{name, s.n, s.base, s.tuned, s.wins, s.losses, s.ties})
	}
	slices.SortFunc(out, func(a, b Label) int {
		return cmp.Or(cmp.Compare(b.Losses-b.Wins, a.Losses-a.Wins), cmp.Compare(a.Name, b.Name))
	})
	return out
}
