package diag

import "testing"

func TestBelow(t *testing.T) {
	for _, c := range [][3]string{
		{"agents", "data/train.jsonl", "agents/data/train.jsonl"}, {".", "data/train.jsonl", "data/train.jsonl"}, {"", "train.jsonl", "train.jsonl"}, {"a/b", "../shared/t.jsonl", "a/shared/t.jsonl"},
		{"agents", "/tmp/t.jsonl", "/tmp/t.jsonl"}, {"agents", "", ""}, {"../outside", "t.jsonl", "t.jsonl"}, {"/etc", "t.jsonl", "t.jsonl"},
	} {
		in := []Finding{{File: c[1], Related: []Place{{File: c[1], Line: 2}}}}
		if got := Below(c[0], in)[0]; got.File != c[2] || got.Related[0].File != c[2] {
			t.Errorf("%q below %q is %q and %q, want %q", c[1], c[0], got.File, got.Related[0].File, c[2])
		}
		if in[0].File != c[1] || in[0].Related[0].File != c[1] {
			t.Errorf("the finding itself became %v", in[0])
		}
	}
}
