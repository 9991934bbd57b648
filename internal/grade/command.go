package grade

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/tunegate/tunegate/internal/grade/sandbox"
	"github.com/tunegate/tunegate/internal/suite"
)

// Limits of one's own program, which may be written in a language that sets aside much and starts threads.
const (
	commandTime      = 10 * time.Second
	commandMemory    = 4 << 30
	commandProcesses = 16
	commandDisk      = 64 << 20
)

// command has one's own program score an answer. It reads one JSON object,
//
//	{"id": "t1", "input": [{"role": "user", "content": "…"}], "ideal": ["…"], "answer": "…"}
//
// from standard input and writes a number from 0 to 1, or {"score": 0.5, "note": "…"}, to standard output. It runs in
// Means.Dir, which it may read but for .git and .tunegate, and has no network. A program that fails or writes anything else has given no score.
func command(ctx context.Context, g Grader, t suite.Test, answer string) (Score, error) {
	limit := g.o.Timeout
	if limit == 0 {
		limit = commandTime
	}
	row, err := json.Marshal(struct {
		ID     string          `json:"id"`
		Input  []suite.Message `json:"input"`
		Ideal  []string        `json:"ideal"`
		Answer string          `json:"answer"`
	}{t.ID, t.Input, t.Ideal, answer})
	if err != nil {
		return Score{}, err
	}
	p := sandbox.Program{Args: g.o.Command, Stdin: string(row) + "\n", Dir: g.means.Dir,
		Limits: sandbox.Limits{CPU: limit, Clock: 2 * limit, Memory: commandMemory, Processes: commandProcesses, Disk: commandDisk}}
	if p.Dir != "" {
		p.Read = []string{p.Dir}
		// A checkout may keep a token of its host in there, and a score's note is published.
		p.Hide = []string{filepath.Join(p.Dir, ".git"), filepath.Join(p.Dir, ".tunegate")}
	}
	r, err := g.shop.run(ctx, p)
	switch {
	case err != nil:
		return Score{}, fmt.Errorf("running the command: %w", err)
	case r.Ended != "":
		return Score{}, fmt.Errorf("the command %s", r.Ended)
	case r.Exit != 0:
		return Score{}, fmt.Errorf("the command failed with the code %d: %s", r.Exit, clip(lastLine(r.Stderr)))
	}
	s, err := readScore(r.Stdout)
	if err != nil {
		return Score{}, fmt.Errorf("the command wrote %q: %w", clip(r.Stdout), err)
	}
	return s, nil
}

func readScore(text string) (Score, error) {
	if _, err := parse(text); err != nil {
		return Score{}, err
	}
	var out struct {
		Score *float64
		Note  string
	}
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		if err := json.Unmarshal([]byte(text), &out); err != nil {
			return Score{}, err
		}
	} else if err := json.Unmarshal([]byte(text), &out.Score); err != nil {
		return Score{}, err
	}
	if out.Score == nil || !(*out.Score >= 0 && *out.Score <= 1) {
		return Score{}, errors.New("expected a score from 0 to 1")
	}
	return Score{Value: *out.Score, Note: clip(out.Note)}, nil
}
