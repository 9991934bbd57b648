package tokens

import (
	"bytes"
	"testing"
)

// The expected texts are what Python's bytes.decode("utf-8", "replace") gives; the first is the standard's own example.
func TestRepair(t *testing.T) {
	for text, want := range map[string]string{
		"a\xf1\x80\x80\xe1\x80\xc2b\x80c\x80\xbfd": "a\ufffd\ufffd\ufffdb\ufffdc\ufffd\ufffdd",
		"\xe2\x82":         "\ufffd",
		"\xed\xa0\x80":     "\ufffd\ufffd\ufffd",
		"\xc0\xaf":         "\ufffd\ufffd",
		"\xf0\x9f\x99":     "\ufffd",
		"\xf4\x90\x80\x80": "\ufffd\ufffd\ufffd\ufffd",
		"\xff\xfeA\x00":    "\ufffd\ufffdA\x00",
		"\ufffd\xff":       "\ufffd\ufffd",
	} {
		if got := string(repair([]byte(text))); got != want {
			t.Errorf("repair(%q) = %q, want %q", text, got, want)
		}
		for _, name := range names() {
			counter := newCounter(t, name)
			if got, want := counter.CountString(text), counter.CountString(want); got != want {
				t.Errorf("%s: %q has %d tokens, want %d", name, text, got, want)
			}
		}
	}
}

// 200,000 bytes of those that matter in UTF-8, against the length and a digest of what Python makes of them.
func TestRepairRandomBytes(t *testing.T) {
	alphabet := []byte{0x41, 0x20, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed,
		0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff}
	var text []byte
	x := uint64(1)
	for range 200_000 {
		x = x*6364136223846793005 + 1442695040888963407
		text = append(text, alphabet[(x>>33)%uint64(len(alphabet))])
	}
	before := bytes.Clone(text)
	digest, repaired := fnvStart, repair(text)
	for _, b := range repaired {
		digest = fnv(digest, uint64(b))
	}
	if len(repaired) != 479214 || digest != 0xef9f0d976f0840fc {
		t.Errorf("%d bytes with digest %#x", len(repaired), digest)
	}
	if newCounter(t, "o200k_base").Count(text); !bytes.Equal(text, before) {
		t.Error("Count changed its text")
	}
}
