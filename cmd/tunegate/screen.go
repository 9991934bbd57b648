package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// terminal returns the terminal behind w, if it is one that understands cursor movements.
func terminal(w io.Writer, getenv func(string) string) (*os.File, bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, false
	}
	// Windows sets no TERM; of its terminals only the newer one, which sets WT_SESSION, understands them unasked.
	kind := getenv("TERM")
	return f, kind != "dumb" && (kind != "" || getenv("WT_SESSION") != "")
}

// widthOf returns how wide the terminal behind w is, whether or not it understands cursor movements; 0 where there is none,
// or it does not know.
func widthOf(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return max(width, 0)
}

// size returns the columns and rows of a terminal, of the usual one where it does not know.
func size(f *os.File) (width, height int) {
	width, height, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		return 80, 24
	}
	return width, height
}

// screen redraws lines in place at the bottom of a terminal, and leaves the cursor below them.
type screen struct {
	w     io.Writer
	drawn int // how many lines stand there
	width int // of the terminal when they were drawn; 0: never
}

// A frame hides the cursor and forbids wrapping while it is drawn. It is one write and undoes both at its end, so that
// no way for the program to end can leave a terminal without them.
const (
	hideCursor = "\x1b[?25l"
	noWrap     = "\x1b[?7l"
	frameEnd   = "\x1b[J\x1b[?7h\x1b[?25h"
)

// draw puts lines, none wider than the terminal, in place of those drawn before, and prints the lines above, which stay, ahead of them.
func (s *screen) draw(width, height int, above, lines []string) error {
	var b strings.Builder
	b.WriteString(hideCursor + s.home(width, height))
	for _, l := range above {
		b.WriteString("\x1b[J" + l + "\r\n") // these may wrap
	}
	b.WriteString(noWrap)
	for _, l := range lines {
		b.WriteString("\x1b[2K" + l + "\r\n")
	}
	b.WriteString(frameEnd)
	s.drawn, s.width = len(lines), width
	_, err := io.WriteString(s.w, b.String())
	return err
}

// home moves to where the first line begins. A terminal that became narrower may have wrapped the lines, and may have
// done so before it told, and one that became lower may show only the last of them; where they begin is not known then. What it shows is pushed out of sight, to where it can be
// scrolled back to, and the board goes on at the top.
func (s *screen) home(width, height int) string {
	switch {
	case width < s.width || s.drawn >= height:
		return fmt.Sprintf("\x1b[%d;1H", height) + strings.Repeat("\n", height) + "\x1b[H"
	case s.drawn == 0:
		return "\r"
	}
	return fmt.Sprintf("\r\x1b[%dA", s.drawn)
}
