package swebench

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// keptOutput is how much of what the harness prints is kept: the end of it.
const keptOutput = 16 << 10

// output follows what the harness prints. One goroutine writes to it.
type output struct {
	all    int
	notify func(done, all int)
	kept   []byte
	told   int
}

// bar is what the harness's progress bar (tqdm) prints, as in " 33%|███  | 100/300 [12:00<24:00, 7.20s/it]".
var bar = regexp.MustCompile(`\| *(\d{1,9})/(\d{1,9}) \[`)

func (o *output) Write(p []byte) (int, error) {
	o.kept = append(o.kept, p...)
	if len(o.kept) > 2*keptOutput {
		o.kept = append(o.kept[:0], o.kept[len(o.kept)-keptOutput:]...)
	}
	if o.notify != nil {
		// A bar that was written in two pieces is seen with the next one.
		for _, m := range bar.FindAllSubmatch(p, -1) {
			done, _ := strconv.Atoi(string(m[1]))
			if all, _ := strconv.Atoi(string(m[2])); all == 0 || all > o.all {
				continue
			} else if done += o.all - all; done > o.told && done <= o.all { // the others were tried by an earlier run
				o.told = done
				o.notify(done, o.all)
			}
		}
	}
	return len(p), nil
}

// line is the last line with something in it, as one that is safe to print.
func (o *output) line() string {
	lines := bytes.FieldsFunc(o.kept, func(r rune) bool { return r == '\n' || r == '\r' })
	for i := len(lines) - 1; i >= 0; i-- {
		s := strings.Map(func(r rune) rune {
			if unicode.IsPrint(r) {
				return r
			}
			return -1
		}, string(lines[i]))
		if s = strings.TrimSpace(s); s != "" {
			const most = 300
			if r := []rune(s); len(r) > most {
				s = string(r[:most]) + "…"
			}
			return s
		}
	}
	return ""
}

// last is line as the end of a message.
func (o *output) last() string {
	if s := o.line(); s != "" {
		return ": " + s
	}
	return ""
}
