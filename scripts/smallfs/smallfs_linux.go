// Package smallfs runs tests on a file system of their own, which is small and
// goes away with the test.
package smallfs

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// dirVariable tells the process of a test where its file system is mounted.
const dirVariable = "CODEX_TEST_SMALLFS"

// cannotMount is how that process says that it may not mount.
const cannotMount = "this system lets no user mount in a namespace of its own"

// Run runs check in a process and a mount namespace of their own, with a tmpfs
// at dir. options are those of the mount, such as "size=1m". The process runs
// the test named as t, so Run is the first thing that a test calls, and check is
// all that it does.
func Run(t *testing.T, options string, check func(t *testing.T, dir string)) {
	t.Helper()
	if dir := os.Getenv(dirVariable); dir != "" {
		if err := syscall.Mount("none", dir, "tmpfs", 0, options); err != nil {
			t.Skipf("%s: %v", cannotMount, err)
		}
		check(t, dir)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), dirVariable+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EINVAL):
		t.Skipf("%s: %v", cannotMount, err)
	case err != nil:
		t.Fatalf("%v:\n%s", err, out)
	case strings.Contains(string(out), "--- SKIP"):
		t.Skipf("%s", out)
	case !strings.Contains(string(out), "--- PASS: "+t.Name()):
		t.Fatalf("the test did not run:\n%s", out)
	}
}
