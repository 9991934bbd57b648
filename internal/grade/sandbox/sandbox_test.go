package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	Main()
	if os.Getenv(abandon) != "" { // see TestDiesWithItsParent
		b, err := Open(context.Background())
		fmt.Println(err)
		b.Run(context.Background(), shell("exec sleep "+os.Getenv(abandon), Limits{CPU: time.Second, Clock: time.Minute, Memory: 1 << 28}))
	}
	os.Exit(m.Run())
}

// open skips where programs cannot be contained, except where that is known to be possible.
func open(t *testing.T) *Box {
	t.Helper()
	b, err := Open(t.Context())
	if err != nil {
		if os.Getenv("TUNEGATE_SANDBOX") == "required" {
			t.Fatal(err)
		}
		t.Skip("SKIPPED, so containment is not tested: ", err)
	}
	return b
}

var usual = Limits{CPU: 2 * time.Second, Clock: 10 * time.Second, Memory: 256 << 20, Processes: 1, Disk: 1 << 20}

func shell(script string, l Limits) Program {
	return Program{Args: []string{"sh", "-c", script}, Limits: l}
}

func TestOrdinaryPrograms(t *testing.T) {
	b := open(t)
	shown := t.TempDir()
	if err := os.WriteFile(filepath.Join(shown, "given"), []byte("shown"), 0o644); err != nil {
		t.Fatal(err)
	}
	os.Chmod(shown, 0o755)
	os.Mkdir(filepath.Join(shown, ".git"), 0o755)
	for _, hidden := range []string{".git/config", ".token"} {
		if err := os.WriteFile(filepath.Join(shown, hidden), []byte("secret"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	hide := []string{filepath.Join(shown, ".git"), filepath.Join(shown, ".token"), filepath.Join(shown, "none")}
	for name, c := range map[string]struct {
		p    Program
		want Result
	}{
		"exit code":               {shell("echo out; echo err >&2; exit 7", usual), Result{Exit: 7, Stdout: "out\n", Stderr: "err\n"}},
		"standard input":          {Program{Args: []string{"/bin/cat"}, Stdin: "a\nb", Limits: usual}, Result{Stdout: "a\nb"}},
		"its files":               {Program{Args: []string{"cat", "f"}, Files: map[string]string{"f": "text"}, Limits: usual}, Result{Stdout: "text"}},
		"writes":                  {shell("echo x > f; read y < f && echo $y$PWD", usual), Result{Stdout: "x/tunegate\n"}},
		"reads a folder":          {Program{Args: []string{"cat", "given"}, Read: []string{shown}, Dir: shown, Limits: usual}, Result{Stdout: "shown"}},
		"finds hidden ones empty": {Program{Args: []string{"sh", "-c", "echo .git/*; read x < .token; echo $x"}, Read: []string{shown}, Hide: hide, Dir: shown, Limits: usual}, Result{Stdout: ".git/*\n\n"}},
		"end of much":             {shell(`i=0; while [ $i -lt 20000 ]; do echo 0123456; i=$((i+1)); done; echo end`, usual), Result{Stdout: strings.Repeat("0123456\n", 1<<13)[4:] + "end\n"}},
	} {
		got, err := b.Run(t.Context(), c.p)
		if err != nil || got != c.want {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, c.want)
		}
	}
}

// TestContained has programs do what they must not, with nothing but a shell.
func TestContained(t *testing.T) {
	b := open(t)
	t.Setenv("TUNEGATE_TEST_SECRET", "hunter2")
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("hunter2"), 0o644); err != nil {
		t.Fatal(err)
	}
	os.Chmod(filepath.Dir(secret), 0o777)
	many := usual
	many.Processes = 16
	for name, c := range map[string]struct {
		p    Program
		want func(Result) bool
	}{
		"environment": {shell("export -p; set", usual), func(r Result) bool {
			return r.Exit == 0 && !strings.Contains(r.Stdout, "hunter2") && !strings.Contains(r.Stdout, "SECRET")
		}},
		"parent": {shell("read x < /proc/$PPID/environ; echo $PPID $x", usual), func(r Result) bool { return strings.HasPrefix(r.Stdout, "0") && !strings.Contains(r.Stdout, "hunter2") }},
		"file":   {shell("read x < "+secret+"; echo $x", usual), func(r Result) bool { return r.Stdout == "\n" && strings.Contains(r.Stderr, "secret") }},
		"write":  {shell("echo x > "+secret+"2; echo x > /usr/x; echo x > /x; echo x > /tmp/x", usual), func(r Result) bool { return strings.Count(r.Stderr, "cannot create") == 4 }},
		"beyond the root": {shell("cd /..; echo *; cd /; echo *", usual), func(r Result) bool {
			beyond, within, _ := strings.Cut(r.Stdout, "\n")
			return beyond+"\n" == within && strings.Contains(within, "tunegate") && !strings.Contains(within, "home") && !strings.Contains(within, "root")
		}},
		"given folder": {Program{Args: []string{"sh", "-c", "echo x > secret; echo x > new"}, Read: []string{filepath.Dir(secret)}, Dir: filepath.Dir(secret), Limits: usual},
			func(r Result) bool { return strings.Count(r.Stderr, "cannot create") == 2 }},
		"much disk": {shell("while echo 0123456789012345678901234567890123456789012345678901234567890123456789 >> f; do :; done; exit 3", usual),
			func(r Result) bool { return r.Exit != 0 || r.Ended != "" }},
		"endless":     {shell("while :; do :; done", Limits{CPU: time.Second, Clock: 20 * time.Second, Memory: 1 << 28}), func(r Result) bool { return r.Ended == "computed longer than 1s" }},
		"idle":        {shell("read x; sleep 100", Limits{CPU: time.Second, Clock: 300 * time.Millisecond, Memory: 1 << 28, Processes: 2}), func(r Result) bool { return r.Ended == "ran longer than 300ms" }},
		"much memory": {shell("x=0123456789; i=0; while [ $i -lt 24 ]; do x=$x$x; i=$((i+1)); done; echo survived", Limits{CPU: 9 * time.Second, Clock: 20 * time.Second, Memory: 1 << 26}), func(r Result) bool { return r.Exit != 0 && r.Stdout == "" }},
		"fork":        {shell("(echo forked); exit 3", usual), func(r Result) bool { return r.Exit != 0 && r.Stdout == "" }},
		"fork bomb": {shell("b() { b | b & }; b; i=0; while [ $i -lt 300 ]; do sleep 1 & i=$((i+1)); done; sleep 100", many),
			func(r Result) bool { return strings.Contains(r.Stderr, "fork") && (r.Ended != "" || r.Exit != 0) }},
		"endless output": {shell("while :; do echo yes; done", Limits{CPU: time.Second, Clock: 20 * time.Second, Memory: 1 << 28}), func(r Result) bool { return r.Ended != "" && len(r.Stdout) <= mostOutput }},
		"left behind":    {shell("sleep 1000 & echo done", many), func(r Result) bool { return r.Stdout == "done\n" && r.Ended == "" }},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			r, err := b.Run(t.Context(), c.p)
			if err != nil || !c.want(r) {
				t.Errorf("%v %+v", err, r)
			}
			if took := time.Since(began); took > c.p.Limits.Clock+10*time.Second { // no program goes on for good
				t.Errorf("took %s", took)
			}
		})
	}
	if got, _ := os.ReadFile(secret); string(got) != "hunter2" {
		t.Errorf("the file outside holds %q", got)
	}
	if _, err := os.Stat(secret + "2"); err == nil {
		t.Error("a file was written outside")
	}
}

