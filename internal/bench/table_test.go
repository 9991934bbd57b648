package bench

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tunegate/tunegate/internal/results"
)

func TestTable(t *testing.T) {
	var b bytes.Buffer
	if err := WriteTable(&b, []Sample{
		{Test: "t1", Arm: "base", Answer: "=HYPERLINK(\"http://x\")", Latency: 1234567 * time.Microsecond, InputTokens: 10, OutputTokens: 2, Cached: true},
		{Test: "t1", Arm: "tuned", Answer: "billing, two\nlines \"quoted\"", Score: 1, Note: "+1", Latency: time.Second, Refused: 3},
		{Test: "-t2", Arm: "base", Answer: "\x1b[31mred\x00", Score: 0.25},
		{Test: "-t2", Arm: "tuned", Error: "@nobody answered"},
	}, Mean); err != nil {
		t.Fatal(err)
	}
	const want = `id,arm,score,answer,note,error,latency_seconds,input_tokens,output_tokens,refused,cached
t1,base,0,"'=HYPERLINK(""http://x"")",,,1.235,10,2,0,true
t1,tuned,1,"billing, two
lines ""quoted""",'+1,,1.000,0,0,3,false
'-t2,base,0.25,�[31mred�,,,0.000,0,0,0,false
'-t2,tuned,,,,'@nobody answered,0.000,0,0,0,false
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// tunegate gate reads what a benchmark leaves: the score of each test that counts, and which ones failed.
func TestTableIsAResultFile(t *testing.T) {
	p := newPlan(t, 12, answers(right))
	p.Repeats = 3
	samples, err := Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	for i := range samples {
		s := &samples[i]
		if s.Answer = "multi\r\n\"line\"\n, \x00\xff=" + s.Answer; s.Repeat == 1 {
			s.Score = 0
		}
		if s.Test == "t5" && s.Arm == "tuned" && s.Repeat == 2 {
			s.Error = "no answer\nat all"
		}
	}
	for r, want := range map[Reducer]float64{Mean: 2.0 / 3, Majority: 1, Any: 1} {
		var b bytes.Buffer
		if err := WriteTable(&b, samples, r); err != nil {
			t.Fatal(err)
		}
		for arm, n := range map[string]int{"base": 12, "tuned": 11, "base-2": 12, "tuned-3": 11} {
			f, err := results.Parse(bytes.NewReader(b.Bytes()), "samples.csv", results.Options{Arm: arm})
			if err != nil || len(f.Scores) != n || len(f.Failed) != 12-n || n == 11 && f.Failed[0] != "t5" {
				t.Errorf("%s, %s: %v, %d scores, failed %q", r, arm, err, len(f.Scores), f.Failed)
				continue
			}
			if arm == "base" && f.Scores[0].Value != want {
				t.Errorf("%s: score %v, want %v", r, f.Scores[0].Value, want)
			}
		}
	}
}

// Whatever a model says is one cell, of bounded length, that no spreadsheet runs and every reader reads.
func FuzzTable(f *testing.F) {
	for _, s := range []string{"", "=1+1", "\t=1", "\r\n-", "a\x00b", "\xff\xfe", strings.Repeat("é", 3000), "＝1", "'", "\"", "+", "@SUM(A1)", "\u200b=1", "\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var b bytes.Buffer
		if err := WriteTable(&b, []Sample{{Test: "t", Arm: "base", Answer: s, Score: 1}}, Mean); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&b).ReadAll()
		if err != nil || len(rows) != 2 || len(rows[1]) != 11 {
			t.Fatalf("%v, rows %q", err, rows)
		}
		got := rows[1][3]
		if !utf8.ValidString(got) || len(got) > 3*shownAnswer+10 || got != "" && strings.ContainsAny(got[:1], "=+-@\t\r\n") {
			t.Errorf("%q became %q", s, got)
		}
	})
}
