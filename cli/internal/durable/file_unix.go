//go:build unix

package durable

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// noFollow opens what the path itself names, and does not wait for the other
// end of a pipe.
const noFollow = unix.O_NOFOLLOW | unix.O_NONBLOCK

// openFile is [os.OpenFile] that does not follow a symbolic link.
func openFile(path string, flag int, perm fs.FileMode) (*os.File, error) {
	return os.OpenFile(path, flag|noFollow, perm)
}

// Remove removes a name in root.
func Remove(root *os.Root, name string) error { return root.Remove(name) }

// TryLock takes the lock of f's open file description and reports whether it
// was free. The lock ends when f is closed.
func TryLock(f *os.File) (bool, error) {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK), errors.Is(err, unix.EINTR):
		return false, nil
	case err != nil:
		return false, os.NewSyscallError("flock", err)
	}
	return true, nil
}

// SyncDir makes the names in the opened directory d durable. Some file systems
// cannot, and say EINVAL.
func SyncDir(d *os.File) error {
	if err := d.Sync(); err != nil && !errors.Is(err, unix.EINVAL) {
		return err
	}
	return nil
}

// Unsupported reports whether err says that a file system cannot do something.
func Unsupported(err error) bool {
	for _, e := range []error{errors.ErrUnsupported, unix.ENOTSUP, unix.EOPNOTSUPP, unix.ENOSYS, unix.EPERM, unix.EINVAL, unix.EMLINK} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// ownedByUs reports whether a file belongs to this user and is closed to others.
func ownedByUs(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid() && info.Mode().Perm()&0o077 == 0
}

// Full reports whether err says that there is no space left.
func Full(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}

// Identity returns what names the file of info, and true where the system tells.
func Identity(info fs.FileInfo) (FileID, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return FileID{}, false
	}
	return FileID{uint64(st.Dev), uint64(st.Ino)}, true
}

// MaxOpen returns how many files this process may have open.
func MaxOpen() int {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return 256 // the smallest limit that is common
	}
	return int(min(uint64(limit.Cur), 1<<20))
}
