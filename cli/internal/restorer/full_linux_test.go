package restorer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/codex-archive/codex/cli/internal/filetest"
	"github.com/codex-archive/codex/sdk"
)

// skipCode is how the child says that it may not mount.
const skipCode = 77

// TestFullDisk runs fullRole in a mount namespace of its own, on a file system
// of 1 MiB that goes with it.
func TestFullDisk(t *testing.T) {
	cmd := child(t, "full", t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EINVAL),
		errors.As(err, &exit) && exit.ExitCode() == skipCode:
		t.Skipf("this system lets no user mount in a namespace of its own: %v %s", err, out)
	default:
		t.Fatalf("%v: %s", err, out)
	}
}

func fullRole(dir string) error {
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=1m"); err != nil {
		fmt.Println(err)
		os.Exit(skipCode)
	}
	old := filepath.Join(dir, "old")
	if err := os.WriteFile(old, filetest.Noise(800<<10), 0o600); err != nil {
		return err
	}
	for _, size := range []int{verifiedInMemory, 2 * verifiedInMemory} {
		s := newStored(filetest.Noise(size), filetest.Noise(size), sdk.None)
		for name, d := range map[string]Destination{
			"new": {Path: filepath.Join(dir, "new")}, "old": {Path: old, Force: true},
		} {
			var rs Restorer
			_, err := rs.Restore(context.Background(), &s.record, bytes.NewReader(s.body), d)
			if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), d.Path) {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	names, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil || len(names) > 0 {
		return fmt.Errorf("left: %v, %w", names, err)
	}
	if b, err := os.ReadFile(old); err != nil || !bytes.Equal(b, filetest.Noise(800<<10)) {
		return fmt.Errorf("the old file is not what it was: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "new")); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the new file is there: %w", err)
	}
	return nil
}
