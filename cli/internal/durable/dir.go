package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// CheckDir reports an error unless path itself is a directory.
func CheckDir(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return notRegular(path, info.Mode())
	}
	return nil
}

// CanMake reports an error unless files can be made in dir, which is missing,
// once it and the directories above it are made. It leaves nothing behind.
func CanMake(dir string) error {
	for _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist); _, err = os.Lstat(dir) {
		dir = filepath.Dir(dir)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	t, err := NewTemp(root, 0o600)
	if err != nil {
		return &fs.PathError{Op: "make a file in", Path: dir, Err: Cause(err)}
	}
	defer t.Discard()
	_, err = t.File.Write(make([]byte, probeBytes))
	return err
}

// probeBytes is what one directory and one short file need, in bytes.
const probeBytes = 8 << 10

// projectDir is the directory of a project that a clone can bring.
const projectDir = ".codex"

// CheckProjectDir reports an error where dir is reached through a symbolic link
// below a project's .codex, because that may lead anywhere. A directory that is
// missing is no error, and neither is one elsewhere.
func CheckProjectDir(dir string) error {
	var below []string
	for d := filepath.Clean(dir); filepath.Base(d) != projectDir; d = filepath.Dir(d) {
		if d == filepath.Dir(d) {
			return nil
		}
		below = append(below, d)
	}
	for _, d := range below {
		if err := CheckDir(d); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// FileID names a file on this machine, whatever its paths.
type FileID struct{ device, inode uint64 }
