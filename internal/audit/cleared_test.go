package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/zeebo/xxh3"
)

// Workers that write one slot at a time never make it say of a text what nobody said.
func TestCleared(t *testing.T) {
	c := newCleared()
	c.slots = c.slots[:1] // all texts in one
	h := hashes{seeds: c.seeds}
	var all [50]xxh3.Uint128
	for i := range all {
		all[i] = h.bytes(fmt.Appendf(nil, "text %d", i))
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for round := range 2000 {
				i := (round*7 + w) % len(all)
				if c.has(all[i], 1) || c.has(all[i], 0) && i%2 == 0 {
					t.Errorf("text %d is clear where nobody said so", i)
				}
				if i%2 == 1 {
					c.add(all[i], 0)
				}
			}
		})
	}
	wg.Wait()
	c.add(all[2], 1)
	c.add(all[2], 0)
	if !c.has(all[2], 1) || !c.has(all[2], 0) || c.has(all[4], 0) {
		t.Error("what was said of a text is not there, or of another")
	}
}

// Texts that repeat count what they count alone, on whatever worker, and one that differs is looked through.
func TestRepeatedTexts(t *testing.T) {
	long := strings.Repeat("all is well here, and nothing to see, ", 4)
	rows := make([]string, 400)
	for i := range rows {
		rows[i] = fmt.Sprintf(`{"messages":[{"role":"system","content":"%s"},{"role":"user","content":"%d %s"},{"role":"assistant","content":"%s"}]}`, long, i%3, long, long)
	}
	secret := long + "AKIA" + "Q3EGRIZPJLV7XW2T" // in two parts, so that nobody takes this file's for a key
	rows[300] = strings.Replace(rows[300], long, secret, 1)
	path := filepath.Join(t.TempDir(), "train.jsonl")
	if err := os.WriteFile(path, []byte(strings.Join(rows, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	res, err := run(t.Context(), Input{Train: open(t, path), Encoding: encoding(t)}, DefaultPolicy(), 3)
	if err != nil {
		t.Fatal(err)
	}
	c := encoding(t).NewCounter(1 << 20)
	each := func(s string) int { return c.CountString(s) }
	for i, n := range res.Files[0].PerExample {
		first := long
		if i == 300 {
			first = secret
		}
		want := 3 + 3*3 + 3 + each(first) + each(fmt.Sprintf("%d %s", i%3, long)) + each(long)
		if int(n) != want {
			t.Fatalf("line %d has %d tokens, want %d", i+1, n, want)
		}
	}
	found := false
	for _, f := range res.Findings {
		found = found || f.Line == 301 && strings.Contains(f.Rule, "secret")
	}
	if !found {
		t.Errorf("the key on line 301 was not found: %v", res.Findings)
	}
}
