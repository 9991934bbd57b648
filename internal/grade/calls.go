package grade

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// call is one call of a function. Its arguments are values as parse returns them; of an ideal in the leaderboard's form
// (open) each is the list of what is accepted.
type call struct {
	name      string
	arguments map[string]any
	open      bool
}

func checkCalls(_ Grader, ideal string) error {
	_, err := calls(ideal, true)
	return err
}

// toolCall compares calls as the Berkeley function-calling leaderboard does (gorilla, bfcl_eval, ast_checker; Patil et al., 2025):
// as many calls as wanted, in any order; the same function, a dot in its name being the same as an underscore; each argument
// one of the accepted values; one whose accepted values hold "" may be left out; none beyond those. Texts are the same
// when they are without case, spaces and any of ,./-_*^ and with ' for ". Numbers compare by value: 5.0 is 5, which the
// leaderboard refuses where a whole number is asked for.
//
// An ideal written as a plain call, {"name": …, "arguments": {…}}, wants just these arguments.
func toolCall(_ Grader, answer, ideal string) Score {
	want, err := calls(ideal, true)
	if err != nil {
		return Score{Note: err.Error()}
	}
	got, err := calls(unfence(answer), false)
	if err != nil {
		return Score{Note: clip(err.Error())}
	}
	if len(got) != len(want) {
		return Score{Note: fmt.Sprintf("%d calls, wanted %d", len(got), len(want))}
	}
	for _, w := range want {
		note, found := "", -1
		for i, g := range got {
			why := w.differs(g)
			if why == "" {
				found = i
				break
			}
			if note == "" || g.name == w.name {
				note = why
			}
		}
		if found < 0 {
			return Score{Note: clip(note)}
		}
		got = slices.Delete(got, found, found+1)
	}
	return Score{Value: 1}
}

// differs says why another call is not the wanted one, "" if it is.
func (w call) differs(g call) string {
	if w.name != g.name {
		return "calls " + g.name
	}
	for _, name := range slices.Sorted(maps.Keys(w.arguments)) {
		value, given := g.arguments[name]
		accepted, _ := w.arguments[name].([]any)
		switch {
		case !given && w.open && slices.Contains(accepted, any("")):
		case !given:
			return "no argument " + name
		case w.open && !oneOf(value, accepted), !w.open && !reflect.DeepEqual(value, w.arguments[name]):
			return "another value of " + name
		}
	}
	for _, name := range slices.Sorted(maps.Keys(g.arguments)) {
		if _, known := w.arguments[name]; !known {
			return "an argument too many: " + name
		}
	}
	return ""
}

func oneOf(value any, accepted []any) bool {
	return slices.ContainsFunc(accepted, func(a any) bool { return same(value, a) })
}

// same compares a value with one accepted one, in which an object holds, by key, lists of accepted values again.
func same(value, accepted any) bool {
	switch a := accepted.(type) {
	case string:
		s, ok := value.(string)
		return ok && loose(s) == loose(a)
	case []any:
		list, ok := value.([]any)
		return ok && slices.EqualFunc(list, a, same)
	case map[string]any:
		object, ok := value.(map[string]any)
		if !ok {
			return false
		}
		for key := range object {
			if _, known := a[key]; !known {
				return false
			}
		}
		for key, inner := range a {
			options, isList := inner.([]any)
			if !isList {
				options = []any{inner}
			}
			if v, given := object[key]; given && !oneOf(v, options) || !given && !slices.Contains(options, any("")) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(value, accepted)
}

var looser = strings.NewReplacer(" ", "", ",", "", ".", "", "/", "", "-", "", "_", "", "*", "", "^", "", "'", `"`)

func loose(s string) string { return looser.Replace(strings.ToLower(s)) }

// calls reads one call or a list of them. A call is {"name","arguments"}, the chat contract's {"type": "function", "function":
// {"name","arguments"}}, whose arguments are JSON within a text, a message with "tool_calls", or the leaderboard's
// {"function": {"argument": value}}.
func calls(s string, ideal bool) ([]call, error) {
	v, err := parse(s)
	if err != nil {
		return nil, err
	}
	if message, ok := v.(map[string]any); ok && message["tool_calls"] != nil {
		v = message["tool_calls"]
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	if len(list) == 0 {
		return nil, errors.New("no call")
	}
	out := make([]call, len(list))
	for i, item := range list {
		if out[i], err = oneCall(item, ideal); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func oneCall(item any, ideal bool) (call, error) {
	object, ok := item.(map[string]any)
	if !ok {
		return call{}, errors.New("no call of a function")
	}
	if inner, ok := object["function"].(map[string]any); ok && object["name"] == nil && inner["name"] != nil {
		object = inner
	}
	if name, ok := object["name"].(string); ok && len(object) <= 2 && object["arguments"] != nil {
		arguments := object["arguments"]
		if text, ok := arguments.(string); ok {
			var err error
			if arguments, err = parse(text); err != nil {
				return call{}, fmt.Errorf("the arguments: %w", err)
			}
		}
		if values, ok := arguments.(map[string]any); ok {
			return call{name: dotless(name), arguments: values}, nil
		}
		return call{}, errors.New("arguments that are no object")
	}
	if len(object) != 1 {
		return call{}, errors.New(`no call of a function, as in {"name": …, "arguments": {…}}`)
	}
	for name, arguments := range object {
		values, ok := arguments.(map[string]any)
		if !ok {
			break
		}
		if ideal {
			for key, accepted := range values {
				if _, isList := accepted.([]any); !isList {
					return call{}, fmt.Errorf("the accepted values of %s are no list", clip(key))
				}
			}
		}
		return call{name: dotless(name), arguments: values, open: ideal}, nil
	}
	return call{}, errors.New("arguments that are no object")
}

// dotless is a function's name as the chat contract allows it.
func dotless(name string) string { return strings.ReplaceAll(name, ".", "_") }

// hasRequired takes the score back when an argument is left out that the function's own schema requires, whatever the
// ideal says of it.
func hasRequired(s Score, tools, answer string) Score {
	var offered []struct {
		Function struct {
			Name       string
			Parameters struct{ Required []string }
		}
	}
	if tools == "" || json.Unmarshal([]byte(tools), &offered) != nil {
		return s
	}
	got, err := calls(unfence(strings.TrimSpace(answer)), false)
	if err != nil {
		return s
	}
	for _, c := range got {
		for _, tool := range offered {
			if dotless(tool.Function.Name) != c.name {
				continue
			}
			for _, name := range tool.Function.Parameters.Required {
				if _, given := c.arguments[name]; !given {
					return Score{Note: clip("no argument " + name)}
				}
			}
		}
	}
	return s
}
