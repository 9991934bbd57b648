package swebench

import (
	"strings"
	"testing"
)

const change = "--- a/x.py\n+++ b/x.py\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"

func TestPatch(t *testing.T) {
	other := strings.ReplaceAll(change, "x.py", "y.py")
	markdown := "--- a/README.md\n+++ b/README.md\n@@ -1,4 +1,4 @@\n ```sh\n-a\n+b\n ```\n x\n"
	for _, x := range []struct{ name, answer, want string }{
		{"plain", change, change},
		{"plain, as git writes it", "diff --git a/x.py b/x.py\nindex 1..2 100644\n" + change, "diff --git a/x.py b/x.py\nindex 1..2 100644\n" + change},
		{"no line break at the end", strings.TrimSuffix(change, "\n"), change},
		{"after prose", "Here it is:\n\n" + change, change},
		{"two files", change + other, change + other},
		{"new file", "--- /dev/null\n+++ b/n.py\n@@ -0,0 +1 @@\n+n\n", "--- /dev/null\n+++ b/n.py\n@@ -0,0 +1 @@\n+n\n"},
		{"diff fence", "So:\n```diff\n" + change + "```\nDone.", change},
		{"patch fence", "```patch\n" + change + "```", change},
		{"long fence", "````diff\n" + change + "````\n", change},
		{"fence without an end", "```diff\n" + change, change},
		{"fence without a name", "```\n" + change + "```", change},
		{"marked before unmarked", "```python\n" + other + "```\n```diff\n" + change + "```", change},
		{"code before the patch", "```python\nb = 1\n```\nthen\n```diff\n" + change + "```", change},
		{"fence of one line", "```diff``` is this:\n```diff\n" + change + "```", change},
		{"fences within the patch", "```diff\n" + markdown + "```\n", markdown},
		{"tag", "<patch>\n" + change + "</patch> and more", change},
		{"diff tag", "<diff>" + change + "</diff>", change},
		{"tag before a fence", "```diff\n" + other + "```\n<patch>" + change + "</patch>", change},
		{"fence in a tag", "<patch>\n```diff\n" + change + "```\n</patch>", change},
		{"tag in prose", "I put it between <patch> and </patch>:\n<patch>\n" + change + "</patch>", change},
		{"tag without an end", "<patch>\n" + change, change},
		{"first of two", "<patch>" + change + "</patch><patch>" + other + "</patch>", change},
		{"CRLF", strings.ReplaceAll("```diff\n"+change+"```\n", "\n", "\r\n"), change},
		{"CRLF of the changed file", strings.ReplaceAll(change, "b\n", "b\r\n"), strings.ReplaceAll(change, "b\n", "b\r\n")},
		{"blank context at the end", change + "\n", change + "\n"},

		{"empty", "", ""},
		{"prose", "I cannot do that.", ""},
		{"code", "```python\n- a\n+ b\n```", ""},
		{"no hunk", "--- a/x.py\n+++ b/x.py\n", ""},
		{"hunk without a change", "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n a\n", ""},
		{"hunk without a file", "@@ -1 +1 @@\n-a\n+b\n", ""},
		{"half a header", "--- a/x.py\n@@ -1 +1 @@\n-a\n+b\n", ""},
		{"a table and a list", "--- | ---\n+++ x\n- a\n+ b\n", ""},
		{"endless", change + strings.Repeat("+x\n", maxPatch/3), ""},
	} {
		if got := Patch(x.answer); got != x.want {
			t.Errorf("%s: got %q, want %q", x.name, got, x.want)
		}
	}
}

func FuzzPatch(f *testing.F) {
	for _, s := range []string{change, "```diff\n" + change + "```", "<patch>\n```\n" + change, "diff --git a b\r\n" + change, "--- \n+++ \n@@ -1 +1 @@\n-", "`````"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		patch := Patch(answer)
		if patch == "" {
			return
		}
		if !strings.HasSuffix(patch, "\n") || !strings.Contains(patch, "\n@@ -") || len(patch) > maxPatch ||
			!strings.HasPrefix(patch, "--- ") && !strings.HasPrefix(patch, "diff --git ") {
			t.Fatalf("%q from %q", patch, answer)
		}
		if again := Patch(patch); again == "" {
			t.Fatalf("%q is no patch any more", patch)
		}
	})
}
