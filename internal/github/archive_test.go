package github

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"testing"
)

// entry is a file of a hostile archive.
type entry struct {
	name string
	mode fs.FileMode
	data string
}

func archive(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		if e.mode != 0 {
			h.SetMode(e.mode)
		}
		w, err := z.CreateHeader(h)
		if err == nil {
			_, err = w.Write([]byte(e.data))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestUnpackRefuses(t *testing.T) {
	plain := func(names ...string) (list []entry) {
		for _, n := range names {
			list = append(list, entry{n, 0, "x"})
		}
		return list
	}
	var thousand []entry
	for i := range 1001 {
		thousand = append(thousand, entry{fmt.Sprint(i), 0, ""})
	}
	for _, c := range []struct {
		name    string
		entries []entry
		want    string
	}{
		{"absolute", plain("/etc/passwd"), "not a path"},
		{"upwards", plain("../x"), "not a path"},
		{"upwards inside", plain("a/../../x"), "not a path"},
		{"a dot", plain("a/./x"), "not a path"},
		{"an empty part", plain("a//x"), "not a path"},
		{"no name", plain(""), "not a path"},
		{"backslashes", plain(`..\x`), "portable"},
		{"a backslash inside", plain(`a\b`), "portable"},
		{"a drive", plain("C:/x"), "portable"},
		{"a stream", plain("x:y"), "portable"},
		{"a share", plain("//host/x"), "not a path"},
		{"a control character", plain("a\nb"), "portable"},
		{"a zero", plain("a\x00b"), "portable"},
		{"no UTF-8", plain("a\xff"), "not a path"},
		{"a dot at the end", plain("x."), "dot or space"},
		{"a folder with a space at the end", plain("x /y"), "dot or space"},
		{"a long name", plain(strings.Repeat("n", 513)), "more than 512"},
		{"twice", plain("x", "x"), "twice"},
		{"twice but for case", plain("X", "x"), "twice"},
		{"a file as a folder", plain("x", "x/y"), "same name"},
		{"a folder as a file", plain("x/y", "x"), "twice"},
		{"a link", []entry{{"x", fs.ModeSymlink | 0o777, "/etc/passwd"}}, "no regular file"},
		{"a link that is a folder", []entry{{"x/", fs.ModeSymlink | 0o777, ""}}, "no regular file"},
		{"a device", []entry{{"x", fs.ModeDevice | 0o666, ""}}, "no regular file"},
		{"a pipe", []entry{{"x", fs.ModeNamedPipe | 0o666, ""}}, "no regular file"},
		{"a folder outside", []entry{{"../x/", fs.ModeDir | 0o755, ""}}, "not a path"},
		{"too many", thousand, "too large"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files, err := unpack(archive(t, c.entries...), Limits{}.withDefaults())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if files != nil {
				t.Errorf("unpacked %d files", len(files))
			}
			if err != nil && strings.ContainsAny(err.Error(), "\n\x00") {
				t.Errorf("%q", err)
			}
		})
	}
}

func TestUnpackBombs(t *testing.T) {
	zeros := strings.Repeat("\x00", 10<<20)
	one := archive(t, entry{"zeros", 0, zeros})
	many := archive(t, entry{"a", 0, zeros[:1<<20]}, entry{"b", 0, zeros[:1<<20]}, entry{"c", 0, zeros[:1<<20]})
	for _, c := range []struct {
		name    string
		archive []byte
		l       Limits
		ok      bool
	}{
		{"one file", one, Limits{File: 1 << 20}, false},
		{"one file that fits", one, Limits{File: 10 << 20}, true},
		{"all files", many, Limits{File: 1 << 20, Total: 3<<20 - 1}, false},
		{"all files that fit", many, Limits{File: 1 << 20, Total: 3 << 20}, true},
		{"their number", many, Limits{Files: 2}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := unpack(c.archive, c.l.withDefaults()); (err == nil) != c.ok || !c.ok && !errors.Is(err, ErrTooLarge) {
				t.Errorf("%v", err)
			}
		})
	}
	// A size that is too small is believed no more than one that is too large.
	lying := bytes.Clone(one)
	at := bytes.LastIndex(lying, []byte("PK\x01\x02"))
	copy(lying[at+24:], []byte{1, 0, 0, 0})
	if files, err := unpack(lying, Limits{File: 1 << 20}.withDefaults()); err == nil {
		t.Errorf("%d bytes", len(files["zeros"]))
	}
}

func TestPackIsTheSameForTheSame(t *testing.T) {
	files := map[string][]byte{"b/x.json": []byte("{}"), "a": bytes.Repeat([]byte("text "), 1000), "empty": {}}
	first, err := pack(files)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if again, err := pack(maps.Clone(files)); err != nil || !bytes.Equal(first, again) {
			t.Fatal("other bytes", err)
		}
	}
	back, err := unpack(first, Limits{}.withDefaults())
	if err != nil || !maps.EqualFunc(files, back, bytes.Equal) {
		t.Errorf("%v, %v", back, err)
	}
	if len(first) > 600 {
		t.Errorf("%d bytes", len(first))
	}
	for _, bad := range []string{"../x", "/x", "a:b", ""} {
		if _, err := pack(map[string][]byte{bad: nil}); err == nil {
			t.Errorf("%q was packed", bad)
		}
	}
}

// Whatever the bytes are, what comes out stays within the limits and below a folder.
func FuzzUnpack(f *testing.F) {
	f.Add(archive(f, entry{"a/b", 0, "text"}, entry{"a/", fs.ModeDir | 0o755, ""}))
	f.Add(archive(f, entry{"../x", 0, "text"}))
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, b []byte) {
		files, err := unpack(b, Limits{Files: 4, File: 1000, Total: 2000}.withDefaults())
		total := 0
		for name, data := range files {
			if total += len(data); !fs.ValidPath(name) || len(data) > 1000 {
				t.Errorf("%q with %d bytes", name, len(data))
			}
		}
		if total > 2000 || len(files) > 4 || err != nil && files != nil {
			t.Errorf("%d bytes in %d files, %v", total, len(files), err)
		}
	})
}
