package plugin

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// maxProgram bounds the copy of a program, in bytes: it is held in memory.
const maxProgram = 512 << 20

// sealed copies f into memory that can be executed and not be written any more.
// The error is [errors.ErrUnsupported] where the system has no such memory, or
// does not let it be executed.
func sealed(f *os.File) (*image, error) {
	fd, err := executableMemory()
	if err != nil {
		return nil, fmt.Errorf("%w: %v", errors.ErrUnsupported, err)
	}
	i := &image{copy: os.NewFile(uintptr(fd), f.Name())}
	// Not /proc/self: that would be the new process, in which the number may
	// name another file.
	i.path = fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd)
	if _, err := os.Stat(i.path); err != nil {
		i.close()
		return nil, fmt.Errorf("%w: %v", errors.ErrUnsupported, err)
	}
	if err := copyProgram(i.copy, f); err != nil {
		i.close()
		return nil, err
	}
	return i, nil
}

// executableMemory makes an empty file in memory. Kernels before 6.3 do not know
// the flag for executing it and allow it anyway; later ones can forbid it.
func executableMemory() (int, error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate("codex-backend", flags|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) {
		fd, err = unix.MemfdCreate("codex-backend", flags)
	}
	return fd, err
}

func copyProgram(to, from *os.File) error {
	n, err := io.Copy(to, io.LimitReader(from, maxProgram+1))
	if err != nil {
		return err
	}
	if n > maxProgram {
		return fmt.Errorf("it has more than %d bytes", maxProgram)
	}
	_, err = unix.FcntlInt(to.Fd(), unix.F_ADD_SEALS,
		unix.F_SEAL_WRITE|unix.F_SEAL_GROW|unix.F_SEAL_SHRINK|unix.F_SEAL_SEAL)
	return err
}
