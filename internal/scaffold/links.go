package scaffold

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// follow looks where links lead. What is left of the paths are regular files in the repository at root, each once: of a
// file and the links to it, the first that has a role by its name, else the first.
func follow(dir, root string, paths []string, links map[string]bool) (left []string, bad []Trouble) {
	if root == "" {
		root = dir
	}
	root, err := filepath.Abs(root)
	if err == nil {
		root, err = filepath.EvalSymlinks(root)
	}
	at := map[string]int{} // real path to the index in left
	for _, name := range paths {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if links[name] {
			if why := wrong(path, root); why != "" {
				bad = append(bad, Trouble{Path: name, Why: why})
				continue
			}
		}
		real, failed := filepath.EvalSymlinks(path)
		if failed == nil {
			real, failed = filepath.Abs(real)
		}
		i, again := at[real]
		switch {
		case err != nil || failed != nil || !again:
			at[real] = len(left)
			left = append(left, name)
		case siteOf(left[i]).role == unnamed && siteOf(name).role != unnamed:
			left[i] = name
		}
	}
	return left, bad
}

// wrong says why what is no regular file by itself cannot be used as one; empty when it can.
func wrong(path, root string) string {
	target, err := filepath.EvalSymlinks(path)
	info, failed := os.Stat(path)
	switch {
	case errors.Is(failed, syscall.ELOOP):
		return "is a link that leads to itself"
	case errors.Is(failed, fs.ErrNotExist):
		return "is a link that leads to nothing"
	case err != nil || failed != nil:
		return "is a link that cannot be followed"
	}
	if absolute, err := filepath.Abs(target); err == nil {
		target = absolute
	}
	if rel, err := filepath.Rel(root, target); err != nil || !filepath.IsLocal(rel) {
		return "is a link that leads out of the repository"
	}
	if !info.Mode().IsRegular() {
		return "is not a regular file"
	}
	return ""
}
