package sdk

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
)

// FilePath returns the path of the file that o.URL names, for a backend that keeps
// an archive in a file: after "SCHEME://" come a slash and a path relative to o.Dir,
// or two slashes and the rest of an absolute path. The path has no escapes.
func (o *Options) FilePath(scheme string) (string, error) {
	rest, ok := strings.CutPrefix(o.URL, scheme+"://")
	if !ok {
		return "", Errorf(Unsupported, "this backend takes %s:///PATH", scheme)
	}
	path, ok := strings.CutPrefix(rest, "/")
	switch {
	case !ok:
		return "", Errorf(Invalid, "a %s URL has three slashes and a relative path, or four and an absolute one", scheme)
	case path == "" || strings.HasSuffix(path, "/"):
		return "", Errorf(Invalid, "the %s URL names no file", scheme)
	case strings.ContainsRune(path, 0):
		return "", Errorf(Invalid, "the path in the %s URL holds a NUL", scheme)
	case strings.ContainsRune(path, '?'):
		return "", Errorf(Unsupported, "a %s URL has no options", scheme)
	}
	path = filepath.FromSlash(path)
	if !filepath.IsAbs(path) {
		path = filepath.Join(o.Dir, path)
	}
	return filepath.Clean(path), nil
}

// FileError returns an error of the file system with its kind, for a backend that
// keeps an archive in a file. It says what was tried, such as "make the archive".
// It is not temporary: a host that tried again at once would find the same.
func FileError(trying string, err error) *Error {
	kind := Unavailable
	switch {
	case errors.Is(err, fs.ErrNotExist):
		kind = NoArchive
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		kind = PermissionDenied
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		kind = Full
	}
	e := Errorf(kind, "%s: %w", trying, err)
	e.Retry = false
	return e
}
