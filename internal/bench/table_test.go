package bench

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tunegate/tunegate/internal/results"
)

func TestTable(t *testing.T) {
	records := Records("desk", "full", []Sample{
		{Test: "t1", Arm: "base", Answer: "=HYPERLINK(\"http://x\")", Latency: 1234567 * time.Microsecond, InputTokens: 10, OutputTokens: 2, Cached: true},
		{Test: "t1", Arm: "tuned", Answer: "billing, two\nlines \"quoted\"", Score: 1, Note: "+1", Latency: time.Second, Refused: 3},
		{Test: "-t2", Arm: "base", Answer: "\x1b[31mred\x00", Score: 0.25},
		{Test: "-t2", Arm: "tuned", Error: "@nobody answered"},
	}, Mean)
	var b bytes.Buffer
	if err := WriteTable(&b, records); err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(`leg,phase,arm,test,repeat,score,latency_seconds,input_tokens,output_tokens,refused,cached,answer,note,error
desk,full,base,t1,,0,1.235,10,2,0,true,"'=HYPERLINK(""http://x"")",,
desk,full,tuned,t1,,1,1.000,0,0,3,false,"billing, two
lines ""quoted""",'+1,
desk,full,base,'-t2,,0.25,0.000,0,0,0,false,�[31mred�,,
desk,full,tuned,'-t2,,,0.000,0,0,0,false,,,'@nobody answered
`, "\n", "\r\n")
	if b.String() != want {
		t.Errorf("got\n%q\nwant\n%q", b.String(), want)
	}

	read, err := ReadTable(bytes.NewReader(b.Bytes()))
	if err != nil || len(read) != 4 || read[0].Latency != 1235*time.Millisecond || read[3].Error != "'@nobody answered" || read[1].Score != 1 || !read[0].Cached {
		t.Errorf("%v, %+v", err, read)
	}
	var again bytes.Buffer
	if err := WriteTable(&again, read); err != nil || again.String() != want {
		t.Errorf("%v; written again it is\n%s", err, again.String())
	}
}

// What is no table of answers is an error with its line, never a guess.
func TestTableRefuses(t *testing.T) {
	head := strings.Join(header(), ",") + "\n"
	for in, want := range map[string]string{
		"": "header", "id,score\na,1\n": "header", head + "desk,full,base\n": "wrong number of fields", head + "d,full,base,t,,high,0,0,0,0,false,,,\n": `line 2: "high"`,
		head + "d,full,base,t,,NaN,0,0,0,0,false,,,\n": "line 2", head + "d,full,base,t,,2,0,0,0,0,false,,,\n": "line 2", head + "d,full,base,t,-1,1,0,0,0,0,false,,,\n": "line 2",
		head + "d,full,base,t,,1,-1,0,0,0,false,,,\n": "line 2", head + "d,full,base,t,,1,0,0,0,0,perhaps,,,\n": "line 2", head + "d,full,base,t,,,0,0,0,0,false,,,\n": "line 2", head + "d,\"full": "",
	} {
		if got, err := ReadTable(strings.NewReader(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v", in, err, got)
		}
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
		// An earlier phase does not count, and another leg is another table.
		records := append(Records("desk", "trial", samples[:12], r), Records("desk", "full", samples, r)...)
		records = append(records, Records("other", "full", samples[:6], r)...)
		var b bytes.Buffer
		if err := WriteTable(&b, records); err != nil {
			t.Fatal(err)
		}
		for arm, n := range map[string]int{"base": 12, "tuned": 11} {
			f, err := results.Parse(bytes.NewReader(b.Bytes()), "samples.csv", results.Options{Arm: arm, Leg: "desk"})
			if err != nil || len(f.Scores) != n || len(f.Failed) != 12-n || n == 11 && f.Failed[0] != "t5" {
				t.Errorf("%s, %s: %v, %d scores, failed %q", r, arm, err, len(f.Scores), f.Failed)
				continue
			}
			if arm == "base" && f.Scores[0].Value != want {
				t.Errorf("%s: score %v, want %v", r, f.Scores[0].Value, want)
			}
		}
		for leg, want := range map[string]string{"": "desk, other", "nobody": "nobody"} {
			if _, err := results.Parse(bytes.NewReader(b.Bytes()), "samples.csv", results.Options{Arm: "base", Leg: leg}); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("leg %q: %v", leg, err)
			}
		}
	}
}

// Whatever a model says is one cell, of bounded length, that no spreadsheet runs and every reader reads; written again it is the same.
func FuzzTable(f *testing.F) {
	for _, s := range []string{"", "=1+1", "\t=1", "\r\n-", "a\x00b", "\xff\xfe", strings.Repeat("é", 3000), strings.Repeat("-é", 3000), "＝1", "'", "\"", "+", "@SUM(A1)", "\u200b=1", "\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var b bytes.Buffer
		if err := WriteTable(&b, []Record{{Leg: "desk", Phase: "full", Sample: Sample{Test: "t", Arm: "base", Answer: s, Score: 1}}}); err != nil {
			t.Fatal(err)
		}
		rows, err := ReadTable(bytes.NewReader(b.Bytes()))
		if err != nil || len(rows) != 1 {
			t.Fatalf("%v, rows %+v", err, rows)
		}
		got := rows[0].Answer
		if !utf8.ValidString(got) || len(got) > 3*shownAnswer+10 || got != "" && strings.ContainsAny(got[:1], "=+-@\t\r\n") {
			t.Errorf("%q became %q", s, got)
		}
	})
}
