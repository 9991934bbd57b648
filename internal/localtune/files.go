package localtune

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxFile is the contract's limit of a file that is sent at once, in bytes.
const maxFile = 512 << 20

// formExtra is what the form around a file may take, in bytes.
const formExtra = 1 << 20

type fileRecord struct {
	ID      string    `json:"id"`
	Seq     int64     `json:"seq"`
	Name    string    `json:"name"`
	Purpose string    `json:"purpose"`
	Bytes   int64     `json:"bytes"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"` // zero: never
	Deleted bool      `json:"deleted,omitempty"`
}

// gone is whether the file was deleted or has expired. The bytes of an expired one are removed at the next start.
func (f fileRecord) gone() bool {
	return f.Deleted || !f.Expires.IsZero() && time.Now().After(f.Expires)
}

type fileObject struct {
	ID       string `json:"id"`
	Object   string `json:"object"`
	Bytes    int64  `json:"bytes"`
	Created  int64  `json:"created_at"`
	Expires  int64  `json:"expires_at,omitempty"`
	Filename string `json:"filename"`
	Purpose  string `json:"purpose"`
	Status   string `json:"status"`
}

func (f fileRecord) object() fileObject {
	o := fileObject{ID: f.ID, Object: "file", Bytes: f.Bytes, Created: f.Created.Unix(), Filename: f.Name, Purpose: f.Purpose, Status: "processed"}
	if !f.Expires.IsZero() {
		o.Expires = f.Expires.Unix()
	}
	return o
}

// expiry is how long a file is kept, as the contract asks for it.
type expiry struct {
	Anchor  string `json:"anchor"`
	Seconds int64  `json:"seconds"`
}

// after returns the time of expiry of a file created at that time; an empty expiry is never.
func (e expiry) after(created time.Time) (time.Time, error) {
	switch {
	case e == expiry{}:
		return time.Time{}, nil
	case e.Anchor != "created_at":
		return time.Time{}, invalid("expires_after", "The anchor of expires_after is \"created_at\", not %q.", e.Anchor)
	case e.Seconds < 3600 || e.Seconds > 2592000:
		return time.Time{}, invalid("expires_after", "The seconds of expires_after are a whole number from 3600 to 2592000.")
	}
	return created.Add(time.Duration(e.Seconds) * time.Second), nil
}

func checkPurpose(purpose string) error {
	if purpose != "fine-tune" {
		return invalid("purpose", "The purpose %q is not served here, only \"fine-tune\" is.", purpose)
	}
	return nil
}

