package durable

import (
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// FileSystem makes durable what was written to one file system since it was
// opened: all files at once.
type FileSystem struct{ f *os.File }

// syncable are the file systems whose syncfs writes everything to the disk. One
// in user space or across a network may pass over it.
var syncable = []int64{unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC, unix.TMPFS_MAGIC}

// OpenFileSystem returns the file system of the opened directory d, or nil where
// a sync of it would not be sure to write everything and to report every error:
// Linux reports them since 5.8.
func OpenFileSystem(d *os.File) *FileSystem {
	var stat unix.Statfs_t
	if !kernelAtLeast(5, 8) || unix.Fstatfs(int(d.Fd()), &stat) != nil || !slices.Contains(syncable, int64(stat.Type)) {
		return nil
	}
	fd, err := unix.Openat(int(d.Fd()), ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	return &FileSystem{os.NewFile(uintptr(fd), "a file system")}
}

// Sync writes everything to the disk. An error is about any of the files, and is
// returned once.
func (s *FileSystem) Sync() error { return os.NewSyscallError("syncfs", unix.Syncfs(int(s.f.Fd()))) }

// Close closes it.
func (s *FileSystem) Close() error { return s.f.Close() }

// Device returns the number of the file system that the opened file f is in.
func Device(f *os.File) (uint64, bool) {
	var stat unix.Stat_t
	err := unix.Fstat(int(f.Fd()), &stat)
	return uint64(stat.Dev), err == nil
}

// kernelAtLeast reports whether the kernel is of this version or a later one.
func kernelAtLeast(major, minor int) bool {
	var name unix.Utsname
	if unix.Uname(&name) != nil {
		return false
	}
	var found [2]int
	i := 0
	for _, c := range name.Release {
		switch {
		case c >= '0' && c <= '9':
			found[i] = found[i]*10 + int(c-'0')
			continue
		case c == '.' && i == 0:
			i++
			continue
		}
		break
	}
	return found[0] > major || found[0] == major && found[1] >= minor
}
