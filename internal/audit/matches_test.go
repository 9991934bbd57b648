package audit

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/zeebo/xxh3"
)

// TestMatches: the pairs are those of a plain map, whether the hashes are held in memory or lie in a file, of which
// nothing stays behind.
func TestMatches(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	r := rand.New(rand.NewPCG(3, 4))
	hashes := make([]xxh3.Uint128, 20000)
	for i := range hashes {
		hashes[i] = xxh3.Uint128{Hi: r.Uint64(), Lo: r.Uint64()}
		switch r.IntN(10) {
		case 0:
			hashes[i] = hashes[r.IntN(i+1)]
		case 1:
			hashes[i] = xxh3.Uint128{} // as good as any
		}
	}
	var want []pair
	first := map[xxh3.Uint128]int32{}
	for i, h := range hashes {
		line := int32(i + 1)
		if before, ok := first[h]; ok {
			want = append(want, pair{before, line})
		} else {
			first[h] = line
		}
	}
	for _, limit := range []int{0, 20000, 7000, 64} {
		m := matches{limit: limit}
		for i, h := range hashes {
			if err := m.add(h, int32(i+1), uint32(i)); err != nil {
				t.Fatal(err)
			}
		}
		got, err := m.pairs(func(a, b hashed) bool { return int32(a.answer) == a.line-1 && int32(b.answer) == b.line-1 })
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("limit %d: %d pairs, want %d, %v", limit, len(got), len(want), err)
		}
		if spilled := m.file != nil; spilled != (limit > 0) {
			t.Errorf("limit %d: in a file: %t", limit, spilled)
		}
		m.close()
		if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
			t.Errorf("limit %d: left behind: %v %v", limit, left, err)
		}
	}
}

// TestMatchesWithoutRoom: where no temporary file can be made, that is said.
func TestMatchesWithoutRoom(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()+"/none")
	m := matches{limit: 2}
	defer m.close()
	err := m.add(xxh3.Uint128{Lo: 1}, 1, 0)
	if err == nil {
		err = m.add(xxh3.Uint128{Lo: 2}, 2, 0)
	}
	if err == nil {
		t.Error("no error")
	}
}

// TestFoundings: what is said more than foldAbove times is said once, with every line; the rest stays as it is.
func TestFoundings(t *testing.T) {
	var s foundings
	place := []diag.Place{{File: "f", Line: 3}}
	for i := range 3000 {
		s.add(diag.Finding{Rule: "often", Line: 2*i + 1, Col: 7, Message: "the same"})
		s.add(diag.Finding{Rule: "pair", Line: i + 10, Message: "as line 3", Related: place, Lines: []int{3, i + 10}})
		if i < foldAbove {
			s.add(diag.Finding{Rule: "seldom", Line: i + 1, Message: "the same"})
		}
	}
	s.add(diag.Finding{Rule: "often", Message: "whole"})
	got := s.folded()
	if len(got) != foldAbove+3 {
		t.Fatalf("%d findings, want %d", len(got), foldAbove+3)
	}
	often, paired := got[0], got[1]
	if often.Line != 1 || often.Col != 7 || often.Message != "the same (on 3000 lines)" || len(often.Lines) != 3000 || often.Lines[2999] != 5999 {
		t.Errorf("%d:%d %s, %d lines", often.Line, often.Col, often.Message, len(often.Lines))
	}
	if paired.Line != 10 || len(paired.Lines) != 3001 || paired.Lines[0] != 3 || paired.Related != nil {
		t.Errorf("%v, %d lines", paired, len(paired.Lines))
	}
	if last := got[len(got)-1]; last.Message != "whole" || last.Line != 0 {
		t.Errorf("last %v", last)
	}
	if again := Fold(got[:1]); again[0].Message != often.Message {
		t.Errorf("folded again: %s", again[0].Message)
	}
}

// TestManyBlankLines: a few bytes of an archive may hold millions of them; they are counted, and the first are named.
func TestManyBlankLines(t *testing.T) {
	const n = maxBlank + 500
	path := filepath.Join(t.TempDir(), "blank.jsonl")
	if err := os.WriteFile(path, bytes.Repeat([]byte("\n"), n), 0o600); err != nil {
		t.Fatal(err)
	}
	res := audited(t, Input{Train: open(t, path)}, DefaultPolicy())
	lines, more := 0, false
	for _, f := range res.Findings {
		if f.Rule == "blank-line" {
			lines += len(f.Lines)
			more = more || f.Message == "500 more blank lines"
		}
	}
	if lines != maxBlank || !more || len(res.Findings) > 3 {
		t.Errorf("%d lines named in %d findings", lines, len(res.Findings))
	}
}

// TestSwapped: a file of benchmark tests given as training data is one finding of one kind, which asks the right question.
func TestSwapped(t *testing.T) {
	rows := make([]string, foldAbove+1)
	for i := range rows {
		rows[i] = fmt.Sprintf(`{"id":"t%d","input":"question %d","ideal":"yes"}`, i, i)
	}
	res := audited(t, Input{Train: data(t, rows...)}, DefaultPolicy())
	var of []diag.Finding
	for _, f := range res.Findings {
		if f.Rule != "too-few-examples" {
			of = append(of, f)
		}
	}
	if len(of) != 1 || len(of[0].Lines) != len(rows) || !strings.Contains(of[0].Hint, "swapped") {
		t.Errorf("%d findings, first %+.300v", len(of), of)
	}
}
