package pipeline

import (
	"fmt"
	"io"
	"time"

	"github.com/tunegate/tunegate/internal/train"
)

// What is said of an upload: nothing of one that takes no time, and of others now and then.
const (
	shownUpload = 16 << 20 // bytes
	uploadPause = 10 * time.Second
)

// showUpload tells how much of a large file has gone. Sent again, it begins anew.
func (r *run) showUpload(l *leg, p phase, f train.File) train.File {
	if f.Open == nil || f.Size < shownUpload {
		return f
	}
	open := f.Open
	f.Open = func() (io.ReadCloser, error) {
		data, err := open()
		if err != nil {
			return nil, err
		}
		return &shown{ReadCloser: data, told: time.Now(), tell: func(sent int64) {
			r.tell(Event{Leg: l.out.ID, Stage: Training, Phase: p.name, Text: fmt.Sprintf("%s: uploading, %d of %d MB", p.name, sent>>20, f.Size>>20)})
		}}, nil
	}
	return f
}

// shown counts what is read.
type shown struct {
	io.ReadCloser
	sent int64
	told time.Time
	tell func(sent int64)
}

func (s *shown) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	s.sent += int64(n)
	if time.Since(s.told) >= uploadPause {
		s.told = time.Now()
		s.tell(s.sent)
	}
	return n, err
}
