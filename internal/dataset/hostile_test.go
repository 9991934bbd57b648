package dataset

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/diag"
)

// readAll reads all of a file, in parallel, and returns the problems by rule and the number of rows without any. It fails
// when that takes more memory from the system than a line may be long and blocks may need.
func readAll(t *testing.T, f *File) (problems []Problem, fine int, err error) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	type seen struct {
		problems []Problem
		fine     int
	}
	for s, mapErr := range Map(t.Context(), f, 2, func() func(*Block) seen {
		return func(b *Block) (s seen) {
			for row := range b.Rows() {
				s.problems = append(s.problems, row.Problems...)
				if len(row.Problems) == 0 {
					s.fine++
				}
			}
			return s
		}
	}) {
		if err = mapErr; err != nil {
			break
		}
		problems = append(problems, s.problems...)
		fine += s.fine
	}
	runtime.ReadMemStats(&after)
	if more := int64(after.Sys-before.Sys) >> 20; more > 4*MaxLine>>20 {
		t.Errorf("%d MiB more memory", more)
	}
	return problems, fine, err
}

const oneChat = `{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}` + "\n"

// A line far beyond the limit is one problem, with its length, and the rows around it are read.
func TestEnormousLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "long.jsonl")
	w, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	io.WriteString(w, oneChat)
	if _, err := w.Seek(200<<20, io.SeekCurrent); err != nil { // a hole: NUL bytes that take no room
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, "\n"+oneChat); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path, "long.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	problems, fine, err := readAll(t, f)
	if err != nil || fine != 2 || len(problems) != 1 || !strings.Contains(problems[0].Message, "209715200 bytes") {
		t.Errorf("%d rows, %v, %v", fine, problems, err)
	}
}

// An archive of little that unpacks to gigabytes is refused before it has.
func TestBomb(t *testing.T) {
	for name, b := range map[string]byte{"zeros": 0, "blank lines": '\n'} {
		// Packed one after the other, archives of 8 MiB are an archive. A hundred of them are 800 MB.
		part := bytes.Repeat([]byte{b}, 8<<20)
		for kind, packed := range map[string][]byte{"gzip": zip(t, part), "zstd": zst(t, part)} {
			_, fine, err := readAll(t, openData(t, bytes.Repeat(packed, 100)))
			var m diag.Mistakes
			if !errors.As(err, &m) || m[0].Rule != "damaged-archive" || !strings.Contains(m[0].Message, "times its size") || fine > 0 {
				t.Errorf("%s, %s: %d rows, %v", name, kind, fine, err)
			}
		}
	}
}

// Data that packs well, such as a row many times, is not taken for a bomb.
func TestRepetitiveArchive(t *testing.T) {
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	block := bytes.Repeat([]byte(strings.Replace(oneChat, `"q"`, `"`+strings.Repeat("a question as people ask it, ", 40)+`"`, 1)), 1000)
	rows := 0
	for n := 0; n <= bombSize; n += len(block) {
		z.Write(block)
		rows += 1000
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if _, fine, err := readAll(t, openData(t, packed.Bytes())); err != nil || fine != rows {
		t.Errorf("%d of %d rows, %v", fine, rows, err)
	}
}

// Many levels, NUL bytes, and a file cut in the middle: a problem each, at its place.
func TestOddRows(t *testing.T) {
	data := oneChat + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + "\n" + "\x00\x00\n" +
		strings.Replace(oneChat, `"q"`, "\"q\x00\"", 1) + `{"a":` + strings.Repeat(`{"a":`, 10_000) + "\n" + oneChat[:40]
	problems, fine, err := readAll(t, openData(t, []byte(data)))
	if err != nil || fine != 1 || len(problems) != 5 {
		t.Errorf("%d rows, %v, %v", fine, problems, err)
	}
	for _, p := range problems {
		if p.Rule != "invalid-json" {
			t.Error(p)
		}
	}
}

// Millions of messages or keys on a line are one problem of it, and take little more memory than the line.
func TestMillionsOfParts(t *testing.T) {
	const n = 3_000_000
	for name, c := range map[string]struct {
		line, want string
		problems   int
	}{
		"messages":            {`{"messages":[{"role":"user","content":"q"}` + strings.Repeat(`,{}`, n) + `]}`, "more than 10000 messages", maxProblems},
		"messages after more": {`{"messages":[` + strings.Repeat(`{"role":"user","content":"q"},`, maxMessages) + ` 1` + strings.Repeat(`,{}`, n) + `]}`, "more than 10000 messages", 2},
		"keys of the row":     {`{"":0` + strings.Repeat(`,"":0`, n) + `}`, "more than 100000 keys", 1},
		"keys within":         {`{"messages":[],"tools":[{"":0` + strings.Repeat(`,"":0`, n) + `}]}`, "more than 100000 keys", 1},
	} {
		problems, fine, err := readAll(t, openData(t, []byte(c.line+"\n"+oneChat)))
		said := 0
		for _, p := range problems {
			if p.Rule == "invalid-json" && strings.Contains(p.Message, c.want) {
				said++
			}
		}
		if err != nil || fine != 1 || said != 1 || len(problems) != c.problems {
			t.Errorf("%s: %d rows, %d problems, %d times %s, %v", name, fine, len(problems), said, c.want, err)
		}
	}
	// As many as are read are no problem.
	line := `{"messages":[` + strings.Repeat(`{"role":"user","content":"q"},`, maxMessages-1) + `{"role":"assistant","content":"a"}]}`
	if problems, fine, err := readAll(t, openData(t, []byte(line))); fine != 1 || len(problems) > 0 || err != nil {
		t.Errorf("%d rows, %v, %v", fine, problems, err)
	}
}
