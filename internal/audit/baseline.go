package audit

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/diag"
)

// Baseline is the findings that somebody has looked at and accepted, each with a reason. Its file is committed beside the
// data: one JSON object a line,
//
//	{"rule":"contradiction","file":"data/train.jsonl","row":"5b0c…","reason":"both answers are right","seen":"line 12: same prompt as line 7, different answer"}
//
// An entry accepts what its rule says about one line that holds that row, wherever it stands; of two equal rows, each needs an
// entry. Without a row it accepts what the rule says about the file as a whole. A file matches by its path, or by the end
// of it, so that the folder does not matter from which the audit is started. Seen is for people.
//
// A Baseline may be used by several audits at once, which share its entries.
type Baseline struct {
	// Findings of these rules that no entry accepts get one, with the reason; see Added. Set before the first Accept.
	Rules  []string
	Reason string

	name    string // what findings call its file
	mu      sync.Mutex
	entries []entry
	added   []byte
}

// entry is a line of a baseline.
type entry struct {
	Rule   string `json:"rule"`
	File   string `json:"file"`
	Row    string `json:"row,omitempty"` // RowID in hexadecimal
	Reason string `json:"reason"`
	Seen   string `json:"seen,omitempty"`

	line   int // in the baseline; 0: not written yet
	judged bool
	used   bool
}

// maxBaseline bounds the bytes of a baseline: about 100,000 entries.
const maxBaseline = 32 << 20

// OpenBaseline reads a baseline, which findings call name. Mistakes in it are diag.Mistakes, all of them at once, as is a path
// that is no regular file.
func OpenBaseline(path, name string) (*Baseline, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("opening the baseline %s: %w", name, err)
	}
	if err := dataset.Regular(info, name, "write the baseline to a file first: entries are added to it"); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the baseline %s: %w", name, err)
	}
	defer f.Close()
	return ReadBaseline(f, name)
}

// ReadBaseline is OpenBaseline for a file that is open.
func ReadBaseline(r io.Reader, name string) (*Baseline, error) {
	b := &Baseline{name: name}
	var mistakes diag.Mistakes
	mistake := func(line int, message, hint string) {
		mistakes = append(mistakes, diag.Finding{Rule: "bad-baseline", Severity: diag.Critical, File: name, Line: line, Message: message, Hint: hint})
	}
	limited := &io.LimitedReader{R: r, N: maxBaseline + 1}
	lines := bufio.NewScanner(limited)
	lines.Buffer(nil, 1<<20)
	names := ruleNames()
	n := 0
	for lines.Scan() {
		n++
		text := bytes.TrimSpace(lines.Bytes())
		if len(text) == 0 {
			continue
		}
		e := entry{line: n}
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		err := decoder.Decode(&e)
		if err == nil && decoder.More() {
			err = errors.New("more than one value on the line")
		}
		id, notHex := hex.DecodeString(e.Row)
		switch {
		case err != nil:
			mistake(n, "not an entry: "+strings.TrimPrefix(err.Error(), "json: "), `write one JSON object a line, with rule, file, row and reason`)
			continue
		case !slices.Contains(names, e.Rule):
			hint := "tunegate audit --explain all lists the rules"
			if near := diag.Nearest(e.Rule, names); near != "" {
				hint = "did you mean " + near + "?"
			}
			mistake(n, fmt.Sprintf("there is no rule %s", quoted(e.Rule)), hint)
		case e.File == "":
			mistake(n, "no file is named", "name the file as the audit does")
		case e.Row != "" && (notHex != nil || len(id) != len(RowID{})):
			mistake(n, "row is not the id of a row", fmt.Sprintf("let --accept write it: it has %d hexadecimal digits", 2*len(RowID{})))
		case strings.TrimSpace(e.Reason) == "":
			mistake(n, "no reason is given", "say why the finding is accepted, for whoever reads this next")
		}
		b.entries = append(b.entries, e)
	}
	if err := lines.Err(); err != nil && !errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("reading the baseline %s: %w", name, err)
	} else if err != nil || limited.N == 0 {
		mistake(n+1, "the baseline is too large, or is none", "it holds one short JSON object a line")
	}
	if len(mistakes) > 0 {
		return nil, mistakes
	}
	return b, nil
}

func ruleNames() []string {
	var names []string
	for _, r := range Rules() {
		names = append(names, r.Name)
	}
	return names
}

// Added returns the lines to append to the file, for the findings of Rules.
func (b *Baseline) Added() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.added
}

// Stale returns a finding for each entry of which nothing was found any more, though its file was audited, and by its rule.
// It is asked after all audits that share the baseline.
func (b *Baseline) Stale() []diag.Finding {
	b.mu.Lock()
	defer b.mu.Unlock()
	var fs []diag.Finding
	for _, e := range b.entries {
		if e.judged && !e.used {
			fs = append(fs, diag.Finding{Rule: "stale-baseline", Severity: diag.Warning, File: b.name, Line: e.line,
				Message: fmt.Sprintf("%s is accepted here and is no longer found in %s: %s", e.Rule, e.File, quoted(e.Reason)),
				Hint:    "remove the line, so that it does not accept what comes later"})
		}
	}
	return fs
}

// acceptable reports a finding that a person may decide to live with. That a file cannot be read is none: there would be
// nothing to train on.
func acceptable(f diag.Finding) bool {
	if f.Line > 0 {
		return true
	}
	return slices.ContainsFunc(Rules(), func(r Rule) bool {
		return r.Name == f.Rule && (r.Check.Set != nil || r.Check.File != nil || r.Check.Deep != nil)
	})
}

// deepRules returns the names of the rules that a quick audit does not apply, or not wholly.
func deepRules() []string {
	var names []string
	for _, r := range Rules() {
		if r.Deep || r.Check.Deep != nil {
			names = append(names, r.Name)
		}
	}
	return names
}

// sameFile reports that two paths may be of one file: they are equal, or one ends with the other.
func sameFile(a, b string) bool {
	a, b = path.Clean(strings.ReplaceAll(a, `\`, "/")), path.Clean(strings.ReplaceAll(b, `\`, "/"))
	return a == b || strings.HasSuffix(a, "/"+b) || strings.HasSuffix(b, "/"+a)
}

// has reports that an entry's file is of the training or validation data. Findings about tests are not accepted: mending a
// test costs nothing.
func (in Input) has(file string) bool {
	return sameFile(file, in.Train.Name()) || in.Validation != nil && sameFile(file, in.Validation.Name())
}
