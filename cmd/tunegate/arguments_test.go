package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a person names by mistake is a mistake on the command line, whatever the command: exit code 2, what is wrong, and
// the command that fits.
func TestArguments(t *testing.T) {
	t.Chdir(t.TempDir())
	const minimal = "version: 1\nagents: {a: {train: data.jsonl, benchmark: {tests: tests.jsonl}}}\n"
	for name, text := range map[string]string{
		"bare/x.txt": "", "typo/tuengate.yaml": minimal, "short/tunegate.yml": minimal,
		"whole/tunegate.yaml": minimal, "whole/data.jsonl": "{}\n", "whole/tests.jsonl": "{}\n", "whole/README.md": "# x\n", "whole/old.jsonl.gz": "x", "whole/folder.yaml/x": "",
		"hub/.github/tunegate.yaml": strings.NewReplacer("data.", "../data.", "tests.", "../tests.").Replace(minimal), "hub/data.jsonl": "{}\n", "hub/tests.jsonl": "{}\n",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args string
		code int
		want string // in what is said
	}{
		{"check whole", exitPass, filepath.Join("whole", "tunegate.yaml") + ": no problem"},
		{"check hub", exitPass, filepath.Join("hub", ".github", "tunegate.yaml") + ": no problem"},
		{"check whole/tunegate.yaml", exitPass, "no problem"},
		{"check", exitUsage, "there is no tunegate.yaml here, nor in .github\ntunegate: hint: tunegate init proposes one\n"},
		{"check .", exitUsage, "there is no tunegate.yaml here, nor in .github\n"},
		{"check bare", exitUsage, "there is no tunegate.yaml in bare, nor in bare/.github\ntunegate: hint: tunegate init bare proposes one\n"},
		{"check short", exitUsage, "hint: did you mean short/tunegate.yml? tunegate init"},
		{"check typo", exitUsage, "hint: did you mean typo/tuengate.yaml? tunegate init"},
		{"check typo/tunegate.yaml", exitUsage, "there is no manifest typo/tunegate.yaml\ntunegate: hint: did you mean typo/tuengate.yaml? tunegate init proposes one\n"},
		{"check nosuch.yaml", exitUsage, "there is no manifest nosuch.yaml\ntunegate: hint: tunegate init proposes one\n"},
		{"check nosuch/x.yaml", exitUsage, "there is no manifest nosuch/x.yaml\n"},
		{"check whole/README.md/x.yaml", exitUsage, "there is no manifest"},
		{"check whole/data.jsonl", exitUsage, "whole/data.jsonl is a data file, not a manifest\ntunegate: hint: tunegate audit whole/data.jsonl checks it; "},
		{"check whole/old.jsonl.gz", exitUsage, "is a data file"},
		{"check whole/README.md", exitUsage, "whole/README.md is not a manifest\ntunegate: hint: a manifest is a .yaml file"},
		{"check whole/folder.yaml", exitUsage, "there is no tunegate.yaml in whole/folder.yaml"},
		{"plan whole/data.jsonl", exitUsage, "is a data file, not a manifest"},
		{"plan nosuch.yaml", exitUsage, "there is no manifest nosuch.yaml"},
		{"run bare", exitUsage, "there is no tunegate.yaml in bare"},
		{"tune --leg a whole/README.md", exitUsage, "is not a manifest"},
		{"audit nosuch.yaml", exitUsage, "there is no manifest nosuch.yaml"},
		{"init nosuch", exitUsage, "nosuch"},
		{"init whole/data.jsonl", exitUsage, "is a file, not a folder"},
		{"report nosuch", exitUsage, "there is no report"},
		{"help run extra", exitUsage, "help takes one command, not 2\ntunegate: hint: tunegate help run\n"},
		{"--version extra", exitUsage, "version takes no argument"},
		{"-v", exitPass, "tunegate "},
		{"--version", exitPass, "tunegate "},
	} {
		var said bytes.Buffer
		code := run(t.Context(), strings.Fields(c.args), func(string) string { return "" }, nil, &said, &said)
		if code != c.code || !strings.Contains(said.String(), filepath.FromSlash(c.want)) {
			t.Errorf("tunegate %s: exit %d, want %d with %q:\n%s", c.args, code, c.code, c.want, said.String())
		}
	}
}
