package dataset

import (
	"fmt"
	"strings"
	"testing"
)

// form returns the form of the calls of a row, and which each tool's message answers.
func form(t *testing.T, messages string) string {
	t.Helper()
	var c CallForm
	var b []byte
	for row, err := range Rows(strings.NewReader(`{"messages":[`+messages+`]}`), "train.jsonl") {
		if err != nil || len(row.Problems) > 0 {
			t.Fatal(err, row.Problems)
		}
		for i := range row.Messages {
			m := &row.Messages[i]
			b = c.AppendCalls(b, m.ToolCalls)
			if m.FunctionCall != "" {
				b = c.AppendFunction(b, m.FunctionCall)
			}
			if m.ToolCallID != "" {
				b = fmt.Append(b, c.Answered(m.ToolCallID))
			}
		}
	}
	return string(b)
}

// TestCallForm: what calls ask for counts, and not how they are spelt.
func TestCallForm(t *testing.T) {
	call := func(id, arguments string) string {
		return fmt.Sprintf(`{"role":"assistant","tool_calls":[{"id":%q,"type":"function","function":{"name":"f","arguments":%q}}]}`, id, arguments)
	}
	result := func(id string) string { return fmt.Sprintf(`{"role":"tool","tool_call_id":%q,"content":"x"}`, id) }
	two := func(a, b string) string {
		return fmt.Sprintf(`{"role":"assistant","tool_calls":[{"id":%q,"type":"function","function":{"name":"f","arguments":"{}"}},{"id":%q,"type":"function","function":{"name":"f","arguments":"{}"}}]}`, a, b)
	}
	for _, c := range []struct {
		name, a, b string
		same       bool
	}{
		{"other ids", call("call_Xa81", `{"a":1}`) + "," + result("call_Xa81"), call("call_Zb27", `{"a":1}`) + "," + result("call_Zb27"), true},
		{"order and spaces", call("x", `{"a": 1, "b": [2, 3]}`), call("x", `{"b":[2,3],"a":1}`), true},
		{"escapes", call("x", `{"a":"\u00e9"}`), call("x", `{"a":"é"}`), true},
		{"an id with escapes", call("é\"", `{}`) + "," + result("é\""), call("y", `{}`) + "," + result("y"), true},
		{"order of a list", call("x", `[1,2]`), call("x", `[2,1]`), false},
		{"other arguments", call("x", `{"a":1}`), call("x", `{"a":2}`), false},
		{"text and not an object", call("x", `"{\"a\":1}"`), call("x", `{"a":1}`), false},
		{"a key twice", call("x", `{"a":1,"a":2}`), call("x", `{"a":2,"a":1}`), false},
		{"results in another order", two("x", "y") + "," + result("x") + "," + result("y"), two("x", "y") + "," + result("y") + "," + result("x"), false},
		{"the same under other ids", two("x", "y") + "," + result("y"), two("1", "2") + "," + result("2"), true},
		{"an id used again", call("x", `{}`) + "," + result("x") + "," + call("x", `{}`) + "," + result("x"), call("x", `{}`) + "," + result("x") + "," + call("y", `{}`) + "," + result("y"), true},
		{"a result of no call", call("x", `{}`) + "," + result("z"), call("x", `{}`) + "," + result("x"), false},
		{"function_call", `{"role":"assistant","function_call":{"name":"f","arguments":"{\"a\":1,\"b\":2}"}}`, `{"role":"assistant","function_call":{"arguments":"{\"b\":2, \"a\":1}","name":"f"}}`, true},
	} {
		const answer = `,{"role":"assistant","content":"a"}`
		if a, b := form(t, c.a+answer), form(t, c.b+answer); (a == b) != c.same {
			t.Errorf("%s: %s and %s", c.name, a, b)
		}
	}
}

// TestCallFormReset: ids of the row before mean nothing in the next.
func TestCallFormReset(t *testing.T) {
	var c CallForm
	c.AppendCalls(nil, `[{"function":{"arguments":"{}","name":"f"},"id":"x","type":"function"}]`)
	if c.Answered("x") != 0 {
		t.Error("the call is not known")
	}
	if c.Reset(); c.Answered("x") != -1 {
		t.Error("the call is known still")
	}
}

// TestArguments: arguments that are no JSON are told of, and what is valid is not.
func TestArguments(t *testing.T) {
	for arguments, good := range map[string]bool{
		`{}`: true, ``: true, ` {"a": "\\u00e9\\n"} `: true, `[1]`: true,
		`{bad`: false, `{'a':1}`: false, `{\"a\":1} more`: false, ` `: false, `city=Oslo`: false,
	} {
		quoted := strings.ReplaceAll(strings.ReplaceAll(arguments, `\"`, `"`), `"`, `\"`)
		line := `{"messages":[{"role":"user","content":"q"},{"role":"assistant","tool_calls":[{"id":"x","type":"function","function":{"name":"get\u005fcity","arguments":"` + quoted + `"}}]}]}`
		for row, err := range Rows(strings.NewReader(line), "train.jsonl") {
			if err != nil {
				t.Fatal(err)
			}
			if good && len(row.Problems) > 0 {
				t.Errorf("%s: %v", arguments, row.Problems)
			}
			if !good && (len(row.Problems) != 1 || row.Problems[0].Rule != "bad-tool-call" || row.Problems[0].Message != "the arguments of get_city are no JSON") {
				t.Errorf("%s: %v", arguments, row.Problems)
			}
		}
	}
}
