package audit

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDocumented: docs/audit.md names every rule and every placeholder.
func TestDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "audit.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range Rules() {
		names := []string{r.Name}
		if p := placeholderOf(r.Name); p != "" {
			names = append(names, p)
		}
		for _, name := range names {
			if !strings.Contains(string(text), "`"+name+"`") {
				t.Errorf("docs/audit.md does not name %s", name)
			}
		}
	}
}
