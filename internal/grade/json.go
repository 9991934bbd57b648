package grade

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"
)

func checkJSON(_ Grader, ideal string) error {
	_, err := parse(ideal)
	return err
}

func jsonEqual(_ Grader, answer, ideal string) Score {
	got, err := parse(unfence(answer))
	if err != nil {
		return Score{Note: clip(err.Error())}
	}
	want, err := parse(ideal)
	return truth(err == nil && reflect.DeepEqual(got, want))
}

// unfence takes off a Markdown code fence when it surrounds the whole of the text.
func unfence(s string) string {
	body, ok := strings.CutPrefix(s, "```")
	if !ok {
		return s
	}
	language, body, ok := strings.Cut(body, "\n")
	if language = strings.TrimSpace(language); !ok || language != "" && !strings.EqualFold(language, "json") {
		return s
	}
	body, ok = strings.CutSuffix(strings.TrimRight(body, " \t\r\n"), "```")
	if !ok {
		return s
	}
	return body
}

// parse reads a JSON value as nil, bool, string, decimal, []any or map[string]any, so that equal values are deeply equal.
func parse(s string) (any, error) {
	if !utf8.ValidString(s) {
		return nil, errors.New("not JSON: not valid UTF-8")
	}
	// The whole is checked first: the token reader below neither limits depth (this does, at 10,000) nor minds a second
	// value after the first.
	if err := json.Unmarshal([]byte(s), new(json.RawMessage)); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	return value(dec)
}

// value reads the next value. The decoder's own maps would silently keep the last of two equal keys.
func value(dec *json.Decoder) (any, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch v := token.(type) {
	case json.Number:
		if d, ok := parseDecimal(v.String()); ok {
			return d, nil
		}
		return v, nil // an exponent beyond a billion: compared as it is written
	case json.Delim:
		list, object := []any{}, map[string]any{}
		for dec.More() {
			var key string
			if v == '{' {
				token, err := dec.Token()
				if err != nil {
					return nil, err
				}
				key = token.(string)
			}
			item, err := value(dec)
			if err != nil {
				return nil, err
			}
			if _, twice := object[key]; twice {
				return nil, fmt.Errorf("not JSON: key %q stands twice", clip(key))
			}
			if v == '{' {
				object[key] = item
			} else {
				list = append(list, item)
			}
		}
		if _, err := dec.Token(); err != nil { // the closing bracket
			return nil, err
		}
		if v == '{' {
			return object, nil
		}
		return list, nil
	}
	return token, nil // string, bool or nil
}
