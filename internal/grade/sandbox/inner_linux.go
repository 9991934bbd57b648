//go:build amd64 || arm64

package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// inner is the first process of the new namespaces. It prepares them and becomes the program. Whatever goes wrong on
// the way is reported, and nothing is run.
func inner() {
	runtime.LockOSThread() // what follows holds for a thread, and the one that becomes the program must be this
	err := prepare()
	if err != nil {
		why := err.Error()
		if !strings.HasPrefix(why, mistake) {
			why = reason(err)
		}
		syscall.Write(reportFD, []byte(why))
	}
	os.Exit(1)
}

func prepare() error {
	if os.Getpid() != 1 {
		return errors.New("not in a namespace of its own")
	}
	var o order
	if err := json.NewDecoder(os.NewFile(orderFD, "order")).Decode(&o); err != nil {
		return fmt.Errorf("reading the order: %w", err)
	}
	if err := unix.CloseRange(reportFD, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("closing files: %w", err)
	}
	if err := o.files(); err != nil {
		return err
	}
	dir := o.Dir
	if dir == "" {
		dir = Work
	}
	if err := os.Chdir(dir); err != nil {
		return fmt.Errorf("%sentering its folder: %w", mistake, err)
	}
	stdin, err := unix.Open("/stdin", unix.O_RDONLY, 0)
	if err == nil {
		err = unix.Dup3(stdin, 0, 0)
	}
	if err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	path, err := find(o.Args[0])
	if err != nil {
		return err
	}
	if err := o.drop(); err != nil {
		return err
	}
	if err := filter(); err != nil {
		return err
	}
	if err := holds(o.Switch); err != nil {
		return err
	}
	return o.become(path)
}

// system are the folders with programs and libraries, as far as they are there. /usr/local and the like are within them.
var system = [...]string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc/alternatives", "/etc/ld.so.cache", "/dev/null", "/dev/zero", "/dev/urandom"}

// files makes a new root out of memory, shows the folders there, and leaves the old one.
func (o order) files() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("mounts of its own: %w", err)
	}
	const root = "/tmp" // any folder does: what it holds is out of sight from here on
	// What is to be read may lie beneath that folder, so it is taken hold of before.
	show := append(slices.Clone(system[:]), o.Read...)
	held := make([]int, len(show))
	for i, path := range show {
		fd, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE|unix.AT_SYMLINK_NOFOLLOW)
		switch {
		case err != nil && i >= len(system):
			return fmt.Errorf("%sshowing it %s: %w", mistake, path, err)
		case errors.Is(err, unix.ENOENT):
			fd = -1
		case err != nil:
			return fmt.Errorf("showing %s: %w", path, err)
		}
		held[i] = fd
	}
	if err := unix.Mount("tmpfs", root, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=64m,nr_inodes=4k,mode=755"); err != nil {
		return fmt.Errorf("a root of its own: %w", err)
	}
	for i, path := range show {
		if held[i] < 0 {
			continue
		}
		if err := attach(held[i], path, root+path); err != nil {
			return fmt.Errorf("showing %s: %w", path, err)
		}
		unix.Close(held[i])
	}
	for _, path := range o.Hide {
		if err := cover(root + path); err != nil {
			return fmt.Errorf("hiding %s: %w", path, err)
		}
	}
	if err := os.WriteFile(root+"/stdin", []byte(o.Stdin), 0o444); err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	if err := os.MkdirAll(root+Work, 0o755); err != nil {
		return err
	}
	if err := os.Chdir(root); err != nil {
		return err
	}
	// The old root is put beneath the new one at the same place, and taken away.
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("changing the root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leaving the old root: %w", err)
	}
	if err := unix.Mount("tmpfs", Work, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC,
		fmt.Sprintf("size=%d,nr_inodes=1k,mode=777", max(o.Limits.Disk, 1<<16))); err != nil {
		return fmt.Errorf("a folder to write to: %w", err)
	}
	for name, text := range o.Files {
		if err := os.WriteFile(filepath.Join(Work, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	if err := unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
		return fmt.Errorf("sealing the root: %w", err)
	}
	return nil
}

// attach puts a folder or file, with all that is mounted within, read-only where the program will see it. A link is made
// anew.
func attach(tree int, path, at string) error {
	var st unix.Stat_t
	if err := unix.Fstat(tree, &st); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFLNK:
		to, err := os.Readlink(path)
		if err != nil {
			return err
		}
		if err := os.Symlink(to, at); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		return nil
	case unix.S_IFDIR:
		if err := os.MkdirAll(at, 0o755); err != nil {
			return err
		}
	default:
		if err := os.WriteFile(at, nil, 0o644); err != nil {
			return err
		}
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID}
	if !strings.HasPrefix(path, "/dev/") {
		attr.Attr_set |= unix.MOUNT_ATTR_NODEV
	}
	if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr); err != nil {
		return fmt.Errorf("read-only: %w", err)
	}
	return unix.MoveMount(tree, "", unix.AT_FDCWD, at, unix.MOVE_MOUNT_F_EMPTY_PATH)
}

