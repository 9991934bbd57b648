//go:build unix

package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// HandOver gives what root made at the paths, and the folders that lead there, to the workspace's owner, who could not
// clean up otherwise. It touches nothing outside the workspace, follows no link out of it, and does nothing at all
// for anybody but root.
func (r *Runner) HandOver(paths ...string) error {
	if r.getenv("GITHUB_WORKSPACE") == "" || os.Geteuid() != 0 {
		return nil
	}
	root, err := os.OpenRoot(r.workspace())
	if err != nil {
		return fmt.Errorf("handing files over: %w", err)
	}
	defer root.Close()
	info, err := root.Stat(".")
	if err != nil {
		return fmt.Errorf("handing files over: %w", err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	give := func(name string, info fs.FileInfo) error {
		if info.Sys().(*syscall.Stat_t).Uid != 0 {
			return nil
		}
		return root.Lchown(name, int(owner.Uid), int(owner.Gid))
	}
	var errs []error
	for _, path := range paths {
		name, ok := r.inWorkspace(path)
		if !ok || owner.Uid == 0 {
			continue
		}
		for up := filepath.Dir(name); up != "."; up = filepath.Dir(up) {
			if info, err := root.Lstat(up); err == nil {
				errs = append(errs, give(up, info))
			}
		}
		errs = append(errs, fs.WalkDir(root.FS(), name, func(name string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			return give(name, info)
		}))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("handing files over: %w", err)
	}
	return nil
}
