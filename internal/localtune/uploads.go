package localtune

import (
	"crypto/md5" // the contract's checksum: against accidents, not against people
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The contract's limits of an upload in parts.
const (
	maxUpload  = 8 << 30  // bytes in all
	maxPart    = 64 << 20 // bytes of a part
	maxParts   = 10000
	uploadLife = time.Hour
)

// The states of an upload, as the contract writes them.
const (
	uploadPending   = "pending"
	uploadCompleted = "completed"
	uploadCancelled = "cancelled"
	uploadExpired   = "expired"
)

// uploadRecord is a file that comes in parts. Which parts have come is what its folder holds.
type uploadRecord struct {
	ID      string    `json:"id"`
	Seq     int64     `json:"seq"`
	Name    string    `json:"name"`
	Purpose string    `json:"purpose"`
	Bytes   int64     `json:"bytes"`
	Created time.Time `json:"created"`
	Keep    expiry    `json:"keep,omitzero"` // how long the file is to be kept
	Ended   string    `json:"ended,omitempty"`
	File    string    `json:"file,omitempty"` // once completed
}

func (u uploadRecord) status() string {
	switch {
	case u.Ended != "":
		return u.Ended
	case time.Since(u.Created) > uploadLife:
		return uploadExpired
	}
	return uploadPending
}

// open refuses an upload that has ended.
func (u uploadRecord) open() error {
	if status := u.status(); status != uploadPending {
		return invalid("upload_id", "Upload %s is %s.", u.ID, status)
	}
	return nil
}

func (u uploadRecord) object() map[string]any {
	return map[string]any{
		"id": u.ID, "object": "upload", "bytes": u.Bytes, "created_at": u.Created.Unix(), "filename": u.Name, "purpose": u.Purpose,
		"status": u.status(), "expires_at": u.Created.Add(uploadLife).Unix(),
	}
}

func (s *Server) createUpload(w http.ResponseWriter, r *http.Request) error {
	var q struct {
		Filename string `json:"filename"`
		Purpose  string `json:"purpose"`
		Bytes    int64  `json:"bytes"`
		Type     string `json:"mime_type"`
		Expires  expiry `json:"expires_after"`
	}
	if err := s.readJSON(w, r, true, &q); err != nil {
		return err
	}
	u := uploadRecord{Purpose: q.Purpose, Bytes: q.Bytes, Created: time.Now(), Keep: q.Expires}
	var err error
	if u.Name, err = fileName(q.Filename); err != nil {
		return err
	}
	if err := checkPurpose(q.Purpose); err != nil {
		return err
	}
	if q.Bytes < 1 || q.Bytes > maxUpload {
		return invalid("bytes", "bytes is a whole number from 1 to %d.", int64(maxUpload))
	}
	if q.Type == "" {
		return invalid("mime_type", "mime_type is missing.")
	}
	if _, err := q.Expires.after(u.Created); err != nil {
		return err
	}
	u.ID, u.Seq = s.store.newID(uploadPrefix)
	if err := os.Mkdir(s.store.uploadPath(u.ID), 0o755); err != nil {
		return err
	}
	if _, err := s.store.updateUpload(u.ID, func(v *uploadRecord) error { *v = u; return nil }); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, u.object())
	return nil
}

