package audit

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/suite"
)

// edits are the ways in which a request is written again. They take words and return a text.
func edits() map[string]func(*rand.Rand, []string) string {
	join := func(w []string) string { return strings.Join(w, " ") }
	put := func(w []string, i int, s ...string) []string { return slices.Insert(slices.Clone(w), i, s...) }
	typo := func(r *rand.Rand, w []string) []string {
		w = slices.Clone(w)
		var at []int
		for i, s := range w {
			if len(s) >= 5 && strings.IndexFunc(s, func(c rune) bool { return !unicode.IsLetter(c) || c > 127 }) < 0 {
				at = append(at, i)
			}
		}
		if len(at) == 0 {
			return append(w, "!")
		}
		i := at[r.IntN(len(at))]
		b := []byte(w[i])
		k := 1 + r.IntN(len(b)-2)
		switch r.IntN(4) {
		case 0:
			b[k], b[k+1] = b[k+1], b[k]
		case 1:
			b = slices.Delete(b, k, k+1)
		case 2:
			b = slices.Insert(b, k, b[k])
		default:
			b[k] = 'a' + byte(r.IntN(26))
		}
		w[i] = string(b)
		return w
	}
	return map[string]func(*rand.Rand, []string) string{
		"case": func(r *rand.Rand, w []string) string { return strings.ToUpper(join(w)) },
		"punctuation": func(r *rand.Rand, w []string) string {
			return strings.ReplaceAll(join(w), ",", "") + []string{"?!", "...", " !!", ";"}[r.IntN(4)]
		},
		"insert": func(r *rand.Rand, w []string) string {
			return join(put(w, 1+r.IntN(len(w)-1), []string{"quite", "still", "again", "today", "very", "perhaps"}[r.IntN(6)]))
		},
		"delete": func(r *rand.Rand, w []string) string {
			i := r.IntN(len(w))
			return join(slices.Delete(slices.Clone(w), i, i+1))
		},
		"swap": func(r *rand.Rand, w []string) string {
			w = slices.Clone(w)
			i := r.IntN(len(w) - 1)
			w[i], w[i+1] = w[i+1], w[i]
			return join(w) + "."
		},
		"typo":  func(r *rand.Rand, w []string) string { return join(typo(r, w)) },
		"typos": func(r *rand.Rand, w []string) string { return join(typo(r, typo(r, w))) },
		"prefix": func(r *rand.Rand, w []string) string {
			return []string{"Hello, ", "Good morning! ", "Quick question: ", "Dear team, ", "Sorry to bother you, but "}[r.IntN(5)] + join(w)
		},
		"suffix": func(r *rand.Rand, w []string) string {
			return join(w) + []string{" Thank you very much.", " thanks a lot", ", please let me know", " asap", " - sent from my phone"}[r.IntN(5)]
		},
		"typo-suffix": func(r *rand.Rand, w []string) string { return join(typo(r, w)) + ", many thanks!" },
		"reorder": func(r *rand.Rand, w []string) string {
			i := len(w) / 2
			return join(append(slices.Clone(w[i:]), w[:i]...))
		},
	}
}

