package diag_test

import (
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/diag"
)

func TestNearest(t *testing.T) {
	names := []string{"audit", "check", "plan", "report", "run", "schema", "serve", "step-delay", "tokens", "tune"}
	for word, want := range map[string]string{
		"tun": "tune", "tuen": "tune", "Audit": "audit", "audti": "audit", "serv": "serve", "sch": "schema", "step_delay": "step-delay",
		"fly": "", "x": "", "": "", "chekc": "check", strings.Repeat("check", 20): "",
	} {
		if got := diag.Nearest(word, names); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
