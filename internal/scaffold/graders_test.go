package scaffold

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/grade"
)

// TestGradersAreListed: a new manifest and the README name every grader.
func TestGradersAreListed(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	proposed := string(Proposal{}.Manifest())
	for _, name := range grade.Names() {
		if !strings.Contains(string(readme), "`"+name+"`") {
			t.Errorf("the README does not name the grader %s", name)
		}
		if !regexp.MustCompile(`[ ,]` + name + `[,\n]`).MatchString(proposed) {
			t.Errorf("a new manifest does not name the grader %s", name)
		}
	}
}
