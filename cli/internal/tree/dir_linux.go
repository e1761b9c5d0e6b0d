package tree

import (
	"errors"

	"golang.org/x/sys/unix"
)

// beneath is how names are looked up: no symbolic link on the way, and nothing
// outside.
const beneath = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS

// lookOnly opens a symbolic link itself, to look at it.
const lookOnly = unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC

// openBeneath opens name below dir: in one call, where the system is not older
// than Linux 5.6 and does not forbid it.
func openBeneath(dir int, name string, flags int) (int, error) {
	how := unix.OpenHow{Flags: uint64(flags), Resolve: beneath}
	for {
		fd, err := unix.Openat2(dir, name, &how)
		switch {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
		case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM):
			return openStepwise(dir, name, flags)
		default:
			return fd, err
		}
	}
}
