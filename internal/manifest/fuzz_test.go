package manifest

import (
	"bytes"
	"testing"
	"unicode"
	"unicode/utf8"
)

// Whatever the bytes: no panic, mistakes with places that exist and text that can be printed, and nothing accepted
// that the schema refuses.
func FuzzParse(f *testing.F) {
	for _, dir := range []string{"ok", "err"} {
		for _, data := range cases(f, dir) {
			f.Add(data)
		}
	}
	s := compileSchema(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		m, ms := Parse(data, "x.yaml")
		if (m == nil) != (len(ms) > 0) || len(ms) > maxMistakes+1 {
			t.Fatalf("manifest %v and %d mistakes", m != nil, len(ms))
		}
		lines := bytes.Split(bytes.TrimSuffix(bytes.TrimPrefix(data, []byte("\ufeff")), []byte("\n")), []byte("\n"))
		for i, f := range ms {
			if f.Line > len(lines) || f.Line < 0 || f.Col < 0 || f.Line > 0 && f.Col > utf8.RuneCount(lines[f.Line-1])+1 {
				t.Errorf("no such place: %s", f)
			}
			if i > 0 && f.Rule != "too-many" && f.Line < ms[i-1].Line {
				t.Errorf("out of order: %s", f)
			}
			for _, c := range f.Message + f.Hint {
				if !unicode.IsPrint(c) && c != '\ufffd' {
					t.Errorf("unprintable %q in %q, %q", c, f.Message, f.Hint)
				}
			}
		}
		if m != nil {
			if v, ok := asJSON(data); !ok || s.Validate(v) != nil {
				t.Errorf("the schema refuses what the parser accepts: %v", s.Validate(v))
			}
		}
	})
}
