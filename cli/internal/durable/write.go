package durable

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteFile replaces the file at path, whole or not at all, and returns once it
// is on disk. write makes the content. perm is what the file gets before the
// umask; a symbolic link at path is replaced, not followed.
func WriteFile(path string, perm fs.FileMode, write func(io.Writer) error) error {
	return writeFile(path, perm, true, write)
}

// CreateFile is [WriteFile] for a file that must not exist: then its error is
// [fs.ErrExist].
func CreateFile(path string, perm fs.FileMode, write func(io.Writer) error) error {
	return writeFile(path, perm, false, write)
}

// writeFile names path in errors of the system, which know the file before it has its name.
func writeFile(path string, perm fs.FileMode, replace bool, write func(io.Writer) error) error {
	err := writeNameless(path, perm, replace, write)
	var call *fs.PathError
	var link *os.LinkError
	if errors.As(err, &call) || errors.As(err, &link) {
		return &fs.PathError{Op: "write", Path: path, Err: Cause(err)}
	}
	return err
}

func writeNameless(path string, perm fs.FileMode, replace bool, write func(io.Writer) error) error {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer root.Close()
	t, err := NewTemp(root, perm)
	if err != nil {
		return err
	}
	defer t.Discard()
	if err := write(t.File); err != nil {
		return err
	}
	if err := t.File.Sync(); err != nil {
		return err
	}
	if err := t.Publish(filepath.Base(path), replace); err != nil {
		return err
	}
	return SyncRoot(root)
}

// SyncRoot makes the names in root durable.
func SyncRoot(root *os.Root) error {
	d, err := root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(SyncDir(d), d.Close())
}

// SyncPath makes the names in the directory dir durable.
func SyncPath(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(SyncDir(d), d.Close())
}
