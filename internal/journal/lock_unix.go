//go:build unix

package journal

import (
	"errors"
	"os"
	"syscall"
)

// lock takes the exclusive lock of f without waiting. The kernel drops it when the process dies.
func lock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}
