// Package results reads what others have measured: files that hold a score for each test of one model, in any of several
// formats, known by their content. It pairs two such files by the ids of their tests. It grades nothing and judges nothing.
//
// # Formats
//
//   - JSON lines {"id": "t1", "score": 1}, or one list of such rows: the id is text or a whole number, the score a number, true or false. Another key may
//     hold the score (Options.Metric), and further keys are passed over.
//   - CSV with a header that has a column id (or test) and a column score; where it has a column arm, only the rows of
//     Options.Arm count. Of reports/samples.csv, which has the columns leg, phase and repeat too, the rows of Options.Leg
//     count, of its last phase, those without a repeat. A row with a blank score and a column error that says why is a test that failed.
//   - samples_*.jsonl of lm-evaluation-harness (--log_samples): doc_id, filter, metrics, and a key for each metric.
//   - reports of the SWE-bench harness: <model>.<run>.json with submitted_ids and resolved_ids, the older one with
//     generated and resolved, also by repository, and instances by id, each with resolved.
//
// A file is not trusted: what is not one of these is refused with its place, and no file beyond 256 MiB is read.
package results

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/diag"
)

// maxFile is the size of the largest file that is read, in bytes.
const maxFile = 256 << 20

// maxMistakes is how many problems of a file are listed.
const maxMistakes = 20

// Accepted names the formats in one line, for help and hints.
const Accepted = `JSON lines {"id","score"}, CSV with the columns id and score, samples_*.jsonl of lm-evaluation-harness, SWE-bench reports`

// Score is what a model scored on one test.
type Score struct {
	ID    string
	Value float64 // finite
	Line  int     // from 1; 0 where the format has no line for it

	// Asked is a digest of the test and of what was wanted, where the file has one: scores whose digests differ are not of the same test.
	Asked string
}

// File is the scores of one model.
type File struct {
	Name   string
	Format string   // what it was recognised as, such as "SWE-bench report"
	Metric string   // what was scored
	Scores []Score  // in the file's order, each id once, one at least
	Failed []string // ids of tests that the harness itself failed on: they have no score
}

// Options say which of the scores in a file count. The zero value takes the only metric there is.
type Options struct {
	Metric string // a key, a column or, of lm-evaluation-harness, "metric" or "metric,filter"
	Arm    string // the arm whose rows count, where a table has several
	Leg    string // likewise, the leg
}

// Open reads the file at path; name is what findings call it. A person's mistake is a diag.Mistakes.
func Open(path, name string, o Options) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	return Parse(f, name, o)
}

// Parse reads a file from r, as Open does.
func Parse(r io.Reader, name string, o Options) (File, error) { return parse(r, name, o, maxFile) }

// parse reads a file of at most so many bytes.
func parse(r io.Reader, name string, o Options, most int64) (File, error) {
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return File{}, fmt.Errorf("%s: %w", name, err)
	}
	p := &parser{name: name, options: o, seen: make(map[string]int)}
	if int64(len(data)) > most {
		p.mistake(0, fmt.Sprintf("is larger than %d MiB", most>>20), "")
		return File{}, p.mistakes
	}
	p.read(data)
	if len(p.mistakes) == 0 && len(p.file.Scores) == 0 {
		p.mistake(0, "holds no score", "accepted: "+Accepted)
	}
	if len(p.mistakes) > 0 {
		return File{}, p.mistakes
	}
	p.file.Name = name
	return p.file, nil
}

// parser reads one file and gathers what is wrong with it.
type parser struct {
	name     string
	options  Options
	file     File
	seen     map[string]int // lines by id
	mistakes diag.Mistakes
	more     bool // there are more mistakes than are listed
}

// mistake adds a finding. It may quote the file: what prints it escapes it.
func (p *parser) mistake(line int, message, hint string) {
	switch {
	case len(p.mistakes) < maxMistakes:
		p.mistakes = append(p.mistakes, diag.Finding{Rule: "result-file", Severity: diag.Critical, File: p.name, Line: line, Message: message, Hint: hint})
	case !p.more:
		p.more = true
		p.mistakes[maxMistakes-1].Hint = "there is more of this kind further on"
	}
}

// add takes a score, unless its id was there before.
func (p *parser) add(s Score) {
	if before, twice := p.seen[s.ID]; twice {
		at := ""
		if before > 0 {
			at = fmt.Sprintf(", first on line %d", before)
		}
		p.mistake(s.Line, fmt.Sprintf("the id %s stands twice%s", quoted(s.ID), at), "repeats of a test go in as their mean: one score a test")
		return
	}
	p.seen[s.ID] = s.Line
	p.file.Scores = append(p.file.Scores, s)
}

// quoted shows a piece of a file in a message, cut where it is long.
func quoted(s string) string {
	const most = 60
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return fmt.Sprintf("%q", s)
}

// Match pairs the scores of two files by id, in the order of base, and names the tests that only one of them scored. A test of
// which the files say that they asked different things is a diag.Mistakes.
func Match(base, tuned File) (pairs [][2]Score, onlyBase, onlyTuned []string, err error) {
	at := make(map[string]int, len(tuned.Scores))
	for i, s := range tuned.Scores {
		at[s.ID] = i
	}
	paired := make([]bool, len(tuned.Scores))
	var wrong diag.Mistakes
	for _, b := range base.Scores {
		i, ok := at[b.ID]
		if !ok {
			onlyBase = append(onlyBase, b.ID)
			continue
		}
		t := tuned.Scores[i]
		if b.Asked != "" && t.Asked != "" && b.Asked != t.Asked && len(wrong) < maxMistakes {
			wrong = append(wrong, diag.Finding{Rule: "result-file", Severity: diag.Critical, File: tuned.Name, Line: t.Line,
				Message: fmt.Sprintf("the test %s is not the one that %s has under this id: its content, its prompt or its target differs", quoted(b.ID), base.Name),
				Related: []diag.Place{{File: base.Name, Line: b.Line}}})
		}
		paired[i] = true
		pairs = append(pairs, [2]Score{b, t})
	}
	for i, s := range tuned.Scores {
		if !paired[i] {
			onlyTuned = append(onlyTuned, s.ID)
		}
	}
	if len(wrong) > 0 {
		return nil, nil, nil, wrong
	}
	return pairs, onlyBase, onlyTuned, nil
}

// choose returns the wanted one of what there is, or the only one; "" and what to say where that is not clear.
func choose(what, wanted string, there []string) (one, problem string) {
	slices.Sort(there)
	list := make([]string, len(there))
	for i, s := range there {
		list[i] = quoted(s)
	}
	switch {
	case slices.Contains(there, wanted):
		return wanted, ""
	case wanted != "":
		return "", fmt.Sprintf("there is no %s %s, but %s", what, quoted(wanted), strings.Join(list, ", "))
	case len(there) == 1:
		return there[0], ""
	}
	return "", fmt.Sprintf("there are several of its %ss: %s", what, strings.Join(list, ", "))
}
