package suite

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/diag"
)

// TestFindings: what is odd about tests that can be asked is told, one finding a key, and stops nothing.
func TestFindings(t *testing.T) {
	const user = `{"role": "user", "content": "hi"}`
	for _, c := range []struct{ rows, want string }{
		{`{"id": 1, "input": "hi", "ideal": "x", "tools": null}`, ""},
		{`{"input": [{"role": "system", "content": "a"}, {"role": "user", "name": "ann", "content": "b"}, {"role": "system", "content": "c"}], "ideal": "x"}`, ""},
		{`{"id": 1, "input": "hi", "ideal": "x", "notes": 1}` + "\n" + `{"id": 2, "input": [{"role": "user", "content": "ho", "notes": 2}], "ideal": "x", "Tools": []}`,
			"t:1:49: key \"notes\" is not part of a test, and is left out (2 times) [unknown-key]\nt:2:92: key \"Tools\" is not part of a test, and is left out [unknown-key]"},
		{`{"id": 1, "input": [` + user + `, {"role": "assistant", "content": "yes?"}], "ideal": "x"}`,
			"t:1:20: the last message is the assistant's, so that nothing is asked after it [no-question]"},
		{`{"id": 1, "input": [{"role": "system", "content": "a"}, {"role": "developer", "content": "b"}], "ideal": "x"}`,
			"t:1:20: no message is the user's, so that nothing is asked [no-question]"},
		{published["humaneval"], ""}, {published["gsm8k"], ""}, {published["bfcl"], ""}, {published["evals"], ""},
	} {
		s, err := Parse(strings.NewReader(c.rows), "t")
		if err != nil || len(s.Tests) != strings.Count(c.rows, "\n")+1 {
			t.Errorf("%s: %d tests, %v", c.rows, len(s.Tests), err)
		}
		if got := diag.Mistakes(s.Findings).Error(); got != c.want || strings.Contains(got, "[") && (s.Findings[0].Severity != diag.Warning || s.Findings[0].Hint == "") {
			t.Errorf("%s: got\n%s\nwant\n%s", c.rows, got, c.want)
		}
	}
	var many strings.Builder
	for i := range 3 * maxStrange {
		fmt.Fprintf(&many, "{\"id\": %d, \"input\": \"hi\", \"ideal\": \"x\", \"k%d\": 1}\n", i, i)
	}
	if s, err := Parse(strings.NewReader(many.String()), "t"); err != nil || len(s.Findings) != maxStrange {
		t.Errorf("%d findings, %v", len(s.Findings), err)
	}
}

// TestForeign: a file that is no JSON Lines at all is named as what it is, once.
func TestForeign(t *testing.T) {
	wide := func(s, mark string, low int) string {
		out := []byte(mark)
		for _, c := range []byte(s) {
			pair := [2]byte{}
			pair[low] = c
			out = append(out, pair[:]...)
		}
		return string(out)
	}
	const row = "{\"id\": 1, \"input\": \"hi\", \"ideal\": \"x\"}\n"
	for name, c := range map[string]struct{ text, want string }{
		"utf-16le":         {wide(row, "\xff\xfe", 0), "t: is UTF-16 [invalid-utf8]"},
		"utf-16be":         {wide(row, "\xfe\xff", 1), "t: is UTF-16 [invalid-utf8]"},
		"utf-16le no mark": {wide(row, "", 0), "t: is UTF-16 [invalid-utf8]"},
		"utf-16be no mark": {wide(row, "", 1), "t: is UTF-16 [invalid-utf8]"},
		"csv":              {"id,input,ideal\n1,hi,x\n", "t: is a table such as CSV, not a JSON object on each line [not-jsonl]"},
		"quoted csv":       {"\xef\xbb\xbf\"id\";\"what is asked\";\"ideal\"\r\n1;hi;x\r\n", "t: is a table such as CSV, not a JSON object on each line [not-jsonl]"},
		"tabs":             {"input\tideal\nhi\tx\n", "t: is a table such as CSV, not a JSON object on each line [not-jsonl]"},
		"no header":        {"Hello,\"hi, you\",x\n", "t:1:1: expected a JSON object, found other text [invalid-json]"},
		"list":             {"[\n" + row + "]\n", "t: is one large JSON list, not a JSON object on each line [not-jsonl]"},
		"half":             {`{"id": 1, "input": "\\u\ud83d\ude00 a\ud800", "ideal": "x"}`, `t:1:38: \ud800 is half of a surrogate pair [lone-surrogate]`},
		"wrong half":       {`{"id": 1, "input": "\uDC00", "ideal": "x"}`, `t:1:21: \uDC00 is half of a surrogate pair [lone-surrogate]`},
		"two high halves":  {`{"id": 1, "input": "x", "ideal": "\ud83d\ud83d\ude00"}`, `t:1:35: \ud83d is half of a surrogate pair [lone-surrogate]`},
	} {
		_, err := Parse(strings.NewReader(c.text), "t")
		var m diag.Mistakes
		if !errors.As(err, &m) || err.Error() != c.want || m[0].Hint == "" {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
	s, err := Parse(strings.NewReader(`{"id": 1, "input": "\ud83d\ude00 \\ud800", "ideal": "x"}`), "t")
	if err != nil || s.Tests[0].Input[0].Content != `😀 \ud800` {
		t.Errorf("a whole character, or none: %v, %+v", err, s.Tests)
	}
}

// TestManyMistakes: a defect of many lines hides none of another kind.
func TestManyMistakes(t *testing.T) {
	var b strings.Builder
	for i := range 250 {
		fmt.Fprintf(&b, "{\"id\": %d, \"ideal\": \"x\"}\n", i)
	}
	b.WriteString(`{"id": 7, "input": "hi", "ideal": "x"}` + "\n" + `{"input": "hi", "ideal": "x"}` + "\n")
	_, err := Parse(strings.NewReader(b.String()), "t")
	var m diag.Mistakes
	if !errors.As(err, &m) || len(m) != maxMistakes+3 {
		t.Fatalf("%d mistakes: %v", len(m), err)
	}
	for i, want := range []string{`t:251:8: id "7" was used on line 8 already [duplicate-id]`, `t:252: no "id", found ideal, input, though other tests have one [missing-id]`,
		"t: 150 more of missing-input, not listed [more-mistakes]"} {
		if got := m[maxMistakes+i].String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if r := m[maxMistakes].Related; len(r) != 1 || r[0].Line != 8 {
		t.Errorf("the first of the two is not named: %v", r)
	}
}
