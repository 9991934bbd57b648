package grade

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/suite"
)

func TestToolCall(t *testing.T) {
	const area = `[{"geo.area":{"base":[10],"height":[5],"unit":["units","cm",""]}}]`
	const two = `[{"f":{"a":[1]}},{"f":{"a":[2]}}]`
	for _, c := range []struct {
		answer, ideal string
		want          float64
		note          string
	}{
		{`{"name": "geo.area", "arguments": {"base": 10, "height": 5}}`, area, 1, ""},
		{`{"name": "geo_area", "arguments": {"base": 10, "height": 5.0, "unit": "Units"}}`, area, 1, ""},
		{`[{"geo.area": {"base": 10, "height": 5, "unit": "cm"}}]`, area, 1, ""},
		{`[{"id": "c1", "type": "function", "function": {"name": "geo_area", "arguments": "{\"base\": 10, \"height\": 5}"}}]`, area, 1, ""},
		{`{"role": "assistant", "content": null, "tool_calls": [{"type": "function", "function": {"name": "geo_area", "arguments": "{\"base\":10,\"height\":5}"}}]}`, area, 1, ""},
		{"```json\n{\"name\": \"geo_area\", \"arguments\": {\"base\": 10, \"height\": 5}}\n```", area, 1, ""},
		{`{"name": "volume", "arguments": {"base": 10, "height": 5}}`, area, 0, "calls volume"},
		{`{"name": "geo_area", "arguments": {"base": 10}}`, area, 0, "no argument height"},
		{`{"name": "geo_area", "arguments": {"base": "10", "height": 5}}`, area, 0, "another value of base"},
		{`{"name": "geo_area", "arguments": {"base": 10, "height": 5, "unit": "inch"}}`, area, 0, "another value of unit"},
		{`{"name": "geo_area", "arguments": {"base": 10, "height": 5, "depth": 1}}`, area, 0, "too many: depth"},
		{`{"name": "geo_area", "arguments": "{"}`, area, 0, "the arguments: not JSON"},
		{`{"name": "geo_area", "arguments": [10, 5]}`, area, 0, "no object"},
		{`The area is 25.`, area, 0, "not JSON"},
		{`[]`, area, 0, "no call"},
		{`{"name": "f", "arguments": {"a": 2}} `, two, 0, "1 calls, wanted 2"},
		{`[{"f": {"a": 2}}, {"f": {"a": 1}}]`, two, 1, ""},
		{`[{"f": {"a": 1}}, {"f": {"a": 1}}]`, two, 0, "another value of a"},
		// Texts are compared loosely, also within lists and objects.
		{`{"f": {"d": "April 1, 2024"}}`, `[{"f":{"d":["april 1 2024"]}}]`, 1, ""},
		{`{"f": {"l": ["New York", "b"]}}`, `[{"f":{"l":[["new-york","B"],["x"]]}}]`, 1, ""},
		{`{"f": {"l": ["b", "New York"]}}`, `[{"f":{"l":[["new york","b"]]}}]`, 0, "another value of l"},
		{`{"f": {"o": {"k": "V"}}}`, `[{"f":{"o":[{"k":["v","w"],"m":["",1]}]}}]`, 1, ""},
		{`{"f": {"o": {"m": 1}}}`, `[{"f":{"o":[{"k":["v","w"],"m":["",1]}]}}]`, 0, "another value of o"},
		{`{"f": {"o": {"k": "v", "z": 1}}}`, `[{"f":{"o":[{"k":["v"]}]}}]`, 0, "another value of o"},
		{`{"f": {"o": [{"k": 1}, {"k": 2}]}}`, `[{"f":{"o":[[{"k":[1]},{"k":[2]}]]}}]`, 1, ""},
		{`{"f": {"b": true}}`, `[{"f":{"b":[1]}}]`, 0, "another value of b"},
		// A plain ideal is meant to the letter.
		{`{"arguments": {"s": "x"}, "name": "f"}`, `{"name": "f", "arguments": {"s": "x"}}`, 1, ""},
		{`{"name": "f", "arguments": {"s": "X"}}`, `{"name": "f", "arguments": {"s": "x"}}`, 0, "another value of s"},
		{`{"name": "f", "arguments": {}}`, `{"name": "f", "arguments": {"s": ""}}`, 0, "no argument s"},
		{`{"name": "f", "arguments": {}}`, `[{"f":{"a":1}}]`, 0, "accepted values of a are no list"},
	} {
		g, err := New("tool-call", "")
		if err != nil {
			t.Fatal(err)
		}
		got := g.Score(c.answer, []string{c.ideal})
		if got.Value != c.want || !strings.Contains(got.Note, c.note) || c.want == 1 && got.Note != "" {
			t.Errorf("%s\nfor %s: got %+v, want %v %q", c.answer, c.ideal, got, c.want, c.note)
		}
	}
}

