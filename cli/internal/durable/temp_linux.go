package durable

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// openNameless returns a file in the directory that has no name, or nil where the
// file system has no such thing or it could not be linked later (no /proc).
func (t *Temp) openNameless(perm fs.FileMode) (f *os.File) {
	if !haveProc() {
		return nil
	}
	_ = t.inDir(func(dir int) error { // f says whether it was made
		fd, err := unix.Openat(dir, ".", unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, uint32(perm))
		if err == nil {
			f = os.NewFile(uintptr(fd), "a file without a name")
		}
		return err
	})
	return f
}

// haveProc reports whether opened files have paths below /proc.
var haveProc = sync.OnceValue(func() bool {
	var stat unix.Statfs_t
	return unix.Statfs("/proc/self/fd", &stat) == nil && int64(stat.Type) == unix.PROC_SUPER_MAGIC
})

// inDir calls do with a descriptor of the directory.
func (t *Temp) inDir(do func(dir int) error) error {
	d := t.dir
	if d == nil {
		var err error
		if d, err = t.root.Open("."); err != nil {
			return err
		}
		defer func() { _ = d.Close() }() // it was only read
	}
	return do(int(d.Fd()))
}

// procPath is a path of an opened file, with or without a name.
func procPath(f *os.File) string { return "/proc/self/fd/" + strconv.Itoa(int(f.Fd())) }

// link names a nameless file.
func (t *Temp) link(name string) error {
	return t.inDir(func(dir int) error {
		if err := unix.Linkat(unix.AT_FDCWD, procPath(t.File), dir, name, unix.AT_SYMLINK_FOLLOW); err != nil {
			return &os.LinkError{Op: "linkat", Old: t.File.Name(), New: name, Err: err}
		}
		return nil
	})
}

// SetTime sets the modification time, in the full range of the system, and that
// of the last access to now. Some file systems in user space ignore a call that
// sets only one of the two.
func (t *Temp) SetTime(at time.Time) error {
	times := make([]unix.Timespec, 2)
	for i, tm := range []time.Time{time.Now(), at} {
		ts, err := unix.TimeToTimespec(tm)
		if err != nil {
			return err
		}
		times[i] = ts
	}
	if t.name == "" {
		err := unix.UtimesNanoAt(int(t.File.Fd()), "", times, unix.AT_EMPTY_PATH)
		if errors.Is(err, unix.EINVAL) { // before Linux 5.8
			err = unix.UtimesNanoAt(unix.AT_FDCWD, procPath(t.File), times, 0)
		}
		return err
	}
	return t.inDir(func(dir int) error {
		return unix.UtimesNanoAt(dir, t.name, times, unix.AT_SYMLINK_NOFOLLOW)
	})
}

// renameNew renames unless the new name is taken.
func renameNew(root *os.Root, from, to string) error {
	d, err := root.Open(".")
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }() // it was only read
	err = unix.Renameat2(int(d.Fd()), from, int(d.Fd()), to, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EEXIST) {
		return fs.ErrExist
	}
	return err
}
