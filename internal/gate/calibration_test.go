package gate

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// world draws pairs of right and wrong answers: the chances of either arm, and the correlation between them.
type world struct{ base, tuned, correlation float64 }

// outcomes counts tests by what the arms made of them: both right, base alone, tuned alone, neither.
type outcomes [4]int

func (w world) draw(rng *rand.Rand) int {
	// Whatever the correlation asked for, no cell of the table of two by two goes below zero.
	both := w.base*w.tuned + w.correlation*math.Sqrt(w.base*(1-w.base)*w.tuned*(1-w.tuned))
	both = max(0, w.base+w.tuned-1, min(both, w.base, w.tuned))
	switch u := rng.Float64(); {
	case u < both:
		return 0
	case u < w.base:
		return 1
	case u < w.base+w.tuned-both:
		return 2
	}
	return 3
}

// pairs writes the counts out as pairs, with the ids given.
func (o outcomes) pairs(ids []string) []Pair {
	scores := [4]Pair{{Base: 1, Tuned: 1}, {Base: 1}, {Tuned: 1}, {}}
	pairs := make([]Pair, 0, o[0]+o[1]+o[2]+o[3])
	for k, n := range o {
		for range n {
			pairs = append(pairs, Pair{ids[len(pairs)], scores[k].Base, scores[k].Tuned})
		}
	}
	return pairs
}

// invented is a kind of benchmark whose truth is known, and what the gate is asked of it.
type invented struct {
	truth      string
	rule       Rule
	measure    Measure
	base, gain float64 // gain in the measure
	repeats    int     // 0: one answer a test, right or wrong; else scores are means over so many answers
	sizes      []int
	atMost     float64 // highest share of passes that is promised, by either way of stopping
}

func (c invented) String() string {
	return fmt.Sprintf("| %s | %s | %.1f |", c.truth, c.rule, c.base)
}

// tuned is the true score of the tuned model.
func (c invented) tuned() float64 {
	switch c.measure {
	case Points:
		return c.base + c.gain
	case Errors:
		return 1 - (1-c.base)*(1-c.gain)
	}
	return min(1, c.base*(1+c.gain))
}

func (c invented) policy(n int, early bool) Policy {
	return Policy{Margin: 0.1, Measure: c.measure, Rule: c.rule, Sequential: early, Total: n}.complete()
}

const correlation = 0.5

// inventions are the rows of the two tables.
func inventions() (none, some []invented) {
	all, most := []int{10, 30, 100, 300}, []int{30, 100, 300}
	for _, rule := range []Rule{Significant, Strict} {
		for _, base := range []float64{0.2, 0.6, 0.9} {
			none = append(none, invented{truth: "no difference", rule: rule, base: base, sizes: all, atMost: 0.05})
		}
	}
	none = append(none, invented{truth: "no difference, mean of 4 answers", rule: Significant, base: 0.5, repeats: 4, sizes: []int{10, 30, 100}, atMost: 0.05})
	for _, base := range []float64{0.2, 0.6, 0.9} {
		none = append(none, invented{truth: "at the margin, +10 %", rule: Strict, base: base, gain: 0.1, sizes: most, atMost: 0.055})
	}
	none = append(none,
		invented{truth: "at the margin, +10 %, mean of 4 answers", rule: Strict, base: 0.5, gain: 0.1, repeats: 4, sizes: []int{30, 100}, atMost: 0.055},
		invented{truth: "at the margin, 10 points", rule: Strict, measure: Points, base: 0.6, gain: 0.1, sizes: most, atMost: 0.055},
		invented{truth: "at the margin, 10 % of the errors", rule: Strict, measure: Errors, base: 0.6, gain: 0.1, sizes: most, atMost: 0.055},
		invented{truth: "at the margin, 10 % of the errors", rule: Strict, measure: Errors, base: 0.9, gain: 0.1, sizes: most, atMost: 0.055},
		invented{truth: "half the margin, +5 %", rule: Significant, base: 0.6, gain: 0.05, sizes: most, atMost: 1},
	)
	for _, rule := range []Rule{Significant, Strict} {
		for _, gain := range []float64{0.2, 0.3, 0.5} {
			some = append(some, invented{truth: fmt.Sprintf("+%.0f %%", 100*gain), rule: rule, base: 0.6, gain: gain, sizes: []int{50, 100, 300}, atMost: 1})
		}
	}
	return none, some
}

