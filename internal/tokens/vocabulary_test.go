package tokens

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/pkoukk/tiktoken-go-loader/assets"
)

// The digests are those that tiktoken's openai_public.py expects of the files it downloads.
func TestVocabulariesAreTheOfficialOnes(t *testing.T) {
	for name, want := range map[string]string{
		"o200k_base":  "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
		"cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
	} {
		data, err := assets.Assets.ReadFile(name + ".tiktoken")
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(data)); got != want {
			t.Errorf("%s has the digest %s, want %s", name, got, want)
		}
	}
}

// Every token is found under its rank, and only there.
func TestRank(t *testing.T) {
	for _, name := range names() {
		data, err := assets.Assets.ReadFile(name + ".tiktoken")
		if err != nil {
			t.Fatal(err)
		}
		vocab := load(t, name).vocab
		for rank, line := range bytes.Fields(data) {
			if rank%2 != 0 {
				continue // the lines are pairs of token and rank
			}
			token, err := base64.StdEncoding.DecodeString(string(line))
			if err != nil {
				t.Fatal(err)
			}
			if got := vocab.rank(token); got != uint32(rank/2) {
				t.Fatalf("%s: %q has the rank %d, want %d", name, token, got, rank/2)
			}
		}
		for _, absent := range []string{"\xff\xff", "qzxqzx", "qzxqzxqzxqzxqzxq", strings.Repeat("q", 1000)} {
			if got := vocab.rank([]byte(absent)); got != noRank {
				t.Errorf("%s: %q has the rank %d", name, absent, got)
			}
		}
	}
}

// The splitter relies on it (see its comment).
func TestNoTokenContinuesLineBreak(t *testing.T) {
	data, err := assets.Assets.ReadFile("cl100k_base.tiktoken")
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		encoded, _, _ := bytes.Cut(line, []byte{' '})
		token, err := base64.StdEncoding.DecodeString(string(encoded))
		if err != nil {
			t.Fatal(err)
		}
		if at := bytes.LastIndexAny(token, "\r\n"); at >= 0 && at+1 < len(token) {
			t.Errorf("the token %q", token)
		}
	}
}

func TestDecodeVocabulary(t *testing.T) {
	var whole strings.Builder
	for b := range 256 {
		fmt.Fprintf(&whole, "%s %d\n", base64.StdEncoding.EncodeToString([]byte{byte(b)}), b)
	}
	good := whole.String() + "YWI= 256\n"
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write([]byte(good))
	z.Close()
	for _, data := range [][]byte{[]byte(good), zipped.Bytes()} {
		v, err := decodeVocabulary(data)
		if err != nil {
			t.Fatal(err)
		}
		if got := v.rank([]byte("ab")); got != 256 {
			t.Errorf("ab has the rank %d", got)
		}
	}
	for data, want := range map[string]string{
		"":                            "not every byte is a token",
		"YQ== 0\n":                    "not every byte is a token",
		"YQ==\n":                      "line 1: expected a token and the rank 0",
		"YQ== x\n":                    "line 1: expected a token and the rank 0",
		"Y=Q= 0\n":                    "line 1: illegal base64",
		"YQ== 0\nYg== 2\n":            "line 2: expected a token and the rank 1",
		" 0\n":                        "line 1: expected a token and the rank 0",
		"Y* 0\n":                      "line 1: illegal base64",
		"\x1f\x8bnot gzip":            "gzip: invalid header",
		zipped.String()[:40]:          "unexpected EOF",
		strings.Repeat("\n", 8<<20+1): "more than 8388608 bytes",
		strings.Repeat("\n", 1<<18):   "262145 tokens are too many",
	} {
		if _, err := decodeVocabulary([]byte(data)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: error %v, want %s", data, err, want)
		}
	}
}