// fileName is the name by which an upload is known: printable, without folders, 255 bytes at most.
func fileName(sent string) (string, error) {
	name := strings.ReplaceAll(sent, `\`, "/")
	name = printable(name[strings.LastIndexByte(name, '/')+1:])
	if name == "" || name == "." || name == ".." {
		return "", invalid("file", "The file has no name.")
	}
	if len(name) > 255 {
		return "", invalid("file", "The name of the file is longer than 255 bytes.")
	}
	return name, nil
}

// uploadFile stores the file before it knows the rest of the form, whose parts come in any order. Whatever goes wrong,
// nothing of it stays.
func (s *Server) uploadFile(w http.ResponseWriter, r *http.Request) error {
	f := fileRecord{Created: time.Now()}
	f.ID, f.Seq = s.store.newID(filePrefix)
	kept := false
	defer func() {
		if !kept {
			os.Remove(s.store.filePath(f.ID))
		}
	}()
	if err := s.readFile(w, r, &f); err != nil {
		return err
	}
	if _, err := s.store.updateFile(f.ID, func(v *fileRecord) error { *v = f; return nil }); err != nil {
		return err
	}
	kept = true
	writeJSON(w, http.StatusOK, f.object())
	return nil
}

// readFile fills f from a form and stores the bytes.
func (s *Server) readFile(w http.ResponseWriter, r *http.Request, f *fileRecord) error {
	var keep expiry
	seen := map[string]bool{}
	err := eachPart(w, r, maxFile+formExtra, func(name string, part *multipart.Part) (err error) {
		if seen[name] {
			return invalid(name, "The form has two parts named %s.", name)
		}
		seen[name] = true
		switch name {
		case "purpose":
			if f.Purpose, err = shortPart(part); err == nil {
				err = checkPurpose(f.Purpose)
			}
		case "expires_after[anchor]":
			keep.Anchor, err = shortPart(part)
		case "expires_after[seconds]":
			var text string
			if text, err = shortPart(part); err == nil {
				if keep.Seconds, err = strconv.ParseInt(text, 10, 64); err != nil {
					err = invalid("expires_after", "The seconds of expires_after are a whole number, not %q.", text)
				}
			}
		case "file":
			if f.Name, err = fileName(part.FileName()); err == nil {
				f.Bytes, err = storePart(s.store.filePath(f.ID), part, maxFile)
			}
		default:
			return invalid(name, "Unrecognized request argument supplied: %s", name)
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case !seen["file"]:
		return invalid("file", "The form has no part named file.")
	case !seen["purpose"]:
		return invalid("purpose", "The form has no part named purpose.")
	case f.Bytes == 0:
		return invalid("file", "The file %s is empty.", f.Name)
	}
	f.Expires, err = keep.after(f.Created)
	return err
}

// eachPart hands each part of a form of at most so many bytes to read.
func eachPart(w http.ResponseWriter, r *http.Request, most int64, read func(name string, part *multipart.Part) error) error {
	r.Body = http.MaxBytesReader(w, r.Body, most)
	form, err := r.MultipartReader()
	if err != nil {
		return invalid("", "The body is not multipart/form-data: %v", err)
	}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = read(part.FormName(), part)
		} else {
			err = broken{err}
		}
		if err != nil {
			return formError(err)
		}
	}
}

// formError tells what the client did wrong from what went wrong here.
func formError(err error) error {
	var tooLong *http.MaxBytesError
	var b broken
	switch {
	case errors.As(err, &tooLong):
		return tooLarge("request", tooLong.Limit)
	case errors.As(err, &b):
		return invalid("file", "The upload broke off: %v", b.error)
	}
	return err
}

func tooLarge(what string, most int64) error {
	return &apiError{http.StatusRequestEntityTooLarge, "invalid_request_error", "file", "file_too_large", fmt.Sprintf("The %s is larger than %d bytes.", what, most)}
}

func shortPart(part io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(client{part}, 64))
	return string(b), err
}

// storePart writes a part of a form to path and returns its length.
func storePart(path string, part io.Reader, most int64) (n int64, err error) {
	err = writeFile(path, func(w io.Writer) (err error) {
		n, err = io.Copy(w, io.LimitReader(client{part}, most+1))
		if err == nil && n > most {
			return tooLarge("file", most)
		}
		return err
	})
	return n, err
}

func (s *Server) listFiles(w http.ResponseWriter, r *http.Request) error {
	all := s.store.allFiles()
	q := r.URL.Query()
	purpose := q.Get("purpose")
	switch q.Get("order") {
	case "asc":
		slices.Reverse(all)
	case "", "desc":
	default:
		return invalid("order", "order is asc or desc, not %q", q.Get("order"))
	}
	part, more, err := page(r, all, func(f fileRecord) string { return f.ID },
		func(f fileRecord) bool { return !f.gone() && (purpose == "" || f.Purpose == purpose) }, 10000, 10000)
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
	id := r.PathValue("id")
	_, err := s.store.updateFile(id, func(f *fileRecord) error {
		if f.ID == "" || f.gone() {
			return notFound("File object", id)
		}
		f.Deleted = true
		return nil
	})
	if err != nil {
		return err
	}
	if err := os.Remove(s.store.filePath(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]any{"id": id, "object": "file", "deleted": true})
	return nil
}
