//go:build amd64 || arm64

package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// innerName is what the program is called, as its own first argument, on the inner side.
const innerName = "tunegate-sandbox"

// The inner side's files: where it reports, and where it reads what to do.
const (
	reportFD = 3
	orderFD  = 4
)

// ready is reported when all is done but to become the program.
const ready = "ready"

// mistake begins a report that the program itself cannot be run, though others could.
const mistake = "program: "

// order is what the inner side is told.
type order struct {
	Program
	Switch bool // to another user, which only the system's own root has to
}

// Main must be called first thing in main, and in TestMain of tests that run programs: the program starts itself anew to
// prepare the inside of a sandbox. In any other process it returns at once.
func Main() {
	if len(os.Args) > 0 && os.Args[0] == innerName {
		inner()
	}
}

// Run runs a program to its end, or to that of ctx, and leaves nothing of it behind. What the program does wrong is in the
// Result; an error means that it was not run as it should be: *Unavailable where no program can be.
func (b *Box) Run(ctx context.Context, p Program) (Result, error) {
	if err := p.check(); err != nil {
		return Result{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, p.Limits.Clock, errClock)
	defer cancel()
	report, reportIn, err := os.Pipe()
	if err != nil {
		return Result{}, err
	}
	defer report.Close()
	orderOut, orders, err := os.Pipe()
	if err != nil {
		reportIn.Close()
		return Result{}, err
	}
	defer orders.Close()

	var stdout, stderr tail
	root := os.Geteuid() == 0
	// The second argument keeps a test program that does not call Main from running its tests in there.
	cmd := exec.CommandContext(ctx, "/proc/self/exe")
	cmd.Args = []string{innerName, "-test.run=^$"}
	cmd.Env = []string{"GOMAXPROCS=1", "GODEBUG="}
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.ExtraFiles = []*os.File{reportIn, orderOut}
	cmd.WaitDelay = 5 * time.Second
	cmd.SysProcAttr = attributes(root)

	// The signal on the parent's death follows the thread that started the process, so it must stay.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err = cmd.Start()
	reportIn.Close()
	orderOut.Close()
	if err != nil {
		if ctx.Err() != nil {
			return Result{}, context.Cause(ctx)
		}
		return Result{}, &Unavailable{reason(err)}
	}
	json.NewEncoder(orders).Encode(order{p, root}) // fails only when the inner side is gone, which reports why
	orders.Close()
	said, _ := io.ReadAll(io.LimitReader(report, 4096))
	err = cmd.Wait()
	if string(said) != ready {
		why, mistaken := strings.CutPrefix(string(said), mistake)
		switch {
		case ctx.Err() != nil && !errors.Is(context.Cause(ctx), errClock):
			return Result{}, ctx.Err()
		case mistaken:
			return Result{}, errors.New(why)
		case ctx.Err() != nil:
			return Result{}, fmt.Errorf("the program could not be started within %s", p.Limits.Clock)
		case why == "":
			why = "the inner side did not begin"
		}
		return Result{}, &Unavailable{why}
	}
	return p.result(ctx, cmd.ProcessState, err, &stdout, &stderr)
}

var errClock = errors.New("out of time")

// result tells an end of the program's own from one that it was brought to.
func (p Program) result(ctx context.Context, state *os.ProcessState, err error, stdout, stderr *tail) (Result, error) {
	r := Result{Exit: state.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String()}
	status, _ := state.Sys().(syscall.WaitStatus)
	used := state.UserTime() + state.SystemTime()
	switch {
	case ctx.Err() != nil && !errors.Is(context.Cause(ctx), errClock):
		return Result{}, ctx.Err()
	case status.Signaled() && ctx.Err() != nil:
		r.Ended = fmt.Sprintf("ran longer than %s", p.Limits.Clock)
	case status.Signaled() && status.Signal() == syscall.SIGKILL && used >= p.Limits.cpu()-time.Second/2:
		r.Ended = fmt.Sprintf("computed longer than %s", p.Limits.cpu())
	case status.Signaled():
		r.Ended = "ended by the signal " + status.Signal().String()
	case err != nil && !errors.As(err, new(*exec.ExitError)):
		return Result{}, err
	}
	return r, nil
}

func (l Limits) cpu() time.Duration { return max(time.Second, l.CPU.Truncate(time.Second)) }

func (p Program) check() error {
	if len(p.Args) == 0 || p.Args[0] == "" {
		return errors.New("no program to run")
	}
	for name := range p.Files {
		if name != filepath.Base(name) || name == "." || name == ".." {
			return fmt.Errorf("%q is no plain name of a file", name)
		}
	}
	for _, dir := range p.Read {
		if !filepath.IsAbs(dir) || filepath.Clean(dir) != dir || dir == "/" || dir == Work || strings.HasPrefix(dir, Work+"/") {
			return fmt.Errorf("%q is no folder to be read", dir)
		}
	}
	for _, s := range append(append([]string{p.Dir}, p.Args...), p.Read...) {
		if strings.ContainsRune(s, 0) {
			return errors.New("an argument holds a zero byte")
		}
	}
	return nil
}

// attributes asks for namespaces of its own of each kind. Root itself is mapped, for the time of the preparation, along
// with nobody, whom the program then runs as: limits on processes do not hold for root. Any other user stays who they are.
func attributes(root bool) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET |
			syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
		Setsid:      true, // no terminal
	}
	if root {
		const nobody = 65534
		a.UidMappings = append(a.UidMappings, syscall.SysProcIDMap{ContainerID: 1, HostID: nobody, Size: 1})
		a.GidMappings = append(a.GidMappings, syscall.SysProcIDMap{ContainerID: 1, HostID: nobody, Size: 1})
		a.GidMappingsEnableSetgroups = true
	}
	return a
}

// reason says in words why the kernel refuses namespaces.
func reason(err error) string {
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EUSERS) {
		return fmt.Sprintf("the system, a container or a security profile forbids user namespaces (%v)", err)
	}
	return err.Error()
}
