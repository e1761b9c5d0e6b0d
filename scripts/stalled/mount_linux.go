// Package stalled mounts a file system that never answers, as that of a server that
// is gone.
package stalled

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// Mount returns a directory on a file system that does not answer until the test
// ends: one in user space (FUSE) whose server reads no request. Only root may mount.
func Mount(t testing.TB) (dir string) {
	t.Helper()
	dir = t.TempDir()
	server, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("/dev/fuse: %v", err)
	}
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", server)
	err = unix.Mount("stalled", dir, "fuse", unix.MS_NOSUID|unix.MS_NODEV, options)
	t.Cleanup(func() {
		_ = unix.Close(server) // every call that waits ends now, with an error
		_ = unix.Unmount(dir, unix.MNT_DETACH)
	})
	if err != nil {
		t.Skipf("the right to mount a file system: %v", err)
	}
	return dir
}
