package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/tunegate/tunegate/internal/render"
)

// meter shows on standard error how far the reading of large files has come: in one line that is redrawn on a terminal,
// elsewhere in a line each ten seconds, so that short work leaves no trace in a log.
type meter struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	every    time.Duration
	next     time.Time
	drawn    bool
	now      func() time.Time
}

func newMeter(e env) *meter {
	m := &meter{w: e.stderr, every: 10 * time.Second, now: time.Now}
	if f, ok := terminal(e.stderr, e.getenv); ok {
		m.w, m.terminal, m.every = f, true, 100*time.Millisecond
	}
	m.next = m.now().Add(m.every)
	return m
}

// label returns what is to be told of the progress of a file.
func (m *meter) label(name string) func(done, total int64) {
	began, before := m.now(), int64(0)
	return func(done, total int64) {
		m.mu.Lock()
		defer m.mu.Unlock()
		now := m.now()
		if done < before {
			began = now // the file is read anew
		}
		before = done
		if total <= 0 || now.Before(m.next) {
			return
		}
		m.next = now.Add(m.every)
		line := fmt.Sprintf("%s: %d %%, %.0f MB/s", render.Line(name), min(100, done*100/total), float64(done)/1e6/max(now.Sub(began).Seconds(), 1e-3))
		if m.terminal {
			fmt.Fprint(m.w, "\r"+noWrap+line+"\x1b[K\x1b[?7h")
			m.drawn = true
			return
		}
		fmt.Fprintln(m.w, line)
	}
}

// close clears the line.
func (m *meter) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.drawn {
		fmt.Fprint(m.w, "\r\x1b[K")
		m.drawn = false
	}
}
