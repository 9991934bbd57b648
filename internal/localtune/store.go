package localtune

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/tunegate/tunegate/internal/journal"
)

// store is the state folder:
//
//	local.journal    every change of a file's, upload's or job's record; the last one of an id counts
//	files/ID         uploaded bytes
//	uploads/ID/PART  parts of an upload that is not complete
//	events/ID.jsonl  a job's events, oldest first
//	models/ID        a job's trained model
type store struct {
	dir     string
	journal *journal.Journal

	writing sync.Mutex   // held over a change and its way to the disk, so that readers need not wait; taken before mu
	mu      sync.RWMutex // guards what follows
	seq     int64
	files   map[string]fileRecord
	uploads map[string]uploadRecord
	jobs    map[string]jobRecord
}

// change is one record of the journal: what changed together.
type change struct {
	File   *fileRecord   `json:"file,omitempty"`
	Upload *uploadRecord `json:"upload,omitempty"`
	Job    *jobRecord    `json:"job,omitempty"`

	said []event // what the job's events say of it; kept with them, not in the journal
}

func openStore(dir string) (*store, error) {
	for _, sub := range []string{"files", "uploads", "events", "models"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, err
		}
	}
	j, err := journal.Open(filepath.Join(dir, "local.journal"))
	if err != nil {
		return nil, err
	}
	s := &store{dir: dir, journal: j, files: map[string]fileRecord{}, uploads: map[string]uploadRecord{}, jobs: map[string]jobRecord{}}
	for i, raw := range j.Records() {
		var c change
		if err := json.Unmarshal(raw, &c); err != nil {
			return nil, errors.Join(fmt.Errorf("record %d: %w", i+1, err), j.Close())
		}
		s.apply(c)
	}
	if err := s.sweep(); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return s, nil
}

func (s *store) close() error { return s.journal.Close() }

// sweep removes the bytes of ours that no record speaks of: what a process that was killed, or a deletion, left
// behind. Other names are somebody else's, who has a folder called files beside ours.
func (s *store) sweep() error {
	left := map[string]func(name string) bool{
		"files": func(name string) bool {
			f := s.files[name]
			return strings.HasPrefix(name, filePrefix+"-") && (f.ID == "" || f.gone())
		},
		"uploads": func(name string) bool {
			u := s.uploads[name]
			return strings.HasPrefix(name, uploadPrefix+"-") && (u.ID == "" || u.status() != uploadPending)
		},
		"models": func(name string) bool {
			return strings.HasPrefix(name, jobPrefix+"-") && !s.jobs[name].serves()
		},
	}
	for sub, remove := range left {
		entries, err := os.ReadDir(filepath.Join(s.dir, sub))
		if err != nil {
			return err
		}
		for _, e := range entries {
			if !remove(e.Name()) && !strings.HasPrefix(e.Name(), tempPrefix) {
				continue
			}
			if err := os.RemoveAll(filepath.Join(s.dir, sub, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// apply changes what readers see.
func (s *store) apply(c change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.File != nil {
		s.files[c.File.ID] = *c.File
		s.seq = max(s.seq, c.File.Seq)
	}
	if c.Upload != nil {
		s.uploads[c.Upload.ID] = *c.Upload
		s.seq = max(s.seq, c.Upload.Seq)
	}
	if c.Job != nil {
		s.jobs[c.Job.ID] = *c.Job
		s.seq = max(s.seq, c.Job.Seq)
	}
}

// put records a change, which its caller has made while holding writing.
func (s *store) put(c change) error {
	if err := s.journal.Append(c); err != nil {
		return err
	}
	s.publish(c)
	return nil
}

// publish shows a change to readers, its events first: a client that sees a final state asks for no more of them.
func (s *store) publish(c change) {
	for _, e := range c.said {
		s.addEvent(c.Job.ID, e)
	}
	s.apply(c)
}

// What ids begin with.
const (
	filePrefix   = "file"
	uploadPrefix = "upload"
	jobPrefix    = "ftjob"
)

// newID returns a fresh id with its sequence number; ids of one kind sort by age.
func (s *store) newID(prefix string) (string, int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	tail := make([]byte, 6)
	_, _ = rand.Read(tail) // never fails
	return fmt.Sprintf("%s-%06d%s", prefix, s.seq, hex.EncodeToString(tail)), s.seq
}

// get reads a record under the lock; the zero record is one that does not exist.
func get[T any](s *store, from map[string]T, id string) T {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return from[id]
}

// all returns the records of a map, newest first.
func all[T any](s *store, from map[string]T, seq func(T) int64) []T {
	s.mu.RLock()
	records := slices.AppendSeq(make([]T, 0, len(from)), maps.Values(from))
	s.mu.RUnlock()
	slices.SortFunc(records, func(a, b T) int { return cmp.Compare(seq(b), seq(a)) })
	return records
}

// The updates change a record and return it. edit refuses by an error; a record that does not exist yet is handed to
// it as the zero one.

func (s *store) updateFile(id string, edit func(*fileRecord) error) (fileRecord, error) {
	return update(s, s.files, id, edit, func(f *fileRecord) change { return change{File: f} })
}

func (s *store) updateUpload(id string, edit func(*uploadRecord) error) (uploadRecord, error) {
	return update(s, s.uploads, id, edit, func(u *uploadRecord) change { return change{Upload: u} })
}

func (s *store) updateJob(id string, edit func(*jobRecord) error, said ...event) (jobRecord, error) {
	return update(s, s.jobs, id, edit, func(j *jobRecord) change { return change{Job: j, said: said} })
}

func update[T any](s *store, in map[string]T, id string, edit func(*T) error, as func(*T) change) (T, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	v := get(s, in, id)
	if err := edit(&v); err != nil {
		return v, err
	}
	return v, s.put(as(&v))
}

func (s *store) file(id string) (fileRecord, error) {
	f := get(s, s.files, id)
	if f.ID == "" || f.gone() {
		return f, notFound("File object", id)
	}
	return f, nil
}

func (s *store) upload(id string) (uploadRecord, error) {
	u := get(s, s.uploads, id)
	if u.ID == "" {
		return u, notFound("Upload", id)
	}
	return u, nil
}

func (s *store) job(id string) (jobRecord, error) {
	j := get(s, s.jobs, id)
	if j.ID == "" {
		return j, notFound("fine-tuning job", id)
	}
	return j, nil
}

// modelJob returns the job whose model has the name, which ends with what is the job's own in its id.
func (s *store) modelJob(name string) (jobRecord, error) {
	j := get(s, s.jobs, jobPrefix+"-"+name[strings.LastIndexByte(name, ':')+1:])
	if !j.serves() || j.Model != name {
		return j, noModel(name)
	}
	return j, nil
}

// allFiles are the records of all files, also of those that are gone.
func (s *store) allFiles() []fileRecord {
	return all(s, s.files, func(f fileRecord) int64 { return f.Seq })
}

func (s *store) allJobs() []jobRecord {
	return all(s, s.jobs, func(j jobRecord) int64 { return j.Seq })
}

func (s *store) filePath(id string) string { return filepath.Join(s.dir, "files", filepath.Base(id)) }
func (s *store) uploadPath(id string) string {
	return filepath.Join(s.dir, "uploads", filepath.Base(id))
}
func (s *store) modelPath(id string) string { return filepath.Join(s.dir, "models", filepath.Base(id)) }
