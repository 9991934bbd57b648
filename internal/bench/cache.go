package bench

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Limits of what is read back. What is beyond them is asked again.
const (
	cacheAge  = 30 * 24 * time.Hour // a service may serve another model under the same name one day
	cacheSize = 256 << 20           // bytes of a file
	cacheLine = 8 << 20             // bytes of an answer
)

// Cache keeps the answers of models that do not change in a file, one line each, so that a later benchmark asks only the model that is new. An answer is found
// by all that determines it: the service, the model, the messages, the temperature, the repeat. Scores are not kept: an
// answer is graded anew. What is kept stays for 30 days. A line that a dying process left torn, or that is damaged, is as if it were not there.
//
// A file has one Cache at a time, which is safe for concurrent use. Questions are not written to it, answers are.
type Cache struct {
	mu      sync.Mutex
	file    *os.File
	answers map[string]kept
	failed  error // the first failed write
}

// kept is a line of the file.
type kept struct {
	Key          string        `json:"key"`
	At           time.Time     `json:"at"`
	Answer       *string       `json:"answer"` // nil: this is no line of ours
	InputTokens  int           `json:"input_tokens"`
	OutputTokens int           `json:"output_tokens"`
	Took         time.Duration `json:"took_ns"`
}

// OpenCache opens or creates the file at path, and the folders on the way.
func OpenCache(path string) (*Cache, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("creating the cache's folder: %w", err)
	}
	c := &Cache{answers: make(map[string]kept)}
	lines, err := c.load(path)
	if err != nil {
		return nil, fmt.Errorf("reading the cache %s: %w", path, err)
	}
	if lines > 2*len(c.answers) { // most of it is of no use any more
		if err := c.rewrite(path); err != nil {
			return nil, fmt.Errorf("tidying the cache %s: %w", path, err)
		}
	}
	// Answers may quote the tests, so they are for the user alone.
	if c.file, err = os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600); err != nil {
		return nil, fmt.Errorf("opening the cache: %w", err)
	}
	return c, c.endLine()
}

// load reads what may still be used, and counts the lines.
func (c *Cache) load(path string) (lines int, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() > cacheSize {
		return 1, err // nothing of it is used, so it is made anew
	}
	return c.read(io.LimitReader(f, cacheSize))
}

func (c *Cache) read(from io.Reader) (lines int, err error) {
	r := bufio.NewReader(from)
	for {
		line, err := r.ReadSlice('\n')
		var long []byte
		for errors.Is(err, bufio.ErrBufferFull) {
			if len(long) <= cacheLine {
				long = append(long, line...)
			}
			line, err = r.ReadSlice('\n')
		}
		if long != nil {
			line = append(long, line...)
		}
		if len(line) > 0 {
			lines++
		}
		var k kept
		if len(line) <= cacheLine && json.Unmarshal(line, &k) == nil && k.Answer != nil && time.Since(k.At) < cacheAge && time.Until(k.At) < time.Hour {
			c.answers[k.Key] = k
		}
		if err != nil {
			if err == io.EOF {
				err = nil
			}
			return lines, err
		}
	}
}

// rewrite replaces the file by one of what is in use.
func (c *Cache) rewrite(path string) error {
	var b bytes.Buffer
	for _, k := range c.answers {
		line, err := json.Marshal(k)
		if err != nil {
			return err
		}
		b.Write(append(line, '\n'))
	}
	fresh := path + ".new"
	if err := os.WriteFile(fresh, b.Bytes(), 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, path)
}

// endLine ends a torn last line, which would else take the next one with it.
func (c *Cache) endLine() error {
	info, err := c.file.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	last := make([]byte, 1)
	if _, err = c.file.ReadAt(last, info.Size()-1); err == nil && last[0] != '\n' {
		_, err = c.file.Write([]byte{'\n'})
	}
	return err
}

// Over returns a Completer that asks c, a model of the service, what was not asked before. The service's name is what tells its models from those of
// the same name elsewhere.
func (c *Cache) Over(service string, of Completer) Completer { return cached{c, service, of} }

type cached struct {
	cache   *Cache
	service string
	of      Completer
}

// Complete implements Completer.
func (c cached) Complete(ctx context.Context, r Request) (Response, error) {
	key := keyOf(c.service, r)
	if answer, ok := c.cache.find(key); ok {
		return answer, nil
	}
	answer, err := c.of.Complete(ctx, r)
	if err == nil {
		c.cache.keep(key, answer)
	}
	return answer, err
}

func (c *Cache) find(key string) (Response, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.answers[key]
	if !ok {
		return Response{}, false
	}
	return Response{Answer: *k.Answer, InputTokens: k.InputTokens, OutputTokens: k.OutputTokens, Took: k.Took, Cached: true}, true
}

// keep writes an answer. After a failed write, on a full disk say, it keeps no more: the answers are needed all the same.
func (c *Cache) keep(key string, r Response) {
	k := kept{Key: key, At: time.Now().UTC(), Answer: &r.Answer, InputTokens: r.InputTokens, OutputTokens: r.OutputTokens, Took: r.Took}
	line, err := json.Marshal(k)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answers[key] = k; c.failed != nil {
		return
	}
	if err == nil {
		_, err = c.file.Write(append(line, '\n'))
	}
	c.failed = err
}

// Close closes the file and returns what went wrong in writing to it: then later benchmarks ask again what was not kept.
func (c *Cache) Close() error {
	err := c.file.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed != nil {
		return fmt.Errorf("keeping answers: %w", c.failed)
	}
	return err
}

// keyOf digests all that determines an answer. A field that a Request gains is part of it without further ado.
func keyOf(service string, r Request) string {
	body, _ := json.Marshal(struct { // text, numbers and lists: it always encodes
		Service string  `json:"service"`
		Request Request `json:"request"`
	}{service, r})
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
