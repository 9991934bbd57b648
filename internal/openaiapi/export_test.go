package openaiapi

import "io"

// Split sets what a service takes in one request and in a part, in bytes, so that a small file is a large one.
func (c *Client) Split(single, part int64) { c.single, c.part = single, part }

// Veiled reads a reply as a client with that key does.
func Veiled(body io.Reader, key string) (string, error) {
	c := &Client{conf: Config{Key: key}}
	b, err := io.ReadAll(c.veilBody(io.NopCloser(body)))
	return string(b), err
}
