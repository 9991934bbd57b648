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

// Workers that write one slot at a time never make it say something of a text that neither said.
func TestRecollection(t *testing.T) {
	m := newRecollection()
	m.slots = m.slots[:1] // all texts in one
	texts := make([]string, 50)
	for i := range texts {
		texts[i] = fmt.Sprintf("text %d", i)
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for round := range 2000 {
				i := (round*7 + w) % len(texts)
				key := xxh3.HashString128(texts[i])
				known := m.find(key)
				if n := known.tokens(); n >= 0 && n != i {
					t.Errorf("%q has %d tokens, %d were kept", texts[i], n, i)
				}
				if known&clean(1) != 0 || known&clean(0) != 0 && i%2 == 0 {
					t.Errorf("%q is clean where nobody said so", texts[i])
				}
				if known.tokens() < 0 {
					known = known.counted(i)
				}
				if i%2 == 1 {
					known |= clean(0)
				}
				m.keep(key, known)
			}
		})
	}
	wg.Wait()
	key := xxh3.HashString128("one")
	m.keep(key, m.find(key).counted(recalledCount+5))
	if n := m.find(key).tokens(); n >= 0 {
		t.Errorf("a count too large to remember is remembered as %d", n)
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
	c := encoding(t).NewCounter()
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
