package engine

// kind is what sort of model suits the data. Its values stand in model files.
type kind byte

const (
	labelKind   kind = 1
	spanKind    kind = 2
	nearestKind kind = 3
)

// maxLabels bounds the answers of a label model.
const maxLabels = 5000

// kindOf decides from the training examples alone:
//   - spans, if half of the answers or more are JSON objects or arrays and one
//     in ten of those, or more, has a value that stands in the request;
//   - else labels, if half of the answers or more also answer another example
//     and there are 5,000 different ones at most;
//   - else spans again, if half of the answers or more are JSON and so many of
//     their values repeat, though the answers as a whole do not;
//   - else the nearest neighbour.
func kindOf(examples []Example) kind {
	counts := map[string]int{}
	for _, e := range examples {
		counts[e.Answer]++
	}
	repeated := 0
	for _, c := range counts {
		if c > 1 {
			repeated += c
		}
	}
	repeats := 2*repeated >= len(examples) && len(counts) <= maxLabels

	// A sample settles the rest: these shares are not close calls.
	stride := len(examples)/2000 + 1
	looked, objects, copied := 0, 0, 0
	values, forms := 0, map[string]int{}
	for i := 0; i < len(examples); i += stride {
		looked++
		r := newRow(examples[i])
		if r.root == nil {
			continue
		}
		objects++
		free := make([]bool, len(r.tokens))
		any := false
		for _, v := range leaves(r.root, "", everywhere, nil, nowhere) {
			_, _, ok := find(r.text, r.tokens, v.leaf.text, 0, free)
			any = any || ok && copyable(v.leaf)
			values++
			forms[v.path+"="+v.leaf.text]++
		}
		if any {
			copied++
		}
	}
	common := 0
	for _, c := range forms {
		if c > 1 {
			common += c
		}
	}
	switch {
	case 2*objects >= looked && 10*copied >= objects:
		return spanKind
	case repeats:
		return labelKind
	case 2*objects >= looked && 2*common >= values:
		return spanKind
	}
	return nearestKind
}
