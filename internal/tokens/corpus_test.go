package tokens

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// The corpus: 100,000 chat rows, with counts by the official tokenizer, in the folder that TUNEGATE_TESTDATA names.
const corpusFile, corpusCounts = "data/corpus-100k.jsonl.gz", "data/corpus-100k.tokens.json"

func corpusPath(tb testing.TB, name string) string {
	folder := os.Getenv("TUNEGATE_TESTDATA")
	if folder == "" {
		tb.Skip("TUNEGATE_TESTDATA is not set: no corpus to count")
	}
	return filepath.Join(folder, name)
}

var corpusOnce = sync.OnceValues(func() ([][]string, error) {
	f, err := os.Open(filepath.Join(os.Getenv("TUNEGATE_TESTDATA"), corpusFile))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for lines := bufio.NewReader(unzipped); ; {
		line, err := lines.ReadBytes('\n')
		if len(line) == 0 {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		var row struct{ Messages []struct{ Content string } }
		if err := json.Unmarshal(line, &row); err != nil {
			return nil, err
		}
		var contents []string
		for _, m := range row.Messages {
			contents = append(contents, m.Content)
		}
		rows = append(rows, contents)
	}
})

// corpus returns the message contents of every row.
func corpus(tb testing.TB) [][]string {
	corpusPath(tb, corpusFile)
	rows, err := corpusOnce()
	if err != nil {
		tb.Fatal(err)
	}
	return rows
}

func TestCorpus(t *testing.T) {
	var want struct {
		Rows  int
		O200k int      `json:"o200k_base_total"`
		Cl100 int      `json:"cl100k_base_total_first_20000_rows"`
		First [][2]int `json:"first_2000_rows_o200k_cl100k"`
	}
	text, err := os.ReadFile(corpusPath(t, corpusCounts))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	rows := corpus(t)
	if len(rows) != want.Rows || len(want.First) != 2000 {
		t.Fatalf("%d rows and %d counts by row, want %d and 2000", len(rows), len(want.First), want.Rows)
	}
	for at, c := range []struct {
		name        string
		rows, total int
	}{{"o200k_base", want.Rows, want.O200k}, {"cl100k_base", 20_000, want.Cl100}} {
		counter, total := newCounter(t, c.name), 0
		for i, row := range rows[:c.rows] {
			n := 0
			for _, content := range row {
				n += counter.CountString(content)
			}
			if i < len(want.First) && n != want.First[i][at] {
				t.Errorf("%s: row %d has %d tokens, want %d", c.name, i+1, n, want.First[i][at])
			}
			total += n
		}
		if total != c.total {
			t.Errorf("%s: %d tokens in the first %d rows, want %d", c.name, total, c.rows, c.total)
		}
	}
}

// Throughput on one core over the whole corpus, from an empty cache each time.
func BenchmarkCorpus(b *testing.B) {
	for _, name := range names() {
		b.Run(name, func(b *testing.B) {
			rows, size := corpus(b), int64(0)
			for _, row := range rows {
				for _, content := range row {
					size += int64(len(content))
				}
			}
			b.SetBytes(size)
			e := load(b, name)
			for b.Loop() {
				c := e.NewCounter(size)
				for _, row := range rows {
					for _, content := range row {
						c.CountString(content)
					}
				}
			}
		})
	}
}

func load(tb testing.TB, name string) *Encoding {
	tb.Helper()
	e, err := Load(name)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

func newCounter(tb testing.TB, name string) *Counter {
	tb.Helper()
	return load(tb, name).NewCounter(1 << 30)
}
