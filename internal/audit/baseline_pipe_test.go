//go:build unix

package audit

import (
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tunegate/tunegate/internal/diag"
)

// TestBaselinePipe: a pipe that nobody writes to is refused, and not waited for.
func TestBaselinePipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "known.jsonl")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip("no pipes here: ", err)
	}
	_, err := OpenBaseline(path, "known.jsonl")
	var m diag.Mistakes
	if !errors.As(err, &m) || m[0].Rule != "not-a-file" || !strings.Contains(m[0].Message, "is a named pipe") {
		t.Error(err)
	}
}
