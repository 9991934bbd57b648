package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tunegate/tunegate/internal/render"
)

// pseudoTerminal opens a terminal of the given size: what the program holds, and what stands for keys and glass.
func pseudoTerminal(t *testing.T, width, height int) (keys, program *os.File) {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		t.Skipf("there are no pseudo-terminals here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keys.Close() })
	fd := int(keys.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(height), Col: uint16(width)}); err != nil {
		t.Fatal(err)
	}
	return keys, program
}

// glass is a terminal's screen with all that scrolled off it: as much of one as the board needs. What it does not
// understand is a fault.
type glass struct {
	mu            sync.Mutex
	width, height int
	lines         [][]rune // a wide letter is followed by 0
	row, col      int
	hidden, fixed bool // the cursor; no wrapping
	faults        []string
	heard         bytes.Buffer
	rest          []byte // a sequence or a letter that is not whole yet
}

func (g *glass) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.heard.Write(p)
	data := append(g.rest, p...)
	g.rest = nil
	for len(data) > 0 {
		if data[0] == 0x1b {
			end := bytes.IndexFunc(data[1:], func(r rune) bool { return r >= '@' && r <= '~' && r != '[' })
			if end < 0 {
				break
			}
			g.sequence(string(data[1 : end+2]))
			data = data[end+2:]
			continue
		}
		if data[0] >= 0x80 && !fullRune(data) {
			break
		}
		r := []rune(string(data[:min(4, len(data))]))[0]
		data = data[len(string(r)):]
		g.letter(r)
	}
	g.rest = slices.Clone(data)
	return len(p), nil
}

func fullRune(p []byte) bool {
	n := 2
	if p[0] >= 0xe0 {
		n++
	}
	if p[0] >= 0xf0 {
		n++
	}
	return len(p) >= n
}

func (g *glass) sequence(s string) {
	switch {
	case s == "[?25l":
		g.hidden = true
	case s == "[?25h":
		g.hidden = false
	case s == "[?7l":
		g.fixed = true
	case s == "[?7h":
		g.fixed = false
	case s == "[2K":
		g.line()
		g.lines[g.row] = nil
	case s == "[J":
		g.line()
		g.lines[g.row] = g.lines[g.row][:min(g.col, len(g.lines[g.row]))]
		g.lines = g.lines[:g.row+1]
	case strings.HasSuffix(s, "A"):
		n, err := strconv.Atoi(s[1 : len(s)-1])
		if err != nil || n < 1 || n > g.row || n >= g.height {
			g.faults = append(g.faults, fmt.Sprintf("up %q from row %d of %d", s, g.row, g.height))
			return
		}
		g.row -= n
	case strings.HasSuffix(s, "m"):
	default:
		g.faults = append(g.faults, fmt.Sprintf("sequence %q", s))
	}
}

func (g *glass) line() {
	for len(g.lines) <= g.row {
		g.lines = append(g.lines, nil)
	}
}

func (g *glass) letter(r rune) {
	g.line()
	switch r {
	case '\r':
		g.col = 0
		return
	case '\n':
		g.row++
		g.line()
		return
	}
	if g.col+render.Cells(string(r)) > g.width {
		if g.fixed {
			g.faults = append(g.faults, fmt.Sprintf("%q reaches beyond the last column after %q", r, string(g.lines[g.row])))
			return
		}
		g.row, g.col = g.row+1, 0
		g.line()
	}
	for range render.Cells(string(r)) {
		for len(g.lines[g.row]) <= g.col {
			g.lines[g.row] = append(g.lines[g.row], ' ')
		}
		g.lines[g.row][g.col] = r
		r = 0
		g.col++
	}
}

// text is what the screen and its history show.
func (g *glass) text() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var b strings.Builder
	for _, l := range g.lines {
		b.WriteString(strings.TrimRight(strings.ReplaceAll(string(l), "\x00", ""), " ") + "\n")
	}
	return b.String()
}

func (g *glass) ever(s string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return bytes.Contains(g.heard.Bytes(), []byte(s))
}

