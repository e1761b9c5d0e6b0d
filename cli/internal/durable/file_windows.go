package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

const noFollow = 0

// openFile is [os.OpenFile] for a regular file that other processes may rename,
// replace and remove meanwhile. os.OpenFile would forbid that, a root does not.
func openFile(path string, flag int, perm fs.FileMode) (*os.File, error) {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := OpenRegularIn(root, filepath.Base(path), flag, perm)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: Cause(err)}
	}
	return f, nil
}

// ownedByUs: the directory for temporary files is the user's own here.
func ownedByUs(fs.FileInfo) bool { return true }

// TryLock locks one byte far behind the end of f: locks forbid others to read
// and write what they cover, and locked files must stay readable.
func TryLock(f *os.File) (bool, error) {
	far := windows.Overlapped{OffsetHigh: 1 << 30}
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &far)
	switch {
	case errors.Is(err, windows.ERROR_LOCK_VIOLATION), errors.Is(err, windows.ERROR_IO_PENDING):
		return false, nil
	case err != nil:
		return false, os.NewSyscallError("LockFileEx", err)
	}
	return true, nil
}

// SyncDir does nothing: Windows has no such call, NTFS journals names.
func SyncDir(*os.File) error { return nil }

// Unsupported reports whether err says that a file system cannot do something.
func Unsupported(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, windows.ERROR_NOT_SUPPORTED) || errors.Is(err, windows.ERROR_INVALID_FUNCTION)
}

// Full reports whether err says that there is no space left.
func Full(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}

// Identity returns false: Windows does not tell before a file is opened.
func Identity(fs.FileInfo) (FileID, bool) { return FileID{}, false }

// MaxOpen returns how many files this process may have open: Windows has no small
// limit.
func MaxOpen() int { return 1 << 20 }
