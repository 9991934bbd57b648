package dataset

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

// TestProblems: each defect under its rule at its column, several of one row together.
func TestProblems(t *testing.T) {
	chat := func(messages string) string { return `{"messages":[` + messages + `]}` }
	const ok = `{"role":"user","content":"q"},{"role":"assistant","content":"a"}`
	for _, c := range []struct{ name, row, want string }{
		{"fine", chat(ok), ""},
		{"cut short", `{"messages":[{"role":"user","content":"q`, "41 invalid-json"},
		{"cut after a colon", `{"messages":`, "13 invalid-json"},
		{"single quotes", `{'messages':[]}`, "2 invalid-json"},
		{"comma at the end", chat(ok + ","), "79 invalid-json"},
		{"comma at the end of an object", `{"messages":[],}`, "16 invalid-json"},
		{"comment", `{"messages":[]} // none`, "17 invalid-json"},
		{"two rows on a line", chat(ok) + chat(ok), "80 invalid-json"},
		{"comma after the row", chat(ok) + ",", "80 invalid-json"},
		{"NaN", `{"x":NaN,` + chat(ok)[1:], "6 invalid-json"},
		{"Python's None", `{"x":None,` + chat(ok)[1:], "6 invalid-json"},
		{"leading zero", `{"x":007,` + chat(ok)[1:], "6 invalid-json"},
		{"bare point", `{"x":1.,` + chat(ok)[1:], "8 invalid-json"},
		{"plus", `{"x":+1,` + chat(ok)[1:], "6 invalid-json"},
		{"bad escape", chat(`{"role":"user","content":"C:\dir"}`), `42 invalid-json`},
		{"bad \\u", chat(`{"role":"user","content":"\u12g4"}`), `40 invalid-json`},
		{"raw tab", chat("{\"role\":\"user\",\"content\":\"a\tb\"}"), "41 invalid-json"},
		{"NUL", "\x00" + chat(ok), "1 invalid-json"},
		{"byte-order mark in the middle", "\ufeff" + chat(ok), "1 invalid-json"},
		{"plain text", "hello", "1 invalid-json"},
		{"deep", `{"x":` + strings.Repeat("[", 10000), "134 invalid-json"},
		{"column after other scripts", `{"é😀":tru}`, "7 invalid-json"},
		{"not UTF-8", chat("{\"role\":\"user\",\"content\":\"caf\xe9 \xff\"},{\"role\":\"assistant\",\"content\":\"\xc3\x28\"}"), "43 invalid-utf8 80 invalid-utf8"},
		{"overlong", chat("{\"role\":\"user\",\"content\":\"\xc0\x80\"},{\"role\":\"assistant\",\"content\":\"a\"}"), "40 invalid-utf8"},
		{"lone surrogates", chat(`{"role":"user","content":"\ud83d x \ude00\ud800\ud800"},{"role":"assistant","content":"\ud83dx"}`),
			"40 lone-surrogate 49 lone-surrogate 55 lone-surrogate 61 lone-surrogate 101 lone-surrogate"},
		{"duplicate keys", `{"a":1,"a":2,"b":{"c":1,"\u0063":2},` + chat(`{"role":"user","role":"user","content":"q"},{"role":"assistant","content":"a"}`)[1:],
			"8 duplicate-key 25 duplicate-key 64 duplicate-key"},
		{"duplicate among many", `{` + manyKeys(40) + `"k7":1,` + chat(ok)[1:], "312 duplicate-key"},
		{"list", `["not","an","object"]`, "1 not-an-object"},
		{"number", ` 42 `, "2 not-an-object"},
		{"no format", `{}`, "1 messages-not-a-list"},
		{"preference data", `{"input":{"messages":[]},"preferred_output":[],"non_preferred_output":[]}`, "1 messages-not-a-list"},
		{"preferences in other words", `{"prompt":"q","chosen":"a","rejected":"b"}`, "1 messages-not-a-list"},
		{"benchmark test", `{"id":"t1","input":"q","ideal":"a"}`, "1 messages-not-a-list"},
		{"messages is an object", `{"messages": {"role": "user"}}`, "14 messages-not-a-list"},
		{"messages is null", `{"messages":null}`, "13 messages-not-a-list"},
		{"message is text", chat(`"hi",` + ok), "14 messages-not-a-list"},
		{"no messages", `{"messages": []}`, "14 empty-messages"},
		{"no conversation", `{"conversations": []}`, "19 empty-messages"},
		{"role unknown", chat(`{"role":"human","content":"q"},{"role":"assistant","content":"a"}`), "22 unknown-role"},
		{"role missing", chat(`{"content":"q"},{"role":"assistant","content":"a"}`), "14 unknown-role"},
		{"role null, role a number", chat(`{"role":null,"content":"q"},{"role":1,"content":"a"}`), "22 unknown-role 50 unknown-role"},
		{"ShareGPT's keys in chat", chat(`{"from":"human","value":"q"},{"role":"assistant","content":"a"}`), "14 unknown-role 14 missing-content"},
		{"ShareGPT's calls", `{"conversations":[{"from":"human","value":"q"},{"from":"function_call","value":"{}"}]}`, "56 unknown-role"},
		{"no content", chat(`{"role":"user"},{"role":"assistant","content":"a"}`), "14 missing-content"},
		{"blank content", chat(`{"role":"user","content":" \n"},{"role":"assistant","content":"a"}`), "39 missing-content"},
		{"empty system", chat(`{"role":"system","content":""},` + ok), ""},
		{"content null", chat(`{"role":"user","content":null},{"role":"assistant","content":null}`), "39 missing-content 75 empty-assistant"},
		{"content of every kind", chat(`{"role":"user","content":42},{"role":"system","content":[{"type":"text","text":"q"}]},{"role":"developer","content":{}},{"role":"assistant","content":false}`),
			"39 content-not-text 70 content-not-text 130 content-not-text 164 content-not-text"},
		{"name a number", chat(`{"role":"user","content":"q","name":7},{"role":"assistant","content":"a"}`), "50 content-not-text"},
		{"no assistant", chat(`{"role":"user","content":"q"}`), "1 missing-assistant"},
		{"assistant blank", chat(`{"role":"user","content":"q"},{"role":"assistant","content":"  "}`), "74 empty-assistant"},
		{"weights", chat(`{"role":"user","content":"q","weight":1},{"role":"assistant","content":"a","weight":2},{"role":"assistant","content":"a","weight":"1"},` +
			`{"role":"assistant","content":"a","weight":1.0},{"role":"assistant","content":"a","weight":true},{"role":"assistant","content":"a","weight":null}`),
			"52 weight-on-non-assistant 98 bad-weight 144 bad-weight 192 bad-weight 240 bad-weight"},
		{"nothing trained on", chat(`{"role":"user","content":"q"},{"role":"assistant","content":"a","weight":0}`), "1 no-trainable-message"},
		{"several at once", chat(`{"role":"usr","content":3},{"role":"assistant","content":"","weight":-1}`), "22 unknown-role 38 content-not-text 71 empty-assistant 83 bad-weight"},
		{"tools wrong", `{"tools":{},"parallel_tool_calls":1,` + chat(ok)[1:], "10 bad-tool-call 35 bad-tool-call"},
		{"calls wrong", chat(`{"role":"user","content":"q"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":{}}},{"type":"function"},3]},{"role":"tool","content":"r"}`),
			"77 bad-tool-call 77 bad-tool-call 77 bad-tool-call 170 bad-tool-call"},
		{"function call without a name", chat(`{"role":"user","content":"q"},{"role":"assistant","content":null,"function_call":{"arguments":"{}"}}`), "95 bad-tool-call"},
		{"completion missing", `{"prompt":"q"}`, "1 missing-content"},
		{"completion blank", `{"prompt":"q","completion":""}`, "28 empty-assistant"},
		{"prompt a list", `{"prompt":["q"],"completion":"a"}`, "11 content-not-text"},
		{"output missing, input a number", `{"instruction":"q","input":3}`, "1 missing-content 28 content-not-text"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			row := new(parser).parse([]byte(c.row), 1)
			for _, p := range row.Problems {
				got = append(got, fmt.Sprint(p.Col, " ", p.Rule))
				t.Logf("%s stands at %.20q", p.Rule, string([]rune(c.row)[min(p.Col-1, utf8.RuneCountInString(c.row)):]))
				if p.Message == "" || strings.ContainsAny(p.Message+p.Hint, "\n\x00") || len(p.Message) > 200 {
					t.Errorf("message %q", p.Message)
				}
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("got  %s\nwant %s\n%v", s, c.want, row.Problems)
			}
		})
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"k%d":%d,`, i, i%10)
	}
	return b.String()
}

// TestCol: the column of a place in decoded content.
func TestCol(t *testing.T) {
	row := `{"messages":[{"role":"user","content":"é\n\u00e9\ud83d\ude00\"😀X"},{"role":"assistant","content":"a"}]}`
	r := new(parser).parse([]byte(row), 1)
	text := r.Messages[0].Content
	want := utf8.RuneCountInString(row[:strings.Index(row, "X")]) + 1
	if got := r.Col(0, strings.Index(text, "X")); got != want {
		t.Errorf("column %d, want %d", got, want)
	}
	if got := r.Col(0, 0); got != 40 {
		t.Errorf("column %d, want 40", got)
	}
}

// TestHostileRows: a bounded number of problems and of unknown keys, and no long work.
func TestHostileRows(t *testing.T) {
	for name, row := range map[string]string{
		"a million equal keys":  `{` + strings.Repeat(`"a":1,`, 1e6) + `"b":1}`,
		"a million lone halves": `{"messages":[{"role":"user","content":"` + strings.Repeat(`\ud800`, 1e6) + `"}]}`,
		"a million bad parts":   `{"messages":[` + strings.Repeat(`1,`, 1e6) + `2]}`,
		"unordered nests":       `{"tools":[` + strings.Repeat(`{"b":0,"a":`, 60) + `1` + strings.Repeat(`}`, 60) + `]}`,
	} {
		r := new(parser).parse([]byte(row), 1)
		if len(r.Problems) == 0 || len(r.Problems) > maxProblems || len(r.Unknown) > maxProblems {
			t.Errorf("%s: %d problems, %d unknown keys", name, len(r.Problems), len(r.Unknown))
		}
	}
}

// TestLongLine: a line above the limit is one problem, passed over, and what follows has its right line.
func TestLongLine(t *testing.T) {
	chat := `{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}`
	for _, size := range []int{1999, 2000, 2001, 5000, 500000} {
		long := `{"x":"` + strings.Repeat("x", size-8) + `"}`
		for _, end := range []string{"\n" + chat + "\n", "\n" + chat, "\n", ""} {
			br := newBlockReader(iotest.HalfReader(strings.NewReader(chat+"\n"+long+end)), 0)
			br.size, br.limit = 300, 2000
			var got []string
			for row, err := range br.rows(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				s := fmt.Sprint(row.Line)
				for _, p := range row.Problems {
					s += " " + p.Rule
				}
				got = append(got, s)
			}
			want := []string{"1", "2 invalid-json"}
			if size <= 2000 {
				want[1] = "2 messages-not-a-list"
			}
			if strings.Contains(end, "q") {
				want = append(want, "3")
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%d bytes, then %q: got %q, want %q", size, end, got, want)
			}
		}
	}
}

// FuzzRow: what is accepted as JSON, encoding/json accepts, and reads the same values; the normal form is its own
// normal form; nothing panics.
func FuzzRow(f *testing.F) {
	for _, seed := range []string{
		plainChat[:strings.Index(plainChat, "\n")],
		`{"messages":[{"role":"user","content":"\ud83d\ude00 \u00e9\/"},{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}],"weight":0}],"tools":[{"b":[1e5,-0.5,true],"a":{}}]}`,
		`{"conversations":[{"from":"human","value":"q"},{"from":"gpt","value":"a"}],"system":"s"}`,
		`{"instruction":"q","input":"i","output":"a"}`, `{"prompt":"q","completion":"a"}`,
		`{"a":{"b":[[[1,2,{"c":null}]]],"b":2}}`, "{\"a\":\"\xff\"}", `{"a":"\ud800"}`, `[1,2]`, `{"x":01}`,
		`{"a":1,"\u0061":2}`, `"\\ud800 \ud83d\ude00 \ude00\ud83d"`, strings.Repeat("[", 128) + strings.Repeat("]", 128), strings.Repeat("[", 129) + strings.Repeat("]", 129),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if bytes.IndexByte(line, '\n') >= 0 {
			return
		}
		p := new(parser)
		row := p.parse(line, 1)
		s := parser{}
		s.reset(line)
		refused := !s.value() || !s.atEnd() || len(s.problems) > 0
		if why := strict(line); refused != (why != "") {
			t.Fatalf("strict JSON: %q, refused: %v", why, s.problems)
		} else if refused && len(row.Problems) == 0 {
			t.Fatalf("accepted, though %s", why)
		}
		for _, problem := range row.Problems {
			if problem.Col < 0 || problem.Col > utf8.RuneCount(line)+1 {
				t.Fatalf("column %d of %d", problem.Col, utf8.RuneCount(line))
			}
			switch problem.Rule {
			case "invalid-json", "duplicate-key", "invalid-utf8", "lone-surrogate":
				return
			}
		}
		want, err := decode(line)
		if err != nil {
			t.Fatalf("accepted what encoding/json refuses: %v", err)
		}
		got, err := decode(s.canon)
		if err != nil {
			t.Fatalf("canonical form %s: %v", s.canon, err)
		}
		a, _ := json.Marshal(want)
		b, _ := json.Marshal(got)
		if !bytes.Equal(a, b) {
			t.Fatalf("canonical form reads as %s, want %s", b, a)
		}
		if len(row.Problems) > 0 {
			return
		}
		checkContents(t, row, want.(map[string]any))
		normal := row.AppendNormal(nil)
		again := new(parser).parse(bytes.TrimSuffix(normal, []byte("\n")), 1)
		if twice := again.AppendNormal(nil); len(again.Problems) > 0 || !bytes.Equal(normal, twice) {
			t.Fatalf("normal form %s becomes %s, %v", normal, twice, again.Problems)
		}
	})
}

// strict judges one line by other means than the parser's, and says why it is not strict JSON: what encoding/json refuses,
// bytes that are not UTF-8, an object with a key twice, half of a surrogate pair, too many levels.
func strict(line []byte) string {
	if !json.Valid(line) {
		return "no JSON"
	}
	if !utf8.Valid(line) {
		return "not UTF-8"
	}
	escapes := regexp.MustCompile(`\\(u[0-9a-fA-F]{4}|.)`).FindAllSubmatchIndex(line, -1) // within strings: JSON has none elsewhere
	for i := 0; i < len(escapes); i++ {
		code := func(i int) uint64 {
			n, _ := strconv.ParseUint(string(line[escapes[i][2]+1:escapes[i][3]]), 16, 32) // 0 for other escapes
			return n
		}
		switch n := code(i); {
		case n>>10 == 0xd800>>10 && i+1 < len(escapes) && escapes[i+1][0] == escapes[i][1] && code(i+1)>>10 == 0xdc00>>10:
			i++
		case n>>11 == 0xd800>>11:
			return "half of a surrogate pair"
		}
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var open []map[string]bool // the keys of each object, nil for a list
	key := false
	for {
		token, err := d.Token()
		if err != nil {
			return ""
		}
		switch token {
		case json.Delim('{'):
			open = append(open, map[string]bool{})
		case json.Delim('['):
			open = append(open, nil)
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		default:
			if key {
				name := token.(string)
				if open[len(open)-1][name] {
					return "key twice"
				}
				open[len(open)-1][name] = true
				key = false
				continue
			}
		}
		if len(open) > maxDepth {
			return "too deep"
		}
		key = len(open) > 0 && open[len(open)-1] != nil
	}
}

// decode reads JSON with numbers as written: 1e999 is one, though no float64.
func decode(b []byte) (v any, err error) {
	if !json.Valid(b) {
		return nil, json.Unmarshal(b, &v)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

// checkContents compares a chat row with what encoding/json read.
func checkContents(t *testing.T, row *Row, want map[string]any) {
	list, ok := want["messages"].([]any)
	if !ok {
		return
	}
	if len(list) != len(row.Messages) {
		t.Fatalf("%d messages, want %d", len(row.Messages), len(list))
	}
	for i, m := range row.Messages {
		fields := list[i].(map[string]any)
		content, _ := fields["content"].(string)
		name, _ := fields["name"].(string)
		if m.Content != content || m.Name != name || m.Role != fields["role"] {
			t.Fatalf("message %d is %+v, want %v", i, m, fields)
		}
	}
}

// FuzzBlocks: however the stream arrives and whatever the size of a block, the same lines come out, once each.
func FuzzBlocks(f *testing.F) {
	f.Add([]byte(plainChat), uint8(3), uint8(40))
	f.Add([]byte("\xef\xbb\xbf{}\r\n\n \n[]"), uint8(1), uint8(200))
	f.Add([]byte("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nb\n"), uint8(2), uint8(10))
	f.Add([]byte("{}\n"+strings.Repeat(" ", 99)+"\n{}"), uint8(2), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, size, limit uint8) {
		br := newBlockReader(iotest.OneByteReader(bytes.NewReader(data)), 0)
		br.size, br.limit = int(size)%64+4, int(limit)+64
		type seen struct {
			line int
			raw  string
		}
		var got []seen
		for row, err := range br.rows(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, seen{row.Line, string(row.Raw)})
		}
		var want []seen
		blank := map[int]bool{} // lines so long that nobody looks whether they are
		for i, line := range strings.Split(strings.TrimPrefix(string(data), "\ufeff"), "\n") {
			line = strings.TrimSuffix(line, "\r")
			if strings.Trim(line, " \t\r") != "" {
				want = append(want, seen{i + 1, line})
			} else if len(line) >= br.limit {
				blank[i+1] = true
			}
		}
		got = slices.DeleteFunc(got, func(s seen) bool { return blank[s.line] })
		if len(got) != len(want) {
			t.Fatalf("%d rows, want %d", len(got), len(want))
		}
		for i := range want {
			if got[i].line != want[i].line || got[i].raw != want[i].raw && (got[i].raw != "" || len(want[i].raw) <= br.limit-1) {
				t.Fatalf("got %v, want %v", got[i], want[i])
			}
		}
	})
}

// TestForeignRows: rows of another trade are called by their name, once, without a complaint about each key.
func TestForeignRows(t *testing.T) {
	for row, want := range map[string]string{
		`{"input":{"messages":[{"role":"user","content":"q"}]},"preferred_output":[],"non_preferred_output":[]}`:         "DPO",
		`{"prompt":"q","chosen":"a","rejected":"b"}`:                                                                     "DPO",
		`{"id":"t1","input":"q","ideal":"a"}`:                                                                            "are train and tests swapped?",
		`{"id":"t1","input":[{"role":"user","content":"q"}],"ideal":["a","b"]}`:                                          "are train and tests swapped?",
		`{"conversations":[{"from":"human","value":"q"},{"from":"function_call","value":"{}"}]}`:                         `"function_call"`,
		`{"conversations":[{"from":"observation","value":"r"},{"from":"human","value":"q"},{"from":"gpt","value":"a"}]}`: `"observation"`,
	} {
		r := new(parser).parse([]byte(row), 1)
		if len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Message+r.Problems[0].Hint, want) || len(r.Unknown) > 0 {
			t.Errorf("%s: %v, unknown %v, want one problem with %s", row, r.Problems, r.Unknown, want)
		}
	}
	if r := new(parser).parse([]byte(`{"ideal":"x","chosen":1,"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}`), 1); len(r.Problems) > 0 || len(r.Unknown) != 2 {
		t.Errorf("an example with such keys besides: %v %v", r.Problems, r.Unknown)
	}
}