// requestsOf reads up to n different requests of at least four words and their answers.
func requestsOf(t testing.TB, n int, path ...string) (out [][2]string) {
	t.Helper()
	seen := map[string]bool{}
	a := newAlphabet()
	for row, err := range open(t, testdata(t, path...)).Rows(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(row.Messages, func(m dataset.Message) bool { return m.Role == "user" })
		if at < 0 || len(row.Problems) > 0 || at+1 >= len(row.Messages) {
			continue
		}
		q := row.Messages[at].Content
		if len(out) == 10*n {
			break
		}
		if key := fmt.Sprint(a.words(nil, q)); !seen[key] && len(strings.Fields(q)) >= 4 {
			seen[key] = true
			out = append(out, [2]string{strings.Clone(q), strings.Clone(row.Messages[at+1].Content)})
		}
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out[:min(n, len(out))]
}

// realSets are where requests are taken from: short and long, many alike and few.
func realSets(t testing.TB, n int) map[string][][2]string {
	out := map[string][][2]string{"corpus": requestsOf(t, n, "corpus-100k.jsonl.gz")}
	for _, set := range []string{"bank-triage", "home-assistant", "commit-labeler", "support-router", "voice-tools"} {
		out[set] = requestsOf(t, n, set, "train.jsonl.gz")
	}
	return out
}

// rates counts what was found of what was rewritten, by how.
type rates map[string]*[2]int

func (r rates) add(name string, found, of int) {
	if r[name] == nil {
		r[name] = new([2]int)
	}
	r[name][0] += found
	r[name][1] += of
}

// check fails for a kind of which less is found than is known to be, in percent.
func (r rates) check(t *testing.T, least map[string]int) {
	for _, name := range slices.Sorted(maps.Keys(r)) {
		found, of := r[name][0], r[name][1]
		t.Logf("%-12s %4d of %d", name, found, of)
		if floor := cmp.Or(least[name], 95); found*100 < floor*of {
			t.Errorf("%s: %d of %d found, less than %d %%", name, found, of, floor)
		}
	}
}

// TestNearEdits: what share of rewritten requests is found, by how they were rewritten, and what share of rows that
// nobody rewrote is flagged.
func TestNearEdits(t *testing.T) {
	found := rates{}
	for set, base := range realSets(t, 1000) {
		var rows []string
		for _, q := range base {
			rows = append(rows, chat(q[0], q[1]))
		}
		plain := nearLines(t, rows)
		t.Logf("%-14s %d of %d rows are like others", set, len(plain), len(rows))
		if len(plain)*10 > len(rows) {
			t.Errorf("%s: too many", set)
		}
		for name, edit := range edits() {
			r := rand.New(rand.NewPCG(7, 7))
			all := slices.Clone(rows)
			for _, q := range base[:100] {
				if again := edit(r, strings.Fields(q[0])); again != q[0] {
					all = append(all, chat(again, q[1]))
				}
			}
			n := 0
			for line := range nearLines(t, all) {
				if line > len(rows) {
					n++
				}
			}
			found.add(name, n, len(all)-len(rows))
		}
	}
	found.check(t, map[string]int{"typos": 80, "prefix": 90, "delete": 90})
}

func nearLines(t testing.TB, rows []string) map[int]bool {
	lines := map[int]bool{}
	for _, f := range nearOf(t, "near-duplicate", Input{Train: data(t, rows...)}) {
		for _, line := range append(f.Lines, f.Line) {
			lines[line] = true
		}
	}
	return lines
}

// TestEditedTests: what share of tests that were copied into the training data and rewritten is found.
func TestEditedTests(t *testing.T) {
	found := rates{}
	for set, base := range realSets(t, 1100) {
		tests := suite.Suite{File: "tests.jsonl"}
		for i, q := range base[:100] {
			tests.Tests = append(tests.Tests, suite.Test{ID: fmt.Sprint(i), Line: i + 1, Input: []suite.Message{{Role: "user", Content: q[0]}}, Ideal: []string{q[1]}})
		}
		var rows []string
		for _, q := range base[100:] {
			rows = append(rows, chat(q[0], q[1]))
		}
		plain := audited(t, Input{Train: data(t, rows...), Tests: tests, Deep: true}, DefaultPolicy()).Contaminated
		t.Logf("%-14s %d of 100 tests are like rows", set, len(plain))
		if len(plain) > 25 {
			t.Errorf("%s: too many", set)
		}
		for name, edit := range edits() {
			r := rand.New(rand.NewPCG(7, 7))
			all := slices.Clone(rows)
			for _, q := range base[:100] {
				all = append(all, chat(edit(r, strings.Fields(q[0])), q[1]))
			}
			found.add(name, len(audited(t, Input{Train: data(t, all...), Tests: tests, Deep: true}, DefaultPolicy()).Contaminated), 100)
		}
	}
	found.check(t, map[string]int{"typos": 75, "prefix": 80, "suffix": 85, "insert": 80, "delete": 65, "typo-suffix": 90, "typo": 92})
}
