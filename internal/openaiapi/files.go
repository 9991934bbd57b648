package openaiapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"sync"

	"github.com/tunegate/tunegate/internal/train"
)

type file struct {
	ID, Filename, Status string
	Bytes                int64
}

// UnmarshalJSON takes anything; what is no file has no id.
func (f *file) UnmarshalJSON(b []byte) error {
	l := loosely(b)
	*f = file{ID: l.text("id"), Filename: l.text("filename"), Status: l.text("status"), Bytes: whole(l.number("bytes"))}
	return nil
}

// fileType is what the contract's clients call lines of JSON.
const fileType = "application/jsonl"

// Upload implements train.Provider: a file of that name and size is used as it is, otherwise the bytes are streamed, in
// parts when there are more than the service takes at once.
func (c *Client) Upload(ctx context.Context, f train.File) (string, error) {
	whole := f.Size <= c.single
	var id string
	err := persistent(ctx, tries, lookWaits, func() error {
		var err error
		if id, err = c.findFile(ctx, f); err == nil && id == "" && whole {
			id, err = c.sendFile(ctx, f)
		}
		return err
	})
	if err == nil && id == "" {
		id, err = c.sendParts(ctx, f)
	}
	return id, marked(err)
}

// findFile looks through all pages; services that ignore the purpose filter send other files too.
func (c *Client) findFile(ctx context.Context, f train.File) (id string, err error) {
	query := url.Values{"purpose": {"fine-tune"}, "limit": {"1000"}}
	for page, err := range pages(ctx, c.once, "/files", query, func(f file) string { return f.ID }) {
		if err != nil {
			return "", err
		}
		for _, have := range page {
			if have.ID != "" && have.Filename == f.Name && have.Bytes == f.Size && have.Status != "error" {
				return have.ID, nil
			}
		}
	}
	return "", nil
}

// sendFile sends a file in one request.
func (c *Client) sendFile(ctx context.Context, f train.File) (string, error) {
	data, err := f.Open()
	if err != nil {
		return "", final{err}
	}
	defer data.Close()
	var got file
	if err := c.sendForm(ctx, "/files", form{field: "file", name: f.Name, purpose: "fine-tune", data: data, size: f.Size}, &got); err != nil {
		return "", err
	}
	if got.ID == "" {
		return "", errors.New("the service gave the file no id")
	}
	return got.ID, nil
}

// form is a multipart form with one file of a known size.
type form struct {
	field, name string
	purpose     string // a field of its own; "": none
	data        io.Reader
	size        int64
}

// sendForm streams the form, so that memory does not grow with the file, and decodes the reply. The length is announced,
// since some services refuse chunked uploads.
func (c *Client) sendForm(ctx context.Context, path string, f form, into any) error {
	data := &source{Reader: f.data}
	var head strings.Builder
	w := multipart.NewWriter(&head)
	if f.purpose != "" {
		if err := w.WriteField("purpose", f.purpose); err != nil {
			return err
		}
	}
	h := textproto.MIMEHeader{}
	h.Set("Content-Disposition", fmt.Sprintf(`form-data; name="%s"; filename="%s"`, f.field, f.name))
	h.Set("Content-Type", fileType)
	if _, err := w.CreatePart(h); err != nil {
		return err
	}
	tail := "\r\n--" + w.Boundary() + "--\r\n"
	err := within(ctx, uploadTime(f.size), func(ctx context.Context) error {
		q, err := c.request(ctx, http.MethodPost, path, nil, io.MultiReader(strings.NewReader(head.String()), data, strings.NewReader(tail)))
		if err != nil {
			return err
		}
		q.ContentLength = int64(head.Len()) + f.size + int64(len(tail))
		q.Header.Set("Content-Type", w.FormDataContentType())
		return c.do(q, into)
	})
	if err := data.end(); err != nil {
		return final{err}
	}
	return err
}

// source is the data of one request. It remembers why reading it failed, since the transport's own error is about the
// connection, and it can be ended: the transport may go on reading for a while after it has returned, and the data may
// by then be on their way again.
type source struct {
	io.Reader
	mu    sync.Mutex
	err   error
	ended bool
}

func (s *source) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return 0, io.ErrClosedPipe
	}
	n, err := s.Reader.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// end stops the reading and returns the error that it met.
func (s *source) end() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	return s.err
}
