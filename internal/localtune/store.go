package localtune

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/tunegate/tunegate/internal/journal"
)

// store is the state folder:
//
//	local.journal    every change of a file's or job's record; the last one of an id counts
//	files/ID         uploaded bytes
//	events/ID.jsonl  a job's events, oldest first
//	models/ID        a job's trained model
type store struct {
	dir     string
	journal *journal.Journal

	mu    sync.Mutex
	seq   int64
	files map[string]fileRecord
	jobs  map[string]jobRecord
}

type fileRecord struct {
	ID      string    `json:"id"`
	Seq     int64     `json:"seq"`
	Name    string    `json:"name"`
	Purpose string    `json:"purpose"`
	Bytes   int64     `json:"bytes"`
	Created time.Time `json:"created"`
	Deleted bool      `json:"deleted,omitempty"`
}

type jobRecord struct {
	ID            string            `json:"id"`
	Seq           int64             `json:"seq"`
	Status        string            `json:"status"`
	Created       time.Time         `json:"created"`
	Finished      time.Time         `json:"finished,omitzero"`
	Training      string            `json:"training"`
	Validation    string            `json:"validation,omitempty"`
	Suffix        string            `json:"suffix,omitempty"`
	Seed          int64             `json:"seed"`
	Epochs        int               `json:"epochs,omitempty"` // 0 until the engine has chosen
	BatchSize     int               `json:"batch_size,omitempty"`
	LearningRate  float64           `json:"learning_rate,omitempty"`
	Metadata      map[string]string `json:"metadata,omitempty"`
	Model         string            `json:"model,omitempty"` // once succeeded
	TrainedTokens int64             `json:"trained_tokens,omitempty"`
	ToolCalls     bool              `json:"tool_calls,omitempty"` // the training answers were tool calls
	Steps         int               `json:"steps,omitempty"`
	Loss          float64           `json:"loss,omitempty"`
	Error         *jobError         `json:"error,omitempty"`
}

type jobError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Param   string `json:"param,omitempty"`
}

// The states of a job, as the contract writes them.
const (
	validating = "validating_files"
	queued     = "queued"
	running    = "running"
	succeeded  = "succeeded"
	failed     = "failed"
	cancelled  = "cancelled"
)

func (j jobRecord) final() bool {
	return j.Status == succeeded || j.Status == failed || j.Status == cancelled
}

// change is one record of the journal: exactly one of its fields is set.
type change struct {
	File *fileRecord `json:"file,omitempty"`
	Job  *jobRecord  `json:"job,omitempty"`
}

func openStore(dir string) (*store, error) {
	for _, sub := range []string{"files", "events", "models"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, err
		}
	}
	j, err := journal.Open(filepath.Join(dir, "local.journal"))
	if err != nil {
		return nil, err
	}
	s := &store{dir: dir, journal: j, files: map[string]fileRecord{}, jobs: map[string]jobRecord{}}
	for i, raw := range j.Records() {
		var c change
		if err := json.Unmarshal(raw, &c); err != nil {
			return nil, errors.Join(fmt.Errorf("record %d: %w", i+1, err), j.Close())
		}
		s.apply(c)
	}
	return s, nil
}

func (s *store) close() error { return s.journal.Close() }

func (s *store) apply(c change) {
	if c.File != nil {
		s.files[c.File.ID] = *c.File
		s.seq = max(s.seq, c.File.Seq)
	}
	if c.Job != nil {
		s.jobs[c.Job.ID] = *c.Job
		s.seq = max(s.seq, c.Job.Seq)
	}
}

// newID returns a fresh id with its sequence number; ids of one kind sort by age.
func (s *store) newID(prefix string) (string, int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	tail := make([]byte, 6)
	_, _ = rand.Read(tail) // never fails
	return fmt.Sprintf("%s-%06d%s", prefix, s.seq, hex.EncodeToString(tail)), s.seq
}

func (s *store) putFile(f fileRecord) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.journal.Append(change{File: &f}); err != nil {
		return err
	}
	s.apply(change{File: &f})
	return nil
}

// updateJob changes a job's record and returns it. edit is refused by its error; a job that does not exist yet is
// handed to it as the zero record.
func (s *store) updateJob(id string, edit func(*jobRecord) error) (jobRecord, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.jobs[id]
	if err := edit(&j); err != nil {
		return j, err
	}
	if err := s.journal.Append(change{Job: &j}); err != nil {
		return j, err
	}
	s.apply(change{Job: &j})
	return j, nil
}

func (s *store) file(id string) (fileRecord, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.files[id]
	if !ok || f.Deleted {
		return f, notFound("File object", id)
	}
	return f, nil
}

func (s *store) job(id string) (jobRecord, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j, ok := s.jobs[id]
	if !ok {
		return j, notFound("fine-tuning job", id)
	}
	return j, nil
}

// allFiles and allJobs are newest first.
func (s *store) allFiles() []fileRecord {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []fileRecord
	for _, f := range s.files {
		if !f.Deleted {
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(a, b fileRecord) int { return cmp.Compare(b.Seq, a.Seq) })
	return all
}

func (s *store) allJobs() []jobRecord {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []jobRecord
	for _, j := range s.jobs {
		all = append(all, j)
	}
	slices.SortFunc(all, func(a, b jobRecord) int { return cmp.Compare(b.Seq, a.Seq) })
	return all
}

func (s *store) filePath(id string) string  { return filepath.Join(s.dir, "files", filepath.Base(id)) }
func (s *store) modelPath(id string) string { return filepath.Join(s.dir, "models", filepath.Base(id)) }
func (s *store) eventPath(id string) string {
	return filepath.Join(s.dir, "events", filepath.Base(id)+".jsonl")
}

// writeFile makes path hold what write writes, wholly or not at all.
func writeFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
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

// addEvent appends an event. Events inform; one lost in a crash loses nothing that matters, so they are not synced.
func (s *store) addEvent(job string, e event) error {
	f, err := os.OpenFile(s.eventPath(job), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	tail := make([]byte, 9)
	_, _ = rand.Read(tail)
	e.ID, e.Object, e.Created = "ftevent-"+hex.EncodeToString(tail), "fine_tuning.job.event", time.Now().Unix()
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return err
}

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
