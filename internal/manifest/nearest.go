package manifest

import (
	"fmt"

	"github.com/tunegate/tunegate/internal/diag"
)

// didYouMean names the one of names that a slip of the fingers would turn into word, as the start of a hint; empty
// when none is near.
func didYouMean(word string, names []string) string {
	if best := diag.Nearest(word, names); best != "" {
		return fmt.Sprintf("did you mean %s? ", best)
	}
	return ""
}
