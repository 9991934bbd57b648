//go:build unix

package runner

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func owner(t *testing.T, path string) uint32 {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Uid
}

func TestHandOver(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	const user, other = 1001, 1002
	outside := t.TempDir()
	s := newStage(t, nil)
	ws := s.getenv("GITHUB_WORKSPACE")
	t.Chdir(ws)
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(os.MkdirAll("new/out/reports", 0o755))
	do(os.MkdirAll("theirs", 0o755))
	for _, f := range []string{"new/out/reports/report.json", "new/out/reports/foreign", "theirs/file", filepath.Join(outside, "file")} {
		do(os.WriteFile(f, nil, 0o644))
	}
	do(os.Chown("new/out/reports/foreign", other, other))
	do(os.Symlink(filepath.Join(outside, "file"), "new/out/reports/link"))
	do(os.Symlink(outside, "escape"))
	do(os.Chown(ws, user, user))

	do(s.HandOver("new/out/reports", filepath.Join(ws, "new", "out", "models"), outside))
	for path, want := range map[string]uint32{
		"new": user, "new/out": user, "new/out/reports": user, "new/out/reports/report.json": user, "new/out/reports/link": user,
		"new/out/reports/foreign": other, "theirs": 0, "theirs/file": 0, outside: 0, filepath.Join(outside, "file"): 0,
	} {
		if got := owner(t, path); got != want {
			t.Errorf("%s belongs to %d, want %d", path, got, want)
		}
	}
	// A link that leads out of the workspace is not gone through, as a part of the path or at its end.
	_ = s.HandOver("escape", "escape/file")
	if got := owner(t, filepath.Join(outside, "file")); got != 0 {
		t.Errorf("a file outside the workspace now belongs to %d", got)
	}
}
