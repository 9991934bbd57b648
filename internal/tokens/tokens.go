// Package tokens counts tokens exactly as the official tokenizer does, for the encodings o200k_base and
// cl100k_base. Every text has a count: text that spells a special token, such as <|endoftext|>, counts as the plain
// text that it is (encode_ordinary), and each ill-formed part of a text that is not UTF-8 counts as U+FFFD.
//
// It does not return token ids, does not decode, knows no models (see package catalog) and no chat formats beyond the
// three constants of the fine-tuning rule. The vocabularies come from a module that embeds them.
//
// A text is split into pieces by the encoding's pattern (split.go), and each piece is one token if the vocabulary has
// it, or else is merged from bytes upwards, lowest rank first (merge.go). A Counter remembers the counts of short pieces.
package tokens

import (
	"fmt"
	"strings"
	"sync"
)

// The chat rule for training data: a message costs PerMessage, and the tokens of each of its string values (role,
// content, name, ...), and PerName if it has a name; an example costs PerExample besides. It is the estimate that
// OpenAI gives in its cookbook (Chat_finetuning_data_prep, num_tokens_from_messages), which calls it not exact: what
// a service bills may differ by a few tokens per example.
const (
	PerMessage = 3
	PerExample = 3
	PerName    = 1
)

// Encoding is a vocabulary with its splitting rule. It is immutable and safe for concurrent use.
type Encoding struct {
	name  string
	split *splitter
	vocab *vocabulary
}

// names lists what Load accepts, in the order of its error.
func names() []string { return []string{"o200k_base", "cl100k_base"} }

// Decoded at the first use, then shared by the whole process: 6 MB for o200k_base, 3 MB for cl100k_base.
var (
	o200k  = sync.OnceValues(func() (*Encoding, error) { return open("o200k_base", true) })
	cl100k = sync.OnceValues(func() (*Encoding, error) { return open("cl100k_base", false) })
)

// Load returns the encoding of that name. The first call for a name decodes its vocabulary, once per process; it is
// safe for concurrent use. The error for any other name lists the accepted ones.
func Load(name string) (*Encoding, error) {
	switch name {
	case "o200k_base":
		return o200k()
	case "cl100k_base":
		return cl100k()
	}
	return nil, fmt.Errorf("unknown encoding %q, expected %s", name, strings.Join(names(), " or "))
}

func open(name string, cased bool) (*Encoding, error) {
	vocab, err := readVocabulary(name)
	if err != nil {
		return nil, fmt.Errorf("vocabulary of %s: %w", name, err)
	}
	return &Encoding{name: name, split: newSplitter(cased), vocab: vocab}, nil
}

// Name returns the name that Load was given.
func (e *Encoding) Name() string { return e.name }
