package manifest

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A slip that the YAML parser stumbles over hides no other mistake, and makes up none.
func TestRescue(t *testing.T) {
	const rest = "gate: {rule: strct}\n"
	for _, c := range []struct{ name, text, want string }{
		{"tab of four, tests there", "version: 1\nagents:\n  a:\n    train: t\n\tbenchmark: {tests: x}\n" + rest, "5:1 6:14"},
		{"tab of four, tests missing", "version: 1\nagents:\n  a:\n    train: t\n\tsede: 1\n", "3:3 5:1"},
		{"tab of two", "version: 1\nagents:\n\ta:\n    train: t\n    benchmark: {tests: x, grade: exact}\n", "3:1 5:27"},
		{"tabs alone", "version: 1\nagents:\n\ta:\n\t\ttrain: t\n\t\tbenchmark: {tests: x, grade: exact}\n", "3:1 4:1 5:1 5:25"},
		{"tab and twice", "version: 1\ngate:\n\trule: point\n\trule: strict\nagents: {a: {train: t, benchmark: {tests: x}}}\n", "3:1 4:1 4:2"},
		{"tab and a bracket", "version: 1\nprofil: x\nagents:\n  a:\n    train: t\n\tseed: [1\n", "2:1 6:1 6:8"},
		{"tab that nothing explains", "version: 1\n \tx: 1\nprofil: x\n", "2:2"},
		{"bracket in a line", "version: 1\nprofil: x\nagents:\n  a:\n    train: t\n    benchmark: {tests: x\n" + rest, "2:1 6:16 7:14"},
		{"bracket over lines", "version: 1\nprofil: x\nagents:\n  a:\n    train: t\n    benchmark: {\n      tests: x,\n" + rest, "2:1 6:16"},
		{"bracket that goes on", "version: 1\nprofil: x\nagents:\n  a:\n    train: t\n    benchmark: {tests: x,\n    grader: exact\n" + rest, "2:1 6:16"},
		{"quote", "version: 1\nname: \"week\nprofile: fast\nagents: {a: {train: t, benchmark: {tests: x}, sede: 1}}\n", "2:7 3:10 4:47"},
		{"two slips", "version: 1\nname: \"week\nprofile: @fast\n" + rest + "agents: {}\n", "2:7 3:10 4:14 5:9"},
		{"the rest may hold what is missing", "version: 1\nbenchmark: {quick: 400}\nagents:\n  a:\n    train: t\n    provider: acme\n    x\n", "7:5"},
		{"so may the line itself", "version: 1\ndefaults: {provider: acme, base_model: m\nproviders: {acme: {kind: openai, api_key_env: K}\nagents:\n  a: {train: t, benchmark: {tests: x}}\n", "2:11 3:12"},
		{"no key at all", "[a\n", "1:1"},
	} {
		_, ms := Parse([]byte(c.text), "x")
		var got []string
		for _, f := range ms {
			got = append(got, strings.TrimPrefix(strings.SplitN(f.String(), ": ", 2)[0], "x:"))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: want %s, got\n%s", c.name, c.want, listing(ms))
		}
	}
}

// What is nearly a kind of provider is read as that kind, so that what it lacks is told too.
func TestNearKind(t *testing.T) {
	_, ms := Parse([]byte("version: 1\nproviders: {acme: {kind: openia}}\nagents: {a: {train: t, provider: acme, benchmark: {tests: x}}}\n"), "x")
	if got := listing(ms); len(ms) != 3 || !strings.Contains(got, "providers.acme.kind must be") || !strings.Contains(got, "providers.acme.base_url is missing") ||
		!strings.Contains(got, "agents.a.base_model is missing") {
		t.Error(got)
	}
}

// A merge key is one mistake: what it would have brought is not missing besides.
func TestMergeKey(t *testing.T) {
	_, ms := Parse([]byte("version: 1\nproviders: {acme: {kind: openai, base_url: 'https://llm.example.com/v1'}}\nagents:\n"+
		"  a: &a {train: t, benchmark: {tests: x}, provider: acme, base_model: m}\n  b: {<<: *a, provider: acme}\n  c: {<<: *a}\n"), "x")
	if got := listing(ms); len(ms) != 2 || strings.Count(got, "[merge-key]") != 2 || !strings.Contains(got, "alias") {
		t.Error(got)
	}
}

// A named pipe, which nobody writes to, is called what it is.
func TestPipe(t *testing.T) {
	root := realPath(t.TempDir())
	write(t, root, map[string]string{"tests.jsonl": "{}\n", "tunegate.yaml": "version: 1\nagents: {a: {train: pipe.jsonl, benchmark: {tests: tests.jsonl}}}\n"})
	if err := syscall.Mkfifo(filepath.Join(root, "pipe.jsonl"), 0o600); err != nil {
		t.Skipf("no named pipe here: %v", err)
	}
	_, err := Load(filepath.Join(root, "tunegate.yaml"), root)
	if err == nil || !strings.Contains(err.Error(), `agents.a.train: "pipe.jsonl": a named pipe, not a regular file`) {
		t.Error(err)
	}
}
