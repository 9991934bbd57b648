package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/tunegate/tunegate/internal/diag"
)

// However many findings there are, and however many goroutines write them: each stands once, in order, in one JSON document.
func TestAuditJSON(t *testing.T) {
	for _, n := range []int{0, 1, 255, 256, 257, 3000} {
		var a audited
		for i := range n {
			a.Findings = append(a.Findings, diag.Finding{Rule: "exact-duplicate", Severity: diag.Warning, File: "train.jsonl", Line: i + 1, Message: "a \"copy\""})
		}
		var b bytes.Buffer
		if err := a.writeJSON(&b); err != nil {
			t.Fatal(err)
		}
		var got struct{ Findings []diag.Finding }
		if err := json.Unmarshal(b.Bytes(), &got); err != nil {
			t.Fatalf("%d findings: %v in %s", n, err, b.Bytes())
		}
		if len(got.Findings) != n {
			t.Errorf("%d of %d findings", len(got.Findings), n)
		}
		for i, f := range got.Findings {
			if f.Line != i+1 {
				t.Fatalf("of %d findings, number %d is that of line %d", n, i, f.Line)
			}
		}
		if err := a.writeJSON(full{}); !errors.Is(err, errFull) {
			t.Errorf("%d findings to a full disk: %v", n, err)
		}
	}
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
