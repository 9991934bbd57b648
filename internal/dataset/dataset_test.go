package dataset

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/tunegate/tunegate/internal/diag"
)

func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func openData(t testing.TB, data []byte) *File {
	t.Helper()
	f, err := Open(write(t, "train.jsonl", data), "train.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func digest(t testing.TB, data []byte) Digest {
	t.Helper()
	d, err := openData(t, data).Digest(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func zip(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(data)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zst(t testing.TB, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(data, nil)
}

// The same two examples in every format, spelling and container.
const plainChat = `{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Wie heißt \"Köln\"?\nSag es 😀"},{"role":"assistant","content":"Köln/Rhein"}]}
{"messages":[{"role":"user","content":"2+2"},{"role":"assistant","content":"4"}]}
`

func TestSameDataSameDigest(t *testing.T) {
	want := digest(t, []byte(plainChat))
	sum := sha256.Sum256([]byte(plainChat))
	if want != (Digest{Rows: 2, Bytes: int64(len(plainChat)), SHA256: hex.EncodeToString(sum[:])}) {
		t.Fatalf("the plain form is not its own normal form: %+v", want)
	}
	same := map[string][]byte{
		"gzip":            zip(t, []byte(plainChat)),
		"two gzip parts":  append(zip(t, []byte(plainChat[:50])), zip(t, []byte(plainChat[50:]))...),
		"zstd":            zst(t, []byte(plainChat)),
		"CRLF":            []byte(strings.ReplaceAll(plainChat, "\n", "\r\n")),
		"byte-order mark": append([]byte("\xef\xbb\xbf"), plainChat...),
		"no last newline": []byte(strings.TrimSuffix(plainChat, "\n")),
		"blank lines":     []byte("\n  \n" + strings.ReplaceAll(plainChat, "\n", "\n\t\r\n\n")),
		"key order, spacing, escapes, weight 1, nulls, empty tools": []byte(
			`{ "tools" : [], "messages" : [ { "content" : "Be\u0020brief." , "role" : "system" } ,{"content":"Wie hei\u00DFt \u0022K\u00f6ln\"?\u000ASag es \ud83d\ude00","role":"user","name":null},	{"weight":1,"content":"K\u00f6ln\/Rhein","role":"assistant","tool_calls":null}]}` + "\n" +
				`{"parallel_tool_calls":null,"messages":[{"role":"user","content":"2+2","weight":null},{"role":"assistant","content":"4","refusal":null}]}`),
		"ShareGPT": []byte(`{"conversations":[{"from":"system","value":"Be brief."},{"from":"human","value":"Wie heißt \"Köln\"?\nSag es 😀"},{"from":"gpt","value":"Köln/Rhein"}]}` + "\n" +
			`{"id":"x","conversations":[{"from":"human","value":"2+2"},{"from":"gpt","value":"4"}]}`),
		"ShareGPT with system apart": []byte(`{"conversations":[{"from":"user","value":"Wie heißt \"Köln\"?\nSag es 😀"},{"from":"assistant","value":"Köln/Rhein"}],"system":"Be brief."}` + "\n" +
			`{"system":"","conversations":[{"role":"user","content":"2+2"},{"role":"assistant","content":"4"}]}`),
		"prompt and completion": []byte(`{"completion":"Köln/Rhein","prompt":"Wie heißt \"Köln\"?\nSag es 😀","system":"Be brief."}` + "\n" +
			`{"prompt":"2+2","completion":"4"}`),
		"Alpaca": []byte(`{"instruction":"Wie heißt \"Köln\"?","input":"Sag es 😀","output":"Köln/Rhein","system":"Be brief."}` + "\n" +
			`{"instruction":"2+2","input":"","output":"4"}`),
		"formats mixed": []byte(`{"prompt":"Wie heißt \"Köln\"?\nSag es 😀","completion":"Köln/Rhein","system":"Be brief."}` + "\n" +
			`{"conversations":[{"from":"human","value":"2+2"},{"from":"gpt","value":"4"}]}`),
	}
	for name, data := range same {
		t.Run(name, func(t *testing.T) {
			if got := digest(t, data); got != want {
				b, _ := io.ReadAll(openData(t, data).Normal(0))
				t.Errorf("digest %+v, want %+v; normal form:\n%s", got, want, b)
			}
		})
	}
	for name, data := range map[string]string{
		"weight 0":   `{"messages":[{"role":"user","content":"2+2"},{"role":"assistant","content":"5","weight":0},{"role":"assistant","content":"4"}]}`,
		"order":      plainChat[strings.Index(plainChat, "\n")+1:] + plainChat[:strings.Index(plainChat, "\n")],
		"other text": strings.Replace(plainChat, "2+2", "2+ 2", 1),
	} {
		if digest(t, []byte(data)) == want {
			t.Errorf("%s: same digest", name)
		}
	}
}

// TestTools: tools and calls are kept, keys in order, and what is not part of the format is named.
func TestTools(t *testing.T) {
	row := `{"tools":[{"type":"function","function":{"parameters":{"type":"object","properties":{"b":{"type":"string"},"a":{}}},"name":"f"}}],"parallel_tool_calls":false,` +
		`"messages":[{"role":"user","content":"go"},{"role":"assistant","content":null,"tool_calls":[{"type":"function","id":"c1","function":{"name":"f","arguments":"{\"b\": \"x\"}"}}]},` +
		`{"role":"tool","tool_call_id":"c1","content":"ok","note":1},{"role":"assistant","content":"done","name":"bot"}],"source":"log"}`
	want := `{"messages":[{"role":"user","content":"go"},{"role":"assistant","content":null,"tool_calls":[{"function":{"arguments":"{\"b\": \"x\"}","name":"f"},"id":"c1","type":"function"}]},` +
		`{"role":"tool","content":"ok","tool_call_id":"c1"},{"role":"assistant","content":"done","name":"bot"}],` +
		`"tools":[{"function":{"name":"f","parameters":{"properties":{"a":{},"b":{"type":"string"}},"type":"object"}},"type":"function"}],"parallel_tool_calls":false}` + "\n"
	r := new(parser).parse([]byte(row), 1)
	if len(r.Problems) > 0 {
		t.Fatal(r.Problems)
	}
	if got := string(r.AppendNormal(nil)); got != want {
		t.Errorf("normal form\n%s, want\n%s", got, want)
	}
	unknown := []Key{{"note", strings.Index(row, `"note"`) + 1}, {"source", strings.Index(row, `"source"`) + 1}}
	if !slices.Equal(r.Unknown, unknown) {
		t.Errorf("unknown keys %v, want %v", r.Unknown, unknown)
	}
	again := new(parser).parse([]byte(strings.TrimSpace(want)), 1)
	if got := string(again.AppendNormal(nil)); len(again.Problems) > 0 || got != want {
		t.Errorf("the normal form of a normal form is %s %v", got, again.Problems)
	}
}

func TestOpenMistakes(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ path, rule string }{
		"missing":    {filepath.Join(dir, "none.jsonl"), "missing-file"},
		"folder":     {dir, "not-a-file"},
		"named pipe": {fifo, "not-a-file"},
		"device":     {os.DevNull, "not-a-file"},
		"empty":      {write(t, "a", nil), "empty-file"},
		"pointer":    {write(t, "a", []byte("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")), "lfs-pointer"},
		"UTF-16":     {write(t, "a", []byte("\xff\xfe{\x00}\x00")), "invalid-utf8"},
		"zip":        {write(t, "a", []byte("PK\x03\x04....")), "unknown-container"},
		"one list":   {write(t, "a", []byte(" [\r\n{}, \n{}]")), "not-jsonl"},
		"laid out":   {write(t, "a", []byte("\ufeff{\n  \"messages\": []\n}")), "not-jsonl"},
		"Parquet":    {write(t, "a", []byte("PAR1....")), "unknown-container"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(c.path, "data.jsonl")
			var m diag.Mistakes
			if !errors.As(err, &m) || len(m) != 1 {
				t.Fatalf("got %v, want one mistake", err)
			}
			if m[0].Rule != c.rule || m[0].File != "data.jsonl" || m[0].Hint == "" || m[0].Severity != diag.Critical {
				t.Errorf("got %+v, want rule %s", m[0], c.rule)
			}
		})
	}
}

func TestDamagedArchive(t *testing.T) {
	data := bytes.Repeat([]byte(plainChat), 3000)
	for name, packed := range map[string][]byte{"gzip": zip(t, data), "zstd": zst(t, data)} {
		for what, cut := range map[string][]byte{"cut": packed[:len(packed)-20], "flipped": flipped(packed)} {
			_, err := openData(t, cut).Digest(t.Context(), 0)
			var m diag.Mistakes
			if !errors.As(err, &m) || m[0].Rule != "damaged-archive" {
				t.Errorf("%s, %s: got %v, want damaged-archive", name, what, err)
			}
		}
	}
}

func flipped(b []byte) []byte {
	b = slices.Clone(b)
	b[len(b)/2] ^= 0x55
	return b
}

func TestFileThatShrinks(t *testing.T) {
	path := write(t, "train.jsonl", []byte(plainChat))
	f, err := Open(path, "train.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 100); err != nil {
		t.Fatal(err)
	}
	_, err = f.Digest(t.Context(), 0)
	if err == nil || !strings.Contains(err.Error(), "train.jsonl") || !strings.Contains(err.Error(), "100") {
		t.Errorf("got %v, want an error that names the file and its sizes", err)
	}
}

// TestFirst: the first n examples, whatever the blocks; rows with problems are not counted.
func TestFirst(t *testing.T) {
	var data, normal []byte
	var ends []int
	for i := range 30000 {
		if i%7 == 3 {
			data = append(data, "{}\n"...)
			continue
		}
		row := fmt.Sprintf(`{"messages":[{"role":"user","content":"question %d %s"},{"role":"assistant","content":"answer"}]}`+"\n", i, strings.Repeat("x", 60))
		data, normal = append(data, row...), append(normal, row...)
		ends = append(ends, len(normal))
	}
	f := openData(t, data)
	for _, n := range []int{1, 2, 100, 9999, len(ends) - 1, len(ends), len(ends) + 1, 0} {
		want := normal
		if n > 0 && n < len(ends) {
			want = normal[:ends[n-1]]
		}
		for range 2 { // it can be opened again
			r := f.Normal(n)
			got, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("first %d: %d bytes, %v, want %d", n, len(got), err, len(want))
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
			if _, err := r.Read(make([]byte, 1)); err == nil {
				t.Error("read after close")
			}
		}
		sum := sha256.Sum256(want)
		d, err := f.Digest(t.Context(), n)
		if err != nil || d.Bytes != int64(len(want)) || d.SHA256 != hex.EncodeToString(sum[:]) || d.Rows != bytes.Count(want, []byte{'\n'}) {
			t.Errorf("first %d: %+v, %v", n, d, err)
		}
	}
	r := f.Normal(0) // closed before its end, nothing is left running: the race detector and -timeout would tell
	if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
		t.Error(err)
	}
	r.Close()
}

// TestMapOrder: results come in the order of the file whatever the number of workers, and breaking off is safe.
func TestMapOrder(t *testing.T) {
	data := bytes.Repeat(generated(), 20)
	f := openData(t, data)
	count := func() func(*Block) []int {
		return func(b *Block) []int {
			var lines []int
			for row := range b.Rows() {
				lines = append(lines, row.Line)
			}
			return lines
		}
	}
	for _, workers := range []int{0, 1, 2, 7} {
		next := 1
		for lines, err := range Map(t.Context(), f, workers, count) {
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range lines {
				if line != next {
					t.Fatalf("%d workers: line %d, want %d", workers, line, next)
				}
				next++
			}
		}
		if next != 20001 {
			t.Errorf("%d workers: %d rows", workers, next-1)
		}
		for range Map(t.Context(), f, workers, count) {
			break
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	blocks := 0
	for _, err := range Map(ctx, f, 2, count) {
		cancel()
		last = err
		blocks++
	}
	if !errors.Is(last, context.Canceled) || blocks > 6 {
		t.Errorf("after a cancel: %v, %d blocks", last, blocks)
	}
	cancelled := 0
	for _, err := range f.Rows(ctx) {
		if cancelled++; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	if cancelled != 1 {
		t.Errorf("%d rows after a cancel", cancelled)
	}
}

// TestClone: a clone outlives its row.
func TestClone(t *testing.T) {
	var kept []*Row
	for row, err := range Rows(strings.NewReader(plainChat), "x") {
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, row.Clone())
	}
	var got []byte
	for _, row := range kept {
		got = row.AppendNormal(got)
	}
	if string(got) != plainChat {
		t.Errorf("got %s", got)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }

func TestRowsNamesItsFile(t *testing.T) {
	for _, err := range Rows(io.MultiReader(strings.NewReader("{"), failing{}), "up.jsonl") {
		if err == nil || err.Error() != "reading up.jsonl: disk on fire" {
			t.Errorf("got %v", err)
		}
	}
}
