package swebench

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

// What a file may hold, unpacked. SWE-bench Lite is 4 MB, with the files of the programs in its prompts 40 MB.
const (
	maxLine     = 16 << 20
	maxFile     = 256 << 20
	maxMistakes = 100
)

// Open reads the tasks of a file, plain or gzipped JSON Lines, whatever its name ends in. In findings the file is called
// name. The error is diag.Mistakes where a person can mend it, with the first hundred mistakes of the file.
func Open(path, name string) (Set, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Set{}, diag.Mistakes{whole(name, "missing-file", "no such file", "check the path; it is relative to the manifest")}
	case err != nil:
		return Set{}, fmt.Errorf("opening %s: %w", name, err)
	case !info.Mode().IsRegular(): // checked before opening: to open a pipe would wait for its writer
		return Set{}, diag.Mistakes{whole(name, "not-a-file", "is a folder or a device, not a file of tasks", "name one file, with a task of SWE-bench on each line")}
	}
	f, err := os.Open(path)
	if err != nil {
		return Set{}, fmt.Errorf("opening %s: %w", name, err)
	}
	defer f.Close()
	return Parse(f, name)
}

// Parse reads tasks as JSON Lines, plain or gzipped: one object a line, with the columns of the published data sets. Needed
// are instance_id, repo, base_commit, problem_statement and, as lists or as text that holds a JSON list, FAIL_TO_PASS and
// PASS_TO_PASS. Further columns are handed on to the harness. Blank lines, CRLF and a byte-order mark are allowed. The error is
// as Open has it.
func Parse(r io.Reader, name string) (Set, error) { return parse(r, name, maxLine, maxFile) }

func parse(r io.Reader, name string, maxLine int, maxFile int64) (Set, error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	if magic, _ := buffered.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(buffered)
		if err != nil {
			return Set{}, unreadable(name, err)
		}
		buffered = bufio.NewReaderSize(z, 64<<10)
	}
	p := parser{name: name, firstLine: make(map[string]int)}
	if err := p.read(buffered, maxLine, maxFile); err != nil {
		return Set{}, err
	}
	if p.unlisted > 0 {
		p.mistakes = append(p.mistakes, whole(name, "more-mistakes", fmt.Sprintf("%d more mistakes, not listed", p.unlisted),
			"mend the first ones: the others are often the same"))
	}
	if len(p.mistakes) == 0 && len(p.instances) == 0 {
		p.mistakes = diag.Mistakes{whole(name, "empty-file", "holds no task", "write one task of SWE-bench a line")}
	}
	if len(p.mistakes) > 0 {
		return Set{}, p.mistakes
	}
	return Set{File: name, Instances: p.instances}, nil
}

// parser gathers the tasks and mistakes of one file.
type parser struct {
	name      string
	line      int            // of the text being read
	firstLine map[string]int // of each id
	instances []Instance
	mistakes  diag.Mistakes
	unlisted  int // mistakes beyond maxMistakes
}

func (p *parser) read(r *bufio.Reader, maxLine int, maxFile int64) error {
	var total int64
	for {
		line, size, err := readLine(r, maxLine)
		if err != nil && err != io.EOF {
			return unreadable(p.name, err)
		}
		if size == 0 {
			return nil
		}
		p.line++
		if p.line == 1 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
			if bytes.HasPrefix(line, []byte("version https://git-lfs")) {
				return diag.Mistakes{whole(p.name, "lfs-pointer", "is a Git LFS pointer, the tasks themselves are not here",
					"fetch them: `git lfs pull`, or `lfs: true` in the checkout step")}
			}
		}
		line = bytes.TrimSpace(line)
		switch total += size; {
		case total > maxFile:
			return diag.Mistakes{whole(p.name, "too-large", fmt.Sprintf("holds more than %d MiB of tasks", maxFile>>20), "leave some out")}
		case size > int64(maxLine):
			p.mistake(0, "line-too-long", fmt.Sprintf("longer than %d MiB", maxLine>>20), "one task a line; is a line break missing?")
		case len(line) > 0:
			p.instance(line)
		}
	}
}

// readLine returns the next line with its end, and its size; of a line longer than most it keeps nothing. The line is the
// caller's. Size 0 is the end.
func readLine(r *bufio.Reader, most int) (line []byte, size int64, err error) {
	for {
		piece, err := r.ReadSlice('\n')
		if size += int64(len(piece)); size > int64(most) {
			line = nil
		} else {
			line = append(line, piece...)
		}
		if err != bufio.ErrBufferFull {
			return line, size, err
		}
	}
}

func (p *parser) mistake(col int, rule, message, hint string, related ...diag.Place) {
	if len(p.mistakes) == maxMistakes {
		p.unlisted++
		return
	}
	p.mistakes = append(p.mistakes, diag.Finding{Rule: rule, Severity: diag.Critical, File: p.name, Line: p.line, Col: col, Message: message, Hint: hint, Related: related})
}

func whole(name, rule, message, hint string) diag.Finding {
	return diag.Finding{Rule: rule, Severity: diag.Critical, File: name, Message: message, Hint: hint}
}

// unreadable tells a damaged file, which a person can mend, from a failing disk.
func unreadable(name string, err error) error {
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, io.ErrUnexpectedEOF) || strings.HasPrefix(err.Error(), "flate: ") {
		return diag.Mistakes{whole(name, "damaged-gzip", "damaged gzip file: "+err.Error(), "compress it again, or fetch it again")}
	}
	return fmt.Errorf("reading %s: %w", name, err)
}
