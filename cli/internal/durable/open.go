package durable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// OpenRegular is [os.OpenFile] for a regular file and nothing else. It does not
// follow a symbolic link, and does not open what an open can change or wait for
// (a device, a pipe).
func OpenRegular(path string, flag int, perm fs.FileMode) (*os.File, error) {
	info, err := os.Lstat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, notRegular(path, info.Mode())
	}
	f, err := openFile(path, flag, perm)
	if err != nil {
		return nil, err
	}
	return onlyRegular(f, path)
}

// OpenRegularIn is [OpenRegular] for a name in root.
func OpenRegularIn(root *os.Root, name string, flag int, perm fs.FileMode) (*os.File, error) {
	info, err := root.Lstat(name)
	if err == nil && !info.Mode().IsRegular() {
		return nil, notRegular(name, info.Mode())
	}
	f, err := root.OpenFile(name, flag|noFollow, perm)
	if err != nil {
		return nil, err
	}
	// A root follows links inside it: what it opened must be what has the name.
	if !stillNamedIn(f, root, name) {
		_ = f.Close() // it was only read; the error that follows says more
		return nil, notRegular(name, fs.ModeSymlink)
	}
	return onlyRegular(f, name)
}

// ReadRegular reads a regular file of at most max bytes, see [OpenRegular].
func ReadRegular(path string, max int64) ([]byte, error) {
	f, err := OpenRegular(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	if info, err := f.Stat(); err == nil && info.Size() > max {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("has more than %d bytes", max)}
	}
	return io.ReadAll(io.LimitReader(f, max)) // it may grow meanwhile
}

// onlyRegular closes f unless it is a regular file.
func onlyRegular(f *os.File, path string) (*os.File, error) {
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = notRegular(path, info.Mode())
	}
	if err != nil {
		_ = f.Close() // it was only read; the error that follows says more
		return nil, err
	}
	return f, nil
}

// NotRegularError says that a path names another type of file than it must.
type NotRegularError struct {
	Path string
	Mode fs.FileMode
}

func (e *NotRegularError) Error() string { return e.Path + ": " + e.Unwrap().Error() }

// Unwrap returns what is wrong, without the path.
func (e *NotRegularError) Unwrap() error { return errors.New("is " + FileType(e.Mode)) }

func notRegular(path string, mode fs.FileMode) error { return &NotRegularError{path, mode} }

// FileType names the type of a file, with its article.
func FileType(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "a regular file"
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}

// Cause is err without the name of the call and its operands.
func Cause(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	var special *NotRegularError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	case errors.As(err, &special):
		return special.Unwrap()
	}
	return err
}
