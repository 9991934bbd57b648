package audit

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestRedact: secrets and personal data become placeholders wherever they stand in a row, and no other byte changes.
func TestRedact(t *testing.T) {
	const token, aws = "ghp_Zb3kQ9xW1mT7vR5pL2nC8dF4gH6jK0sA1eYq", "AKIAZ7QK4MWTN2RB9XCD"
	const key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEAx7Qk4mWtN2rB9Zq3\nbG9yZW0gaXBzdW0gZG9sb3Igc2l0IGFt\nZQ==\n"
	quoted := func(s string) string { b, _ := json.Marshal(s); return string(b[1 : len(b)-1]) }
	for _, c := range []struct{ name, line, want string }{
		{"nothing", `{"messages":[{"role":"user","content":"caf\u00e9 [EMAIL] \/"}]}`, ""},
		{"content", `{ "messages" :[{"role":"user","content":"my key is ` + aws + `, really"}]}`, `{ "messages" :[{"role":"user","content":"my key is [AWS_KEY], really"}]}`},
		{"twice", `{"prompt":"` + token + ` and ` + token + `","completion":"x"}`, `{"prompt":"[GITHUB_TOKEN] and [GITHUB_TOKEN]","completion":"x"}`},
		{"escapes around", `{"prompt":"caf\u00e9\ud83d\ude00\n` + aws + `\t\"\u00e9","completion":"x"}`, `{"prompt":"caf\u00e9\ud83d\ude00\n[AWS_KEY]\t\"\u00e9","completion":"x"}`},
		{"escapes within", `{"prompt":"AKIA\u005a7QK4MWTN2RB9XCD","completion":"x"}`, `{"prompt":"[AWS_KEY]","completion":"x"}`},
		{"a name", `{"messages":[{"role":"user","name":"` + aws + `","content":"x"}]}`, `{"messages":[{"role":"user","name":"[AWS_KEY]","content":"x"}]}`},
		{"a key of no format", `{"notes":["` + aws + `"]}`, `{"notes":["[AWS_KEY]"]}`},
		{"arguments of a call", `{"a":"{\"to\":\"line\\njohn.smith@fastmail.com\"}"}`, `{"a":"{\"to\":\"line\\n[EMAIL]\"}"}`},
		{"a number called by its key", `{"tools":[{"ssn":"536228726"}]}`, `{"tools":[{"ssn":"[SSN]"}]}`},
		{"a whole key", `{"prompt":"` + quoted(key+"-----END RSA PRIVATE KEY-----") + ` thanks","completion":"x"}`, `{"prompt":"[PRIVATE_KEY] thanks","completion":"x"}`},
		{"a key cut off", `{"prompt":"` + quoted(key) + `ok then","completion":"x"}`, `{"prompt":"[PRIVATE_KEY]\nok then","completion":"x"}`},
		{"a key with written escapes", `{"prompt":"` + quoted(strings.ReplaceAll(key, "\n", `\n`)) + `"}`, `{"prompt":"[PRIVATE_KEY]\\n"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := c.want
			if want == "" {
				want = c.line
			}
			got, counts := newRedactor().line([]byte(c.line))
			if string(got) != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if (len(counts) > 0) != (c.want != "") {
				t.Errorf("counted %v", counts)
			}
		})
	}
}

// TestPlaceholders: each rule about secrets and personal data has a placeholder, and no rule finds anything in one.
func TestPlaceholders(t *testing.T) {
	r := newRedactor()
	all := ""
	for _, rule := range Rules() {
		if strings.HasPrefix(rule.Name, "secret-") || strings.HasPrefix(rule.Name, "pii-") {
			all += placeholderOf(rule.Name) + " "
		}
	}
	for _, want := range []string{"[EMAIL]", "[PHONE]", "[CARD]", "[IBAN]", "[SSN]", "[IP]", "[AWS_KEY]", "[GITHUB_TOKEN]", "[OPENAI_KEY]", "[JWT]", "[PRIVATE_KEY]"} {
		if !strings.Contains(all, want+" ") {
			t.Errorf("no %s among %s", want, all)
		}
	}
	for _, text := range []string{all, strings.ReplaceAll(all, " ", "")} {
		if rule := r.left(reread([]byte(chat(text, text)), 1)); rule != "" {
			t.Errorf("%s finds something in %s", rule, text)
		}
	}
}

// FuzzRedact: a row that was redacted is a row still, and has nothing left to redact.
func FuzzRedact(f *testing.F) {
	for _, s := range []string{
		"write to john.smith@fastmail.com", "ghp_Zb3kQ9xW1mT7vR5pL2nC8dF4gH6jK0sA1eYq", `{"a":"x\njohn.smith@fastmail.com"}`, "SSN 536-22-8726 call 212-358-7886",
		"é\\u00e9\U0001F600 AKIAZ7QK4MWTN2RB9XCD\x00", "-----BEGIN PRIVATE KEY-----\nMIIEpAIBAAKCAQEAx7Qk4mWtN2rB9Zq3",
	} {
		f.Add(s, false)
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, text string, tool bool) {
		line := chat("question", text)
		if tool {
			call, _ := json.Marshal(text)
			line = `{"messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":` + string(call) + `}}]}]}`
		}
		before := reread([]byte(line), 1)
		if len(before.Problems) > 0 {
			return // no row that could be redacted
		}
		r := newRedactor()
		got, counts := r.line([]byte(line))
		if len(counts) == 0 && string(got) != line {
			t.Fatalf("%s became %s, and nothing was counted", line, got)
		}
		after := reread(got, 1)
		for _, p := range after.Problems {
			t.Fatalf("%s became %s: %s", line, got, p.Message)
		}
		again, _ := r.line(got)
		if string(again) != string(got) {
			t.Fatalf("%s became %s, and then %s", line, got, again)
		}
	})
}
