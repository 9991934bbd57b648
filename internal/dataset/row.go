package dataset

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
)

// Row is one example as it stands on a line, in normal form. It and all that it holds belong to the reader that
// yielded it until the next row is asked for; Clone keeps it.
type Row struct {
	Line              int       // from 1
	Messages          []Message // in order
	Tools             string    // canonical JSON list, "" when absent
	Functions         string    // canonical JSON list, "" when absent
	ParallelToolCalls int8      // 0 false, 1 true, -1 absent
	Problems          []Problem // by column; a row with problems is not part of the normal form
	Unknown           []Key     // keys that the normal form leaves out, the first few
	Raw               []byte    // the line without its end
}

// Message is one turn of an example.
type Message struct {
	Role         string // system, developer, user, assistant, tool, function
	Content      string
	NoContent    bool // content is null or absent: an assistant's call of a tool
	Name         string
	Refusal      string
	Weight       int8   // 0 not trained on, 1 trained on, -1 absent
	ToolCalls    string // canonical JSON list, "" when absent
	FunctionCall string // canonical JSON object, "" when absent
	ToolCallID   string

	at  int // byte offset in Raw of the content's opening quote, or of the message
	end int // byte offset in Raw after the content, at when it is not one string of the line
}

// Trained reports whether the model learns to write this message: an assistant's, and not weighted 0.
func (m *Message) Trained() bool { return m.Role == "assistant" && m.Weight != 0 }

// Problem is one thing wrong with a row. Col counts code points from 1; 0 means the whole line.
type Problem struct {
	Rule    string
	Col     int
	Message string
	Hint    string
}

// Key is a key that is not part of any format read here.
type Key struct {
	Name string
	Col  int
}

// Clone returns a copy that nothing else writes to.
func (r *Row) Clone() *Row {
	c := *r
	c.Messages = slices.Clone(r.Messages)
	for i := range c.Messages {
		m := &c.Messages[i]
		for _, s := range []*string{&m.Content, &m.Name, &m.Refusal, &m.ToolCalls, &m.FunctionCall, &m.ToolCallID} {
			*s = strings.Clone(*s)
		}
	}
	c.Tools, c.Functions = strings.Clone(r.Tools), strings.Clone(r.Functions)
	c.Problems = slices.Clone(r.Problems)
	c.Unknown = slices.Clone(r.Unknown)
	for i := range c.Unknown {
		c.Unknown[i].Name = strings.Clone(c.Unknown[i].Name)
	}
	c.Raw = slices.Clone(r.Raw)
	return &c
}

// Col returns the column, in code points from 1, of the byte at offset off of message i's content. Where the
// content was put together from several values, it is the column of the first.
func (r *Row) Col(i, off int) int {
	m := &r.Messages[i]
	at := m.at
	if m.end > m.at {
		at++ // the quote
		for at < m.end && off > 0 {
			size, width := escapeAt(r.Raw[at:m.end])
			at += width
			off -= size
		}
		if at >= m.end {
			at = m.at
		}
	}
	return column(r.Raw, at)
}

// escapeAt returns how many bytes of text stand for how many bytes of the line, at the start of b.
func escapeAt(b []byte) (size, width int) {
	if b[0] != '\\' || len(b) < 2 {
		return 1, 1
	}
	if b[1] != 'u' {
		return 1, 2
	}
	r, ok := hex4(b[2:])
	if !ok {
		return 1, 2
	}
	if r >= 0xd800 && r < 0xdc00 {
		return 4, 12 // a pair: lone halves never get this far
	}
	return utf8.RuneLen(r), 6
}

// column counts code points ahead of off, from 1: the bytes that do not continue another, eight at a time. A byte that
// is not UTF-8 is one of its own, so that a line with any is counted slowly.
func column(line []byte, off int) int {
	line = line[:min(off, len(line))]
	if !utf8.Valid(line) {
		return utf8.RuneCount(line) + 1
	}
	n, i := 1, 0
	for ; i+8 <= len(line); i += 8 {
		w := binary.LittleEndian.Uint64(line[i:])
		n += 8 - bits.OnesCount64(w>>7&^(w>>6)&ones)
	}
	for ; i < len(line); i++ {
		if line[i]&0xc0 != 0x80 {
			n++
		}
	}
	return n
}