// cover puts nothing in the place of a file or folder. What a link leads to is not in sight anyway.
func cover(at string) error {
	var st unix.Stat_t
	err := unix.Lstat(at, &st)
	switch {
	case errors.Is(err, unix.ENOENT), err == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK:
		return nil
	case err != nil:
		return err
	case st.Mode&unix.S_IFMT == unix.S_IFDIR:
		return unix.Mount("tmpfs", at, "tmpfs", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "size=4k,mode=555")
	}
	return unix.Mount("/dev/null", at, "", unix.MS_BIND, "")
}

// find looks for a program as a shell would.
func find(name string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, dir := range strings.Split(searchPath, ":") {
		path := filepath.Join(dir, name)
		if unix.Access(path, unix.X_OK) == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%sno program %s in %s", mistake, name, searchPath)
}

const searchPath = "/usr/local/bin:/usr/bin:/bin"

// drop gives up every privilege, for good.
func (o order) drop() error {
	for c := uintptr(0); c <= 63; c++ {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil {
			if c > 0 && errors.Is(err, unix.EINVAL) {
				break // beyond the last one that the kernel knows
			}
			return fmt.Errorf("dropping privileges: %w", err)
		}
	}
	if o.Switch { // by system calls for this thread alone
		if _, _, e := unix.RawSyscall(unix.SYS_SETGROUPS, 0, 0, 0); e != 0 {
			return fmt.Errorf("leaving groups: %w", e)
		}
		if _, _, e := unix.RawSyscall(unix.SYS_SETRESGID, 1, 1, 1); e != 0 {
			return fmt.Errorf("changing the group: %w", e)
		}
		if _, _, e := unix.RawSyscall(unix.SYS_SETRESUID, 1, 1, 1); e != 0 {
			return fmt.Errorf("changing the user: %w", e)
		}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		return fmt.Errorf("dropping privileges: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("renouncing privileges: %w", err)
	}
	// A change of user takes this back: the program dies with the one that started it.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("dying with the parent: %w", err)
	}
	return nil
}

// holds tries, from the inside, what must not be possible.
func holds(switched bool) error {
	if fd, err := unix.Open("/escape", unix.O_CREAT|unix.O_WRONLY, 0o600); err == nil {
		unix.Close(fd)
		return errors.New("the root can be written to")
	}
	for _, path := range []string{"/proc/self/environ", "/etc/passwd", "/root/.ssh", "/var/run", "/../etc/passwd", "/../proc"} {
		if unix.Access(path, unix.F_OK) == nil {
			return fmt.Errorf("%s is in sight", path)
		}
	}
	if fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0); err == nil {
		unix.Close(fd)
		return errors.New("the network can be reached")
	}
	if _, _, e := unix.RawSyscall(unix.SYS_UNSHARE, unix.CLONE_NEWUSER, 0, 0); e == 0 {
		return errors.New("privileges can be had back")
	}
	if switched && os.Getuid() == 0 {
		return errors.New("still root")
	}
	return nil
}

// become sets the limits and turns into the program. From the first limit on nothing may need memory or a thread, so all is
// laid out before.
func (o order) become(path string) error {
	l := o.Limits
	both := func(n uint64) unix.Rlimit { return unix.Rlimit{Cur: n, Max: n} }
	limits := [...]struct {
		of  uintptr
		now unix.Rlimit
	}{
		{unix.RLIMIT_CORE, both(0)},
		{unix.RLIMIT_FSIZE, both(uint64(max(l.Disk, 1<<16)))},
		{unix.RLIMIT_NOFILE, both(256)},
		{unix.RLIMIT_MEMLOCK, both(0)},
		{unix.RLIMIT_MSGQUEUE, both(0)},
		{unix.RLIMIT_CPU, both(uint64(l.cpu().Seconds()))},
		{unix.RLIMIT_NPROC, both(uint64(max(l.Processes, 1)))},
		{unix.RLIMIT_AS, both(uint64(max(l.Memory, 1<<24)))},
	}
	program, err := unix.BytePtrFromString(path)
	if err != nil {
		return err
	}
	args, err := syscall.SlicePtrFromStrings(o.Args)
	if err != nil {
		return err
	}
	env, err := syscall.SlicePtrFromStrings([]string{"PATH=" + searchPath, "HOME=" + Work, "TMPDIR=" + Work, "LANG=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1"})
	if err != nil {
		return err
	}
	if _, err := syscall.Write(reportFD, []byte(ready)); err != nil {
		return err
	}
	for i := range limits {
		if _, _, e := unix.RawSyscall6(unix.SYS_PRLIMIT64, 0, limits[i].of, uintptr(unsafe.Pointer(&limits[i].now)), 0, 0, 0); e != 0 {
			unix.RawSyscall(unix.SYS_EXIT_GROUP, 126, 0, 0)
		}
	}
	_, _, e := unix.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(program)), uintptr(unsafe.Pointer(&args[0])), uintptr(unsafe.Pointer(&env[0])))
	_ = e // there is nobody left to tell but the exit code
	unix.RawSyscall(unix.SYS_EXIT_GROUP, 127, 0, 0)
	return nil
}
