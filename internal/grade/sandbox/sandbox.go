// Package sandbox runs a program that nobody has looked at, such as one that a model wrote. The program sees the system's own
// programs and libraries, read-only, the folders that it is given, read-only, and an empty folder that it may write to and that
// is gone afterwards; no other file, no network, no other process, no variable of the environment, and bounded memory, time,
// processes and output.
//
// It does so with what Linux gives a user without privileges: namespaces, resource limits and a filter of system calls
// (user_namespaces(7), pid_namespaces(7), seccomp(2), pivot_root(2)). Where these are not to be had, Open says so and nothing
// is run: there is no weaker way. It is no defence against errors of the kernel itself.
package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Work is the folder that a program may write to, and where its Files are.
const Work = "/tunegate"

// Program is what to run.
type Program struct {
	Args   []string          // the program, absolute or to be found in /usr/bin, /bin, /usr/local/bin, and its arguments
	Files  map[string]string // texts by plain names, in Work
	Stdin  string
	Read   []string // folders, absolute, that it may read besides the system's
	Hide   []string // paths within those that it finds empty
	Dir    string   // where it starts: Work when empty, or within one of Read
	Limits Limits
}

// Limits bound a program. A zero limit is the smallest there is, not none.
type Limits struct {
	CPU       time.Duration // all of its processes that have ended, and each that runs; whole seconds, at least one
	Clock     time.Duration
	Memory    int64 // bytes of address space of each process
	Processes int   // at a time, threads included, at least one
	Disk      int64 // bytes in Work
}

// mostOutput is how much of standard output and of standard error is kept: their ends.
const mostOutput = 64 << 10

// Result is how a program went.
type Result struct {
	Exit           int    // -1 when it was ended
	Ended          string // why it was ended before its own end; empty: it was not
	Stdout, Stderr string // their last 64 KiB
}

// Unavailable says why programs cannot be contained here.
type Unavailable struct{ Reason string }

func (u *Unavailable) Error() string { return "programs cannot be contained here: " + u.Reason }

// Box runs programs. It is safe for concurrent use.
type Box struct{}

// Open tries whether programs can be contained here and whether the containment holds. The error is *Unavailable if not.
func Open(ctx context.Context) (*Box, error) {
	b := &Box{}
	// The inner side checks files, network and privileges itself before each program; what is left are the processes.
	r, err := b.Run(ctx, Program{Args: []string{"/bin/sh", "-c", "echo begun; (echo forked)"},
		Limits: Limits{CPU: 5 * time.Second, Clock: 20 * time.Second, Memory: 256 << 20, Processes: 1, Disk: 1 << 20}})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		var u *Unavailable
		if errors.As(err, &u) {
			return nil, u
		}
		return nil, &Unavailable{err.Error()}
	case !strings.HasPrefix(r.Stdout, "begun"):
		return nil, &Unavailable{fmt.Sprintf("a trial program did not run: %s %.200s", r.Ended, r.Stderr)}
	case strings.Contains(r.Stdout, "forked"):
		return nil, &Unavailable{"the limit on processes does not hold"}
	}
	return b, nil
}

// tail keeps the last bytes that are written to it.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	if len(p) > mostOutput {
		p = p[len(p)-mostOutput:]
	}
	if len(t.b)+len(p) > 2*mostOutput {
		t.b = append(t.b[:0], t.b[len(t.b)-mostOutput:]...)
	}
	t.b = append(t.b, p...)
	return n, nil
}

func (t *tail) String() string {
	b := t.b[max(0, len(t.b)-mostOutput):]
	return string(bytes.ToValidUTF8(b, []byte("\ufffd")))
}
