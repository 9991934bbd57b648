package manifest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/tunegate/tunegate/internal/diag"
)

// Root returns the folder that no path of a manifest in dir may leave: GITHUB_WORKSPACE when dir lies in it, else the
// nearest folder upwards that holds .git, else dir itself, or the folder around it when it is .github.
func Root(getenv func(string) string, dir string) string {
	dir = realPath(dir)
	if workspace := getenv("GITHUB_WORKSPACE"); workspace != "" {
		if workspace = realPath(workspace); within(workspace, dir) {
			return workspace
		}
	}
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			return at
		}
		if at == filepath.Dir(at) {
			if filepath.Base(dir) == ".github" {
				return filepath.Dir(dir)
			}
			return dir
		}
	}
}

// Path is the manifest's path below Root, with slashes; "" where it is of no file, or not in there.
func (m *Manifest) Path() string {
	at, err := filepath.Abs(m.File)
	if err != nil || m.File == "" {
		return ""
	}
	rel, err := filepath.Rel(m.Root, filepath.Join(realPath(filepath.Dir(at)), filepath.Base(at)))
	if err != nil || !filepath.IsLocal(rel) {
		return ""
	}
	return filepath.ToSlash(rel)
}

// Load reads the manifest in file and checks that the files it names are files within root, links followed. The error
// is diag.Mistakes when the manifest is to blame, else a wrapped I/O error (fs.ErrNotExist: there is no manifest).
func Load(file, root string) (*Manifest, error) {
	root = realPath(root)
	target, err := filepath.EvalSymlinks(file)
	if err == nil && !within(root, realPath(target)) { // before it is read: what lies outside is nobody's to read
		return nil, diag.Mistakes{{Rule: "bad-path", Severity: diag.Critical, File: file,
			Message: "the manifest lies outside the repository " + root, Hint: "a manifest and its data belong in one repository"}}
	}
	if err == nil && inGit(root, target) {
		return nil, diag.Mistakes{{Rule: "bad-path", Severity: diag.Critical, File: file,
			Message: "the manifest is one of git's own files", Hint: "they may hold secrets of the checkout, and are no manifest"}}
	}
	var data []byte
	if err == nil {
		data, err = read(target)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the manifest %s: %w", file, cause(err))
	}
	m, r := parse(data, file, &tree{root: root, dir: realPath(filepath.Dir(file))})
	m.Root = root
	if ms := r.mistakes(); len(ms) > 0 {
		return nil, ms
	}
	return m, nil
}

// read returns a regular file's content, cut off where it is too long for a manifest. Anything else, a pipe for one,
// could keep us waiting.
func read(path string) ([]byte, error) {
	if err := regular(path); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, cause(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	return data, cause(err)
}

// regular says why path, links followed, is not a regular file.
func regular(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return cause(err)
	case info.IsDir():
		return errors.New("a folder, not a file")
	case info.Mode()&fs.ModeNamedPipe != 0:
		return errors.New("a named pipe, not a regular file")
	case !info.Mode().IsRegular():
		return errors.New("not a regular file")
	}
	return nil
}

// loops tells whether links lead from path to path for ever.
func loops(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, syscall.ELOOP)
}

// cause leaves out the operation and the path that package os puts before an error: the caller names the file.
func cause(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

// tree is where a manifest's paths lead: from dir, and not out of root. Both are real paths.
type tree struct{ root, dir string }

// checkFile returns the absolute path of a file that the manifest names at where, empty when there is something wrong
// with it. The last element may be a link: only where it leads to is checked. absent ends the
// hint where there is no such file.
func (r *reader) checkFile(t tree, where, written, absent string) string {
	if written == "" {
		return "" // left out, or wrong already
	}
	at := r.sites[where].value
	file := filepath.Join(t.dir, filepath.FromSlash(written))
	if !within(t.root, file) {
		r.mistake("bad-path", at, fmt.Sprintf("%s: %q leads out of the repository", where, written), "the repository is "+t.root)
		return ""
	}
	target, err := filepath.EvalSymlinks(file)
	if err == nil && !(within(t.root, target) && within(t.root, realPath(filepath.Dir(file)))) {
		r.mistake("bad-path", at, fmt.Sprintf("%s: %q leads out of the repository by a link", where, written), "the repository is "+t.root)
		return ""
	}
	if inGit(t.root, file) || err == nil && inGit(t.root, target) {
		r.mistake("bad-path", at, fmt.Sprintf("%s: %q is one of git's own files", where, written), "they may hold secrets of the checkout, and are no data")
		return ""
	}
	if err == nil {
		err = regular(target)
	}
	_, notLink := os.Readlink(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && notLink == nil:
		r.mistake("bad-path", at, fmt.Sprintf("%s: %q is a link that leads to nothing", where, written), "name a regular file")
		return ""
	case errors.Is(err, fs.ErrNotExist):
		r.mistake("no-file", at, fmt.Sprintf("%s: there is no file %q", where, written), t.similar(file, written)+"paths are relative to the manifest's folder"+absent)
		return ""
	case loops(file):
		r.mistake("bad-path", at, fmt.Sprintf("%s: %q is a link that leads to itself", where, written), "name a regular file")
		return ""
	case err != nil:
		r.mistake("bad-path", at, fmt.Sprintf("%s: %q: %v", where, written, cause(err)), "name a regular file")
		return ""
	}
	return file
}

// similar names a file beside the missing one with nearly its name, as the manifest would write it and as the start of a hint.
func (t tree) similar(missing, written string) string {
	dir, err := filepath.EvalSymlinks(filepath.Dir(missing))
	if err != nil || !within(t.root, dir) {
		return ""
	}
	f, err := os.Open(dir)
	if err != nil {
		return ""
	}
	defer f.Close()
	names, _ := f.Readdirnames(1000)                                                                        // enough: it is only a hint
	names = slices.DeleteFunc(names, func(name string) bool { return strconv.Quote(name) != `"`+name+`"` }) // may be hostile
	best := diag.Nearest(filepath.Base(missing), names)
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %s? ", path.Join(path.Dir(written), best))
}

// inGit tells whether a path within root leads through git's own folder, which may hold the token of a checkout.
func inGit(root, path string) bool {
	rel, err := filepath.Rel(root, path)
	return err == nil && slices.ContainsFunc(strings.Split(rel, string(filepath.Separator)), func(s string) bool { return strings.EqualFold(s, ".git") })
}

func within(root, path string) bool {
	rel, err := filepath.Rel(root, path)
	return err == nil && filepath.IsLocal(rel)
}

// realPath returns the absolute path without links, as far as it exists.
func realPath(path string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	return path
}
