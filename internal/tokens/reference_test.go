package tokens

import (
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/pkoukk/tiktoken-go"
	loader "github.com/pkoukk/tiktoken-go-loader"
)

// An independent implementation of the same encodings, slow and, but for what differs says, exact.
var reference = sync.OnceValues(func() (map[string]*tiktoken.Tiktoken, error) {
	tiktoken.SetBpeLoader(loader.NewOfflineLoader())
	encodings := map[string]*tiktoken.Tiktoken{}
	for _, name := range names() {
		e, err := tiktoken.GetEncoding(name)
		if err != nil {
			return nil, err
		}
		encodings[name] = e
	}
	return encodings, nil
})

// differs says that the reference is known to depart from the official tokenizer: it does not take the long s for an s
// in a contraction, and follows Go's version of Unicode.
func differs(text string) bool {
	if strings.Contains(text, "'\u017f") {
		return true
	}
	for _, r := range text {
		for name := range categories() {
			if unicode.Is(unicode16(name), r) {
				return true
			}
		}
	}
	return false
}

// compare counts a text with both. The counters live on, so that what is in their caches is tested too.
func compare(t *testing.T, counters []*Counter, text []byte) {
	encodings, err := reference()
	if err != nil {
		t.Fatal(err)
	}
	valid := strings.ToValidUTF8(string(text), "\ufffd")
	for i, name := range names() {
		counter := counters[i]
		if got, want := counter.Count(text), counter.Count(repair(text)); got != want {
			t.Errorf("%s: %q has %d tokens, repaired %d", name, text, got, want)
		}
		if differs(valid) {
			continue
		}
		want := len(encodings[name].EncodeOrdinary(valid))
		if got := counter.CountString(valid); got != want {
			t.Errorf("%s: %q has %d tokens, want %d", name, valid, got, want)
		}
	}
}

// bothCounters returns a counter for each of names.
func bothCounters(tb testing.TB) []*Counter {
	var counters []*Counter
	for _, name := range names() {
		counters = append(counters, newCounter(tb, name))
	}
	return counters
}

func FuzzCount(f *testing.F) {
	for _, seed := range []string{"", "Hello, World! I'LL don't", " \n\n  \tx\r\n ", "A\u0301b \u0301 ʰAعB", "123456 ½٣",
		"\xff\xe2\x82 a", "//\n/ !!\n", "中文 한국어 🙂", strings.Repeat("ab", 99)} {
		f.Add([]byte(seed))
	}
	counters := bothCounters(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		compare(t, counters, text[:min(len(text), 2000)])
	})
}

func TestAgainstReference(t *testing.T) {
	counters, random := bothCounters(t), newRandom(11)
	for range 1500 {
		compare(t, counters, []byte(random.text(random.below(60))))
		compare(t, counters, random.bytes(random.below(60)))
	}
}

// random makes repeatable texts.
type random struct{ state uint64 }

func newRandom(seed uint64) *random { return &random{seed} }

func (r *random) below(n int) int {
	r.state = r.state*6364136223846793005 + 1442695040888963407
	return int(r.state >> 33 % uint64(n))
}

func (r *random) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.below(256))
	}
	return b
}

// text strings together n words, spaces, numbers, symbols and code points of all kinds.
func (r *random) text(n int) string {
	words := []string{"the", " the", " model", "Hello", " WORLD", "fooBar", "don't", "I'LL", "'", "'s", " ", "  ", "\n", "\r\n",
		"\t", "/", ".", ", ", "--", "1", "234", "99999", "é", "É", "ʰ", "\u0301", "ß", "中", "文字", "한", "ع", "🙂", "\u200d", "\u00a0",
		"\u3000", "Ⅳ", "٣", "ǅ", "<|endoftext|>", "qzxj", "_", "{\"", "\":"}
	var b strings.Builder
	for range n {
		if r.below(12) == 0 {
			if c := rune(r.below(0x20000)); utf8.ValidRune(c) {
				b.WriteRune(c)
			}
			continue
		}
		b.WriteString(words[r.below(len(words))])
	}
	return b.String()
}
