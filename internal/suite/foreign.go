package suite

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/tunegate/tunegate/internal/diag"
)

// foreign names a file that is no JSON Lines by its first line, of which every line would be a mistake by itself; nil: it may be.
func (p *parser) foreign(line []byte) diag.Mistakes {
	refuse := func(rule, message, hint string) diag.Mistakes {
		return diag.Mistakes{whole(p.name, rule, message, hint)}
	}
	trimmed := string(bytes.TrimSpace(line))
	switch {
	case bytes.HasPrefix(line, []byte("version https://git-lfs")):
		return refuse("lfs-pointer", "is a Git LFS pointer, the tests themselves are not here", "fetch them: `git lfs pull`, or `lfs: true` in the checkout step")
	case bytes.HasPrefix(line, []byte{0xff, 0xfe}), bytes.HasPrefix(line, []byte{0xfe, 0xff}), bytes.HasPrefix(line, []byte("{\x00")), bytes.HasPrefix(line, []byte("\x00{")):
		return refuse("invalid-utf8", "is UTF-16", "save it as UTF-8")
	case bytes.HasPrefix(line, []byte("PK\x03\x04")):
		return refuse("unknown-container", "is a zip archive", "unpack it, or use .jsonl.gz or .jsonl.zst")
	case bytes.HasPrefix(line, []byte("PAR1")):
		return refuse("unknown-container", "is a Parquet file", "convert it to JSONL, one test a line")
	case trimmed == "[":
		return refuse("not-jsonl", "is one large JSON list, not a JSON object on each line", "jq -c '.[]' turns it into lines")
	case trimmed == "{":
		return refuse("not-jsonl", "has JSON spread over several lines, not a JSON object on each line", "jq -c . puts each object on a line")
	case isHeader(trimmed):
		return refuse("not-jsonl", "is a table such as CSV, not a JSON object on each line", `write each row as {"id": …, "input": …, "ideal": …}`)
	}
	return nil
}

// isHeader reports that a line is the head of a table: two names of columns or more between commas, semicolons or tabs.
func isHeader(line string) bool {
	if len(line) > 1<<10 || json.Valid([]byte(line)) {
		return false
	}
	name := regexp.MustCompile(`^ *("[\w .-]{1,40}"|[A-Za-z_][\w .-]{0,40}) *$`)
	for _, sign := range []string{",", ";", "\t"} {
		cells := strings.Split(line, sign)
		sound := len(cells) > 1
		for _, c := range cells {
			sound = sound && name.MatchString(c)
		}
		if sound {
			return true
		}
	}
	return false
}

// startsJSON reports that a line begins as a JSON value does, so that what is wrong with it is worth saying.
func startsJSON(line []byte) bool {
	at := space(line, 0)
	return at < len(line) && strings.IndexByte(`{["-0123456789tfn`, line[at]) >= 0
}

// loneSurrogate is the offset of the first \u escape in a line of valid JSON that is half of a character, -1 without one. The
// standard decoder would put U+FFFD in its place, and the model would be asked something else than is written.
func loneSurrogate(line []byte) int {
	for i := 0; i < len(line); i++ {
		if line[i] != '\\' {
			continue
		}
		if line[i+1] != 'u' {
			i++
			continue
		}
		switch half(line[i:]) {
		case 'l':
			return i
		case 'h':
			if half(line[i+6:]) != 'l' {
				return i
			}
			i += 6
		}
		i += 5
	}
	return -1
}

// half says which half of a surrogate pair the escape is that b begins with: 'h' the high one, 'l' the low one, 0 none.
func half(b []byte) byte {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' || b[2]|0x20 != 'd' {
		return 0
	}
	switch c := b[3] | 0x20; {
	case b[3] >= '8' && b[3] <= '9', c == 'a', c == 'b':
		return 'h'
	case c >= 'c' && c <= 'f':
		return 'l'
	}
	return 0
}
