package suite

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/tunegate/tunegate/internal/diag"
)

// answersFolder is where the leaderboard keeps the possible answers, in files named as those of the questions.
const answersFolder = "possible_answer"

// answers are the right calls by the test's id.
type answers struct {
	file string
	byID map[string]string // canonical JSON
}

// bfcl reads a question of the Berkeley function-calling leaderboard, of one turn.
func (p *parser) bfcl(line []byte, fields map[string]field) Test {
	t := Test{ID: p.id(line, fields, "id")}
	question := fields["question"]
	if question.raw[0] == '[' {
		turns := elements(question)
		if len(turns) > 1 && turns[0].raw[0] == '[' {
			p.mistake(column(line, question.at), "bad-question", fmt.Sprintf("a conversation of %d turns", len(turns)), "only questions of one turn are read")
			return t
		}
		if len(turns) == 1 && turns[0].raw[0] == '[' {
			question = turns[0]
		}
	}
	t.Input = p.input(line, map[string]field{"input": question})
	t.Tools = p.offered(line, fields["function"])
	if truth, ok := fields["ground_truth"]; ok {
		t.Ideal = []string{p.groundTruth(line, truth)}
		return t
	}
	if p.beside != nil {
		p.answers, p.broken = p.beside()
		p.beside = nil
	}
	want, ok := p.answers.byID[t.ID]
	if !ok && p.broken == nil {
		where := "in the folder " + answersFolder + " beside the questions, in a file of the same name"
		if p.answers.file != "" {
			where = "in " + p.answers.file
		}
		p.mistake(0, "missing-ideal", fmt.Sprintf("no possible answer to %q", clip(t.ID)), "they are looked for "+where+`, or here as "ground_truth"`)
	}
	t.Ideal = []string{want}
	return t
}

// groundTruth reads a list of calls, each {"function": {"argument": [accepted values]}}.
func (p *parser) groundTruth(line []byte, f field) string {
	s := canonical(f.raw)
	var calls []map[string]map[string][]any
	if err := json.Unmarshal([]byte(s), &calls); err != nil || len(calls) == 0 {
		p.mistake(column(line, f.at), "bad-ideal", "no list of calls", `as in [{"function": {"argument": ["value", "another"]}}]`)
	}
	return s
}

// beside returns what reads the possible answers to the questions of a file. A link is not followed: it could lead out of
// the repository.
func beside(questions, name string) func() (answers, error) {
	folder := filepath.Join(filepath.Dir(questions), answersFolder)
	file := filepath.Join(folder, filepath.Base(questions))
	return func() (answers, error) {
		a := answers{file: path.Join(path.Dir(filepath.ToSlash(name)), answersFolder, filepath.Base(questions)), byID: map[string]string{}}
		for _, at := range []string{folder, file} {
			info, err := os.Lstat(at)
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return answers{}, nil
			case err != nil:
				return a, fmt.Errorf("opening %s: %w", a.file, err)
			case at == folder && !info.IsDir() || at == file && !info.Mode().IsRegular():
				return a, diag.Mistakes{whole(a.file, "not-a-file", "is a link or a device, not a file of possible answers", "copy the file there")}
			}
		}
		f, err := os.Open(file)
		if err != nil {
			return a, fmt.Errorf("opening %s: %w", a.file, err)
		}
		defer f.Close()
		return a, a.read(f)
	}
}

// read reads rows of {"id", "ground_truth"}. It stands on the parser's legs for lines, limits and mistakes.
func (a *answers) read(r io.Reader) error {
	text, err := open(r, a.file)
	if err != nil {
		return err
	}
	defer text.Close()
	p := parser{name: a.file, maxFile: maxFile, firstLine: make(map[string]int)}
	p.row = func(line []byte, fields map[string]field) {
		truth, ok := fields["ground_truth"]
		if !ok {
			p.mistake(0, "missing-ideal", `no "ground_truth"`+keysOf(fields), `as in "ground_truth": [{"function": {"argument": ["value", "another"]}}]`)
			return
		}
		before := p.wrong
		id, calls := p.id(line, fields, "id"), p.groundTruth(line, truth)
		if p.wrong == before {
			a.byID[id] = calls
		}
	}
	if err := p.read(text); err != nil {
		return err
	}
	if len(p.mistakes) > 0 {
		return p.mistakes
	}
	return nil
}

// offered reads the functions that the model may call, as the chat contract wants them. It also takes the
// leaderboard's own form, bare functions whose schemas say dict, float, tuple and any, with dots in names, which the
// contract does not allow.
func (p *parser) offered(line []byte, f field) string {
	const hint = `a list of {"type": "function", "function": {"name": …, "parameters": …}}`
	var list []map[string]any
	dec := json.NewDecoder(bytes.NewReader(f.raw))
	dec.UseNumber()
	if err := dec.Decode(&list); err != nil || len(list) == 0 {
		p.mistake(column(line, f.at), "bad-tools", "the functions that are offered are "+kind(f.raw)+", expected a list of objects", hint)
		return ""
	}
	for i, tool := range list {
		function, wrapped := tool["function"].(map[string]any)
		if !wrapped {
			function = tool
			delete(function, "response") // of which the contract knows nothing
			list[i] = map[string]any{"type": "function", "function": function}
			contractTypes(function["parameters"], 0)
		}
		name, _ := function["name"].(string)
		if name == "" {
			p.mistake(column(line, f.at), "bad-tools", fmt.Sprintf("function %d has no name", i+1), hint)
		}
		if !wrapped {
			function["name"] = strings.ReplaceAll(name, ".", "_")
		}
	}
	return encode(list)
}

// contractTypes writes the leaderboard's names of types as JSON Schema has them.
func contractTypes(v any, depth int) {
	schema, ok := v.(map[string]any)
	if !ok || depth > 100 {
		return
	}
	switch schema["type"] {
	case "dict":
		schema["type"] = "object"
	case "float", "double":
		schema["type"] = "number"
	case "tuple":
		schema["type"] = "array"
	case "any":
		delete(schema, "type")
	}
	contractTypes(schema["items"], depth+1)
	properties, _ := schema["properties"].(map[string]any)
	for _, property := range properties {
		contractTypes(property, depth+1)
	}
}

// canonical is a JSON value without spaces and with its keys in order. The value is known to be valid.
func canonical(raw []byte) string {
	var v any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return string(raw)
	}
	return encode(v)
}

func encode(v any) string {
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return "" // what was decoded from JSON can be encoded
	}
	return strings.TrimSuffix(out.String(), "\n")
}