// onTerminal starts the program on a terminal; standard output goes there too if out is nil. The function returned waits for it to
// end, checks that the terminal is left as it was, and returns its exit code.
func onTerminal(t *testing.T, width, height int, out io.Writer, dir string, args ...string) (*glass, *os.File, func() int) {
	t.Helper()
	keys, program := pseudoTerminal(t, width, height)
	g := &glass{width: width, height: height}
	c := process(t, dir, args...)
	c.Env = append(c.Env, "TERM=xterm")
	c.Stdin, c.Stdout, c.Stderr = program, program, program
	if out != nil {
		c.Stdout = out
	}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	program.Close()
	drawn := make(chan struct{})
	go func() {
		defer close(drawn)
		_, _ = io.Copy(g, keys) // ends with an error when the last holder of the terminal is gone
	}()
	return g, keys, func() int {
		t.Helper()
		err := c.Wait()
		<-drawn
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		if g.hidden || g.fixed {
			t.Errorf("the cursor is hidden: %v, wrapping is off: %v", g.hidden, g.fixed)
		}
		for _, f := range g.faults {
			t.Errorf("at %d columns: %s", width, f)
		}
		if !g.ever("\x1b[?25l") {
			t.Error("nothing was drawn")
		}
		return c.ProcessState.ExitCode()
	}
}

// linesWith counts the lines that begin with s.
func linesWith(text, s string) (n int) {
	for l := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(l), s) {
			n++
		}
	}
	return n
}

// A board in 60 and in 120 columns, on a tiny screen and on a low one; the result takes its place.
func TestBoardOnTerminal(t *testing.T) {
	manifest := remote(t, served(t, "--step-delay", "8ms"))
	for _, size := range [][2]int{{120, 24}, {60, 24}, {20, 10}, {60, 6}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			dir := t.TempDir()
			for i, args := range [][]string{{"run", manifest}, {"run", manifest, "--verbose"}} {
				if i > 0 && size[0] != 60 {
					continue
				}
				var result bytes.Buffer
				g, _, wait := onTerminal(t, size[0], size[1], &result, dir, args...)
				if code := wait(); code != exitPass {
					t.Fatalf("exit %d\n%s", code, g.text())
				}
				// With the result elsewhere the board stays: each leg once, under a heading, and the summary.
				text := g.text()
				lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
				board := strings.Join(lines[max(0, len(lines)-6):], "\n")
				for _, leg := range []string{"ticket", "log-tri", "review", "release", "ops-to"} {
					if n := linesWith(board, leg); n != 1 {
						t.Errorf("%d lines of %s in:\n%s", n, leg, board)
					}
				}
				if linesWith(board, "5 legs, ") != 1 {
					t.Errorf("no summary in:\n%s", board)
				}
				if verbose := i == 1; verbose != strings.Contains(text, "took audit") {
					t.Errorf("verbose %v, but:\n%s", verbose, text)
				}
			}
			g, _, wait := onTerminal(t, size[0], size[1], nil, dir, "run", manifest)
			if code := wait(); code != exitPass {
				t.Fatalf("exit %d\n%s", code, g.text())
			}
			text := g.text()
			if linesWith(text, "tunegate") != 1 || linesWith(text, "5 legs") != 0 {
				t.Errorf("the result stands beside the board:\n%s", text)
			}
			for _, leg := range []string{"ticket-router", "ops-tools"} {
				if n := linesWith(text, leg); n != 1 {
					t.Errorf("%d lines of %s in:\n%s", n, leg, text)
				}
			}
		})
	}
}

// Ctrl-C on a terminal: the run ends within a second, and the terminal is as before.
func TestInterruptOnTerminal(t *testing.T) {
	manifest := remote(t, served(t, "--step-delay", "20ms"))
	g, keys, wait := onTerminal(t, 60, 24, nil, t.TempDir(), "run", manifest)
	await(t, g, "loss")
	at := time.Now()
	if _, err := keys.Write([]byte{3}); err != nil {
		t.Fatal(err)
	}
	if code := wait(); code != exitInterrupted {
		t.Errorf("exit %d, want %d", code, exitInterrupted)
	}
	if took := time.Since(at); took > time.Second {
		t.Errorf("it took %v to stop", took)
	}
	text := g.text()
	if !strings.Contains(text, "interrupted: job ftjob-") || linesWith(text, "5 legs") != 0 {
		t.Errorf("%s", text)
	}
}

// await returns when the terminal has shown s.
func await(t *testing.T, g *glass, s string) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !g.ever(s) {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("%q was never shown:\n%s", s, g.text())
		}
	}
}

