package engine

import (
	"slices"
	"strings"
	"testing"
)

func words(text string) []uint32 { return slices.Collect(wordHashes(text)) }

func TestWordHashes(t *testing.T) {
	for _, c := range [][2]string{
		{"playMusic", "play music"},
		{"getHTTPServer", "get httpserver"},
		{"packages/vite/src/index.ts", "packages vite src index ts"},
		{"what's up?", "what s up"},
		{"ÉCOLE straße 9x", "école straße 9x"},
		{"  ", ""},
	} {
		if !slices.Equal(words(c[0]), words(c[1])) {
			t.Errorf("%q is not read as %q", c[0], c[1])
		}
	}
	if slices.Equal(words("playmusic"), words("play music")) {
		t.Error("two words read as one")
	}
}

func TestFeatures(t *testing.T) {
	of := func(system bool, p ...Turn) []uint32 { return features(p, system, nil) }
	shared := func(a, b []uint32) (n int) {
		for _, h := range a {
			if slices.Contains(b, h) {
				n++
			}
		}
		return n
	}
	user := Turn{"user", "reset my password"}
	plain := of(false, user)
	if !slices.IsSorted(plain) || len(slices.Compact(slices.Clone(plain))) != len(plain) {
		t.Error("not a sorted set")
	}
	if !slices.Equal(plain, of(false, Turn{"system", "Be brief."}, user)) {
		t.Error("a system message counted")
	}
	if len(of(true, Turn{"system", "Be brief."}, user)) != len(plain)+2 {
		t.Error("a system message did not count as its two words")
	}
	if n := len(of(false, Turn{"user", "hello there"}, Turn{"assistant", "hi"}, user)); n != len(plain)+3 {
		t.Errorf("earlier turns of three words added %d features", n-len(plain))
	}
	a, b := of(false, Turn{"user", "fix\nsrc/http/client.go"}), of(false, Turn{"user", "add\nsrc/http/server.go"})
	if shared(a, b) < 5 { // src, http, go; the folders; the extension
		t.Errorf("files of one folder share %d features", shared(a, b))
	}
	for _, text := range []string{strings.Repeat("word ", 1e5), strings.Repeat("/", 1e6), strings.Repeat("a/b\n", 1e5)} {
		if n := len(of(false, Turn{"user", text})); n > 4*maxBytes {
			t.Errorf("%.8q...: %d features", text, n)
		}
	}
}
