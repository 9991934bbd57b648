package audit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/diag"
)

// escaped returns the text as it is written between the quotes of a JSON string.
func escaped(s string) string { b, _ := json.Marshal(s); return string(b[1 : len(b)-1]) }

// calling makes a row in which a tool is called with arguments and answers.
func calling(id, arguments, result, answer string) string {
	return fmt.Sprintf(`{"messages":[{"role":"user","content":"send it"},{"role":"assistant","tool_calls":[{"id":%q,"type":"function","function":{"name":"send","arguments":"%s"}}]},`+
		`{"role":"tool","tool_call_id":%q,"content":"%s"},{"role":"assistant","content":"%s"}]}`, id, escaped(arguments), id, escaped(result), escaped(answer))
}

// TestBehindEscapes: what stands behind an escape in the JSON of a call or of its result is found once, and what is found, cleaning replaces.
func TestBehindEscapes(t *testing.T) {
	const aws, github, email = "AKIAZ7QK4MWTN2RB9XCD", "ghp_Zb3kQ9xW1mT7vR5pL2nC8dF4gH6jK0sA1eYq", "john.smith@fastmail.com"
	for _, c := range []struct {
		name, arguments, result string
		want                    []string
	}{
		{"nothing", `{"text":"line\nand \"more\""}`, `["x\ny"]`, nil},
		{"arguments", `{"text":"line\n` + aws + `"}`, `{}`, []string{"secret-aws"}},
		{"arguments, in hexadecimal", `{"text":"\u0041KIAZ7QK4MWTN2RB9XCD"}`, `{}`, []string{"secret-aws"}},
		{"arguments, without an escape near", `{"text":"say \"` + aws + `\""}`, `{}`, []string{"secret-aws"}},
		{"a result", `{}`, `{"log":["ok","token:\t` + github + `\n"]}`, []string{"secret-github"}},
		{"a result in a result", `{}`, `{"log":"{\"line\":\"a\\n` + aws + `\"}"}`, []string{"secret-aws"}},
		{"personal", `{"to":"all\n` + email + `"}`, `{}`, []string{"pii-email"}},
		{"a number called by its key", `{"note":"\"","ssn":"536228726"}`, `{}`, []string{"pii-ssn"}},
		{"a token", `{}`, `{"text":"\u003c|im_end|\u003e"}`, []string{"special-token"}},
		{"two of a kind", `{"text":"a\n` + aws + `\nAKIAZ7QK4MWTN2RB9XCE"}`, `{}`, []string{"secret-aws", "secret-aws"}},
		{"no JSON", `{}`, `{"log": a\n` + aws, nil}, // n and all: a path of Windows, say
	} {
		t.Run(c.name, func(t *testing.T) {
			in := Input{Train: data(t, append(different(12), calling("call_1", c.arguments, c.result, "done"))...), Deep: true}
			var got []string
			for _, f := range audited(t, in, DefaultPolicy()).Findings {
				if f.Line == 13 {
					got = append(got, f.Rule)
					if f.Col == 0 {
						t.Errorf("no column: %s", f)
					}
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("found %v, want %v", got, c.want)
			}
			copied, left, _ := fixed(t, in, DefaultPolicy())
			if cleaned := len(copied.Changes) > 0; cleaned != (len(c.want) > 0) || diag.Worst(left.Findings) == diag.Critical {
				t.Errorf("cleaning did %v, and left %v", changesOf(copied), left.Findings)
			}
		})
	}
}

// TestHostileEscapes: JSON made to be looked at over and over takes no longer than its length asks for, and has a bounded number of findings.
func TestHostileEscapes(t *testing.T) {
	const email = "john.smith@fastmail.com"
	for name, doc := range map[string]string{
		"a long key":   `{"` + strings.Repeat("b", 500_000) + `":[` + strings.Repeat(`"\n1@",`, 100_000) + `""]}`,
		"many matches": `[` + strings.Repeat(`"\n`+email+`",`, 100_000) + `""]`,
		"many levels":  strings.Repeat("[", 9_000) + `"\n` + email + `"` + strings.Repeat("]", 9_000),
	} {
		in := Input{Train: data(t, calling("x", `{}`, doc, "done")), Deep: true}
		found := 0
		for _, f := range audited(t, in, DefaultPolicy()).Findings {
			if f.Rule == "pii-email" {
				found++
			}
		}
		if found > maxPerText || found == 0 && name != "a long key" {
			t.Errorf("%s: %d findings", name, found)
		}
	}
}

// TestSameCalls: rows whose calls differ in ids and spelling alone are copies and no contradictions, and cleaning keeps one.
func TestSameCalls(t *testing.T) {
	call := func(id, arguments string) string {
		return fmt.Sprintf(`{"messages":[{"role":"user","content":"turn on the light"},{"role":"assistant","tool_calls":[{"id":%q,"type":"function","function":{"name":"turn","arguments":"%s"}}]}]}`, id, escaped(arguments))
	}
	for _, c := range []struct {
		name, a, b string
		want       string
	}{
		{"ids", call("call_Xa81", `{"on":true}`), call("call_Zb27", `{"on":true}`), "exact-duplicate"},
		{"spelling", call("x", `{"on":true,"room":"hall"}`), call("x", `{ "room": "hall", "on": true }`), "exact-duplicate"},
		{"what is asked for", call("x", `{"on":true}`), call("x", `{"on":false}`), "contradiction"},
		{"ids of a prompt", calling("call_1", `{}`, "sent", "done"), calling("call_2", `{}`, "sent", "done"), "exact-duplicate"},
		{"another result", calling("call_1", `{}`, "sent", "done"), calling("call_2", `{}`, "refused", "sorry"), ""},
		{"another answer", calling("call_1", `{}`, "sent", "done"), calling("call_2", `{}`, "sent", "sorry"), "contradiction"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := Input{Train: data(t, append(different(12), c.a, c.b)...)}
			var got []string
			for _, f := range audited(t, in, Policy{MaxDuplicates: .5}).Findings {
				got = append(got, f.Rule)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("found %v, want %s", got, c.want)
			}
			left := map[string]int{"exact-duplicate": 13, "contradiction": 12, "": 14}[c.want]
			if _, _, lines := fixed(t, in, DefaultPolicy()); len(lines) != left {
				t.Errorf("%d lines are left, want %d", len(lines), left)
			}
		})
	}
	// What is uploaded, and so the run key, keeps every byte of a call.
	var forms []string
	for _, row := range []string{call("call_Xa81", `{"b":1, "a":2}`), call("call_Zb27", `{"a":2,"b":1}`)} {
		for r, err := range dataset.Rows(strings.NewReader(row), "train.jsonl") {
			if err != nil {
				t.Fatal(err)
			}
			forms = append(forms, string(r.AppendNormal(nil)))
		}
	}
	if forms[0] == forms[1] || !strings.Contains(forms[0], "call_Xa81") || !strings.Contains(forms[0], `{\"b\":1, \"a\":2}`) {
		t.Errorf("the normal form changed: %s", forms)
	}
}
