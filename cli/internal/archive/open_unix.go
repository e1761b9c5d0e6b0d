//go:build unix

package archive

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// noFollow opens what the path itself names, and does not wait for the other
// end of a pipe.
const noFollow = unix.O_NOFOLLOW | unix.O_NONBLOCK

// syncDir makes the names in d durable. Some file systems cannot, and say
// EINVAL.
func syncDir(d *os.File) error {
	if err := d.Sync(); err != nil && !errors.Is(err, unix.EINVAL) {
		return err
	}
	return nil
}

// lockTemp marks f as in use until it is closed. False: somebody else has it,
// which can only be a sweep. File systems without locks are never swept.
func lockTemp(f *os.File) bool {
	return !errors.Is(unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB), unix.EWOULDBLOCK)
}

// orphaned reports whether nobody has f in use. It keeps it from others until
// it is closed.
func orphaned(f *os.File) bool {
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
}

// unsupported reports whether err says that a file system cannot do something.
func unsupported(err error) bool {
	for _, e := range []error{errors.ErrUnsupported, unix.ENOTSUP, unix.EOPNOTSUPP, unix.ENOSYS, unix.EPERM, unix.EINVAL, unix.EMLINK} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// closeToRename: an open file can be renamed, and keeps its lock.
const closeToRename = false
