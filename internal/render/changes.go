package render

import (
	"fmt"
	"strings"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/manifest"
)

// shownChanges is how many changes of a kind a page lists; report.json has all. shownChange is how much of one, in columns.
const (
	shownChanges = 5
	shownChange  = 160
)

// changes lists how the manifest of a pull request differs from the base branch's, first what counts at once: a reviewer must see a weaker
// base model or an agent that is gone, which make a pass worth less.
func changes(b *strings.Builder, found []diag.Finding) {
	tell := func(title string, later bool) {
		n := 0
		for _, f := range found {
			if (f.Rule == manifest.PolicyChange) != later {
				continue
			}
			if n == 0 {
				fmt.Fprintf(b, "\n### %s\n\n", title)
			}
			if n++; n <= shownChanges {
				fmt.Fprintf(b, "- %s\n", clipped(f.Message, shownChange))
			}
		}
		if n > shownChanges {
			fmt.Fprintf(b, "- and %d more\n", n-shownChanges)
		}
	}
	tell("Look at these changes", false)
	tell("Not before the merge", true)
}