// cell is what came of many runs: the share that passed with all tests asked, and when stopping early, with the tests asked then.
type cell struct{ never, early, asked float64 }

// simulate makes so many runs of n tests. The judgement of counts is remembered: it depends on them alone (TestDecideIgnoresOrder).
func (c invented) simulate(n, trials int) cell {
	var out cell
	ids := numbered(n)
	for _, early := range []bool{false, true} {
		policy := c.policy(n, early)
		rng := rand.New(rand.NewPCG(1, uint64(n)))
		passed, asked := 0, 0
		known := make(map[outcomes]finding)
		for range trials {
			var f finding
			var used int
			if c.repeats > 0 {
				f, used = c.graded(rng, ids, policy)
			} else {
				f, used = c.counted(rng, ids, policy, known)
			}
			if asked += used; f.verdict == Pass {
				passed++
			}
		}
		if share := float64(passed) / float64(trials); early {
			out.early, out.asked = share, float64(asked)/float64(trials)
		} else {
			out.never = share
		}
	}
	return out
}

type finding struct {
	verdict Verdict
	settled bool
}

// found is what Decide and Settled find, less intervals and words, which a thousand runs do not need.
func found(pairs []Pair, p Policy) finding {
	s := summarise(pairs, p)
	v, settled := judge(s, s.evidence(p), p)
	return finding{v, settled}
}

// counted is one run on right and wrong answers, which looks after each ten tests whether it may stop.
func (c invented) counted(rng *rand.Rand, ids []string, p Policy, known map[outcomes]finding) (f finding, used int) {
	n := len(ids)
	w := world{c.base, c.tuned(), correlation}
	var o outcomes
	for used = 1; used <= n; used++ {
		o[w.draw(rng)]++
		if used < n && !(p.Sequential && used%10 == 0) {
			continue
		}
		p.Exhausted = used == n
		var remembered bool
		if f, remembered = known[o]; !remembered {
			f = found(o.pairs(ids), p)
			known[o] = f
		}
		if f.settled || used == n {
			break
		}
	}
	return f, used
}

// graded is one run on tests that are asked several times each. Tests differ in how hard they are, for the arms alike or not.
func (c invented) graded(rng *rand.Rand, ids []string, p Policy) (f finding, used int) {
	n := len(ids)
	mean := func(chance float64) (score float64) {
		for range c.repeats {
			if rng.Float64() < chance {
				score += 1 / float64(c.repeats)
			}
		}
		return score
	}
	ease := func() float64 { return c.base + 0.4*(2*rng.Float64()-1) }
	var pairs []Pair
	for used = 1; used <= n; used++ {
		base := ease()
		tuned := base
		if rng.Float64() > correlation {
			tuned = ease()
		}
		pairs = append(pairs, Pair{ids[len(pairs)], mean(base), mean(tuned * (1 + c.gain))})
		if used < n && !(p.Sequential && used%10 == 0) {
			continue
		}
		p.Exhausted = used == n
		if f = found(pairs, p); f.settled || used == n {
			break
		}
	}
	return f, used
}

// numbered makes so many ids.
func numbered(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("t%06d", i)
	}
	return ids
}

// trials is how many runs the documented table rests on; those of tests with several answers, which take longer, a quarter.
const trials = 20_000

const page, begin, end = "../../docs/verdict.md", "<!-- calibration: go test ./internal/gate -run TestCalibration -update -->\n", "<!-- end of calibration -->\n"

