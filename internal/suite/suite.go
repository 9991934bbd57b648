// Package suite holds benchmark tests: what is asked, and which answers are right. It reads them with positions
// and puts them in an order of which every prefix stands for the whole. It asks no model and grades nothing.
package suite

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"

	"github.com/tunegate/tunegate/internal/diag"
)

// Message is one turn of a prompt. Role is system, developer, user or assistant.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Test is one benchmark item. Input has at least one message with text in it, Ideal at least one acceptable answer,
// none of them blank. Line is where it stands in its file, from 1.
type Test struct {
	ID    string
	Line  int
	Input []Message
	Ideal []string
	Tools string // the functions offered to the model: a JSON list as the chat contract's "tools" takes it; empty: none
	Code  *Code  // what a program that the model writes is tried with; nil: none is asked for
}

// Code is a programming problem in Python, as HumanEval has them: the model goes on from Prompt, and its program is
// right when check(Entry) runs through, which Test defines.
type Code struct{ Prompt, Entry, Test string }

// Suite is the tests of one file, in the order of that file, each id once. Its methods share the tests' contents
// with what they return; nobody writes to them, so a Suite may be read from many goroutines.
type Suite struct {
	File    string // as findings name it
	Tests   []Test
	Answers string // the second file that was read, for what is wanted, named as File is; empty: none

	// Findings are what is worth mending, though the tests can be asked: warnings, by line.
	Findings []diag.Finding
}

// Hash is the digest, in hexadecimal, of what is asked and what is wanted: two arms whose hashes of a test differ did not
// take the same test. Neither id nor position counts.
func (t Test) Hash() string {
	h := sha256.New()
	writeCount(h, len(t.Input))
	for _, m := range t.Input {
		writeText(h, m.Role)
		writeText(h, m.Content)
	}
	writeCount(h, len(t.Ideal))
	for _, s := range t.Ideal {
		writeText(h, s)
	}
	if t.Tools != "" {
		writeText(h, "tools")
		writeText(h, t.Tools)
	}
	if t.Code != nil {
		for _, s := range []string{"code", t.Code.Prompt, t.Code.Entry, t.Code.Test} {
			writeText(h, s)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Digest is the digest, in hexadecimal, of all tests with their ids, in order. The file's name, its compression and the
// layout of its lines do not count.
func (s Suite) Digest() string {
	h := sha256.New()
	writeCount(h, len(s.Tests))
	for _, t := range s.Tests {
		writeText(h, t.ID)
		writeText(h, t.Hash())
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Without returns the suite less the tests with these ids, such as those that stand in the training data.
func (s Suite) Without(ids []string) Suite {
	out := make(map[string]bool, len(ids))
	for _, id := range ids {
		out[id] = true
	}
	kept := make([]Test, 0, len(s.Tests))
	for _, t := range s.Tests {
		if !out[t.ID] {
			kept = append(kept, t)
		}
	}
	s.Tests = kept
	return s
}

// Every text is preceded by its length, so that no two different tests feed the same bytes to the digest.
func writeText(h hash.Hash, s string) {
	writeCount(h, len(s))
	h.Write([]byte(s))
}

func writeCount(h hash.Hash, n int) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	h.Write(b[:])
}
