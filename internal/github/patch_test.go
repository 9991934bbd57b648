package github

import (
	"slices"
	"testing"
)

func TestAddedLines(t *testing.T) {
	for _, c := range []struct {
		name, patch string
		want        []int
		ok          bool
	}{
		{"nothing", "", nil, true},
		{"a new file", "@@ -0,0 +1,3 @@\n+a\n+b\n+c", []int{1, 2, 3}, true},
		{"one line", "@@ -0,0 +1 @@\n+a\n\\ No newline at end of file", []int{1}, true},
		{"two hunks", "@@ -1,3 +1,4 @@ func x\n a\n+b\n c\n d\n@@ -10,2 +11,3 @@\n k\n+l\n m", []int{2, 12}, true},
		{"replaced", "@@ -5,3 +5,3 @@\n a\n-b\n+B\n c", []int{6}, true},
		{"lines that look like a head", "@@ -1 +1,3 @@\n-@@ -1 +1 @@\n+@@ -1 +900 @@\n+-x\n++y", []int{1, 2, 3}, true},
		{"an empty context line", "@@ -1,2 +1,3 @@\n\n+b\n c", []int{2}, true},
		{"cut at the end", "@@ -0,0 +1,3 @@\n+a\n+b", []int{1, 2}, false},
		{"cut within", "@@ -0,0 +1,3 @@\n+a\n@@ -9,0 +9,1 @@\n+b", nil, false},
		{"more than was said", "@@ -0,0 +1,1 @@\n+a\n+b", nil, false},
		{"backwards", "@@ -9 +9 @@\n+a\n@@ -1 +1 @@\n+b", nil, false},
		{"no head", "+a\n+b", nil, false},
		{"binary", "GIT binary patch", nil, false},
		{"numbers too large", "@@ -1 +99999999999999999999,1 @@\n+a", nil, false},
		{"line 0", "@@ -0,0 +0,1 @@\n+a", nil, false},
		{"another sign", "@@ -1 +1,2 @@\n+a\n*b", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := addedLines(c.patch)
			if !slices.Equal(got, c.want) || ok != c.ok {
				t.Errorf("%v, %t, want %v, %t", got, ok, c.want, c.ok)
			}
		})
	}
}

// Whatever a patch says, the numbers ascend from 1, and there are no more of them than lines.
func FuzzAddedLines(f *testing.F) {
	f.Add("@@ -1,3 +1,4 @@ func x\n a\n+b\n c\n d\n@@ -10,2 +11,3 @@\n k\n+l\n m")
	f.Add("@@ -0,0 +0,0 @@\n+a")
	f.Fuzz(func(t *testing.T, patch string) {
		got, _ := addedLines(patch)
		if len(got) > len(patch) || !slices.IsSorted(got) || len(got) != len(slices.Compact(slices.Clone(got))) || len(got) > 0 && got[0] < 1 {
			t.Errorf("%v", got)
		}
	})
}
