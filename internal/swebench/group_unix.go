//go:build unix

package swebench

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// group gives the command a process group of its own, and has its context end all of it.
func group(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error {
		err := syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
		if errors.Is(err, syscall.ESRCH) {
			return os.ErrProcessDone
		}
		return err
	}
}
