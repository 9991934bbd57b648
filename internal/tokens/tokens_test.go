package tokens

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"sync"
	"testing"
)

func TestLoad(t *testing.T) {
	for _, name := range names() {
		if got := load(t, name).Name(); got != name {
			t.Errorf("Load(%q).Name() = %q", name, got)
		}
		if first, second := load(t, name), load(t, name); first != second {
			t.Errorf("%s was decoded twice", name)
		}
	}
	_, err := Load("p50k_base")
	if want := `unknown encoding "p50k_base", expected o200k_base or cl100k_base`; err == nil || err.Error() != want {
		t.Errorf("Load of another name: %v, want %s", err, want)
	}
}

// The counts in known.jsonl are the official tokenizer's (tiktoken 0.14.0, encode_ordinary).
func TestKnownAnswers(t *testing.T) {
	f, err := os.Open("testdata/known.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	o200k, cl100k := newCounter(t, "o200k_base"), newCounter(t, "cl100k_base")
	lines := 0
	for s := bufio.NewScanner(f); s.Scan(); lines++ {
		var want struct {
			Text   string
			O200k  int `json:"o200k_base"`
			Cl100k int `json:"cl100k_base"`
		}
		if err := json.Unmarshal(s.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time from the cache
			if got := o200k.CountString(want.Text); got != want.O200k {
				t.Errorf("o200k_base: %q has %d tokens, want %d", want.Text, got, want.O200k)
			}
			if got := cl100k.Count([]byte(want.Text)); got != want.Cl100k {
				t.Errorf("cl100k_base: %q has %d tokens, want %d", want.Text, got, want.Cl100k)
			}
		}
	}
	if lines < 70 {
		t.Fatalf("only %d known answers", lines)
	}
}

// Every code point alone, between letters and among others, against a digest of the official tokenizer's counts.
func TestEveryCodePoint(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and in one goroutine")
	}
	for _, c := range []struct {
		name, before, after string
		want                uint64
	}{
		{"o200k_base", "", "", 0x61a8ad1ab03febe3},
		{"o200k_base", "a", "b", 0x3333730c9970700c},
		{"o200k_base", " A", "B\n\x00 ", 0xf79d41746afc0eb3},
		{"cl100k_base", "", "", 0x724e4fbe876d421f},
		{"cl100k_base", "a", "b", 0xdb423ebb54376492},
		{"cl100k_base", " A", "B\n\x00 ", 0xd940877ef6477bbd},
	} {
		counter := newCounter(t, c.name)
		got := fnvStart
		for r := range rune(0x110000) {
			if r < 0xd800 || r >= 0xe000 {
				text := c.before + string(r) + strings.ReplaceAll(c.after, "\x00", string(r))
				got = fnv(got, uint64(counter.CountString(text)))
			}
		}
		if got != c.want {
			t.Errorf("%s: digest of the counts of %q, any code point, %q is %#x, want %#x", c.name, c.before, c.after, got, c.want)
		}
	}
}

// The classes of all code points, by a digest of what the official tokenizer's own patterns match.
func TestClasses(t *testing.T) {
	got := fnvStart
	for _, c := range classes() {
		got = fnv(got, uint64(c))
	}
	if want := uint64(0xe508e77c4cbe6e70); got != want {
		t.Errorf("digest %#x, want %#x: does Go now follow a later Unicode than 16.0?", got, want)
	}
}

// FNV-1a over numbers.
const fnvStart = uint64(0xcbf29ce484222325)

func fnv(digest, v uint64) uint64 { return (digest ^ v) * 0x100000001b3 }

// A run of a megabyte is one piece: its time must not grow with the square. Counts by the official tokenizer.
func TestLongRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and in one goroutine")
	}
	const size = 1 << 20
	for _, c := range []struct {
		unit          string
		o200k, cl100k int
	}{
		{"a", 131072, 131072},
		{" ", 8192, 8192},
		{"\n", 65536, 32768},
		{"!", 65536, 131072},
		{"é", 524288, 524288},
		{"\u0301", 524288, 524288},
		{"aA", 524289, 1048576},
		{"1", 349526, 349526},
		{"你", 349525, 349525},
		{"\u3000", 21846, 174763},
	} {
		text := strings.Repeat(c.unit, size/len(c.unit))
		if got := newCounter(t, "o200k_base").CountString(text); got != c.o200k {
			t.Errorf("o200k_base: a run of %q has %d tokens, want %d", c.unit, got, c.o200k)
		}
		if got := newCounter(t, "cl100k_base").CountString(text); got != c.cl100k {
			t.Errorf("cl100k_base: a run of %q has %d tokens, want %d", c.unit, got, c.cl100k)
		}
	}
}

// Both ways of merging agree, on pieces of few and of many merges.
func TestScanAndDrainAgree(t *testing.T) {
	random := newRandom(7)
	for _, name := range names() {
		m := merger{vocab: load(t, name).vocab}
		for range 2000 {
			piece := []byte(random.text(1 + random.below(40)))
			if len(piece) == 0 {
				continue
			}
			piece = piece[:min(len(piece), quadraticMax)]
			if scanned, drained := m.scan(piece), m.drain(piece); scanned != drained {
				t.Fatalf("%s: %q merges into %d tokens by scan, %d by drain", name, piece, scanned, drained)
			}
		}
	}
}

// A counter must not remember a piece by where it stood: callers reuse their buffers.
func TestReusedBuffer(t *testing.T) {
	counter, buffer := newCounter(t, "o200k_base"), make([]byte, 0, 64)
	for range 2 {
		for _, text := range []string{" zyxwvu zyxwvu.", " kitten kitten.", " qjxkqj kitten "} {
			buffer = append(buffer[:0], text...)
			want := newCounter(t, "o200k_base").CountString(text)
			if got := counter.Count(buffer); got != want {
				t.Errorf("%q in a reused buffer has %d tokens, want %d", text, got, want)
			}
		}
	}
}

func TestCountDoesNotAllocate(t *testing.T) {
	counter, text := newCounter(t, "o200k_base"), newRandom(3).text(4000)
	counter.CountString(text)
	if n := testing.AllocsPerRun(10, func() { counter.CountString(text) }); n != 0 {
		t.Errorf("%v allocations for each text", n)
	}
}

func TestCountersSideBySide(t *testing.T) {
	text := newRandom(5).text(20_000)
	want := newCounter(t, "cl100k_base").CountString(text)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			e, err := Load("cl100k_base")
			if err != nil {
				t.Error(err)
				return
			}
			if got := e.NewCounter(20_000).CountString(text); got != want {
				t.Errorf("%d tokens, want %d", got, want)
			}
		})
	}
	wait.Wait()
}
