package localtune

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"slices"
	"time"
)

// maxFile is the contract's limit of an uploaded file in bytes.
const maxFile = 512 << 20

type fileObject struct {
	ID       string `json:"id"`
	Object   string `json:"object"`
	Bytes    int64  `json:"bytes"`
	Created  int64  `json:"created_at"`
	Filename string `json:"filename"`
	Purpose  string `json:"purpose"`
	Status   string `json:"status"`
}

func (f fileRecord) object() fileObject {
	return fileObject{f.ID, "file", f.Bytes, f.Created.Unix(), f.Name, f.Purpose, "processed"}
}

func (s *Server) uploadFile(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxFile+1<<20) // the rest is for the form around the file
	form, err := r.MultipartReader()
	if err != nil {
		return invalid("file", "The body is not multipart/form-data: %v", err)
	}
	id, seq := s.store.newID("file")
	f := fileRecord{ID: id, Seq: seq, Created: time.Now(), Bytes: -1}
	kept := false
	defer func() {
		if !kept {
			os.Remove(s.store.filePath(id))
		}
	}()
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return uploadError(err)
		}
		switch part.FormName() {
		case "purpose":
			b, err := io.ReadAll(io.LimitReader(part, 64))
			if err != nil {
				return uploadError(err)
			}
			f.Purpose = string(b)
		case "file":
			f.Name = path.Base(part.FileName())
			err := writeFile(s.store.filePath(id), func(w io.Writer) (err error) {
				f.Bytes, err = io.Copy(w, part)
				return err
			})
			if err != nil {
				return uploadError(err)
			}
		}
	}
	switch {
	case f.Bytes < 0:
		return invalid("file", "The form has no part named file.")
	case f.Purpose != "fine-tune":
		return invalid("purpose", "The purpose %q is not served here, only \"fine-tune\" is.", f.Purpose)
	case f.Bytes == 0:
		return invalid("file", "The file %s is empty.", f.Name)
	case f.Bytes > maxFile:
		return uploadError(&http.MaxBytesError{Limit: maxFile})
	}
	if err := s.store.putFile(f); err != nil {
		return err
	}
	kept = true
	writeJSON(w, http.StatusOK, f.object())
	return nil
}

func uploadError(err error) error {
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		return &apiError{http.StatusRequestEntityTooLarge, "invalid_request_error", "file", "file_too_large", fmt.Sprintf("The file is larger than %d bytes.", maxFile)}
	}
	return invalid("file", "The upload broke off: %v", err)
}

func (s *Server) listFiles(w http.ResponseWriter, r *http.Request) error {
	all := s.store.allFiles()
	q := r.URL.Query()
	if purpose := q.Get("purpose"); purpose != "" {
		all = slices.DeleteFunc(all, func(f fileRecord) bool { return f.Purpose != purpose })
	}
	switch q.Get("order") {
	case "asc":
		slices.Reverse(all)
	case "", "desc":
	default:
		return invalid("order", "order is asc or desc, not %q", q.Get("order"))
	}
	part, more, err := page(r, all, func(f fileRecord) string { return f.ID }, 10000, 10000)
	if err != nil {
		return err
	}
	objects := make([]fileObject, len(part))
	for i, f := range part {
		objects[i] = f.object()
	}
	body := list(objects, more)
	body["first_id"], body["last_id"] = "", ""
	if len(part) > 0 {
		body["first_id"], body["last_id"] = part[0].ID, part[len(part)-1].ID
	}
	writeJSON(w, http.StatusOK, body)
	return nil
}

func (s *Server) getFile(w http.ResponseWriter, r *http.Request) error {
	f, err := s.store.file(r.PathValue("id"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, f.object())
	return nil
}

func (s *Server) fileContent(w http.ResponseWriter, r *http.Request) error {
	f, err := s.store.file(r.PathValue("id"))
	if err != nil {
		return err
	}
	data, err := os.Open(s.store.filePath(f.ID))
	if err != nil {
		return err
	}
	defer data.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", f.Created, data)
	return nil
}

func (s *Server) deleteFile(w http.ResponseWriter, r *http.Request) error {
	f, err := s.store.file(r.PathValue("id"))
	if err != nil {
		return err
	}
	f.Deleted = true
	if err := s.store.putFile(f); err != nil {
		return err
	}
	if err := os.Remove(s.store.filePath(f.ID)); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]any{"id": f.ID, "object": "file", "deleted": true})
	return nil
}