// A run that cannot stop in order, here because nobody takes its result, ends at once with the second Ctrl-C.
func TestSecondInterrupt(t *testing.T) {
	manifest := remote(t, served(t, "--step-delay", "20ms"))
	reader, full, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	defer full.Close()
	room, err := unix.FcntlInt(full.Fd(), unix.F_GETPIPE_SZ, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := full.Write(make([]byte, room)); err != nil {
		t.Fatal(err)
	}
	g, keys, wait := onTerminal(t, 60, 24, full, t.TempDir(), "run", manifest)
	await(t, g, "loss")
	for _, sign := range []string{"stopping; Ctrl-C again", ""} {
		if _, err := keys.Write([]byte{3}); err != nil {
			t.Fatal(err)
		}
		if sign != "" {
			await(t, g, sign)
		}
	}
	at := time.Now()
	if code := wait(); code != exitInterrupted {
		t.Errorf("exit %d, want %d", code, exitInterrupted)
	}
	if took := time.Since(at); took > 500*time.Millisecond {
		t.Errorf("it took %v to exit", took)
	}
}

// coloured matches what sets a colour, on the board or in the result.
var coloured = regexp.MustCompile(`\x1b\[[0-9;]*3[1-6]m`)

// A terminal that moves no cursor, and every pipe, gets lines; colours are for those who want them.
func TestPlainTerminal(t *testing.T) {
	for _, variable := range []string{"TERM=dumb", "NO_COLOR=1", "NO_COLOR="} {
		keys, program := pseudoTerminal(t, 60, 24)
		c := process(t, t.TempDir(), "run", example(t, "no-gain"))
		c.Env = append(c.Env, "TERM=xterm", "NO_COLOR=", variable)
		c.Stdout, c.Stderr = program, program
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		program.Close()
		said, _ := io.ReadAll(keys) // ends with an error when the last holder of the terminal is gone
		if err := c.Wait(); c.ProcessState.ExitCode() != exitFail {
			t.Fatalf("%s: %v\n%s", variable, err, said)
		}
		lines := strings.HasPrefix(variable, "TERM=")
		for line := range strings.Lines(string(said)) {
			if n := render.Cells(strings.TrimRight(line, "\r\n")); lines && n > 60 {
				t.Errorf("%s: a line of %d columns is left to a terminal of 60: %q", variable, n, line)
			}
		}
		if got := bytes.Contains(said, []byte("ftjob-")); got != lines {
			t.Errorf("%s: lines: %v", variable, got)
		}
		if got := !bytes.Contains(said, []byte("\x1b[")); got != (variable == "TERM=dumb") {
			t.Errorf("%s: no sequences: %v\n%q", variable, got, said)
		}
		if got := coloured.Match(said); got != (variable == "NO_COLOR=") {
			t.Errorf("%s: colours: %v\n%q", variable, got, said)
		}
	}
}

// The script completes file names too: what the program does not list, Readline does.
func TestCompletionInBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash here")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"tunegate":           "#!/bin/sh\n" + runAsMain + "=1 exec '" + os.Args[0] + "' \"$@\"\n",
		"a manifest $x.yaml": "",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	keys, program := pseudoTerminal(t, 120, 24)
	c := exec.Command(bash, "--norc", "--noprofile", "-i")
	c.Dir = dir
	c.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "TERM=dumb", "PS1=ready> ", "INPUTRC=/dev/null", "HISTFILE=")
	c.Stdin, c.Stdout, c.Stderr = program, program, program
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	program.Close()
	g := &glass{width: 120, height: 24}
	drawn := make(chan struct{})
	go func() { defer close(drawn); _, _ = io.Copy(g, keys) }()
	send := func(s, shown string) {
		t.Helper()
		await(t, g, shown)
		if _, err := io.WriteString(keys, s); err != nil {
			t.Fatal(err)
		}
	}
	send("source <(tunegate completion bash); echo loa''ded\n", "ready> ")
	send("tunegate pl\t--form\t\"\"", "loaded")
	send("\x15tunegate check a\t", "plan --format \"\"")
	send("\x15exit\n", `check a\ manifest\ \$x.yaml`)
	_ = c.Wait()
	<-drawn
}

// A message longer than the terminal is wide is broken at its words.
func TestMessagesFitTheTerminal(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "reports"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "reports", "report.json"), []byte(`{"schema":1,"legs":[]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "gate.yaml"), []byte("agents: a list with no agent in it is what stands here, and it is no list at all\nanother: 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"report", dir}, {"report", filepath.Join(dir, "elsewhere")}, {"check", "gate.yaml"}} {
		keys, program := pseudoTerminal(t, 40, 24)
		c := process(t, dir, args...)
		c.Stdout, c.Stderr = program, program
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		program.Close()
		said, _ := io.ReadAll(keys) // ends with an error when the last holder of the terminal is gone
		_ = c.Wait()                // the exit code is others' to look at
		lines := 0
		for line := range strings.Lines(string(said)) {
			lines++
			if n := render.Cells(strings.TrimRight(line, "\r\n")); n > 40 {
				t.Errorf("%v: a line of %d columns is left to a terminal of 40: %q", args, n, line)
			}
		}
		if lines < 2 {
			t.Errorf("%v says %q", args, said)
		}
	}
}
