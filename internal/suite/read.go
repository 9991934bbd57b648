package suite

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/unpack"
)

// What a file may hold. Tests stay in memory, so the whole has a bound as well as the line; a compressed file is
// measured unpacked.
const (
	maxLine     = 16 << 20
	maxFile     = 256 << 20
	maxMistakes = 100 // of one rule: a defect of every line hides none of another kind
)

// Open reads the tests of a file, as JSON Lines, plain or packed with gzip or Zstandard, whatever its name ends in. In findings the file is
// called name. The error is diag.Mistakes where a person can mend it, with every mistake of the file.
func Open(path, name string) (Suite, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Suite{}, diag.Mistakes{whole(name, "missing-file", "no such file",
			"check the path; it is relative to the manifest")}
	case err != nil:
		return Suite{}, fmt.Errorf("opening %s: %w", name, err)
	case !info.Mode().IsRegular(): // checked before opening: to open a pipe would wait for its writer
		return Suite{}, diag.Mistakes{whole(name, "not-a-file", "is a folder or a device, not a file of tests",
			"name one file, with a JSON object on each line")}
	}
	f, err := os.Open(path)
	if err != nil {
		return Suite{}, fmt.Errorf("opening %s: %w", name, err)
	}
	defer f.Close()
	return parse(f, name, beside(path, name))
}

// Parse reads tests as JSON Lines, plain or packed with gzip or Zstandard: one object a line, all of one format. The formats are known by
// their keys:
//
//   - {"id": "t1", "input": "text, or a list of chat messages", "ideal": "answer, or a list of acceptable ones"}, with
//     "tools": [...] where the model is offered some. The samples of openai/evals are the same without ids.
//   - HumanEval: task_id, prompt, entry_point, canonical_solution, test.
//   - GSM8K: question, and answer, whose last line is "#### 18".
//   - the Berkeley function-calling leaderboard: id, question, function, and ground_truth, which Open also finds where the
//     leaderboard keeps it, in the file of the same name in the folder possible_answer.
//
// Where no test has an id, each is called by its line, as in "line-7". Further keys are allowed and ignored, though not
// silently in the first of these formats: see Suite.Findings. Blank lines, CRLF and a byte-order mark are passed over. A line may
// have 16 MiB, a file 256 MiB. The error is diag.Mistakes with all that is wrong (of each rule the first hundred, and how many
// more there are), or a wrapped read error.
func Parse(r io.Reader, name string) (Suite, error) { return parse(r, name, nil) }

func parse(r io.Reader, name string, beside func() (answers, error)) (Suite, error) {
	text, err := open(r, name)
	if err != nil {
		return Suite{}, err
	}
	defer text.Close()
	p := parser{name: name, maxFile: maxFile, firstLine: make(map[string]int), beside: beside}
	if err := p.read(text); err != nil {
		return Suite{}, err
	}
	if p.broken != nil {
		return Suite{}, p.broken
	}
	if len(p.mistakes) > 0 {
		return Suite{}, p.mistakes
	}
	return Suite{File: name, Tests: p.tests, Answers: p.answers.file, Findings: p.remarks()}, nil
}

// parser gathers the tests and mistakes of one file.
type parser struct {
	name      string
	maxFile   int64
	line      int            // of the text being read
	firstLine map[string]int // of each id
	tests     []Test
	mistakes  diag.Mistakes
	wrong     int                 // mistakes in all
	of        map[string]*tally   // mistakes of each rule
	asksNone  []diag.Finding      // tests that ask nothing
	strange   map[string]*strange // keys that are not part of the format

	form     format                  // of the first row
	named    bool                    // some test has an id
	nameless int                     // tests that have none
	unnamed  []diag.Finding          // what to say of them if others have
	beside   func() (answers, error) // reads the file of possible answers; nil: there is none to look for
	answers  answers
	broken   error                                      // of reading it
	row      func(line []byte, fields map[string]field) // reads a row that is no test; nil: rows are tests
}

// packed is a file's text, unpacked. It tells a failure to read from packed bytes that are damaged.
type packed struct {
	*bufio.Reader
	io.Closer
	name   string
	source *source
	kind   unpack.Kind
}

// source remembers why reading ended.
type source struct {
	io.Reader
	err error
}

