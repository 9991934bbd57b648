package swebench

import "os/exec"

// group leaves the command as it is: the harness runs on Linux and macOS.
func group(*exec.Cmd) {}
