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

	"github.com/tunegate/tunegate/internal/train"
)

type file struct {
	ID       string `json:"id"`
	Filename string `json:"filename"`
	Bytes    int64  `json:"bytes"`
	Purpose  string `json:"purpose"`
	Status   string `json:"status"`
}

// Upload implements train.Provider: a file of that name and size is used as it is, otherwise the bytes are streamed.
func (c *Client) Upload(ctx context.Context, f train.File) (string, error) {
	var id string
	err := persist(ctx, func() error {
		var err error
		if id, err = c.findFile(ctx, f); err == nil && id == "" {
			id, err = c.sendFile(ctx, f)
		}
		return err
	})
	return id, err
}

// findFile looks through all pages; services that ignore the purpose filter send other files too.
func (c *Client) findFile(ctx context.Context, f train.File) (id string, err error) {
	query := url.Values{"purpose": {"fine-tune"}, "limit": {"1000"}}
	for page, err := range pages(ctx, c.once, "/files", query, func(f file) string { return f.ID }) {
		if err != nil {
			return "", err
		}
		for _, have := range page {
			if have.Filename == f.Name && have.Bytes == f.Size && have.Status != "error" {
				return have.ID, nil
			}
		}
	}
	return "", nil
}

// sendFile streams the multipart form, so that memory does not grow with the file. Its length is announced, since
// some services refuse chunked uploads.
func (c *Client) sendFile(ctx context.Context, f train.File) (string, error) {
	data, err := f.Open()
	if err != nil {
		return "", final{err}
	}
	defer data.Close()
	source := &source{Reader: data}
	var head strings.Builder
	form := multipart.NewWriter(&head)
	if err := form.WriteField("purpose", "fine-tune"); err != nil {
		return "", err
	}
	h := textproto.MIMEHeader{}
	h.Set("Content-Disposition", fmt.Sprintf(`form-data; name="file"; filename="%s"`, f.Name))
	h.Set("Content-Type", "application/jsonl")
	if _, err := form.CreatePart(h); err != nil {
		return "", err
	}
	tail := "\r\n--" + form.Boundary() + "--\r\n"
	var got file
	err = within(ctx, uploadTime(f.Size), func(ctx context.Context) error {
		q, err := c.request(ctx, http.MethodPost, "/files", nil, io.MultiReader(strings.NewReader(head.String()), source, strings.NewReader(tail)))
		if err != nil {
			return err
		}
		q.ContentLength = int64(head.Len()) + f.Size + int64(len(tail))
		q.Header.Set("Content-Type", form.FormDataContentType())
		return c.do(q, &got)
	})
	if source.err != nil {
		return "", final{source.err}
	}
	if err != nil {
		return "", err
	}
	if got.ID == "" {
		return "", errors.New("the service gave the file no id")
	}
	return got.ID, nil
}

// source remembers why reading it failed: the transport's own error is about the connection.
type source struct {
	io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}
