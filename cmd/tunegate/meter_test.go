package main

import (
	"strings"
	"testing"
	"time"
)

// TestMeter: short work leaves no trace; long work tells a log seldom, and a terminal often, in one line that goes at the end.
func TestMeter(t *testing.T) {
	const name = "a\x1b[2J.jsonl"
	for _, c := range []struct {
		terminal bool
		every    time.Duration
		want     string
	}{
		{false, 10 * time.Second, "a�[2J.jsonl: 40 %, 2 MB/s\na�[2J.jsonl: 80 %, 2 MB/s\n"},
		{true, 10 * time.Second, "\r\x1b[?7la�[2J.jsonl: 40 %, 2 MB/s\x1b[K\x1b[?7h\r\x1b[?7la�[2J.jsonl: 80 %, 2 MB/s\x1b[K\x1b[?7h\r\x1b[K"},
		{false, time.Minute, ""},
		{true, time.Minute, ""},
	} {
		now := time.Unix(0, 0)
		var out strings.Builder
		m := &meter{w: &out, terminal: c.terminal, every: c.every, now: func() time.Time { return now }}
		m.next = now.Add(c.every)
		tell := m.label(name)
		for second := range 25 {
			now = time.Unix(int64(second), 0)
			tell(int64(second)*2e6, 50e6)
		}
		m.close()
		m.close()
		if out.String() != c.want {
			t.Errorf("terminal %v, each %v: %q", c.terminal, c.every, out.String())
		}
	}
}

// TestMeterAgain: a second pass over a file is measured by itself.
func TestMeterAgain(t *testing.T) {
	now := time.Unix(0, 0)
	var out strings.Builder
	m := &meter{w: &out, every: 0, now: func() time.Time { return now }}
	tell := m.label("f")
	now = time.Unix(10, 0)
	tell(10e6, 10e6)
	tell(0, 10e6)
	now = time.Unix(11, 0)
	tell(5e6, 10e6)
	if want := "f: 100 %, 1 MB/s\nf: 0 %, 0 MB/s\nf: 50 %, 5 MB/s\n"; out.String() != want {
		t.Errorf("%q", out.String())
	}
}
