package suite

import (
	"fmt"
	"strings"
)

// format is how one row is written, by the name that people know it by.
type format string

const (
	plain     format = "tests"
	humanEval format = "HumanEval"
	gsm8k     format = "GSM8K"
	bfcl      format = "the Berkeley function-calling leaderboard"
)

const accepted = `{"id","input","ideal"}; openai/evals {"input","ideal"}; HumanEval {"task_id","prompt","entry_point","canonical_solution","test"}; ` +
	`GSM8K {"question","answer"}; Berkeley function calling {"id","question","function","ground_truth"}`

// formOf recognises a row by its keys.
func formOf(fields map[string]field) (format, bool) {
	has := func(key string) bool { return fields[key].raw != nil }
	switch {
	case has("input") || has("ideal") && !has("messages"):
		return plain, true
	case has("task_id") && has("prompt"):
		return humanEval, true
	case has("question") && has("function"):
		return bfcl, true
	case has("question") && has("answer"):
		return gsm8k, true
	}
	return "", false
}

// unknown reports a row of no format that is read here.
func (p *parser) unknown(line []byte, start int, fields map[string]field) {
	if fields["messages"].raw != nil {
		p.mistake(column(line, start), "not-a-test", "a training example, with messages, where a test is expected",
			`are train and tests swapped? a test is {"id": …, "input": …, "ideal": …}`)
		return
	}
	found := keysOf(fields)
	if found == "" {
		found = ", no key at all"
	}
	p.mistake(column(line, start), "unknown-format", "not a format of tests that is read here"+found, "accepted are: "+accepted)
}

// read reads a row of the format. What is wrong with it has been reported.
func (f format) read(p *parser, line []byte, fields map[string]field) Test {
	switch f {
	case humanEval:
		return p.humanEval(line, fields)
	case gsm8k:
		return p.gsm8k(line, fields)
	case bfcl:
		return p.bfcl(line, fields)
	}
	t := Test{ID: p.id(line, fields, "id"), Input: p.input(line, fields), Ideal: p.ideal(line, fields)}
	if f, ok := fields["tools"]; ok && string(f.raw) != "null" {
		t.Tools = p.offered(line, f)
	}
	return t
}

// words reads a text that must be there and have something in it.
func (p *parser) words(line []byte, fields map[string]field, key, what string) string {
	f, ok := fields[key]
	if !ok {
		p.mistake(0, "missing-"+key, fmt.Sprintf("no %q%s", key, keysOf(fields)), what)
		return ""
	}
	s, ok := text(f.raw)
	switch {
	case !ok:
		p.mistake(column(line, f.at), "bad-"+key, fmt.Sprintf("%q is %s, expected text", key, kind(f.raw)), what)
	case strings.TrimSpace(s) == "":
		p.mistake(column(line, f.at), "missing-"+key, fmt.Sprintf("%q is empty", key), what)
	}
	return s
}

// humanEval reads a problem of HumanEval (Chen et al., 2021, arXiv 2107.03374). The paper's models went on from the prompt;
// a chat model has to be told to. What is asked for is the whole function, since chat models repeat its head anyway.
func (p *parser) humanEval(line []byte, fields map[string]field) Test {
	c := Code{
		Prompt: p.words(line, fields, "prompt", "the program up to where the model goes on"),
		Entry:  p.words(line, fields, "entry_point", "the name of the function that is asked for"),
		Test:   p.words(line, fields, "test", "Python that defines check(candidate)"),
	}
	if c.Entry != "" && !isName(c.Entry) {
		p.mistake(column(line, fields["entry_point"].at), "bad-entry_point", `"entry_point" is no name of a Python function`, "letters, digits and _, not a digit first")
	}
	ideal := p.words(line, fields, "canonical_solution", "a solution that passes the test")
	return Test{ID: p.id(line, fields, "task_id"), Ideal: []string{ideal}, Code: &c, Input: []Message{{Role: "user",
		Content: "Complete the Python function below. Answer with the whole function, its imports included, and nothing else.\n\n" + c.Prompt}}}
}

func isName(s string) bool {
	for i, c := range []byte(s) {
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9' || i == 0) {
			return false
		}
	}
	return s != ""
}

// gsm8k reads a problem of GSM8K (Cobbe et al., 2021, arXiv 2110.14168), whose answer is a worked solution that ends in
// "#### " and the number that is wanted.
func (p *parser) gsm8k(line []byte, fields map[string]field) Test {
	question := p.words(line, fields, "question", "what the model is asked")
	answer := p.words(line, fields, "answer", `the worked solution, with "#### 18" as its last line`)
	parts := strings.Split(answer, "####")
	ideal := strings.TrimSpace(parts[len(parts)-1])
	if answer != "" && (len(parts) == 1 || ideal == "") {
		p.mistake(column(line, fields["answer"].at), "missing-ideal", `"answer" does not end in "#### " and a number`, `the worked solution, with "#### 18" as its last line`)
	}
	return Test{ID: p.id(line, fields, "id"), Input: []Message{{Role: "user", Content: question}}, Ideal: []string{ideal}}
}