func (s *source) Read(b []byte) (int, error) {
	n, err := s.Reader.Read(b)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// open unpacks a file, plain, gzip or Zstandard. The caller closes it, which does not close r.
func open(r io.Reader, name string) (*packed, error) {
	p := &packed{name: name, source: &source{Reader: r}}
	head := bufio.NewReaderSize(p.source, 64<<10)
	magic, _ := head.Peek(4)
	p.kind = unpack.KindOf(magic)
	z, err := unpack.NewReader(head, p.kind)
	if err != nil {
		return nil, p.unreadable(err)
	}
	p.Reader, p.Closer = bufio.NewReaderSize(z, 64<<10), z
	return p, nil
}

// unreadable tells a damaged file, which a person can mend, from a failing disk.
func (p *packed) unreadable(err error) error {
	if p.kind == unpack.Plain || p.source.err != nil {
		return fmt.Errorf("reading %s: %w", p.name, err)
	}
	return diag.Mistakes{whole(p.name, "damaged-archive", "cannot be unpacked: "+strings.TrimPrefix(err.Error(), "gzip: "), "pack it again, or fetch it again")}
}

func (p *parser) read(r *packed) error {
	var buf []byte
	var total int64
	for done := false; !done; {
		var long bool
		var err error
		buf, long, err = readLine(r.Reader, buf[:0])
		if err != nil && err != io.EOF {
			return r.unreadable(err)
		}
		done = err == io.EOF
		if done && len(buf) == 0 && !long {
			break
		}
		p.line++
		total += int64(len(buf))
		text := buf
		if p.line == 1 {
			text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
			if m := p.foreign(text); m != nil {
				return m
			}
		}
		text = bytes.TrimRight(text, "\r\n")
		switch {
		case total > p.maxFile:
			return diag.Mistakes{whole(p.name, "too-large", "holds more than 256 MiB of tests", "leave some out, or split it between agents")}
		case long:
			p.mistake(0, "line-too-long", "longer than 16 MiB", "one test a line; is a line break missing?")
		case len(bytes.TrimSpace(text)) > 0:
			p.test(text)
		}
	}
	if p.named && p.nameless > 0 {
		for _, f := range p.unnamed {
			p.list(f)
		}
		p.of["missing-id"].more += p.nameless - len(p.unnamed)
		slices.SortStableFunc(p.mistakes, func(a, b diag.Finding) int { return a.Line - b.Line })
	}
	for _, rule := range slices.Sorted(maps.Keys(p.of)) {
		if n := p.of[rule].more; n > 0 {
			p.mistakes = append(p.mistakes, whole(p.name, "more-mistakes", fmt.Sprintf("%d more of %s, not listed", n, rule),
				"mend the first ones: the others are often the same"))
		}
	}
	if p.row == nil && len(p.tests) == 0 && len(p.mistakes) == 0 {
		p.mistakes = diag.Mistakes{whole(p.name, "empty-file", "holds no test", `write one {"id","input","ideal"} a line`)}
	}
	return nil
}

// readLine appends the next line to buf, its end included. Of a line longer than maxLine it keeps nothing and says so.
func readLine(r *bufio.Reader, buf []byte) (line []byte, long bool, err error) {
	for {
		piece, err := r.ReadSlice('\n')
		if !long {
			buf = append(buf, piece...)
		}
		if len(buf) > maxLine {
			buf, long = buf[:0], true
		}
		if err != bufio.ErrBufferFull {
			return buf, long, err
		}
	}
}

// tally is how many mistakes of a rule are listed, and how many more there are.
type tally struct{ listed, more int }

func (p *parser) mistake(col int, rule, message, hint string) {
	p.list(p.finding(col, rule, message, hint))
}

func (p *parser) list(f diag.Finding) {
	p.wrong++
	t := p.of[f.Rule]
	if t == nil {
		if p.of == nil {
			p.of = map[string]*tally{}
		}
		t = new(tally)
		p.of[f.Rule] = t
	}
	if t.listed == maxMistakes {
		t.more++
		return
	}
	t.listed++
	p.mistakes = append(p.mistakes, f)
}

func (p *parser) finding(col int, rule, message, hint string) diag.Finding {
	return diag.Finding{Rule: rule, Severity: diag.Critical, File: p.name, Line: p.line, Col: col, Message: message, Hint: hint}
}

func whole(name, rule, message, hint string) diag.Finding {
	return diag.Finding{Rule: rule, Severity: diag.Critical, File: name, Message: message, Hint: hint}
}
