package audit

import (
	"fmt"
	"slices"

	"github.com/tunegate/tunegate/internal/diag"
)

// foundings gathers findings of one file. Those of a rule that all say the same are folded into one once there are more
// than foldAbove: a defect of every row of a large file then takes 4 bytes a row.
type foundings struct {
	list []diag.Finding
	same map[utterance]*multitude
}

// foldAbove is how many findings of one rule that say the same stand by themselves.
const foldAbove = 1000

type utterance struct{ rule, message string }

// multitude is how many findings say the same, and the lines of those that are not in the list.
type multitude struct {
	n     int
	lines []int32
}

func (s *foundings) add(f diag.Finding) {
	if f.Line > 0 {
		key := utterance{f.Rule, f.Message}
		m := s.same[key]
		if m == nil {
			if s.same == nil {
				s.same = map[utterance]*multitude{}
			}
			m = new(multitude)
			s.same[key] = m
		}
		if m.n++; m.n > foldAbove {
			m.lines = append(m.lines, int32(f.Line))
			for _, line := range f.Lines {
				m.lines = append(m.lines, int32(line))
			}
			return
		}
	}
	s.list = append(s.list, f)
}

// folded returns the findings, and lets go of them. A folded one stands at the place of the first, and names every line
// in Lines instead of Related.
func (s *foundings) folded() []diag.Finding {
	at := map[utterance]int{} // in out
	out := s.list[:0]
	for _, f := range s.list {
		key := utterance{f.Rule, f.Message}
		m := s.same[key]
		if f.Line == 0 || m.n <= foldAbove {
			out = append(out, f)
			continue
		}
		i, again := at[key]
		if !again {
			i = len(out)
			at[key] = i
			out = append(out, f)
			out[i].Related, out[i].Lines = nil, make([]int, 0, m.n)
		}
		out[i].Lines = append(append(out[i].Lines, f.Line), f.Lines...)
	}
	for key, i := range at {
		f := &out[i]
		for _, line := range s.same[key].lines {
			f.Lines = append(f.Lines, int(line))
		}
		slices.Sort(f.Lines)
		f.Lines = slices.Compact(f.Lines)
		if len(f.Lines) > 1 {
			f.Message += fmt.Sprintf(" (on %d lines)", len(f.Lines))
		}
	}
	clear(s.list[len(out):])
	*s = foundings{}
	return out
}
