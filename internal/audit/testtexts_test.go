package audit

import (
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/suite"
)

// TestTextsOfTests: what tests send to a provider holds no keys and no control tokens, and the message repeats no key.
func TestTextsOfTests(t *testing.T) {
	key := "sk-proj-" + strings.Repeat("aB3dE9fG2h", 5)
	test := func(line int, content, tools string) suite.Test {
		return suite.Test{ID: "t", Line: line, Input: []suite.Message{{Role: "system", Content: "Be short."}, {Role: "user", Content: content}}, Ideal: []string{"<|im_start|>"}, Tools: tools}
	}
	in := Input{Tests: suite.Suite{File: "tests.jsonl", Tests: []suite.Test{
		test(1, "mail ann@acme.com about <b>it</b>", ""),
		test(2, "my key is "+key+", again "+key, ""),
		test(3, "what is <|im_start|>?", ""),
		test(4, "hi", `[{"function":{"name":"f","description":"`+key+`"}}]`),
		test(5, `{"log":"line\n`+key+`"}`, ""),
	}}}
	in.Train = data(t, `{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}`)
	for _, deep := range []bool{false, true} {
		in.Deep = deep
		for _, override := range []diag.Severity{0, diag.Info} {
			p := DefaultPolicy()
			p.Severities = map[string]diag.Severity{"secret-openai": override}
			res, err := Run(t.Context(), in, p)
			if err != nil {
				t.Fatal(err)
			}
			secret := diag.Critical
			if override != 0 {
				secret = override
			}
			var got []string
			for _, f := range res.Findings {
				if f.File != "tests.jsonl" {
					continue
				}
				got = append(got, f.String()+" "+f.Severity.String())
				if f.Hint == "" || strings.Contains(f.Message, key[:20]) {
					t.Errorf("%+v", f)
				}
			}
			want := "tests.jsonl:2: what looks like an OpenAI key: sk-pro…, in a test [secret-openai] " + secret.String() +
				"\ntests.jsonl:3: control token <|im_start|> in text, in a test [special-token] warning" +
				"\ntests.jsonl:4: what looks like an OpenAI key: sk-pro…, in a test [secret-openai] " + secret.String() +
				"\ntests.jsonl:5: what looks like an OpenAI key: sk-pro…, in a test [secret-openai] " + secret.String()
			if strings.Join(got, "\n") != want {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
			}
		}
	}
}