// TestCalibration holds the documented table to what the gate promises, and the gate to the table: a smaller run must agree with it.
// With -update it makes all the runs, which takes minutes, and writes the table anew.
func TestCalibration(t *testing.T) {
	none, some := inventions()
	share := 100 // of the trials
	if *update {
		share = 1
	}
	simulated := simulateAll(append(none[:len(none):len(none)], some...), share)
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := bytes.Cut(text, []byte(begin))
	table, after, ended := bytes.Cut(rest, []byte(end))
	if !found || !ended {
		t.Fatalf("%s has no place for the table", page)
	}
	if *update {
		table = []byte(tables(none, some, simulated))
		if err := os.WriteFile(page, bytes.Join([][]byte{before, []byte(begin), table, []byte(end), after}, nil), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	documented := string(table)
	for i, c := range append(none, some...) {
		for k, n := range c.sizes {
			want, err := lookUp(documented, c, n, i >= len(none))
			if err != nil {
				t.Errorf("%s: %v", page, err)
				continue
			}
			if max(want.never, want.early) > c.atMost {
				t.Errorf("%s %d tests: passes in %v of the runs, promised at most %v", c, n, want, c.atMost)
			}
			if want.early > want.never+0.01 {
				t.Errorf("%s %d tests: passes in %v of the runs: stopping early makes passing easier", c, n, want)
			}
			if c.gain == 0.3 && c.rule == Significant && n == 100 && !(want.never >= 0.95 && want.early >= 0.90) {
				t.Errorf("%s %d tests: passes in %v of the runs, promised at least 0.95 and 0.90", c, n, want)
			}
			runs := float64(trials) / float64(share)
			if c.repeats > 0 {
				runs /= 4
			}
			got := simulated[i][k]
			for _, pair := range [][2]float64{{got.never, want.never}, {got.early, want.early}} {
				// Four and a half standard errors of the smaller run, and a run or two more where passes are rare.
				if p := pair[1]; math.Abs(pair[0]-p) > 4.5*math.Sqrt(p*(1-p)/runs)+2/runs {
					t.Errorf("%s %d tests: passes in %.4f of %.0f runs, documented %.4f", c, n, pair[0], runs, p)
				}
			}
		}
	}
}

// simulateAll makes a share (1 is all, 100 a hundredth) of the runs of every cell, on all cores.
func simulateAll(cases []invented, share int) [][]cell {
	out := make([][]cell, len(cases))
	type job struct{ i, k int }
	jobs := make(chan job)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for j := range jobs {
				runs := trials / share
				if cases[j.i].repeats > 0 {
					runs /= 4
				}
				out[j.i][j.k] = cases[j.i].simulate(cases[j.i].sizes[j.k], runs)
			}
		})
	}
	for i, c := range cases {
		out[i] = make([]cell, len(c.sizes))
		for k := range c.sizes {
			jobs <- job{i, k}
		}
	}
	close(jobs)
	workers.Wait()
	return out
}

// tables writes both tables in Markdown.
func tables(none, some []invented, simulated [][]cell) string {
	var b strings.Builder
	columns := []int{10, 30, 100, 300}
	b.WriteString("\n| truth | rule | base | 10 tests | 30 | 100 | 300 |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for i, c := range none {
		b.WriteString(c.String())
		for _, n := range columns {
			text := " |"
			for k, size := range c.sizes {
				if size == n {
					text = fmt.Sprintf(" %.2f / %.2f |", 100*simulated[i][k].never, 100*simulated[i][k].early)
				}
			}
			b.WriteString(text)
		}
		b.WriteString("\n")
	}
	b.WriteString("\n| truth | rule | base | tests | pass, all asked | pass, stopping early | asked then |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for i, c := range some {
		for k, n := range c.sizes {
			s := simulated[len(none)+i][k]
			fmt.Fprintf(&b, "%s %d | %.1f | %.1f | %.0f |\n", c, n, 100*s.never, 100*s.early, s.asked)
		}
	}
	b.WriteString("\n")
	return b.String()
}

// lookUp finds what the tables say of n tests.
func lookUp(tables string, c invented, n int, single bool) (out cell, err error) {
	start := c.String() + " "
	if single {
		start += fmt.Sprintf("%d | ", n)
	}
	for line := range strings.Lines(tables) {
		rest, ok := strings.CutPrefix(line, start)
		if !ok {
			continue
		}
		cells := strings.Split(rest, "|")
		var texts []string
		if single {
			texts = cells[:2]
		} else {
			texts = strings.Split(cells[map[int]int{10: 0, 30: 1, 100: 2, 300: 3}[n]], "/")
		}
		if len(texts) != 2 {
			break
		}
		never, err1 := strconv.ParseFloat(strings.TrimSpace(texts[0]), 64)
		early, err2 := strconv.ParseFloat(strings.TrimSpace(texts[1]), 64)
		if err1 != nil || err2 != nil {
			break
		}
		return cell{never: never / 100, early: early / 100}, nil
	}
	return out, fmt.Errorf("nothing on %s %d tests", c, n)
}