// TestNetworkIsOut connects to a listener on this machine, with a Python program.
func TestNetworkIsOut(t *testing.T) {
	b := open(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := os.Stat("/usr/bin/python3"); err != nil {
		t.Skip("SKIPPED: no /usr/bin/python3 to connect with")
	}
	script := fmt.Sprintf("import socket\nsocket.create_connection(('127.0.0.1', %d), 2)\nprint('connected')", l.Addr().(*net.TCPAddr).Port)
	r, err := b.Run(t.Context(), Program{Args: []string{"/usr/bin/python3", "-I", "-c", script}, Limits: usual})
	if err != nil || r.Exit == 0 || !strings.Contains(r.Stderr, "PermissionError") {
		t.Errorf("%v %+v", err, r)
	}
}

// abandon names a variable that makes the test binary run a long program.
const abandon = "TUNEGATE_TEST_ABANDON"

// TestDiesWithItsParent kills a process that runs a program, which must not go on alone.
func TestDiesWithItsParent(t *testing.T) {
	open(t)
	seconds := fmt.Sprint(100_000 + os.Getpid())
	sleeping := func() bool {
		lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, line := range lines {
			if b, _ := os.ReadFile(line); string(b) == "sleep\x00"+seconds+"\x00" {
				return true
			}
		}
		return false
	}
	await := func(what string, ok func() bool) {
		for end := time.Now().Add(20 * time.Second); !ok(); runtime.Gosched() {
			if time.Now().After(end) {
				t.Fatal(what)
			}
		}
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), abandon+"="+seconds)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	await("the program did not begin", sleeping)
	cmd.Process.Kill()
	cmd.Wait()
	await("the program goes on without its parent", func() bool { return !sleeping() })
}

func TestCancelled(t *testing.T) {
	b := open(t)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := b.Run(ctx, shell("while :; do :; done", Limits{CPU: 9 * time.Second, Clock: 20 * time.Second, Memory: 1 << 28})); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestRunRefuses(t *testing.T) {
	b := open(t)
	for want, p := range map[string]Program{
		"no program to run":              {Limits: usual},
		`"../x" is no plain name`:        {Args: []string{"sh"}, Files: map[string]string{"../x": ""}, Limits: usual},
		`"/" is no folder`:               {Args: []string{"sh"}, Read: []string{"/"}, Limits: usual},
		"no program nothing-of-the-sort": {Args: []string{"nothing-of-the-sort"}, Limits: usual},
		"zero byte":                      {Args: []string{"sh", "\x00"}, Limits: usual},
	} {
		if _, err := b.Run(t.Context(), p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func BenchmarkRun(b *testing.B) {
	box, err := Open(b.Context())
	if err != nil {
		b.Skip(err)
	}
	for b.Loop() {
		if _, err := box.Run(b.Context(), shell(":", usual)); err != nil {
			b.Fatal(err)
		}
	}
}
