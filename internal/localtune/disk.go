package localtune

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// tempPrefix begins the names of files that are being written.
const tempPrefix = ".tunegate-new-"

// writeFile makes path hold what write writes, wholly or not at all.
func writeFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), tempPrefix+"*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	b := bufio.NewWriterSize(f, 1<<20)
	if err := write(b); err != nil {
		return err
	}
	if err := b.Flush(); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// broken is a reader's error: a client that went away, not a disk that is full.
type broken struct{ error }

func (b broken) Unwrap() error { return b.error }

// client marks the errors of a request's body as broken.
type client struct{ io.Reader }

func (c client) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = broken{err}
	}
	return n, err
}

// event is one line of a job's event file.
type event struct {
	ID      string         `json:"id"`
	Object  string         `json:"object"`
	Created int64          `json:"created_at"`
	Level   string         `json:"level"`
	Message string         `json:"message"`
	Type    string         `json:"type"`
	Data    map[string]any `json:"data,omitempty"`
}

func (s *store) eventPath(id string) string {
	return filepath.Join(s.dir, "events", filepath.Base(id)+".jsonl")
}

// addEvent appends an event. Events inform; one lost in a crash or on a full disk loses nothing that matters, so they
// are not synced and nobody is told.
func (s *store) addEvent(job string, e event) {
	f, err := os.OpenFile(s.eventPath(job), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return
	}
	defer f.Close()
	tail := make([]byte, 9)
	_, _ = rand.Read(tail) // never fails
	e.ID, e.Object, e.Created = "ftevent-"+hex.EncodeToString(tail), "fine_tuning.job.event", time.Now().Unix()
	if line, err := json.Marshal(e); err == nil {
		_, _ = f.Write(append(line, '\n'))
	}
}

// addStep is addEvent while the job is under way: nothing follows the event that ended it.
func (s *store) addStep(job string, e event) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if j := get(s, s.jobs, job); !j.final() {
		s.addEvent(job, e)
	}
}

// notice is an event that says something to people.
func notice(text string) event { return event{Level: "info", Type: "message", Message: text} }

// events returns a job's events, newest first. A torn line is passed over.
func (s *store) events(job string) ([]event, error) {
	data, err := os.ReadFile(s.eventPath(job))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []event
	for line := range bytes.Lines(data) {
		var e event
		if json.Unmarshal(line, &e) == nil && e.ID != "" {
			all = append(all, e)
		}
	}
	slices.Reverse(all)
	return all, nil
}
