package engine

import (
	"hash/maphash"
	"math"
	"slices"
	"strings"
	"sync"
)

// noAnswer is what the untrained model says where the prompt names no answers
// to choose from.
const noAnswer = "I do not know."

// Untrained is the engine before any training: it knows only what the prompt says. It remembers how it read the
// last few system messages, since a benchmark sends the same long one thousands of times. The zero value is ready;
// it is safe for concurrent use.
type Untrained struct {
	mu    sync.Mutex
	seed  maphash.Seed
	menus map[uint64]*menu
}

// maxMenus bounds what is remembered.
const maxMenus = 64

// Answer replies to a prompt. Where the system message lists answers or tools, it picks the one whose name is most
// like the request: the cosine of words and character n-grams, weighted by how few of the names have them. Where the
// system message shows a JSON object to answer with, the answer is that object, with the name and no arguments.
// Otherwise it says that it does not know.
func (u *Untrained) Answer(prompt []Turn) string {
	var system strings.Builder
	for _, t := range prompt {
		if t.Role == "system" || t.Role == "developer" {
			system.WriteString(t.Content)
			system.WriteByte('\n')
		}
	}
	return u.menu(system.String()).Answer(request(prompt))
}

func (u *Untrained) menu(system string) *menu {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.menus == nil {
		u.seed, u.menus = maphash.MakeSeed(), map[uint64]*menu{}
	}
	key := maphash.String(u.seed, system)
	m, ok := u.menus[key]
	if !ok || m.system != system {
		if len(u.menus) >= maxMenus {
			clear(u.menus)
		}
		m = readMenu(system)
		u.menus[key] = m
	}
	return m
}

// menu is what a system message offers to answer with.
type menu struct {
	system  string
	names   []string
	before  string // what stands before and after the name in the answer
	after   string
	vocab   vocabulary // of the names' features
	owners  [][]int32  // per feature, the names that have it
	rarity  []float32  // per feature
	lengths []float32  // per name
}

func readMenu(system string) *menu {
	m := &menu{system: system}
	system = system[:min(len(system), maxSystem)]
	names, glosses := listedNames(system)
	m.before, m.after = template(system)
	if len(names) == 0 {
		if names = schemaNames(system); len(names) > 0 {
			glosses = make([]string, len(names))
			m.before, m.after = `{"name": "`, `", "arguments": {}}`
		}
	}
	m.names, m.lengths = names, make([]float32, len(names))
	sets := make([][]uint32, len(names))
	var all []uint32
	for i, n := range names {
		sets[i] = nameFeatures(n + " " + glosses[i])
		all = append(all, sets[i]...)
	}
	slices.Sort(all)
	m.vocab = newVocabulary(slices.Compact(all))
	m.owners = make([][]int32, len(m.vocab.hashes))
	m.rarity = make([]float32, len(m.vocab.hashes))
	for i, s := range sets {
		sets[i] = m.vocab.number(s)
		for _, f := range sets[i] {
			m.owners[f] = append(m.owners[f], int32(i))
		}
	}
	for f, o := range m.owners {
		m.rarity[f] = float32(math.Log(1 + float64(len(names))/float64(len(o))))
	}
	for i, s := range sets {
		var sum float64
		for _, f := range s {
			sum += float64(m.rarity[f]) * float64(m.rarity[f])
		}
		m.lengths[i] = float32(math.Sqrt(sum))
	}
	return m
}

func (m *menu) Answer(request string) string {
	if len(m.names) == 0 {
		return noAnswer
	}
	scores := make([]float32, len(m.names))
	for _, f := range m.vocab.number(nameFeatures(request)) {
		for _, i := range m.owners[f] {
			scores[i] += m.rarity[f] * m.rarity[f]
		}
	}
	for i := range scores {
		if scores[i] > 0 {
			scores[i] /= m.lengths[i]
		}
	}
	return m.before + m.names[largest(scores)] + m.after
}

// nameFeatures are the words and character n-grams of a name or a request,
// without a mark for the line or the place.
func nameFeatures(text string) []uint32 {
	text = spaced(text[:min(len(text), maxBytes)])
	var set []uint32
	for line := range strings.Lines(text) {
		if len(set) > 4*maxGrams {
			break
		}
		set = gramFeatures(line, set)
		set = bareWords(line, nsWord, set)
	}
	slices.Sort(set)
	return slices.Compact(set)
}

// spaced puts a space where a capital follows a small letter, so that
// PlayMusic reads as two words.
func spaced(text string) string {
	var b strings.Builder
	small := false
	for _, r := range text {
		if small && 'A' <= r && r <= 'Z' {
			b.WriteByte(' ')
		}
		small = 'a' <= r && r <= 'z'
		b.WriteRune(r)
	}
	return b.String()
}
