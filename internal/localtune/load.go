package localtune

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/localtune/engine"
)

// maxTraining is the largest file that is trained on, in bytes: the engine holds it in memory.
const maxTraining = 1 << 30

// data is what a training file teaches.
type data struct {
	examples  []engine.Example
	rows      int
	tokens    int64 // by the chat rule, each row once
	toolCalls bool
}

// loadBoth reads a job's training and validation file.
func (r *runner) loadBoth(ctx context.Context, j jobRecord) (train, valid data, err error) {
	if train, err = r.load(ctx, j.Training, "training_file"); err != nil {
		return train, valid, err
	}
	if train.rows < minExamples {
		return train, valid, &jobError{Code: "invalid_training_file", Param: "training_file",
			Message: fmt.Sprintf("The training file has %d example(s), but must have at least %d", train.rows, minExamples)}
	}
	if j.Validation != "" {
		valid, err = r.load(ctx, j.Validation, "validation_file")
	}
	return train, valid, err
}

func (r *runner) load(ctx context.Context, file, param string) (data, error) {
	bad := func(format string, args ...any) (data, error) {
		return data{}, &jobError{Code: "invalid_" + param, Param: param, Message: "The job failed due to an invalid " + param + ": " + fmt.Sprintf(format, args...)}
	}
	rec, err := r.store.file(file)
	path := r.store.filePath(file)
	if err == nil {
		err = plain(path)
	}
	var gone *apiError
	switch {
	case errors.As(err, &gone), errors.Is(err, fs.ErrNotExist):
		return bad("the file %s was deleted", file)
	case errors.Is(err, errPacked):
		return bad("%v", err)
	case err != nil:
		return data{}, err
	case rec.Bytes > maxTraining:
		return bad("the file has %d bytes; the engine trains on %d at most", rec.Bytes, maxTraining)
	}
	f, err := dataset.Open(path, rec.Name)
	var d data
	if err == nil {
		count := r.counts.borrow()
		defer r.counts.give(count)
		for row, err2 := range f.Rows(ctx) {
			if err = err2; err != nil {
				break
			}
			if len(row.Problems) > 0 {
				return bad("line %d: %s", row.Line, row.Problems[0].Message)
			}
			if len(row.Messages) == 0 {
				continue // a blank line
			}
			d.rows++
			_, n := row.Tokens(count)
			d.tokens += int64(n)
			d.add(row)
		}
	}
	var mistakes diag.Mistakes
	if errors.As(err, &mistakes) {
		return bad("%s", mistakes[0].Message)
	}
	return d, err
}

var errPacked = errors.New("it is compressed; upload it as plain JSONL")

// plain refuses a compressed file, as the contract does: the size that was checked would say nothing about it.
func plain(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	head := make([]byte, 4)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.ErrUnexpectedEOF {
		return err
	}
	for _, magic := range []string{"\x1f\x8b", "\x28\xb5\x2f\xfd"} { // gzip, zstd
		if bytes.HasPrefix(head[:n], []byte(magic)) {
			return errPacked
		}
	}
	return nil
}

// add turns a row into an example for each message that is trained on.
func (d *data) add(row *dataset.Row) {
	row = row.Clone()
	turns := make([]engine.Turn, 0, len(row.Messages))
	for i := range row.Messages {
		m := &row.Messages[i]
		text := m.Content
		if calls, ok := plainCalls(m.ToolCalls, m.FunctionCall); ok {
			text = calls
			d.toolCalls = d.toolCalls || m.Trained()
		}
		if m.Trained() {
			d.examples = append(d.examples, engine.Example{Prompt: turns[:len(turns):len(turns)], Answer: text})
		}
		turns = append(turns, engine.Turn{Role: m.Role, Content: text})
	}
}
