package githubtest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
)

// The addresses that Client reaches.
const (
	APIURL     = "https://api.github.test"
	ResultsURL = "https://results.github.test"
	blobsHost  = "blobs.github.test"
)

// Client returns a client whose requests are served by f without a network, under APIURL and ResultsURL. An exchange that is
// broken off ends in io.ErrUnexpectedEOF, one whose context is done in the context's error.
func (f *Fake) Client() *http.Client { return &http.Client{Transport: wire{f}} }

type wire struct{ f *Fake }

func (t wire) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil {
			return nil, err
		}
		body = b
	}
	in := r.Clone(r.Context())
	in.Body, in.ContentLength, in.Host, in.RequestURI = io.NopCloser(bytes.NewReader(body)), int64(len(body)), r.URL.Host, r.URL.RequestURI()
	type outcome struct {
		reply *http.Response
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		out := outcome{err: io.ErrUnexpectedEOF}
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				panic(p)
			}
			done <- out
		}()
		reply := httptest.NewRecorder()
		t.f.Handler().ServeHTTP(reply, in)
		out = outcome{reply: reply.Result()}
		out.reply.Request = r
	}()
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case out := <-done:
		return out.reply, out.err
	}
}