func (s *Server) addPart(w http.ResponseWriter, r *http.Request) error {
	u, err := s.store.upload(r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := u.open(); err != nil {
		return err
	}
	id, _ := s.store.newID("part")
	path, size := filepath.Join(s.store.uploadPath(u.ID), id), int64(-1)
	err = eachPart(w, r, maxPart+formExtra, func(name string, part *multipart.Part) (err error) {
		if name != "data" || size >= 0 {
			return invalid(name, "The form has one part, named data.")
		}
		size, err = storePart(path, part, maxPart)
		return err
	})
	switch {
	case err != nil:
	case size < 0:
		err = invalid("data", "The form has no part named data.")
	case size == 0:
		err = invalid("data", "The part is empty.")
	}
	if errors.Is(err, fs.ErrNotExist) { // the folder went while the part came
		err = invalid("upload_id", "Upload %s has ended.", u.ID)
	}
	if err != nil {
		os.Remove(path)
		return err
	}
	writeJSON(w, http.StatusOK, map[string]any{"id": id, "object": "upload.part", "created_at": time.Now().Unix(), "upload_id": u.ID})
	return nil
}

func (s *Server) completeUpload(w http.ResponseWriter, r *http.Request) error {
	var q struct {
		Parts []string `json:"part_ids"`
		MD5   string   `json:"md5"`
	}
	if err := s.readJSON(w, r, true, &q); err != nil {
		return err
	}
	if len(q.Parts) == 0 || len(q.Parts) > maxParts {
		return invalid("part_ids", "part_ids is a list of 1 to %d ids.", maxParts)
	}
	s.assembling.Lock()
	defer s.assembling.Unlock()
	u, err := s.store.upload(r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := u.open(); err != nil {
		return err
	}
	f := fileRecord{Name: u.Name, Purpose: u.Purpose, Bytes: u.Bytes, Created: time.Now()}
	f.ID, f.Seq = s.store.newID(filePrefix)
	if f.Expires, err = u.Keep.after(f.Created); err != nil {
		return err
	}
	if err := s.assemble(r, u, q.Parts, q.MD5, s.store.filePath(f.ID)); err != nil {
		return err
	}
	u.Ended, u.File = uploadCompleted, f.ID
	s.store.writing.Lock()
	err = s.store.put(change{File: &f, Upload: &u})
	s.store.writing.Unlock()
	if err != nil {
		os.Remove(s.store.filePath(f.ID))
		return err
	}
	os.RemoveAll(s.store.uploadPath(u.ID)) // what stays is swept at the next start
	o := u.object()
	o["file"] = f.object()
	writeJSON(w, http.StatusOK, o)
	return nil
}

// assemble writes the parts of an upload to path, one after the other.
func (s *Server) assemble(r *http.Request, u uploadRecord, parts []string, sum string, path string) error {
	var size int64
	paths := make([]string, len(parts))
	for i, id := range parts {
		paths[i] = filepath.Join(s.store.uploadPath(u.ID), filepath.Base(id))
		info, err := os.Stat(paths[i])
		if errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(id, "part-") || strings.ContainsRune(id, filepath.Separator) {
			return invalid("part_ids", "Upload %s has no part %q.", u.ID, id)
		}
		if err != nil {
			return err
		}
		size += info.Size()
	}
	if size != u.Bytes {
		return invalid("part_ids", "The parts are %d bytes long, but the upload was announced with %d.", size, u.Bytes)
	}
	return writeFile(path, func(w io.Writer) error {
		var check hash.Hash
		if sum != "" {
			check = md5.New()
			w = io.MultiWriter(w, check)
		}
		for _, path := range paths {
			if err := r.Context().Err(); err != nil {
				return fmt.Errorf("the client went away: %w", err)
			}
			if err := appendFile(w, path); err != nil {
				return err
			}
		}
		if check != nil {
			if got := hex.EncodeToString(check.Sum(nil)); !strings.EqualFold(got, sum) {
				return invalid("md5", "The MD5 of the parts is %s, not %q.", got, sum)
			}
		}
		return nil
	})
}

func appendFile(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

func (s *Server) cancelUpload(w http.ResponseWriter, r *http.Request) error {
	s.assembling.Lock()
	defer s.assembling.Unlock()
	id := r.PathValue("id")
	u, err := s.store.updateUpload(id, func(u *uploadRecord) error {
		if u.ID == "" {
			return notFound("Upload", id)
		}
		if err := u.open(); err != nil {
			return err
		}
		u.Ended = uploadCancelled
		return nil
	})
	if err != nil {
		return err
	}
	os.RemoveAll(s.store.uploadPath(id)) // what stays is swept at the next start
	writeJSON(w, http.StatusOK, u.object())
	return nil
}
