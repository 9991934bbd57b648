package audit

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/dataset"
)

// eighty are words enough for a request to be read again.
func eighty() string {
	var b strings.Builder
	for i := range 80 {
		fmt.Fprintf(&b, "word%c%c%c ", 'a'+i%26, 'a'+i/26, 'a'+i*7%26)
	}
	return b.String()
}

// A line too long to be read stands between requests that are read again.
func TestLongLineAmongLikeRequests(t *testing.T) {
	path := filepath.Join(t.TempDir(), "train.jsonl")
	text := chat(eighty(), "x") + "\n" + strings.Repeat("x", dataset.MaxLine+2<<20) + "\n" + chat(eighty()+"more", "x") + "\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	res, err := run(t.Context(), Input{Train: open(t, path), Deep: true}, DefaultPolicy(), 2)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, f := range res.Findings {
		found[f.Rule] = f.Line
	}
	if found["invalid-json"] != 2 || found["near-duplicate"] != 3 {
		t.Errorf("found on lines: %v", found)
	}
}

// A row that was an example in one reading and is none in the next stops nothing.
func TestRowsChangeBetweenReadings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "train.jsonl")
	text := chat(eighty(), "x") + "\n" + chat(eighty()+"more", "x") + "\n"
	for change := 1; change <= 3; change++ {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		readings := 0
		_, err := run(t.Context(), Input{Train: open(t, path), Deep: true, Progress: func(int64, int64) {
			if readings++; readings == change {
				other := strings.Repeat("[\n", len(text)/2) + "\n\n"[:len(text)%2]
				if err := os.WriteFile(path, []byte(other), 0o644); err != nil {
					t.Error(err)
				}
			}
		}}, DefaultPolicy(), 1)
		if err != nil && !strings.Contains(err.Error(), path) {
			t.Errorf("after reading %d: %v", change, err)
		}
	}
}

// What one long row took is given back while shorter ones are read.
func TestLongRowsAreLetGo(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	path := filepath.Join(t.TempDir(), "train.jsonl")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	big, some := strings.Repeat("fill out the form, ", 5<<20/19), strings.Repeat("well ", 12)
	for k := 16; k >= 1; k-- { // of each row another one of its texts lies in a large buffer
		fmt.Fprint(f, `{"messages":[`)
		for i := range k - 1 {
			fmt.Fprintf(f, `{"role":"user","content":"%s %d %d"},`, some, k, i)
		}
		fmt.Fprintf(f, `{"role":"user","content":"%s %d"},{"role":"assistant","content":"ok"}]}`+"\n", big, k)
	}
	for range 300_000 {
		fmt.Fprintln(f, chat("hi", "ok"))
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	var live []uint64 // at each block
	if _, err := run(t.Context(), Input{Train: open(t, path), Progress: func(int64, int64) {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		live = append(live, m.HeapAlloc)
	}}, DefaultPolicy(), 1); err != nil {
		t.Fatal(err)
	}
	if len(live) < 24 {
		t.Fatalf("%d blocks", len(live))
	}
	if held := live[len(live)-5]; held > 60<<20 { // well behind the long rows, and before the worker ends
		t.Errorf("%d MB are held while short rows are read", held>>20)
	}
}

// compareAll is compare that looks at all words.
func (w *wording) compareAll(a, b []uint32) (share float32, within bool) {
	all := func(words []uint32) (sum float32) {
		for _, x := range words {
			sum += w.weight[x]
		}
		return sum
	}
	var common, onlyA, onlyB []uint32
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i] < b[j]:
			onlyA = append(onlyA, a[i])
			i++
		case a[i] > b[j]:
			onlyB = append(onlyB, b[j])
			j++
		default:
			common = append(common, a[i])
			i, j = i+1, j+1
		}
	}
	onlyA, onlyB = append(onlyA, a[i:]...), append(onlyB, b[j:]...)
	shared, left, right, words := all(common), all(onlyA), all(onlyB), len(common)
	if max(len(onlyA), len(onlyB)) <= maxUnlike {
		for _, x := range onlyA {
			if k := slices.IndexFunc(onlyB, func(y uint32) bool { return w.misspelt(x, y) }); k >= 0 {
				y := onlyB[k]
				onlyB = slices.Delete(onlyB, k, k+1)
				shared, left, right, words = shared+min(w.weight[x], w.weight[y]), left-w.weight[x], right-w.weight[y], words+1
			}
		}
	}
	return shared / (shared + left + right), words >= 4 && min(left, right) <= .01
}

// Giving up early changes no decision.
func TestCompareGivesUpInTime(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	alike, gaveUp := 0, 0
	for range 400 {
		requests := 3 + r.IntN(100_000)
		v := wordbook{ids: map[uint64]uint32{}}
		n := 20 + r.IntN(60)
		for i := range n {
			word := make([]byte, []int{3, 4, 5, 8}[r.IntN(4)])
			for k := range word {
				word[k] = "aabc1"[r.IntN(4+i%10/9)]
			}
			v.id(uint64(i+1), string(word))
			v.rows[i] = int32([]int{r.IntN(3), 1 + r.IntN(6), 1 + r.IntN(requests)}[r.IntN(3)])
		}
		v.weigh(requests)
		w, full := wording{wordbook: &v}, wording{wordbook: &v}
		for range 100 {
			var a, b []uint32
			for range 1 + r.IntN(longest) {
				a = append(a, uint32(r.IntN(n)))
			}
			b = slices.Clone(a)
			for range r.IntN(10) {
				b[r.IntN(len(b))] = uint32(r.IntN(n))
			}
			b = b[r.IntN(1+len(b)/8):]
			var weights [2]float32
			for i, words := range [][]uint32{a, b} {
				slices.Sort(words)
				for _, x := range words {
					weights[i] += v.weight[x]
				}
			}
			share, within := w.compare(a, b, weights[0], weights[1])
			wantShare, wantWithin := full.compareAll(a, b)
			is, want := share >= alikeWords || within && share >= alikeSub, wantShare >= alikeWords || wantWithin && wantShare >= alikeSub
			if is != want && min(max(wantShare-alikeWords, alikeWords-wantShare), max(wantShare-alikeSub, alikeSub-wantShare)) > 1e-4 {
				t.Fatalf("%v and %v: %v, %v in all; looking at all words: %v, %v", a, b, share, within, wantShare, wantWithin)
			}
			if is {
				alike++
			} else if share == 0 && wantShare > 0 {
				gaveUp++
			}
		}
	}
	if alike < 1000 || gaveUp < 1000 {
		t.Errorf("%d pairs are alike, %d were given up", alike, gaveUp)
	}
}
