package github

import (
	"archive/zip"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits bound an artifact that is downloaded. A zero field stands for its default.
type Limits struct {
	Packed int64 // bytes of the archive; 64 MiB
	Files  int   // 1,000
	File   int64 // bytes of one file, unpacked; 64 MiB
	Total  int64 // bytes of all files, unpacked; 256 MiB
}

func (l Limits) withDefaults() Limits {
	return Limits{cmp.Or(l.Packed, 64<<20), cmp.Or(l.Files, 1000), cmp.Or(l.File, 64<<20), cmp.Or(l.Total, 256<<20)}
}

// nameLimit bounds a name in an archive, in bytes.
const nameLimit = 512

// unpack reads a zip archive into memory: regular files alone, under names that are safe below any folder, within limits
// that hold whatever the archive claims of itself.
func unpack(archive []byte, l Limits) (map[string][]byte, error) {
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, fmt.Errorf("the archive: %s", clip(err.Error()))
	}
	if len(z.File) > l.Files {
		return nil, fmt.Errorf("the archive is %w: %d files, and %d may be", ErrTooLarge, len(z.File), l.Files)
	}
	seen := map[string]bool{} // folded names of files (true) and of folders that lead to them (false)
	files := map[string][]byte{}
	left := l.Total
	for _, f := range z.File {
		name, isDir := strings.CutSuffix(f.Name, "/")
		if err := checkName(name); err != nil {
			return nil, fmt.Errorf("the archive holds %q: %w", clip(f.Name), err)
		}
		if kind := f.Mode().Type(); kind != 0 && kind != fs.ModeDir || isDir != (kind == fs.ModeDir) {
			return nil, fmt.Errorf("the archive holds %q, which is no regular file", clip(f.Name))
		}
		if isDir {
			continue
		}
		if err := claim(seen, name); err != nil {
			return nil, fmt.Errorf("the archive holds %q: %w", clip(f.Name), err)
		}
		data, err := readEntry(f, min(l.File, left))
		if err != nil {
			return nil, fmt.Errorf("unpacking %q: %w", clip(f.Name), err)
		}
		left -= int64(len(data))
		files[name] = data
	}
	return files, nil
}

func readEntry(f *zip.File, most int64) ([]byte, error) {
	if f.Flags&1 != 0 {
		return nil, errors.New("it is encrypted")
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, most)
	}
	return data, nil
}

// checkName refuses names that mean something else on some system: outside of the folder, a drive, a stream.
func checkName(name string) error {
	switch {
	case !fs.ValidPath(name) || name == ".":
		return errors.New("not a path below a folder")
	case len(name) > nameLimit:
		return fmt.Errorf("a name of more than %d bytes", nameLimit)
	case !utf8.ValidString(name) || strings.ContainsAny(name, `\:<>"|?*`) || strings.ContainsFunc(name, unicode.IsControl):
		return errors.New("a character that a portable name has not")
	}
	for _, part := range strings.Split(name, "/") {
		if strings.HasSuffix(part, ".") || strings.HasSuffix(part, " ") {
			return errors.New("a dot or space at the end of a name")
		}
	}
	return nil
}

// claim refuses a name, safe by checkName, that stands there already, where case does not count too, and one that is both file and folder.
func claim(seen map[string]bool, name string) error {
	folded := strings.ToLower(name)
	if _, taken := seen[folded]; taken {
		return errors.New("the name is there twice")
	}
	for dir := path.Dir(folded); dir != "."; dir = path.Dir(dir) {
		if seen[dir] {
			return errors.New("a folder and a file have the same name")
		}
		seen[dir] = false
	}
	seen[folded] = true
	return nil
}

// packed is the moment that every file in an archive of ours bears: the first that the format knows.
var packed = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// pack makes a zip archive of files, the same for the same files.
func pack(files map[string][]byte) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		err := checkName(name)
		if err == nil {
			err = claim(seen, name)
		}
		if err != nil {
			return nil, fmt.Errorf("packing %q: %w", clip(name), err)
		}
		h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: packed}
		h.SetMode(0o644)
		w, err := z.CreateHeader(h)
		if err == nil {
			_, err = w.Write(files[name])
		}
		if err != nil {
			return nil, fmt.Errorf("packing %q: %w", clip(name), err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("packing: %w", err)
	}
	return out.Bytes(), nil
}
