package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// NamedFileError says that a file which the user named cannot be read or made.
type NamedFileError struct {
	By   string // what named it: a flag, a key of the configuration, a variable
	Path string
	Hint string // what to do if it is missing
	Err  error
}

// NamedFile returns err, about the file at path, as a [NamedFileError], and nil
// for nil. A [StalledError] stays one.
func NamedFile(by, path string, err error, hint string) error {
	var stalled *StalledError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &stalled):
		return fmt.Errorf("%s: %w", by, err)
	}
	return &NamedFileError{By: by, Path: path, Hint: hint, Err: err}
}

// NewFile reports what is in the way of a new file at path: something has that
// name, or there is no directory for it.
func NewFile(by, path string) error {
	_, err := os.Lstat(path)
	switch {
	case err == nil:
		err = &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	case errors.Is(err, fs.ErrNotExist):
		_, err = os.Stat(filepath.Dir(path))
	}
	return NamedFile(by, path, err, "")
}

func (e *NamedFileError) Error() string { return e.By + ": " + e.Path + ": " + e.words() }

func (e *NamedFileError) words() string {
	switch {
	case errors.Is(e.Err, fs.ErrExist):
		return "something has this name already"
	case !errors.Is(e.Err, fs.ErrNotExist):
		return Cause(e.Err).Error()
	case e.noDirectory():
		return "there is no directory " + filepath.Dir(e.Path)
	}
	return "no such file"
}

// Unwrap returns the cause.
func (e *NamedFileError) Unwrap() error { return e.Err }

// Advice says what to do, "" if there is nothing to add.
func (e *NamedFileError) Advice() string {
	switch {
	case errors.Is(e.Err, fs.ErrExist):
		return "nothing is replaced: name another file"
	case !errors.Is(e.Err, fs.ErrNotExist):
		return ""
	case e.Hint != "":
		return e.Hint
	case e.noDirectory():
		return "make the directory first, or name another"
	}
	return "name a file that exists"
}

func (e *NamedFileError) noDirectory() bool {
	_, err := os.Stat(filepath.Dir(e.Path))
	return errors.Is(err, fs.ErrNotExist)
}
