package tokens

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pkoukk/tiktoken-go-loader/assets"
)

// paired returns an official vocabulary as the container image has it.
func paired(t testing.TB, name string) []byte {
	t.Helper()
	lines, err := assets.Assets.ReadFile(name + ".tiktoken")
	if err != nil {
		t.Fatal(err)
	}
	pairs, err := PairVocabulary(lines)
	if err != nil {
		t.Fatal(err)
	}
	return zip(t, pairs)
}

func zip(t testing.TB, data []byte) []byte {
	t.Helper()
	var zipped bytes.Buffer
	z, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return zipped.Bytes()
}

// Every token, every rank and every table is the same, whichever form it was read from.
func TestPairVocabulary(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and in one goroutine")
	}
	for _, name := range names() {
		got, err := decodeVocabulary(paired(t, name))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, load(t, name).vocab) {
			t.Errorf("%s as pairs is another vocabulary than its lines", name)
		}
	}
}

// lines is a vocabulary of all bytes and some tokens more.
func lines(more ...string) []byte {
	var b bytes.Buffer
	for rank := range 256 + len(more) {
		token := []byte{byte(rank)}
		if rank >= 256 {
			token = []byte(more[rank-256])
		}
		fmt.Fprintf(&b, "%s %d\n", base64.StdEncoding.EncodeToString(token), rank)
	}
	return b.Bytes()
}

func TestPairVocabularyRefuses(t *testing.T) {
	for want, data := range map[string][]byte{
		`the token "xyz" of rank 257 does not consist of two of lower rank`: lines("ab", "xyz"),
		`the token "abc" of rank 256 does not consist of two of lower rank`: lines("abc", "ab"),
		"not every byte is a token":                                         []byte("YQ== 0\n"),
	} {
		if _, err := PairVocabulary(data); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

// What is damaged is an error, however it is damaged.
func TestDecodePairs(t *testing.T) {
	good, err := PairVocabulary(lines("ab", "abc"))
	if err != nil {
		t.Fatal(err)
	}
	n := len(good) / pairBytes
	with := func(plane, rank int, b byte) []byte {
		bad := bytes.Clone(good)
		bad[plane*n+rank] = b
		return bad
	}
	var doubles []string // each twice as long as the one before
	for i := range 11 {
		doubles = append(doubles, strings.Repeat("a", 2<<i))
	}
	for _, c := range []struct {
		data []byte
		want string
	}{
		{good[:len(good)-1], "1547 bytes are no pairs"},
		{with(2, 97, 98), "the token of rank 97 has parts"}, // itself
		{with(4, 97, 1), "the token of rank 97 has parts"},  // a byte above 255
		{with(5, 97, 98), "not every byte is a token"},
		{with(1, 257, 2), "the token of rank 257 has parts"},
		{with(3, 257, 1), "the token of rank 257 has parts"},
		{zip(t, good)[:40], "unexpected EOF"},
		{make([]byte, 6<<18), "262144 tokens are too many"},
		{zip(t, make([]byte, 9<<20)), "more than 8388608 bytes"},
		{lines(doubles...), "line 267: expected a token and the rank 266"},
	} {
		if _, err := decodeVocabulary(c.data); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}

// Whatever the data are, reading ends soon, and what is read without an error is a vocabulary: each token has a rank, its
// own unless a token has two, and no token is longer than the bound.
func FuzzDecodeVocabulary(f *testing.F) {
	for _, data := range [][]byte{lines("ab", "abc"), lines(), {}, make([]byte, 12)} {
		f.Add(data)
		f.Add(zip(f, data))
		if pairs, err := PairVocabulary(data); err == nil {
			f.Add(pairs)
			f.Add(zip(f, pairs))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := decodeVocabulary(data)
		if err != nil {
			return
		}
		all := v.tokens()
		for rank, token := range all {
			got := v.rank(token)
			if len(token) > tokenMax || got == noRank || !bytes.Equal(all[got], token) {
				t.Fatalf("the token %q of rank %d has the rank %d", token, rank, got)
			}
		}
		pairs, err := PairVocabulary(data)
		if err != nil {
			return // of lines alone, for example "abc" without "ab"
		}
		again, err := decodeVocabulary(pairs)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(again.tokens(), all, bytes.Equal) {
			t.Fatal("as pairs it is another vocabulary")
		}
	})
}
