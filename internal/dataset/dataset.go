// Package dataset reads training data as a stream of examples with positions, in any of several formats and
// containers, and gives it one normal form: the chat JSONL that a provider is sent. It says what is wrong with a
// row and where; it does not judge a set of rows (package audit does), and it never holds a file in memory.
//
// # Use
//
//	f, err := dataset.Open(path, name)          // diag.Mistakes for a person's mistake
//	for row, err := range f.Rows(ctx) { … }     // one after the other; row.Problems says what is wrong with it
//	for t, err := range dataset.Map(ctx, f, workers, newFn) { … } // blocks of rows in parallel, results in file order
//	d, err := f.Digest(ctx, n)                  // rows, bytes and SHA-256 of the normal form of the first n examples
//	r := f.Normal(n)                            // that normal form, streamed, as often as asked for
//	for row, err := range dataset.Rows(r, name) { … } // any reader of plain JSONL
//
// # Formats
//
// Each row is read by the keys it has, so one file may hold several formats:
//
//   - chat: messages (role, content, name, weight, refusal, tool_calls, tool_call_id, function_call) with tools,
//     parallel_tool_calls, functions;
//   - ShareGPT: conversations (from, value; role and content are read too);
//   - prompt, completion;
//   - Alpaca: instruction, input, output; an input that is not empty follows the instruction after a newline.
//
// The last three may have a system text. Text is taken as it stands: nothing is trimmed. Keys not named here are
// left out of the normal form and listed in Row.Unknown.
//
// Containers are plain text, gzip and Zstandard, known by their first bytes and not by the file's name.
package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/unpack"
)

// MaxLine is the longest line that is read, in bytes. A longer one is a problem of its row, and is passed over
// without being held in memory.
const MaxLine = 64 << 20

// An archive that unpacks to more than bombSize bytes and bombRatio times its size is refused: rows of text come to some
// 20 times, equal ones to less than 500.
const (
	bombSize  = 64 << 20
	bombRatio = 500
)

// File is a data file that was looked at and can be read any number of times, by several goroutines at once:
// each pass opens it anew.
type File struct {
	path, name string
	container  unpack.Kind
	size       int64 // on disk, when opened
}

// Name returns what findings call the file.
func (f *File) Name() string { return f.name }

// Path returns where the file is.
func (f *File) Path() string { return f.path }

// Size returns the bytes on disk when the file was opened.
func (f *File) Size() int64 { return f.size }

// Open looks at the file without reading it: its kind and its first bytes. Findings call it name. A person's mistake
// (no such file, a folder, a device or pipe, an empty file, a Git LFS pointer) is returned as diag.Mistakes, a
// failure of the system as a wrapped error.
func Open(path, name string) (*File, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, mistake(name, "missing-file", "no such file", "check the path and its spelling")
	case err != nil:
		return nil, fmt.Errorf("opening %s: %w", name, err)
	}
	if err := Regular(info, name, "write the data to a file first: it is read more than once"); err != nil {
		return nil, err
	}
	r, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", name, err)
	}
	defer r.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	head = head[:n]
	f := &File{path: path, name: name, size: info.Size()}
	switch {
	case n == 0:
		return nil, emptyFile(name)
	case bytes.HasPrefix(head, []byte("version https://git-lfs")):
		return nil, mistake(name, "lfs-pointer", "is a Git LFS pointer, not the data",
			"run `git lfs pull`, or set `lfs: true` on the checkout step")
	case unpack.KindOf(head) != unpack.Plain:
		f.container = unpack.KindOf(head)
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return nil, mistake(name, "invalid-utf8", "is UTF-16", "save it as UTF-8")
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return nil, mistake(name, "unknown-container", "is a zip archive", "unpack it, or use .jsonl.gz or .jsonl.zst")
	case bytes.HasPrefix(head, []byte("PAR1")):
		return nil, mistake(name, "unknown-container", "is a Parquet file", "convert it to JSONL, one example a line")
	}
	// Every line of a file that is laid out for reading would be a defect by itself: say it once.
	switch first, _, more := strings.Cut(strings.TrimSpace(strings.TrimPrefix(string(head), "\ufeff")), "\n"); {
	case more && strings.TrimSpace(first) == "[":
		return nil, mistake(name, "not-jsonl", "is one large JSON list, not a JSON object on each line", "jq -c '.[]' turns it into lines")
	case more && strings.TrimSpace(first) == "{":
		return nil, mistake(name, "not-jsonl", "has JSON spread over several lines, not a JSON object on each line", "jq -c . puts each object on a line")
	}
	return f, nil
}

func emptyFile(name string) diag.Mistakes {
	return mistake(name, "empty-file", "has no examples", "write one JSON object a line")
}

func mistake(name, rule, message, hint string) diag.Mistakes {
	return diag.Mistakes{{Rule: rule, Severity: diag.Critical, File: name, Message: message, Hint: hint}}
}

// Regular returns diag.Mistakes for what is no regular file: to open a pipe would wait for its writer. Findings call it name.
func Regular(info fs.FileInfo, name, hint string) error {
	switch {
	case info.IsDir():
		return mistake(name, "not-a-file", "is a folder", "name the JSONL file inside it")
	case !info.Mode().IsRegular():
		return mistake(name, "not-a-file", "is "+kindOf(info.Mode())+", not a regular file", hint)
	}
	return nil
}

func kindOf(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}

// open returns the unpacked bytes. The caller closes them. Decoders hold a window of bounded size, whatever the
// packed data claims.
func (f *File) open() (*stream, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", f.name, err)
	}
	s := &stream{f: f, file: file, close: file.Close}
	disk := onDisk{s}
	s.r = disk
	if f.container != unpack.Plain {
		z, err := unpack.NewReader(disk, f.container)
		if err != nil {
			file.Close()
			return nil, f.packed(err)
		}
		s.r, s.close = z, func() error { return errors.Join(z.Close(), file.Close()) }
	}
	return s, nil
}

// packed tells a damaged archive from a failure of the system.
func (f *File) packed(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("reading %s: %w", f.name, err)
	}
	return mistake(f.name, "damaged-archive", "cannot be unpacked: "+strings.TrimPrefix(err.Error(), "gzip: "),
		"pack it again; an interrupted download or copy leaves a cut file")
}

// stream names the file in errors, and notices a plain file that changes its size while it is read.
type stream struct {
	f     *File
	file  *os.File
	r     io.Reader // of the unpacked bytes
	disk  int64     // bytes read of the file on disk
	n     int64     // bytes unpacked
	close func() error
}

// onDisk reads the file as it is packed, and counts.
type onDisk struct{ s *stream }

func (d onDisk) Read(p []byte) (int, error) {
	n, err := d.s.file.Read(p)
	d.s.disk += int64(n)
	return n, err
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n += int64(n)
	switch {
	case s.n > bombSize && s.n/bombRatio > s.disk:
		err = mistake(s.f.name, "damaged-archive", fmt.Sprintf("unpacks to more than %d MiB, over %d times its size: not data, or made to harm", bombSize>>20, bombRatio),
			"unpack it yourself if it is what you meant")
	case err == nil:
	case s.f.container != unpack.Plain && err != io.EOF:
		err = s.f.packed(err)
	case err != io.EOF:
		err = fmt.Errorf("reading %s: %w", s.f.name, err)
	case s.f.container == unpack.Plain && s.disk != s.f.size:
		err = fmt.Errorf("reading %s: the file had %d bytes when opened and ended after %d", s.f.name, s.f.size, s.disk)
	}
	return n, err
}

func (s *stream) Close() error { return s.close() }
