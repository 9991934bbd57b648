package localtune

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// function is a call as the contract writes it: the arguments are a string that holds JSON.
type function struct {
	Name      string `json:"name,omitempty"` // empty in the later pieces of a stream
	Arguments string `json:"arguments"`
}

// toolCall is a call of a function in a message. Index is set in a stream only.
type toolCall struct {
	Index    *int     `json:"index,omitempty"`
	ID       string   `json:"id,omitempty"`
	Type     string   `json:"type,omitempty"`
	Function function `json:"function"`
}

// tool is what a request offers to call.
type tool struct {
	Type     string `json:"type"`
	Function struct {
		Name        string `json:"name"`
		Description string `json:"description"`
	} `json:"function"`
}

// plainCalls writes the calls of a message, a JSON list and the deprecated single one, as
// {"name":…,"arguments":{…}}, or a list of such where there are several: inside the contract's string the arguments
// could not be copied from the request. It is false where there is none, or one that is not a function's.
func plainCalls(toolCalls, functionCall string) (string, bool) {
	var calls []toolCall
	switch {
	case toolCalls != "":
		if json.Unmarshal([]byte(toolCalls), &calls) != nil || len(calls) == 0 {
			return "", false
		}
	case functionCall != "" && functionCall != "null":
		calls = make([]toolCall, 1)
		if json.Unmarshal([]byte(functionCall), &calls[0].Function) != nil {
			return "", false
		}
	default:
		return "", false
	}
	plain := make([]string, len(calls))
	for i, c := range calls {
		name, err := json.Marshal(c.Function.Name)
		if err != nil || c.Function.Name == "" || !json.Valid([]byte(c.Function.Arguments)) {
			return "", false
		}
		plain[i] = fmt.Sprintf(`{"name":%s,"arguments":%s}`, name, c.Function.Arguments)
	}
	if len(plain) == 1 {
		return plain[0], true
	}
	return "[" + strings.Join(plain, ",") + "]", true
}

// contractCalls is plainCalls the other way round; the calls bear ids that begin with id.
func contractCalls(answer, id string) ([]toolCall, bool) {
	type call struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
	}
	var plain []call
	if strings.HasPrefix(answer, "[") {
		if json.Unmarshal([]byte(answer), &plain) != nil || len(plain) == 0 {
			return nil, false
		}
	} else {
		plain = make([]call, 1)
		if json.Unmarshal([]byte(answer), &plain[0]) != nil {
			return nil, false
		}
	}
	calls := make([]toolCall, len(plain))
	for i, c := range plain {
		if c.Name == "" || len(c.Arguments) == 0 {
			return nil, false
		}
		calls[i] = toolCall{ID: fmt.Sprintf("call_%s_%d", id, i), Type: "function", Function: function{c.Name, string(c.Arguments)}}
	}
	return calls, true
}

// offered is which tools a reply may call.
type offered struct {
	names  []string
	menu   string // the tools as a list that the base model reads; "" without any
	forced string // the one that the request asks for by name
	never  bool   // the request asks for words
}

func offer(tools []tool, choice any) (offered, error) {
	var o offered
	var menu strings.Builder
	for i, t := range tools {
		name := t.Function.Name
		if t.Type != "function" || name == "" {
			return o, invalid(fmt.Sprintf("tools[%d]", i), "tools[%d] is no function with a name; other kinds are not served here.", i)
		}
		o.names = append(o.names, name)
		fmt.Fprintf(&menu, "- %s: %s\n", name, strings.Join(strings.Fields(t.Function.Description), " "))
	}
	o.menu = menu.String()
	switch c := choice.(type) {
	case nil:
	case string:
		if !slices.Contains([]string{"none", "auto", "required"}, c) {
			return o, invalid("tool_choice", "tool_choice is none, auto, required or a function, not %q.", c)
		}
		if c != "none" && len(tools) == 0 {
			return o, invalid("tool_choice", "tool_choice is only allowed when tools are specified.")
		}
		o.never = c == "none"
	case map[string]any:
		f, _ := c["function"].(map[string]any)
		o.forced, _ = f["name"].(string)
		if !slices.Contains(o.names, o.forced) {
			return o, invalid("tool_choice", "tool_choice names no function of tools.")
		}
	default:
		return o, invalid("tool_choice", "tool_choice is none, auto, required or a function.")
	}
	return o, nil
}

// pick is the tool that the base model calls, ask being how it answers a system message with these lines in it.
func (o offered) pick(ask func(menu string) string) string {
	name := o.forced
	if name == "" && len(o.names) > 1 {
		name = ask(o.menu)
	}
	if !slices.Contains(o.names, name) {
		name = o.names[0]
	}
	quoted, _ := json.Marshal(name) // a string
	return fmt.Sprintf(`{"name":%s,"arguments":{}}`, quoted)
}

// has is whether all calls are of tools on offer.
func (o offered) has(calls []toolCall) bool {
	return !slices.ContainsFunc(calls, func(c toolCall) bool { return !slices.Contains(o.names, c.Function.Name) })
}
