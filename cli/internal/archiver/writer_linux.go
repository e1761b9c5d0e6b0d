package archiver

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// hasWriter reports whether a process has f open for writing, or mapped, as far
// as this system tells. A read lease cannot be taken then. It is released at
// once, because a process that opens the file for writing waits for that.
func hasWriter(f *os.File) bool {
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK); err != nil {
		return errors.Is(err, unix.EAGAIN)
	}
	_, _ = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK) // closing f does it as well
	return false
}

// Guard is a lease on a file: a process that opens it for writing waits until the
// file is closed, as long as the system lets a lease last. Where a lease cannot be had
// nothing waits: on a file of another user, and on some file systems.
type Guard struct {
	f     *os.File
	lease bool
}

// NewGuard returns a guard of f, which ends when f is closed. A file that is open for
// writing is [ErrWriter].
func NewGuard(f *os.File) (Guard, error) {
	_, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK)
	if errors.Is(err, unix.EAGAIN) {
		return Guard{}, ErrWriter
	}
	return Guard{f, err == nil}, nil
}

// Check is [ErrWriter] if a process waits to write, or does not wait any more.
func (g Guard) Check() error {
	if !g.lease {
		return nil
	}
	lease, err := unix.FcntlInt(g.f.Fd(), unix.F_GETLEASE, 0)
	if err == nil && lease != unix.F_RDLCK {
		err = ErrWriter
	}
	return err
}
