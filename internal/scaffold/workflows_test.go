package scaffold

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/manifest"
)

const keyed = `version: 1
providers:
  acme: {kind: openai, base_url: 'https://llm.example.com/v1', api_key_env: ACME_API_KEY}
  other: {kind: openai, base_url: 'https://other.example.com:8443/v1', api_key_env: OTHER_KEY}
agents:
  a: {train: t.jsonl, benchmark: {tests: b.jsonl, grader: exact}}
`

func TestWorkflows(t *testing.T) {
	for name, text := range map[string]string{
		"keyed": keyed,
		"local": "version: 1\nagents:\n  a: {train: t.jsonl, benchmark: {tests: b.jsonl, grader: exact}}\n",
	} {
		m, mistakes := manifest.Parse([]byte(text), "tunegate.yaml")
		if len(mistakes) > 0 {
			t.Fatal(mistakes)
		}
		path := ""
		if name == "keyed" {
			path = "ml/my agents.yaml"
		}
		all := Workflows(m, path)
		dir := t.TempDir()
		var files []string
		for _, w := range all {
			golden := filepath.Join("testdata", "workflows", name, w.Name)
			if *update {
				if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(golden, []byte(w.Text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil || string(want) != w.Text {
				t.Errorf("%s differs from its golden file (%v):\n%s", golden, err, w.Text)
			}
			file := filepath.Join(dir, w.Name)
			if err := os.WriteFile(file, []byte(w.Text), 0o644); err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
			for line := range strings.Lines(w.Text) {
				if uses, ok := strings.CutPrefix(strings.TrimSpace(line), "- uses: "); ok && !strings.HasPrefix(uses, "tunegate/") && !strings.Contains(uses, "@11bd71901bbe5b1630ceea73d27597364c9af683 # v") {
					t.Errorf("%s: not pinned by SHA: %s", w.Name, uses)
				}
			}
		}
		if lint := os.Getenv("TUNEGATE_ACTIONLINT"); lint != "" {
			if out, err := exec.Command(lint, files...).CombinedOutput(); err != nil {
				t.Errorf("actionlint: %v\n%s", err, out)
			}
		}
	}
}
