package scaffold

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/grade"
	"github.com/tunegate/tunegate/internal/suite"
)

// kind is what a data file holds.
type kind int

const (
	nothing kind = iota // that could be told
	examples
	tests
)

// file is a data file that was looked at.
type file struct {
	path   string
	holds  kind
	count  int    // of tests, 0 unknown
	grader string // of tests
}

// Of each file so much is read to tell what it holds.
const (
	firstRows  = 100
	firstBytes = 1 << 20
)

// look tells what a file holds, by the first rows: at least half of them must be of a kind, since real data has
// defects, which are for the audit to name.
// For a file that holds neither, note tells that with its path, and why without.
func look(ctx context.Context, dir, name string) (f file, note, why string) {
	path, shown := filepath.Join(dir, filepath.FromSlash(name)), at(dir, name)
	f = file{path: name}
	open, err := dataset.Open(path, shown)
	if err != nil {
		return f, sentence(err), reason(err)
	}
	if ideals := testsIn(path); ideals != nil {
		f.holds, f.grader = tests, graderFor(ideals)
		s, err := suite.Open(path, shown)
		if err != nil {
			return f, sentence(err), reason(err)
		}
		var all []string
		for _, t := range s.Tests {
			all = append(all, t.Ideal...)
		}
		f.count, f.grader = len(s.Tests), graderFor(all)
		return f, "", ""
	}
	rows, good := 0, 0
	for row, err := range open.Rows(ctx) {
		if err != nil {
			return f, sentence(err), reason(err)
		}
		rows++
		for _, m := range row.Messages {
			if m.Role == "assistant" && len(row.Messages) > 1 {
				good++
				break
			}
		}
		if rows == firstRows {
			break
		}
	}
	if good == 0 || 2*good < rows {
		why = "holds neither training examples nor tests"
		if preferences(path) {
			why = "holds preference data (DPO: a preferred and a rejected answer), which is not read"
		}
		return f, shown + " " + why, why
	}
	f.holds = examples
	return f, "", ""
}

// preferences tells whether the first line of a file is a preferred answer beside a rejected one.
func preferences(path string) bool {
	first, _, _ := bytes.Cut(bytes.TrimSpace(start(path)), []byte("\n"))
	var row map[string]json.RawMessage
	if json.Unmarshal(first, &row) != nil {
		return false
	}
	return row["preferred_output"] != nil || row["chosen"] != nil && row["rejected"] != nil
}

// testsIn returns the ideals of the first lines when they are tests, else nil.
func testsIn(path string) (ideals []string) {
	lines := 0
	for _, line := range bytes.Split(start(path), []byte("\n")) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if lines++; lines > firstRows {
			break
		}
		if s, err := suite.Parse(bytes.NewReader(line), ""); err == nil && len(s.Tests) == 1 {
			ideals = append(ideals, s.Tests[0].Ideal...)
		} else if lines > 2*(len(ideals)+1) {
			return nil // the common case of a file with no test in it ends early
		}
	}
	return ideals
}

// start returns the first whole lines of a file, plain or gzipped; nothing of what cannot be read.
func start(path string) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	r := bufio.NewReader(f)
	if magic, _ := r.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil
		}
		r = bufio.NewReader(z)
	}
	text, _ := io.ReadAll(io.LimitReader(r, firstBytes))
	if len(text) == firstBytes {
		text = text[:bytes.LastIndexByte(text, '\n')+1]
	}
	return bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
}

// plainNumber is an ideal that is a number and nothing else. One with a leading zero is a code, not a quantity.
var plainNumber = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*|[1-9][0-9]{0,2}(,[0-9]{3})+)(\.[0-9]+)?$`)

// graderFor chooses the grader that suits every ideal.
func graderFor(ideals []string) string {
	object, _ := grade.New("json-equal", "")
	objects, numbers := len(ideals) > 0, len(ideals) > 0
	for _, s := range ideals {
		s = strings.TrimSpace(s)
		objects = objects && strings.HasPrefix(s, "{") && object.Check([]string{s}) == nil
		numbers = numbers && plainNumber.MatchString(s)
	}
	switch {
	case objects:
		return "json-equal"
	case numbers:
		return "numeric"
	}
	return "exact"
}

// reason is the first of a person's mistakes without the file's name, as the rest of a sentence on it.
func reason(err error) string {
	var ms diag.Mistakes
	if !errors.As(err, &ms) || len(ms) == 0 {
		return "cannot be read"
	}
	text := ms[0].Message
	if ms[0].Line > 0 {
		text = fmt.Sprintf("cannot be read, line %d: %s", ms[0].Line, text)
	}
	if ms[0].Hint != "" {
		text += "; " + ms[0].Hint
	}
	return text
}

// sentence tells the first of a person's mistakes, or what the system said.
func sentence(err error) string {
	var ms diag.Mistakes
	if !errors.As(err, &ms) || len(ms) == 0 {
		return err.Error()
	}
	text := ms[0].String()
	if ms[0].Hint != "" {
		text += "; " + ms[0].Hint
	}
	if len(ms) > 1 {
		text += fmt.Sprintf(" (and %d more mistakes in it)", len(ms)-1)
	}
	return text
}
