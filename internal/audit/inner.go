package audit

import (
	"encoding/json"
	"strings"
)

// maxNested is how deep JSON within strings of JSON is looked into: the arguments of a tool call are one level.
const maxNested = 3

// A string and its key are looked at together up to these lengths.
const (
	maxKeyText = 64
	maxNamed   = 256
)

// isJSON reports that a text is an object or list, so that an escape in it stands for something else than is written.
func isJSON(text string) bool {
	return text != "" && (text[0] == '{' || text[0] == '[') && json.Valid([]byte(text))
}

// eachString calls f with the strings of a JSON value as they are written between their quotes, with the index in doc at which
// they start and the key that stands ahead.
func eachString(doc string, f func(key, written string, start int)) {
	key := ""
	for i := 0; i < len(doc); i++ {
		if doc[i] != '"' {
			continue
		}
		start := i + 1
		for i = start; i < len(doc) && doc[i] != '"'; i++ {
			if doc[i] == '\\' {
				i++
			}
		}
		if i >= len(doc) {
			break
		}
		written := doc[start:i]
		if strings.HasPrefix(strings.TrimLeft(doc[i+1:], " \t\r\n"), ":") {
			key = written
			continue
		}
		f(key, written, start)
	}
}

// eachEscaped calls look with what the strings of a JSON value say that have escapes, and with what those of JSON within them
// say: behind an escape, the text as it is written hides where a word starts. Where look finds nothing, it is called again
// with the key ahead of it, where from is not 0: a number is known for a telephone's by its key. A text that is no JSON has none of
// this; at depth 0 it is canonical JSON.
func eachEscaped(doc string, depth int, look func(text string, from int) bool) {
	if strings.IndexByte(doc, '\\') < 0 || depth > 0 && !isJSON(doc) {
		return
	}
	eachString(doc, func(key, written string, _ int) {
		if strings.IndexByte(written, '\\') < 0 {
			return
		}
		text, _ := unescape(written, false)
		if before := keyAhead(key, text); !look(text, 0) && before != "" {
			look(before+text+`"`, len(before))
		}
		if depth < maxNested {
			eachEscaped(text, depth+1, look)
		}
	})
}

// keyAhead returns what stands ahead of a string whose key may say what it is, "" for none: what a key names is short.
func keyAhead(key, text string) string {
	if key == "" || len(key) > maxKeyText || len(text) > maxNamed || text != "" && (text[0] == '{' || text[0] == '[') {
		return ""
	}
	return `"` + key + `":"`
}

// liesBehind reports that a match lies in the string that starts at from, ahead of the quote at the end; anywhere if from is 0.
func liesBehind(text string, start, end, from int) bool {
	return from == 0 || start >= from && end < len(text)
}
