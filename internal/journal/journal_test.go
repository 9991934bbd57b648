package journal

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func open(t *testing.T, path string) *Journal {
	t.Helper()
	j, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func texts(j *Journal) string {
	var all []string
	for _, r := range j.Records() {
		all = append(all, string(r))
	}
	return strings.Join(all, " ")
}

func TestAppendSurvivesReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "leg.journal")
	j := open(t, path)
	for _, word := range []string{"intent", "created\nafter a line break"} {
		if err := j.Append(word); err != nil {
			t.Fatal(err)
		}
	}
	j.Close()
	j = open(t, path)
	if got, want := texts(j), `"intent" "created\nafter a line break"`; got != want {
		t.Errorf("records = %s, want %s", got, want)
	}
	if err := j.Append("later"); err != nil {
		t.Fatal(err)
	}
	j.Close()
	if got := texts(open(t, path)); !strings.HasSuffix(got, `"later"`) {
		t.Errorf("records = %s, want the later one at the end", got)
	}
}

// Whatever part of the last record reached the disk, the records before it are kept and appending goes on.
func TestTornTailIsCutOff(t *testing.T) {
	dir := t.TempDir()
	j := open(t, filepath.Join(dir, "whole"))
	for i := range 3 {
		if err := j.Append(map[string]int{"n": i}); err != nil {
			t.Fatal(err)
		}
	}
	j.Close()
	whole, err := os.ReadFile(filepath.Join(dir, "whole"))
	if err != nil {
		t.Fatal(err)
	}
	lineLen := len(whole) / 3
	for cut := range len(whole) {
		path := filepath.Join(dir, "torn")
		if err := os.WriteFile(path, whole[:cut], 0o644); err != nil {
			t.Fatal(err)
		}
		j, err := Open(path)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if got, want := len(j.Records()), cut/lineLen; got != want {
			t.Fatalf("cut at %d: %d records, want %d", cut, got, want)
		}
		if err := j.Append("next"); err != nil {
			t.Fatal(err)
		}
		j.Close()
		again, err := Open(path)
		if err != nil {
			t.Fatalf("cut at %d, after appending: %v", cut, err)
		}
		if got, want := len(again.Records()), cut/lineLen+1; got != want {
			t.Fatalf("cut at %d: %d records after appending, want %d", cut, got, want)
		}
		again.Close()
	}
}

func TestDamageBeforeTheEndIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	j := open(t, path)
	for range 3 {
		if err := j.Append("a record"); err != nil {
			t.Fatal(err)
		}
	}
	j.Close()
	data, _ := os.ReadFile(path)
	data[12] ^= 1
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "line 1 is damaged") {
		t.Errorf("error = %v, want it to name line 1", err)
	}
}

func TestAForeignFileIsNotCutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	for _, content := range []string{"no journal at all", "12345678x", "{\"a\":1}"} {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err == nil {
			t.Errorf("%q was opened as a journal", content)
		}
		if kept, _ := os.ReadFile(path); string(kept) != content {
			t.Errorf("%q became %q", content, kept)
		}
	}
}

func TestSecondOpenIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	first := open(t, path)
	if _, err := Open(path); !errors.Is(err, ErrLocked) {
		t.Errorf("error = %v, want ErrLocked", err)
	}
	first.Close()
	open(t, path)
}

func FuzzReplay(f *testing.F) {
	f.Add([]byte("00000000 {}\n"))
	f.Add([]byte("no journal at all"))
	f.Fuzz(func(t *testing.T, data []byte) {
		records, whole, err := replay(data)
		if whole > len(data) || err == nil && whole < len(data)-1 && strings.Contains(string(data[whole:len(data)-1]), "\n") {
			t.Fatalf("kept %d of %d bytes", whole, len(data))
		}
		for _, r := range records {
			if !json.Valid(r) {
				t.Fatalf("record %q is not JSON", r)
			}
		}
	})
}

// A disk that fails once is not written to again, also when it would work: a record behind a torn one could not be read.
func TestAfterAFailedWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	j, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Append("first"); err != nil {
		t.Fatal(err)
	}
	good := j.file
	if j.file, err = os.Open(path); err != nil { // cannot be written to
		t.Fatal(err)
	}
	first := j.Append("second")
	j.file.Close()
	if _, err := good.WriteString("0123abcd \"sec"); err != nil { // what a full disk leaves
		t.Fatal(err)
	}
	j.file = good
	if again := j.Append("third"); first == nil || again == nil || again.Error() != first.Error() || len(j.Records()) != 1 {
		t.Errorf("first %v, then %v, %d records", first, again, len(j.Records()))
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if j, err = Open(path); err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if err := j.Append("fourth"); err != nil || len(j.Records()) != 2 || string(j.Records()[1]) != `"fourth"` {
		t.Errorf("after it was opened again: %v, %s", err, j.Records())
	}
}

// Another process reads what is recorded so far, while the journal is held and in the middle of a write.
func TestReadWithoutTheLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	if got, err := Read(path); got != nil || err != nil {
		t.Errorf("of no file: %s, %v", got, err)
	}
	j := open(t, path)
	for _, word := range []string{"one", "two"} {
		if err := j.Append(word); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := j.file.WriteString("0123"); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(path); len(got) != 2 || string(got[1]) != `"two"` || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	if kept, err := os.ReadFile(path); err != nil || !strings.HasSuffix(string(kept), "0123") {
		t.Errorf("reading has changed it: %s, %v", kept, err)
	}
}
