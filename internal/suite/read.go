package suite

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/tunegate/tunegate/internal/diag"
)

// What a file may hold. Tests stay in memory, so the whole has a bound as well as the line; a compressed file is
// measured unpacked.
const (
	maxLine     = 16 << 20
	maxFile     = 256 << 20
	maxMistakes = 100
)

// Open reads the tests of a file, plain or gzipped JSON Lines, whatever its name ends in. In findings the file is
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
	return Parse(f, name)
}

// Parse reads tests as JSON Lines, plain or gzipped: one object a line,
//
//	{"id": "t1", "input": "text, or a list of chat messages", "ideal": "answer, or a list of acceptable ones"}
//
// Further keys are allowed and ignored; so are blank lines, CRLF and a byte-order mark. A line may have 16 MiB, a file
// 256 MiB. The error is diag.Mistakes with all that is wrong (the first hundred mistakes), or a wrapped read error.
func Parse(r io.Reader, name string) (Suite, error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	if magic, _ := buffered.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(buffered)
		if err != nil {
			return Suite{}, unreadable(name, err)
		}
		buffered = bufio.NewReaderSize(z, 64<<10)
	}
	p := parser{name: name, maxFile: maxFile, firstLine: make(map[string]int)}
	if err := p.read(buffered); err != nil {
		return Suite{}, err
	}
	if len(p.mistakes) > 0 {
		return Suite{}, p.mistakes
	}
	return Suite{File: name, Tests: p.tests}, nil
}

// parser gathers the tests and mistakes of one file.
type parser struct {
	name      string
	maxFile   int64
	line      int            // of the text being read
	firstLine map[string]int // of each id
	tests     []Test
	mistakes  diag.Mistakes
	unlisted  int // mistakes beyond maxMistakes
}

func (p *parser) read(r *bufio.Reader) error {
	var buf []byte
	var total int64
	for done := false; !done; {
		var long bool
		var err error
		buf, long, err = readLine(r, buf[:0])
		if err != nil && err != io.EOF {
			return unreadable(p.name, err)
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
			if bytes.HasPrefix(text, []byte("version https://git-lfs")) {
				return diag.Mistakes{whole(p.name, "lfs-pointer", "is a Git LFS pointer, the tests themselves are not here",
					"fetch them: `git lfs pull`, or `lfs: true` in the checkout step")}
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
	if p.unlisted > 0 {
		p.mistakes = append(p.mistakes, whole(p.name, "more-mistakes", fmt.Sprintf("%d more mistakes, not listed", p.unlisted),
			"mend the first ones: the others are often the same"))
	}
	if len(p.tests) == 0 && len(p.mistakes) == 0 {
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

func (p *parser) mistake(col int, rule, message, hint string) {
	if len(p.mistakes) == maxMistakes {
		p.unlisted++
		return
	}
	p.mistakes = append(p.mistakes, diag.Finding{Rule: rule, Severity: diag.Critical, File: p.name, Line: p.line, Col: col,
		Message: message, Hint: hint})
}

func whole(name, rule, message, hint string) diag.Finding {
	return diag.Finding{Rule: rule, Severity: diag.Critical, File: name, Message: message, Hint: hint}
}

// unreadable tells a damaged file, which a person can mend, from a failing disk.
func unreadable(name string, err error) error {
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, io.ErrUnexpectedEOF) ||
		strings.HasPrefix(err.Error(), "flate: ") {
		return diag.Mistakes{whole(name, "damaged-gzip", "damaged gzip file: "+err.Error(), "compress it again, or fetch it again")}
	}
	return fmt.Errorf("reading %s: %w", name, err)
}
