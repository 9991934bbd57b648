// Package journal keeps an append-only record of events in one file, so that what a process meant to do survives
// its death. It does not know what the events mean.
//
// A record is one line: the CRC-32C of the JSON as eight hex digits, a space, the JSON, a newline. Append returns
// after fsync. A process that died while writing leaves a torn last line; Open cuts it off. Damage anywhere
// else is an error, because records after it would be lost in silence.
package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// ErrLocked is returned by Open while another process, or another Journal of this one, holds the file.
var ErrLocked = errors.New("in use by another tunegate")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Journal is an open journal; its methods are safe for concurrent use.
type Journal struct {
	mu      sync.Mutex
	file    *os.File
	records []json.RawMessage
	failed  error // the first failed write
}

// Open opens or creates the journal at path and takes an exclusive lock on it until Close or the end of the
// process. Folders on the way are created.
func Open(path string) (*Journal, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("creating the journal's folder: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	j := &Journal{file: f}
	if err := j.start(); err != nil {
		f.Close()
		return nil, fmt.Errorf("journal %s: %w", path, err)
	}
	return j, nil
}

func (j *Journal) start() error {
	if err := lock(j.file); err != nil {
		return err
	}
	data, err := io.ReadAll(j.file)
	if err != nil {
		return err
	}
	records, whole, err := replay(data)
	if err != nil {
		return err
	}
	j.records = records
	if whole < len(data) {
		if err := j.file.Truncate(int64(whole)); err != nil {
			return err
		}
		if err := j.file.Sync(); err != nil {
			return err
		}
	}
	if _, err := j.file.Seek(int64(whole), io.SeekStart); err != nil {
		return err
	}
	if whole > 0 {
		return nil
	}
	// A new file is durable only once its folder is.
	dir, err := os.Open(filepath.Dir(j.file.Name()))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// replay returns the records of data and the length of its undamaged part. Only the last line may be damaged.
func replay(data []byte) (records []json.RawMessage, whole int, err error) {
	for line := 1; whole < len(data); line++ {
		rest := data[whole:]
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			if !torn(rest) {
				return nil, 0, fmt.Errorf("line %d is no record", line)
			}
			return records, whole, nil
		}
		record, ok := decode(rest[:end])
		if !ok {
			if whole+end+1 == len(data) {
				return records, whole, nil
			}
			return nil, 0, fmt.Errorf("line %d is damaged", line)
		}
		records = append(records, record)
		whole += end + 1
	}
	return records, whole, nil
}

// torn reports whether a last line without an end can be the beginning of a record, or the zeros that a file system
// leaves where a write did not get to. Anything else was never written here, and is not to be cut off in silence.
func torn(tail []byte) bool {
	if len(bytes.Trim(tail, "\x00")) == 0 {
		return true
	}
	for i, c := range tail[:min(len(tail), 9)] {
		if hexadecimal := c >= '0' && c <= '9' || c >= 'a' && c <= 'f'; i < 8 && !hexadecimal || i == 8 && c != ' ' {
			return false
		}
	}
	return true
}

func decode(line []byte) (json.RawMessage, bool) {
	sum, body, found := bytes.Cut(line, []byte(" "))
	if !found || len(sum) != 8 {
		return nil, false
	}
	want, err := strconv.ParseUint(string(sum), 16, 32)
	if err != nil || crc32.Checksum(body, castagnoli) != uint32(want) || !json.Valid(body) {
		return nil, false
	}
	return bytes.Clone(body), true
}

// Read returns what the journal at path records, oldest first, without the lock and without a change: another process may be
// writing to it. There is nothing in one that does not exist.
func Read(path string) ([]json.RawMessage, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the journal: %w", err)
	}
	records, _, err := replay(data)
	if err != nil {
		return nil, fmt.Errorf("journal %s: %w", path, err)
	}
	return records, nil
}

// Records returns what was recorded, oldest first. The slice is the caller's, the records are not to be changed.
func (j *Journal) Records() []json.RawMessage {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]json.RawMessage(nil), j.records...)
}

// Append records v as JSON and returns once it is on disk. After a failed write, on a full disk say, it refuses all further
// ones: what comes after a torn record would be lost with it, and after a failed sync nobody knows what the disk holds.
// The records before it are safe, and the next Open goes on from them.
func (j *Journal) Append(v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding a journal record: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failed != nil {
		return j.failed
	}
	line := fmt.Appendf(nil, "%08x %s\n", crc32.Checksum(body, castagnoli), body)
	if _, err := j.file.Write(line); err != nil {
		j.failed = fmt.Errorf("writing the journal: %w", err)
		return j.failed
	}
	if err := j.file.Sync(); err != nil {
		j.failed = fmt.Errorf("writing the journal: %w", err)
		return j.failed
	}
	j.records = append(j.records, body)
	return nil
}

// Close releases the lock.
func (j *Journal) Close() error { return j.file.Close() }