// TestRequiredArguments takes the schema's word before the possible answer's.
func TestRequiredArguments(t *testing.T) {
	g, err := New("tool-call", "")
	if err != nil {
		t.Fatal(err)
	}
	test := suite.Test{Ideal: []string{`[{"f":{"a":[1,""],"b":[1,""]}}]`}, Tools: `[{"function":{"name":"f","parameters":{"required":["a"]}},"type":"function"}]`}
	for answer, want := range map[string]float64{`{"name":"f","arguments":{"a":1}}`: 1, `{"name":"f","arguments":{"b":1}}`: 0} {
		if got, err := g.Grade(t.Context(), test, answer); err != nil || got.Value != want {
			t.Errorf("%s: got %+v, %v", answer, got, err)
		}
	}
}

// TestLeaderboard grades, for each question of the leaderboard, a call made of the first accepted values, and the call of the
// question before.
func TestLeaderboard(t *testing.T) {
	dir := os.Getenv("TUNEGATE_TESTDATA")
	if dir == "" {
		t.Skip("TUNEGATE_TESTDATA is not set: the leaderboard's possible answers are not graded")
	}
	const name = "BFCL_v4_simple_python.json"
	s, err := suite.Open(filepath.Join(dir, "data", "bfcl", name), name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "data", "bfcl", "possible_answer", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	g, err := New("tool-call", "")
	if err != nil {
		t.Fatal(err)
	}
	right, foreign, before, lines := 0, 0, "", bufio.NewScanner(f)
	for i := 0; lines.Scan(); i++ {
		var row struct {
			Truth []map[string]map[string][]any `json:"ground_truth"`
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		var calls []any
		for _, call := range row.Truth {
			for function, accepted := range call {
				arguments := map[string]any{}
				for key, values := range accepted {
					if given := slices.DeleteFunc(values, func(v any) bool { return v == "" }); len(given) > 0 {
						arguments[key] = first(given[0])
					}
				}
				calls = append(calls, map[string]any{"name": function, "arguments": arguments})
			}
		}
		answer := jsonOf(t, calls)
		if err := g.CheckTest(s.Tests[i]); err != nil {
			t.Fatal(err)
		}
		got, err := g.Grade(t.Context(), s.Tests[i], answer)
		if err != nil || got.Value != 1 {
			t.Logf("%s: %s for %s: %+v, %v", s.Tests[i].ID, answer, s.Tests[i].Ideal[0], got, err)
		}
		right += int(got.Value)
		if before != "" {
			foreign += int(g.Score(before, s.Tests[i].Ideal).Value)
		}
		before = answer
	}
	if right != 400 || foreign != 0 {
		t.Errorf("%d of 400 right, %d of the neighbours'", right, foreign)
	}
}

// first picks, within an accepted object, the first value of each key.
func first(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, values := range v {
			if list, ok := values.([]any); ok && len(list) > 0 && list[0] != "" {
				out[key] = first(list[0])
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = first(v[i])
		}
		return out
	}
	return v
}
