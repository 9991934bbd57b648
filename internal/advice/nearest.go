package advice

import (
	"context"
	"math"
	"runtime"
	"slices"
	"strings"
	"unicode"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/zeebo/xxh3"
)

// maxCompared bounds how many lost tests are compared with the training data.
const maxCompared = 500

// near is how alike two texts are at least for one to have taught the other: the weight of the shared words is half of
// the mean weight of both texts.
const near = 0.5

// neighbour is a training example that resembles a lost test.
type neighbour struct {
	line   int
	alike  float64 // 0 to 1, Dice's coefficient over words weighted by how rare they are
	prompt string
	answer string
}

// knowledge is what the training data says about the lost tests.
type knowledge struct {
	file       string
	examples   int
	byAnswer   map[string][]int       // lines of the examples with a short answer, the first maxListed of each
	counts     map[string]int         // examples with that answer
	neighbours map[string][]neighbour // by id of the test, most alike first, three at most
}

const kept = 3 // neighbours of a test

// slots is the size of the table in which document frequencies are counted by hash: words that share a slot
// are taken for more frequent than they are, which at this size concerns few.
const slots = 1 << 18

type words struct {
	weights []float64 // inverse document frequency by slot
}

// learn reads the training data twice: how frequent words are, then what resembles the lost tests. Private lines are found,
// but not quoted.
func learn(ctx context.Context, f *dataset.File, lost []Outcome, private map[int]bool) (*knowledge, error) {
	k := &knowledge{file: f.Name(), byAnswer: map[string][]int{}, counts: map[string]int{}, neighbours: map[string][]neighbour{}}
	frequency := make([]uint32, slots)
	type counted struct {
		rows    int
		slots   []uint32
		answers []answerAt
	}
	for c, err := range dataset.Map(ctx, f, runtime.GOMAXPROCS(0), func() func(*dataset.Block) counted {
		var b bag
		return func(block *dataset.Block) counted {
			var c counted
			for row := range block.Rows() {
				if len(row.Problems) > 0 {
					continue
				}
				prompt, answer := exchange(row)
				c.slots = append(c.slots, b.of(prompt)...)
				if !private[row.Line] {
					c.answers = append(c.answers, answerAt{row.Line, strings.Clone(short(answer))})
				}
				c.rows++
			}
			return c
		}
	}) {
		if err != nil {
			return nil, err
		}
		for _, s := range c.slots {
			frequency[s]++
		}
		k.examples += c.rows
		for _, a := range c.answers {
			if a.text == "" {
				continue
			}
			if k.counts[a.text]++; k.counts[a.text] <= maxListed && len(k.counts) <= 100_000 {
				k.byAnswer[a.text] = append(k.byAnswer[a.text], a.line)
			}
		}
	}
	w := words{make([]float64, slots)}
	for i, n := range frequency {
		w.weights[i] = math.Log(1 + float64(k.examples)/float64(1+n))
	}
	return k, k.compare(ctx, f, w, lost[:min(len(lost), maxCompared)], private)
}

type answerAt struct {
	line int
	text string
}

// compare finds the neighbours of each lost test.
func (k *knowledge) compare(ctx context.Context, f *dataset.File, w words, lost []Outcome, private map[int]bool) error {
	tests := map[uint32][]int{} // slot to the indices of the tests with that word
	total := make([]float64, len(lost))
	var b bag
	for i, o := range lost {
		for _, s := range b.of(question(o)) {
			tests[s] = append(tests[s], i)
			total[i] += w.weights[s]
		}
	}
	type found struct {
		test int
		neighbour
	}
	best := make([][]neighbour, len(lost))
	for seen, err := range dataset.Map(ctx, f, runtime.GOMAXPROCS(0), func() func(*dataset.Block) []found {
		var b bag
		shared := make([]float64, len(lost))
		return func(block *dataset.Block) []found {
			top := make([][]neighbour, len(lost))
			for row := range block.Rows() {
				if len(row.Problems) > 0 {
					continue
				}
				prompt, answer := exchange(row)
				clear(shared)
				whole := 0.0
				for _, s := range b.of(prompt) {
					whole += w.weights[s]
					for _, i := range tests[s] {
						shared[i] += w.weights[s]
					}
				}
				for i, both := range shared {
					if both == 0 {
						continue
					}
					alike := 2 * both / (whole + total[i])
					if len(top[i]) == kept && alike <= top[i][kept-1].alike {
						continue
					}
					n := neighbour{line: row.Line, alike: alike, prompt: "(not quoted: it holds what looks private)"}
					if !private[row.Line] {
						n.prompt, n.answer = strings.Clone(clip(prompt)), strings.Clone(short(answer))
					}
					top[i] = keep(top[i], n)
				}
			}
			var out []found
			for i, ns := range top {
				for _, n := range ns {
					out = append(out, found{i, n})
				}
			}
			return out
		}
	}) {
		if err != nil {
			return err
		}
		for _, s := range seen {
			best[s.test] = keep(best[s.test], s.neighbour)
		}
	}
	for i, o := range lost {
		k.neighbours[o.Test.ID] = best[i]
	}
	return nil
}

// keep adds a neighbour to the best few; of equals the earlier line stays ahead.
func keep(best []neighbour, n neighbour) []neighbour {
	at := len(best)
	for at > 0 && n.alike > best[at-1].alike {
		at--
	}
	best = slices.Insert(best, at, n)
	return best[:min(len(best), kept)]
}

// closest returns the best neighbour, if it is near.
func (k *knowledge) closest(id string) (neighbour, bool) {
	if k == nil {
		return neighbour{}, false
	}
	ns := k.neighbours[id]
	if len(ns) == 0 || ns[0].alike < near {
		return neighbour{}, false
	}
	return ns[0], true
}

// exchange returns the last answer that is trained on and the text ahead of it, without system messages.
func exchange(row *dataset.Row) (prompt, answer string) {
	last := len(row.Messages) - 1
	for last > 0 && !row.Messages[last].Trained() {
		last--
	}
	var parts []string
	for i := range row.Messages[:last] {
		if m := &row.Messages[i]; m.Role != "system" && m.Role != "developer" {
			parts = append(parts, m.Content)
		}
	}
	m := &row.Messages[last]
	answer = m.Content
	if answer == "" {
		answer = m.ToolCalls
	}
	return strings.Join(parts, "\n"), strings.TrimSpace(answer)
}

func question(o Outcome) string {
	var parts []string
	for _, m := range o.Test.Input {
		if m.Role != "system" && m.Role != "developer" {
			parts = append(parts, m.Content)
		}
	}
	return strings.Join(parts, "\n")
}

// short returns an answer that can be a label, "" for a longer one.
func short(answer string) string {
	if len(answer) > 200 {
		return ""
	}
	return answer
}

// bag makes the set of a text's words, as slots. Its memory is used again by the next text.
type bag struct{ slots []uint32 }

func (b *bag) of(text string) []uint32 {
	b.slots = b.slots[:0]
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if len(b.slots) == 4096 {
			break // the beginning of a long text says what it is about
		}
		b.slots = append(b.slots, uint32(xxh3.HashString(strings.ToLower(word))%slots))
	}
	slices.Sort(b.slots)
	b.slots = slices.Compact(b.slots)
	return b.slots
}
