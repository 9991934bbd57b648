package openaiapi

import (
	"bytes"
	"errors"
	"io"
	"net/url"
	"strings"
)

// A service that fails may send back what it was sent, its key included, and what a service says ends up in reports that others
// read. So the key is taken out of all replies and errors before anything looks at them.

// veilMark stands where the key stood.
const veilMark = "***"

// leastSecret is how long a key is that nobody guesses. Shorter ones, as local servers take them ("ollama"), are words that an answer
// may hold for other reasons.
const leastSecret = 12

func (c *Client) secret() string {
	if len(c.conf.Key) < leastSecret {
		return ""
	}
	return c.conf.Key
}

// veil takes the key out of a text.
func (c *Client) veil(s string) string {
	if key := c.secret(); key != "" {
		return strings.ReplaceAll(s, key, veilMark)
	}
	return s
}

// veilError takes the key out of what a failed exchange says, which may quote what the service sent, and leaves the chain as it is.
func (c *Client) veilError(err error) error {
	var sent *url.Error
	if key := c.secret(); key == "" || !strings.Contains(err.Error(), key) || !errors.As(err, &sent) {
		return err
	}
	return &url.Error{Op: sent.Op, URL: c.veil(sent.URL), Err: &veiledError{sent.Err, c.veil(sent.Err.Error())}}
}

// veiledError is an error with another text.
type veiledError struct {
	error
	text string
}

func (e *veiledError) Error() string { return e.text }

func (e *veiledError) Unwrap() error { return e.error }

// veilBody takes the key out of a reply as it is read.
func (c *Client) veilBody(body io.ReadCloser) io.ReadCloser {
	if key := c.secret(); key != "" {
		return &veiledBody{ReadCloser: body, key: []byte(key), chunk: make([]byte, 16<<10)}
	}
	return body
}

// veiledBody holds back as much of what it has read as may be the beginning of a key.
type veiledBody struct {
	io.ReadCloser
	key, chunk []byte
	held       []byte // read, not looked through to its end
	ready      []byte // to be handed out
	err        error  // after ready
}

func (v *veiledBody) Read(p []byte) (int, error) {
	for len(v.ready) == 0 && v.err == nil {
		n, err := v.ReadCloser.Read(v.chunk)
		v.held, v.err = append(v.held, v.chunk[:n]...), err
		if bytes.Contains(v.held, v.key) {
			v.held = bytes.ReplaceAll(v.held, v.key, []byte(veilMark))
		}
		keep := len(v.key) - 1
		if err != nil {
			keep = 0
		}
		clear := max(len(v.held)-keep, 0)
		v.ready = append(v.ready[:0], v.held[:clear]...)
		v.held = append(v.held[:0], v.held[clear:]...)
	}
	if len(v.ready) == 0 {
		return 0, v.err
	}
	n := copy(p, v.ready)
	v.ready = v.ready[n:]
	return n, nil
}
