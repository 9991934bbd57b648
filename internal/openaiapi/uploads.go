package openaiapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/tunegate/tunegate/internal/train"
)

// sendParts sends a file as an upload of parts, in order, of which one at a time is under way. A part that fails is sent
// again; an upload that fails for good is given up, so that the service keeps none of it. A service that knows no uploads
// is sent the file in one request after all.
func (c *Client) sendParts(ctx context.Context, f train.File) (id string, err error) {
	var upload struct {
		ID string `json:"id"`
	}
	announced := map[string]any{"filename": f.Name, "purpose": "fine-tune", "bytes": f.Size, "mime_type": fileType}
	err = persist(ctx, func() error { return c.send(ctx, http.MethodPost, "/uploads", nil, announced, &upload) })
	var e *Error
	switch {
	case errors.As(err, &e) && (e.Status == http.StatusNotFound || e.Status == http.StatusMethodNotAllowed):
		return id, persist(ctx, func() (err error) { id, err = c.sendFile(ctx, f); return err })
	case err != nil:
		return "", err
	case upload.ID == "":
		return "", errors.New("the service gave the upload no id")
	}
	path := "/uploads/" + url.PathEscape(upload.ID)
	defer func() {
		if err != nil {
			c.giveUp(ctx, path)
		}
	}()
	data := &rewinder{open: f.Open}
	defer data.close()
	var parts []string
	for at := int64(0); at < f.Size; at += c.part {
		size := min(c.part, f.Size-at)
		part, err := c.sendPart(ctx, path, data, at, size)
		if err != nil {
			return "", fmt.Errorf("bytes %d to %d of %d: %w", at, at+size, f.Size, err)
		}
		parts = append(parts, part)
	}
	return c.complete(ctx, path, parts, f)
}

// complete has the service put the parts together. Asked again it refuses: whether a first request whose reply was lost
// has done its work is what the list of files shows.
func (c *Client) complete(ctx context.Context, path string, parts []string, f train.File) (string, error) {
	var done struct {
		File file `json:"file"`
	}
	asked := false
	err := persist(ctx, func() error {
		if asked {
			id, err := c.findFile(ctx, f)
			if err != nil || id != "" {
				done.File = file{ID: id, Bytes: f.Size}
				return err
			}
		}
		asked = true
		return c.send(ctx, http.MethodPost, path+"/complete", nil, map[string]any{"part_ids": parts}, &done)
	})
	switch {
	case err != nil:
		return "", fmt.Errorf("completing the upload: %w", err)
	case done.File.ID == "":
		return "", errors.New("the service completed the upload, but gave the file no id")
	case done.File.Bytes != f.Size:
		return "", final{fmt.Errorf("the service made a file of %d bytes of parts of %d", done.File.Bytes, f.Size)}
	}
	return done.File.ID, nil
}

func (c *Client) sendPart(ctx context.Context, path string, data *rewinder, at, size int64) (id string, err error) {
	var part struct {
		ID string `json:"id"`
	}
	err = persist(ctx, func() error {
		r, err := data.from(at)
		if err != nil {
			return final{err}
		}
		return c.sendForm(ctx, path+"/parts", form{field: "data", name: "part", data: io.LimitReader(r, size), size: size}, &part)
	})
	if err == nil && part.ID == "" {
		err = errors.New("the service gave the part no id")
	}
	return part.ID, err
}

// giveUpTime is how long a failed run goes on to tell the service that an upload is given up; the service forgets it
// within the hour anyway.
const giveUpTime = 5 * time.Second

func (c *Client) giveUp(ctx context.Context, path string) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), giveUpTime)
	defer stop()
	_ = c.send(ctx, http.MethodPost, path+"/cancel", nil, struct{}{}, nil)
}

// rewinder reads a file that can only be opened anew, from any place: it goes on where it stands, and begins again when
// asked for what has gone by.
type rewinder struct {
	open func() (io.ReadCloser, error)
	r    io.ReadCloser
	at   int64
}

// from returns the file from that byte on.
func (r *rewinder) from(at int64) (io.Reader, error) {
	if r.r == nil || r.at != at {
		r.close()
		var err error
		if r.r, err = r.open(); err != nil {
			r.r = nil
			return nil, err
		}
		if r.at, err = io.CopyN(io.Discard, r.r, at); err != nil {
			return nil, fmt.Errorf("reading on from byte %d: %w", at, err)
		}
	}
	return r, nil
}

func (r *rewinder) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.at += int64(n)
	return n, err
}

func (r *rewinder) close() {
	if r.r != nil {
		r.r.Close()
		r.r = nil
	}
}
